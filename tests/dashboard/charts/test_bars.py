"""Bars of data volume: from nought, piled up, in a unit that fits, and nothing said is not nothing."""

from dashboard.charts.bars import Pile, volume_chart
from tests.dashboard.charts.charted import ABOUT

GB = 10**9
LOOKS = ("received", "sent")


def test_amounts_stand_on_top_of_each_other() -> None:
    chart = volume_chart(
        [Pile((3 * GB, GB), "mo", "4 GB"), Pile(None, "tu", "–"), Pile((0, 0), "we", "0")],
        LOOKS,
        ABOUT,
        lang="sv",
    )
    assert [(bar.look, bar.y, bar.height) for bar in chart.bars] == [("received", 25, 75), ("sent", 0, 25)]
    assert [(bar.x, bar.width, bar.words) for bar in chart.unknown] == [(36.667, 26.667, "–")]
    assert [(tick.at, tick.words) for tick in chart.ticks] == [
        (100, "0"),
        (75, "1"),
        (50, "2"),
        (25, "3"),
        (0, "4 GB"),
    ]
    assert [label.words for label in chart.labels] == ["mo", "tu", "we"]


def test_numbers_are_the_readers() -> None:
    piles = [Pile((1_500_000, 0), "mo", "")]
    ticks = {
        lang: [tick.words for tick in volume_chart(piles, LOOKS, ABOUT, lang=lang).ticks]
        for lang in ("sv", "en")
    }
    assert ticks == {"sv": ["0", "0,5", "1", "1,5 MB"], "en": ["0", "0.5", "1", "1.5 MB"]}


def test_nothing_at_all_still_has_an_axis() -> None:
    chart = volume_chart([Pile(None, "mo", "–")], LOOKS, ABOUT, lang="sv")
    assert chart.bars == ()
    assert chart.ticks[-1].words == "5 B"

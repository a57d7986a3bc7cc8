"""Points beside each other: the worst first, and what is not known never stands above what is."""

from dashboard.comparing import Compared, compared_rows
from services.availability.figures import Figures, Times

HOUR = 3_600_000


def point(name: str, figures: Figures | None) -> Compared:
    return Compared(name.lower(), "0781", name, figures, None)


def of(*, hours_known: bool = True, **hours: float) -> Figures:
    times = Times(**{name: int(value * HOUR) for name, value in hours.items()})
    return Figures(1, times, times, hours_known, 1 if times.unavailable else 0)


def test_worst_comes_first_and_unknown_last() -> None:
    rows = compared_rows(
        [
            point("Ny", None),
            point("Blind", of(up=1, blind=23)),
            point("Åby", of(up=24)),
            point("Berga", of(up=24)),
            point("Sämst", of(up=12, down=12)),
            point("Nästan", of(up=23, lost=1)),
        ],
        "sv",
    )
    assert [row.name for row in rows] == ["Sämst", "Nästan", "Berga", "Åby", "Blind", "Ny"]
    assert [row.clock for row in rows][:2] == ["50,00\N{NO-BREAK SPACE}%", "95,83\N{NO-BREAK SPACE}%"]
    assert [(row.clock, row.clock_coverage) for row in rows][4:] == [
        ("Underlag saknas", "4,16\N{NO-BREAK SPACE}%"),
        ("–", "–"),
    ]
    assert (rows[0].unavailable, rows[0].outages) == ("12 h 0 min", 1)
    assert (rows[-1].days, rows[-1].outages, rows[-1].volume) == (0, None, "–")


def test_longer_outage_decides_between_equal_shares() -> None:
    rows = compared_rows([point("Kort", of(up=23, down=1)), point("Lång", of(up=46, down=2))], "en")
    assert [row.name for row in rows] == ["Lång", "Kort"]


def test_hours_that_are_not_known_give_no_figure() -> None:
    (row,) = compared_rows([point("A", of(hours_known=False, up=24))], "en")
    assert (row.clock, row.service, row.service_coverage) == ("100.00\N{NO-BREAK SPACE}%", "–", "–")

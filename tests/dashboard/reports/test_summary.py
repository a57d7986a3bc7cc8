"""What a report says in words follows from its figures, by rules; no number where too little is known."""

import pytest

from dashboard.reports.summary import longest_of, summary
from services.reports.models import Availability, GoalPart, Outage, Range
from tests.dashboard.reports.made_up import HOUR, OCTOBER, day, ordinary, point, report, usage

SPACE = "\N{NO-BREAK SPACE}"


def said(made: object, lang: str = "sv") -> str:
    return "\n".join(summary(made.content, lang)).replace(SPACE, " ")  # type: ignore[attr-defined]


def test_point_by_its_month() -> None:
    assert said(ordinary(of=0)).splitlines() == [
        "Under oktober 2026 var Lidhult (demo) tillgänglig 99,79 % av den tid vi vet något om (täckning 99,86 %).",
        "När det var öppet: 99,82 % (täckning 100,00 %).",
        "Det längsta avbrottet: 1 h 30 min, från 3 oktober 2026 14:05 till 15:35.",
        (
            "Besöksdagar: 31–40, ungefärligt. Det är summan av hur många olika enheter som räknades varje dygn, "
            "inte antalet personer."
        ),
        "Besökarna hämtade 12,3 GB och skickade 987,6 MB.",
    ]
    assert said(ordinary(of=0), "en").splitlines()[0] == (
        "In October 2026 Lidhult (demo) was available 99.79 % of the time that we know something about "
        "(coverage 99.86 %)."
    )


def test_municipality_names_where_the_longest_outage_was_and_who_lacks_data() -> None:
    known = point("Lagan", [day(down=HOUR)], longest=Outage(start=0, end=HOUR), id="dp-lagan")
    unknown = point("Ryssby", [day(blind=20 * HOUR)], id="dp-ryssby")
    worked_on = point("Hamneda", [day(maintenance=24 * HOUR)], id="dp-hamneda")
    words = said(report(known, unknown, worked_on, used=None))
    assert "Det längsta avbrottet var i Lagan: 1 h 0 min, från 1 januari 1970 01:00 till 02:00." in words
    assert "Underlag saknas för 1 av 3 servicepunkter: Ryssby." in words
    assert "Planerat underhåll pågick sammanlagt 24 h 0 min och räknas inte med." in words
    assert "Ingen användning är känd." in words


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], "Inget dygn under oktober 2026 är räknat."),
        ([day(maintenance=24 * HOUR)], "Under oktober 2026 pågick planerat underhåll hela tiden."),
        (
            [day(blind=5 * HOUR)],
            "Underlag saknas för Lidhult under oktober 2026: vi vet något om 79,16 % av tiden",
        ),
        ([day()], "var Lidhult tillgänglig 100,00 % av den tid"),
        ([day(down=1)], "var Lidhult tillgänglig 99,99 % av den tid"),
        ([day(lost=24 * HOUR)], "var Lidhult tillgänglig 0,00 % av den tid"),
    ],
)
def test_first_sentence_is_a_number_only_when_enough_is_known(
    days: list[Availability | None], expected: str
) -> None:
    assert expected in said(report(point("Lidhult", days), of=0))


def test_no_outage_is_said_only_when_enough_is_known_and_all_of_that_worked() -> None:
    words = "Inget avbrott är känt."
    assert words in said(report(point("Lidhult", [day(blind=HOUR)]), of=0))
    assert words not in said(report(point("Lidhult", [day(lost=1)]), of=0))
    assert words not in said(report(point("Lidhult", [day(blind=20 * HOUR)]), of=0))


def test_small_numbers_stay_small() -> None:
    few = usage(visitor_days=Range(low=1, high=4))
    assert "Besöksdagar: <5, ungefärligt." in said(report(point("Lidhult", [day()]), of=0, used=few))
    untold = usage(reported_days=0)
    assert "Besöksdagar har ingen enhet räknat." in said(report(point("Lidhult", [day()]), of=0, used=untold))


def test_goals_are_counted_by_what_became_of_them() -> None:
    goals = tuple(
        GoalPart(
            id=f"goal-{number}", metric="wifi_availability", point=None, comparator="at_least", target="99",
            first=OCTOBER.first, last=OCTOBER.last, value="99/1", coverage="1/1", status=status,
        )
        for number, status in enumerate(["met", "met", "not_met", "insufficient_data"])
    )  # fmt: skip
    words = said(report(point("Lidhult", [day()]), goals=goals))
    assert "Mål som nåddes: 2. Mål som inte nåddes: 1. Mål utan underlag: 1." in words


def test_of_equally_long_outages_the_first_is_named() -> None:
    one = point("A", [day()], longest=Outage(start=5, end=10), id="a")
    other = point("B", [day()], longest=Outage(start=0, end=5), id="b")
    assert longest_of(report(one, other).content) == (Outage(start=0, end=5), 1)
    assert longest_of(report(point("C", [day()])).content) is None


def test_many_names_are_cut() -> None:
    unknown = [point(f"Plats {number}", [day(blind=20 * HOUR)], id=f"p-{number}") for number in range(7)]
    assert "Plats 0, Plats 1, Plats 2, Plats 3, Plats 4 och 2 till." in said(report(*unknown))


def test_hours_that_are_not_known_are_no_figure() -> None:
    unknown = day().model_copy(update={"hours_known": False})
    assert "Öppettiderna är inte kända för hela tiden" in said(report(point("Lidhult", [unknown]), of=0))

"""Whether everything keeps up, in words: each thing that can be wrong has its sentence, and so has nothing wrong."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.app import READINGS
from dashboard.pages import system
from dashboard.system_view import findings, newest_words, places, reading_words
from services.log.health import Health, LaneHealth, LogSize, Place, Server, reading_health
from services.log.models import Partition

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
NAMES = {3: ["Ljungby", "Älmhult"], 8: ["Motala"]}
SECOND = timedelta(seconds=1)
PART = Partition(
    "event_standard_2026m11", "standard", NOW - timedelta(days=40), NOW + timedelta(days=40), 10, 0
)


def lane(number: int, ago: float | None = 1, **changed: object) -> LaneHealth:
    """Return a lane whose newest canary is so many seconds old."""
    seen = None if ago is None else NOW - ago * SECOND
    fine = LaneHealth(number, 7, seen, open=True, gateway=None, gateway_since=None, worker=None, worker_since=None,
                      newest_at=NOW - 2 * SECOND)  # fmt: skip
    return replace(fine, **changed)  # type: ignore[arg-type]


def health(
    lanes: Sequence[LaneHealth] = (lane(3), lane(8)),
    late: dict[str, Sequence[float | None]] | None = None,
    *,
    size: LogSize = LogSize([PART]),  # noqa: B008 - frozen
    server: Server = Server("15.8", "on"),  # noqa: B008 - frozen
) -> Health:
    """Return how the path does; `late` says how many seconds ago a reading had read everything in each lane."""
    ages = {"status": (1, 1), "usage": (1, 1)} | (late or {})
    readings = [
        reading_health(
            name,
            [
                Place(name, number, 0, None if ago is None else NOW - ago * SECOND)
                for number, ago in enumerate(of)
            ],
            NOW,
        )
        for name, of in ages.items()
    ]
    return Health(lanes, readings, size, server)


def said(found: Health, lang: str = "sv") -> list[tuple[str, str]]:
    """Return what is said of it, with how bad it is."""
    return [(finding.kind, finding.words) for finding in findings(found, NAMES, NOW, lang)]


def test_all_is_well() -> None:
    assert said(health()) == [("done", "Allt hinner med. Senaste händelsen lagrades för 2 sekunder sedan.")]
    assert said(health(), "en") == [
        ("done", "Everything keeps up. The newest event was stored 2 seconds ago.")
    ]


def test_nothing_came_yet_or_nothing_that_one_may_see_came_lately() -> None:
    quiet = health([lane(3, newest_at=None, head=0)])
    assert newest_words(quiet, NOW, "sv") == "Ingen händelse har lagrats än."
    assert newest_words(health([lane(3, newest_at=None)]), NOW, "sv") == ""


def test_no_municipality_is_no_fault() -> None:
    assert said(health([]))[0][0] == "info"


@pytest.mark.parametrize(
    ("lanes", "words"),
    [
        ([lane(3, 29 * 60), lane(8)], "Ingen tar emot händelser för Ljungby, Älmhult sedan 12:31."),
        ([lane(3, 60), lane(8, 29 * 60)], "Ingen tar emot händelser för någon kommun sedan 12:31."),
        ([lane(3), lane(8, 1, open=False)], "Ingen tar emot händelser för Motala sedan 12:59."),
        ([lane(3), lane(8, None)], "Ingen har tagit emot händelser för Motala än."),
    ],
)
def test_who_is_not_heard_is_named_and_since_when(lanes: list[LaneHealth], words: str) -> None:
    assert said(health(lanes)) == [("critical", words)]


def test_of_many_municipalities_the_first_are_named() -> None:
    many = {3: [f"By {number}" for number in range(9)]}
    assert places([lane(3)], many, "sv") == "By 0, By 1, By 2 och 6 till"


def test_a_reading_that_is_late_says_by_how_much_and_where() -> None:
    found = said(health(late={"status": (40, 1)}))
    assert found == [("warning", "Statusläsningen ligger 40 s efter i 1 av 2 banor.")]
    found = said(health(late={"usage": (None, 1)}))
    assert found == [("warning", "Användningsläsningen har inte läst färdigt än i 1 av 2 banor.")]


def test_a_worker_that_stands_still_is_said_once() -> None:
    stands = (29 * 60, 20)
    found = said(health(late={"status": stands, "usage": stands}))
    assert found == [("critical", "Ingen läser händelserna sedan 12:31.")]
    never = said(health(late={"status": (None, None), "usage": (None, None)}))
    assert never == [("critical", "Ingen har läst händelserna än.")]


def test_the_database_must_have_room_and_confirm_what_is_on_disk() -> None:
    short = LogSize([replace(PART, ends_at=NOW + timedelta(days=10))])
    assert said(health(size=short)) == [("critical", "Loggen har bara plats till och med 27 november 2026.")]
    assert said(health(size=LogSize([]))) == [("critical", "Loggen har ingen plats för nya händelser.")]
    unsafe = said(health(server=Server("15.8", "off")))
    assert unsafe == [("critical", "Databasen bekräftar händelser innan de ligger på disken.")]


def test_every_reading_that_runs_is_on_the_page_and_has_words() -> None:
    assert set(system.READINGS) == {reading.name for reading in READINGS}
    assert all(reading_words(name, "sv") != name for name in system.READINGS)
    assert reading_words("of tomorrow", "sv") == "of tomorrow"

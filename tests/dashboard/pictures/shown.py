"""Every page a person can see, in one list: what pictures are taken of, and what is checked for everybody.

A page is a GET route that answers with HTML. One that is neither in `PAGES` nor in `NO_PAGES` fails a test.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from services.tenants.access import PersonRole
from tests.dashboard.pictures.past import NEW_POINT, POINT
from tests.dashboard.pictures.reported import REPORT
from tests.dashboard.pictures.scene import DEVICE, KIOSK

Lang: TypeAlias = Literal["sv", "en"]
Scheme: TypeAlias = Literal["light", "dark"]
Mood: TypeAlias = Literal["ordinary", "empty", "blind", "lost", "away"]

LANGS: Final[tuple[Lang, ...]] = ("sv", "en")
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Size:
    """A screen, in CSS pixels."""

    name: str
    width: int
    height: int


PHONE = Size("phone", 390, 844)
DESKTOP = Size("desktop", 1440, 900)
KIOSK_SCREEN = Size("kiosk", 1080, 1920)
EVERYONE = (PHONE, DESKTOP, KIOSK_SCREEN)
STAFF = (PHONE, DESKTOP)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the route that answers, an address that shows it, who looks and on which screens."""

    name: str
    route: str
    path: str
    alt: str
    role: PersonRole | None = None
    sizes: tuple[Size, ...] = EVERYONE
    status: int = 200


@dataclass(frozen=True, slots=True)
class State:
    """A page as it is when something is missing; it is shown once."""

    name: str
    path: str
    alt: str
    mood: Mood
    role: PersonRole | None = None
    size: Size = PHONE


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a page."""

    page: Page
    lang: Lang
    scheme: Scheme
    size: Size

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.page.name}-{self.lang}-{self.scheme}-{self.size.name}.webp"


def _staff(
    name: str, route: str, path: str, alt: str, role: PersonRole = PersonRole.INSTALLATION_ADMIN
) -> Page:
    return Page(name, route, path, alt, role, STAFF)


PAGES: Final[tuple[Page, ...]] = (
    Page("start", "/", "/", "The public start page: service points by municipality beside a map"),
    Page("point", "/p/{point}", "/p/sp-gunnarn", "One service point: open now, services, how its Wi-Fi is"),
    Page("status", "/status", "/status", "Every service point now and over 90 days, worst first"),
    Page(
        "point-status",
        "/p/{point}/status",
        f"/p/{POINT}/status",
        "One service point over a year: figures with their coverage, its days, its outages",
        sizes=STAFF,
    ),
    Page(
        "measured",
        "/p/{point}/measured",
        "/p/sp-jorn/measured",
        "What is measured at a point, what is never collected, how long it is kept",
        sizes=STAFF,
    ),
    Page(
        "sign",
        "/p/{point}/sign",
        "/p/sp-jorn/sign",
        "A sign to print: the point's name, a QR code, what is measured there",
        sizes=STAFF,
    ),
    Page("error", "", "/nowhere", "The page that says that there is no such page", status=404),
    Page("sign-in", "/staff/sign-in", "/staff/sign-in", "The form to sign in"),
    _staff(
        "overview",
        "/staff",
        "/staff",
        "The staff overview: what needs a hand, then every device, worst first",
    ),
    _staff(
        "sums", "/staff", "/staff", "The overview of the network: sums by municipality", PersonRole.NETWORK
    ),
    _staff(
        "staff-point",
        "/staff/points/{point}",
        f"/staff/points/{POINT}",
        "A service point over 30 days: two figures with their coverage, days, outages, use, planned work",
    ),
    _staff(
        "explain",
        "/staff/points/{point}/explain",
        f"/staff/points/{POINT}/explain",
        "How the figures of a service point were made: the sum, the rule, what was left out, each day",
    ),
    _staff(
        "compare",
        "/staff/compare",
        "/staff/compare",
        "Service points beside each other over 30 days, the worst first",
    ),
    _staff(
        "goals",
        "/staff/goals",
        "/staff/goals",
        "Service goals, the worst first: value with coverage, what is left, trend, period by period",
    ),
    _staff(
        "reports",
        "/staff/reports",
        "/staff/reports",
        "Reports by period and municipality, each with its versions and as a file",
    ),
    _staff(
        "report",
        "/staff/reports/{municipality}/{period}",
        REPORT,
        "The report of a municipality for a month: in plain sentences, then figures with coverage, points, days",
    ),
    _staff(
        "device",
        "/staff/devices/{device}",
        f"/staff/devices/{DEVICE[1]}",
        "A hotspot that has gone silent, with its day",
    ),
    _staff(
        "design",
        "/staff/design",
        "/staff/design",
        "The design system: colours, sizes and parts in all their states",
    ),
    _staff(
        "dead-letters",
        "/staff/dead-letters",
        "/staff/dead-letters",
        "Events that were refused, with the reason",
    ),
    _staff(
        "system",
        "/staff/system",
        "/staff/system",
        "The system: whether everything keeps up, in words and a few figures",
    ),
    _staff(
        "demo-desk",
        "/staff/demo",
        "/staff/demo",
        "The desk of a demo: switches that break things and heal by themselves",
    ),
)

NO_PAGES: Final = frozenset(
    {
        "/feed.json",
        "/points.geojson",
        "/points.csv",
        "/staff/points/{point}/explain.json",
        "/staff/points/{point}/explain.csv",
        "/staff/reports/{municipality}/{period}/{form}",
        "/api/v1/live",
        "/live",
        "/healthz",
        "/readyz",
        "/metrics",
    }
)
"""What answers GET with something else than a page."""

STATES: Final[tuple[State, ...]] = (
    State("empty-start", "/", "The start page before any service point is registered", "empty"),
    State("empty-status", "/status", "The status page before any service point is registered", "empty"),
    State(
        "new-point-status",
        f"/p/{NEW_POINT}/status",
        "A point of which no day is over yet, for everyone",
        "ordinary",
    ),
    State(
        "empty-overview",
        "/staff",
        "The overview before any device is registered",
        "empty",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "empty-goals",
        "/staff/goals",
        "The goals before there are any",
        "empty",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "empty-dead-letters",
        "/staff/dead-letters",
        "No event has been refused",
        "empty",
        PersonRole.TECHNICIAN,
    ),
    State(
        "new-device",
        "/staff/devices/ki-lagan-1",
        "A device that was never heard",
        "ordinary",
        PersonRole.TECHNICIAN,
    ),
    State(
        "kiosk-device",
        f"/staff/devices/{KIOSK[1]}",
        "A kiosk that works",
        "ordinary",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "new-point",
        f"/staff/points/{NEW_POINT}",
        "A service point of which no day is over yet",
        "ordinary",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "point-day",
        f"/staff/points/{POINT}?days=1",
        "A service point over the last 24 hours",
        "ordinary",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "point-year",
        f"/staff/points/{POINT}?days=365",
        "A service point over a year",
        "ordinary",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State("stale-start", "/", "The start page when the live stream is lost", "lost"),
    State(
        "stale-overview",
        "/staff",
        "The overview when the live stream is lost",
        "lost",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "blind-overview",
        "/staff",
        "The overview when we ourselves cannot see",
        "blind",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "blind-system",
        "/staff/system",
        "The system when nobody takes events in",
        "blind",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "empty-system",
        "/staff/system",
        "The system before anything is taken in or read",
        "empty",
        PersonRole.TECHNICIAN,
    ),
    State(
        "away-overview",
        "/staff",
        "The overview when the database is away",
        "away",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "nothing-found",
        "/staff?q=finns+inte",
        "A search that finds no device",
        "ordinary",
        PersonRole.INSTALLATION_ADMIN,
    ),
    State(
        "no-such-device",
        "/staff/devices/hs-nowhere",
        "A device that does not exist",
        "ordinary",
        PersonRole.TECHNICIAN,
    ),
    State("sign-in-wrong", "/staff/sign-in", "Signing in with the wrong password", "ordinary"),
)


def shots() -> Iterator[Shot]:
    """Every page in each language, light and dark, on each of its screens."""
    for page in PAGES:
        for size in page.sizes:
            for lang in LANGS:
                for scheme in SCHEMES:
                    yield Shot(page, lang, scheme, size)


def files() -> set[str]:
    """The names of all pictures."""
    return {shot.file for shot in shots()} | {state_file(state) for state in STATES}


def state_file(state: State) -> str:
    """The name of a state's picture."""
    return f"state-{state.name}.webp"

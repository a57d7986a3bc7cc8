"""What is measured at a point, in plain words: what each kind of device sends, what it holds, how long it is kept.

Made from the event types that the program takes in: a field without words here fails a test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from dashboard.web.language import Gettext, language
from dashboard.words import device_kind_words
from services.events import EVENT_TYPES
from services.events.fields import Retention
from services.log.options import RetentionOptions
from services.log.retention import SHORT

EVERY_DEVICE = ("device.status", "device.heartbeat", "command.result")
"""What devices of all kinds send."""

OF_KIND: Mapping[str, tuple[str, ...]] = {
    "hotspot": ("wifi.usage", "wifi.visitors", "wifi.session_end"),
    "kiosk": ("kiosk.session", "kiosk.view", "kiosk.health"),
    "tracker": ("vehicle.position",),
}
"""What devices of a kind send besides."""

_DAYS_OF_A_MONTH = 365.25 / 12
_SAID_IN_MONTHS = 60


@dataclass(frozen=True, slots=True)
class Sent:
    """An event type in words: what it is about, what it holds, and how long the single event is kept."""

    type: str
    about: str
    holds: tuple[str, ...]
    kept: str


@dataclass(frozen=True, slots=True)
class KindSends:
    """Devices of one kind: how many stand there, and what they send beyond what all do."""

    kind: str
    name: str
    number: int
    sends: tuple[Sent, ...]


def kinds_send(kinds: Sequence[tuple[str, int]], retention: RetentionOptions, lang: str) -> list[KindSends]:
    """What the devices of a point send, by kind."""
    return [
        KindSends(
            kind,
            device_kind_words(kind, lang),
            number,
            tuple(sent(each, retention, lang) for each in OF_KIND.get(kind, ())),
        )
        for kind, number in kinds
    ]


def sent_by_all(retention: RetentionOptions, lang: str) -> list[Sent]:
    """What every device sends."""
    return [sent(each, retention, lang) for each in EVERY_DEVICE]


def sent(event_type: str, retention: RetentionOptions, lang: str) -> Sent:
    """One event type in words."""
    about, holds = _words(lang)[event_type]
    return Sent(
        event_type,
        about,
        tuple(words for words, _fields in holds),
        kept_words(EVENT_TYPES[event_type].retention, retention, lang),
    )


def kept_words(kept: Retention, retention: RetentionOptions, lang: str) -> str:
    """A sentence on how long single events of a class are kept, by the settings of the running program.

    Of a short one the log loses what it says; that it came, and when, stays as long as a standard one.
    """
    _ = language(lang).gettext
    days = days_words(retention.standard_days, lang)
    match kept:
        case "short":
            hours = round(SHORT.total_seconds() / 3600)
            words = _("Sparas i %(num)s timmar; att utrustningen hördes då, och när, i %(time)s.")
            return words % {"num": hours, "time": days}
        case "standard":
            return _("Sparas i %(time)s.") % {"time": days}
        case "long":
            return _("Sparas tills kommunen raderar dem.")


def days_words(days: int, lang: str) -> str:
    """So many days, with the months that they are about."""
    chosen = language(lang)
    words = chosen.ngettext("%(num)s dag", "%(num)s dagar", days) % {"num": days}
    if days < _SAID_IN_MONTHS:
        return words
    return chosen.gettext("%(days)s (ungefär %(months)s månader)") % {
        "days": words,
        "months": round(days / _DAYS_OF_A_MONTH),
    }


def fields_in_words(event_type: str) -> list[str]:
    """The fields of an event type that the words speak of."""
    return [field for _words_, fields in _words("sv")[event_type][1] for field in fields]


Holds = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _words(lang: str) -> Mapping[str, tuple[str, Holds]]:
    _ = language(lang).gettext
    return {**_of_all(_), **_of_wifi(_), **_of_kiosks(_), **_of_vehicles(_)}


def _of_all(_: Gettext) -> Mapping[str, tuple[str, Holds]]:
    return {
        "device.status": (
            _("Att utrustningen är på"),
            (
                (_("om den är på, av eller startar om, och varför"), ("state", "reason")),
                (_("vilken version av programmet den har"), ("firmware",)),
                (_("hur länge den har varit på"), ("uptime_s",)),
                (_("om den sparar uppgifter tills de har kommit fram"), ("spool",)),
            ),
        ),
        "device.heartbeat": (
            _("Hur utrustningen mår"),
            (
                (_("hur länge den har varit på"), ("uptime_s",)),
                (
                    _("hur hårt den arbetar och hur fullt dess minne är"),
                    ("load1", "mem_used_pct", "disk_used_pct"),
                ),
                (_("temperatur och batteri"), ("temp_c", "batt_pct")),
                (
                    _("hur bra den når internet"),
                    ("signal_dbm", "uplink_ok", "rtt_ms", "loss_pct"),
                ),
            ),
        ),
        "command.result": (
            _("Svar när en tekniker har bett den göra något, till exempel starta om"),
            ((_("vad den skulle göra och hur det gick"), ("command", "state", "detail")),),
        ),
    }


def _of_wifi(_: Gettext) -> Mapping[str, tuple[str, Holds]]:
    bytes_words = _("hur mycket data som har hämtats och skickats")
    return {
        "wifi.usage": (
            _("Hur mycket nätet används"),
            (
                (_("hur många som är anslutna just nu, som ett antal"), ("clients", "clients_max")),
                (
                    bytes_words,
                    (
                        "down_bytes_total",
                        "up_bytes_total",
                        "down_bytes",
                        "up_bytes",
                        "interval_s",
                        "estimated",
                    ),
                ),
                (_("nätets eget namn och vilken sändare det gäller"), ("iface", "ssid", "band")),
            ),
        ),
        "wifi.visitors": (
            _("Hur många som har varit anslutna under ett dygn"),
            (
                (
                    _("ungefär hur många olika telefoner och datorer, som ett enda tal"),
                    ("day", "distinct"),
                ),
                (_("hur stor del av dygnet som räknades"), ("coverage_pct",)),
            ),
        ),
        "wifi.session_end": (
            _("Att någons besök på nätet är slut, utan vems"),
            (
                (_("när det började och slutade"), ("started_at", "ended_at", "duration_s")),
                (bytes_words, ("down_bytes", "up_bytes")),
                (_("nätets namn och varför besöket slutade"), ("ssid", "end_reason")),
            ),
        ),
    }


def _of_kiosks(_: Gettext) -> Mapping[str, tuple[str, Holds]]:
    visit = _("ett nummer för användningen, inte för en person")
    return {
        "kiosk.session": (
            _("Att skärmen har använts"),
            (
                (visit, ("session",)),
                (_("när det började och slutade"), ("started_at", "ended_at")),
                (_("hur många sidor som visades och på vilket språk"), ("views", "lang")),
                (_("hur det slutade"), ("end",)),
            ),
        ),
        "kiosk.view": (
            _("Att en sida har visats på skärmen"),
            (
                (_("vilken av skärmens egna sidor, språk och hur länge"), ("page", "lang", "dwell_s")),
                (visit, ("session",)),
            ),
        ),
        "kiosk.health": (
            _("Hur skärmen mår"),
            (
                (
                    _("om den är tänd, låst och visar rätt sak"),
                    ("screen_on", "locked", "foreground", "browser_ok", "content_version"),
                ),
                (
                    _("plats kvar på disken, batteri och ström"),
                    ("storage_free_bytes", "batt_pct", "power"),
                ),
            ),
        ),
    }


def _of_vehicles(_: Gettext) -> Mapping[str, tuple[str, Holds]]:
    return {
        "vehicle.position": (
            _("Var fordonet är när det kör sin tur"),
            (
                (_("plats, hur säker den är, och när"), ("lat", "lon", "acc_m", "fix_at")),
                (_("fart och riktning"), ("speed_kmh", "heading_deg")),
            ),
        ),
    }

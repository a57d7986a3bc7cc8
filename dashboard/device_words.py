"""Why a device is in its state, and what its events say, in plain Swedish or English; no value becomes markup."""

from collections.abc import Mapping
from typing import Any

from dashboard.web.language import Gettext, language
from services.events.text import brief
from services.status.models import Reason

_Data = Mapping[str, Any]

# A heartbeat's measures are said when they are worth a look; all of them are in the log.
_HOT_C = 70
_FULL_PCT = 90
_LOSSY_PCT = 5
_LOW_PCT = 20


def reason_words(reason: str, lang: str) -> str:
    """The reason of a state as a short sentence without a full stop; an unknown one stays as it is."""
    _ = language(lang).gettext
    words: dict[str, str] = {
        Reason.HEARD: _("Hörs som den ska"),
        Reason.LATE: _("Hör av sig för sällan"),
        Reason.UPLINK_LOST: _("Internet bakom enheten saknas"),
        Reason.UPLINK_REPORTED: _("Enheten meddelar att internet saknas"),
        Reason.RESTARTING: _("Startar om"),
        Reason.OFFLINE: _("Frånkopplad"),
        Reason.SILENT: _("Har tystnat"),
        Reason.NOT_WATCHED: _("Vi såg den inte: avbrott hos oss"),
        Reason.UNPROVEN: _("Inte bekräftad sedan vi åter kunde se"),
        Reason.NEVER_SEEN: _("Har aldrig hörts"),
    }
    return words.get(reason) or brief(reason, 60)


def event_words(event_type: str, data: _Data, lang: str) -> str:
    """What an event says, short enough for a list and without characters that hide or turn text."""
    return brief(_event_words(event_type, data, language(lang).gettext), 160)


def _event_words(event_type: str, data: _Data, _: Gettext) -> str:
    match event_type:
        case "device.status":
            return _status(data, _)
        case "device.heartbeat":
            return _heartbeat(data, _)
        case "wifi.usage":
            return _("%(clients)s anslutna nu") % {"clients": data.get("clients", "?")}
        case "kiosk.session":
            return _("Skärmen användes, %(views)s sidor") % {"views": data.get("views", "?")}
        case "kiosk.view":
            return _("Sidan %(page)s visades") % {"page": data.get("page", "?")}
        case "kiosk.health":
            return _kiosk(data, _)
        case "vehicle.position":
            return _("Fordonets läge")
        case _:
            return event_type


def _status(data: _Data, _: Gettext) -> str:
    words = {
        "online": _("Anslöt"),
        "offline": _("Kopplades från"),
        "restarting": _("Startar om"),
    }
    said = words.get(str(data.get("state")), str(data.get("state")))
    reason = data.get("reason")
    return f"{said}: {reason}" if reason else said


def _heartbeat(data: _Data, _: Gettext) -> str:
    said = [_("Livstecken")]
    if data.get("uplink_ok") is False:
        said.append(_("internet saknas"))
    measures = (
        ("temp_c", _HOT_C, _("%(value)s °C")),
        ("disk_used_pct", _FULL_PCT, _("disk %(value)s %%")),
        ("loss_pct", _LOSSY_PCT, _("paketförlust %(value)s %%")),
    )
    said.extend(
        words % {"value": f"{data[name]:g}"}
        for name, worth, words in measures
        if isinstance(data.get(name), int | float) and data[name] >= worth
    )
    battery = data.get("batt_pct")
    if isinstance(battery, int | float) and battery <= _LOW_PCT:
        said.append(_("batteri %(value)s %%") % {"value": f"{battery:g}"})
    return ", ".join(said)


def _kiosk(data: _Data, _: Gettext) -> str:
    wrong = (
        ("screen_on", _("skärmen är släckt")),
        ("locked", _("inte låst till sidan")),
        ("foreground", _("sidan syns inte")),
        ("browser_ok", _("webbläsaren svarar inte")),
    )
    faults = [words for name, words in wrong if data.get(name) is False]
    if data.get("power") == "battery":
        faults.append(_("går på batteri"))
    return ", ".join([_("Skärmens hälsa"), *faults]) if faults else _("Skärmen mår bra")

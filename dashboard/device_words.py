"""Why a device is in its state, what to do about it, and what its events say, in plain Swedish or English.

No value becomes markup.
"""

from collections.abc import Mapping
from typing import Any

from babel.numbers import format_decimal

from dashboard.web.language import Gettext, language
from services.events.text import brief
from services.status.models import Reason

_Data = Mapping[str, Any]

# A heartbeat's measures are said when they are worth a look; all of them are in the log.
HOT_C = 70
FULL_PCT = 90
LOSSY_PCT = 5
LOW_PCT = 20


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


def advice_words(reason: str, lang: str) -> str | None:
    """What whoever stands there can do about it; none where there is nothing to do."""
    _ = language(lang).gettext
    words: dict[str, str] = {
        Reason.LATE: _(
            "Kontakten är ojämn. Se efter om signalen är svag eller om uppkopplingen är överbelastad."
        ),
        Reason.UPLINK_LOST: _(
            "Enheten lever men når inte internet. Starta om routern, eller ring operatören."
        ),
        Reason.UPLINK_REPORTED: _(
            "Enheten lever men når inte internet. Starta om routern, eller ring operatören."
        ),
        Reason.RESTARTING: _(
            "Vänta några minuter. Kommer den inte tillbaka, bryt strömmen och slå på den igen."
        ),
        Reason.OFFLINE: _(
            "Enheten har lämnat nätet. Se efter att den har ström och att uppkopplingen fungerar på platsen."
        ),
        Reason.SILENT: _(
            "Se efter att den har ström och att lamporna lyser. Fungerar annat på platsen, starta om den."
        ),
        Reason.NOT_WATCHED: _("Avbrottet är hos oss. Åk inte ut för det här."),
        Reason.UNPROVEN: _("Vi väntar på nästa livstecken. Åk inte ut för det här."),
        Reason.NEVER_SEEN: _("Koppla in enheten och ge den sin inloggning. Då hörs den här inom en minut."),
    }
    return words.get(reason)


def event_words(event_type: str, data: _Data, lang: str) -> str:
    """What an event says, short enough for a list and without characters that hide or turn text."""
    return brief(_event_words(event_type, data, lang), 160)


def _event_words(event_type: str, data: _Data, lang: str) -> str:
    _ = language(lang).gettext
    match event_type:
        case "device.status":
            said = _status(data, _)
        case "device.heartbeat":
            said = _heartbeat(data, _, lang)
        case "wifi.usage" | "wifi.visitors" | "wifi.session_end":
            said = _wifi(event_type, data, _)
        case "kiosk.session":
            said = _("Skärmen användes, %(views)s sidor") % {"views": data.get("views", "?")}
        case "kiosk.view":
            said = _("Sidan %(page)s visades") % {"page": data.get("page", "?")}
        case "kiosk.health":
            said = _kiosk(data, _)
        case "vehicle.position":
            said = _("Fordonets läge")
        case "command.result":
            said = _command(data, _)
        case _:
            said = event_type
    return said


def _wifi(event_type: str, data: _Data, _: Gettext) -> str:
    if event_type == "wifi.usage":
        return _("%(clients)s anslutna nu") % {"clients": data.get("clients", "?")}
    if event_type == "wifi.visitors":
        return _("%(distinct)s besökare på en dag") % {"distinct": data.get("distinct", "?")}
    return _("Ett besök på nätet avslutades")


def _status(data: _Data, _: Gettext) -> str:
    words = {
        "online": _("Anslöt"),
        "offline": _("Kopplades från"),
        "restarting": _("Startar om"),
    }
    said = words.get(str(data.get("state")), str(data.get("state")))
    reason = data.get("reason")
    return f"{said}: {reason}" if reason else said


def _command(data: _Data, _: Gettext) -> str:
    words = {
        "accepted": _("Kommando mottaget"),
        "done": _("Kommando utfört"),
        "failed": _("Kommando misslyckades"),
        "refused": _("Kommando avvisat"),
    }
    said = words.get(str(data.get("state")), _("Svar på ett kommando"))
    detail = data.get("detail")
    return f"{said}: {detail}" if detail else said


def _heartbeat(data: _Data, _: Gettext, lang: str) -> str:
    said = [_("Livstecken")]
    if data.get("uplink_ok") is False:
        said.append(_("internet saknas"))
    measures = (
        ("temp_c", HOT_C, _("%(value)s °C")),
        ("disk_used_pct", FULL_PCT, _("disk %(value)s %%")),
        ("loss_pct", LOSSY_PCT, _("paketförlust %(value)s %%")),
    )
    said.extend(
        words % {"value": format_decimal(data[name], locale=lang)}
        for name, worth, words in measures
        if isinstance(data.get(name), int | float) and data[name] >= worth
    )
    battery = data.get("batt_pct")
    if isinstance(battery, int | float) and battery <= LOW_PCT:
        said.append(_("batteri %(value)s %%") % {"value": format_decimal(battery, locale=lang)})
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

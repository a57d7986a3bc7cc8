"""Whether everything keeps up, in words: what is wrong, since when and what to do; pure, without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from dashboard.web.language import language
from dashboard.web.times import ago, day, lasting, stamp
from dashboard.words import in_order
from services.log.health import Health, LaneHealth, ReadingHealth

Kind: TypeAlias = Literal["done", "warning", "critical", "blind", "info"]

# More names than these say less than their number.
_NAMES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is worth a sentence: how bad it is, the sentence, and what to do about it."""

    kind: Kind
    words: str
    advice: str = ""


def reading_words(reading: str, lang: str) -> str:
    """What a reading of the log is called; one that has no words keeps its name."""
    _ = language(lang).gettext
    words = {"status": _("Statusläsningen"), "usage": _("Användningsläsningen")}
    return words.get(reading, reading)


def findings(
    health: Health, names: Mapping[int, Sequence[str]], now: datetime, lang: str
) -> Sequence[Finding]:
    """Say what is wrong, worst first, or that everything keeps up; `names` are the municipalities of each lane."""
    _ = language(lang).gettext
    if not health.lanes:
        return [Finding("info", _("Ingen kommun är registrerad än. Det finns inget att ta emot."))]
    wrong = [
        *_of_reception(health, names, now, lang),
        *_of_readings(health, now, lang),
        *_of_the_database(health, now, lang),
    ]
    return wrong or [Finding("done", " ".join((_("Allt hinner med."), newest_words(health, now, lang))))]


def newest_words(health: Health, now: datetime, lang: str) -> str:
    """When the newest event was stored, as far as whoever looks may know; empty when that is long ago."""
    _ = language(lang).gettext
    if health.newest_at is not None:
        return _("Senaste händelsen lagrades %(ago)s.") % {"ago": ago(health.newest_at, now, lang)}
    return "" if any(lane.head for lane in health.lanes) else _("Ingen händelse har lagrats än.")


def _of_reception(
    health: Health, names: Mapping[int, Sequence[str]], now: datetime, lang: str
) -> list[Finding]:
    _ = language(lang).gettext
    blind = health.blind(now)
    if not blind:
        return []
    where = _("någon kommun") if len(blind) == len(health.lanes) else places(blind, names, lang)
    seen = [lane.seen_until for lane in blind if lane.seen_until]
    if len(seen) < len(blind):
        words = _("Ingen har tagit emot händelser för %(places)s än.") % {"places": where}
    else:
        since = stamp(min(seen), now, lang)
        words = _("Ingen tar emot händelser för %(places)s sedan %(when)s.") % {
            "places": where,
            "when": since,
        }
    advice = _(
        "Se efter att gatewayen (bypunkt run --role gateway) och brokern är igång. Under tiden väntar händelserna i "
        "brokern, och i enheter som sparar tills vi kvitterat."
    )
    return [Finding("critical", words, advice)]


def places(lanes: Sequence[LaneHealth], names: Mapping[int, Sequence[str]], lang: str) -> str:
    """The municipalities of these lanes: the first few by name, the others by number."""
    ngettext = language(lang).ngettext
    known = sorted((name for lane in lanes for name in names.get(lane.lane, ())), key=in_order)
    more = len(known) - _NAMES
    if more <= 1:
        return ", ".join(known)
    said = ngettext("%(names)s och %(num)s till", "%(names)s och %(num)s till", more)
    return said % {"names": ", ".join(known[:_NAMES]), "num": more}


def _of_readings(health: Health, now: datetime, lang: str) -> list[Finding]:
    _ = language(lang).gettext
    readings = health.readings
    advice = _(
        "Se efter att workern (bypunkt run --role worker) är igång, och om den hinner. Inget går förlorat: det läses "
        "när den är igång igen. Så länge visar sidorna ett äldre läge."
    )
    if readings and all(reading.stands for reading in readings):
        ends = [reading.read_until for reading in readings if reading.read_until]
        if len(ends) < len(readings):
            return [Finding("critical", _("Ingen har läst händelserna än."), advice)]
        since = stamp(min(ends), now, lang)
        return [Finding("critical", _("Ingen läser händelserna sedan %(when)s.") % {"when": since}, advice)]
    return [
        Finding("warning", _late_words(reading, now, lang), advice) for reading in readings if reading.late
    ]


def _late_words(reading: ReadingHealth, now: datetime, lang: str) -> str:
    _ = language(lang).gettext
    said = {
        "reading": reading_words(reading.reading, lang),
        "late": reading.late,
        "lanes": reading.lanes,
    }
    if reading.read_until is None:
        return _("%(reading)s har inte läst färdigt än i %(late)s av %(lanes)s banor.") % said
    said["time"] = lasting(now - reading.read_until)
    return _("%(reading)s ligger %(time)s efter i %(late)s av %(lanes)s banor.") % said


def _of_the_database(health: Health, now: datetime, lang: str) -> list[Finding]:
    _ = language(lang).gettext
    found = []
    if not health.server.is_safe:
        words = _("Databasen bekräftar händelser innan de ligger på disken.")
        found.append(Finding("critical", words, _("Sätt synchronous_commit till on i PostgreSQL.")))
    if health.size.is_short(now):
        until = health.size.ends_at
        words = (
            _("Loggen har ingen plats för nya händelser.")
            if until is None or until <= now
            else _("Loggen har bara plats till och med %(day)s.")
            % {"day": day(until - timedelta(days=1), lang)}
        )
        found.append(
            Finding("critical", words, _("Gatewayen gör ny plats när den startar, och var sjätte timme."))
        )
    return found

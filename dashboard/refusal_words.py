"""Why something could not be stored, in plain Swedish or English, with what to do about it."""

from dashboard.web.language import language
from services.events.reasons import Reason
from services.events.text import brief


def refusal_words(reason: str, lang: str) -> str:
    """The reason of a dead letter as a sentence; an unknown one stays as it is."""
    _ = language(lang).gettext
    words: dict[str, str] = {
        Reason.BAD_TOPIC: _("Ämnet följer inte mönstret för vår kanal."),
        Reason.RETAINED: _("Händelsen var markerad att sparas hos brokern."),
        Reason.MESSAGE_TOO_LARGE: _("Meddelandet var för stort."),
        Reason.TOO_MANY_EVENTS: _("För många händelser i ett meddelande."),
        Reason.EMPTY: _("Meddelandet var tomt."),
        Reason.BOM: _("Texten börjar med ett dolt tecken (BOM)."),
        Reason.NOT_UTF8: _("Texten är inte UTF-8."),
        Reason.NUL: _("Texten innehåller ett noll-tecken."),
        Reason.NOT_JSON: _("Texten är inte JSON."),
        Reason.NOT_DECODABLE: _("Vi förstår inte enhetens eget format i det här meddelandet."),
        Reason.TOO_LARGE: _("Händelsen var för stor."),
        Reason.TOO_DEEP: _("Händelsen är för djupt nästlad."),
        Reason.BAD_UNICODE: _("Texten innehåller otillåtna tecken."),
        Reason.NOT_FINITE: _("Ett tal är inte ett tal (NaN) eller oändligt."),
        Reason.NUMBER_TOO_LONG: _("Ett tal har för många siffror."),
        Reason.DUPLICATE_KEY: _("Samma fält förekommer två gånger."),
        Reason.NOT_AN_EVENT: _("Det är inte en händelse: fältet data saknas."),
        Reason.BAD_HEADER: _("Id, tid eller annat i händelsens huvud är fel."),
        Reason.BAD_TIME: _("Tiden går inte att läsa."),
        Reason.UNKNOWN_FIELD: _("Ett fält är okänt."),
        Reason.UNKNOWN_TYPE: _("Händelsetypen är okänd."),
        Reason.INVALID_DATA: _("Ett värde har fel typ eller ligger utanför det tillåtna."),
        Reason.UNKNOWN_DEVICE: _("Enheten finns inte i registret."),
        Reason.DEVICE_SUSPENDED: _("Enheten är avstängd i registret."),
        Reason.DEVICE_RETIRED: _("Enheten är borttagen ur bruk."),
        Reason.WRONG_MUNICIPALITY: _("Enheten hör till en annan kommun än ämnet säger."),
        Reason.WRONG_DEVICE: _("Innehållet nämner en annan enhet än ämnet."),
        Reason.TYPE_MISMATCH: _("Innehållet nämner en annan händelsetyp än ämnet."),
        Reason.TOO_OLD: _("Händelsen är äldre än 30 dagar."),
        Reason.STORAGE: _("Databasen kunde inte ta emot värdet."),
    }
    return words.get(reason) or brief(reason, 60)


def refusal_advice(reason: str, lang: str) -> str | None:
    """What to do about a dead letter; none where nobody has to do anything."""
    _ = language(lang).gettext
    in_the_device = _("Rätta inställningarna eller programmet i enheten.")
    words: dict[str, str | None] = {
        Reason.RETAINED: _("Ställ in enheten så att den skickar utan retain."),
        Reason.MESSAGE_TOO_LARGE: _("Låt enheten skicka färre händelser i taget."),
        Reason.TOO_MANY_EVENTS: _("Låt enheten skicka färre händelser i taget."),
        Reason.NOT_DECODABLE: _("Kontrollera att rätt format är valt för enheten i registret."),
        Reason.UNKNOWN_TYPE: _(
            "Kontrollera stavningen i enheten. Är typen ny: uppdatera bypunkt och spela upp igen."
        ),
        Reason.UNKNOWN_DEVICE: _("Är enheten er? Lägg till den i registret och spela upp igen."),
        Reason.DEVICE_SUSPENDED: _("Ta enheten i drift igen om den ska få skicka."),
        Reason.DEVICE_RETIRED: _("Stäng av enheten, eller registrera den under ett nytt namn."),
        Reason.WRONG_MUNICIPALITY: _("Kontrollera kommunens kod i enhetens ämne."),
        Reason.BAD_TIME: _("Kontrollera klockan och tidens format i enheten."),
        Reason.TOO_OLD: None,
        Reason.STORAGE: _("Spela upp igen. Händer det på nytt, hör av dig till den som sköter bypunkt."),
    }
    return words.get(reason, in_the_device)

"""What a visitor can make of it: a state in one more sentence, and services that are not known by their name."""

from collections.abc import Mapping
from functools import cache

from dashboard.web.language import language
from services.status.points import PointReason


def advice_words(reason: PointReason, lang: str) -> str:
    """What a state means for somebody who thinks of going there."""
    return _advice(lang)[reason]


def service_note(code: str, lang: str) -> str:
    """What a service is, in a few words, or nothing where its name says it."""
    return _notes(lang).get(code, "")


@cache
def _advice(lang: str) -> Mapping[PointReason, str]:
    _ = language(lang).gettext
    silent = _(
        "Vi hör inget från utrustningen på platsen. Det kan vara strömavbrott eller fel på uppkopplingen. "
        "Servicepunkten kan vara öppen ändå."
    )
    without = _("Du kan inte surfa på platsens wifi just nu. Övrig service påverkas inte.")
    return {
        PointReason.ALL_UP: _("Du kan surfa på platsens wifi."),
        PointReason.ALL_UP_NO_WIFI: _("Utrustningen på platsen fungerar."),
        PointReason.WIFI_UNSTEADY: _("Du kan surfa, men det kan gå långsamt eller avbrytas."),
        PointReason.WIFI_PARTLY: _("Wifi fungerar på en del av platsen."),
        PointReason.UPLINK_LOST: _(
            "Du kan ansluta till platsens wifi, men sidor på internet öppnas inte. Övrig service påverkas inte."
        ),
        PointReason.WIFI_DOWN: without,
        PointReason.WIFI_UNKNOWN: _(
            "Någon annan utrustning på platsen hör av sig, men inte den som ger wifi."
        ),
        PointReason.OTHERS_SILENT: _(
            "Du kan surfa på platsens wifi. En skärm eller annan utrustning svarar inte."
        ),
        PointReason.PARTLY_NO_WIFI: _("En del av utrustningen på platsen svarar inte."),
        PointReason.NO_CONTACT: silent,
        PointReason.NOTHING_KNOWN: _(
            "Vi har inga uppgifter om utrustningen på platsen. Det säger inget om öppettiderna."
        ),
    }


@cache
def _notes(lang: str) -> Mapping[str, str]:
    _ = language(lang).gettext
    return {
        "drivmedel": _("Tanka bil eller maskin"),
        "post_paket": _("Hämta och lämna brev och paket"),
        "paketbox": _("Hämta paket själv med kod"),
        "varubox": _("Hämta beställda varor själv"),
        "apoteksombud": _("Hämta läkemedel som du har beställt"),
        "systembolagsombud": _("Hämta det som du har beställt från Systembolaget"),
        "betaltjanst": _("Betala räkningar"),
        "kontanter": _("Ta ut pengar"),
        "dator_lan": _("En dator att använda på plats"),
        "utskrift_skanning": _("Skriv ut och skanna papper"),
        "wifi": _("Koppla upp mobil och dator"),
        "kommuninfo": _("Om vård, skola, buss och annat"),
        "hemsandning": _("Få varor hem till dörren"),
        "videomote": _("Rum för samtal på skärm"),
        "halsorum": _("Rum för vård på distans"),
        "digital_hjalp": _("Någon som hjälper till med dator och telefon"),
        "obemannad_butik": _("Öppna dörren själv och handla"),
        "trygghetspunkt": _("Värme, el och information i en kris"),
    }

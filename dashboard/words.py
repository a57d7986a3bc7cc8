"""The domain's codes in words: kinds of points and devices, roles, services; and the order of the Swedish alphabet."""

from collections.abc import Mapping
from functools import cache

from dashboard.web.language import language
from services.tenants.access import PersonRole


def kind_words(kind: str, lang: str) -> str:
    """What kind of service point it is: fixed, mobile or digital."""
    return _kinds(lang).get(kind, kind)


def device_kind_words(kind: str, lang: str) -> str:
    """What kind of device it is."""
    return _device_kinds(lang).get(kind, kind)


def service_words(code: str, lang: str) -> str:
    """A service by its code, as a person would say it; an unknown code stays as it is."""
    return _services(lang).get(code, code)


def role_words(role: str, lang: str) -> str:
    """What a person is to the installation."""
    return _roles(lang).get(role, role)


def in_order(name: str) -> str:
    """A key that sorts names as Swedish does: å, ä and ö after z."""
    return name.casefold().translate(_LAST_LETTERS)


_LAST_LETTERS = str.maketrans("åäö", "{|}")


@cache
def _kinds(lang: str) -> Mapping[str, str]:
    _ = language(lang).gettext
    return {
        "fixed": _("Fast servicepunkt"),
        "mobile": _("Mobil servicepunkt"),
        "digital": _("Digital servicepunkt"),
    }


@cache
def _device_kinds(lang: str) -> Mapping[str, str]:
    _ = language(lang).gettext
    return {
        "hotspot": _("Wifi"),
        "kiosk": _("Informationsskärm"),
        "tracker": _("Positionssändare"),
        "loan_computer": _("Lånedator"),
        "locker": _("Varubox"),
        "ground_station": _("Markstation"),
        "gateway": _("Nätbrygga"),
    }


@cache
def _roles(lang: str) -> Mapping[str, str]:
    _ = language(lang).gettext
    return {
        PersonRole.VIEWER: _("läsare"),
        PersonRole.EDITOR: _("redaktör"),
        PersonRole.TECHNICIAN: _("tekniker"),
        PersonRole.MUNICIPAL_ADMIN: _("kommunens administratör"),
        PersonRole.NETWORK: _("nätverket"),
        PersonRole.INSTALLATION_ADMIN: _("installationens administratör"),
    }


@cache
def _services(lang: str) -> Mapping[str, str]:
    _ = language(lang).gettext
    return {
        "dagligvaror": _("Dagligvaror"),
        "drivmedel": _("Drivmedel"),
        "post_paket": _("Post och paket"),
        "paketbox": _("Paketbox"),
        "varubox": _("Varubox"),
        "apoteksombud": _("Apoteksombud"),
        "systembolagsombud": _("Systembolagsombud"),
        "betaltjanst": _("Betaltjänster"),
        "kontanter": _("Kontanter"),
        "spelombud": _("Spelombud"),
        "cafe_motesplats": _("Café och mötesplats"),
        "dator_lan": _("Låna dator"),
        "utskrift_skanning": _("Utskrift och skanning"),
        "wifi": _("Wifi"),
        "turistinfo": _("Turistinformation"),
        "kommuninfo": _("Information från kommunen"),
        "blanketter": _("Blanketter"),
        "bibliotek": _("Bibliotek"),
        "hemsandning": _("Hemsändning"),
        "atervinning": _("Återvinning"),
        "mobilladdning": _("Mobilladdning"),
        "elbilsladdning": _("Elbilsladdning"),
        "videomote": _("Videomöten"),
        "halsorum": _("Hälsorum"),
        "digital_hjalp": _("Digital hjälp"),
        "obemannad_butik": _("Obemannad butik"),
        "trygghetspunkt": _("Trygghetspunkt"),
        "dricksvatten": _("Dricksvatten"),
        "toalett": _("Toalett"),
        "hjartstartare": _("Hjärtstartare"),
        "anslagstavla": _("Anslagstavla"),
    }

"""Every reason has advice in both languages, and advice that fits; notes stand only where a name needs one."""

import pytest

from dashboard.plain_words import advice_words, service_note
from dashboard.public_words import PublicWords
from services.status.points import PointReason
from services.tenants.models import ServiceType
from tests.dashboard.examples import NOON, view


@pytest.mark.parametrize("reason", PointReason)
def test_every_reason_has_advice_in_both_languages(reason: PointReason) -> None:
    swedish, english = advice_words(reason, "sv"), advice_words(reason, "en")
    assert swedish != english
    assert swedish.endswith(".")
    assert english.endswith(".")


def test_advice_never_promises_wifi_that_is_not_there() -> None:
    without = (
        PointReason.UPLINK_LOST,
        PointReason.WIFI_DOWN,
        PointReason.NO_CONTACT,
        PointReason.NOTHING_KNOWN,
    )
    assert [reason for reason in without if "Du kan surfa" in advice_words(reason, "sv")] == []


def test_notes_are_of_services_that_exist() -> None:
    codes = ServiceType.__args__  # type: ignore[attr-defined]
    noted = [code for code in codes if service_note(code, "sv")]
    assert len(noted) >= 10
    assert [code for code in noted if service_note(code, "sv") == service_note(code, "en")] == []
    assert service_note("dagligvaror", "sv") == service_note("no-such-service", "sv") == ""


def test_point_offers_its_services_with_notes() -> None:
    words = PublicWords("en", NOON)
    assert words.offers(view()) == [
        ("Groceries", ""),
        ("Pharmacy agent", "Collect medicine that you have ordered"),
        ("Wi-Fi", "Connect phones and computers"),
    ]
    assert words.advice(view(device="down", reason="silent")).startswith("We hear nothing")

"""Dead letters: the reason in plain words, the content as text, and only one's own."""

from dashboard.refusal_words import refusal_advice, refusal_words
from services.events.reasons import Reason
from services.tenants.access import PersonRole
from tests.dashboard.staffed import Staffed

ADD = """
INSERT INTO dead_letter (municipality, lane, device, topic, reason, detail, received_at, size, fingerprint, payload,
    replayable)
VALUES ($1, lane_for($1), $2, 'bypunkt/v1/' || $1 || '/' || $2, $3, $4, now(), 20, ''::bytea, $5::text, $5 IS NOT NULL)
"""


async def letters(site: Staffed, role: PersonRole = PersonRole.TECHNICIAN, query: str = "") -> str:
    async with site.signed_in(role) as http, http.get(f"/staff/dead-letters{query}") as answer:
        assert answer.status == 200
        return await answer.text()


async def test_letter_says_why_and_shows_its_content_as_text(site: Staffed) -> None:
    await site.run(
        ADD, "0781", "hs-lidhult-1", "unknown_type", "wifi.usagex", '{"data": "<script>alert(1)</script>"}'
    )
    await site.run(ADD, "0781", "hs-lidhult-1", "nul", "NUL byte at 3", None)
    text = await letters(site)
    assert "Händelsetypen är okänd." in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert "bara orsak, storlek och ett fingeravtryck" in text
    assert text.index("NUL byte at 3") < text.index("wifi.usagex")


async def test_nothing_wrong_is_said_too(site: Staffed) -> None:
    assert "Allt som enheterna har skickat kunde sparas" in await letters(site)


async def test_each_sees_their_own_and_the_installation_sees_all(site: Staffed) -> None:
    for code in ("0781", "0583", "9999"):
        await site.run(ADD, code, f"device-{code}", "unknown_device", "not registered", "{}")
    ours = await letters(site)
    assert "device-0781" in ours
    assert "device-0583" not in ours
    assert "device-9999" not in ours
    everything = await letters(site, PersonRole.INSTALLATION_ADMIN)
    assert all(f"device-{code}" in everything for code in ("0781", "0583", "9999"))


async def test_letters_are_found_by_reason_and_device_and_lead_to_devices_that_exist(site: Staffed) -> None:
    await site.run(ADD, "0781", "hs-lidhult-1", "nul", "NUL byte at 3", None)
    await site.run(ADD, "0781", "hs-lidhult-1", "unknown_type", "wifi.usagex", "{}")
    await site.run(ADD, "0781", "hs-stranger-1", "unknown_device", "not registered", "{}")
    text = await letters(site, PersonRole.INSTALLATION_ADMIN)
    assert 'href="/staff/devices/hs-lidhult-1"' in text
    assert "/staff/devices/hs-stranger-1" not in text
    assert "bypunkt deadletter replay" in text
    assert "Lägg till den i registret och spela upp igen." in text
    by_reason = await letters(site, query="?reason=nul")
    assert "NUL byte at 3" in by_reason
    assert "wifi.usagex" not in by_reason
    by_device = await letters(site, query="?device=hs-stranger-1")
    assert "not registered" in by_device
    assert "wifi.usagex" not in by_device
    assert "bypunkt deadletter replay" not in by_device  # a technician has no command line
    assert "Inget passar" in await letters(site, query="?reason=no-such-reason")


async def test_older_letters_are_a_link_away(site: Staffed) -> None:
    for number in range(51):
        await site.run(ADD, "0781", f"device-{number}", "empty", "no payload", None)
    first = await letters(site)
    assert "device-50" in first
    assert "device-0<" not in first
    before = first.split("?before=")[1].split('"')[0]
    assert "device-0<" in await letters(site, query=f"?before={before}")


async def test_page_that_cannot_be_is_not_found(site: Staffed) -> None:
    async with site.signed_in() as http:
        for before in ("x", "-1", "9" * 30, "9" * 5000, "0" * 20 + "9" * 20, "٣"):
            assert (await http.get("/staff/dead-letters", params={"before": before})).status == 404


async def test_viewers_do_not_see_dead_letters(site: Staffed) -> None:
    for role in (PersonRole.VIEWER, PersonRole.EDITOR, PersonRole.NETWORK):
        async with site.signed_in(role) as http:
            assert (await http.get("/staff/dead-letters")).status == 403
            assert "dead-letters" not in await (await http.get("/staff")).text()


def test_every_reason_has_words_in_both_languages() -> None:
    for reason in Reason:
        swedish, english = (refusal_words(reason, lang) for lang in ("sv", "en"))
        assert len({reason.value, swedish, english}) == 3, reason
    assert refusal_words("of tomorrow", "sv") == "of tomorrow"


def test_what_to_do_is_said_unless_there_is_nothing_to_do() -> None:
    assert {reason for reason in Reason if refusal_advice(reason, "sv") is None} == {Reason.TOO_OLD}
    assert "registry" in (refusal_advice(Reason.UNKNOWN_DEVICE, "en") or "")

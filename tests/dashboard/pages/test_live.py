"""The live streams: quick, complete across a lost connection, and never another municipality's."""

import asyncio
import time
from datetime import timedelta

import pytest

from dashboard.live import store
from dashboard.live.mailbox import MOST_WAITING, Frame
from dashboard.options import WebOptions
from dashboard.web import keys, streams
from services.tenants.access import PersonRole
from tests.dashboard.staffed import FORNASA, LIDHULT, Staffed, staffed
from tests.dashboard.streaming import stream
from tests.support import eventually

# From before the append to the event in hand. The way from the commit on takes a few milliseconds of it (the aim is
# 50); a machine that does five other things at once is the rest.
AT_ONCE_S = 0.25
USAGE = {"iface": "wlan0", "clients": 7}


async def test_event_comes_to_the_stream_in_short_and_at_once(site: Staffed) -> None:
    async with site.signed_in(PersonRole.VIEWER) as http, stream(http) as live:
        took, sent = [], None
        for number in range(5):
            began = time.perf_counter()
            await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": number, "uplink_ok": False})
            sent = await live.next("event")
            took.append(time.perf_counter() - began)
        assert sent is not None
        assert sent.data["device"] == "hs-lidhult-1"
        assert sent.data["words"] == "Livstecken, internet saknas"
        assert "data" not in sent.data
        assert min(took) < AT_ONCE_S


async def test_state_comes_in_words_of_the_readers_language(site: Staffed) -> None:
    async with site.signed_in() as http, stream(http, "/api/v1/live?lang=en") as live:
        await site.set_state("hs-lidhult-1", "down", "silent")
        sent = await live.next("device")
    assert sent.data["state"] == "down"
    assert sent.data["words"] == {"state": "No contact", "reason": "Has gone silent"}


async def test_clients_now_are_summed_over_the_radios(site: Staffed) -> None:
    async with site.signed_in() as http, stream(http) as live:
        await site.happens(LIDHULT, "wifi.usage", USAGE)
        assert (await live.next("usage")).data["clients"] == 7
        await site.happens(LIDHULT, "wifi.usage", {"iface": "wlan1", "clients": 2})
        assert (await live.next("usage")).data["clients"] == 9


async def test_nobody_hears_of_another_municipality(site: Staffed) -> None:
    async with (
        site.signed_in(PersonRole.MUNICIPAL_ADMIN) as ljungby,
        site.signed_in(PersonRole.INSTALLATION_ADMIN) as admin,
        stream(ljungby) as own,
        stream(admin) as everything,
        stream(admin, "/api/v1/live?municipality=0583") as motala,
    ):
        await site.happens(FORNASA, "device.heartbeat", {"uptime_s": 1})
        await site.set_state("hs-fornasa-1", "down", "silent")
        await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 2})
        assert (await own.next("event", "device")).data["device"] == "hs-lidhult-1"
        assert (await motala.next("event", "device")).data["device"] == "hs-fornasa-1"
        seen = {(await everything.next("event", "device")).data["device"] for _ in range(3)}
        assert seen == {"hs-lidhult-1", "hs-fornasa-1"}
        async with ljungby.get("/api/v1/live?municipality=0583") as foreign:
            assert foreign.status == 404
        async with ljungby.get("/api/v1/live?municipality=9999") as missing:
            assert missing.status == 404


async def test_sums_only_roles_get_no_stream_of_devices(site: Staffed) -> None:
    async with site.signed_in(PersonRole.NETWORK) as http, http.get("/api/v1/live") as answer:
        assert answer.status == 403
        assert answer.content_type == "application/problem+json"


async def test_lost_connection_goes_on_where_it_was(site: Staffed) -> None:
    async with site.signed_in() as http:
        async with stream(http) as live:
            await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1})
            told = (await live.next("event")).id
        await site.happens(LIDHULT, "device.status", {"state": "offline"})
        await site.set_state("hs-lidhult-1", "down", "offline")
        await site.happens(LIDHULT, "device.status", {"state": "online"})
        async with stream(http, **{"Last-Event-ID": str(told)}) as again:
            assert (await again.next("device")).data["reason"] == "offline"
            assert (await again.next("event")).data["words"] == "Kopplades från"
            assert (await again.next("event")).data["words"] == "Anslöt"
            await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 3})
            assert (await again.next("event")).data["words"] == "Livstecken"
        async with stream(http, f"/api/v1/live?since={told}") as first:
            assert (await first.next("event")).data["words"] == "Kopplades från"


async def test_nothing_is_told_twice_to_who_has_heard_it_all(site: Staffed) -> None:
    async with site.signed_in() as http:
        await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1})
        async with stream(http) as live:
            await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 2})
            told = (await live.next("event")).id
        async with stream(http, **{"Last-Event-ID": str(told)}) as again:
            await site.happens(LIDHULT, "device.status", {"state": "online"})
            assert (await again.next("event")).data["type"] == "device.status"


async def test_long_absence_is_told_the_newest_only(site: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MISSED", 3)
    async with site.signed_in() as http:
        async with stream(http) as live:
            await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 0})
            told = (await live.next("event")).id
        for number in range(5):
            await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1, "temp_c": 80 + number})
        async with stream(http, **{"Last-Event-ID": str(told)}) as again:
            assert [(await again.next("event")).data["words"] for _ in range(3)] == [
                f"Livstecken, {number} °C" for number in (82, 83, 84)
            ]


async def test_page_of_before_a_restore_gets_all_states_anew(site: Staffed) -> None:
    await site.set_state("hs-lidhult-1", "up", "heard")
    async with site.signed_in() as http:
        lane = await site.run("SELECT lane_for('0781')")
        async with stream(http, **{"Last-Event-ID": f"{lane}:5000:5000"}) as live:
            assert (await live.next("device")).data["device"] == "hs-lidhult-1"


async def test_own_blindness_is_told_and_so_is_its_end(
    site: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.live.hub.SIGHT_POLL_S", 0.05)
    async with site.signed_in() as http, stream(http) as live:
        assert (await live.next("sight", within=8)).data["seeing"] is True
        await site.run("UPDATE observation SET closed = true")
        assert (await live.next("sight", within=8)).data["seeing"] is False
        await site.see(site.now() + timedelta(hours=2))
        assert (await live.next("sight", within=8)).data["seeing"] is True


async def test_stream_ends_with_the_session(site: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    async with site.signed_in() as http, stream(http) as live:
        site.skew = timedelta(hours=13)
        await live.end()


async def test_stream_ends_when_the_person_gets_another_role(
    site: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    async with site.signed_in() as http, stream(http) as live:
        await site.run(
            "UPDATE person SET role = 'network', municipality = NULL WHERE role = 'municipal_admin'"
        )
        await live.end()


async def test_quiet_stream_shows_that_it_is_alive(site: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    async with site.visitor() as http, http.get("/live?point=none") as answer:
        async with asyncio.timeout(5):
            assert await answer.content.readuntil(b": here\n\n") == b"retry: 2000\n\n: here\n\n"


async def test_page_that_goes_away_gives_its_place_back(site: Staffed) -> None:
    hub = site.app[keys.HUB]
    async with site.signed_in() as http:
        async with stream(http), stream(http, "/live"):
            assert (len(hub._readers), len(hub.public._readers)) == (1, 1)
        await eventually(lambda: not hub._readers and not hub.public._readers)


async def test_full_house_is_asked_to_come_back(database_url: str, admin_url: str) -> None:
    options = WebOptions(port=0, staff_streams=1, public_streams=1)
    async with (
        staffed(database_url, admin_url, options) as site,
        site.signed_in() as http,
        stream(http),
        stream(http, "/live"),
    ):
        for path in ("/api/v1/live", "/live"):
            async with http.get(path) as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "30"


async def test_reader_who_takes_nothing_is_shut_out(site: Staffed) -> None:
    hub = site.app[keys.HUB]
    async with site.signed_in() as http, stream(http) as live:
        reader = next(iter(hub._readers))
        for number in range(MOST_WAITING + 1):
            reader.mailbox.put(Frame("event", {"sv": b"event: event\ndata: {}\n"}, lane=-1, position=number))
        await live.end()
        await eventually(lambda: not hub._readers)


async def test_nobody_looking_costs_no_query(site: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def count(*_args: object, **_named: object) -> list[object]:
        asked.append(1)
        return []

    monkeypatch.setattr("dashboard.live.hub.newest_events", count)
    await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1})
    async with site.signed_in() as http, stream(http):
        await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 2})
        await eventually(lambda: asked)
    assert len(asked) == 1


async def test_public_stream_begins_with_how_things_are_and_goes_on(site: Staffed) -> None:
    async with site.visitor() as http, stream(http, "/live") as live:
        first = {(await live.next("point")).data["id"] for _ in range(2)}
        assert first == {"dp-lidhult", "sp-fornasa"}
        await site.set_state("hs-fornasa-1", "up", "heard")
        sent = (await live.next("point")).data
    assert (sent["id"], sent["state"], sent["text_sv"]) == ("sp-fornasa", "working", "Wifi fungerar")
    assert "hs-fornasa-1" not in str(sent)


async def test_public_stream_can_be_narrowed(site: Staffed) -> None:
    async with site.visitor() as http:
        for query in ("point=sp-fornasa", "municipality=0583"):
            async with stream(http, f"/live?{query}") as live:
                assert (await live.next("point")).data["id"] == "sp-fornasa"
                await site.set_state("hs-lidhult-1", "up", "heard")
                await site.set_state("hs-fornasa-1", "degraded", query)
                assert (await live.next("point")).data["id"] == "sp-fornasa"


async def test_head_says_whether_one_may_and_opens_nothing(site: Staffed) -> None:
    async with site.signed_in() as http, site.visitor() as nobody:
        assert (await http.head("/api/v1/live")).status == 200
        assert (await nobody.head("/api/v1/live")).status == 401
        assert (await nobody.head("/live")).status == 200
    assert not site.app[keys.HUB]._readers

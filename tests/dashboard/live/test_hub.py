"""The hub goes on whatever happens to its connections, and keeps people and places apart."""

import asyncio
from functools import partial

from dashboard.live.hub import Full, Hub, Reader
from dashboard.live.mailbox import Frame
from dashboard.live.public import PublicReader
from dashboard.options import WebOptions
from dashboard.points import PublicPoints
from services.tenants.people import token_hash
from services.tenants.public import read_villages
from tests.dashboard.staffed import LIDHULT, Staffed
from tests.dashboard.streaming import stream
from tests.support import eventually

CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'bypunkt_app' AND datname = $1
"""


def test_reader_is_given_their_own_municipalities_and_lanes() -> None:
    reader = Reader(frozenset({"0781"}), frozenset({3}), token_hash("x"))
    assert reader.wants(Frame("device", {}, municipality="0781", lane=3))
    assert not reader.wants(Frame("device", {}, municipality="0583", lane=3))
    assert reader.wants(Frame("sight", {}, lane=3))
    assert not reader.wants(Frame("sight", {}, lane=4))


def test_public_reader_is_given_what_the_page_shows() -> None:
    frame = Frame("point", {}, municipality="0781", point="dp-lidhult")
    wants = {
        (code, point): PublicReader(code, point).wants(frame)
        for code in (None, "0781", "0583")
        for point in (None, "dp-lidhult", "sp-fornasa")
    }
    assert {asked for asked, wanted in wants.items() if wanted} == {
        (None, None),
        ("0781", None),
        (None, "dp-lidhult"),
        ("0781", "dp-lidhult"),
    }


async def test_news_goes_on_after_every_connection_was_cut(site: Staffed) -> None:
    name = await site.run("SELECT current_database()")
    async with site.signed_in() as http, stream(http) as live:
        await site.happens(LIDHULT, "device.status", {"state": "online"})
        assert (await live.next("event")).data["words"] == "Anslöt"
        await site.run(CUT, name)

        async def happened() -> bool:
            try:
                await site.happens(LIDHULT, "device.status", {"state": "offline"})
            except Exception:  # noqa: BLE001 - the pool may still hold connections that were cut
                return False
            return True

        await eventually(happened)
        assert (await live.next("event", within=15)).data["words"] == "Kopplades från"


async def test_new_municipality_is_known_at_once(site: Staffed) -> None:
    async with site.signed_in() as http, stream(http) as live:
        await site.run("SELECT pg_notify('bypunkt_registry', '')")
        await site.set_state("hs-lidhult-1", "up", "heard")
        assert (await live.next("device")).data["state"] == "up"


async def test_who_come_at_the_same_instant_are_counted_too(site: Staffed) -> None:
    points = PublicPoints(partial(read_villages, site.database), site.now)
    hub = Hub(site.database, points, clock=site.now, options=WebOptions(staff_streams=1))
    both_are_answered, answers = asyncio.Event(), []

    async def come() -> None:
        try:
            async with hub.reader(("0781",), token_hash("x")):
                answers.append("in")
                await both_are_answered.wait()
        except Full:
            answers.append("full")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(come())
        await eventually(lambda: len(answers) == 2)
        both_are_answered.set()
    assert sorted(answers) == ["full", "in"]

"""The system page: what it says when all is well, and when a part stands still; kept current while it is open."""

from datetime import timedelta

import pytest_asyncio
from playwright.async_api import Browser, expect

from services.tenants.access import PersonRole
from tests.dashboard.staffed import LIDHULT, Staffed

READ = """
INSERT INTO reading_cursor (reading, lane, position, caught_up_at)
SELECT r, l.lane, l.head, $1 FROM lane AS l CROSS JOIN unnest(ARRAY['status', 'usage']) AS r
ON CONFLICT (reading, lane) DO UPDATE SET caught_up_at = excluded.caught_up_at, position = excluded.position
"""
CONFIRM = """
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = on', current_database()); END $$
"""
LETTER = """
INSERT INTO dead_letter (municipality, lane, topic, reason, detail, received_at, size, fingerprint, replayable)
VALUES ($1, lane_for($1), 't', $2, '', $3, 1, '', false)
"""
ADMIN = PersonRole.INSTALLATION_ADMIN


async def page(site: Staffed, role: PersonRole = ADMIN) -> str:
    """What the page says to somebody with this role."""
    async with site.signed_in(role) as http, http.get("/staff/system") as answer:
        assert answer.status == 200
        return await answer.text()


@pytest_asyncio.fixture(loop_scope="session")
async def well(site: Staffed) -> Staffed:
    """A site where everything keeps up, on a database that says so too: a setting of it counts for new connections."""
    await site.run(CONFIRM)
    await site.database._pool.expire_connections()
    await site.happens(LIDHULT, "device.heartbeat", {"uptime_s": 1})
    await site.run(READ, site.now() + timedelta(hours=1))
    return site


async def test_all_is_well(well: Staffed) -> None:
    text = await page(well)
    assert "Allt hinner med. Senaste händelsen lagrades för" in text
    assert 'data-kind="critical"' not in text
    assert all(name in text for name in ("Ljungby", "Motala", "Statusläsningen", "Användningsläsningen"))


async def test_gateway_that_is_away_is_said_with_the_municipalities(well: Staffed) -> None:
    await well.run("UPDATE observation SET closed = true")
    assert "Ingen tar emot händelser för någon kommun sedan" in await page(well)
    await well.run("UPDATE observation SET closed = lane = lane_for('0583')")
    assert "Ingen tar emot händelser för Motala sedan" in await page(well)


async def test_worker_that_stands_still_is_said(well: Staffed) -> None:
    await well.run(READ, well.now() - timedelta(minutes=5))
    assert "Ingen läser händelserna sedan" in await page(well)
    await well.run("UPDATE reading_cursor SET caught_up_at = now() + interval '1 h' WHERE reading = 'usage'")
    text = await page(well)
    assert "Statusläsningen ligger 5 min efter i 2 av 2 banor." in text
    assert "Allt hinner med" not in text


async def test_refusals_of_today_lead_to_their_letters(well: Staffed) -> None:
    for code, reason in (("0781", "nul"), ("0583", "empty"), ("9999", "not_json")):
        await well.run(LETTER, code, reason, well.now())
    await well.run(LETTER, "0781", "too_old", well.now() - timedelta(days=2))
    everything = await page(well)
    assert all(
        f"/staff/dead-letters?reason={reason}" in everything for reason in ("nul", "empty", "not_json")
    )
    assert "reason=too_old" not in everything
    ours = await page(well, PersonRole.TECHNICIAN)
    assert "reason=nul" in ours
    assert "reason=empty" not in ours
    assert "Motala" not in ours


async def test_those_who_look_after_devices_see_it_and_nobody_else(site: Staffed) -> None:
    for role in PersonRole:
        async with site.signed_in(role) as http:
            may = role in (PersonRole.TECHNICIAN, PersonRole.MUNICIPAL_ADMIN, ADMIN)
            assert (await http.get("/staff/system")).status == (200 if may else 403)
            assert ('href="/staff/system"' in await (await http.get("/staff")).text()) == may


async def test_open_page_keeps_current_and_says_when_it_cannot(well: Staffed, browser: Browser) -> None:
    async with well.window(browser, ADMIN) as context:
        await context.clock.install()
        tab = await context.new_page()
        await tab.goto("/staff/system")
        await expect(tab.locator(".notice")).to_contain_text("Allt hinner med")
        line = tab.locator("#system-line")
        await expect(line).to_have_attribute("data-is", "live")
        await well.run("UPDATE observation SET closed = true")
        await context.clock.run_for(12_000)
        await expect(tab.locator(".notice")).to_contain_text("Ingen tar emot händelser", timeout=20_000)
        await context.set_offline(offline=True)
        await context.clock.run_for(12_000)
        await expect(line).to_have_attribute("data-is", "stale", timeout=20_000)
        await expect(line).to_contain_text("Ingen kontakt med servern")
        await context.set_offline(offline=False)
        await context.clock.run_for(12_000)
        await expect(line).to_have_attribute("data-is", "live", timeout=20_000)

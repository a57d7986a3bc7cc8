"""What everyone may know of the past: the same figures as elsewhere, never without coverage, and what is not known."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from dashboard.figure_words import percent_words
from dashboard.public_history import HISTORY
from services.availability.figures import percent
from services.storage.database import Database
from tests.dashboard.public.demo_site import Site
from tests.dashboard.public.past_days import HOUR, YESTERDAY, change_day, count_days

NBSP = "\N{NO-BREAK SPACE}"


async def text(villages: Site, path: str, *, status: int = 200) -> str:
    async with villages.http.get(villages.url + path) as answer:
        assert answer.status == status
        return re.sub("[ \n]+", " ", await answer.text())


def row_of(page: str, point: str) -> str:
    return page[page.index(f'data-point="{point}"') :].partition("</li>")[0]


async def test_figures_of_a_point_are_exact_and_have_their_coverage(villages: Site) -> None:
    await count_days(villages, 90)
    await change_day(villages, "sp-jorn", YESTERDAY, down=1.5)
    await change_day(villages, "sp-jorn", YESTERDAY - timedelta(days=40), lost=3, blind=4)
    row = row_of(await text(villages, "/status?lang=sv"), "sp-jorn")
    short, long = row.split('data-days="90"')
    # The night of 25 October has an hour more.
    whole = (30 * 24 + 1) * HOUR
    assert percent_words(percent(whole - int(1.5 * HOUR), whole), "sv") in short
    assert f"100,00{NBSP}%" in short
    counted = (90 * 24 + 1) * HOUR
    known = counted - 4 * HOUR
    assert percent_words(percent(known - int(4.5 * HOUR), known), "sv") in long
    assert percent_words(percent(known, counted), "sv") in long


async def test_page_of_the_point_says_the_same_as_the_page_of_all(villages: Site) -> None:
    await count_days(villages, 365)
    await change_day(villages, "sp-jorn", YESTERDAY, down=0.7, blind=0.2)
    await change_day(villages, "sp-jorn", YESTERDAY - timedelta(days=60), down=2, maintenance=3)
    row = row_of(await text(villages, "/status?lang=en"), "sp-jorn")
    page = await text(villages, "/p/sp-jorn/status?lang=en")
    for days in (30, 90):
        here = row[row.index(f'data-days="{days}"') :].partition("</dd>")[0]
        there = page[page.index(f'data-days="{days}"') :].partition('data-figure="service"')[0]
        for what in ("data-number", "data-coverage"):
            figures = [re.findall(rf"{what}>([^<]+)<", part) for part in (here, there)]
            assert figures[0] == figures[1]
            assert re.fullmatch(rf"\d+\.\d\d{NBSP}%", figures[0][0])
    assert 'data-days="365"' in page


async def test_too_little_known_is_no_number(villages: Site) -> None:
    await count_days(villages, 90)
    for number in range(90):
        await change_day(villages, "sp-jorn", YESTERDAY - timedelta(days=number), blind=6)
    row = row_of(await text(villages, "/status?lang=sv"), "sp-jorn")
    assert re.findall(r"data-number>([^<]+)<", row) == ["Underlag saknas"] * 2
    assert re.findall(r"data-coverage>([^<]+)<", row) == [f"75,03{NBSP}%", f"75,01{NBSP}%"]
    assert "90 dygn: Underlag saknas: 90 dygn" in row


async def test_each_day_has_its_cell_and_days_that_are_not_counted_are_said(villages: Site) -> None:
    await count_days(villages, 45)
    await change_day(villages, "sp-jorn", YESTERDAY, down=1)
    await change_day(villages, "sp-jorn", YESTERDAY - timedelta(days=1), down=24)
    await change_day(villages, "sp-jorn", YESTERDAY - timedelta(days=2), blind=12)
    await change_day(villages, "sp-jorn", YESTERDAY - timedelta(days=3), maintenance=2)
    row = row_of(await text(villages, "/status?lang=sv"), "sp-jorn")
    cells = re.findall(r'width="([\d.]+)%" height="76%"[^>]* data-look="(\w+)"', row)
    assert [(round(float(width) * 0.9), look) for width, look in cells] == [
        (42, "working"),
        (1, "unknown"),
        (1, "down"),
        (1, "partly"),
    ]
    assert re.findall(r'y="82%"[^>]* data-look="(\w+)"', row) == ["maintenance"]
    says = (
        "Tillgänglig: 42 dygn, Delvis tillgänglig: 1 dygn, Inte tillgänglig: 1 dygn, Underlag saknas: 1 dygn"
    )
    assert f"{says}, Inte räknat: 45 dygn, Underhåll: 1 dygn" in row
    assert "45 dygn räknade" in row


async def test_worst_comes_first_and_what_is_closed_last(villages: Site) -> None:
    await villages.set_state("hs-lagan-1", "down", reason="silent")
    await villages.set_state("ki-lagan-1", "down", reason="silent")
    await villages.set_state("hs-gunnarn-1", "degraded", reason="uplink_lost")
    await villages.run("DELETE FROM device_status WHERE device = 'hs-hamneda-1'")
    await villages.run("UPDATE service_point SET status = 'paused' WHERE id = 'sp-hogsjo'")
    page = await text(villages, "/status?lang=sv")
    points = re.findall(r'data-point="([^"]+)"', page)
    assert points[:3] == ["dp-lagan", "sp-gunnarn", "dp-hamneda"]
    assert points[-1] == "sp-hogsjo"
    assert len(points) == 20
    heads = re.findall(r'id="group-(\w+)"', page)
    assert heads == ["trouble", "unknown", "working", "paused"]
    assert "Vi vet inte just nu" in row_of(page, "dp-hamneda")


async def test_outages_and_what_is_not_known_are_told_in_words(villages: Site) -> None:
    await count_days(villages, 10)
    await change_day(villages, "sp-jorn", YESTERDAY, down=3.8)
    for point in ("sp-jorn", "sp-sarna"):
        await change_day(villages, point, YESTERDAY - timedelta(days=2), blind=0.4)
    await change_day(villages, "sp-sarna", YESTERDAY - timedelta(days=8), down=3)
    page = await text(villages, "/status?lang=sv")
    lately = page[page.index('id="lately"') :].partition("</section>")[0]
    assert "17 november 2026" in lately
    assert "fungerade inte i 3 h 48 min" in lately
    assert "Vi vet inte hur det var på 2 servicepunkter en del av dygnet, som längst 24 min" in lately
    assert "3 h 0 min" not in lately
    assert "did not work for 3 h 48 min" in await text(villages, "/status?lang=en")


async def test_no_outage_is_said_only_of_days_that_are_counted(villages: Site) -> None:
    page = await text(villages, "/status?lang=sv")
    lately = page[page.index('id="lately"') :].partition("</section>")[0]
    assert "Inget dygn är räknat än" in lately
    assert "Inget avbrott" not in lately
    assert "No day is counted yet" in await text(villages, "/status?lang=en")
    await count_days(villages, 3)
    villages.now += timedelta(minutes=2)
    page = await text(villages, "/status?lang=sv")
    lately = page[page.index('id="lately"') :].partition("</section>")[0]
    assert "Inget avbrott" in lately
    assert "Inget dygn är räknat än" not in lately


async def test_maintenance_is_announced_where_it_is_and_when(villages: Site) -> None:
    for municipality, point, starts, rule, reason in (
        ("2482", "sp-jorn", "2026-11-20 08:00", None, "Byte av antenn"),
        ("0781", None, "2026-11-10 22:00", "FREQ=WEEKLY;BYDAY=TU", "Uppdatering varje vecka"),
        ("2482", None, "2027-01-20 08:00", None, "Långt fram"),
    ):
        await villages.run(
            "INSERT INTO maintenance (municipality, point, starts, ends, rule, reason) "
            "VALUES ($1, $2, $3::timestamp, $3::timestamp + interval '4 hours', $4, $5)",
            municipality,
            point,
            datetime.fromisoformat(starts),
            rule,
            reason,
        )
    page = await text(villages, "/status?lang=sv")
    work = page[page.index('id="work"') :].partition("</section>")[0]
    assert work.index("Byte av antenn") < work.index("Uppdatering varje vecka")
    assert "20 november 2026 08:00" in work
    assert "24 november 2026 22:00" in work
    assert "alla servicepunkter i Ljungby" in work
    assert "Långt fram" not in work
    assert "Byte av antenn" in await text(villages, "/p/sp-jorn/status")
    assert "Uppdatering varje vecka" not in await text(villages, "/p/sp-jorn/status")
    assert "Byte av antenn" not in await text(villages, "/status?municipality=0781")


async def test_history_stays_while_the_database_is_away_and_its_absence_is_said(
    villages: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await count_days(villages, 90)
    before = await text(villages, "/status?lang=sv")
    assert f"100,00{NBSP}%" in before
    await text(villages, "/")
    villages.now += timedelta(minutes=7)
    villages.take_database_away()
    monkeypatch.setattr(Database, "transaction", refuse)
    after = await text(villages, "/status?lang=sv")
    assert f"100,00{NBSP}%" in after
    assert "Här visas läget som det var kl. 13:00." in after
    assert "Historiken kan inte visas just nu" in await text(villages, "/p/sp-jorn/status?lang=sv")


def refuse(*_: object) -> None:
    raise ConnectionRefusedError


async def test_what_is_read_is_kept_for_a_minute_and_read_again_on_a_new_day(villages: Site) -> None:
    history = villages.app[HISTORY]
    await count_days(villages, 2)
    first = await history.overview()
    assert await history.overview() is first
    villages.now += timedelta(minutes=2)
    second = await history.overview()
    assert second is not first
    villages.now = villages.now.replace(hour=22, minute=59, second=50)
    third = await history.overview()
    villages.now += timedelta(seconds=20)
    fourth = await history.overview()
    assert third
    assert fourth
    assert fourth.period.last - third.period.last == timedelta(days=1)


async def test_unknown_names_are_not_found(villages: Site) -> None:
    for path in ("/status?municipality=9999", "/p/nowhere/status", "/p/nowhere/measured", "/p/nowhere/sign"):
        await text(villages, path, status=404)


async def test_days_counted_again_are_said(villages: Site) -> None:
    await count_days(villages, 40)
    assert "räknat om, för" not in await text(villages, "/p/sp-jorn/status?lang=sv")
    await villages.run(
        "UPDATE availability_day SET version = 2 WHERE subject = 'sp-jorn' AND day = $1", YESTERDAY
    )
    villages.now += timedelta(minutes=2)
    assert "1 dygn är räknat om" in await text(villages, "/p/sp-jorn/status?lang=sv")


def test_hundred_is_never_rounded_up_to() -> None:
    assert percent(99_999, 100_000) == Decimal("99.99")

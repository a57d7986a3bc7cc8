"""Reports for staff: each in every form with the same figures, versions that say so, and only one's own."""

import io
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta

import asyncpg
import pypdf
import pytest
import pytest_asyncio

from services.tenants.access import PersonRole
from tests.dashboard.staffed import Staffed
from tests.reports.reporting import AUGUST, LATER, POINT, Desk
from tests.support.villages import lane_of

WHOLE = "/staff/reports/0781/2026-08"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(site: Staffed) -> AsyncIterator[Desk]:
    """August in Lidhult with 2 h down on the 3rd, and its reports made."""
    admin = await asyncpg.connect(site.admin_url)
    made = Desk(site.database, admin, await lane_of(site.database, "0781"))
    await made.month(AUGUST.first)
    await made.day(date(2026, 8, 3), down=7_200_000)
    await made.counted(date(2026, 9, 5))
    await made.make()
    yield made
    await admin.close()


async def read(
    site: Staffed, address: str, role: PersonRole = PersonRole.VIEWER, *, status: int = 200
) -> bytes:
    async with site.signed_in(role) as http, http.get(address) as answer:
        assert answer.status == status, address
        return await answer.read()


async def test_without_reports_the_list_says_when_there_will_be(site: Staffed) -> None:
    assert "Den första görs några dagar efter månadens slut" in (await read(site, "/staff/reports")).decode()


@pytest.mark.usefixtures("desk")
async def test_figure_is_the_same_in_every_form(site: Staffed) -> None:
    html = (await read(site, WHOLE)).decode()
    assert "99,73" in html
    pdf = pypdf.PdfReader(io.BytesIO(await read(site, f"{WHOLE}/pdf")))
    assert "99,73" in pdf.pages[0].extract_text()
    assert ";99,73;100,00;" in (await read(site, f"{WHOLE}/csv")).decode()
    assert ",99.73,100.00," in (await read(site, f"{WHOLE}/csv?lang=en")).decode()
    told = json.loads(await read(site, f"{WHOLE}/json"))
    clock = told["content"]["availability"]["clock"]
    assert clock["up"] * 10_000 // (clock["up"] + clock["down"]) == 9973
    assert told["hash"] in html
    assert f'href="{WHOLE}/pdf"' in html


@pytest.mark.usefixtures("desk")
async def test_point_has_its_own_report(site: Staffed) -> None:
    html = (await read(site, f"{WHOLE}?point={POINT}")).decode()
    assert "Digital servicepunkt Lidhult (demo), augusti 2026" in html
    assert f'href="{WHOLE}/csv?point={POINT}"' in html
    assert POINT in (await read(site, f"{WHOLE}/csv?point={POINT}")).decode()


async def test_revised_version_is_kept_and_says_which_one_holds(site: Staffed, desk: Desk) -> None:
    await desk.day(date(2026, 8, 3))
    await desk.make(now=LATER + timedelta(days=1))
    listed = (await read(site, "/staff/reports")).decode()
    assert "Rättad" in listed
    assert f'href="{WHOLE}?version=1"' in listed
    old = (await read(site, f"{WHOLE}?version=1")).decode()
    assert "99,73" in old
    assert "version 2 gäller i stället" in old
    new = (await read(site, WHOLE)).decode()
    assert "99,73" not in new
    assert "gäller i stället" not in new


@pytest.mark.usefixtures("desk")
async def test_list_shows_municipalities_first_and_points_of_one_period(site: Staffed) -> None:
    listed = (await read(site, "/staff/reports")).decode()
    assert "Ljungby kommun" in listed
    assert f"point={POINT}" not in listed
    within = (await read(site, "/staff/reports?municipality=0781&period=2026-08&lang=en")).decode()
    assert f'href="{WHOLE}?point={POINT}&amp;lang=en"' in within
    assert "August 2026" in within


async def test_nobody_reads_those_of_others(site: Staffed, desk: Desk) -> None:
    await desk.admin.execute("UPDATE bypunkt.person SET municipality = '0583' WHERE municipality IS NOT NULL")
    assert "Ljungby" not in (await read(site, "/staff/reports")).decode()
    await read(site, WHOLE, status=404)
    await read(site, f"{WHOLE}/json", status=404)
    await read(site, WHOLE, PersonRole.NETWORK, status=403)
    await read(site, WHOLE, PersonRole.INSTALLATION_ADMIN)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    "address",
    [f"{WHOLE}/exe", f"{WHOLE}?version=x", f"{WHOLE}?version=9", f"{WHOLE}?point=nowhere", "/staff/reports/0781/2026-8",
     "/staff/reports?period=soon"],
)  # fmt: skip
async def test_what_there_is_not_is_not_found(site: Staffed, address: str) -> None:
    await read(site, address, status=404)

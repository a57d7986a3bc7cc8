"""The comparison shows what the points' own pages show."""

import re

import pytest

from services.tenants.access import PersonRole
from tests.dashboard.lived import counted, lived
from tests.dashboard.staffed import FORNASA, LIDHULT, Staffed


async def shown(site: Staffed, path: str, role: PersonRole, status: int = 200) -> str:
    async with site.signed_in(role) as http, http.get(path) as answer:
        assert answer.status == status
        return await answer.text()


def row_of(page: str, point: str) -> list[str]:
    """The figures of a point's row as text."""
    row = re.findall(rf'<tr data-point="{point}">.*?</tr>', page, re.DOTALL)[0]
    cells = re.findall(r'<td class="figure">(.*?)</td>', row, re.DOTALL)
    return [re.sub(r"<[^>]+>|\s(?=%)", "", cell).strip() for cell in cells]


async def test_same_figures_as_on_the_points_own_page_worst_first(site: Staffed) -> None:
    await lived(site, LIDHULT, days=10, befell=[(3, (0, 95, "down", "silent"))])
    await lived(site, FORNASA, days=10, befell=[(3, (600, 1000, "down", "silent"))])
    await site.run("UPDATE device SET lifecycle = 'suspended' WHERE id = 'hs-lidhult-2'")
    await counted(site)
    page = await shown(site, "/staff/compare?days=7&lang=en", PersonRole.INSTALLATION_ADMIN)
    assert re.findall(r'data-point="([^"]+)"', page) == ["sp-fornasa", "dp-lidhult"]
    for point in ("sp-fornasa", "dp-lidhult"):
        own = await shown(site, f"/staff/points/{point}?days=7&lang=en", PersonRole.INSTALLATION_ADMIN)
        numbers = re.findall(r"<b data-number>([^<]+)<", own)
        coverages = re.findall(r"<b data-coverage>([^<]+)<", own)
        pairs = [
            part.replace("\N{NO-BREAK SPACE}", "")
            for pair in zip(numbers, coverages, strict=True)
            for part in pair
        ]
        assert len(pairs) == 4
        assert row_of(page, point)[:4] == pairs


async def test_point_of_which_no_day_is_counted_is_there_all_the_same(site: Staffed) -> None:
    page = await shown(site, "/staff/compare", PersonRole.VIEWER)
    assert row_of(page, "dp-lidhult")[0] == "Inte räknat"
    assert "sp-fornasa" not in page
    assert "Alla kommuner" not in page


async def test_municipality_narrows_and_stays_in_the_links(site: Staffed) -> None:
    page = await shown(site, "/staff/compare?municipality=0583&days=90", PersonRole.INSTALLATION_ADMIN)
    assert re.findall(r'data-point="([^"]+)"', page) == ["sp-fornasa"]
    assert "/staff/compare?days=7&amp;municipality=0583" in page
    await shown(site, "/staff/compare?municipality=0583", PersonRole.VIEWER, status=404)


@pytest.mark.parametrize("days", ["1", "31", "x"])
async def test_period_that_is_not_offered_is_refused(site: Staffed, days: str) -> None:
    await shown(site, f"/staff/compare?days={days}", PersonRole.VIEWER, status=400)


async def test_only_who_may_see_devices_sees_it(site: Staffed) -> None:
    await shown(site, "/staff/compare", PersonRole.NETWORK, status=403)

"""For operators: alive, ready part by part, and figures that give nothing away."""

from prometheus_client.parser import text_string_to_metric_families

from dashboard.web.readiness import Part
from tests.dashboard.staffed import LOGINS, Staffed


async def test_alive_is_alive_whatever_else_is_wrong(site: Staffed) -> None:
    site.parts = [Part("database", ready=False)]
    async with site.visitor() as http, http.get("/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"alive": True})
        assert answer.headers["Cache-Control"] == "no-store"


async def test_ready_names_each_part_and_fails_with_one(site: Staffed) -> None:
    site.parts = [Part("database", ready=True), Part("broker", ready=True)]
    async with site.visitor() as http:
        async with http.get("/readyz") as answer:
            assert answer.status == 200
            assert (await answer.json())["ready"] is True
        site.parts[1] = Part("broker", ready=False, detail="no connection")
        async with http.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["parts"] == [
                {"name": "database", "ready": True, "detail": ""},
                {"name": "broker", "ready": False, "detail": "no connection"},
            ]


async def test_check_that_fails_means_not_ready(site: Staffed) -> None:
    site.parts = None  # type: ignore[assignment]
    async with site.visitor() as http, http.get("/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["parts"] == [{"name": "check", "ready": False, "detail": "TypeError"}]


async def test_figures_are_prometheus_text_without_names(site: Staffed) -> None:
    async with site.signed_in() as http:
        await http.get("/staff/devices/hs-lidhult-1?municipality=0781")
        async with http.get("/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            text = await answer.text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    routes = {sample.labels["route"] for sample in families["bypunkt_http_requests"].samples}
    assert "/staff/devices/{device}" in routes
    assert not [name for name in ("0781", "hs-lidhult", "127.0.0.1", *LOGINS.values()) if name in text]

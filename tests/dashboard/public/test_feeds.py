"""The feeds: valid in their formats, and not sent twice to those who have them."""

import csv
import io
import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import pytest

from dashboard.kept_bodies import KeptBodies
from tests.dashboard.public.demo_site import NOW, Site

FEEDS = ("/feed.json", "/points.geojson", "/points.csv")
HOSTILE = "=cmd|' /C calc'!A1\"><script>alert(1)</script>\u2028"


async def get(villages: Site, path: str) -> Any:  # noqa: ANN401 - JSON of three shapes
    async with villages.http.get(villages.url + path) as answer:
        assert answer.status == 200
        return json.loads(await answer.read())


async def test_json_feed_has_an_item_for_each_point_newest_change_first(villages: Site) -> None:
    await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=NOW - timedelta(minutes=30))
    feed = await get(villages, "/feed.json")
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["language"] == "sv"
    assert feed["feed_url"] == f"{villages.url}/feed.json"
    assert len(feed["items"]) == 20
    first = feed["items"][0]
    assert first["id"] == f"{villages.url}/p/sp-gunnarn#2026-11-18T11:30:00.000Z"
    assert first["content_text"] == "Ingen kontakt sedan 12:30. Öppet till 18:00."
    assert first["_bypunkt"]["state"] == "down"
    for item in feed["items"]:
        assert {type(item[name]) for name in ("id", "url", "title", "content_text", "language")} == {str}
        assert item["url"].startswith(f"{villages.url}/p/")
        assert item["date_published"].endswith("Z")
    assert len({item["id"] for item in feed["items"]}) == 20


async def test_point_nothing_is_known_of_comes_last_without_a_date(villages: Site) -> None:
    await villages.run("DELETE FROM device_status WHERE device = 'hs-gunnarn-1'")
    last = (await get(villages, "/feed.json"))["items"][-1]
    assert last["id"].endswith("/p/sp-gunnarn#never")
    assert "date_published" not in last


async def test_feeds_can_be_narrowed_and_speak_english(villages: Site) -> None:
    assert len((await get(villages, "/feed.json?municipality=0781"))["items"]) == 7
    one = await get(villages, "/feed.json?point=dp-lagan&lang=en")
    assert [item["content_text"] for item in one["items"]] == ["Wi-Fi works. Always open."]
    assert one["language"] == "en"
    assert len((await get(villages, "/points.geojson?municipality=0583"))["features"]) == 3
    for path in FEEDS:
        for query in ("municipality=9999", "point=dp-none"):
            async with villages.http.get(f"{villages.url}{path}?{query}") as answer:
                assert answer.status == 404
                assert answer.content_type == "application/problem+json"


async def test_geojson_keeps_to_the_standard_and_tells_everything_public(villages: Site) -> None:
    collection = await get(villages, "/points.geojson")
    assert collection["type"] == "FeatureCollection"
    assert "crs" not in collection
    features = {feature["id"]: feature for feature in collection["features"]}
    assert len(features) == 20
    assert features["mp-bokbuss-motala"]["geometry"] is None
    fornasa = features["sp-fornasa"]
    assert fornasa["geometry"] == {"type": "Point", "coordinates": [15.23, 58.47]}
    assert fornasa["properties"] | {"updated": ""} == {
        "name": "Servicepunkt Fornåsa (demo)",
        "names": {"sv": "Servicepunkt Fornåsa (demo)"},
        "url": f"{villages.url}/p/sp-fornasa",
        "municipality": "0583",
        "municipality_name": "Motala",
        "locality": "Fornåsa",
        "kind": "fixed",
        "kind_text": "Fast servicepunkt",
        "status": "active",
        "services": ["dagligvaror", "dator_lan", "utskrift_skanning", "kommuninfo", "wifi"],
        "services_text": [
            *("Dagligvaror", "Låna dator", "Utskrift och skanning", "Information från kommunen", "Wifi"),
        ],
        "opening_hours": "Mo-Fr 09:00-18:00; Sa 10:00-14:00; Su,PH off",
        "open_now": True,
        "open_changes_at": "2026-11-18T17:00:00.000Z",
        "opening_text": "Öppet till 18:00",
        "state": "working",
        "reason": "all_up",
        "state_text": "Wifi fungerar",
        "since": "2026-11-18T10:00:00.000Z",
        "synthetic": True,
        "updated": "",
    }


async def test_csv_has_the_common_columns_and_no_formulas(villages: Site) -> None:
    await villages.run(
        "UPDATE service_point SET names = $1::jsonb WHERE id = 'dp-lagan'", json.dumps({"sv": HOSTILE})
    )
    async with villages.http.get(villages.url + "/points.csv") as answer:
        rows = list(csv.DictReader(io.StringIO(await answer.text(encoding="utf-8"), newline="")))
    assert list(rows[0])[:10] == [
        *(
            "source",
            "id",
            "name",
            "latitude",
            "longitude",
            "email",
            "visit_url",
            "wikidata",
            "updated",
            "description",
        ),
    ]
    assert len(rows) == 19
    lagan = next(row for row in rows if row["id"] == "dp-lagan")
    assert lagan["name"] == f"'{HOSTILE}"
    assert (lagan["latitude"], lagan["longitude"], lagan["source"]) == ("56.91", "13.98", "0781")
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/feed.json", "application/feed+json; charset=utf-8"),
        ("/points.geojson", "application/geo+json"),
        ("/points.csv", "text/csv; charset=utf-8"),
    ],
)
async def test_feeds_are_open_to_every_site_and_say_what_they_are(
    villages: Site, path: str, media_type: str
) -> None:
    async with villages.http.get(villages.url + path, headers={"Origin": "https://example.org"}) as answer:
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Content-Encoding"] == "gzip"
        length = len(await answer.read())
    async with villages.http.head(villages.url + path, headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) == length
        assert await answer.read() == b""


@pytest.mark.parametrize("path", FEEDS)
async def test_feed_is_not_sent_to_those_who_have_it(villages: Site, path: str) -> None:
    async def status(**headers: str) -> int:
        async with villages.http.get(villages.url + path, headers=headers) as answer:
            return answer.status

    async with villages.http.get(villages.url + path) as answer:
        tag, modified = answer.headers["ETag"], answer.headers["Last-Modified"]
    assert parsedate_to_datetime(modified) <= NOW
    assert await status(**{"If-None-Match": tag}) == 304
    assert await status(**{"If-None-Match": f'"other", {tag}'}) == 304
    assert await status(**{"If-Modified-Since": modified}) == 304
    assert await status(**{"If-None-Match": '"other"', "If-Modified-Since": modified}) == 200
    assert await status(**{"If-Modified-Since": "yesterday or so"}) == 200
    # Heard once more is no change for a feed.
    villages.now += timedelta(seconds=10)
    await villages.run("UPDATE device_status SET last_sign_at = $1", villages.now)
    assert await status(**{"If-None-Match": tag}) == 304
    if path != "/points.csv":
        await villages.set_state("hs-gunnarn-1", "down", reason="silent", since=villages.now)
        villages.now += timedelta(seconds=5)
        assert await status(**{"If-None-Match": tag}) == 200
        assert await status(**{"If-Modified-Since": modified}) == 200


async def test_an_unchanged_feed_is_made_once() -> None:
    kept, made = KeptBodies(), []

    def make() -> bytes:
        made.append(1)
        return b"body"

    first = kept.get("a", 1, make, now=NOW)
    assert kept.get("a", 1, make, now=NOW + timedelta(hours=1)) is first
    assert len(made) == 1


async def test_two_changes_in_one_second_have_two_times() -> None:
    kept = KeptBodies()
    times = [kept.get("a", body, partial(bytes, body), now=NOW).modified for body in (b"1", b"2", b"3")]
    assert times == [NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)]


async def test_change_that_does_not_show_keeps_tag_and_time() -> None:
    kept = KeptBodies()
    first = kept.get("a", 1, lambda: b"same", now=NOW)
    second = kept.get("a", 2, lambda: b"same", now=NOW + timedelta(hours=1))
    assert (first.etag, first.modified) == (second.etag, second.modified)


async def test_memory_for_feeds_is_bounded_whatever_is_asked_for() -> None:
    kept = KeptBodies(most_bytes=50_000)
    for number in range(200):
        kept.get(number, 1, lambda: b"x" * 10_000, now=NOW)
    assert kept._size <= 50_000
    assert kept._size == sum(body.size for _state, body in kept._kept.values())
    assert list(kept._kept) == [196, 197, 198, 199][-len(kept._kept) :]

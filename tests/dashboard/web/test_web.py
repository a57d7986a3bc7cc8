"""The plumbing, piece by piece: addresses, words, assets, forms, errors."""

import json
from datetime import UTC, datetime

import jinja2
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from dashboard.web import errors, forms, keys, pages
from dashboard.web.assets import Assets, load_assets
from dashboard.web.language import language
from dashboard.web.security import comes_from_here
from dashboard.web.templates import environment, load_templates

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


def request(path: str, **headers: str) -> web.Request:
    made = make_mocked_request("GET", path, headers=headers)
    made[keys.LANGUAGE] = language("sv")
    return made


@pytest.mark.parametrize(
    ("asked", "path", "query", "address"),
    [
        ("/", "/p/x", {}, "/p/x"),
        ("/?lang=en", "/p/x", {}, "/p/x?lang=en"),
        ("/?lang=de", "/p/x", {}, "/p/x"),
        ("/?lang=en", "/p/x?a=1", {"b": "å&"}, "/p/x?a=1&b=%C3%A5%26&lang=en"),
        ("/?lang=en", "/", {"lang": "sv", "municipality": None}, "/?lang=sv"),
    ],
)
def test_links_keep_the_language_that_was_asked_for(
    asked: str, path: str, query: dict[str, str | None], address: str
) -> None:
    assert pages.link(request(asked), path, **query) == address


def test_other_language_is_this_very_page() -> None:
    assert (
        pages.other_language(request("/staff?municipality=0781&lang=sv"))
        == "/staff?municipality=0781&lang=en"
    )


def test_templates_escape_speak_and_leave_nothing_undefined() -> None:
    made = environment(language("en"), lambda name: f"/assets/{name}")
    assert made.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    assert made.from_string("{{ _('Sedan %(x)s', x='<b>') }}").render() == "Sedan &lt;b&gt;"
    assert (
        made.from_string("{{ 1234.5|number }} {{ asset('a') }} {{ lang }}").render() == "1,234.5 /assets/a en"
    )
    assert (
        made.from_string("{{ now|clock }} {{ now|stamp }} {{ now|ago }}").render(now=NOW)
        == "14:00 14:00 1 second ago"
    )
    with pytest.raises(jinja2.UndefinedError):
        made.from_string("{{ nothing }}").render()
    assert load_templates() is load_templates()


def test_version_of_the_assets_follows_their_content() -> None:
    versions = {Assets(contents).version for contents in ({"a.js": b"1"}, {"a.js": b"2"}, {"b.js": b"1"}, {})}
    assert len(versions) == 4
    assert load_assets().url("leaflet/leaflet.js").endswith("/leaflet/leaflet.js")
    with pytest.raises(KeyError):
        load_assets().url("nothing.js")


def test_problem_details_are_of_their_own_type() -> None:
    answer = errors.problem(422, "position is not a number")
    assert answer.content_type == "application/problem+json"
    assert json.loads(answer.text or "")["detail"] == "position is not a number"


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://here:8080"}, False),
        ({"Origin": "http://here:8080"}, True),
        ({"Origin": "http://here:8081"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://[x"}, False),
    ],
)
def test_other_sites_are_told_apart(headers: dict[str, str], ours: bool) -> None:  # noqa: FBT001 - a table
    assert comes_from_here(request("/", Host="here:8080", **headers)) == ours


async def test_file_is_no_form() -> None:
    with pytest.raises(web.HTTPUnsupportedMediaType):
        await forms.read_form(request("/", **{"Content-Type": "multipart/form-data; boundary=x"}))

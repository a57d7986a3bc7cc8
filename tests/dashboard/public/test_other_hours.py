"""Exceptions of opening hours as visitors read them: on the page, in the bar of the day, in the feed."""

from datetime import UTC, date, datetime, timedelta

from dashboard.day_hours import today_of
from dashboard.points import compose
from dashboard.public_words import PublicWords
from services.tenants.public import PublicException, Villages
from tests.dashboard.examples import MOTALA, SHOP, view
from tests.dashboard.public.demo_site import Site

FRIDAY = date(2024, 6, 21)
FRIDAY_NOON = datetime(2024, 6, 21, 10, tzinfo=UTC)
CLOSED = PublicException(FRIDAY, "off", {"sv": "Midsommarafton", "en": "Midsummer's eve"})


def said(lang: str, *exceptions: PublicException, now: datetime = FRIDAY_NOON) -> str | None:
    words = PublicWords(lang, now)
    point = view(opening_hours="Mo-Su 09:00-18:00", exceptions=exceptions).point
    (composed,) = compose(Villages((MOTALA,), (point,), ()), now)
    return words.opening(composed)


def test_closed_by_exception_is_said_with_its_reason() -> None:
    assert said("sv", CLOSED) == "Stängt, öppnar i morgon 09:00 (Midsommarafton)"
    assert said("en", CLOSED) == "Closed, opens tomorrow 09:00 (Midsummer's eve)"
    assert said("sv", PublicException(FRIDAY, "10:00-14:00", {})) == "Öppet till 14:00"
    assert said("sv") == "Öppet till 18:00"
    assert said("sv", CLOSED, now=FRIDAY_NOON - timedelta(days=1)) == "Öppet till 18:00"
    assert said("sv", CLOSED, now=FRIDAY_NOON - timedelta(hours=14)) == "Stängt, öppnar lördag 09:00"


def test_days_to_come_are_listed_for_a_month() -> None:
    exceptions = (
        PublicException(FRIDAY - timedelta(days=1), "off", {}),
        CLOSED,
        PublicException(FRIDAY + timedelta(days=1), "22:00-02:00,10:00-14:00", {}),
        PublicException(FRIDAY + timedelta(days=2), "whenever", {}),
        PublicException(FRIDAY + timedelta(days=32), "off", {}),
    )
    point = view(exceptions=exceptions)
    assert PublicWords("sv", FRIDAY_NOON).other_days(point) == [
        ("Fredag 21 juni", "Stängt", "Midsommarafton"),
        ("Lördag 22 juni", "10:00–14:00, 22:00–02:00", None),
    ]
    assert PublicWords("en", FRIDAY_NOON).other_days(point)[0] == (
        "Friday 21 June",
        "Closed",
        "Midsummer's eve",
    )


def test_the_bar_of_the_day_knows_the_exception() -> None:
    hours = {FRIDAY: "10:00-14:00", FRIDAY - timedelta(days=1): "20:00-01:00"}
    today = today_of(SHOP.opening_hours, FRIDAY_NOON, exceptions=hours)
    assert today is not None
    assert [(part.x, part.width) for part in today.stretches] == [(0, 60), (600, 240)]


async def test_page_and_feed_say_it(villages: Site) -> None:
    today = villages.now.date()
    await villages.run(
        "INSERT INTO hours_exception (municipality, point, day, opening_hours, reason) VALUES"
        " ('0781', 'dp-lidhult', $1, 'off', $2), ('0781', 'dp-lidhult', $3, '10:00-14:00', '{}')",
        today,
        '{"sv": "Stämma", "en": "Meeting"}',
        today + timedelta(days=2),
    )
    async with villages.http.get(f"{villages.url}/p/dp-lidhult") as answer:
        page = await answer.text()
    for words in ("(Stämma)", "Andra tider", "Fredag 20 november", "10:00–14:00"):
        assert words in page
    async with villages.http.get(f"{villages.url}/feed.json?point=dp-lidhult&lang=en") as answer:
        (item,) = (await answer.json(content_type=None))["items"]
    assert "(Meeting)" in item["content_text"]
    async with villages.http.get(f"{villages.url}/p/dp-lagan") as answer:
        assert "Andra tider" not in await answer.text()

"""What goes over the wire: one line of JSON each, in both languages."""

import json
from datetime import UTC, datetime, timedelta

from dashboard.live.frames import LaneSight, device_frame, event_frame, sight_frame, usage_frame
from dashboard.live.sight import blind_everywhere, sight_of
from services.log.lanes import BLIND_AFTER

NOW = datetime(2026, 9, 16, 12, tzinfo=UTC)
DEVICE = {
    "municipality": "0781", "device": "hs-1", "lane": 3, "state": "down", "reason": "silent", "since": NOW,
    "last_sign_at": NOW, "revision": 8,
}  # fmt: skip
EVENT = {
    "municipality": "0781", "device": "hs-1", "lane": 3, "position": 9, "type": "device.status", "at": NOW,
    "received_at": NOW, "data": {"state": "online\ndata: {}\n\nevent: x", "secret": "s3cret"},
}  # fmt: skip


def test_state_speaks_both_languages() -> None:
    frame = device_frame(DEVICE)
    words = {
        lang: json.loads(text.split(b"data: ")[1])["words"]["state"] for lang, text in frame.texts.items()
    }
    assert words == {"sv": "Ingen kontakt", "en": "No contact"}
    assert (frame.municipality, frame.lane, frame.revision, frame.position) == ("0781", 3, 8, 0)


def test_event_is_a_summary_on_one_line_whatever_the_device_says() -> None:
    text = event_frame(EVENT).texts["sv"]
    assert text.count(b"\n") == 2
    assert b"s3cret" not in text
    assert b'"at":"2026-09-16T12:00:00.000Z"' in text


def test_news_of_one_thing_share_a_key_and_events_do_not() -> None:
    assert device_frame(DEVICE).key == device_frame(DEVICE | {"revision": 9}).key
    assert device_frame(DEVICE).key != device_frame(DEVICE | {"device": "hs-2"}).key
    assert usage_frame(DEVICE | {"clients": None}).key != device_frame(DEVICE).key
    assert event_frame(EVENT).key is None


def test_lane_is_blind_when_its_proof_is_old_closed_or_missing() -> None:
    def seeing(seen_until: datetime | None, *, closed: bool = False) -> bool:
        return sight_of([{"lane": 3, "seen_until": seen_until, "closed": closed}], NOW)[3].seeing

    assert seeing(NOW - BLIND_AFTER)
    assert not seeing(NOW - BLIND_AFTER - timedelta(milliseconds=1))
    assert not seeing(NOW, closed=True)
    assert not seeing(None, closed=True)


def test_without_a_database_nothing_is_seen() -> None:
    known = {3: LaneSight(3, seeing=True, seen_until=NOW)}
    assert blind_everywhere(known) == {3: LaneSight(3, seeing=False, seen_until=NOW)}
    assert b'"seeing":false,"seen_until":"2026' in sight_frame(blind_everywhere(known)[3]).texts["sv"]

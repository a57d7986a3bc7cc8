import random
from datetime import UTC, datetime, timedelta

from gateway.simulator.documents import Document
from gateway.simulator.spool import MOST, WINDOW, Spool

NOW = datetime(2026, 6, 3, 8, tzinfo=UTC)


def documents(count: int) -> list[Document]:
    return [
        Document("device.heartbeat", {"id": f"b-{number}", "data": {"uptime_s": 1}})
        for number in range(count)
    ]


def filled(count: int) -> Spool:
    spool = Spool(random.Random(1))
    spool.add(documents(count))
    return spool


def ids(taken: list[Document]) -> list[str]:
    return [document.id for document in taken]


def test_what_is_sent_is_kept_until_its_receipt() -> None:
    spool = filled(3)
    assert ids(spool.take(NOW)) == ["b-0", "b-1", "b-2"]
    assert len(spool) == 3
    assert spool.receipted(["b-0", "b-2", "never-sent"]) == 2
    assert len(spool) == 1


def test_at_most_a_window_is_unreceipted() -> None:
    spool = filled(WINDOW + 5)
    first = spool.take(NOW)
    assert len(first) == WINDOW
    assert spool.take(NOW) == []
    spool.receipted(ids(first)[:3])
    assert ids(spool.take(NOW)) == [f"b-{WINDOW + number}" for number in range(3)]


def test_without_receipt_it_is_sent_again_after_half_a_minute_then_twice_as_long() -> None:
    spool = filled(1)
    sent = spool.take(NOW)
    at = NOW
    for low, high in ((24, 36), (48, 72), (96, 144), (192, 288), (384, 576), (480, 720), (480, 720)):
        assert spool.due_at is not None
        assert low <= (spool.due_at - at).total_seconds() <= high
        assert spool.take(spool.due_at - timedelta(milliseconds=1)) == []
        at = spool.due_at
        assert spool.take(at) == sent


def test_after_a_lost_connection_everything_goes_again_in_its_order() -> None:
    spool = filled(4)
    spool.take(NOW)
    spool.receipted(["b-1"])
    spool.add([Document("device.heartbeat", {"id": "b-9"})])
    spool.connection_lost()
    assert ids(spool.take(NOW)) == ["b-0", "b-2", "b-3", "b-9"]


def test_a_birth_comes_first_and_is_sent_again_on_its_own_connection_only() -> None:
    spool = filled(1)
    birth = Document("device.status", {"id": "b-7"})
    spool.add_first(birth)
    assert ids(spool.take(NOW)) == ["b-7", "b-0"]
    assert ids(spool.take(NOW + timedelta(seconds=36))) == ["b-7", "b-0"]
    spool.connection_lost()
    assert ids(spool.take(NOW)) == ["b-0"]


def test_a_full_spool_gives_up_the_oldest_and_counts_it() -> None:
    spool = filled(MOST + 2)
    assert len(spool) == MOST
    assert spool.given_up == 2
    assert ids(spool.take(NOW))[0] == "b-2"

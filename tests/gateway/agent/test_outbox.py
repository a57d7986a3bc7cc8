"""On its way without a receipt: a window, and pauses that grow; an hour passes by the clock that is given."""

import itertools
import random

from gateway.agent.outbox import LONGEST_PAUSE_S, WINDOW, Outbox


def test_no_more_than_a_window_is_on_its_way() -> None:
    outbox = Outbox(random.Random(1))
    for number in range(WINDOW):
        outbox.add(f"e-{number}", number, 0)
    assert (outbox.room, len(outbox)) == (0, WINDOW)
    outbox.receipted(["e-3", "e-4", "of another life"])
    assert outbox.room == 2
    assert 3 not in outbox.numbers
    outbox.drop([5])
    assert outbox.room == 3


def test_pauses_double_from_thirty_seconds_to_ten_minutes_with_a_random_tenth() -> None:
    outbox, now, sent = Outbox(random.Random(2)), 0.0, [0.0]
    outbox.add("e", 1, now)
    while now < 3_600:
        assert outbox.due_at is not None
        now = outbox.due_at
        assert outbox.due(now - 0.01) == []
        assert outbox.due(now) == [1]
        outbox.add("e", 1, now)
        sent.append(now)
    pauses = [later - earlier for earlier, later in itertools.pairwise(sent)]
    expected = [30, 60, 120, 240, 480, *[LONGEST_PAUSE_S] * (len(pauses) - 5)]
    assert len(pauses) > 8
    for pause, about in zip(pauses, expected, strict=True):
        assert 0.9 * about <= pause <= 1.1 * about
    assert len({round(pause / about, 4) for pause, about in zip(pauses, expected, strict=True)}) > 3


def test_a_lost_connection_makes_all_of_it_new() -> None:
    outbox = Outbox(random.Random(3))
    outbox.add("e", 1, 0)
    outbox.connection_lost()
    assert (outbox.room, outbox.due_at, outbox.due(10**6)) == (WINDOW, None, [])

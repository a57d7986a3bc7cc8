"""The nearest other points, as the crow flies."""

import pytest

from dashboard.nearby import distance_km, nearby
from tests.dashboard.examples import view

HERE = view()


def test_distance_is_that_of_a_round_earth() -> None:
    stockholm, gothenburg = (59.3293, 18.0686), (57.7089, 11.9746)
    assert distance_km(*stockholm, *gothenburg) == pytest.approx(398, abs=2)
    assert distance_km(*stockholm, *stockholm) == 0


def test_nearest_come_first_and_at_most_three() -> None:
    others = [view(id=f"sp-{number}", lat=58.47 + number / 10) for number in (4, 1, 3, 2)]
    assert [(other.id, km) for other, km in nearby(HERE, [*others, HERE])] == [
        ("sp-1", 11),
        ("sp-2", 22),
        ("sp-3", 33),
    ]


def test_what_is_far_or_has_no_place_is_not_near() -> None:
    assert nearby(HERE, [view(id="sp-far", lat=65.0), view(id="mp-bus", lat=None, lon=None)]) == []
    assert nearby(view(id="mp-bus", lat=None, lon=None), [HERE]) == []


def test_next_door_is_a_kilometre_at_least() -> None:
    assert nearby(HERE, [view(id="sp-next", lat=58.4701)])[0][1] == 1

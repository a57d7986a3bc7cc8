"""How far a page has been told: written, read back, and never trusted."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.places import Place, read_places, write_places

PLACES = st.dictionaries(
    st.integers(0, 99), st.builds(Place, st.integers(0, 10**17), st.integers(0, 10**17)), max_size=16
)


@given(PLACES)
def test_places_are_read_as_they_were_written(places: dict[int, Place]) -> None:
    assert read_places(write_places(places)) == places


@given(st.text(max_size=200))
def test_whatever_a_browser_names_is_read_without_harm(word: str) -> None:
    assert all(isinstance(place, Place) for place in read_places(word).values())


def test_half_a_word_counts_for_the_half_that_is_one() -> None:
    assert read_places("3:10:2,x,4:1,5:-1:0,6:7:8") == {3: Place(10, 2), 6: Place(7, 8)}
    assert read_places("1:9999999999999999999:0") == {}


def test_place_only_moves_forward() -> None:
    assert Place(10, 5).with_news(position=9, revision=6) == Place(10, 6)

"""Sets of time behave as sets of milliseconds do."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.runtime.spans import Spans, common, length, spans_of, union, without

stretches = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def instants(spans: Spans) -> set[int]:
    return {instant for span in spans for instant in range(span.start, span.end)}


@given(stretches)
def test_a_set_holds_what_its_stretches_hold_and_is_in_one_shape(
    given_stretches: list[tuple[int, int]],
) -> None:
    spans = spans_of(given_stretches)
    assert instants(spans) == {i for start, end in given_stretches for i in range(start, end)}
    assert all(span.start < span.end for span in spans)
    assert all(left.end < right.start for left, right in pairwise(spans))
    assert length(spans) == len(instants(spans))


@given(stretches, stretches)
def test_both_either_and_one_without_the_other(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    one, other = spans_of(left), spans_of(right)
    assert instants(union(one, other)) == instants(one) | instants(other)
    assert instants(common(one, other)) == instants(one) & instants(other)
    assert instants(without(one, other)) == instants(one) - instants(other)
    for spans in (union(one, other), common(one, other), without(one, other)):
        assert spans == spans_of(spans)

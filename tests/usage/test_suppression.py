"""No published number, alone or by subtraction, tells groups of one, two, three and four people apart.

The attacker knows the rule, every published cell and every published sum, and that counts are whole numbers. What fits
all of it is found by trying every table: so nothing that can be known is overlooked.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.usage.suppression import Count, Published, count

Table = tuple[int, ...]
Publish = Callable[[Table, tuple[int, ...]], str]


def by_the_rule(table: Table, places: tuple[int, ...]) -> str:
    """Publish a sum as the program does."""
    return str(count(table[place] for place in places).published)


def with_exact_totals(table: Table, places: tuple[int, ...]) -> str:
    """Hide small cells only, as a careless program would."""
    total = sum(table[place] for place in places)
    return "<5" if 0 < total < 5 else str(total)


def with_totals_in_fives(table: Table, places: tuple[int, ...]) -> str:
    """Round everything down to fives."""
    total = sum(table[place] for place in places)
    return "<5" if 0 < total < 5 else str(total // 5 * 5)


def with_totals_unless_one_is_hidden(table: Table, places: tuple[int, ...]) -> str:
    """Hide a total when exactly one of its cells is hidden."""
    hidden = sum(0 < table[place] < 5 for place in places)
    return "hidden" if len(places) > 1 and hidden == 1 else with_exact_totals(table, places)


def sums(rows: int, columns: int) -> list[tuple[int, ...]]:
    """The places of every cell, row, column and of all, and of the rows and columns as they add up over time."""
    cell = [[row * columns + column for column in range(columns)] for row in range(rows)]
    found: list[tuple[int, ...]] = [(place,) for line in cell for place in line]
    found += [tuple(line) for line in cell] + [tuple(line) for line in zip(*cell, strict=True)]
    found += [tuple(line[:upto]) for line in cell for upto in range(2, columns)]
    found += [tuple(place for line in cell[:upto] for place in line) for upto in range(2, rows + 1)]
    return found


def told_apart(
    rows: int, columns: int, values: Iterable[int], publish: Publish
) -> Iterator[tuple[Table, int]]:
    """Yield tables and places of which the attacker can say more than that one to four people are there."""
    places = sums(rows, columns)
    alike: dict[tuple[str, ...], list[Table]] = defaultdict(list)
    for table in itertools.product(tuple(values), repeat=rows * columns):
        alike[tuple(publish(table, each) for each in places)].append(table)
    for tables in alike.values():
        for place in range(rows * columns):
            possible = {table[place] for table in tables}
            if possible & {1, 2, 3, 4} and not possible >= {1, 2, 3, 4}:
                yield tables[0], place


@pytest.mark.parametrize(
    ("rows", "columns", "values"), [(1, 2, range(12)), (2, 2, range(9)), (2, 3, range(6)), (3, 2, range(6))]
)
def test_nobody_can_tell_one_from_four_by_any_subtraction(rows: int, columns: int, values: range) -> None:
    assert list(told_apart(rows, columns, values, by_the_rule)) == []


@pytest.mark.parametrize(
    "publish", [with_exact_totals, with_totals_in_fives, with_totals_unless_one_is_hidden]
)
def test_the_attacker_sees_through_simpler_rules(publish: Publish) -> None:
    assert next(told_apart(2, 2, range(9), publish), None) is not None


_CELLS = st.lists(st.integers(0, 12), max_size=40)


@given(_CELLS, _CELLS)
def test_a_sum_is_published_as_the_sum_of_what_is_published_of_its_parts(
    first: list[int], second: list[int]
) -> None:
    whole = count(first + second)
    assert whole == count(first) + count(second)
    assert whole.published == count(first).published + count(second).published
    assert whole.published.low <= whole.total <= whole.published.high
    assert sum((count([cell]).published for cell in first), Published(0, 0)) == count(first).published


@given(_CELLS, st.data())
def test_what_is_published_depends_on_no_small_number(cells: list[int], data: st.DataObject) -> None:
    others = [data.draw(st.integers(1, 4)) if 0 < cell < 5 else cell for cell in cells]
    assert count(others).published == count(cells).published


@pytest.mark.parametrize(
    ("cells", "shown", "exact"),
    [
        ([], "0", 0),
        ([0, 0], "0", 0),
        ([1], "<5", None),
        ([4, 0], "<5", None),
        ([5], "5", 5),
        ([5, 12, 0], "17", 17),
        ([1, 1], "2–8", None),
        ([30, 3], "31–34", None),
    ],
)
def test_it_is_shown_as_a_number_or_as_where_it_lies(cells: list[int], shown: str, exact: int | None) -> None:
    assert str(count(cells).published) == shown
    assert count(cells).published.exact == exact


def test_staff_see_the_sum_itself() -> None:
    assert count([30, 3, 2]) == Count(35, 5, 2)

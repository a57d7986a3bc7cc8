"""The table behind a chart is whole."""

import pytest

from dashboard.charts.table import Table


def test_row_that_does_not_fit_is_refused() -> None:
    assert Table(("a", "b"), (("1", "2"),)).rows == (("1", "2"),)
    with pytest.raises(ValueError, match="another number of cells"):
        Table(("a", "b"), (("1", "2"), ("3",)))

"""Volumes in SI units: a thousand of one is one of the next."""

import pytest

from dashboard.charts.units import unit_for


@pytest.mark.parametrize(
    ("most", "sign"),
    [(0, "B"), (999, "B"), (1_000, "kB"), (999_999, "kB"), (10**6, "MB"), (3 * 10**9, "GB"), (10**19, "PB")],
)
def test_unit_fits_the_largest(most: int, sign: str) -> None:
    assert unit_for(most).sign == sign

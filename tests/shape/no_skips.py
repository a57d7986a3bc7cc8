"""A pytest plug-in: a test that is skipped has failed, unless it says `@pytest.mark.may_skip("reason")`.

Loaded by `pytest_plugins = ["tests.shape.no_skips"]` in tests/conftest.py.
"""

from collections.abc import Generator

import pytest

SENTENCE = "skipped, and a skipped test shows nothing: make it run, or mark it may_skip with the reason"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip in a test or fixture into a failure; an expected failure (xfail) is none."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("may_skip") is None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {SENTENCE}\n{report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole file (`importorskip`, `allow_module_level`) into a failure."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid}: {SENTENCE}\n{report.longrepr}"
    return report

import pytest

from config.quality import check


@pytest.fixture
def two_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = check.Check("bad", "always fails", ("/bin/sh", "-c", "echo the reason; exit 3"))
    good = check.Check("good", "always passes", ("/bin/true",))
    monkeypatch.setattr(check, "CHECKS", (bad, good))


@pytest.mark.usefixtures("two_checks")
def test_all_run_even_after_one_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([]) == 1
    said = capsys.readouterr().out
    assert "bad        FAILED" in said
    assert "the reason" in said
    assert "good       ok" in said
    assert "Ran 2 checks" in said
    assert said.rstrip().endswith("failed: bad")


@pytest.mark.usefixtures("two_checks")
def test_one_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["good"]) == 0
    said = capsys.readouterr().out
    assert "bad" not in said
    assert said.rstrip().endswith("all passed")


@pytest.mark.usefixtures("two_checks")
def test_unknown_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["beauty"]) == 2
    assert "There are: bad, good" in capsys.readouterr().out


def test_every_check_can_be_run_here() -> None:
    assert [each.name for each in check.CHECKS if not (check.PROGRAMS / each.command[0]).exists()] == []

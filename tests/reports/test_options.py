"""What reports can be told."""

from pathlib import Path

from pydantic import SecretStr

from services.reports.options import ReportOptions


def test_password_comes_from_its_file_first(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    assert ReportOptions().password() is None
    assert ReportOptions(smtp_password=SecretStr("told")).password() == "told"
    both = ReportOptions(smtp_password=SecretStr("told"), smtp_password_file=file)
    assert both.password() == "from the file"
    assert "told" not in str(both)

"""Settings: where they come from, what is refused, and what is never shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from config.settings import Settings, SettingsRefused, effective, load, settings_file

SECRET = "postgresql://bypunkt_app:hunter2@db/bypunkt"


def test_without_anything_set_the_defaults_hold() -> None:
    settings = load()
    assert (settings.mqtt.host, settings.mqtt.port, settings.database.lanes) == ("127.0.0.1", 1883, 16)
    assert settings.database.address() is None
    assert settings.mqtt.secret() is None


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(
    settings_toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_toml.write_text(
        '[mqtt]\nhost = "broker"\nport = 8883\n[log]\nlevel = "warning"\n', encoding="utf-8"
    )
    monkeypatch.setenv("BYPUNKT_MQTT__PORT", "1884")
    settings = load()
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.keepalive_s) == ("broker", 1884, 30)
    assert settings.log.level == "warning"


def test_what_the_program_gives_goes_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPUNKT_WEB__PORT", "8081")
    assert load(web={"port": 0}).web.port == 0


def test_another_file_can_be_named(
    tmp_path: Path, settings_toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_toml.write_text("[web]\nport = 1\n", encoding="utf-8")
    other = tmp_path / "other.toml"
    other.write_text("[web]\nport = 2\n", encoding="utf-8")
    monkeypatch.setenv("BYPUNKT_CONFIG", str(other))
    assert settings_file() == other
    assert load().web.port == 2


def test_a_named_file_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPUNKT_CONFIG", str(tmp_path / "nowhere.toml"))
    assert _refusal().startswith(f"BYPUNKT_CONFIG names {tmp_path / 'nowhere.toml'}")


def test_secrets_can_come_from_files_which_go_before_values(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    settings = load(
        database={"url": "postgresql://other", "url_file": secret, "admin_url_file": secret},
        mqtt={"password": "other", "password_file": secret},
    )
    assert settings.database.address() == SECRET
    assert settings.database.admin_address() == SECRET
    assert settings.mqtt.secret() == SECRET


@pytest.mark.parametrize(
    "name", ["BYPUNKT_DATABASE__ULR", "BYPUNKT_MQTT__URL__HOST", "BYPUNKT_DATABSE__URL", "BYPUNKT__PORT"]
)
def test_an_unknown_name_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    said = _refusal()
    assert len(said.splitlines()) == 1
    assert name.split("__", maxsplit=1)[0] in said
    assert "hunter2" not in said


def test_unknown_names_in_the_file_are_refused_each_in_a_line(settings_toml: Path) -> None:
    settings_toml.write_text('[database]\nulr = "x"\n[db]\nurl = "x"\n[mqtt]\nport = 1\n', encoding="utf-8")
    assert sorted(line.partition(":")[0] for line in _refusal().splitlines()) == [
        "BYPUNKT_DATABASE__ULR",
        "BYPUNKT_DB",
    ]


def test_every_mistake_has_a_line_with_its_name_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes = {
        "BYPUNKT_MQTT__PORT": "hunter2",
        "BYPUNKT_MQTT__PROTOCOL": "hunter2",
        "BYPUNKT_DATABASE__LANES": "0",
        "BYPUNKT_DATABASE__APP_LOGIN": "Robert'); DROP",
        "BYPUNKT_LOG__LEVEL": "loud",
    }
    for name, value in mistakes.items():
        monkeypatch.setenv(name, value)
    said = _refusal()
    assert {line.partition(":")[0] for line in said.splitlines()} == set(mistakes)
    assert "hunter2" not in said


def test_a_section_that_is_no_section_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPUNKT_DATABASE", SECRET)
    said = _refusal()
    assert len(said.splitlines()) == 1
    assert "hunter2" not in said


@pytest.mark.parametrize("text", ["port = ", "a b c", "[mqtt\n", "[mqtt]\nport = 1\nport = 2\n"])
def test_a_broken_file_is_one_line_that_names_the_file(settings_toml: Path, text: str) -> None:
    settings_toml.write_text(text, encoding="utf-8")
    said = _refusal()
    assert len(said.splitlines()) == 1
    assert str(settings_toml) in said


def test_a_file_that_is_not_text_is_one_line_that_names_the_file(settings_toml: Path) -> None:
    settings_toml.write_bytes(b"\xff\xfe\x00")
    said = _refusal()
    assert len(said.splitlines()) == 1
    assert str(settings_toml) in said


def test_the_effective_settings_are_named_as_they_are_set_and_hide_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BYPUNKT_DATABASE__URL", "BYPUNKT_DATABASE__ADMIN_URL", "BYPUNKT_MQTT__PASSWORD"):
        monkeypatch.setenv(name, SECRET)
    shown = effective(load())
    assert "hunter2" not in str(shown)
    assert shown["BYPUNKT_DATABASE__URL"] == shown["BYPUNKT_MQTT__PASSWORD"] == "•••"
    assert shown["BYPUNKT_MQTT__PORT"] == "1883"
    sections = Settings.model_fields
    assert len(shown) == sum(len(type(getattr(load(), name)).model_fields) for name in sections)


def test_every_secret_is_of_a_kind_that_is_masked() -> None:
    told = effective(
        load(
            database={"url": "u1", "admin_url": "u2"},
            mqtt={"password": "p1", "username": "bypunkt", "rights_password": "p2"},
            reports={"smtp_password": "p3"},
        )
    )
    masked = {name for name, value in told.items() if value == "•••"}
    assert masked == {
        "BYPUNKT_DATABASE__URL",
        "BYPUNKT_DATABASE__ADMIN_URL",
        "BYPUNKT_MQTT__PASSWORD",
        "BYPUNKT_MQTT__RIGHTS_PASSWORD",
        "BYPUNKT_REPORTS__SMTP_PASSWORD",
    }
    suspicious = {name for name in told if any(word in name for word in ("PASSWORD", "SECRET", "TOKEN"))}
    assert {name for name in suspicious if not name.endswith("_FILE")} <= masked


def test_recipients_of_reports_come_as_json_or_as_a_table(
    settings_toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_toml.write_text('[reports.recipients]\n"0781" = ["a@example.org"]\n')
    assert load().reports.recipients == {"0781": ["a@example.org"]}
    monkeypatch.setenv("BYPUNKT_REPORTS__RECIPIENTS", '{"0583": ["b@example.org"]}')
    assert load().reports.recipients["0583"] == ["b@example.org"]


def test_settings_cannot_be_changed_and_do_not_show_their_secrets() -> None:
    settings = load(database={"url": SECRET})
    with pytest.raises(ValidationError):
        settings.log = settings.log.model_copy()  # type: ignore[misc]  # it is read-only
    with pytest.raises(ValidationError):
        settings.database.url = SecretStr("x")  # type: ignore[misc]  # it is read-only
    assert "hunter2" not in repr(settings)


def _refusal() -> str:
    with pytest.raises(SettingsRefused) as refused:
        load()
    return str(refused.value)

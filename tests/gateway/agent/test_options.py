"""The configuration file: what docs/agent.md shows is valid and complete, and what is wrong is said in one line."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.agent import AgentOptions, AgentRefused, read_options
from gateway.agent.options import (
    ArgumentOptions,
    CommandOptions,
    WifiOptions,
)
from tests.gateway.agent.agents import options
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "agent.md"
LEAST = """
municipality = "0781"
device = "hs-lidhult-1"
kind = "hotspot"
broker = { host = "broker.example" }
spool = { path = "/var/lib/bypunkt-agent/spool.sqlite" }
"""


def examples() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key that can stand in a file, by its own name."""
    for name, field in model.model_fields.items():
        yield name
        for part in re.findall(r"\b\w+Options\b", repr(field.annotation)):
            yield from keys(getattr(__import__("gateway.agent.options", fromlist=[part]), part))


def test_the_least_that_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(LEAST)
    found = read_options(path)
    assert found.session().port == 1883
    assert found.session().client_id == found.session().username == "hs-lidhult-1"
    assert found.session().subscriptions == (
        "bypunkt/v1/0781/hs-lidhult-1/down/ack",
        "bypunkt/v1/0781/hs-lidhult-1/down/command",
    )


def test_every_example_of_the_documentation_is_valid_and_together_they_show_every_key() -> None:
    found = [tomllib.loads(example) for example in examples()]
    assert len(found) >= 2
    for example in found:
        if "municipality" in example:
            AgentOptions.model_validate(example)
    text = PAGE.read_text(encoding="utf-8")
    assert sorted({key for key in keys(AgentOptions) if f"`{key}`" not in text}) == []
    assert {"pattern", "sample_s"} <= {*ArgumentOptions.model_fields, *WifiOptions.model_fields}


def test_tls_has_its_port_and_the_password_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hemligt\n")
    broker = {"host": "b", "tls_ca": "/etc/ca.pem", "password_file": tmp_path / "password", "user": "other"}
    found = options(tmp_path, broker=broker).session()
    assert (found.port, found.password, found.username) == (8883, "hemligt", "other")
    (tmp_path / "password").unlink()
    with pytest.raises(AgentRefused, match=r"broker.password_file: No such file"):
        options(tmp_path, broker=broker).session()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file or directory"),
        (b"\xff", "is not UTF-8"),
        (b"[broker", "is not TOML"),
        (b"", r"municipality: Field required \(and 4 more\)"),
        (LEAST.replace("0781", "781").encode(), "municipality: String should match"),
        (LEAST.replace("hotspot", "toaster").encode(), "kind: Input should be"),
        ((LEAST + 'firmware = " "').encode(), "firmware: Value error, is empty"),
        ((LEAST + 'wifi = [{ iface = "wlan0", ssid = "" }]').encode(), "wifi.0.ssid: Value error, is empty"),
        ((LEAST + "colour = 1").encode(), "colour: Extra inputs"),
        ((LEAST + 'wifi = [{ iface = "../x" }]').encode(), "wifi.0.iface"),
        ((LEAST + '[endpoint]\nport = 1\norigins = ["*"]').encode(), "endpoint.origins.0"),
        ((LEAST + '[commands."device.reboot"]\nprogram = ["reboot"]').encode(), "must be an absolute path"),
        ((LEAST + '[commands."device.reboot"]\nprogram = []').encode(), "program"),
        ((LEAST + '[commands."x.y"]\nprogram = ["/bin/x", "{page}"]').encode(), "what args declares"),
        (
            (LEAST + '[commands."x.y"]\nprogram = ["/bin/x"]\nargs = { a = { pattern = "(" } }').encode(),
            "regular",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: bytes | None, why: str, tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(AgentRefused, match=why) as caught:
        read_options(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)


def test_a_program_names_what_is_declared() -> None:
    with pytest.raises(ValueError, match="what args declares"):
        CommandOptions.model_validate({"program": ["/bin/x"], "args": {"page": {"pattern": "."}}})

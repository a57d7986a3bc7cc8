"""`bypunkt demo`: what is asked for on the command line is what the demo is given."""

from pathlib import Path

import pytest

from config import demo
from config.cli import demonstrate
from tests.config.cli.calling import bypunkt


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[demo.Plan]:
    """What the demo would have been run with."""
    planned: list[demo.Plan] = []

    async def remember(plan: demo.Plan) -> None:
        planned.append(plan)

    def run_here(work: object) -> None:
        with pytest.raises(StopIteration):
            work.send(None)  # type: ignore[attr-defined]

    monkeypatch.setattr(demo, "run", remember)
    monkeypatch.setattr(demonstrate, "run_until_stopped", run_here)
    return planned


async def test_without_options_it_is_all_municipalities_until_told_to_end(plans: list[demo.Plan]) -> None:
    assert (await bypunkt("demo")).code == 0
    assert plans == [demo.Plan()]


async def test_every_option_arrives(plans: list[demo.Plan], tmp_path: Path) -> None:
    options = "--seconds 6 --port 8081 --mqtt-port 1884 --municipalities 0781,0583 --speed 120 --broker amqtt"
    assert (await bypunkt("demo", *options.split(), "--data", str(tmp_path))).code == 0
    assert plans == [
        demo.Plan(
            seconds=6,
            port=8081,
            mqtt_port=1884,
            data=tmp_path,
            municipalities={"0781", "0583"},
            speed=120,
            broker="amqtt",
        )
    ]

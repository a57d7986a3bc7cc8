"""A conversation with the broker of production."""

import pytest

from gateway.mqtt import Trouble
from gateway.rights import LANE_USERNAME, rules
from gateway.rights.control import ControlFailed, control
from gateway.rights.plan import changes
from tests.support.brokers import LANES, ProductionBroker


async def test_a_first_run_is_found_as_it_was_written_and_needs_no_change(broker: ProductionBroker) -> None:
    async with control(broker.options()) as conversation:
        found = await conversation.found()
    assert changes([], found) == []
    assert found.defaults == rules.DEFAULTS
    assert found.clients["bypunkt.lane.15"].roles == {rules.LANE_ROLE}
    assert found.roles["spy"] is not None


async def test_more_commands_than_a_message_holds_are_carried_out_in_order(broker: ProductionBroker) -> None:
    names = [f"role-{number:03}" for number in range(120)]
    async with control(broker.options()) as conversation:
        await conversation.tell([{"command": "createRole", "rolename": name} for name in names])
        assert set(names) <= set((await conversation.found()).roles)
        assert await conversation.ask("getRole", rolename="role-119") is not None
        assert await conversation.ask("getRole", rolename="role-120") is None


async def test_a_command_that_is_refused_is_an_error_that_names_it(broker: ProductionBroker) -> None:
    async with control(broker.options()) as conversation:
        with pytest.raises(ControlFailed, match="enableClient: Client not found"):
            await conversation.tell([{"command": "enableClient", "username": "nobody"}])
        with pytest.raises(ControlFailed, match="getWeather: Unknown command"):
            await conversation.ask("getWeather")


async def test_a_wrong_password_is_told_apart(broker: ProductionBroker) -> None:
    with pytest.raises(ControlFailed, match="credentials refused") as failed:
        async with control(broker.options(rights_password="wrong")):
            pass
    assert failed.value.trouble is Trouble.CREDENTIALS


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_an_account_without_the_right_does_not_hear_answers(
    broker: ProductionBroker, protocol: str
) -> None:
    lane = LANE_USERNAME.format(lane=0)
    with pytest.raises(ControlFailed, match="subscription refused"):
        async with control(broker.options(rights_username=lane, rights_password=LANES, protocol=protocol)):
            pass

"""Give a device a password, or take it away: in the database and at the broker.

The rule: the broker has to agree before a password counts. The transaction is committed when the broker has taken
the new password, so a broker that is away or refuses leaves everything as it was, and the old password good. Taking a
password away waits for nobody: the database decides, and a broker that is away hears of it when it is back.

Should the broker's answer be lost, or the commit after it, the broker may have a password that the database does not
know: the gateway closes the account, and the command that failed is to be run again.
"""

import asyncio
from dataclasses import replace

from gateway.options import MqttOptions
from gateway.rights import plan, rules
from gateway.rights.control import ControlFailed, control
from services.storage.database import Database, Role, Tenants
from services.tenants.credentials import (
    DeviceAccount,
    give_password,
    new_password,
    revoke_password,
    take_turn,
)
from services.tenants.devices import announce

_TURN_S = 30.0
_ASK_AGAIN_S = 0.1


async def give(database: Database, options: MqttOptions, device: DeviceAccount) -> tuple[int, str]:
    """Give a device a new password in place of any that it has, and return its generation and the password.

    Raises `ControlFailed`, and then there is no new password.
    """
    password = new_password()
    async with database.transaction(Role.WEB, Tenants((device.municipality,))) as connection:
        try:
            async with asyncio.timeout(_TURN_S):
                while not await take_turn(connection):  # noqa: ASYNC110 - polled: see take_turn
                    await asyncio.sleep(_ASK_AGAIN_S)
        except TimeoutError:
            raise ControlFailed("another process keeps changing the broker's accounts: try again") from None
        generation = await give_password(connection, device.municipality, device.device, password=password)
        async with control(options) as broker:
            role = rules.device_role(device.municipality, device.device)
            commands = plan.give(
                replace(device, generation=generation),
                password,
                has_account=await broker.ask("getClient", username=device.device) is not None,
                has_role=await broker.ask("getRole", rolename=role) is not None,
            )
            await broker.tell(commands)
        # What was read of the device before our turn may be old: a gateway looks again.
        await announce(connection)
    return generation, password


async def take(database: Database, device: DeviceAccount) -> bool:
    """Take a device's password away; the gateway closes its account at the broker. False when it had none."""
    async with database.transaction(Role.WEB, Tenants((device.municipality,))) as connection:
        had = await revoke_password(connection, device.municipality, device.device)
        await announce(connection)
    return had

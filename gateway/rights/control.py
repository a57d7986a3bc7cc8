"""A conversation with Mosquitto's dynamic security, over its control topic.

Short: connect, ask, tell, leave. The account is the client id too, so whoever begins another conversation ends this
one; `services.tenants.credentials.take_turn` keeps ours apart.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from gateway.mqtt import NotConnected, Refused, Session, SessionOptions, Trouble
from gateway.options import MqttOptions
from gateway.rights import rules
from gateway.rights.plan import Found, FoundClient, found_rights

Command: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, Any]

# To connect, to ask twice and to tell once has to fit into the minute that PostgreSQL lets a transaction stand idle.
CONNECT_S = 8.0
ANSWER_S = 15.0
# Mosquitto writes its whole store after each command (175 ms with 10,000 devices), and serves nobody else before a
# message's commands are done.
COMMANDS_A_MESSAGE = 10
_PAGE = 200
_NO_SUCH_THING = {"Client not found", "Role not found"}


class ControlFailed(Exception):
    """The broker could not be asked or told; `trouble` says why where it was the connection."""

    def __init__(self, message: str, trouble: Trouble | None = None) -> None:
        super().__init__(message)
        self.trouble = trouble


@asynccontextmanager
async def control(options: MqttOptions) -> AsyncIterator["Control"]:
    """Begin a conversation; raises `ControlFailed` when there is none to be had.

    Needs `rights_username` in the options.
    """
    username = options.rights_username or ""
    try:
        session = Session(_session_options(options, username))
    except OSError as error:  # ssl.SSLError too
        raise ControlFailed(f"{error.filename or options.tls_ca}: {error.strerror}") from None
    async with session:
        if not await session.settle(within_s=CONNECT_S):
            trouble = session.trouble or Trouble.SILENT
            where = f"{options.host}:{options.port}"
            raise ControlFailed(
                f"the broker {where} does not let {username} in: {trouble.replace('_', ' ')}", trouble
            )
        yield Control(session)


def _session_options(options: MqttOptions, username: str) -> SessionOptions:
    return SessionOptions(
        host=options.host,
        port=options.port,
        client_id=username,
        username=username,
        password=options.rights_secret(),
        tls_ca=options.tls_ca,
        protocol=options.protocol,
        subscriptions=(rules.RESPONSES,),
        durable=False,
        brief=True,
    )


class Control:
    """A conversation that has begun."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def ask(self, command: str, **fields: object) -> Answer | None:
        """Ask one thing, and return its data; None when the broker answers that there is no such thing.

        Raises `ControlFailed` on any other refusal: an answer that failed must not look like a broker that is empty.
        """
        (answer,) = await self._converse([{"command": command, **fields}])
        if answer.get("error") in _NO_SUCH_THING:
            return None
        data: Answer = _agreed(answer).get("data", {})
        return data

    async def tell(self, commands: Sequence[Command]) -> None:
        """Have commands carried out, in their order; raises `ControlFailed` when one is not."""
        for start in range(0, len(commands), COMMANDS_A_MESSAGE):
            for answer in await self._converse(commands[start : start + COMMANDS_A_MESSAGE]):
                _agreed(answer)

    async def found(self) -> Found:
        """Return everything that the broker has."""
        defaults = await self.ask("getDefaultACLAccess") or {}
        return Found(
            defaults={entry["acltype"]: entry["allow"] for entry in defaults.get("acls", [])},
            roles={
                role["rolename"]: found_rights(role.get("acls", []))
                for role in await self._all("listRoles", "roles")
            },
            clients={
                client["username"]: FoundClient.read(client)
                for client in await self._all("listClients", "clients")
            },
        )

    async def _all(self, command: str, key: str) -> list[Answer]:
        rows: list[Answer] = []
        while True:
            data = await self.ask(command, verbose=True, count=_PAGE, offset=len(rows)) or {}
            page: list[Answer] = data.get(key, [])
            rows += page
            if not page or len(rows) >= data.get("totalCount", 0):
                return rows

    async def _converse(self, commands: Sequence[Command]) -> list[Answer]:
        """Send one message, and return the answers in the order of its commands."""
        token = secrets.token_hex(8)
        numbered = [
            {**command, "correlationData": f"{token}-{number}"} for number, command in enumerate(commands)
        ]
        try:
            async with asyncio.timeout(ANSWER_S):
                payload = json.dumps({"commands": numbered}).encode()
                await self._session.publish(rules.COMMANDS, payload, qos=1)
                answers = await self._answers(token)
        except TimeoutError:
            raise ControlFailed(
                "the broker does not answer on its control topic: is the plugin mosquitto_dynamic_security loaded, "
                "and may the account use it?"
            ) from None
        except NotConnected as error:
            raise ControlFailed(f"the connection to the broker was lost: {error}", Trouble.LOST) from None
        except Refused as error:
            raise ControlFailed(f"the account may not change the broker's accounts: {error}") from None
        lacking = {"error": "no answer"}
        return [answers.get(command["correlationData"], lacking | command) for command in numbered]

    async def _answers(self, token: str) -> dict[str, Answer]:
        """Wait for our answers; those to other conversations are passed over."""
        while True:
            for delivery in await self._session.batch(limit=1, linger_s=0):
                try:
                    answers: list[Answer] = json.loads(delivery.payload)["responses"]
                    named = {answer.get("correlationData", ""): answer for answer in answers}
                    ours = any(name.startswith(token) for name in named)
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue
                if ours:
                    return named


def _agreed(answer: Answer) -> Answer:
    if "error" in answer:
        raise ControlFailed(f"the broker refused {answer.get('command')}: {answer['error']}")
    return answer

"""The broker of production, with its very own configuration: who gets in, and what is delivered to whom (Q15)."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.mqtt import NotConnected, Refused, Session, SessionOptions, Trouble
from gateway.rights import LANE_USERNAME, passwords
from gateway.rights.control import control
from gateway.service import Gateway
from services.events import moment
from services.runtime.clock import now
from services.runtime.tasks import running
from services.storage.database import Database
from services.tenants.credentials import DeviceAccount
from tests.support.authorities import authority
from tests.support.brokers import CONFIGURATION, LANES, READER, SPY, ProductionBroker, client, listening
from tests.support.gateways import dead, sees, stored
from tests.support.villages import villages
from tests.support.waiting import eventually

MINE = "bypunkt/v1/0781/hs-lidhult-1"
NEIGHBOUR = "bypunkt/v1/0781/hs-lidhult-2"
ELSEWHERE = "bypunkt/v1/0583/hs-fornasa-1"
NOT_MINE = [
    f"{NEIGHBOUR}/device.heartbeat",  # as another device
    f"{ELSEWHERE}/device.heartbeat",  # in another municipality
    "bypunkt/v1/0583/hs-lidhult-1/device.heartbeat",  # as itself, in another municipality
    f"{MINE}/down/command",
    f"{MINE}/down/ack",
    f"{NEIGHBOUR}/down/command",
    f"{NEIGHBOUR}/down/state",
    "bypunkt/canary/0",
    "bypunkt/v1/0781/hs-lidhult-1",
    "bypunkt/v1/0781/hs-lidhult-1/a/b",
    "homeassistant/status",
    "$SYS/broker/uptime",
]
WIDE = [
    "#", "+/#", "$SYS/#", "$CONTROL/#", "$CONTROL/dynamic-security/v1/response", "$share/x/#", "$share/x/bypunkt/#",
    "bypunkt/#", "bypunkt/canary/+", "bypunkt/v1/+/+/+", "bypunkt/v1/0781/+/down/#", "bypunkt/v1/+/+/down/state",
    f"{NEIGHBOUR}/down/#", f"{NEIGHBOUR}/+", f"{ELSEWHERE}/down/#", f"{MINE}/+", f"{MINE}/#",
]  # fmt: skip
# Were it obeyed, whoever listens would be cut off.
NO_MORE_SPY = json.dumps({"commands": [{"command": "deleteClient", "username": "spy"}]})


@pytest.fixture
async def broker(open_directory: Path) -> AsyncIterator[ProductionBroker]:
    async with ProductionBroker(open_directory / "broker") as started:
        yield started


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with villages(database_url, at=now()) as opened:
        yield opened


async def account(database: Database, broker: ProductionBroker, name: str) -> tuple[str, str]:
    """Give a device a password, as `bypunkt device credentials` does."""
    municipality = "0583" if name == "hs-fornasa-1" else "0781"
    device = DeviceAccount(municipality, name, "active")
    return name, (await passwords.give(database, broker.options(), device))[1]


def session(
    broker: ProductionBroker, who: tuple[str, str], *filters: str, protocol: str = "5", client_id: str = ""
) -> Session:
    assert protocol in ("5", "3.1.1")
    return Session(
        SessionOptions(
            host="localhost",
            port=broker.port,
            tls_ca=broker.ca,
            client_id=client_id or who[0],
            username=who[0],
            password=who[1],
            subscriptions=filters,
            durable=False,
            protocol="5" if protocol == "5" else "3.1.1",
        )
    )


async def connected(one: Session) -> None:
    async with asyncio.timeout(15):
        await one.wait_connected()


async def publish(one: Session, topic: str, payload: str) -> None:
    """Publish; MQTT 5 says no, MQTT 3.1.1 says nothing."""
    try:
        await one.publish(topic, payload.encode(), qos=1)
    except Refused:
        return


# ------------------------------------------------------------------------------------------------ the door


async def test_mosquittos_own_client_gets_in_over_tls_with_authority_and_password(
    broker: ProductionBroker, tmp_path: Path
) -> None:
    lane = LANE_USERNAME.format(lane=0)
    message = ["-t", "bypunkt/canary/0", "-m", "hello", "-q", "1"]
    assert await client("mosquitto_pub", *broker.arguments(lane, LANES), *message) == (0, "")
    stranger = authority("somebody else").write(tmp_path / "stranger.crt")
    arguments = broker.arguments(lane, LANES)
    untrusted = [str(stranger) if word == str(broker.ca) else word for word in arguments]
    by_address = ["127.0.0.1" if word == "localhost" else word for word in arguments]
    without_tls = [word for word in arguments if word not in ("--cafile", str(broker.ca))]
    for refused in (
        untrusted,
        by_address,
        without_tls,
        broker.arguments(lane, "wrong"),
        broker.arguments("nobody", LANES),
        broker.arguments("hs-lidhult-1", ""),
        broker.arguments(lane, LANES)[:-4],
    ):
        code, said = await client("mosquitto_pub", *refused, *message)
        assert code != 0, (refused, said)


async def test_an_old_tls_is_refused(broker: ProductionBroker) -> None:
    where = ["openssl", "s_client", "-connect", f"localhost:{broker.port}", "-CAfile", str(broker.ca)]
    for version, taken in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        _, said = await client("sh", "-c", 'exec "$@" </dev/null', "sh", *where, version)
        assert ("Verify return code: 0 (ok)" in said and "Cipher is (NONE)" not in said) is taken, said


async def test_a_broker_that_lost_its_store_lets_nobody_in(broker: ProductionBroker) -> None:
    await broker.stop()
    broker.store.write_text("")
    await broker.start()
    lane = broker.arguments(LANE_USERNAME.format(lane=0), LANES)
    assert (await client("mosquitto_pub", *lane, "-t", "bypunkt/canary/0", "-m", "x"))[0] != 0


# --------------------------------------------------------------------------------------------- the rights


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_a_device_publishes_is_delivered_below_its_own_name_and_nowhere_else(
    database: Database, broker: ProductionBroker, protocol: str
) -> None:
    who = await account(database, broker, "hs-lidhult-1")
    async with (
        listening(broker, ("spy", SPY), ["#", "$SYS/#", "$CONTROL/#"]) as heard,
        session(broker, who, protocol=protocol) as device,
    ):
        await connected(device)
        for topic in NOT_MINE:
            await publish(device, topic, "forged")
        await publish(device, "$CONTROL/dynamic-security/v1", NO_MORE_SPY)
        await publish(device, f"{MINE}/device.heartbeat", "the last one")
        await heard.until("the last one")
    assert heard.messages == [(f"{MINE}/device.heartbeat", "the last one")]


async def test_a_last_will_cannot_speak_for_others_either(
    database: Database, broker: ProductionBroker
) -> None:
    who = await account(database, broker, "hs-lidhult-1")
    async with listening(broker, ("spy", SPY), ["#"]) as heard:
        for topic in (f"{NEIGHBOUR}/device.status", f"{MINE}/down/state", f"{MINE}/device.status"):
            will = ["--will-topic", topic, "--will-payload", "gone", "--will-qos", "1"]
            try:
                async with asyncio.timeout(10), listening(broker, who, [f"{MINE}/down/#"], *will):
                    pass  # leaving kills it
            except (AssertionError, TimeoutError):
                continue  # not even let in with such a will
        await heard.until("gone")
    assert heard.messages == [(f"{MINE}/device.status", "gone")]


@pytest.mark.parametrize("version", ["5", "311"])
async def test_a_device_hears_what_is_meant_for_it_and_nothing_else(
    database: Database, broker: ProductionBroker, version: str
) -> None:
    who = await account(database, broker, "hs-lidhult-1")
    others = await account(database, broker, "hs-lidhult-2"), await account(database, broker, "hs-fornasa-1")
    lane = (LANE_USERNAME.format(lane=0), LANES)
    async with session(broker, lane) as gateway, session(broker, others[0]) as neighbour:
        await connected(gateway)
        await connected(neighbour)
        await gateway.publish(f"{NEIGHBOUR}/down/state", b"retained", qos=1, retain=True)
        filters = [*WIDE, f"{MINE}/down/#"]
        if version == "311":
            filters = [name for name in filters if not name.startswith("$share")]
        async with listening(broker, who, filters, "-V", version) as heard:
            for place in (NEIGHBOUR, ELSEWHERE):
                for what in ("ack", "command", "content", "state"):
                    await gateway.publish(f"{place}/down/{what}", b"for another", qos=1)
            await gateway.publish("bypunkt/canary/0", b"canary", qos=1)
            await neighbour.publish(f"{NEIGHBOUR}/device.heartbeat", b"an event", qos=1)
            async with control(broker.options()) as conversation:
                assert (await conversation.found()).clients
            await gateway.publish(f"{MINE}/down/ack", b"for you", qos=1)
            await heard.until(f"{MINE}/down/ack for you")
    assert heard.messages == [(f"{MINE}/down/ack", "for you")]


async def test_a_lane_speaks_for_no_device_and_the_reader_reads_states_alone(
    database: Database, broker: ProductionBroker
) -> None:
    who = await account(database, broker, "hs-lidhult-1")
    lane = (LANE_USERNAME.format(lane=0), LANES)
    async with (
        listening(
            broker, ("bypunkt.reader", READER), ["bypunkt/v1/+/+/down/state", "#", f"{MINE}/+"]
        ) as reader,
        listening(broker, ("spy", SPY), ["#"]) as heard,
        session(broker, lane) as gateway,
        session(broker, ("bypunkt.reader2", READER)) as nobody,
        session(broker, who) as device,
    ):
        await connected(gateway)
        await connected(device)
        for topic in (f"{MINE}/device.heartbeat", f"{MINE}/a", "bypunkt/other"):
            await publish(gateway, topic, "forged")
        await publish(gateway, "$CONTROL/dynamic-security/v1", NO_MORE_SPY)
        await device.publish(f"{MINE}/device.heartbeat", b"an event", qos=1)
        await gateway.publish(f"{MINE}/down/command", b"a command", qos=1)
        await gateway.publish(f"{MINE}/down/state", b"up", qos=1)
        await reader.until("up")
        await heard.until("down/state up")
        assert nobody.trouble is Trouble.CREDENTIALS
    assert reader.messages == [(f"{MINE}/down/state", "up")]
    assert [payload for _, payload in heard.messages] == ["an event", "a command", "up"]


async def test_nobody_takes_anothers_place(database: Database, broker: ProductionBroker) -> None:
    victim, thief = [await account(database, broker, name) for name in ("hs-lidhult-1", "hs-lidhult-2")]
    fallen: list[str] = []
    async with session(broker, victim, f"{MINE}/down/#") as device:
        device._on_down = fallen.append
        await connected(device)
        # with its own account and the victim's client id: it is who its account says
        async with session(broker, thief, f"{NEIGHBOUR}/down/#", client_id="hs-lidhult-1") as robber:
            await connected(robber)
            assert device.connected
        # with the victim's name and a wrong password, and without any account
        for name, password in ((victim[0], "guessed"), ("", "")):
            async with session(broker, (name, password), client_id="hs-lidhult-1") as robber:
                assert await eventually(lambda: robber.trouble, within=10)
        await device.publish(f"{MINE}/device.heartbeat", b"still here", qos=1)
    assert fallen == ["stopped"]


# ------------------------------------------------------------------------------------- the whole, with bypunkt


async def test_an_event_over_tls_is_in_the_log_and_receipted_and_a_revoked_device_is_out(
    database: Database, broker: ProductionBroker
) -> None:
    name, password = await account(database, broker, "hs-lidhult-1")
    gateway = Gateway(database, broker.options(), clock=now)
    pub = ["mosquitto_pub", *broker.arguments(name, password), "-q", "1"]
    birth = json.dumps({"id": "b-1", "data": {"state": "online", "spool": True}})
    heartbeat = json.dumps({"id": "e-1", "time": moment.write(now()), "data": {"uptime_s": 60}})
    async with running({"gateway": gateway.run}):
        await eventually(lambda: sees(gateway), within=20)
        assert (await client(*pub, "-t", f"{MINE}/device.status", "-m", birth))[0] == 0
        assert (await client(*pub, "-t", f"{MINE}/device.heartbeat", "-m", heartbeat))[0] == 0
        await eventually(lambda: two_stored(database), within=10)
        async with session(broker, (name, password), f"{MINE}/down/ack") as device:
            await connected(device)
            # The receipt went to a client that had left: the device sends again, and nothing counts twice.
            await device.publish(f"{MINE}/device.heartbeat", heartbeat.encode(), qos=1)
            (receipt,) = await device.batch(limit=1, linger_s=0)
            assert "e-1" in json.loads(receipt.payload)["ids"]
            assert await passwords.take(database, DeviceAccount("0781", name, "active"))
            began = asyncio.get_running_loop().time()
            await eventually(lambda: not device.connected, within=60)
            assert asyncio.get_running_loop().time() - began < 5
            await eventually(lambda: device.trouble is Trouble.CREDENTIALS, within=10)
            with pytest.raises(NotConnected):
                await device.publish(f"{MINE}/device.heartbeat", b"{}", qos=1)
    assert await dead(database) == []
    assert await two_stored(database)


async def two_stored(database: Database) -> bool:
    return sorted(await stored(database)) == ["b-1", "e-1"]


async def test_the_log_of_the_broker_holds_no_address_and_no_password(
    database: Database, broker: ProductionBroker
) -> None:
    name, password = await account(database, broker, "hs-lidhult-1")
    heartbeat = ["-t", f"{MINE}/device.heartbeat", "-m", "{}"]
    assert (await client("mosquitto_pub", *broker.arguments(name, password), *heartbeat))[0] == 0
    assert (await client("mosquitto_pub", *broker.arguments(name, "wrong"), *heartbeat))[0] != 0
    assert (await client("mosquitto_pub", "-h", "localhost", "-p", str(broker.port), *heartbeat))[0] != 0
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    with suppress(ConnectionResetError):
        await reader.read()
    writer.close()
    await broker.stop()
    log = broker.log.read_text()
    assert "OpenSSL Error" in log
    assert not re.search(r"\d+\.\d+\.\d+\.\d+|::1", log)
    assert "bypunkt/" not in log
    assert password not in log
    assert "wrong" not in log.replace("wrong version number", "")


async def test_a_message_waits_over_a_restart_for_a_lane_that_is_away(
    database: Database, broker: ProductionBroker
) -> None:
    who = await account(database, broker, "hs-lidhult-1")
    lane = broker.arguments(LANE_USERNAME.format(lane=7), LANES)
    lane += ["-q", "1", "-t", f"{MINE}/+", "-c", "-i", "x"]
    assert (await client("mosquitto_sub", *lane, "-E"))[0] == 0
    heartbeat = ["-t", f"{MINE}/device.heartbeat", "-m", "kept", "-q", "1"]
    assert (await client("mosquitto_pub", *broker.arguments(*who), *heartbeat))[0] == 0
    await broker.restart()
    assert await client("mosquitto_sub", *lane, "-C", "1", "-W", "10") == (0, "kept\n")


async def test_a_renewed_certificate_is_taken_up_without_a_restart(broker: ProductionBroker) -> None:
    lane = [*broker.arguments(LANE_USERNAME.format(lane=0), LANES), "-t", "bypunkt/canary/0", "-m", "x"]
    before = broker.certificate()
    fallen: list[str] = []
    async with session(broker, (LANE_USERNAME.format(lane=1), LANES)) as open_one:
        open_one._on_down = fallen.append
        await connected(open_one)
        broker.renew()
        await eventually(lambda: renewed(broker, before), within=10)
        await open_one.publish("bypunkt/canary/1", b"x", qos=1)
    assert fallen == ["stopped"]
    assert (await client("mosquitto_pub", *lane))[0] == 0


async def renewed(broker: ProductionBroker, before: str) -> bool:
    where = ["openssl", "s_client", "-connect", f"localhost:{broker.port}"]
    _, said = await client("sh", "-c", 'exec "$@" </dev/null', "sh", *where)
    return "BEGIN CERTIFICATE" in said and before not in said and broker.certificate() in said


# ------------------------------------------------------------------------------------------------- the file


def test_the_configuration_says_what_it_must_and_not_what_it_must_not() -> None:
    lines = CONFIGURATION.read_text().splitlines()
    said = dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    assert said["allow_anonymous"] == "false"
    assert said["use_username_as_clientid"] == "true"
    assert said["connection_messages"] == "false"
    assert int(said["max_queued_messages"]) >= 100_000
    assert "message_size_limit" not in said
    assert "/" not in said["plugin"]
    assert not [value for value in said.values() if value.startswith("/")]

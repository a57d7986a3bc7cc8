"""Asking a broker which MQTT it speaks."""

import pytest

from gateway.mqtt.errors import Trouble
from gateway.mqtt.negotiation import FIRST_PATIENCE_S, PATIENCE_S, Negotiation, Version


def asked_next(talk: Negotiation) -> Version:
    """The version once more: mypy believes that it cannot have changed."""
    return talk.version


def test_broker_that_answers_mqtt_5_is_never_asked_for_less() -> None:
    talk = Negotiation("auto")
    assert talk.version == "5"
    assert talk.answered()
    for trouble in (Trouble.DROPPED, Trouble.SILENT, Trouble.UNREACHABLE, Trouble.CREDENTIALS):
        assert not talk.failed(trouble)
        assert talk.version == "5"
    assert talk.patience_s == PATIENCE_S


def test_refusal_settles_for_3_1_1_at_once() -> None:
    talk = Negotiation("auto")
    assert talk.failed(Trouble.PROTOCOL)
    assert talk.version == "3.1.1"
    assert talk.answered()
    assert talk.version == "3.1.1"


def test_silence_settles_for_3_1_1_until_the_next_connection() -> None:
    talk = Negotiation("auto")
    assert talk.patience_s == FIRST_PATIENCE_S
    assert talk.failed(Trouble.SILENT)
    assert talk.version == "3.1.1"
    assert talk.answered()
    assert asked_next(talk) == "5"


def test_close_is_confirmed_before_mqtt_5_is_given_up() -> None:
    talk = Negotiation("auto")
    assert talk.failed(Trouble.DROPPED)
    assert talk.version == "3.1.1"
    assert not talk.answered(), "only a probe"
    assert asked_next(talk) == "5"
    assert talk.failed(Trouble.DROPPED)
    assert talk.version == "3.1.1"
    assert talk.answered()
    assert talk.version == "3.1.1"


def test_port_forwarder_that_closes_while_its_broker_starts_does_not_cost_mqtt_5() -> None:
    talk = Negotiation("auto")
    assert talk.failed(Trouble.DROPPED)
    assert not talk.failed(Trouble.DROPPED), "wait before the next round"
    assert talk.version == "5"
    assert talk.failed(Trouble.DROPPED)
    assert not talk.answered(), "the broker came up during the probe"
    assert talk.version == "5"
    assert talk.answered()
    assert talk.version == "5"


def test_slow_broker_gets_more_time_each_round() -> None:
    talk = Negotiation("auto")
    waits = []
    for _ in range(6):
        waits.append(talk.patience_s)
        talk.failed(Trouble.SILENT)
        assert talk.version == "3.1.1"
        talk.failed(Trouble.SILENT)
    assert waits == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.TLS, Trouble.CREDENTIALS, Trouble.BUSY])
def test_other_troubles_say_nothing_about_the_protocol(trouble: Trouble) -> None:
    talk = Negotiation("auto")
    assert not talk.failed(trouble)
    assert talk.version == "5"


def test_fixed_protocol_is_kept() -> None:
    versions: tuple[Version, ...] = ("5", "3.1.1")
    for protocol in versions:
        talk = Negotiation(protocol)
        for trouble in Trouble:
            assert not talk.failed(trouble)
            assert talk.version == protocol

"""What each account may do, as data."""

from gateway.rights import rules
from gateway.rights.rules import May, Right


def allowed(rights: rules.Rights, may: May) -> set[str]:
    return {right.topics for right in rights if right.may is may}


def test_a_device_publishes_one_level_below_its_own_name_and_reads_what_is_sent_to_it() -> None:
    rights = rules.device_rights("0781", "hs-lidhult-1")
    assert allowed(rights, May.SEND) == {"bypunkt/v1/0781/hs-lidhult-1/+"}
    assert allowed(rights, May.RECEIVE) == {"bypunkt/v1/0781/hs-lidhult-1/down/#"}
    assert allowed(rights, May.SUBSCRIBE) == {"bypunkt/v1/0781/hs-lidhult-1/down/#"}


def test_a_lane_reads_events_and_canaries_and_publishes_neither_for_a_device() -> None:
    rights = rules.lane_rights()
    assert allowed(rights, May.SUBSCRIBE) == {"bypunkt/v1/+/+/+", "bypunkt/canary/+"}
    assert allowed(rights, May.SEND) == {"bypunkt/v1/+/+/down/#", "bypunkt/canary/+"}


def test_the_administrator_commands_and_reads_nothing_else() -> None:
    assert rules.admin_rights() == {
        Right(May.SEND, "$CONTROL/dynamic-security/v1"),
        Right(May.RECEIVE, "$CONTROL/dynamic-security/v1/response"),
        Right(May.SUBSCRIBE, "$CONTROL/dynamic-security/v1/response"),
    }


def test_the_reader_reads_states_and_publishes_nothing() -> None:
    rights = rules.reader_rights()
    assert allowed(rights, May.SUBSCRIBE) == {"bypunkt/v1/+/+/down/state"}
    assert not allowed(rights, May.SEND)


def test_the_simulator_plays_the_devices_that_it_is_told_and_not_more_than_a_village_or_two() -> None:
    assert not rules.simulate_rights([])
    rights = rules.simulate_rights([("0781", "hs-lidhult-1")])
    assert allowed(rights, May.SEND) == {"bypunkt/v1/0781/hs-lidhult-1/+"}
    assert allowed(rights, May.SUBSCRIBE) == {"bypunkt/v1/0781/hs-lidhult-1/down/ack"}
    many = rules.simulate_rights(("0781", f"hs-{number}") for number in range(300))
    assert len(allowed(many, May.SEND)) == rules.MOST_SIMULATED


def test_everything_that_is_not_allowed_is_denied() -> None:
    assert {name for name, allow in rules.DEFAULTS.items() if allow} == {"unsubscribe"}

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import topics
from gateway.topics import NativeTopic


def test_a_native_topic_says_who_and_what() -> None:
    topic = "bypunkt/v1/0781/hs-lidhult-1/wifi.usage"
    parsed = NativeTopic.parse(topic)
    assert parsed == NativeTopic("0781", "hs-lidhult-1", "wifi.usage")
    assert parsed.topic == topic


@pytest.mark.parametrize(
    "topic",
    [
        *("", "bypunkt", "bypunkt/v1/0781/hs-lidhult-1", "bypunkt/v1/0781/hs-lidhult-1/down/ack"),
        *("bypunkt/v2/0781/hs-lidhult-1/wifi.usage", "/bypunkt/v1/0781/hs-lidhult-1/wifi.usage"),
        *("x/bypunkt/v1/0781/hs-lidhult-1/wifi.usage", "bypunkt/v1/781/hs-lidhult-1/wifi.usage"),
        *("bypunkt/v1/07810/hs-lidhult-1/wifi.usage", "bypunkt/v1/٠٧٨١/hs-lidhult-1/wifi.usage"),
        *(
            "bypunkt/v1/0781/HS-LIDHULT-1/wifi.usage",
            "bypunkt/v1/0781/hs/wifi.usage",
            "bypunkt/v1/0781/+/wifi.usage",
        ),
        *("bypunkt/v1/0781/hs_lidhult_1/wifi.usage", f"bypunkt/v1/0781/{'x' * 65}/wifi.usage"),
        *(
            "bypunkt/v1/0781/hs-lidhult-1/",
            "bypunkt/v1/0781/hs-lidhult-1/#",
            "bypunkt/v1/0781/hs-lidhult-1/Wifi.usage",
        ),
        *("bypunkt/v1/0781/hs-lidhult-1/wifi.usage\n", "bypunkt/v1/0781/hs-lidhult-1\n/wifi.usage"),
        *("bypunkt/v1/0781/hs-lidhult-1/wifi..usage", f"bypunkt/v1/0781/hs-lidhult-1/{'x' * 65}"),
    ],
)
def test_nothing_else_is_a_native_topic(topic: str) -> None:
    assert NativeTopic.parse(topic) is None


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    assert NativeTopic.parse(text) is None
    NativeTopic.parse(f"bypunkt/v1/0781/hs-lidhult-1/{text}")


def test_a_topic_cannot_be_made_of_bad_parts() -> None:
    for parts in (("0781/+", "hs-lidhult-1", "a"), ("0781", "#", "a"), ("0781", "hs-lidhult-1", "down/ack")):
        with pytest.raises(ValueError, match="not a"):
            NativeTopic(*parts)


def test_what_a_device_is_sent_is_a_level_further_down() -> None:
    sent = [
        topics.ack_topic("0781", "hs-lidhult-1"),
        topics.command_topic("0781", "hs-lidhult-1"),
        topics.content_topic("0781", "hs-lidhult-1"),
        topics.state_topic("0781", "hs-lidhult-1"),
    ]
    assert sent == [
        f"bypunkt/v1/0781/hs-lidhult-1/down/{what}" for what in ("ack", "command", "content", "state")
    ]
    assert {topic.count("/") for topic in sent} == {topics.native_filter("0781").count("/") + 1}


def test_filters_and_canaries() -> None:
    assert topics.native_filter("0781") == "bypunkt/v1/0781/+/+"
    assert topics.canary_topic(7) == "bypunkt/canary/7"
    with pytest.raises(ValueError, match="not a municipality"):
        topics.native_filter("+")
    with pytest.raises(ValueError, match="not a lane"):
        topics.canary_topic(-1)
    with pytest.raises(ValueError, match="not a device"):
        topics.ack_topic("0781", "+")

"""`bypunkt device`: register devices, look at them, and move them in their life cycle."""

import json

import pytest

from config.cli import devices
from services.storage.database import Database, Role, Tenants
from services.tenants.devices import every_device
from tests.config.cli.calling import bypunkt

NEW = ("device", "add", "hs-new-1", "--kind", "hotspot", "--municipality", "0781")


async def _lifecycle(device: str) -> str:
    said = await bypunkt("device", "show", device, "--json")
    assert said.code == 0
    (facts,) = json.loads(said.out)
    return str(facts["lifecycle"])


async def test_a_device_is_added_and_its_topic_is_said(inhabited: str) -> None:
    said = await bypunkt(*NEW, "--point", "dp-lidhult", "--interval", "120")
    assert (said.code, said.err) == (0, "")
    assert "bypunkt/v1/0781/hs-new-1/<event type>" in said.out
    async with (
        Database.open(inhabited) as database,
        database.transaction(Role.WEB, Tenants(("0781",))) as connection,
    ):
        added = {row["id"]: row for row in await every_device(connection)}["hs-new-1"]
    assert (added["point"], added["expected_interval_s"], added["lifecycle"]) == ("dp-lidhult", 120, "active")
    assert not added["synthetic"]


@pytest.mark.usefixtures("inhabited")
async def test_a_device_needs_no_point() -> None:
    assert (await bypunkt(*NEW)).code == 0
    assert await _lifecycle("hs-new-1") == "active"


@pytest.mark.usefixtures("inhabited")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("x", "--kind", "hotspot", "--municipality", "0781"), "id: "),
        (("hs-new-1", "--kind", "toaster", "--municipality", "0781"), "kind: "),
        (("hs-new-1", "--kind", "kiosk", "--municipality", "Ljungby"), "municipality: "),
        (
            ("hs-new-1", "--kind", "kiosk", "--municipality", "0781", "--interval", "0"),
            "expected_interval_s: ",
        ),
        (("hs-new-1", "--kind", "kiosk", "--municipality", "9999"), "municipality 9999 is not registered"),
        (("hs-new-1", "--kind", "kiosk", "--municipality", "0781", "--point", "dp-gone"), "dp-gone"),
        (("hs-fornasa-1", "--kind", "kiosk", "--municipality", "0781"), "belongs to municipality 0583"),
        (("aabbccddeeff", "--kind", "kiosk", "--municipality", "0781"), "hardware address"),
    ],
)
async def test_what_cannot_be_added_is_refused_with_a_sentence(arguments: tuple[str, ...], says: str) -> None:
    problem = (await bypunkt("device", "add", *arguments)).problem
    assert says in problem
    assert "Error" not in problem


@pytest.mark.usefixtures("inhabited")
async def test_adding_never_changes_a_device_that_is_there() -> None:
    """Its name is taken: for good, when it was retired."""
    assert (await bypunkt("device", "retire", "hs-lidhult-1")).code == 0
    for name, lifecycle in (("hs-lidhult-1", "retired"), ("hs-lidhult-2", "active")):
        problem = (await bypunkt("device", "add", name, "--kind", "kiosk", "--municipality", "0781")).problem
        assert name in problem
        assert "Error" not in problem
        assert await _lifecycle(name) == lifecycle


@pytest.mark.usefixtures("installed")
async def test_where_nothing_is_registered_the_list_says_so() -> None:
    assert (await bypunkt("device", "list")).out == "no device is registered\n"
    assert (await bypunkt("device", "list", "--json")).out == "[]\n"


@pytest.mark.usefixtures("inhabited")
async def test_devices_of_all_municipalities_are_listed() -> None:
    names = ["hs-fornasa-1", "hs-lidhult-1", "hs-lidhult-2"]
    rows = json.loads((await bypunkt("device", "list", "--json")).out)
    assert [row["id"] for row in rows] == names
    assert {row["municipality"] for row in rows} == {"0583", "0781"}
    shown = (await bypunkt("device", "list")).out
    assert [name for name in names if name not in shown] == []


@pytest.mark.usefixtures("inhabited")
async def test_one_is_shown_with_its_state_also_after_its_time() -> None:
    for name, verb in (("hs-lidhult-1", "suspend"), ("hs-lidhult-2", "retire")):
        await bypunkt("device", verb, name)
        (facts,) = json.loads((await bypunkt("device", "show", name, "--json")).out)
        assert (facts["state"], facts["reason"], facts["point"]) == ("blind", "never_seen", "dp-lidhult")
    assert "never_seen" in (await bypunkt("device", "show", "hs-fornasa-1")).out


@pytest.mark.usefixtures("inhabited")
async def test_a_device_goes_through_its_life_cycle_and_no_other_way() -> None:
    for verb, becomes, refusal in (
        ("resume", None, "device hs-lidhult-1 is active; it can become retired or suspended"),
        ("suspend", "suspended", ""),
        ("suspend", None, "device hs-lidhult-1 is suspended; it can become active or retired"),
        ("resume", "active", ""),
        ("retire", "retired", ""),
        ("resume", None, "device hs-lidhult-1 is retired; it can become nothing more"),
        ("suspend", None, "device hs-lidhult-1 is retired; it can become nothing more"),
        ("retire", None, "device hs-lidhult-1 is retired; it can become nothing more"),
    ):
        said = await bypunkt("device", verb, "hs-lidhult-1")
        if becomes:
            assert (said.code, said.out) == (0, f"device hs-lidhult-1 is {becomes}\n")
        else:
            assert said.problem == refusal


@pytest.mark.usefixtures("inhabited")
@pytest.mark.parametrize("verb", ["show", *devices._HELP])
async def test_a_device_that_is_not_there_is_said_not_to_be(verb: str) -> None:
    assert (await bypunkt("device", verb, "hs-nowhere-1")).problem == "there is no device hs-nowhere-1"

"""The accounts at the broker, and the file that it keeps them in (`dynamic-security.json`), written anew. Pure.

The file is for a broker's first start, and for one that has lost it. From then on the broker keeps it, and
`gateway.rights.keeper` tells the broker what changes.
"""

import json
from collections.abc import Iterable, Sequence

from gateway.rights import rules
from gateway.rights.rules import Rights
from services.tenants.credentials import DeviceAccount, broker_hash

RIGHTS_USERNAME = f"{rules.OURS}rights"
READER_USERNAME = f"{rules.OURS}reader"
LANE_USERNAME = f"{rules.OURS}lane.{{lane}}"
"""What BYPUNKT_MQTT__USERNAME has to be: one account a lane, since two clients with one account evict each other."""

CHECK, SIMULATE = "check", "simulate"
"""What stands in place of a lane's number for `bypunkt check` and `bypunkt simulate`."""

_MARK = "bypunkt device, password "


def broker_store(
    *,
    rights_password: str,
    lanes_password: str,
    lanes: int,
    reader_password: str | None = None,
    devices: Sequence[DeviceAccount] = (),
) -> str:
    """Return the whole of `dynamic-security.json`: bypunkt's own accounts and every device that has a password.

    Without a password for the reader there is no reader.
    """
    passwords = {LANE_USERNAME.format(lane=lane): lanes_password for lane in (*range(lanes), CHECK, SIMULATE)}
    if reader_password is not None:
        passwords[READER_USERNAME] = reader_password
    # Also a role that allows nothing yet: an account must not name a role that is not there.
    roles = {rules.ADMIN_ROLE: rules.admin_rights(), **wanted_roles(devices)}
    document = {
        "defaultACLAccess": dict(rules.DEFAULTS),
        "clients": [
            _account(RIGHTS_USERNAME, broker_hash(rights_password), role=rules.ADMIN_ROLE),
            *(_account(name, broker_hash(word), role=own_role(name)) for name, word in passwords.items()),
            *(_device(device) for device in devices if device.generation is not None),
        ],
        "groups": [],
        "roles": [{"rolename": name, "acls": acls(rights)} for name, rights in roles.items()],
    }
    return json.dumps(document, indent=1) + "\n"


def wanted_roles(devices: Iterable[DeviceAccount]) -> dict[str, Rights]:
    """Return every role but the administrator's own, which nobody changes while using it."""
    devices = list(devices)
    played = [(device.municipality, device.device) for device in devices if device.synthetic]
    return {
        rules.LANE_ROLE: rules.lane_rights(),
        rules.READER_ROLE: rules.reader_rights(),
        rules.SIMULATE_ROLE: rules.simulate_rights(played),
        **{
            rules.device_role(device.municipality, device.device): rules.device_rights(
                device.municipality, device.device
            )
            for device in devices
            if device.generation is not None
        },
    }


def own_role(username: str) -> str | None:
    """Return the role that one of bypunkt's own accounts is held to; None for any other account, and for `rights`."""
    prefix = LANE_USERNAME.format(lane="")
    if not username.startswith(prefix):
        return {READER_USERNAME: rules.READER_ROLE}.get(username)
    return {SIMULATE: rules.SIMULATE_ROLE, CHECK: None}.get(username.removeprefix(prefix), rules.LANE_ROLE)


def mark(generation: int) -> str:
    """Return what an account's `textname` says: that it is ours, and which of the device's passwords it has."""
    return f"{_MARK}{generation}"


def is_marked(textname: str) -> bool:
    """Whether an account was made by bypunkt for a device."""
    return textname.startswith(_MARK)


def acls(rights: Rights) -> list[dict[str, object]]:
    """Return rights as Mosquitto's dynamic security writes them."""
    return [
        {"acltype": right.may, "topic": right.topics, "priority": 0, "allow": True}
        for right in sorted(rights)
    ]


def _device(device: DeviceAccount) -> dict[str, object]:
    role = rules.device_role(device.municipality, device.device)
    account = _account(device.device, device.password_hash or "", role=role)
    account["textname"] = mark(device.generation or 0)
    if not device.may_sign_in:
        account["disabled"] = True
    return account


def _account(username: str, password_hash: str, *, role: str | None) -> dict[str, object]:
    _, _, iterations, salt, digest = password_hash.split("$")
    return {
        "username": username,
        "roles": [{"rolename": role, "priority": 0}] if role else [],
        "password": digest,
        "salt": salt,
        "iterations": int(iterations),
    }

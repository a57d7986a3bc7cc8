"""What the broker has, what it should have, and what to tell it. Pure.

A password cannot be given as a hash over the control topic, so an account that is missing, or that has another
password than the newest, is closed or reported, and never made up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from gateway.rights import rules
from gateway.rights.accounts import acls, is_marked, mark, own_role, wanted_roles
from gateway.rights.rules import May, Right, Rights
from services.tenants.credentials import DeviceAccount


@dataclass(frozen=True, slots=True)
class FoundClient:
    """An account as the broker has it; `roles` are those of its groups too, which we never use."""

    username: str
    textname: str = ""
    enabled: bool = True
    roles: frozenset[str] = frozenset()

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Read the broker's own description."""
        groups = {f"group {group['groupname']}" for group in answer.get("groups", [])}
        roles = {role["rolename"] for role in answer.get("roles", [])}
        return cls(
            username=answer["username"],
            textname=answer.get("textname", ""),
            enabled=not answer.get("disabled", False),
            roles=frozenset(roles | groups),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What the broker has. Rights are None where they are of a kind that we never give."""

    defaults: Mapping[str, bool] = field(default_factory=dict)
    roles: Mapping[str, Rights | None] = field(default_factory=dict)
    clients: Mapping[str, FoundClient] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to tell the broker: what for, about whom, and how."""

    what: str
    name: str
    command: dict[str, Any]


def found_rights(answer: Iterable[Mapping[str, Any]]) -> Rights | None:
    """Read a role's rights as the broker describes them; None when they are not of a kind that we give."""
    rights = set()
    for acl in answer:
        if not acl.get("allow") or acl.get("acltype") not in set(May):
            return None
        rights.add(Right(May(acl["acltype"]), acl["topic"]))
    return frozenset(rights)


def changes(devices: Sequence[DeviceAccount], found: Found) -> list[Change]:
    """Return what makes the broker equal to the registry: first what shuts, then what opens, then what tidies."""
    known = {device.device: device for device in devices}
    wanted = wanted_roles(devices)
    return [
        *_shut(known, found),
        *_defaults(found),
        *_roles(wanted, found),
        *_open(known, found),
        *_strangers(known, wanted, found),
    ]


def missing(devices: Iterable[DeviceAccount], found: Found) -> list[str]:
    """Return the devices that should be able to sign in and cannot: account lost, or from another password."""
    return [
        device.device
        for device in devices
        if device.may_sign_in and not _trusted(device, found.clients.get(device.device))
    ]


def give(device: DeviceAccount, password: str, *, has_account: bool, has_role: bool) -> list[dict[str, Any]]:
    """Return the commands that give a device its newest password, whatever it had; they cut its connection."""
    role = rules.device_role(device.municipality, device.device)
    rights = rules.device_rights(device.municipality, device.device)
    return [
        _role("modifyRole" if has_role else "createRole", role, rights),
        {
            "command": "modifyClient" if has_account else "createClient",
            "username": device.device,
            "password": password,
            "textname": mark(device.generation or 0),
            "roles": _holding(role),
            "groups": [],
        },
        _client("enableClient" if device.may_sign_in else "disableClient", device.device),
    ]


def _trusted(device: DeviceAccount, client: FoundClient | None) -> bool:
    """Whether an account may be open: it has the password that the device has now, and not an older one."""
    if client is None or device.generation is None or not device.may_sign_in:
        return False
    return client.textname == mark(device.generation)


def _shut(known: Mapping[str, DeviceAccount], found: Found) -> Iterator[Change]:
    for name, client in found.clients.items():
        device = known.get(name)
        if device is not None and client.enabled and not _trusted(device, client):
            yield Change("account_closed", name, _client("disableClient", name))


def _defaults(found: Found) -> Iterator[Change]:
    if found.defaults != rules.DEFAULTS:
        entries = [{"acltype": kind, "allow": allow} for kind, allow in rules.DEFAULTS.items()]
        yield Change("defaults_set", "", {"command": "setDefaultACLAccess", "acls": entries})


def _roles(wanted: Mapping[str, Rights], found: Found) -> Iterator[Change]:
    for name, rights in wanted.items():
        if name not in found.roles:
            yield Change("role_made", name, _role("createRole", name, rights))
        elif found.roles[name] != rights:
            yield Change("role_mended", name, _role("modifyRole", name, rights))


def _open(known: Mapping[str, DeviceAccount], found: Found) -> Iterator[Change]:
    for name, client in found.clients.items():
        device = known.get(name)
        role = rules.device_role(device.municipality, name) if device else own_role(name)
        if role is None or (device is not None and not _trusted(device, client)):
            continue
        if client.roles != {role}:
            command = {**_client("modifyClient", name), "roles": _holding(role), "groups": []}
            yield Change("account_mended", name, command)
        if device is not None and not client.enabled:
            yield Change("account_opened", name, _client("enableClient", name))


def _strangers(
    known: Mapping[str, DeviceAccount], wanted: Mapping[str, Rights], found: Found
) -> Iterator[Change]:
    for name, client in found.clients.items():
        if name not in known and is_marked(client.textname):
            yield Change("account_removed", name, _client("deleteClient", name))
    for name in found.roles:
        if rules.is_device_role(name) and name not in wanted:
            yield Change("role_removed", name, {"command": "deleteRole", "rolename": name})


def _role(command: str, name: str, rights: Rights) -> dict[str, Any]:
    return {"command": command, "rolename": name, "acls": acls(rights)}


def _client(command: str, username: str) -> dict[str, Any]:
    return {"command": command, "username": username}


def _holding(role: str) -> list[dict[str, Any]]:
    return [{"rolename": role, "priority": 0}]

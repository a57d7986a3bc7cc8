"""Who may do what: six roles, one table, one question.

A role is given to a person for one municipality, or for the whole installation (`network` and
`installation_admin`). Row-level security keeps rows apart whatever is said here; this decides pages and deeds.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class PersonRole(StrEnum):
    """What a person is to the installation."""

    VIEWER = "viewer"
    EDITOR = "editor"
    TECHNICIAN = "technician"
    MUNICIPAL_ADMIN = "municipal_admin"
    NETWORK = "network"
    INSTALLATION_ADMIN = "installation_admin"


class Permission(StrEnum):
    """One thing that can be allowed."""

    SEE_OVERVIEW = "see_overview"
    """Sums: how many points and devices are in which state."""
    SEE_DEVICES = "see_devices"
    """Single devices: their state, history, usage and events."""
    SEE_DEAD_LETTERS = "see_dead_letters"
    SEE_SYSTEM = "see_system"
    """Whether we ourselves keep up: what is taken in, read and kept."""
    EDIT_INFORMATION = "edit_information"
    MANAGE_DEVICES = "manage_devices"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_INSTALLATION = "manage_installation"


_SEES = frozenset({Permission.SEE_OVERVIEW, Permission.SEE_DEVICES})
_TECHNICIAN = _SEES | {Permission.SEE_DEAD_LETTERS, Permission.SEE_SYSTEM, Permission.MANAGE_DEVICES}
_MUNICIPAL_ADMIN = _TECHNICIAN | {Permission.EDIT_INFORMATION, Permission.MANAGE_PEOPLE}

PERMISSIONS: Mapping[PersonRole, frozenset[Permission]] = {
    PersonRole.VIEWER: _SEES,
    PersonRole.EDITOR: _SEES | {Permission.EDIT_INFORMATION},
    PersonRole.TECHNICIAN: _TECHNICIAN,
    PersonRole.MUNICIPAL_ADMIN: _MUNICIPAL_ADMIN,
    PersonRole.NETWORK: frozenset({Permission.SEE_OVERVIEW}),
    PersonRole.INSTALLATION_ADMIN: frozenset(Permission),
}

EVERYWHERE = frozenset({PersonRole.NETWORK, PersonRole.INSTALLATION_ADMIN})
"""Roles that are held for all municipalities; every other role is held for exactly one."""


class Holder(Protocol):
    """Whoever holds a role: all that the question needs to know about a person."""

    @property
    def role(self) -> PersonRole:
        """The role."""

    @property
    def municipality(self) -> str | None:
        """Where it is held; none is everywhere."""


def allows(person: Holder, permission: Permission, municipality: str | None = None) -> bool:
    """Whether a person may do something, in a municipality when one is named."""
    if permission not in PERMISSIONS[person.role]:
        return False
    return municipality is None or person.role in EVERYWHERE or person.municipality == municipality

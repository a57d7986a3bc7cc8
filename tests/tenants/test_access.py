"""Who may do what: the table, the one question, and the page that documents it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from services.tenants.access import EVERYWHERE, PERMISSIONS, Permission, PersonRole, allows

DOCS = Path(__file__).parents[2] / "docs" / "roles.md"


@dataclass(frozen=True)
class Holder:
    role: PersonRole
    municipality: str | None = "0781"


def test_every_role_has_its_permissions_and_no_permission_is_without_a_role() -> None:
    assert set(PERMISSIONS) == set(PersonRole)
    assert set().union(*PERMISSIONS.values()) == set(Permission)


@pytest.mark.parametrize("role", PersonRole)
def test_role_reaches_as_far_as_its_municipality(role: PersonRole) -> None:
    person = Holder(role, None if role in EVERYWHERE else "0781")
    assert allows(person, Permission.SEE_OVERVIEW)
    assert allows(person, Permission.SEE_OVERVIEW, "0781")
    assert allows(person, Permission.SEE_OVERVIEW, "0583") == (role in EVERYWHERE)


def test_network_sees_sums_only() -> None:
    network = Holder(PersonRole.NETWORK, None)
    assert [permission for permission in Permission if allows(network, permission)] == [
        Permission.SEE_OVERVIEW
    ]


def test_only_the_installation_manages_the_installation() -> None:
    assert [role for role in PersonRole if Permission.MANAGE_INSTALLATION in PERMISSIONS[role]] == [
        PersonRole.INSTALLATION_ADMIN
    ]


def test_page_of_roles_says_the_same() -> None:
    documented = {}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if cells[0] in set(PersonRole):
            allowed = {
                permission for permission, cell in zip(Permission, cells[2:], strict=True) if cell == "yes"
            }
            documented[PersonRole(cells[0])] = (cells[1], allowed)
    assert documented == {
        role: ("everywhere" if role in EVERYWHERE else "one municipality", set(allowed))
        for role, allowed in PERMISSIONS.items()
    }

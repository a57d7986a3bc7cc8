"""The operating-system user that a server runs as when we are root: servers must not be."""

import os
import pwd
from dataclasses import dataclass


class AccountError(RuntimeError):
    """There is no user to run a server as."""


@dataclass(frozen=True)
class Account:
    """An operating-system user that a child runs as."""

    name: str
    uid: int
    gid: int


def unprivileged_account(*names: str) -> Account | None:
    """The first of these users that exists when we are root; None, meaning "stay who we are", otherwise."""
    if os.geteuid() != 0:
        return None
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise AccountError(
        f"running as root, and none of these users exists to run as instead: {', '.join(names)}"
    )

"""The directory of one embedded server: `cluster/` (the data), `socket/`, `postgres.log` and `lock`.

It belongs to us, and only `cluster/` and `socket/` to the user that the server runs as: as root we never
write where another user could have placed a link.
"""

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from services.runtime.accounts import Account
from services.storage.embedded.binaries import open_to_others
from services.storage.embedded.errors import EmbeddedPostgresError

SOCKET_PORT = 5432
"""Part of the socket's name only; nothing listens on it."""

_SOCKET_PATH_LIMIT = 107
_PRIVATE, _PASSABLE = 0o700, 0o711


@dataclass(frozen=True)
class Home:
    """An opened and locked home; `close` gives it back."""

    path: Path
    sockets: Path
    temporary: tuple[Path, ...]
    lock: int

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "cluster"

    @property
    def draft(self) -> Path:
        """Where a new cluster is made, so that a half-made one is never taken for a cluster."""
        return self.path / "cluster.new"

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.path / "postgres.log"

    @property
    def major(self) -> int | None:
        """The major version of the existing cluster."""
        try:
            return int((self.cluster / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def processes(self) -> list[int]:
        """The processes that work in the cluster, such as what is left of a server that was killed."""
        place = self.cluster.resolve()
        return [pid for pid in _process_ids() if _working_directory(pid) == place]

    def close(self) -> None:
        """Release the lock and remove what was temporary."""
        for directory in self.temporary:
            shutil.rmtree(directory, ignore_errors=True)
        os.close(self.lock)


def open_home(path: Path | None, account: Account | None) -> Home:
    """Make the home ready for the account and lock it; None means a temporary one."""
    temporary = []
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="bypunkt-postgres-"))
        temporary.append(path)
    elif not path.exists():
        path.mkdir(parents=True)
        path.chmod(_PASSABLE)
    if temporary and account is not None:
        path.chmod(_PASSABLE)
    path = path.resolve()
    lock = _lock(path)
    try:
        _refuse_unreachable(path, account)
        sockets = path / "socket"
        if len(os.fsencode(sockets / f".s.PGSQL.{SOCKET_PORT}")) > _SOCKET_PATH_LIMIT:
            sockets = Path(tempfile.mkdtemp(prefix="bypunkt-", dir="/tmp"))
            temporary.append(sockets)
        make_private(sockets, account)
    except BaseException:
        Home(path, path, tuple(temporary), lock).close()
        raise
    return Home(path, sockets, tuple(temporary), lock)


def make_private(directory: Path, account: Account | None) -> None:
    """Make the directory if needed, for the account alone."""
    directory.mkdir(mode=_PRIVATE, exist_ok=True)
    directory.chmod(_PRIVATE)
    if account is not None:
        os.chown(directory, account.uid, account.gid)


def _refuse_unreachable(path: Path, account: Account | None) -> None:
    if account is not None and not open_to_others(path):
        raise EmbeddedPostgresError(
            f"the server runs as {account.name}, who cannot reach {path}: choose a data directory elsewhere "
            "(every directory on the way must be open to others), or start as an ordinary user"
        )


def _lock(path: Path) -> int:
    descriptor = os.open(path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise EmbeddedPostgresError(f"{path} is in use by another running bypunkt") from error
    return descriptor


def _process_ids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _working_directory(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:  # ended meanwhile, or another user's
        return None

"""A backup is one file: a consistent picture of the whole database, and what it must come to when it is restored.

`archive` is the file, `programs` are PostgreSQL's own tools, `making` writes a backup, `restoring` takes one in,
`keeping` names them and removes old ones (docs/decisions/0019).
"""

from services.storage.backup.archive import Archive
from services.storage.backup.errors import BackupError
from services.storage.backup.keeping import name_at, remove_old
from services.storage.backup.making import back_up
from services.storage.backup.manifest import Manifest
from services.storage.backup.restoring import Restored, restore, try_out

__all__ = [
    "Archive",
    "BackupError",
    "Manifest",
    "Restored",
    "back_up",
    "name_at",
    "remove_old",
    "restore",
    "try_out",
]

"""What can go wrong that a person at the terminal can do something about, in one line each."""

import asyncpg

from config.app import NotConfigured
from config.demo import DemoRefused
from config.settings import SettingsRefused
from config.shelf import SetupRefused
from dashboard.app import PortTaken
from dashboard.reports.document import PdfUnavailable
from gateway.embedded import BrokerError
from gateway.simulator import HistoryRefused
from services.log.archive.form import ArchiveRefused
from services.reports.naming import ReportRefused
from services.runtime.child import ChildError
from services.runtime.tasks import describe
from services.storage.backup import BackupError
from services.storage.database import UNREACHABLE
from services.storage.embedded import EmbeddedPostgresError
from services.storage.migrate import MigrationError
from services.storage.safety import UnsafeDatabase
from services.tenants.devices import DeviceError
from services.tenants.importing import ImportRefused
from services.tenants.maintenance import MaintenanceError
from services.tenants.passwords import WeakPassword
from services.tenants.people import PersonError


class CommandFailed(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


_OURS = (
    ArchiveRefused, BackupError, BrokerError, ChildError, CommandFailed, DemoRefused, DeviceError,
    EmbeddedPostgresError, HistoryRefused, ImportRefused, MaintenanceError,
    MigrationError, NotConfigured, PdfUnavailable, PersonError, PortTaken, ReportRefused,
    SettingsRefused, SetupRefused, UnsafeDatabase, WeakPassword,
)  # fmt: skip
FAILURES = (*_OURS, *UNREACHABLE, asyncpg.PostgresError, ExceptionGroup)


def explain(error: BaseException) -> list[str]:
    """Return an error as lines for the person at the terminal."""
    if isinstance(error, ExceptionGroup):
        return [line for inner in error.exceptions for line in explain(inner)]
    if isinstance(error, _OURS):
        return str(error).splitlines()
    if isinstance(error, (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
        return [
            f"PostgreSQL refuses the sign-in: {error}. Check the user and password in BYPUNKT_DATABASE__URL"
        ]
    if isinstance(error, (asyncpg.InvalidParameterValueError, asyncpg.UndefinedTableError)):
        return ["the database was never prepared for bypunkt: run `bypunkt migrate`"]
    if isinstance(error, UNREACHABLE):
        return [
            f"cannot reach PostgreSQL ({describe(error)}). Is it running, and is BYPUNKT_DATABASE__URL right?"
        ]
    return [describe(error)]

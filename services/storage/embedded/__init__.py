"""An embedded PostgreSQL for the demo and the tests; an installation uses a real one."""

from services.storage.embedded.errors import EmbeddedPostgresError
from services.storage.embedded.server import SUPERUSER, EmbeddedPostgres

__all__ = ["SUPERUSER", "EmbeddedPostgres", "EmbeddedPostgresError"]

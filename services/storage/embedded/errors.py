"""The one error of the embedded server: its text says what is wrong and what to do."""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be found, set up or started."""

"""The command line. Exit code 0: done, 1: failed (one line says why), 2: the call was wrong.

To add a command: write it in a file here, with the decorator `@app.command` or a sub-command's, and import that file
below; add it to docs/cli.md.
"""

import sys

from config.cli import (
    archive,
    backups,
    checking,
    deadletters,
    demonstrate,
    devices,
    goals,
    maintenance,
    people,
    readings,
    registry,
    reports,
    serving,
    setup,
    simulate,
)
from config.cli.base import app
from config.failures import FAILURES, explain

__all__ = ["app", "main"]

for _module in (
    archive,
    backups,
    checking,
    deadletters,
    demonstrate,
    devices,
    goals,
    maintenance,
    people,
    readings,
    registry,
    reports,
    serving,
    setup,
    simulate,
):
    _module.add_to(app)


def main() -> None:
    """Run the command line; whatever we foresaw is one line on standard error."""
    try:
        app()
    except FAILURES as error:
        for line in explain(error):
            print(f"bypunkt: {line}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

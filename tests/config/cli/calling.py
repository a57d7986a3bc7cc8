"""Call the command line inside a test: the same `main`, without the 0.7 s that a new process takes to import it."""

import asyncio
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

from config import cli


@dataclass(frozen=True, slots=True)
class Said:
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def problem(self) -> str:
        """What it complained of: one line on standard error, exit code 1, and nothing else."""
        assert self.code == 1, self
        lines = self.err.splitlines()
        assert len(lines) == 1, self
        assert lines[0].startswith("bypunkt: "), self
        return lines[0].removeprefix("bypunkt: ")


async def bypunkt(*arguments: str, stdin: str = "") -> Said:
    """Run `bypunkt` with these arguments to its end; an error that would be a traceback is raised."""
    return await asyncio.to_thread(_call, arguments, stdin)


def _call(arguments: tuple[str, ...], stdin: str) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["bypunkt", *arguments]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as end:
            return Said(
                end.code if isinstance(end.code, int) else int(bool(end.code)), out.getvalue(), err.getvalue()
            )
    return Said(0, out.getvalue(), err.getvalue())

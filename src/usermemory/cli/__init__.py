"""The command line. ``usermemory --help`` is where to begin."""

from __future__ import annotations

import io
import os
import sys

from usermemory.errors import UserMemoryError


def main() -> None:
    """Run one command.

    Errors of ours become one line and exit code 1; wrong usage is 2, Ctrl-C 130.
    """
    import typer

    from usermemory.cli.app import app
    from usermemory.cli.output import clean

    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # A terminal or a pipe that cannot take or give a character must not end a conversation.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except UserMemoryError as error:
        typer.echo(f"usermemory: {clean(str(error))}", err=True)
        raise SystemExit(1) from None
    except Exception as error:
        if os.environ.get("USERMEMORY_DEBUG"):
            raise
        # A traceback may show what people said.
        text = clean(" ".join(str(error).split()))[:_LONGEST]
        typer.echo(
            f"usermemory: {type(error).__name__}: {text} (USERMEMORY_DEBUG=1 shows where)", err=True
        )
        raise SystemExit(1) from None


_LONGEST = 500

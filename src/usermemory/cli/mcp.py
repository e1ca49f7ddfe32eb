"""One user's memory as an MCP server: ``usermemory mcp``."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Annotated

from typer import Option

from usermemory.cli.common import (
    DATABASE,
    BaseUrl,
    Database,
    Model,
    SchemaName,
    open_existing,
)
from usermemory.errors import ConfigurationError
from usermemory.settings import checked_user


def serve_mcp(
    *,
    user: Annotated[str, Option(help="Whose memory; a client can name nobody else.")],
    read_only: Annotated[bool, Option("--read-only", help="A client may change nothing.")] = False,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
) -> None:
    """Serve one user's memory to an MCP client, on standard input and output.

    The client starts this command, and its end ends it. A change is judged as everywhere: the
    user's words have to come with it. The model is asked only before something is forgotten,
    where the client cannot ask the user.

    Examples:
        usermemory mcp --user will --db memory.db
        usermemory mcp --user will --read-only
    """
    try:
        from usermemory.serve.mcp import serve_stdio
    except ImportError as error:
        raise ConfigurationError(
            f"this needs a package that is missing ({error}): pip install 'usermemory[mcp]'"
        ) from error
    from usermemory.choice import choose

    whose = checked_user(user)
    with open_existing(db, schema, choose(model, base_url).model) as memory:
        # A thread waits for the next line and cannot be woken; what was accepted is on the disk.
        signal.signal(signal.SIGINT, _leave)
        asyncio.run(serve_stdio(memory, whose, read_only=read_only))


def _leave(_signal: int, _frame: object) -> None:
    os._exit(130)

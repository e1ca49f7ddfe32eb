"""``usermemory serve``: the pages and the HTTP API, in a process of their own."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from usermemory.cli.common import DATABASE, BaseUrl, Database, Model, SchemaName, open_memory, say
from usermemory.errors import ConfigurationError

if TYPE_CHECKING:
    from usermemory.choice import Choice

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def serve(  # noqa: PLR0913 - options of a command
    *,
    port: Annotated[
        int, Option(min=0, max=65_535, help="Where to listen; 0 for any port that is free.")
    ] = 8765,
    host: Annotated[str, Option(help="The address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    worker: Annotated[
        bool | None,
        Option(
            "--worker/--no-worker",
            help="Whether it reads in the background too.",
            show_default="with a model that was named or found, or a new database",
        ),
    ] = None,
    delay: Annotated[
        float, Option(min=0, metavar="SECONDS", help="Quiet time before it reads what Try it said.")
    ] = 20.0,
    frame: Annotated[
        list[str] | None, Option(metavar="ORIGIN", help="May embed users' own pages; repeatable.")
    ] = None,
    price: Annotated[
        list[str] | None,
        Option(
            metavar="MODEL=IN/OUT",
            help="What a million tokens in and out cost, for Operations; repeatable.",
        ),
    ] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
) -> None:
    """See, try, correct and operate the memory in a browser; the HTTP API is served beside it.

    The first line is the address, with a token in it that signs one browser in, once. At other
    addresses than loopback use HTTPS in front of it: a token is as good as a password.

    Examples:
        usermemory serve
        usermemory serve --db memory.db --port 9000 --schema my_app.profiles:Customer
        usermemory serve --price gpt-5-mini=0.25/2
        usermemory serve --host 0.0.0.0 --no-worker --frame https://app.example.com
    """
    from usermemory.choice import choose
    from usermemory.serve import app
    from usermemory.serve.prices import read_prices

    prices = read_prices(price or [])
    logging.getLogger("usermemory").addHandler(logging.NullHandler())
    logging.getLogger("usermemory.serve").addHandler(logging.StreamHandler())
    chosen = choose(model, base_url, look=True)
    listening = _listen(host, port)
    with listening:
        reads = worker if worker is not None else _may_read(db, schema, chosen, model)
        notices = list(filter(None, [chosen.notice, "" if reads else _NO_WORKER]))
        memory = open_memory(db, schema, chosen.model, worker=reads, delay=delay)
        try:
            notice = " ".join(notices)
            served = app(
                memory,
                bot=chosen.bot(),
                notice=notice,
                frame_ancestors=frame or (),
                prices=prices,
            )
            typer.echo(f"{_address(host, listening)}{served.state.pages.first_visit()}")
            _say_the_rest(host, notices)
            memory.wake()  # what was due before is read though nobody speaks
            interrupted = _run(served, listening)
            served.state.pages.close()
        finally:
            memory.close(grace=2.0)
    if interrupted:
        raise typer.Exit(130)


_NO_WORKER = "Nothing is read in the background here; --worker changes that."


def _may_read(db: str, schema: str | None, chosen: Choice, model: str | None) -> bool:
    """Whether to read in the background: rules nobody asked for read no application's messages."""
    from usermemory.choice import OFFLINE

    if chosen.model != OFFLINE or model == OFFLINE:
        return True
    with open_memory(db, schema, worker=False) as memory:
        return not memory.jobs() and not memory.profiles(limit=1)


def _listen(host: str, port: int) -> socket.socket:
    if not host.strip():  # the system would listen at all addresses
        raise ConfigurationError("--host is empty; name an address, 0.0.0.0 for all")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error}; choose another port or host"
        ) from error
    return listening


def _address(host: str, listening: socket.socket) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - only shown
    if ":" in shown and not shown.startswith("["):
        shown = f"[{shown}]"
    return f"http://{shown}:{listening.getsockname()[1]}"


def _say_the_rest(host: str, notices: list[str]) -> None:
    say("Open it in a browser: the token in it is good for once. Ctrl-C stops.")
    for notice in notices:
        say(notice)
    if host not in _LOOPBACK:
        say(
            f"Warning: {host} may be reached from other machines, and this is not encrypted. "
            "Put a server with HTTPS in front of it.",
            stderr=True,
        )
    sys.stdout.flush()


def _run(served: Any, listening: socket.socket) -> bool:
    """Serve until told to stop; whether that was Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        served,
        log_level="warning",
        access_log=False,  # addresses hold tokens
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    # Whoever started us in the background may have had Ctrl-C ignored; and what is held is closed
    # when a supervisor asks us to end, too. The server hands both on when it has shut down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        return True
    return False


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)

"""The program: its commands, the help that introduces them, and how errors end it."""

from __future__ import annotations

import io
import os
import sys
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from usermemory.cli import (
    carry,
    chat,
    database,
    demo,
    doctor,
    erase,
    jobs,
    mcp,
    profile,
    review,
    schema,
    serve,
    token,
)
from usermemory.cli.common import command, printable
from usermemory.errors import UserMemoryError

HELP = """
Long-term memory of users for LangGraph and LangChain chatbots.

One profile per user, across threads, learned in the background; every item of it shows the user's
own words it rests on.

\b
First steps:
  usermemory demo                      see all of it in a minute; no key, no network
  usermemory chat --user will          talk, then /new, and it still knows you
  usermemory profile show will         what it knows, and from which words
  usermemory profile why will name     where one thing comes from
  usermemory profile edit will         put it right; undo and forget take it back or erase it
  usermemory review                    decide on what waits for a person
  usermemory jobs list                 what waits to be read, and what failed
  usermemory serve                     see, try and correct it in a browser
  usermemory worker                    consolidate beside your application
  usermemory doctor                    what works here, and what to do about the rest

\b
Environment (an option wins over its variable):
  USERMEMORY_DB        the database: a path or sqlite:///path     [usermemory.db]
  USERMEMORY_MODEL     the language model, as provider:name
  USERMEMORY_BASE_URL  a server of your own that speaks OpenAI's protocol
  USERMEMORY_SCHEMA    the profile's schema, as module:Name
  USERMEMORY_USER      who chats
  VISUAL, EDITOR       the editor of profile edit
  ANTHROPIC_API_KEY, OPENAI_API_KEY, GOOGLE_API_KEY, MISTRAL_API_KEY
                       choose a small model of that provider, if its package is installed
  OLLAMA_HOST          where chat looks for Ollama, if there is no key  [127.0.0.1:11434]
  NO_COLOR             no colours
  USERMEMORY_DEBUG     1: a traceback where something unforeseen fails

Exit codes: 0 done, 1 it failed (one line on standard error says why), 2 wrong usage, 130 Ctrl-C.
"""


class _Commands(TyperGroup):
    """The program's commands, which know also those of their groups by their last word."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is asked for; one that stands in a group is named with its group."""
        word = args[0]
        inside: dict[str, list[str]] = {}
        for group, commands in self.commands.items():
            for name in getattr(commands, "commands", {}):
                inside.setdefault(name, []).append(f"'usermemory {group} {name}'")
        known = word in inside or not get_close_matches(word, self.commands)
        near = get_close_matches(word, inside, n=1) if word not in self.commands and known else []
        if near:
            meant = " or ".join(inside[near[0]])
            ctx.fail(f"No such command {word!r}. Did you mean {meant}?")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="usermemory",
    cls=_Commands,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,  # keeps the lines of examples as they are
    add_completion=False,
    # A traceback that shows local variables would show what people said.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
command(app, "demo")(demo.demo)
command(app, "chat")(chat.chat)
command(app, "serve")(serve.serve)
command(app, "worker")(jobs.run_worker)
command(app, "migrate")(database.migrate_tables)
command(app, "copy")(database.copy_database)
command(app, "clean")(erase.clean_disk)
command(app, "review")(review.review)
command(app, "retention")(erase.erase_expired)
command(app, "tidy")(review.tidy)
command(app, "costs")(database.show_costs)
command(app, "doctor")(doctor.doctor)
command(app, "backfill")(database.backfill_threads)
command(app, "mcp")(mcp.serve_mcp)
app.add_typer(carry.import_commands, name="import")
app.add_typer(profile.profile_commands, name="profile")
app.add_typer(jobs.jobs_commands, name="jobs")
app.add_typer(schema.schema_commands, name="schema")
app.add_typer(token.token_commands, name="token")

_ERROR_LENGTH = 500
"""Characters of an unforeseen error that are shown."""


def _version(*, wanted: bool) -> None:
    if wanted:
        from usermemory import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself; the help is given above."""


def main() -> None:
    """Run one command.

    Errors of ours become one line and exit code 1; wrong usage is 2, Ctrl-C 130.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # A terminal or a pipe that cannot take or give a character must not end a conversation.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except UserMemoryError as error:
        message = str(error)
    except Exception as error:
        if os.environ.get("USERMEMORY_DEBUG"):
            raise
        # A traceback may show what people said.
        text = " ".join(str(error).split())[:_ERROR_LENGTH]
        message = f"{type(error).__name__}: {text} (USERMEMORY_DEBUG=1 shows where)"
    else:
        return
    typer.echo(f"usermemory: {printable(message)}", err=True)
    raise SystemExit(1)

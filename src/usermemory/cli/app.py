"""The commands, and the help that introduces them."""

from __future__ import annotations

from typing import Annotated

import typer

from usermemory.cli import (
    backfill,
    carry,
    chat,
    cleaning,
    copy,
    costs,
    demo,
    doctor,
    importing,
    jobs,
    migrate,
    profile,
    schema,
    worker,
)

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
  usermemory jobs list                 what waits to be read, and what failed
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

app = typer.Typer(
    name="usermemory",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,  # keeps the lines of examples as they are
    add_completion=False,
    # A traceback that shows local variables would show what people said.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=chat.EXAMPLES)(chat.chat)
app.command(epilog=worker.EXAMPLES)(worker.worker)
app.command(epilog=migrate.EXAMPLES)(migrate.migrate)
app.command(epilog=copy.EXAMPLES)(copy.copy)
app.command(epilog=cleaning.EXAMPLES)(cleaning.clean)
app.command(epilog=costs.EXAMPLES)(costs.costs)
app.command(epilog=doctor.EXAMPLES)(doctor.doctor)
profile.app.command(epilog=carry.EXPORT)(carry.export)
profile.app.command("import", epilog=carry.IMPORT)(carry.import_)
profile.app.command("verify-erased", epilog=carry.VERIFY)(carry.verify_erased)
app.command(epilog=backfill.EXAMPLES)(backfill.backfill)
app.add_typer(importing.app, name="import")
app.add_typer(profile.app, name="profile")
app.add_typer(jobs.app, name="jobs")
app.add_typer(schema.app, name="schema")


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

"""The options that commands share, each with its one help text."""

from __future__ import annotations

from typing import Annotated

import typer

DATABASE = "usermemory.db"
"""Where a memory is when nobody says otherwise: beside whoever calls."""

User = Annotated[str, typer.Argument(help="Whose memory.", show_default=False)]
Thread = Annotated[str, typer.Argument(help="Which of their threads.", show_default=False)]

Database = Annotated[
    str,
    typer.Option(
        "--db", envvar="USERMEMORY_DB", metavar="PATH|URL", help="The database: a path or a URL."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="USERMEMORY_MODEL",
        metavar="PROVIDER:NAME",
        help=(
            "The language model, such as anthropic:claude-haiku-4-5 or ollama:qwen3:4b; or offline "
            "for none."
        ),
        show_default="by the keys in the environment, else offline",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        envvar="USERMEMORY_BASE_URL",
        metavar="URL",
        help="A server that speaks OpenAI's protocol, such as http://localhost:8080/v1.",
        show_default=False,
    ),
]
SchemaName = Annotated[
    str | None,
    typer.Option(
        "--schema",
        envvar="USERMEMORY_SCHEMA",
        metavar="MODULE:NAME",
        help="The profile's schema, such as my_app.profiles:Customer.",
        show_default="usermemory:UserProfile",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def examples(*lines: str) -> str:
    """The end of a command's help: commands to copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)

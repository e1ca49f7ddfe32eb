"""``usermemory demo``: all of it in a minute, without a key."""

from __future__ import annotations

import json as json_text
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import AsJson, examples

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console

    from usermemory.cli.story import Learned, Opened, Quiet, Scene, Turn


EXAMPLES = examples(
    "usermemory demo",
    "usermemory demo --db demo.db && usermemory profile history will --db demo.db",
    "usermemory demo --model openai:gpt-5-mini --delay 5",
)


def demo(
    *,
    delay: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Quiet time before it learns.")
    ] = 2.0,
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            metavar="PATH|URL",
            help="Keep the database, to look at it afterwards.",
            show_default="a temporary file",
        ),
    ] = None,
    user: Annotated[str, typer.Option(metavar="ID", help="Whom it plays.")] = "will",
    model: Annotated[
        str,
        typer.Option(
            metavar="PROVIDER:NAME", help="A real model, such as anthropic:claude-haiku-4-5."
        ),
    ] = "offline",
    json: AsJson = False,
) -> None:
    """Play a conversation, let it go quiet, show what was learned, and meet again in a new thread.

    Everything is real: the graph, its checkpointer, the database and the worker that reads in the
    background. Only the language model is not, unless you name one: rules stand in for it, so
    that no key and no network are needed.
    """
    from usermemory.choice import choose
    from usermemory.cli.output import console, print_json
    from usermemory.cli.story import play, told

    chosen = choose(model)
    with _database(db) as database:
        scenes = play(database, user, chosen, delay)
        if json:
            print_json([told(scene) for scene in scenes])
            return
        out = console()
        for scene in scenes:
            _show(out, scene)
        _conclude(out, db, user)


@contextmanager
def _database(db: str | None) -> Generator[str]:
    if db is not None:
        yield db
        return
    with tempfile.TemporaryDirectory(prefix="usermemory-") as folder:
        yield str(Path(folder) / "demo.db")


def _introduce(out: Console, opened: Opened) -> None:
    rules = "no language model: rules stand in for it"
    model = rules if opened.model == "offline" else opened.model
    out.print("A chatbot that remembers its users across threads", style="bold")
    out.print(f"database  {opened.database}\nmodel     {model}", style="dim", markup=False)


def _show(out: Console, scene: Scene) -> None:
    from usermemory.cli.story import Begun, Learned, Opened, Quiet, Turn

    match scene:
        case Opened():
            _introduce(out, scene)
        case Begun():
            out.print()
            out.rule(f"[bold]thread {scene.thread_id}[/]", align="left")
            out.print(f"{scene.about}\n", style="dim", markup=False)
        case Turn():
            _show_turn(out, scene)
        case Quiet():
            _show_quiet(out, scene)
        case Learned():
            _show_learned(out, scene)


def _show_turn(out: Console, turn: Turn) -> None:
    from rich.table import Table
    from rich.text import Text

    from usermemory.cli.output import clean

    lines = Table.grid(padding=(0, 2))
    lines.add_row(Text(clean(turn.user_id), "bold cyan"), Text(clean(turn.said)))
    lines.add_row(Text("bot", "bold green"), Text(clean(turn.answered)))
    out.print(lines)


def _show_quiet(out: Console, quiet: Quiet) -> None:
    """Let the time pass where it can be seen; the worker measures it for itself."""
    out.print()
    out.rule("[bold]quiet[/]", align="left")
    out.print(
        f"Nobody says anything for {quiet.seconds:g} s, so the worker in the background reads the "
        f"{quiet.pending} messages.\nThe chat did not wait for that, and a new message would have "
        "put it off.\n",
        style="dim",
    )
    with out.status("") as waiting:
        while (left := quiet.due_at - time.time()) > 0:
            waiting.update(f"consolidating in {left:.0f} s")
            time.sleep(min(left, 0.2))
        waiting.update("consolidating")


def _show_learned(out: Console, learned: Learned) -> None:
    from rich.syntax import Syntax

    from usermemory.cli.show import revision_lines

    out.rule("[bold]learned[/]", align="left")
    out.print("Each change names the words it rests on: no quote, no memory.\n", style="dim")
    for revision in learned.revisions:
        out.print(revision_lines(revision))
    out.print("\nThe same as a JSON patch (RFC 6902):\n", style="dim")
    patch = "\n".join(json_text.dumps(step, ensure_ascii=False) for step in learned.patch)
    out.print(Syntax(patch, "json", background_color="default", word_wrap=True))


def _conclude(out: Console, db: str | None, user: str) -> None:
    out.print()
    out.rule(align="left")
    out.print("Your turn:   usermemory chat --user you")
    if db is not None:
        out.print(f"Look at it:  usermemory profile show {user} --db {db}", markup=False)

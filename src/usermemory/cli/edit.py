"""Putting a profile right by hand: ``usermemory profile edit`` and ``undo``."""

from __future__ import annotations

import getpass
import json as json_text
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    Database,
    DryRun,
    SchemaName,
    UserId,
    open_existing,
    print_json,
    printable,
    say,
)
from usermemory.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.records import Misfit, Revision
    from usermemory.schema import Schema


_EDITORS = ("sensible-editor", "editor", "nano", "vi", "notepad")
_WIDTH = 96


def edit(  # noqa: PLR0913 - the options of a command
    user: UserId,
    *,
    assignments: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Give a field a value, in JSON or as plain text; FIELD= empties it. A JSON "
            "pointer leads into a field: /interests/0, /interests/- for a new item. Repeatable.",
        ),
    ] = None,
    patch: Annotated[
        str | None, Option(metavar="FILE|-", help="JSON patch operations (RFC 6902), from a file.")
    ] = None,
    document: Annotated[
        str | None,
        Option(metavar="FILE|-", help="The whole profile; what is not in it is emptied."),
    ] = None,
    by: Annotated[
        str | None,
        Option(metavar="NAME", help="Who edits, for the history.", show_default="your login name"),
    ] = None,
    revision: Annotated[
        int | None, Option(metavar="N", help="Only if the profile is still at this revision.")
    ] = None,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Change a profile by hand, in your editor or by options.

    The schema checks it. What you change here changes afterwards only by words of the user that
    come later. The editor is VISUAL or EDITOR; one with windows needs its option to wait, such as
    "code --wait". If somebody else changes the profile while it is open, nothing is written.

    Examples:
        usermemory profile edit will
        usermemory profile edit will --set name=William --set age=32
        usermemory profile edit will --set /interests/-=chess --dry-run
        usermemory profile edit will --patch changes.json --revision 4 --by support
    """
    if sum(map(bool, (assignments, patch, document))) > 1:
        raise typer.BadParameter("use one of --set, --patch and --document")
    editor = by or login()
    with open_existing(db, schema) as memory:

        def make(change: Any, seen: int | None) -> Revision | None:
            return memory.edit(user, change, by=editor, revision=seen, dry_run=dry_run)

        if assignments:
            made = make([assignment(one, memory.schema) for one in assignments], revision)
        elif patch is not None:
            made = make(_read_json_as(list, "a list of operations", patch), revision)
        elif document is not None:
            made = make(_read_json_as(dict, "an object", document), revision)
        elif revision is not None:
            raise typer.BadParameter("--revision goes with --set, --patch or --document")
        else:
            made = _edit_in_editor(memory, user, make)
    _print_edit(user, made, as_json=json, dry_run=dry_run)


def login() -> str:
    """Who is at the terminal, for the history.

    Raises:
        InvalidInput: The system does not know.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:  # a container without a name for its user
        raise InvalidInput("nobody knows who you are: say it with --by") from error


def _read_json_as(kind: type, name: str, file: str) -> Any:
    document = read_document(file)
    if not isinstance(document, kind):
        raise InvalidInput(f"{file} is not {name}, but {json_text.dumps(document):.60}")
    return document


def _print_edit(user: str, made: Revision | None, *, as_json: bool, dry_run: bool) -> None:
    from usermemory.changes import patch
    from usermemory.cli.show import change_text, revision_data

    if as_json:
        print_json({"revision": None, "patch": []} if made is None else revision_data(made))
    elif made is None:
        say("Nothing changed.")
    else:
        done = "Would be revision" if dry_run else "Revision"
        say(f"{done} {made.number} of {user}, by {made.by}:")
        for change in made.changes:
            say(f"  {change_text(change)}")
        if dry_run:
            say("As a JSON patch (RFC 6902):")
            for operation in patch(made.changes):
                line = json_text.dumps(operation, ensure_ascii=False)
                say(f"  {line}", soft_wrap=True)


def read_document(file: str) -> Any:
    """The JSON of a file, or of standard input for ``-``; comments on top are left out.

    Raises:
        InvalidInput: It cannot be read, or is no JSON; says where.
    """
    if "://" in file:  # an error that named it would tell the password in it
        raise InvalidInput("a file was expected here, not an address")
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # its bytes are no text, or its name is none
        raise InvalidInput(f"{file!r} cannot be read: {error}") from error
    return parse_document(text, "standard input" if file == "-" else file)


def parse_document(text: str, name: str) -> Any:
    """The JSON below the comments.

    Raises:
        InvalidInput: It is none; says where.
    """
    comments, body = split_comments(text)
    try:
        # Empty lines in place of the comments, so that an error names the line of the text.
        return json_text.loads("\n" * comments.count("\n") + body)
    except ValueError as error:
        place = ""  # of a number of too many digits there is none
        if isinstance(error, json_text.JSONDecodeError):
            place = f" in line {error.lineno}, column {error.colno}: {error.msg}"
        raise InvalidInput(f"{name} is not JSON{place}") from error
    except RecursionError as error:
        raise InvalidInput(f"{name} is nested too deeply") from error


def split_comments(text: str) -> tuple[str, str]:
    """The comments at the top, and what is below them."""
    lines = text.splitlines(keepends=True)
    top = 0
    while top < len(lines) and (not lines[top].strip() or lines[top].startswith("//")):
        top += 1
    return "".join(lines[:top]), "".join(lines[top:])


def assignment(text: str, schema: Schema) -> dict[str, Any]:
    """``FIELD=VALUE`` as a JSON patch operation; a JSON pointer in place of FIELD leads into it.

    Args:
        text: As it was typed. A value is JSON or plain text; no value empties the field.
        schema: The profile's: what a field of text gets is text, also where it would be a number.

    Raises:
        InvalidInput: It is no assignment, or of no field.
    """
    name, equals, typed = text.partition("=")
    if not (name and equals):
        raise InvalidInput(f"--set {text}: write it as FIELD=VALUE")
    path = name if name.startswith("/") else f"/{name}"
    name, *inside = path[1:].split("/")
    schema.check_name(name, {})
    field = schema.fields[name]
    try:
        value = json_text.loads(typed) if typed.strip() else None
    except ValueError:
        value = typed
    if value is None:
        return {"op": "remove", "path": path}
    if not inside and field.kind in {"list", "objects"} and not isinstance(value, list):
        raise InvalidInput(
            f"{name} is a list: --set /{name}/-={typed} adds to it, a list in JSON replaces it"
        )
    is_text = field.value_schema.get("type") == "string" and (inside or field.kind == "scalar")
    if is_text and not isinstance(value, str):
        value = typed
    op = "replace" if inside and inside[-1].isdigit() else "add"
    return {"op": op, "path": path, "value": value}


def _edit_in_editor(
    memory: UserMemory, user: str, make: Callable[[Any, int], Revision | None]
) -> Revision | None:
    """Let a person change a profile until it is taken, or they give up; nothing typed is lost.

    Args:
        memory: Where it is.
        user: Whose.
        make: Called with the document and the revision that was shown.

    Returns:
        What ``make`` returned; None if nothing was changed.

    Raises:
        InvalidInput: It was refused; a line says where the text is kept.
        Conflict: The profile has moved on meanwhile; the same.
        ConfigurationError: There is no editor.
    """
    command = editor_command()
    seen = memory.snapshot(user)
    reading = memory.schema.read(seen.document)
    header = _header(user, seen.revision, memory.schema, reading.misfits)
    text = header + json_text.dumps(reading.document, ensure_ascii=False, indent=2) + "\n"
    with _draft(text, user) as path:
        while True:
            typed = edited_text(command, path)
            if not typed.strip() or typed == text:
                return None
            try:
                return make(parse_document(typed, "what you typed"), seen.revision)
            except InvalidInput as error:
                if not sys.stdin.isatty():
                    raise
                say(f"Refused: {error}", stderr=True)
                if not typer.confirm("Edit again?", default=True, err=True):
                    raise
                reason = _commented([f"REFUSED: {error}", "-----"])
                path.write_text(reason + header + split_comments(typed)[1], encoding="utf-8")


def _header(user: str, revision: int, schema: Schema, misfits: Sequence[Misfit]) -> str:
    lines = [
        f"The profile of {user}, revision {revision}. Save your changes and close the editor.",
        "What you leave out is emptied; an empty file changes nothing.",
        "",
    ]
    for name, field in schema.fields.items():
        lines.append(f"  {name}: {field.description}" if field.description else f"  {name}")
    if misfits:
        fields = ", ".join(dict.fromkeys(one.field for one in misfits))
        lines += [
            "",
            f"Kept as it is, since this schema does not take it: values in {fields}.",
            "To change those: usermemory profile edit --patch",
        ]
    return _commented(lines)


def _commented(lines: list[str]) -> str:
    wrapped = (
        part
        for line in lines
        for part in textwrap.wrap(printable(line), _WIDTH, subsequent_indent="    ") or [""]
    )
    return "".join(f"// {part}".rstrip() + "\n" for part in wrapped)


@contextmanager
def _draft(text: str, user: str) -> Generator[Path]:
    """A file to edit: it is there until what was typed is taken, and only its owner reads it."""
    number, name = tempfile.mkstemp(prefix="usermemory-", suffix=".jsonc")
    path = Path(name)
    os.close(number)
    path.write_bytes(text.encode())
    try:
        yield path
    except BaseException:
        if path.exists() and path.read_bytes() != text.encode():
            typer.echo(
                f"What you typed is kept in {path}: usermemory profile edit "
                f"{shlex.quote(user)} --document {path} takes it.",
                err=True,
            )
        else:
            path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def editor_command() -> list[str]:
    """The editor that the person wants.

    Raises:
        ConfigurationError: There is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if wanted := os.environ.get(name, "").strip():
            return shlex.split(wanted, posix=os.name != "nt")
    if sys.stdin.isatty():
        for program in _EDITORS:
            if found := shutil.which(program):
                return [found]
    raise ConfigurationError(
        "there is no editor: set VISUAL or EDITOR, or say what is wanted with the options of this "
        "command"
    )


def edited_text(command: list[str], path: Path) -> str:
    """What the editor has made of the file."""
    try:
        done = subprocess.run([*command, str(path)], check=False)  # noqa: S603 - the user's own
    except OSError as error:
        raise ConfigurationError(f"the editor {command[0]} cannot be started: {error}") from error
    if done.returncode:
        raise ConfigurationError(
            f"the editor {command[0]} ended with exit code {done.returncode}; nothing was changed"
        )
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"what the editor left cannot be read: {error}") from error


def undo_changes(
    user: UserId,
    revision: Annotated[
        int | None, Argument(help="Which; without it the newest that is not taken back yet.")
    ] = None,
    *,
    thread: Annotated[str | None, Option(metavar="ID", help="All that this thread taught.")] = None,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Take back a revision, or what a thread taught.

    That is a new revision, and what came since beside it stays. What was changed again since stays
    too, and is shown with the reason; exit code 1 if that is all. The number of an undo takes the
    undo back. The words stay in the history: to be rid of them, see forget.

    Examples:
        usermemory profile undo will
        usermemory profile undo will 3 --dry-run
        usermemory profile undo will --thread monday
    """
    from usermemory.cli.show import revision_data, undone_text

    if revision is not None and thread is not None:
        raise typer.BadParameter("name a revision or a thread, not both")
    with open_existing(db, schema) as memory:
        history = memory.history(user)
        if thread is None:
            undone = memory.undo(user, revision, dry_run=dry_run)
        else:
            undone = memory.undo_thread(user, thread, dry_run=dry_run)
        text = undone_text(undone, history, memory.schema)
    if json:
        made = undone.revision and revision_data(undone.revision)
        print_json({"revision": made, "conflicts": undone.conflicts})
    else:
        say(text)
        if dry_run and undone.revision:
            say("Nothing was changed: this was a dry run.")
    if undone.conflicts and undone.revision is None:
        raise typer.Exit(1)

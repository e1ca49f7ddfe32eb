"""A profile in a person's own editor; what they typed is never lost."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from usermemory.cli.document import COMMENT, parsed, split
from usermemory.cli.output import clean
from usermemory.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.records import Misfit, Revision

_USUAL = ("sensible-editor", "editor", "nano", "vi", "notepad")
_WIDTH = 96


def edit_profile(
    memory: UserMemory, user: str, make: Callable[[Any, int], Revision | None]
) -> Revision | None:
    """Let a person change a profile until it is taken, or they give up.

    Args:
        memory: Where it is.
        user: Whose.
        make: Called with the document and the revision that was shown.

    Returns:
        What ``make`` returned; None if nothing was changed.

    Raises:
        InvalidInput: It was refused; where their text is kept is told.
        Conflict: The profile has moved on meanwhile; the same.
        ConfigurationError: There is no editor.
    """
    command = _command()
    seen = memory.snapshot(user)
    reading = memory.schema.read(seen.document)
    text = _header(memory, user, seen.revision, reading.misfits) + _pretty(reading.document)
    with _draft(text, user) as path:
        while True:
            _run(command, path)
            typed = _typed(path)
            if not typed.strip() or typed == text:
                return None
            try:
                return make(parsed(typed, "what you typed"), seen.revision)
            except InvalidInput as error:
                if not _again(error):
                    raise
                path.write_text(_refused(error, typed), encoding="utf-8")


def _header(memory: UserMemory, user: str, revision: int, misfits: Sequence[Misfit]) -> str:
    lines = [
        f"The profile of {user}, revision {revision}. Save your changes and close the editor.",
        "What you leave out is emptied; an empty file changes nothing.",
        "",
    ]
    for name, field in memory.schema.fields.items():
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
    wrap = partial(textwrap.wrap, width=_WIDTH, subsequent_indent="    ")
    wrapped = [part for line in lines for part in wrap(clean(line)) or [""]]
    return "".join(f"{COMMENT} {part}".rstrip() + "\n" for part in wrapped)


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _refused(error: InvalidInput, typed: str) -> str:
    """The same text with the reason on top, in place of an earlier one."""
    comments, body = split(typed)
    kept = comments.partition(f"{_END}\n")[2] or comments
    return _commented([f"REFUSED: {error}"]) + f"{_END}\n{kept}{body}"


_END = f"{COMMENT} -----"


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


def _command() -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        if wanted := os.environ.get(name, "").strip():
            return shlex.split(wanted, posix=os.name != "nt")
    if sys.stdin.isatty():
        for program in _USUAL:
            if found := shutil.which(program):
                return [found]
    raise ConfigurationError(
        "there is no editor: set VISUAL or EDITOR, or say what to change with --set, --patch or "
        "--document"
    )


def _run(command: list[str], path: Path) -> None:
    try:
        done = subprocess.run([*command, str(path)], check=False)  # noqa: S603 - the user's own
    except OSError as error:
        raise ConfigurationError(f"the editor {command[0]} cannot be started: {error}") from error
    if done.returncode:
        raise ConfigurationError(
            f"the editor {command[0]} ended with exit code {done.returncode}; nothing was changed"
        )


def _typed(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"what the editor left cannot be read: {error}") from error


def _again(error: InvalidInput) -> bool:
    if not sys.stdin.isatty():
        return False
    typer.echo(f"Refused: {clean(str(error))}", err=True)
    return typer.confirm("Edit again?", default=True, err=True)

"""``usermemory profile edit``, ``undo`` and ``diff``, and what history and why tell of them."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import jsonpatch
import pytest
from tests.support.command_line import COMMAND, Terminal, data, run

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.records import Usage

CHANGES = {
    "I like climbing": Change("interests", "add", "climbing", quote="I like climbing"),
    "I'm Will": Change("name", "set", "Will", quote="I'm Will"),
    "I'm Will Smith": Change("name", "set", "Will Smith", quote="I'm Will Smith"),
}


class Telling:
    """An extractor that knows what these messages say, at a price."""

    def extract(self, request: Request) -> Extraction:
        changes = tuple(CHANGES[message.text] for message in request.batch)
        return Extraction(changes, Usage(1, 1_203, 88), model="teller", prompt="teller-2")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Will's profile: revision 1 from Monday's thread, 2 from Friday's."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model=Telling(), worker=False) as memory:
        for thread, text in (("monday", "I'm Will"), ("friday", "I like climbing")):
            memory.remember("will", thread, [("user", text)])
            memory.trigger("will")
    return path


def profile(path: str, *words: str, text: str = "", **more: str) -> CompletedProcess[str]:
    return run("profile", *words, "--db", path, text=text, **more)


def known(path: str) -> dict[str, object]:
    with UserMemory(path, model="offline", worker=False) as memory:
        return dict(memory.recall("will").document)


def editing(tmp_path: Path, script: str) -> str:
    """An editor that does this to the file in ``$1``."""
    editor = tmp_path / "an editor"
    editor.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    editor.chmod(0o700)
    return f"'{editor}'"


def test_set(path: str) -> None:
    """Fields get values from the command line; a rehearsal shows the patch and writes nothing."""
    words = ("edit", "will", "--set", "age=32", "--set", "/interests/-=42", "--set", "name=")
    tried = profile(path, *words, "--dry-run")
    assert "Would be revision 3" in tried.stdout
    assert '{"op": "add", "path": "/interests/1", "value": "42"}' in tried.stdout
    before = known(path)
    assert before["age"] is None
    done = data("profile", *words, "--by", "support", "--db", path)
    assert (done["number"], done["by"]) == (3, "support")
    assert jsonpatch.apply_patch(before, done["patch"]) == known(path)
    assert known(path)["interests"] == ["climbing", "42"]
    assert profile(path, *words).stdout == "Nothing changed.\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--set", "age=old"), "age: Input should be a valid integer"),
        (("--set", "hobbies=chess"), "it has name, age, interests, core_memories"),
        (("--set", "age=3", "--revision", "1"), "at revision 2, not at 1"),
        (("--patch", "-"), "standard input is not JSON in line 2, column 2"),
        (("--document", "-"), "standard input is not JSON"),
        ((), "set VISUAL or EDITOR"),
    ],
)
def test_edits_that_are_refused(path: str, words: tuple[str, ...], error: str) -> None:
    """What the schema or somebody else's edit forbids is one line that says so."""
    done = profile(path, "edit", "will", *words, text="// a comment\n{")
    assert (done.returncode, done.stdout) == (1, "")
    assert error in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_patch_and_document(path: str, tmp_path: Path) -> None:
    """A patch comes from a pipe, a whole document from a file; who edits is on record."""
    patch = json.dumps([{"op": "replace", "path": "/name", "value": "Bill"}])
    done = profile(
        path, "edit", "will", "--patch", "-", "--revision", "2", text=patch, LOGNAME="ana"
    )
    assert "name: Will → Bill" in done.stdout
    whole = tmp_path / "whole.json"
    whole.write_text('{"age": 31}', encoding="utf-8")
    profile(path, "edit", "will", "--document", str(whole), "--by", "import")
    assert known(path) == {"name": None, "age": 31, "interests": [], "core_memories": []}
    history = profile(path, "history", "will").stdout
    assert "by import" in history
    assert "by ana" in history
    assert "Set by import in revision 4" in profile(path, "why", "will", "age").stdout
    assert "set by import" in profile(path, "show", "will").stdout


def test_editor(path: str, tmp_path: Path) -> None:
    """The profile is edited as JSON, below comments that say what it is."""
    seen = tmp_path / "seen"
    script = f'cp "$1" \'{seen}\'; sed -i \'s/"Will"/"Willow"/\' "$1"'
    done = profile(path, "edit", "will", EDITOR=editing(tmp_path, script), TMPDIR=str(tmp_path))
    assert "name: Will → Willow" in done.stdout
    text = seen.read_text(encoding="utf-8")
    assert "// The profile of will, revision 2" in text
    assert "//   name: The user's own name" in text
    again = profile(path, "edit", "will", EDITOR="true", TMPDIR=str(tmp_path))
    assert again.stdout == "Nothing changed.\n"
    assert not list(tmp_path.glob("usermemory-*")), "a copy of the profile lies about"


def test_editor_and_somebody_else(path: str, tmp_path: Path) -> None:
    """An edit meanwhile wins; what was typed is kept in a file that can be handed in again."""
    meanwhile = f"'{COMMAND}' profile edit will --set age=40 --db '{path}' >/dev/null"
    script = f'{meanwhile}; sed -i \'s/"Will"/"Willow"/\' "$1"'
    editor = editing(tmp_path, script)
    done = profile(path, "edit", "will", EDITOR=editor, TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert "at revision 3, not at 2" in done.stderr
    assert (known(path)["name"], known(path)["age"]) == ("Will", 40)
    (kept,) = tmp_path.glob("usermemory-*")
    assert f"--document {kept}" in done.stderr
    assert kept.stat().st_mode & 0o077 == 0
    profile(path, "edit", "will", "--document", str(kept))
    assert known(path)["name"] == "Willow"


def test_editor_opens_again(path: str, tmp_path: Path) -> None:
    """At a terminal a refused profile can be put right, with the reason on top of it."""
    script = (
        'if grep -q REFUSED "$1"; then sed -i \'s/"old"/32/\' "$1"\n'
        'else sed -i \'s/"age": null/"age": "old"/\' "$1"; fi'
    )
    more = {"EDITOR": editing(tmp_path, script), "TMPDIR": str(tmp_path)}
    with Terminal("profile", "edit", "will", "--db", path, **more) as terminal:
        terminal.expect("Refused: age: Input should be a valid integer")
        terminal.type("\r")
        terminal.expect("age: 32")
        assert terminal.end() == 0
    assert not list(tmp_path.glob("usermemory-*"))


def test_undo(path: str) -> None:
    """Revisions and conversations are taken back; a rehearsal takes nothing back."""
    tried = profile(path, "undo", "will", "--dry-run").stdout
    assert "- interests: climbing" in tried
    assert known(path)["interests"] == ["climbing"]
    assert "Takes back revision 2, as revision 3" in profile(path, "undo", "will").stdout
    unlearned = data("profile", "undo", "will", "--thread", "monday", "--db", path)
    assert (unlearned["revision"]["undoes"], unlearned["conflicts"]) == ([1], [])
    assert known(path) == {"name": None, "age": None, "interests": [], "core_memories": []}
    assert "takes back 2" in profile(path, "history", "will").stdout
    assert "nothing left to take back" in profile(path, "undo", "will").stdout
    assert "no revision 9" in profile(path, "undo", "will", "9").stderr


def test_undo_that_conflicts(path: str) -> None:
    """What was changed again since stays, with what changed it; that alone is a failure."""
    profile(path, "edit", "will", "--set", "name=Bill", "--by", "ana")
    done = profile(path, "undo", "will", "1")
    assert done.returncode == 1
    assert (
        "Stays: name: Will (revision 1), since revision 3 changed it again: name: Will → Bill"
        in done.stdout
    )


def test_diff(path: str) -> None:
    """Two revisions are compared: the last two, or any, from before the first on."""
    last = profile(path, "diff", "will").stdout
    assert "+ interests: climbing" in last
    assert "name" not in last
    found = data("profile", "diff", "will", "0", "2", "--db", path)
    before, after = found["from"]["document"], found["to"]["document"]
    assert (before["name"], after) == (None, known(path))
    assert jsonpatch.apply_patch(before, found["patch"]) == after
    assert "No difference" in profile(path, "diff", "will", "2").stdout
    assert "the newest is 2" in profile(path, "diff", "will", "7").stderr


def test_history_tells_what_it_cost(path: str) -> None:
    """A revision names its thread, model, prompt and tokens; a field's history has only its own."""
    told = profile(path, "history", "will", "--field", "interests").stdout
    for words in ("thread friday", "teller", "prompt teller-2", "1,203 tokens in, 88 out"):
        assert words in told
    assert "monday" not in told
    wrong = profile(path, "history", "will", "--field", "hobbies")
    assert "it has name, age" in wrong.stderr


def test_why_across_threads(path: str) -> None:
    """A value that was set in one thread and refined in another shows the words for both."""
    with UserMemory(path, model=Telling(), worker=False) as memory:
        memory.remember("will", "sunday", [("user", "I'm Will Smith")])
        memory.trigger("will")
    told = profile(path, "why", "will", "name").stdout
    newer, older = told.splitlines()
    assert "“I'm Will Smith”  thread sunday  message 1" in newer
    assert "“I'm Will”  thread monday  message 1" in older

"""``usermemory profile refused``: what was proposed and not made, and why, for a person."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.command_line import data, run

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.testing import FakeClock

TEA = Change("interests", "add", "tea", "I like tea")
LONG = "I like tea " * 20
SAID = {
    "monday": ("I like tea", [TEA]),
    "tuesday": (
        "I like tea",
        [
            TEA,
            Change("hobby", "set", "\x1b[31mtea", "I like tea"),
            Change("name", "set", "Bo", "Bo"),
        ],
    ),
    "friday": (LONG, [Change("hobby", "add", LONG, LONG)]),
}


class Proposing:
    """An extractor that proposes these changes."""

    def extract(self, request: Request) -> Extraction:
        return Extraction(tuple(SAID[request.thread_id][1]))


@pytest.fixture
def path(tmp_path: Path) -> str:
    """One change of Will's was made on Monday, and four others were refused."""
    path = str(tmp_path / "memory.db")
    clock = FakeClock()
    with UserMemory(path, model=Proposing(), worker=False, clock=clock) as memory:
        for thread, (text, _) in SAID.items():
            memory.remember("will", thread, [("user", text)])
            memory.trigger("will")
            clock.advance(60)
    return path


def refused(path: str, *words: str) -> list[str]:
    done = run("profile", "refused", "will", *words, "--db", path, COLUMNS="60")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_line_each(path: str) -> None:
    """The newest first: when, field, what would have been done, why, the user's words, thread."""
    friday, *tuesday = refused(path)
    assert re.fullmatch(
        r"20\d\d-\d\d-\d\d \d\d:\d\d  hobby  add I like tea .{20,30}…  "
        r"the profile has no such field \(known are .+\)  “I like tea .+…”  thread friday",
        friday,
    )
    assert len(tuesday) == 3
    known, made_up, strange = tuesday
    assert "interests  add tea  it is known already" in known
    assert "“I like tea”  thread tuesday" in known
    assert "hobby  set \N{REPLACEMENT CHARACTER}[31mtea  the profile has no such field" in made_up
    assert "name  set  the user did not say the words that were given for it" in strange
    assert "Bo" not in strange


def test_some_of_it(path: str) -> None:
    """A field and a number choose; a program gets all that is stored, reasons by their names."""
    assert len(refused(path, "--limit", "2")) == 2
    (line,) = refused(path, "--field", "name")
    assert "  name  set  " in line
    found = data("profile", "refused", "will", "--db", path)
    reasons = ["unknown_field", "duplicate", "unknown_field", "quote_not_found"]
    assert [one["reason"] for one in found] == reasons
    assert found[1]["change"]["value"] == "tea"
    assert found[1]["thread_id"] == "tuesday"
    assert found[0]["at"] - found[1]["at"] == 60.0


def test_nothing(path: str) -> None:
    """A sentence says that nothing was refused, and an error which fields there are."""
    assert refused(path, "--field", "age") == [
        "Nothing that was proposed for age of will was refused."
    ]
    done = run("profile", "refused", "ana", "--db", path)
    assert done.stdout == "Nothing that was proposed for ana was refused.\n"
    assert data("profile", "refused", "ana", "--db", path) == []
    wrong = run("profile", "refused", "will", "--field", "agh", "--db", path)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "it has name, age" in wrong.stderr
    assert run("profile", "refused", "will", "--limit", "0", "--db", path).returncode == 2


def test_erased(path: str) -> None:
    """What is erased is gone from the list, too."""
    run("profile", "forget", "will", "interests", "tea", "--yes", "--db", path)
    assert "tea" not in "".join(refused(path))
    assert len(refused(path)) == 4
    run("profile", "forget", "will", "--everything", "--yes", "--db", path)
    assert refused(path) == ["Nothing that was proposed for will was refused."]


def test_in_a_chat(path: str) -> None:
    """``/refused`` lists it where the user talks, of one field too."""
    lines = "/refused name\n/refused age\n/refused\n"
    done = run("chat", "--user", "will", "--db", path, text=lines)
    name, *every = done.stdout.splitlines()
    assert "name  set  the user did not say" in name
    assert len(every) == 4
    assert "Nothing that was proposed was refused." in done.stderr

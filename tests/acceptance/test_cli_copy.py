"""``usermemory copy`` between real databases, killed and made again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.faults.tables import rows_of
from tests.support.command_line import data, environment, run
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.clock import SystemClock
from usermemory.store import Driver, open_driver
from usermemory.store.copying import copy, overview
from usermemory.store.driver import tables
from usermemory.store.flows.claim import claim_due

New = Callable[[str], str]


@pytest.fixture
def new(tmp_path: Path) -> Iterator[New]:
    """The URL of an empty database of this kind."""
    with ExitStack() as stack:

        def made(kind: str) -> str:
            if kind == "postgresql":
                return stack.enter_context(fresh())
            return f"sqlite:///{tmp_path / f'{len(list(tmp_path.iterdir()))}.db'}"

        yield made


def built(url: str) -> UserMemory:
    return UserMemory(url, model="offline", worker=False, delay=0.0)


def drivers(*urls: str) -> tuple[Driver, ...]:
    return tuple(open_driver(url, SystemClock()) for url in urls)


def filled(url: str, users: int = 3) -> str:
    """A memory with a profile, a paused user, unread messages and a lease that a worker holds."""
    with built(url) as memory:
        odd = "Hello “Wīll” 'x'\n\t%s :now {texts ids} \\"
        memory.remember("will", "a", [("user", "Hi, I'm Will"), ("assistant", odd)])
        memory.trigger("will")
        memory.pause("ana")
        for number in range(users):
            memory.remember(f"user {number}", "a", [("user", f"I love music number {number}")])
        assert memory.driver.write(claim_due, "elsewhere:1", 600.0)
    return url


def everything(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All that a copy takes along."""
    return {
        table: sorted(rows_of(url, f"SELECT {', '.join(columns)} FROM usermemory.{table}"), key=str)
        for table, columns in tables().items()
    }


@pytest.mark.parametrize(("kind", "other"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_copy_takes_everything_along(new: New, kind: str, other: str) -> None:
    """Everything arrives in the other kind of database, and pending work is done there."""
    source, target = filled(new(kind)), new(other)
    first = run("copy", source, target)
    assert first.returncode == 0, first.stderr
    assert "A worker (elsewhere:1) is at work" in first.stderr
    assert everything(target) == everything(source)
    with built(target) as memory:
        assert memory.driver.read(overview) == (5, "")
        assert memory.recall("will").document["name"] == "Will"
        assert len(memory.run_due()) == 3
        assert memory.recall("user 2").document["interests"] == ["music number 2"]


@pytest.mark.parametrize(("kind", "other"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_killed_copy_goes_on(new: New, kind: str, other: str) -> None:
    """Who was copied before the kill is passed over, and both are the same at the end."""
    source, target = filled(new(kind), users=33), new(other)
    command = [sys.executable, "-m", "tests.faults.copy_process", source, target]
    root = Path(__file__).parents[2]
    assert subprocess.run(command, cwd=root, env=environment(), check=False).returncode == -9
    assert rows_of(target, "SELECT COUNT(*) FROM usermemory.users") == [(20,)]
    copied = data("copy", source, target)
    assert copied["users"] == 35 - 20
    assert copied["complete"]
    assert copied["source"]["users"]["rows"] == 35
    assert copied["source"] == copied["target"]
    assert everything(target) == everything(source)


def test_a_later_copy_brings_what_changed(new: New) -> None:
    """Users who said more, and what is gone from the source, are the same after a new copy."""
    source, target = drivers(filled(new("sqlite")), new("sqlite"))
    assert copy(source, target, lambda users: None).users == 5
    with built(source.url) as memory:
        memory.drop("user 1", "a")
        memory.remember("user 1", "a", [{"role": "user", "content": "I love tea", "id": "1"}])
        assert copy(source, target, lambda users: None).users == 1
        memory.remember("user 1", "a", [{"role": "user", "content": "I love jam", "id": "1"}])
    assert copy(source, target, lambda users: None).users == 1
    assert everything(target.url) == everything(source.url)
    for driver in (source, target):
        driver.close()


def test_what_is_written_meanwhile_is_noticed(new: New) -> None:
    """A source that is not quiet shows in the sums, and the next copy mends it."""
    source, target = drivers(filled(new("sqlite")), new("sqlite"))
    with built(source.url) as memory:
        busy = copy(
            source, target, lambda users: memory.remember("will", "b", [("user", "I love jam")])
        )
    assert not busy.complete
    assert busy.source["inbox"] != busy.target["inbox"]
    assert busy.source["revisions"] == busy.target["revisions"]
    assert copy(source, target, lambda users: None).complete
    for driver in (source, target):
        driver.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda memory: memory.remember("zoe", "a", [("user", "I love rain")]),
        lambda memory: memory.remember("will", "b", [("user", "I love rain")]),
        lambda memory: memory.remember("will", "a", [("user", "I love rain")]),
        lambda memory: memory.trigger("user 1"),
    ],
    ids=["a user", "a thread", "a message", "a revision"],
)
def test_a_target_that_was_used_is_refused(new: New, use: Callable[[UserMemory], object]) -> None:
    """Nothing is overwritten that only the target knows."""
    source, target = filled(new("sqlite")), new("sqlite")
    assert run("copy", source, target).returncode == 0
    with built(target) as memory:
        use(memory)
    before = everything(target)
    refused = run("copy", source, target)
    assert refused.returncode == 1
    assert "does not: it is no earlier copy of it" in refused.stderr
    assert everything(target) == before


def test_a_target_of_other_origin_is_refused(new: New) -> None:
    """A user of the same name in another memory is another user."""
    refused = run("copy", filled(new("sqlite")), filled(new("sqlite")))
    assert refused.returncode == 1
    assert "no earlier copy" in refused.stderr


def test_a_database_is_not_copied_onto_itself_or_from_nowhere(new: New, tmp_path: Path) -> None:
    """The same database twice, and a file that is not there, are refused, and no file is made."""
    source = filled(new("sqlite"))
    assert "the same database" in run("copy", source, source).stderr
    before = set(tmp_path.iterdir())
    assert "there is no database" in run("copy", str(tmp_path / "no.db"), source).stderr
    assert set(tmp_path.iterdir()) == before

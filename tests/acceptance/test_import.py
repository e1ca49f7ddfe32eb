"""Profiles that LangMem and the how-to kept, brought into a memory for real."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.store.postgres import PostgresStore
from langgraph.store.sqlite import SqliteStore
from tests.support.command_line import data, run
from tests.support.postgres import shared

from usermemory import UserMemory
from usermemory.errors import InvalidInput, StoreError
from usermemory.extras.importing.fitting import HOLDS, NO_FIELD, OLDER
from usermemory.extras.importing.profiles import FORGOTTEN, GONE
from usermemory.importing import ImportedUser, LeftOut, import_origin
from usermemory.langgraph import import_langmem
from usermemory.langgraph.threads import store_in
from usermemory.store.flows.amend import amend

ORIGIN = {
    "will": {
        "core_memories": ["Builds long-term memory"],
        "interests": "bouldering",
        "name": "Will",
        "age": None,
    },
    "ann": {"core_memories": "Has a dog", "interests": ["tea", "fog"], "name": None, "age": "old"},
    "new": {"core_memories": None, "interests": [], "name": None, "age": None, "mood": "good"},
}


def origin(folder: Path, profiles: dict[str, Any] = ORIGIN, name: str = "origin.db") -> str:
    """A file as the how-to leaves it behind."""
    path = folder / name
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS core_memories "
            "(user_id TEXT NOT NULL, memory TEXT NOT NULL, PRIMARY KEY (user_id))"
        )
        for user_id, profile in profiles.items():
            text = profile if isinstance(profile, str) else json.dumps(profile)
            connection.execute(
                "INSERT OR REPLACE INTO core_memories VALUES (?, ?)", (user_id, text)
            )
    return str(path)


@contextmanager
def langmem(kind: str, folder: Path) -> Iterator[tuple[BaseStore, str]]:
    """A store as LangMem leaves it behind, and its database."""
    if kind == "memory":
        yield filled(InMemoryStore()), ""
    elif kind == "sqlite":
        path = str(folder / "store.db")
        with SqliteStore.from_conn_string(path) as store:
            store.setup()
            yield filled(store), path
    else:
        with psycopg.connect(shared(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE langmem")
            url = shared().rpartition("/")[0] + "/langmem"
            with PostgresStore.from_conn_string(url) as store:
                store.setup()
                yield filled(store), url
            connection.execute("DROP DATABASE langmem WITH (FORCE)")


def filled(store: Any) -> Any:
    """Items as `create_memory_store_manager` and `create_manage_memory_tool` write them."""
    will, ann = ("memories", "will"), ("memories", "ann")
    store.put(will, "a", {"kind": "UserProfile", "content": {"name": "Bill", "interests": ["tea"]}})
    store.put(will, "b", {"kind": "Memory", "content": {"content": "Prefers dark mode"}})
    store.put(will, "c", {"content": "Lives in Bergen"})
    store.put(will, "d", {"content": {"name": "Will", "favourite": "blue"}})
    store.put(ann, "a", {"kind": "Memory", "content": {"content": "Has a dog"}})
    store.put(ann, "b", {"content": ["not", "a", "memory"]})
    store.put(("memories", "deep", "facts"), "a", {"content": "Not here"})
    store.put(("other", "will"), "a", {"content": "Not this"})
    return store


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(f"sqlite:///{tmp_path}/memory.db", model="offline", worker=False) as memory:
        yield memory


def test_the_origins_profiles(memory: UserMemory, tmp_path: Path) -> None:
    """Each profile is one revision by the import; what does not fit is listed with its reason."""
    done = import_origin(memory, origin(tmp_path))
    assert (done.users, done.changed, done.unchanged) == (3, 2, 1)
    assert memory.recall("will").document == {
        "name": "Will",
        "age": None,
        "interests": ["bouldering"],
        "core_memories": ["Builds long-term memory"],
    }
    assert memory.recall("ann").document["interests"] == ["tea", "fog"]
    assert memory.recall("ann").document["core_memories"] == ["Has a dog"]
    assert [(r.by, len(r.changes)) for r in memory.history("will")] == [("import: origin", 3)]
    assert {
        user: [(one.field, one.value) for one in left] for user, left in done.left_out.items()
    } == {
        "ann": [("age", "old")],
        "new": [("mood", "good")],
    }
    assert done.left_out["new"][0].reason == NO_FIELD


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
def test_langmems_items(memory: UserMemory, tmp_path: Path, kind: str) -> None:
    """Values go to their fields, the newest last, texts to the notes, from any LangGraph store."""
    steps: list[ImportedUser] = []
    with langmem(kind, tmp_path) as (store, _):
        done = import_langmem(memory, store, progress=steps.append)
    assert (done.users, done.changed) == (2, 2)
    known = memory.recall("will").document
    assert (known["name"], known["interests"]) == ("Will", ["tea"])
    assert known["core_memories"] == ["Prefers dark mode", "Lives in Bergen"]
    assert memory.recall("ann").document["core_memories"] == ["Has a dog"]
    assert [r.by for r in memory.history("will")] == ["import: langmem"]
    assert [(one.value, one.reason) for one in done.left_out["will"]] == [
        ("blue", NO_FIELD),
        ("Bill", OLDER),
    ]
    assert [one.value for one in done.left_out["ann"]] == [["not", "a", "memory"]]
    assert {step.user_id: step.revision for step in steps} == {"will": 1, "ann": 1}


def test_other_namespaces(memory: UserMemory) -> None:
    """Where LangMem was told to keep things otherwise, a template says where."""
    store = InMemoryStore()
    store.put(("app", "will", "profile"), "default", {"content": {"name": "Will"}})
    store.put(("app", "will", "notes"), "x", {"content": "Not this"})
    assert import_langmem(memory, store, namespace="app.{langgraph_user_id}.profile").users == 1
    assert memory.recall("will").document["name"] == "Will"
    store.put(("ann",), "x", {"content": "Likes fog"})
    import_langmem(memory, store, namespace="{user_id}", notes="interests")
    assert memory.recall("ann").document["interests"] == ["Likes fog"]
    for wrong in ("memories", "{a}.{b}"):
        with pytest.raises(InvalidInput, match="put the user's label in braces, once"):
            import_langmem(memory, store, namespace=wrong)


def test_more_items_than_a_page(memory: UserMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users and items beyond a page are found, each once."""
    monkeypatch.setattr("usermemory.extras.importing.sources._STORE_PAGE", 2)
    store = InMemoryStore()
    for user in range(5):
        for item in range(5):
            store.put(("memories", f"user {user}"), str(item), {"content": f"Fact {item}"})
    assert import_langmem(memory, store).users == 5
    assert len(memory.recall("user 4").document["core_memories"]) == 5


def test_again_nothing_changes(memory: UserMemory, tmp_path: Path) -> None:
    """The same import again writes nothing, and one with more brings only that."""
    source = origin(tmp_path)
    import_origin(memory, source)
    before = memory.recall("will")
    assert import_origin(memory, source).changed == 0
    assert memory.recall("will") == before
    origin(tmp_path, {"will": {**ORIGIN["will"], "interests": ["bouldering", "chess"]}})
    assert import_origin(memory, source).changed == 1
    assert memory.recall("will").document["interests"] == ["bouldering", "chess"]


def test_what_was_learned_stays(memory: UserMemory, tmp_path: Path) -> None:
    """What the memory knows is not overwritten, unless it is told to."""
    memory.remember("will", "1", [("user", "Hi, I'm William. I love chess.")])
    memory.trigger("will")
    source = origin(tmp_path, {"will": ORIGIN["will"]})
    done = import_origin(memory, source)
    known = memory.recall("will").document
    assert (known["name"], known["interests"]) == ("William", ["chess", "bouldering"])
    assert [(one.value, one.reason) for one in done.left_out["will"]] == [("Will", HOLDS)]
    assert import_origin(memory, source, replace=True).left_out == {}
    known = memory.recall("will").document
    assert (known["name"], known["interests"]) == ("Will", ["bouldering"])
    assert import_origin(memory, source, replace=True).changed == 0


def test_what_is_gone_since_stays_gone(memory: UserMemory, tmp_path: Path) -> None:
    """What was removed after an import is not brought back by the next."""
    source = origin(tmp_path, {"will": ORIGIN["will"]})
    import_origin(memory, source)
    memory.edit("will", [{"op": "replace", "path": "/interests", "value": []}], by="will")
    done = import_origin(memory, source)
    assert done.changed == 0
    assert done.left_out["will"] == [LeftOut("interests", "bouldering", GONE)]
    assert import_origin(memory, source, replace=True).changed == 1


def test_what_was_forgotten_stays_forgotten(memory: UserMemory, tmp_path: Path) -> None:
    """A source that is older than an erasure does not bring back what was erased, told or not."""
    source = origin(tmp_path)
    import_origin(memory, source)
    memory.forget("will", "interests", "bouldering")
    memory.forget_user("ann")
    for replace in (False, True):
        done = import_origin(memory, source, replace=replace)
        assert done.changed == 0
        assert {one.reason for one in done.left_out["will"]} == {FORGOTTEN}
        assert len(done.left_out["ann"]) == 4
    assert memory.recall("will").document["interests"] == []
    assert memory.recall("ann").updated_at is None


def test_a_dry_run_changes_nothing(memory: UserMemory, tmp_path: Path) -> None:
    """It says what would be done, as if it were done."""
    source = origin(tmp_path)
    would = import_origin(memory, source, dry_run=True)
    assert memory.profiles() == []
    assert import_origin(memory, source) == would


def test_a_profile_that_moves_on_meanwhile(
    memory: UserMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is learned between reading and writing a profile is not lost."""
    memory.remember("will", "1", [("user", "I love chess.")])
    memory.trigger("will")
    memory.remember("will", "1", [("user", "I love fog.")])
    write = memory.driver.write

    def late(flow: Any, *args: Any) -> Any:
        if flow is amend:
            memory.trigger("will")
        return write(flow, *args)

    monkeypatch.setattr(memory.driver, "write", late)
    import_origin(memory, origin(tmp_path, {"will": ORIGIN["will"]}))
    assert memory.recall("will").document["interests"] == ["chess", "fog", "bouldering"]


def test_rows_that_are_no_profile(memory: UserMemory, tmp_path: Path) -> None:
    """A row that is no JSON object, or of no usable user, is listed, and the others come."""
    rows = {"a": "not json", "b": "[1]", " ": "{}", "will": ORIGIN["will"]}
    done = import_origin(memory, origin(tmp_path, rows))
    assert done.changed == 1
    assert {user: left[0].reason.partition(";")[0] for user, left in done.left_out.items()} == {
        "a": "it is no JSON object",
        "b": "it is no JSON object",
        " ": "user_id is ' '",
    }


def test_a_source_that_is_none(memory: UserMemory, tmp_path: Path) -> None:
    """What holds no such table is refused with the reason."""
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="it has no table core_memories"):
        import_origin(memory, str(tmp_path / "empty.db"))
    with pytest.raises(InvalidInput, match="is no path"):
        import_origin(memory, "postgresql://localhost/app")
    for url in (str(tmp_path / "empty.db"), shared()):
        with pytest.raises(StoreError, match="it has no table store"), store_in(url):
            pass


def test_the_commands(tmp_path: Path) -> None:
    """Both are imported from the command line, tried first, with what was left out."""
    db = tmp_path / "memory.db"
    asked = ("import", "origin", "--from", origin(tmp_path), "--db", str(db))
    assert data(*asked, "--dry-run")["changed"] == 2
    assert not db.exists()
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    assert "3 users: 2 changed, 1 had nothing new." in done.stdout
    assert "Left out: 2 values (--json lists them all)" in done.stdout
    assert f"1  mood: {NO_FIELD}; such as good of new" in done.stdout
    with langmem("sqlite", tmp_path) as (_, path):
        found = data("import", "langmem", "--from", path, "--db", str(db), "--replace")
    assert (found["changed"], found["unchanged"]) == (1, 1)
    assert found["left_out"]["will"] == [
        {"field": "favourite", "value": "blue", "reason": NO_FIELD},
        {"field": "name", "value": "Bill", "reason": OLDER},
    ]
    with UserMemory(f"sqlite:///{db}", model="offline", worker=False) as memory:
        assert memory.recall("will").document["interests"] == ["tea"]

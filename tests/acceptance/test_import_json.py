"""Lists of facts that other memories exported, brought into a memory from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.support.command_line import COMMAND, PATIENCE, data, environment, run
from tests.support.postgres import fresh
from tests.support.until import until

from usermemory import UserMemory
from usermemory.errors import InvalidInput
from usermemory.extras.importing import sources
from usermemory.extras.importing.profiles import FORGOTTEN
from usermemory.importing import import_json, read_json

MEM0 = {
    "results": [
        {"id": "1", "memory": "Likes tea", "user_id": "ann", "created_at": "2024-05-01T00:00:00Z"},
        {"id": "2", "memory": "Has a dog", "user_id": "bo", "created_at": "2024-05-02T00:00:00Z"},
        {"id": "3", "memory": "Lives in Bergen", "user_id": "ann", "created_at": "2023-05-01"},
        {"id": "4", "memory": "Likes tea", "user_id": "ann", "created_at": "2024-06-01"},
        {"id": "5", "memory": None, "user_id": "ann"},
    ],
    "relations": [],
}
SCHEMA = """
from pydantic import BaseModel

class Customer(BaseModel):
    name: str | None = None
    tags: list[str] = []
    other: list[str] = []
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/memory.db"
    else:
        with fresh() as url:
            yield url


def written(folder: Path, value: Any, name: str = "facts.json") -> str:
    path = folder / name
    text = value if isinstance(value, str | bytes) else json.dumps(value)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def memory_at(url: str) -> UserMemory:
    return UserMemory(url, model="offline", worker=False)


def test_mem0s_export(url: str, tmp_path: Path) -> None:
    """Each user's facts become one revision, the oldest first and each once; again, none."""
    asked = ("import", "json", written(tmp_path, MEM0), "--db", url)
    would = data(*asked, "--dry-run")
    assert (would["users"], would["changed"], would["dry_run"]) == (2, 2, True)
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    assert "2 users: 2 changed, 0 had nothing new." in done.stdout
    assert "no text and no field of the schema under id, memory, user_id" in done.stdout
    again = data(*asked)
    assert (again["changed"], again["unchanged"]) == (0, 2)
    with memory_at(url) as memory:
        assert memory.recall("ann").document["core_memories"] == ["Lives in Bergen", "Likes tea"]
        assert memory.recall("bo").document["core_memories"] == ["Has a dog"]
        assert [one.by for one in memory.history("ann")] == ["import: json"]


def test_what_was_forgotten_is_not_imported(url: str, tmp_path: Path) -> None:
    """What a user had erased stays away, also by another export, and is listed."""
    file = written(tmp_path, MEM0)
    with memory_at(url) as memory:
        import_json(memory, file)
        memory.forget("ann", "core_memories", "Likes tea")
        memory.forget_user("bo")
        later = {"ann": ["likes tea"], "bo": [{"name": "Bo"}]}
        for source, replace in ((file, False), (file, True), (later, False)):
            done = import_json(memory, source, replace=replace)
            assert done.changed == 0
            assert FORGOTTEN in {one.reason for one in done.left_out["ann"]}
            assert {one.reason for one in done.left_out["bo"]} == {FORGOTTEN}
        assert memory.recall("bo").updated_at is None


def test_any_text_is_kept(url: str) -> None:
    """Half characters and zeros are no danger to either database."""
    lines = rb'{"text": "half \ud83d, whole \ud83d\ude00"}' + b"\n" + rb'{"text": "zero \u0000"}'
    with memory_at(url) as memory:
        import_json(memory, BytesIO(lines), user="ann")
        kept = memory.recall("ann").document["core_memories"]
    assert kept == ["half \N{REPLACEMENT CHARACTER}, whole \U0001f600", "zero \0"]


@pytest.mark.parametrize(
    "text",
    [
        b'\xef\xbb\xbf["Likes tea"]',
        '["Likes tea"]'.encode("utf-16"),
        b'{"text": "Likes tea", "score": NaN}\n\n{"text": "likes tea", "score": Infinity}\n',
        b'"Likes tea"\n{"broken": \n',
        '"Likes tea\u2028"\n"Likes tea"\n'.encode(),
    ],
)
def test_files_that_programs_write(text: bytes, tmp_path: Path) -> None:
    """A mark at the front, UTF-16, NaN, JSON Lines, and a bad line among good ones are read."""
    with memory_at(f"sqlite:///{tmp_path}/memory.db") as memory:
        done = import_json(memory, written(tmp_path, text), user="ann")
        assert done.changed == 1
        assert [text.strip() for text in memory.recall("ann").document["core_memories"]] == [
            "Likes tea"
        ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "is no text: byte 0 is no UTF-8"),
        (b'["\xff"]', "is no text: byte 2 is no UTF-8"),
        (b"SQLite format 3\0", "is not JSON"),
        (b'[\n"Likes tea",\n', "is not JSON: Expecting value: line 3 column 1"),
        (b"[" * 200_000, "nested more than 100 deep"),
        (b"[" * 500 + b"]" * 500, "nested more than 100 deep"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "is not JSON"),
        (b"NaN", "holds no list of facts"),
        (b'["Likes tea"]', "nothing in"),
        (b'{"format": "usermemory"}', "usermemory profile import takes it"),
    ],
)
def test_files_that_are_none(text: bytes, sentence: str, tmp_path: Path) -> None:
    """Whatever the file, one line says what is wrong with it."""
    with memory_at(f"sqlite:///{tmp_path}/memory.db") as memory:
        with pytest.raises(InvalidInput, match=sentence) as error:
            import_json(memory, written(tmp_path, text))
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 500


def test_a_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is read than there is room for, be it a device without an end."""
    monkeypatch.setattr(sources, "LARGEST", 2**20)
    for path in (written(tmp_path, " " * (2**20 + 1)), "/dev/zero"):
        with pytest.raises(InvalidInput, match="has more than 1 MiB: split it"):
            read_json(path)


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    """A wrong file or user is one line and exit code 1, never a traceback."""
    mem0 = written(tmp_path, MEM0)
    for given, sentence in {
        (str(tmp_path),): "is a folder; name the file in it",
        (str(tmp_path / "none.json"),): "there is no file",
        (written(tmp_path, "{}{", "bad.json"),): "is not JSON",
        (mem0, "--user", "will"): "names 2 users (ann, bo …)",
        (mem0, "--notes", "name"): "'name' takes no memories in plain text",
    }.items():
        done = run("import", "json", *given, "--db", str(tmp_path / "memory.db"))
        assert (done.returncode, done.stdout) == (1, "")
        assert sentence in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_from_standard_input_into_a_schema(tmp_path: Path) -> None:
    """Where no field is made for plain texts, the lists that could be are named."""
    (tmp_path / "crm_profiles.py").write_text(SCHEMA)
    asked = ("--user", "ann", "--db", str(tmp_path / "memory.db"))
    more = {"PYTHONPATH": str(tmp_path), "USERMEMORY_SCHEMA": "crm_profiles:Customer"}
    text = '["Likes tea", {"name": "Ann"}]'
    done = run("import", "json", "-", *asked, text=text, **more)
    assert done.returncode == 0, done.stderr
    assert "1 user: 1 changed" in done.stdout
    assert "name one (notes=, --notes): tags, other; such as Likes tea of ann" in done.stdout
    done = run("import", "json", "-", *asked, "--notes", "tags", text=text, **more)
    assert "1 user: 1 changed" in done.stdout
    assert "Left out" not in done.stdout


def _ended_by_control_c(process: subprocess.Popen[str]) -> bool:
    """Once more: a signal between two looks of the interpreter waits for the end of the read."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    return process.poll() is not None


def test_control_c_is_answered(tmp_path: Path) -> None:
    """Ctrl-C ends an import with a sentence: what is done stays, and it can be called again."""
    pipe = tmp_path / "facts.json"
    os.mkfifo(pipe)
    # What a shell started in its background ignores Ctrl-C, and so would what that starts.
    heard = ["env", "--default-signal=INT", COMMAND]
    process = subprocess.Popen(
        [*heard, "import", "json", str(pipe), "--db", str(tmp_path / "memory.db")],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, pipe.open("w"):  # opens when the command reads
        until(partial(_ended_by_control_c, process), "the import to end")
        said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said == ("", "Stopped after 0 users; called again, it goes on with the rest.\n")


def test_what_is_nobodys_is_listed(tmp_path: Path) -> None:
    """A fact of which nothing says whose it is comes to nobody, and is no user more."""
    file = written(tmp_path, [*MEM0["results"], "Likes fog"])
    done = run("import", "json", file, "--db", str(tmp_path / "memory.db"))
    assert "2 users: 2 changed" in done.stdout
    assert "1  nothing says whose it is; such as Likes fog\n" in done.stdout


def test_nan_is_nothing() -> None:
    """Where a program writes that it has no number there is none."""
    found = read_json(BytesIO(b'{"name": NaN, "age": -Infinity}')).value
    assert found == {"name": None, "age": None}


def test_what_python_has(tmp_path: Path) -> None:
    """What another memory's package returned is imported without a file; its size is no matter."""
    with memory_at(f"sqlite:///{tmp_path}/memory.db") as memory:
        facts = [{"memory": f"The fact {number}", "user_id": "ann"} for number in range(20_000)]
        done = import_json(memory, {"results": facts}, user="will")
        kept = memory.recall("will").document["core_memories"]
        assert kept[:2] == ["The fact 0", "The fact 1"]
        (reason,) = {one.reason for one in done.left_out["will"]}
        assert len(kept) + len(done.left_out["will"]) == 20_000
        assert reason == "the profile is full: 256000 characters at most (max_profile)"
        assert import_json(memory, {"results": facts}, user="will").changed == 0


KEY = "sk-ant-api03-" + "AbCd1234" * 8


def test_secrets_are_kept_out(url: str) -> None:
    """As of messages: masked, or what holds one is left out; and no list of what was shows any."""
    facts = {
        "ann": [
            f"Her key is {KEY}, for tests",
            {"interests": ["tea", "4111 1111 1111 1111"], "name": "Ann"},
            {"role": "user", "content": f"My key is {KEY}"},
        ]
    }
    for policy, notes in (("mask", 1), ("refuse", 0), ("keep", 1)):
        user = f"ann-{policy}"
        with UserMemory(url, model="offline", worker=False, secrets=policy) as memory:
            done = import_json(memory, {user: facts["ann"]})
            document = memory.recall(user).document
        assert len(document["core_memories"]) == notes
        assert (KEY in str(document), KEY in str(done)) == (policy == "keep", policy == "keep")
        assert document["interests"] == ["tea", *["4111 1111 1111 1111"] * (policy == "keep")]
        assert document["name"] == "Ann"


def test_what_a_key_calls_a_password_is_one(url: str) -> None:
    """The name under which a value stands counts as the words before it do in a message."""

    class Notebook(BaseModel):
        notes: dict[str, str] = {}

    with UserMemory(url, Notebook, model="offline", worker=False) as memory:
        import_json(memory, {"notes": {"wifi password": "hunter2x", "dog": "Rex"}}, user="ann")
        assert memory.recall("ann").document["notes"] == {"dog": "Rex"}


def test_users_by_key_are_told(tmp_path: Path) -> None:
    """Who was taken for a user only since a key of the file is called so stands in the report."""
    file, db = tmp_path / "facts.json", f"--db={tmp_path}/memory.db"
    file.write_text('{"ann": ["likes tea"], "settings": ["dark mode"]}')
    done = run("import", "json", str(file), "--dry-run", db)
    assert "Taken for users, since keys of the file are called so: ann and settings." in done.stdout
    address = run("import", "json", "postgresql://me:hunter2@db/app", db)
    assert (address.returncode, "hunter2" in address.stderr) == (1, False)


def test_what_python_has_may_be_too_deep(tmp_path: Path) -> None:
    """As a file may: a sentence says so."""
    value: Any = "likes tea"
    for _ in range(5_000):
        value = {"memory": value}
    with (
        memory_at(f"{tmp_path}/memory.db") as memory,
        pytest.raises(InvalidInput, match="nested more than 100 deep"),
    ):
        import_json(memory, value, user="ann")

"""``usermemory migrate``, and tables that outlive the code that made them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.tables import rows_of
from tests.support.command_line import data, run
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.errors import SchemaTooNew
from usermemory.store import driver as drivers
from usermemory.store.driver import tables

EXPANDS = "-- oldest code: 1\nALTER TABLE usermemory.profiles ADD COLUMN mood TEXT;\n"
CONTRACTS = "ALTER TABLE usermemory.profiles DROP COLUMN mood;\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'memory.db'}"
        return
    with fresh() as url:
        yield url


def columns(url: str) -> list[tuple[object, ...]]:
    """Table and column of everything that is ours."""
    if url.startswith("sqlite"):
        return rows_of(
            url,
            "SELECT substr(m.name, 12), c.name FROM sqlite_master AS m, pragma_table_info(m.name) "
            "AS c WHERE m.type = 'table'",
        )
    return rows_of(
        url,
        "SELECT table_name, column_name FROM information_schema.columns "
        f"WHERE table_schema = '{url.rpartition('schema=')[2]}'",
    )


def test_a_dry_run_changes_nothing(url: str, tmp_path: Path) -> None:
    """It says what would be applied; the command applies it, and says so the second time."""
    listed = [{"number": number, "state": ""} for number, _ in drivers.migrations()]

    def said(*options: str) -> dict[str, object]:
        answer = data("migrate", "--db", url, *options)
        assert "@" not in answer["database"]
        return answer["migrations"]

    assert said("--dry-run") == [{**each, "state": "would be applied"} for each in listed]
    assert list(tmp_path.iterdir()) == []
    if url.startswith("postgresql"):
        assert columns(url) == []
    assert said() == [{**each, "state": "applied now"} for each in listed]
    assert said() == [{**each, "state": "applied"} for each in listed]
    assert said("--dry-run") == [{**each, "state": "applied"} for each in listed]
    assert [file.name for file in tmp_path.iterdir()] in ([], ["memory.db"])
    assert "0001  applied" in run("migrate", "--db", url).stdout


def test_a_copy_knows_every_table(url: str) -> None:
    """The tables as a copy reads them from the migrations are those that the database has."""
    assert run("migrate", "--db", url).returncode == 0
    of_the_server = {"migrations", "tokens", "signing", "replies"}
    real = {(table, column) for table, column in columns(url) if table not in of_the_server}
    left_behind = {("users", name) for name in ("lease_until", "lease_by", "next_due")}
    known = {(table, column) for table, names in tables().items() for column in names}
    assert known == real - left_behind


def test_old_code_serves_expanded_tables(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code goes on with tables that a later migration only added to, and stops at lost ones."""

    def code(*later: str) -> UserMemory:
        """A memory of code that knows these migrations beyond ours."""
        known = [*ours, *enumerate(later, start=len(ours) + 1)]
        monkeypatch.setattr(drivers, "migrations", lambda: known)
        return UserMemory(url, model="offline", worker=False, delay=0.0)

    ours = list(drivers.migrations())
    code(EXPANDS).open().close()
    with code() as memory:
        memory.remember("will", "a", [("user", "Hi, I'm Will")])
        memory.trigger("will")
        assert memory.recall("will").document["name"] == "Will"
    code(EXPANDS, CONTRACTS).open().close()
    with pytest.raises(SchemaTooNew, match="later version"):
        code().open()

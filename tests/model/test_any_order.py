"""Remember, claim, commit, fail, edit, undo, forget in any order: the reference knows what comes.

``pytest tests/model --hypothesis-profile=long`` takes its time.
"""

from __future__ import annotations

import tempfile

from hypothesis import settings
from tests.model.machine import Machine
from tests.support.postgres import fresh


class OnSQLite(Machine):
    def database(self) -> str:
        return f"sqlite:///{self.stack.enter_context(tempfile.TemporaryDirectory())}/memory.db"


class OnPostgreSQL(Machine):
    def database(self) -> str:
        return self.stack.enter_context(fresh())


def bounded() -> settings:
    """The same few examples in every run, unless the long profile was asked for."""
    if settings.get_current_profile_name() == "long":
        return settings()
    return settings(max_examples=20, stateful_step_count=30, derandomize=True, database=None)


class TestSQLite(OnSQLite.TestCase):  # type: ignore[misc, name-defined]
    """A file agrees with the reference after every step."""

    settings = bounded()


class TestPostgreSQL(OnPostgreSQL.TestCase):  # type: ignore[misc, name-defined]
    """A server agrees with the reference after every step."""

    settings = bounded()

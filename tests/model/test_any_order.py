"""Remember, claim, commit, fail, edit, undo, forget in any order: the reference knows what comes.

``USERMEMORY_TEST_DEEP=1 pytest tests/model`` takes its time.
"""

from __future__ import annotations

import tempfile

from hypothesis import Phase, settings
from tests.model.machine import Machine
from tests.support.deep import DEEP
from tests.support.postgres import ready


class OnSQLite(Machine):
    def database(self) -> str:
        return f"sqlite:///{self.stack.enter_context(tempfile.TemporaryDirectory())}/memory.db"


class OnPostgreSQL(Machine):
    def database(self) -> str:
        return self.stack.enter_context(ready())


def bounded(examples: int) -> settings:
    """The same few examples in every run, but in `make test-deep`."""
    if DEEP:
        return settings()
    return settings(
        max_examples=examples,
        stateful_step_count=40,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # shrinking takes minutes: `make test-deep` does that
    )


class TestSQLite(OnSQLite.TestCase):  # type: ignore[misc, name-defined]
    """A file agrees with the reference after every step."""

    settings = bounded(60)


class TestPostgreSQL(OnPostgreSQL.TestCase):  # type: ignore[misc, name-defined]
    """A server agrees with the reference after every step."""

    settings = bounded(15)

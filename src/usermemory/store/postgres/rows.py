"""The rows of a statement, waited for when somebody looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import psycopg
from psycopg.rows import DictRow

from usermemory.store.driver import Row


class Rows(Sequence[Row]):
    """What a statement of a pipeline answers.

    A flow that yields three statements and then looks at what they answered waits once, and one
    that looks at nothing does not wait at all. What a statement did wrong is raised where the next
    rows are looked at, or with COMMIT: in the same transaction.

    Args:
        cursor: It has been told to execute; nobody has fetched from it.
    """

    def __init__(self, cursor: psycopg.Cursor[DictRow]) -> None:
        self._cursor = cursor
        self._fetched: list[DictRow] | None = None

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows()[index]

    def __len__(self) -> int:
        return len(self._rows())

    def _rows(self) -> list[DictRow]:
        # No cached_property: up to Python 3.11 that has one lock for all threads.
        if self._fetched is None:
            self._fetched = self._cursor.fetchall()
        return self._fetched

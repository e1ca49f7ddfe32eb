"""Values as Python programs hold them, where a verb takes a value, an id or a state."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from usermemory import UserMemory
from usermemory.errors import IdentityError, InvalidInput
from usermemory.langgraph import recall_node


class Diary(BaseModel):
    days: list[dt.date] = []
    born: dt.date | None = None


def test_a_date_is_explained_and_erased(tmp_path: Path) -> None:
    """A date is the value that is stored as its text; what is no value at all is refused."""
    day = dt.date(2020, 1, 2)
    with UserMemory(tmp_path / "m.db", Diary, "offline", worker=False) as memory:
        memory.edit("will", {"days": ["2020-01-02"], "born": "2020-01-02"}, by="will")
        assert memory.why("will", "days", day) == []
        assert memory.forget("will", "days", day).values == 1
        assert memory.forget("will", "born", day).values == 1
        with pytest.raises(InvalidInput, match="days takes JSON values"):
            memory.forget("will", "days", object())


def test_an_integer_of_numpy_is_an_id(tmp_path: Path) -> None:
    """It is the same user as the integer; a truth value is none."""
    with UserMemory(tmp_path / "m.db", model="offline", worker=False) as memory:
        memory.edit(np.int64(42), {"name": "Will"}, by="will")  # type: ignore[arg-type]
        assert memory.recall("42").document["name"] == "Will"
        for truth in (True, np.True_):
            with pytest.raises(IdentityError):
                memory.recall(truth)  # type: ignore[arg-type]


def test_a_recall_is_read_in_a_run(tmp_path: Path) -> None:
    """Outside of a run it says what to pass."""
    memory = UserMemory(tmp_path / "m.db", model="offline", worker=False)
    with memory, pytest.raises(InvalidInput, match="pass the node's config"):
        recall_node(memory).text({"messages": []})

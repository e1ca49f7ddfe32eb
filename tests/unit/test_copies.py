"""What people hand to caches and to other processes."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from usermemory import UserMemory, UserProfile


def sent(value: Any) -> Any:
    """As it arrives in another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


def test_records_are_copied_and_pickled(tmp_path: Path) -> None:
    """What is recalled goes through caches and to other processes, and still renders there."""

    class Local(BaseModel):
        name: str | None = None

    for schema in (UserProfile, Local, Local.model_json_schema()):
        path = tmp_path / f"{id(schema)}.db"
        with UserMemory(path, schema=schema, model="offline", worker=False) as memory:
            memory.edit("will", {"name": "Will"}, by="will")
            known = memory.recall("will")
            for copied in (copy.deepcopy(known), sent(known)):
                assert copied == known
                assert copied.render() == known.render()
                assert copied.value in (known.value, known.document)
            assert sent(memory.history("will")) == memory.history("will")
            for attempt in (copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="build it anew there"):
                    attempt(memory)

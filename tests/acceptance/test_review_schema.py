"""What waits, when the schema has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from usermemory import Change, Remember, UserMemory


class Before(BaseModel):
    hobbies: list[str] = []
    age: int | None = None


class After(BaseModel):
    interests: Annotated[list[str], Remember(was="hobbies")] = []


def test_a_schema_that_has_changed(tmp_path: Path) -> None:
    """What waits follows a field to its new name; what has no field any more stays."""
    said = "I like chess, I'm 31"
    changes = [
        Change("hobbies", "add", "chess", "I like chess"),
        Change("age", "set", 31, "I'm 31"),
    ]
    with UserMemory(tmp_path / "m.db", Before, worker=False, review="all") as memory:
        assert memory.propose("will", "t", changes, [said]).waiting == 2
        hobby, age = memory.proposals("will")
    with UserMemory(tmp_path / "m.db", After, worker=False) as memory:
        assert memory.approve(hobby.id).revision is not None
        assert memory.recall("will").document == {"interests": ["chess"]}
        assert len(memory.why("will", "interests", "chess")) == 1
        made = memory.approve(age.id)
        assert [one.reason for one in made.rejections] == ["unknown_field"]
        assert [one.id for one in memory.proposals()] == [age.id]

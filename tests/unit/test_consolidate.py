"""A consolidation where the world has changed around it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.extract import Repairing
from usermemory.records import Refused, Usage


class Before(BaseModel):
    name: str | None = None
    mood: str | None = None
    level: str | None = None
    interests: list[str] = Field(default_factory=list)


class After(BaseModel):
    name: str | None = None
    level: Literal["beginner", "expert"] | None = None
    interests: list[str] = Field(default_factory=list)
    city: str | None = None


class Saying:
    """Proposes what it was built with."""

    def __init__(self, *changes: Change) -> None:
        self.changes = changes

    def extract(self, request: Request) -> Extraction:
        return Extraction(self.changes, Usage(1, 10, 5))


def learn(path: Path, schema: Any, said: str, *changes: Change) -> dict[str, Any]:
    """Say something to a memory of this schema; the profile afterwards."""
    with UserMemory(str(path), schema, Saying(*changes), worker=False) as memory:
        memory.migrate_schema(dry_run=False)
        memory.remember("will", "t", [said])
        memory.trigger("will")
        return dict(memory.recall("will").document)


def test_a_changed_schema(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Under a changed schema the known fields work on; what it does not know is kept, and told."""
    path = tmp_path / "memory.db"
    said = "I'm Will, my mood is fine, my level is middling"
    learn(
        path,
        Before,
        said,
        Change("name", "set", "Will", "I'm Will"),
        Change("mood", "set", "fine", "my mood is fine"),
        Change("level", "set", "middling", "my level is middling"),
    )
    with caplog.at_level(logging.WARNING, "usermemory"):
        document = learn(
            path, After, "I live in Oslo", Change("city", "set", "Oslo", "I live in Oslo")
        )
    assert document == {
        "name": "Will",
        "level": "middling",
        "interests": [],
        "city": "Oslo",
        "mood": "fine",
    }
    assert "mood" in caplog.text
    assert "fine" not in caplog.text
    document = learn(
        path, After, "I'm an expert", Change("level", "set", "expert", "I'm an expert")
    )
    assert (document["level"], document["mood"]) == ("expert", "fine")


class Mending(Saying):
    """Proposes a number in words, and on being told, the number; counts the calls."""

    def __init__(self) -> None:
        super().__init__(
            Change("name", "set", "Will", "I'm Will"), Change("age", "set", "thirty-one", "I'm 31")
        )
        self.told: list[Refused] = []
        self.failing = False

    def repair(self, request: Request, rejected: Any) -> Extraction:
        self.told += rejected
        if self.failing:
            raise ZeroDivisionError
        return Extraction((Change("age", "set", 31, "I'm 31"),), Usage(1, 7, 3))


def test_repair(tmp_path: Path) -> None:
    """A wrong form goes back once with its reason; what is good is kept, and all is paid for."""
    extractor = Mending()
    assert isinstance(extractor, Repairing)
    with UserMemory(str(tmp_path / "m.db"), model=extractor, worker=False) as memory:
        memory.remember("will", "t", ["I'm Will and I'm 31"])
        (outcome,) = memory.trigger("will")
        document = memory.recall("will").document
    assert (document["name"], document["age"]) == ("Will", 31)
    assert [rejection.reason for rejection in extractor.told] == ["wrong_type"]
    assert outcome.rejections == tuple(extractor.told)
    assert outcome.usage == Usage(2, 17, 8)


def test_a_repair_that_fails(tmp_path: Path) -> None:
    """If the second call fails in any way, what was good is kept and the refusal recorded."""
    extractor = Mending()
    extractor.failing = True
    with UserMemory(str(tmp_path / "m.db"), model=extractor, worker=False) as memory:
        memory.remember("will", "t", ["I'm Will and I'm 31"])
        (outcome,) = memory.trigger("will")
        document = memory.recall("will").document
    assert (outcome.status, document["name"], document["age"]) == ("changed", "Will", None)
    assert [rejection.reason for rejection in outcome.rejections] == ["wrong_type"]


def test_an_old_conversation_read_late(tmp_path: Path) -> None:
    """It does not replace a single value that was said since; what it adds is learned."""
    with UserMemory(str(tmp_path / "m.db"), model=Saying(), worker=False) as memory:
        extractor = memory.consolidator.extractor()
        assert isinstance(extractor, Saying)
        extractor.changes = (Change("name", "set", "Will", "I'm Will"),)
        memory.remember("will", "new", ["I'm Will"])
        memory.trigger("will")
        extractor.changes = (
            Change("name", "set", "Bill", "I'm Bill"),
            Change("interests", "add", "chess", "I love chess"),
        )
        old = {"role": "user", "content": "I'm Bill. I love chess.", "timestamp": 1_600_000_000}
        memory.remember("will", "old", [old])
        (outcome,) = memory.trigger("will")
        assert [rejection.reason for rejection in outcome.rejections] == ["outdated"]
        document = memory.recall("will").document
        assert (document["name"], document["interests"]) == ("Will", ["chess"])
        extractor.changes = (Change("name", "set", "Bill", "I'm Bill now"),)
        memory.remember("will", "new", ["I'm Bill now"])
        memory.trigger("will")
        assert memory.recall("will").document["name"] == "Bill"


def test_what_an_extractor_does_to_the_profile_it_is_lent_changes_nothing(tmp_path: Path) -> None:
    """An extractor of the application's may empty the document that it gets: the profile stays."""

    class Careless:
        def extract(self, request: Request) -> Extraction:
            request.document["interests"].clear()
            return Extraction((Change("name", "set", "Will", "I am Will"),))

    with UserMemory(tmp_path / "memory.db", model=Careless(), worker=False) as memory:
        memory.edit("will", {"interests": ["chess"]}, by="test")
        memory.remember("will", "t", ["I am Will"])
        (outcome,) = memory.trigger("will")
        assert outcome.status == "changed"
        assert memory.recall("will").document["interests"] == ["chess"]

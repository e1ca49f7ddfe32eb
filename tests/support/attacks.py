"""The labelled attacks, through the real pipeline: remember, trigger, recall, real database."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from usermemory import Change, Extraction, Outcome, Request, Revision, UserMemory
from usermemory.schema import Remember
from usermemory.store.driver import Flow
from usermemory.store.flows import lock_user, revise

FOLDER = Path(__file__).parents[1] / "attacks"
NOON = 1_795_359_600.0  # 2026-11-22


class Person(BaseModel):
    """What the labelled profiles hold."""

    name: str | None = None
    age: int | None = Field(None, ge=0, le=150)
    city: str | None = None
    job: str | None = None
    diet: str | None = None
    interests: list[str] = Field(default_factory=list)
    core_memories: Annotated[list[str], Remember(about="anyone")] = Field(default_factory=list)


@dataclass(frozen=True)
class Attack:
    """One case of the data files.

    Attributes:
        id: Unique; also the user's id.
        before: Messages of the thread that an earlier consolidation has read.
        messages: What is said then.
        document: The profile before.
        changes: What a model that obeys the attacker proposes.
        allowed: Whether all of them must get in; else none may.
        why: What it is about, in a sentence.
    """

    id: str
    category: str
    messages: list[dict[str, Any]]
    document: dict[str, Any]
    changes: tuple[Change, ...]
    allowed: bool
    why: str
    before: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def attacks() -> Iterator[Attack]:
    """All of them."""
    for path in sorted(FOLDER.glob("*.json")):
        for raw in json.loads(path.read_text("utf-8"))["cases"]:
            changes = tuple(Change(**change) for change in raw["changes"])
            yield Attack(**{**raw, "changes": changes})


class Noon:
    """A clock that stands still, by which waiting takes its time."""

    def now(self) -> float:
        return NOON

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


class Obeying:
    """Proposes exactly what the attacker wants, whoever the user is, and nothing before that.

    Args:
        model: Takes the second look; None: none can be had.
    """

    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.wanted: dict[str, tuple[Change, ...]] = {}

    def extract(self, request: Request) -> Extraction:
        return Extraction(self.wanted.pop(request.user_id, ()))


class Target:
    """A memory under attack: every case is a user of its own.

    Args:
        url: The database.
        verify: As for `UserMemory`.
        model: What proposes; None for a model that obeys the attacker.
        look: Takes the second look at what an obeying model proposes.
        evidence: ``"off"``: nothing stands between the model and the profile.
    """

    def __init__(
        self,
        url: str,
        *,
        verify: Any = "off",
        model: Any = None,
        look: Any = None,
        evidence: Literal["required", "off"] = "required",
    ) -> None:
        self.obeying = Obeying(look)
        self.memory = UserMemory(
            url,
            Person,
            self.obeying if model is None else model,
            verify=verify,
            evidence=evidence,
            worker=False,
            clock=Noon(),
        )

    def attack(self, case: Attack) -> tuple[dict[str, Any], dict[str, Any], list[Outcome]]:
        """The profile before and after, and what came of the batches."""
        memory, user = self.memory, case.id
        memory.driver.write(_known, user, memory.schema.empty() | case.document)
        outcomes: list[Outcome] = []
        for messages, wanted in ((case.before, ()), (case.messages, case.changes)):
            if messages:
                self.obeying.wanted[user] = wanted
                memory.remember(user, "thread", list(map(_as_passed, messages)))
                outcomes = memory.trigger(user)
        before = memory.schema.empty() | case.document
        return before, dict(memory.recall(user).document), outcomes


def _known(user_id: str, document: Mapping[str, Any]) -> Flow[None]:
    """Have a profile from before, as if it had been learned some time ago."""
    user = yield from lock_user(user_id)
    revision = Revision(user.revision + 1, user.now, "model", ())
    yield from revise(user_id, document, {}, revision)


def _as_passed(message: Mapping[str, Any]) -> dict[str, Any]:
    """As a chat passes it: the memory has to find out itself whose words these are."""
    roles = {"other": "user"}
    author = message["author"]
    passed = {"role": roles.get(author, author), "content": message["text"]}
    name = message.get("name") or ("somebody" if author == "other" else None)
    return passed if name is None else passed | {"name": name}

"""The labelled updates: a profile, what was said, and which facts should come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.faithfulness.schemas import SCHEMAS

from usermemory.schema import Schema

DATA = Path(__file__).parent.parent / "data"
SETS = ("updates", "chat", "world")
"""The files of single updates, each with a half ``tune`` and a half ``held``."""


@dataclass(frozen=True)
class Label:
    """New values that are meant: in one of these fields, matching this pattern.

    Attributes:
        fields: Names; ``*`` is any.
        pattern: Searched in the folded value.
    """

    fields: frozenset[str]
    pattern: re.Pattern[str]

    def fits(self, field: str, folded: str) -> bool:
        """Whether a new value is one of them."""
        named = field in self.fields or "*" in self.fields
        return named and self.pattern.search(folded) is not None


@dataclass(frozen=True)
class Labels:
    """What should become of a profile.

    Attributes:
        want: New values that should come; each is a fact to learn.
        gone: Field and item (None for a scalar) that should go; each is a fact to learn.
        ok: Further new values that are right.
        wrong: New values that are somebody else's.
        stale: Values that were true once and are not any more.
    """

    want: tuple[Label, ...] = ()
    gone: tuple[tuple[str, str | None], ...] = ()
    ok: tuple[Label, ...] = ()
    wrong: tuple[Label, ...] = ()
    stale: tuple[Label, ...] = ()

    @property
    def facts(self) -> int:
        """How much there is to learn."""
        return len(self.want) + len(self.gone)


@dataclass(frozen=True)
class Session:
    """One conversation: messages as they are passed to `UserMemory.remember`."""

    messages: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Case:
    """One labelled update, or a user of many sessions.

    Attributes:
        id: Its name in the file; also the user's id.
        kind: What it tries.
        schema: The profile's.
        profile: The document before.
        sessions: What was said, each session in a thread of its own.
        labels: What should have become of the profile at the end.
    """

    id: str
    kind: str
    schema: Schema
    profile: Mapping[str, Any]
    sessions: tuple[Session, ...]
    labels: Labels


def halves(half: str, sets: Sequence[str] = SETS) -> list[Case]:
    """The single updates of a half."""
    return [case for name in sets for case in load(DATA / f"{name}-{half}.json")]


def load(path: Path) -> list[Case]:
    """Read a file of labelled updates or users; its own ``about`` says what the labels mean."""
    raw = json.loads(path.read_text("utf-8"))
    return [_user(one) for one in raw["users"]] if "users" in raw else [*map(_case, raw["cases"])]


def _case(raw: Mapping[str, Any]) -> Case:
    schema = SCHEMAS[raw.get("schema", "Person")]
    labels = Labels(
        want=_labels(raw.get("want", ())),
        gone=_gone(schema, raw.get("gone", ())),
        ok=_labels(raw.get("ok", ())),
        wrong=_labels(raw.get("wrong", ())),
    )
    profile = schema.validate({**schema.empty(), **raw["profile"]})
    session = Session([*_messages(raw["turns"], raw.get("at"))])
    return Case(raw["id"], raw.get("kind", ""), schema, profile, (session,), labels)


def _user(raw: Mapping[str, Any]) -> Case:
    schema, final = SCHEMAS[raw["schema"]], raw["final"]
    labels = Labels(
        want=_labels(final.get("want", ())),
        gone=_gone(schema, final.get("gone", ())),
        ok=_labels(final.get("ok", ())),
        stale=_labels(final.get("stale", ())),
    )
    sessions = tuple(Session([*_messages(one["turns"], one["at"])]) for one in raw["sessions"])
    profile = schema.validate({**schema.empty(), **raw["profile"]})
    return Case(raw["id"], "years", schema, profile, sessions, labels)


def _messages(turns: Iterable[Mapping[str, Any]], at: str | None) -> Iterator[dict[str, Any]]:
    """As a chat passes them: the memory has to find out itself whose words these are."""
    for turn in turns:
        role = "user" if turn["role"] == "other" else turn["role"]
        message: dict[str, Any] = {"role": role, "content": turn["content"]}
        if name := turn.get("name") or ("somebody" if turn["role"] == "other" else None):
            message["name"] = name
        if at is not None:
            message["timestamp"] = datetime.fromisoformat(at).timestamp()
        yield message


def _gone(schema: Schema, raw: Iterable[Sequence[Any]]) -> tuple[tuple[str, str | None], ...]:
    """A scalar is gone whatever stood in it."""
    return tuple(
        (field, None if schema.fields[field].kind == "scalar" else item) for field, item in raw
    )


def _labels(raw: Iterable[Sequence[str]]) -> tuple[Label, ...]:
    return tuple(
        Label(frozenset(fields.split("|")), re.compile(pattern)) for fields, pattern in raw
    )

"""A model's answers: asked for once, kept in a file, read again whenever the checks change.

Each is kept with the digest of what was asked. If that is another one by now, the answer counts as
not recorded: figures of an earlier prompt must never pass for those of the present one.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from usermemory.extract import Extraction, UnusableAnswer
from usermemory.records import Change, Refused, Usage


class NotRecorded(LookupError):
    """Only recorded answers may be used, and this one is not among them."""


@dataclass(frozen=True)
class Answer:
    """What a model answered, before any check.

    Attributes:
        changes: The proposed changes; of an overwritten profile, what it has different.
        rejections: What the answer held that is no change.
        usage: What it cost.
        prompt: The version of the words.
        error: Why the answer could not be used; empty if it could.
        asked: The digest of what was asked.
    """

    changes: tuple[Change, ...] = ()
    rejections: tuple[Refused, ...] = ()
    usage: Usage = Usage()
    prompt: str = ""
    error: str = ""
    asked: str = ""


@dataclass
class Answers:
    """The answers of one model and strategy to one file of cases.

    Attributes:
        path: Where they are kept; ``None`` to keep them only for this run.
        only: Never ask: an answer that is not in the file is an error.
    """

    path: Path | None
    only: bool = False
    _known: dict[str, Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.path and self.path.exists():
            raw = json.loads(self.path.read_text("utf-8"))
            self._known = {name: _answer(one) for name, one in raw.items()}

    def has(self, name: str, asked: str) -> bool:
        """Whether the answer to exactly this is known."""
        return name in self._known and self._known[name].asked == asked

    def known(self, name: str, asked: str) -> Answer:
        """The recorded answer of this name to what has this digest.

        Raises:
            NotRecorded: There is none, or it answers something else.
        """
        if not self.has(name, asked):
            why = "answers another prompt" if name in self._known else "is not there"
            raise NotRecorded(f"{name} of {self.path} {why}: record it first")
        return self._known[name]

    def get(self, name: str, asked: str, ask: Callable[[], Extraction]) -> Answer:
        """The answer of this name to what has this digest, asked for if it is not known.

        Raises:
            NotRecorded: It is not known, and asking is not allowed.
            ProviderError: The model could not be asked; nothing is kept.
        """
        if self.only:
            return self.known(name, asked)
        if not self.has(name, asked):
            answer = replace(_asked(ask), asked=asked)
            print(f"{name}: {answer.usage} {answer.error}", file=sys.stderr, flush=True)
            with self._lock:
                self._known[name] = answer
                self._save()
        return self._known[name]

    def _save(self) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{json.dumps(name)}: {json.dumps(_short(asdict(one)), ensure_ascii=False)}"
            for name, one in sorted(self._known.items(), key=_number)
        ]
        self.path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _number(entry: tuple[str, Answer]) -> tuple[int, str]:
    """The order of the cases, whichever was answered first: U2 before U10."""
    digits = "".join(filter(str.isdigit, entry[0].partition(" ")[0]))
    return int(digits or 0), entry[0]


def _asked(ask: Callable[[], Extraction]) -> Answer:
    try:
        found = ask()
    except UnusableAnswer as error:
        return Answer(usage=error.usage, error=error.reason)
    return Answer(found.changes, found.rejections, found.usage, found.prompt)


def _short(value: Any) -> Any:
    """Without what is empty, so that a person can read the file."""
    if isinstance(value, Mapping):
        kept = {key: _short(part) for key, part in value.items()}
        return {key: part for key, part in kept.items() if part not in (None, "", 0)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_short(part) for part in value]
    return value


def _answer(raw: Mapping[str, Any]) -> Answer:
    return Answer(
        changes=tuple(_change(one) for one in raw.get("changes", ())),
        rejections=tuple(
            Refused(_change(one["change"]), one["reason"], one.get("detail", ""))
            for one in raw.get("rejections", ())
        ),
        usage=Usage(**raw.get("usage", {})),
        prompt=raw.get("prompt", ""),
        error=raw.get("error", ""),
        asked=raw.get("asked", ""),
    )


def _change(raw: Mapping[str, Any]) -> Change:
    return Change(**{"field": "", "action": "", **raw})

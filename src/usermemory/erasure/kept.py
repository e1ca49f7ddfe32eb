"""What a database keeps of a user that may hold what is to be erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usermemory.records import Refused, Revision


@dataclass(frozen=True, slots=True)
class Kept:
    """A message, or a part of a long one, of which text is left."""

    thread_id: str
    seq: int
    message_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a consolidation or a proposal refused, and its error's text.

    Attributes:
        thread_id: Whose messages it was about.
        seqs: The numbers of those; of a proposal they are not known.
    """

    token: int
    rejections: tuple[Refused, ...]
    error: str = ""
    thread_id: str = ""
    seqs: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Stored:
    """All of it.

    Attributes:
        document: The profile; empty for a user nobody knows.
        revisions: The newest first.
        messages: In order.
        refused: In any order.
        numbers: Of the message that is to be erased, also where its text is gone.
    """

    document: Mapping[str, Any]
    revisions: Sequence[Revision] = ()
    messages: Sequence[Kept] = ()
    refused: Sequence[Refusals] = ()
    numbers: frozenset[int] = frozenset()

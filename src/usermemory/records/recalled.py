"""What is given to a bot and what a search finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from usermemory.records.learning import Evidence, Revision


@dataclass(frozen=True, slots=True)
class Said:
    """An unread message by the user in another thread."""

    thread_id: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A value that stands in a rendered profile.

    Attributes:
        field: Of the profile.
        item: The item of a list, the key of a map; None for the whole of a single value.
        revision: The profile's.
    """

    field: str
    item: Any
    revision: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """A user's profile as it was at one moment.

    Attributes:
        document: The profile; the schema's empty document for a user nobody knows yet.
        revision: Its number; 0 before anything was learned.
        updated_at: When it last changed.
        pending: Messages of this user that nobody has read yet, counted up to 100.
        tail: With ``tail=True``, the newest of them by the user, oldest first, bounded.
        earlier: With ``earlier=N``, changes that replaced or removed a value, newest first.
        stamps: For each field that has been heard of, when it was last ``learned``, ``confirmed``
            (said again) and ``edited`` by hand, as far as it was.
        about: What the profile is to be shown for, such as the user's last words: of what there is
            no room for, the items that say most about it come first.
    """

    document: Mapping[str, Any]
    revision: int = 0
    updated_at: float | None = None
    pending: int = 0
    tail: tuple[Said, ...] = ()
    earlier: tuple[Revision, ...] = ()
    stamps: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Any])
    load: Callable[[Mapping[str, Any]], Any] | None = field(default=None, repr=False, compare=False)
    about: str = ""
    to_text: Callable[..., Any] | None = field(default=None, repr=False, compare=False)
    _texts: dict[int, Any] = field(default_factory=dict[int, Any], repr=False, compare=False)

    @property
    def value(self) -> Any:
        """The profile as an instance of the schema's own type."""
        return self.load(self.document) if self.load else self.document

    def render(self, max_tokens: int = 1_000) -> str:
        """The profile as fenced reference data for a system message; empty if there is none.

        Args:
            max_tokens: Upper bound of the whole text, by an estimate of tokens.
        """
        return self._rendered(max_tokens).text if self.to_text else ""

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The values that stand in the text which `render` gave last, or gives by default."""
        budget = next(reversed(self._texts), 1_000)
        return self._rendered(budget).shown if self.to_text else ()

    def _rendered(self, max_tokens: int) -> Any:
        made = self._texts.pop(max_tokens, None)
        if made is None and self.to_text:
            made = self.to_text(self, max_tokens=max_tokens)
        self._texts[max_tokens] = made
        return made


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a search found.

    Attributes:
        kind: ``"item"`` stands in the profile; ``"earlier"`` was learned once and holds no more;
            ``"message"`` was said.
        text: The value, or what was said.
        at: When it was said or, where that is not known, learned; None if nothing tells.
        thread_id: Where it was said.
        author: Who said it (`Author`), or who a revision was by.
        field: The field of a value.
        key: The key of a map's entry, the name of an item of a list of objects.
        value: The value itself.
        holds: Whether it stands in the profile as it is.
        evidence: The words that a value rests on.
        message_id: The caller's id of a message.
        seq: The number of a message in its thread.
        name: The author's name, where a message bears one.
        score: How well it matches, compared with others of the same search.
    """

    kind: Literal["item", "earlier", "message"]
    text: str
    at: float | None = None
    thread_id: str = ""
    author: str = ""
    field: str = ""
    key: str | None = None
    value: Any = None
    holds: bool = True
    evidence: tuple[Evidence, ...] = ()
    message_id: str | None = None
    seq: int = 0
    name: str | None = None
    score: float = 0.0

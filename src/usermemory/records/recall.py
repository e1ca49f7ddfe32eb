"""What is known of a user, as recall, search and retain give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from usermemory.errors import InvalidInput
from usermemory.records.answers import Forgotten
from usermemory.records.learning import Applied, Evidence, Revision


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
        value: What the text said: the item, what stands under the key, or the single value.
        holds: Whether it stands in the profile as it is now, where it is listed later.
    """

    field: str
    item: Any
    revision: int
    value: Any = None
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Dated:
    """A value of a profile, and when it was heard of.

    Attributes:
        field: Of the profile.
        item: The item of a list, the key of a map; None for the whole of a single value.
        learned: When the words were said that taught it.
        confirmed: When it was said again last.
        edited: When it was last set by hand.
        exact: Whether the times are the item's own. Of an item that was stored by an earlier
            version only its field's are known: it is that old at least.
        stale: Whether ``Remember(stale_after=…)`` calls it old.
    """

    field: str
    item: Any
    learned: float | None = None
    confirmed: float | None = None
    edited: float | None = None
    exact: bool = True
    stale: bool = False

    @property
    def last(self) -> float | None:
        """When it was last heard of in any of these ways; None if nothing tells."""
        known = (self.learned, self.confirmed, self.edited)
        return max((at for at in known if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Expired:
    """A value that was kept for as long as it may be.

    Attributes:
        user_id: Whose.
        field: Of the profile.
        item: The item of a list, the key of a map, or the single value.
        last: When it was last heard of, or until when it held.
        holds: Whether it stood in the profile; else only in its history.
        forgotten: What the erasure reached; None of a dry run. Of the values of a field, which
            go in one step, the first has it all.
    """

    user_id: str
    field: str
    item: Any
    last: float | None
    holds: bool = True
    forgotten: Forgotten | None = None


def _nothing() -> dict[Any, Any]:
    """An empty dict; to call ``dict[str, Any]`` takes four times as long."""
    return {}


class View(Protocol):
    """What the schema of a memory makes of what is stored."""

    def load(self, document: Mapping[str, Any]) -> Any:
        """A document as an instance of the schema's own type."""
        ...

    def text(self, one: Recalled, max_tokens: int) -> Any:
        """The profile as text for a prompt, with what it shows."""
        ...

    def dates(self, one: Recalled) -> Sequence[Dated]:
        """Each value with its times."""
        ...


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
        waiting: Changes that wait for a person, newest first, as far as the memory tells its bot.
        shared: What the memory's owner wrote down for everybody, if there is such a profile.
        times: The stamps of fields and of items, as they are stored.
        about: What the profile is to be shown for, such as the user's last words: of what there is
            no room for, the items that say most about it come first.
    """

    document: Mapping[str, Any]
    revision: int = 0
    updated_at: float | None = None
    pending: int = 0
    tail: tuple[Said, ...] = ()
    earlier: tuple[Revision, ...] = ()
    waiting: tuple[Applied, ...] = ()
    shared: Mapping[str, Any] = field(default_factory=_nothing)
    times: Mapping[str, Mapping[str, float]] = field(default_factory=_nothing, repr=False)
    about: str = ""
    at: float | None = field(default=None, compare=False)
    view: View | None = field(default=None, repr=False, compare=False)
    _texts: dict[int, Any] = field(default_factory=_nothing, repr=False, compare=False)

    @property
    def value(self) -> Any:
        """The profile as an instance of the schema's own type."""
        return self.view.load(self.document) if self.view else self.document

    @property
    def stamps(self) -> dict[str, dict[str, float]]:
        """For each field, when it was last ``learned``, ``confirmed`` and ``edited`` by hand.

        As far as it was: fields that nobody has heard of have none.
        """
        return {
            field: {name: at for name, at in times.items() if "/" not in name}
            for field, times in self.times.items()
        }

    @property
    def dates(self) -> Sequence[Dated]:
        """Each value with the times when it was learned, confirmed and edited; and if it is old."""
        return self.view.dates(self) if self.view else ()

    def render(self, max_tokens: int = 1_000) -> str:
        """The profile as fenced reference data for a system message; empty if there is none.

        Args:
            max_tokens: Upper bound of the whole text, by an estimate of tokens.
        """
        return self._rendered(max_tokens).text if self.view else ""

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The values that stand in the text which `render` gave last, or gives by default."""
        budget = next(reversed(self._texts), 1_000)
        return self._rendered(budget).shown if self.view else ()

    def _rendered(self, max_tokens: int) -> Any:
        if type(max_tokens) is not int:
            raise InvalidInput(f"max_tokens is {max_tokens!r:.60}; it is a whole number")
        made = self._texts.pop(max_tokens, None)
        if made is None and self.view:
            made = self.view.text(self, max_tokens)
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

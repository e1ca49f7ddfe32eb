"""What a migration does to one stored document, and under which name it is remembered."""

from __future__ import annotations

import copy
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import TYPE_CHECKING, Any

from usermemory.changes.coerce import plain
from usermemory.errors import InvalidInput
from usermemory.messages import is_mapping
from usermemory.schema.lineage import (
    State,
    mapping_name,
    moves_of,
    renamed_history,
    state,
)
from usermemory.schema.renames import is_empty, renamed_times
from usermemory.why import evidence_of

if TYPE_CHECKING:
    from usermemory.records import Applied, Revision
    from usermemory.schema import Schema
    from usermemory.store.flows.profile import Profile

Move = Callable[[dict[str, Any]], Any]
"""Makes a stored document one of today's schema."""


@dataclass
class Task:
    """A mapping, a function, or neither: then what is stored is only accepted.

    Attributes:
        schema: Today's.
        mapping: Fields to move, old name to new.
        function: Makes the document instead.
        everyone: Whether the function takes users too who were begun under today's schema.
        some_behind: Whether somebody is there whom no function has brought to today's schema, or
            was when this began; None as long as nobody had to know.
    """

    schema: Schema
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    function: Move | None = None
    everyone: bool = False
    some_behind: bool | None = None

    @property
    def name(self) -> str:
        """By which a user's history tells that it was done."""
        return mapping_name(self.mapping) if self.function is None else name_of(self.function)

    def state(self, history: Sequence[Revision]) -> State:
        """How a user of this history stands to it; a mapping asks only what is stored."""
        if self.function is None:
            return "behind"
        found = state(history, self.name, self.schema.fingerprint)
        return "behind" if found == "begun" and self.everyone else found

    def is_told(self, history: Sequence[Revision], profile: Profile) -> bool:
        """Whether there is nothing to note where nothing changes: no value, no past, no schema."""
        if self.function is not None or profile.fingerprint != self.schema.fingerprint:
            return False
        gone = self.mapping.keys() - self.schema.fields.keys()
        return not any(
            change.field in gone
            for revision in renamed_history(self.schema, history)
            if not gone & moves_of(revision).keys()
            for change in revision.changes
        )

    def made(self, user_id: str, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What it makes of a document.

        Raises:
            InvalidInput: The function fails, or makes no document; names the user.
        """
        document = copy.deepcopy(dict(stored))
        if self.function is None:
            return _moved(document, self.mapping)
        try:
            found = plain(self.function(document), "a document")
        except Exception as error:
            raise InvalidInput(
                f"the function fails for user {user_id!r}: {type(error).__name__}: {error}. "
                "What was migrated before stays so; mended, it goes on from here"
            ) from error
        if not is_mapping(found):
            made = type(found).__name__
            raise InvalidInput(f"the function made {made} of user {user_id!r}, no document")
        return dict(found)

    def stamps(self, stamps: Mapping[str, Any]) -> Mapping[str, Any]:
        """When fields were learned and edited, under today's names."""
        return renamed_times({**self.schema.old_names, **self.mapping}, stamps)


def _moved(document: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The document with values under new names, where these hold none."""
    for old, new in mapping.items():
        if not is_empty(document.get(old)) and is_empty(document.get(new)):
            document[new] = document.pop(old)
    return document


def with_words(
    changes: Sequence[Applied], history: list[Revision], stored: Mapping[str, Any]
) -> tuple[Applied, ...]:
    """The changes, each value that moved with the words it rests on where it stood before."""
    return tuple(_with_words(one, changes, history, stored) for one in changes)


def _with_words(
    change: Applied,
    every: Iterable[Applied],
    history: list[Revision],
    stored: Mapping[str, Any],
) -> Applied:
    if change.after is None:
        return change
    for other in every:
        if (
            other.before is not None
            and other.before == change.after
            and other.field != change.field
        ):
            words = evidence_of(history, stored, other.field, other.before)
            return replace(change, evidence=tuple(words))
    return change


def name_of(function: Any) -> str:
    """A function by its module and name, the same in every process.

    A lambda has no name: a digest of what it does stands for it.
    """
    inner: Any = getattr(function, "func", None)
    if inner is not None:  # functools.partial
        return f"{name_of(inner)}{(function.args, function.keywords)!r}"
    function = inspect.unwrap(function)
    name = f"{_told(function, '__module__')}:{_told(function, '__qualname__')}"
    code = getattr(function, "__code__", None)
    if "<lambda>" in name and code is not None:
        name += f"#{hashlib.sha256(_text(code).encode()).hexdigest()[:16]}"
    return name


def _told(function: Any, attribute: str) -> str:
    """Of an object that can be called, what its type says."""
    kind: Any = function.__class__
    return str(getattr(function, attribute, None) or getattr(kind, attribute))


def _text(code: CodeType) -> str:
    inner = [_text(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return repr((code.co_code, code.co_names, inner))

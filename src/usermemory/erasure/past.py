"""A field and its past without what was erased, whatever the schema thinks of the rest."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.diff import Collision, compare, finder, naming, put
from usermemory.erasure.target import Needles, Refusals
from usermemory.records import Applied, Evidence, OtherItem, Refused, Revision
from usermemory.refused import bare
from usermemory.schema.document import field_of
from usermemory.schema.form import identity, stored_value
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from usermemory.schema import Field, Schema

Wanted = AbstractSet[str]
"""What is to go, each by its `identity`."""


def without(field: Field, current: Any, wanted: Wanted) -> Any:
    """The field's value without some items, keys or properties; without anything for none.

    An item of a list is found by what it says or by its name; what is not there is no error.
    """
    empty = copy.deepcopy(field.default)
    match field.kind:
        case _ if not wanted:
            return empty
        case "scalar":
            return empty if identity(current) in wanted else current
        case "map":
            return {key: item for key, item in current.items() if identity(key) not in wanted}
        case "object":
            named = {key for key in field.keys if identity(key) in wanted}
            named |= {key for key, held in current.items() if identity(held) in wanted}
            named |= {key for key in current if identity(key) in wanted}
            rest = {key: held for key, held in current.items() if key not in named}
            defaults = {
                key: copy.deepcopy(field.keys[key].default) for key in named & field.keys.keys()
            }
            return {**rest, **defaults}
        case "list" | "objects":
            return [item for item in current if wanted.isdisjoint(_names(field, item))]


def taken(field: Field, current: Any, wanted: Wanted) -> tuple[Any, list[Applied], list[Applied]]:
    """The field's value without some other values, wherever these stand in it.

    Returns:
        What is left; the items, keys and properties that went; and what changed since the value
        stood inside of them.
    """
    rest = without(field, current, wanted)
    left = cleared(field, rest, wanted) if wanted else rest
    return left, removed(field, current, rest), removed(field, rest, left)


def cleared(field: Field, current: Any, wanted: Wanted) -> Any:
    """The field's value without what stands inside of its items: a property, a value of a map.

    An item goes whole where the schema demands the property, or nothing else is in it.
    """
    match field.kind:
        case "scalar":
            left = _without_inside(current, {}, wanted)
            return copy.deepcopy(field.default) if left is _NOTHING else left
        case "map":
            found = {key: _left(item, field.keys, wanted) for key, item in current.items()}
            return {key: item for key, item in found.items() if item is not _NOTHING}
        case "object":
            inner = {key: _left(item, _keys(field, key), wanted) for key, item in current.items()}
            return {
                key: _empty(field, key) if item is _NOTHING else item
                for key, item in inner.items()
                if item is not _NOTHING or key in field.keys
            }
        case "list" | "objects":
            items = [_without_inside(item, field.keys, wanted) for item in current]
            return [item for item in items if item is not _NOTHING]


def without_inside(field: Field, change: Applied, wanted: Wanted) -> Applied:
    """A past change of a field without what stood inside of its values."""
    if not wanted:
        return change
    keys = _keys(field, change.key or "") if field.kind == "object" else field.keys
    left = [_without_inside(side, keys, wanted) for side in (change.before, change.after)]
    if any(side is _NOTHING for side in left):
        return change
    return replace(change, before=left[0], after=left[1])


_NOTHING: Any = object()


def _left(value: Any, keys: Mapping[str, Field], wanted: Wanted) -> Any:
    """A value without what is wanted, `_NOTHING` if it is that."""
    return _NOTHING if identity(value) in wanted else _without_inside(value, keys, wanted)


def _without_inside(value: Any, keys: Mapping[str, Field], wanted: Wanted) -> Any:
    """A value without what is wanted in it; `_NOTHING` where it cannot be without."""
    if is_list(value):
        items = [_left(item, keys, wanted) for item in value]
        kept = [item for item in items if item is not _NOTHING]
        return kept if kept or not value else _NOTHING
    if not is_object(value):
        return value
    found: dict[str, Any] = {}
    for key, part in value.items():
        known = keys.get(key)
        if known is None and identity(key) in wanted:
            continue
        left = _left(part, {} if known is None else known.keys, wanted)
        if left is not _NOTHING:
            found[key] = left
        elif known is not None and known.required:
            return _NOTHING
        elif known is not None and identity(known.default) not in wanted:
            found[key] = copy.deepcopy(known.default)
    return found if found or not value else _NOTHING


def _keys(field: Field, key: str) -> Mapping[str, Field]:
    return field.keys[key].keys if key in field.keys else {}


def _empty(field: Field, key: str) -> Any:
    return copy.deepcopy(field.keys[key].default)


def value_before(field: Field, current: Any, change: Applied) -> Any:
    """The field's value without what this change put there; as it is, if it is not there now."""
    if change.after is None:
        return current
    try:
        return put(field, current, replace(change, before=change.after, after=None))
    except Collision:
        return current


def removed(field: Field, before: Any, after: Any) -> list[Applied]:
    """What went, by value."""
    return [one for one in compare(field, before, after) if one.before is not None]


def subject_of(field: Field | None, change: Applied, value: Any) -> Any:
    """What a tombstone is made of: the value, with its key where that is a part of what it says."""
    if change.key is not None and field is not None and field.kind in {"map", "object"}:
        return [change.key, value]
    return value


def _names(field: Field, item: Any) -> set[str]:
    names = {identity(item)}
    if (name := naming(field, item)) is not None:
        names.add(identity(name))
    return names


EVERY = frozenset({"before", "after", "key", "index"})
"""All that a change tells, but for its field and action."""


@dataclass(slots=True)
class Past:
    """Past revisions that held it, rewritten.

    Attributes:
        revisions: Their changes, by number.
        changes: How many lost their values.
        quotes: How many quotes went.
        threads: Where those were said.
        elsewhere: Other fields that mention it now, and keep it.
        others: Other items that stay and lose quotes.
    """

    revisions: dict[int, tuple[Applied, ...]] = field(default_factory=dict[int, Any])
    changes: int = 0
    quotes: int = 0
    threads: set[str] = field(default_factory=set[str])
    elsewhere: set[str] = field(default_factory=set[str])
    others: list[OtherItem] = field(default_factory=list[OtherItem])


def scrubbed(
    revisions: Iterable[Revision],
    document: Mapping[str, Any],
    schema: Schema,
    cut: Callable[[Applied], Applied],
    parts: Callable[[Applied], frozenset[str]],
    taught: Callable[[Evidence], bool],
    values: Needles,
    quotes: Needles,
) -> Past:
    """Rewrite what is affected.

    Args:
        revisions: All of a user's.
        document: The profile as it will be.
        schema: The profile's.
        cut: A change without what goes from the inside of its values.
        parts: Which parts of a change go.
        taught: Whether a quote goes, whatever it says.
        values: Texts that must not be left.
        quotes: The same.
    """
    past, held_now = Past(), _Held(document, schema)

    def goes(evidence: Evidence, *, stays: bool) -> bool:
        said = evidence.quote
        named = taught(evidence) or values.in_text(said)
        # A quote that another item rests on too stays with it, unless it names what goes.
        return named or (not stays and quotes.in_text(said))

    def unasked(evidence: Evidence) -> Evidence:
        asked = evidence.question
        held = bool(asked) and (values.in_text(asked) or quotes.in_text(asked))
        return replace(evidence, question="") if held else evidence

    def rewritten(told: Applied) -> Applied:
        gone, change = parts(told), cut(told)
        if not gone and values.in_value(change.before, change.after, change.key):
            stays = held_now.has(change)
            gone = EVERY
            if stays:  # what the profile holds now, not what that took the place of
                gone = frozenset({"before"} if values.in_value(change.before) else ())
                past.elsewhere |= (
                    {change.field} if values.in_value(change.after, change.key) else set()
                )
        held = not gone and held_now.has(change)
        lost = [
            e for e in change.evidence if not e.erased and ("after" in gone or goes(e, stays=held))
        ]
        if held and lost:
            past.others.append(OtherItem(change.field, change.after, len(lost)))
        past.quotes += len(lost)
        past.threads |= {evidence.thread_id for evidence in lost}
        past.changes += bool(gone) or change != told
        evidence = tuple(
            replace(e, quote="", question="", erased=True) if e in lost else unasked(e)
            for e in change.evidence
        )
        blank: dict[str, Any] = dict.fromkeys(gone)
        erased = change.erased or bool(gone)
        return replace(change, **blank, evidence=evidence, erased=erased)

    for revision in revisions:
        changes = tuple(map(rewritten, revision.changes))
        if changes != revision.changes:
            past.revisions[revision.number] = changes
    return past


def sides(change: Applied, goes: Callable[[Any], bool]) -> frozenset[str]:
    """Which parts of a change go with its values: a side that was replaced goes by itself."""
    before = change.before is not None and goes(change.before)
    after = change.after is not None and goes(change.after)
    if before and after:
        return EVERY
    if after:
        return EVERY if change.before is None else frozenset({"after"})
    if before:
        return EVERY if change.after is None else frozenset({"before"})
    return frozenset()


def scrubbed_refusals(
    refused: Iterable[Refusals],
    values: Needles,
    quotes: Needles,
    heard: Callable[[Refusals], bool],
    about: Callable[[Refused], bool],
) -> Sequence[Refusals]:
    """Those that held it, without it; what was refused for which reason stays.

    Args:
        refused: All of a user's.
        values: Texts that must not be left.
        quotes: The same.
        heard: Whether it was read from what is erased: whatever it quotes goes.
        about: Whether a refused change is about what is erased, in whatever words.
    """

    def holds(*texts: Any) -> bool:
        return values.in_value(*texts) or quotes.in_value(*texts)

    def without(one: Refused, *, all_goes: bool) -> Refused:
        change = one.change
        parts = (change.value, change.key, change.quote, one.detail)
        if one.reason == "unknown_field" and holds(change.field.replace("_", " ")):
            return bare(replace(one, change=replace(change, field="")))
        return bare(one) if all_goes or about(one) or holds(*parts) else one

    def rewritten(batch: Refusals) -> Refusals:
        all_goes = heard(batch)
        return replace(
            batch,
            rejections=tuple(without(one, all_goes=all_goes) for one in batch.rejections),
            error="" if all_goes or holds(batch.error) else batch.error,
        )

    return [new for old in refused if (new := rewritten(old)) != old]


class _Held:
    """What a profile holds, each list of it read once, however many changes are looked for.

    Args:
        document: The profile.
        schema: Today's.
    """

    def __init__(self, document: Mapping[str, Any], schema: Schema) -> None:
        self._document = document
        self._schema = schema
        self._finders: dict[str, Callable[[Any], int | None]] = {}

    def has(self, change: Applied) -> bool:
        """Whether what a change made is in the profile now."""
        held = self._document.get(change.field)
        if held is None or change.after is None:
            return False
        if change.field in self._finders:
            return self._finders[change.field](change.after) is not None
        known = field_of(self._schema, change.field, held)
        current = stored_value(known, held)
        if known.kind in {"list", "objects"}:
            self._finders[change.field] = finder(known, current)
            return self.has(change)
        held = current.get(change.key) if is_object(current) and change.key else current
        return identity(held) == identity(change.after)

"""What a tidy pass is shown, and what of its answer is a proposal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from usermemory.changes import Unfit, apply, proposed
from usermemory.changes.diff import naming
from usermemory.judge.passages import hidden_in
from usermemory.judge.second_look import unsaid
from usermemory.past import Origins
from usermemory.prompt.batch import harmless, one_line
from usermemory.records import Applied, Change, Evidence, Reason, Refused, Revision
from usermemory.schema.answer_form import closed, nullable, one_of
from usermemory.schema.form import fold_outer
from usermemory.schema.shape import canonical, is_list, is_object
from usermemory.store.flows.review import Draft
from usermemory.text import folded_words, is_nothing, leaves, pairs, tokens

if TYPE_CHECKING:
    from usermemory.records import Action, ProposalKind
    from usermemory.schema import Field

ROOM = 24_000
"""Tokens of items that one pass looks at, by estimate; of what is beyond, the newest wait."""

_LONGEST_QUOTE = 200
_LONGEST_WHY = 300
_SHORTEST = 4
_KINDS: tuple[ProposalKind, ...] = ("merge", "shorten", "end", "conflict")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is known.

    Attributes:
        field: Of the schema.
        value: It: the item of a list, the value under a key, or all of a single field.
        key: The key of a map, or the property of an object.
        evidence: The user's words behind it, the newest first.
    """

    field: Field
    value: Any
    key: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def at(self) -> float | None:
        """When the user said it last."""
        return max((one.at for one in self.evidence if one.at is not None), default=None)

    @property
    def words(self) -> list[str]:
        """All words of its value, folded."""
        return [word for leaf in leaves(self.value) for word in folded_words(str(leaf))]


class Unusable(Exception):
    """A proposal that is not made, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self._reason: Reason = reason

    def refused(self, given: Mapping[str, Any], items: Sequence[Item]) -> Refused:
        """The same as a refused change of the first item that it is about."""
        numbers = [one for one in _numbers(given.get("items")) if 1 <= one <= len(items)]
        item = items[numbers[0] - 1] if numbers else None
        name, value, key = (item.field.name, item.value, item.key) if item else ("", None, None)
        told = f"tidy, {given.get('kind')}: {self}"
        return Refused(Change(name, "remove", value, key=key), self._reason, told)


def items_of(
    fields: Mapping[str, Field], document: Mapping[str, Any], history: Sequence[Revision]
) -> Iterator[Item]:
    """What is known and a model may tidy, in the schema's order."""
    origins = Origins(history)
    for known in fields.values():
        held = document.get(known.name)
        if is_nothing(held) or not known.settings.ask or known.settings.protect:
            continue
        for key, value in _parts(known, held):
            item = value if key is None else key
            words = origins.evidence(document, known.name, item)
            yield Item(known, value, key, tuple(one for one in words if not one.erased))


def _parts(known: Field, held: Any) -> Iterable[tuple[str | None, Any]]:
    if known.kind in ("list", "objects"):
        return ((None, item) for item in held)
    if known.kind in ("map", "object"):
        return ((key, part) for key, part in held.items() if not is_nothing(part))
    return [(None, held)]


def shown_items(items: Iterable[Item]) -> list[Item]:
    """As many as one pass looks at, those that were said longest ago first to be kept."""
    every = list(items)
    by_age = sorted(range(len(every)), key=lambda at: every[at].at or 0.0)
    room, kept = ROOM, set[int]()
    for at in by_age:
        room -= tokens(_line(0, every[at]))
        if room < 0:
            break
        kept.add(at)
    return [item for at, item in enumerate(every) if at in kept]


def asked_items(items: Sequence[Item], now: float) -> str:
    """The day and the numbered items."""
    lines = [_line(number, item) for number, item in enumerate(items, start=1)]
    return "\n".join([f"Today: {_day(now)}", *lines])


def _line(number: int, item: Item) -> str:
    where = item.field.name if item.key is None else f"{item.field.name} {one_line(item.key)}"
    parts = [f"{number}. {harmless(where)}: {one_line(item.value)}"]
    if item.at is not None:
        parts.append(_day(item.at))
    parts += [one_line(one.quote[:_LONGEST_QUOTE]) for one in item.evidence[:2]]
    return " | ".join(parts)


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def tidy_form() -> dict[str, Any]:
    """The JSON Schema of the answer."""
    numbers = {"type": "array", "items": {"type": "integer"}}
    proposal = closed(
        {
            "kind": one_of(list[str](_KINDS)),
            "items": numbers,
            "because": numbers,
            "value": nullable({"type": "string"}),
            "why": {"type": "string"},
        }
    )
    return {
        "title": "tidy",
        "description": "What to merge, shorten or end; an empty list for a tidy profile.",
        **closed({"proposals": {"type": "array", "items": proposal}}),
    }


def _numbers(given: Any) -> list[int]:
    listed = given if is_list(given) else [given]
    return [int(one) for one in listed if isinstance(one, int) or str(one).isdecimal()]


def draft_of(
    given: Mapping[str, Any], items: Sequence[Item], used: Collection[int] = ()
) -> tuple[list[int], Draft]:
    """One proposal of a model's answer, if it is one.

    Args:
        given: As the form has it.
        items: What the model was shown.
        used: Numbers of items that stand in another proposal.

    Returns:
        The numbers of its items, and what it would do.

    Raises:
        Unusable: It is none, loses something, or brings in words of its own.
    """
    kind, numbers = given.get("kind"), list(dict.fromkeys(_numbers(given.get("items"))))
    because = [one for one in _numbers(given.get("because")) if one not in numbers]
    if kind not in _KINDS:
        raise Unusable("unfit_action", "no such kind")
    if not numbers or not all(1 <= one <= len(items) for one in [*numbers, *because]):
        raise Unusable("item_not_there", "a number that no item has")
    if not set(used).isdisjoint(numbers):
        raise Unusable("contradicted", "an item stands in another proposal")
    meant = [items[one - 1] for one in numbers]
    reasons = [items[one - 1] for one in because]
    value = given.get("value")
    if kind == "merge":
        changes = _merge(meant, value)
    elif len(meant) != 1:
        raise Unusable("unfit_action", "more than one item")
    elif kind == "shorten":
        changes = _shorten(meant[0], value)
    elif kind == "conflict" and not reasons:
        raise Unusable("unfit_action", "no item that it conflicts with")
    else:
        # What is over rests on its own words; what is doubtful on those that make it so, too.
        words = [*reasons, meant[0]] if kind == "conflict" else meant
        changes = [_taken_out(meant[0], _evidence(words))]
    why = " ".join(harmless(str(given.get("why") or "")).split())[:_LONGEST_WHY]
    return numbers, Draft(tuple(changes), kind, why, by="tidy")


def _evidence(items: Iterable[Item]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(one for item in items for one in item.evidence))


def _taken_out(item: Item, evidence: tuple[Evidence, ...]) -> Applied:
    known = item.field
    if known.kind in ("list", "objects"):
        named = naming(known, item.value)
        return Applied(known.name, "remove", item.value, None, named, 0, evidence)
    action: Action = "remove" if known.kind == "map" else "clear"
    return Applied(known.name, action, item.value, None, item.key, evidence=evidence)


def _put_in(item: Item, value: Any, evidence: tuple[Evidence, ...]) -> Applied:
    named = naming(item.field, value)
    return Applied(item.field.name, "add", None, value, named, 0, evidence)


def _merge(meant: Sequence[Item], value: Any) -> list[Applied]:
    first = meant[0]
    if len(meant) < 2 or any(item.field.name != first.field.name for item in meant):
        raise Unusable("unfit_action", "a merge takes two items of one field")
    if first.field.kind == "objects":
        merged: Any = _merged_objects(meant)
    elif first.field.kind == "list" and all(isinstance(item.value, str) for item in meant):
        merged = _own_words(value, meant)
    else:
        raise Unusable("unfit_action", f"items of {first.field.name} cannot be merged")
    out = [_taken_out(item, item.evidence) for item in meant]
    return [*out, _put_in(first, merged, _evidence(meant))]


def _merged_objects(meant: Sequence[Item]) -> dict[str, Any]:
    """All properties of the items: where two of them say something else, it is no merge."""
    by_age = sorted(meant, key=lambda item: item.at or 0.0, reverse=True)
    merged: dict[str, Any] = {}
    for item in by_age:
        for name, part in item.value.items():
            held = merged.get(name)
            if is_nothing(held):
                merged[name] = part
            elif is_list(held) and is_list(part):
                merged[name] = [*held, *(one for one in part if one not in held)]
            elif not is_nothing(part) and part != held and name != item.field.settings.key:
                raise Unusable("contradicted", f"they say different things of {name}")
    return merged


def _shorten(item: Item, value: Any) -> list[Applied]:
    if not isinstance(item.value, str):
        raise Unusable("unfit_action", "it is no text")
    shorter = _own_words(value, [item])
    if len(shorter) >= len(item.value):
        raise Unusable("too_long", "it is no shorter")
    if item.field.kind == "list":
        return [_taken_out(item, item.evidence), _put_in(item, shorter, item.evidence)]
    if item.field.kind == "scalar" or item.key is not None:
        action: Action = "update" if item.field.kind == "object" else "set"
        done = Applied(item.field.name, action, item.value, shorter, item.key)
        return [replace(done, evidence=item.evidence)]
    raise Unusable("unfit_action", "it cannot be shortened")


def _own_words(value: Any, meant: Sequence[Item]) -> str:
    """A text made of the items' own words, with no number changed or lost."""
    if not isinstance(value, str) or not value.strip():
        raise Unusable("no_value", "no value")
    if hidden_in(value):
        raise Unusable("disguised", "hidden characters")
    known = {word for item in meant for word in item.words}
    quoted = {word for item in meant for one in item.evidence for word in folded_words(one.quote)}
    if strange := _new_words(value, known | quoted):
        raise Unusable("not_said", f"words of its own: {', '.join(strange[:3])}")
    lost = {word for word in known if any(map(str.isdigit, word))} - set(folded_words(value))
    if lost:
        raise Unusable("contradicted", f"it loses {', '.join(sorted(lost)[:3])}")
    return value.strip()


def taken_by(draft: Draft) -> int:
    """How many values are fewer afterwards."""
    return sum((one.before is not None) - (one.after is not None) for one in draft.changes)


def _new_words(value: str, known: Collection[str]) -> list[str]:
    """The words of a text that are none of these, in any form; in unspaced scripts, the letters."""
    letters, joined = set("".join(known)), set(pairs(folded_words(value)))
    told = unsaid(Change("", "set", value), known)
    return [
        word
        for word in told
        if not (letters.issuperset(word) if word in joined else _with_particle(word, known))
    ]


def _with_particle(word: str, known: Collection[str]) -> bool:
    """Whether a known word stands in it, with no more around it than a particle."""
    return any(
        one in word and len(one) >= _SHORTEST and 3 * len(one) >= 2 * len(word) for one in known
    )


def loses_nothing(draft: Draft) -> bool:
    """Whether what stands in their place says all that goes, in the same words.

    As two items of a list are the same, and with hyphens inside of words for spaces: what holds
    another text whole may say the opposite of it, and a sign may be all that tells two apart.
    """
    (kept,) = [one.after for one in draft.changes if one.after is not None]
    gone = [one.before for one in draft.changes if one.before is not None]
    return (is_object(kept) or kept in gone) and all(_says(kept, one) for one in gone)


_JOINS = re.compile(r"(?<=[^\W\d_])[-‐‑'’](?=[^\W\d_])")


def _says(kept: Any, gone: Any) -> bool:
    if is_object(kept) and is_object(gone):
        parts = ((kept.get(name), part) for name, part in gone.items() if not is_nothing(part))
        return all(_says(one, part) for one, part in parts)
    if is_list(kept) and is_list(gone):
        return all(any(_says(one, part) for one in kept) for part in gone)
    if isinstance(kept, str) and isinstance(gone, str):
        return fold_outer(_JOINS.sub(" ", kept)) == fold_outer(_JOINS.sub(" ", gone))
    return canonical(kept) == canonical(gone)


def applied_to(document: Mapping[str, Any], draft: Draft, schema: Any) -> Mapping[str, Any]:
    """The document with the proposal, to see that it can be made."""
    for one in draft.changes:
        try:
            document, _ = apply(document, proposed(one), schema, one.evidence)
        except Unfit as unfit:
            raise Unusable(unfit.reason, unfit.detail) from unfit
    return document

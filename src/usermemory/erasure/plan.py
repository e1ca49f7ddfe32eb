"""What an erasure does to all that is kept of a user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from usermemory.changes.apply import field_for
from usermemory.erasure.item import check_item, is_no_item, meant, strings, telling
from usermemory.erasure.past import (
    EVERY,
    Past,
    removed,
    scrubbed,
    scrubbed_refusals,
    sides,
    subject_of,
    taken,
    value_before,
    without_inside,
)
from usermemory.erasure.target import (
    Kept,
    Needles,
    OfMessage,
    OfThread,
    OfValue,
    Refusals,
    Stored,
    Target,
)
from usermemory.past import Origins
from usermemory.records import Applied, Evidence, Forgotten, Refused, Revision
from usermemory.schema.document import ASIDE, field_of, stand_in
from usermemory.schema.form import identity, stored_value
from usermemory.schema.renames import moved_names, renamed, renamed_history
from usermemory.schema.shape import canonical, is_object
from usermemory.text import leaves, words

if TYPE_CHECKING:
    from usermemory.schema import Schema

_TELLING = 4
"""Words from which on a message is looked for elsewhere: "Thanks!" is said in many threads."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written.

    Attributes:
        document: The profile without it.
        gone: What left the profile, already without its values.
        subjects: Field and value of each tombstone.
        revisions: The changes of those past revisions that held it, by number.
        messages: Messages that held it, and what is left of their text; None for nothing.
        refused: What consolidations refused, where that held it.
        waiting: The places of the proposals that held it.
        forgotten: The same in numbers.
    """

    document: Mapping[str, Any]
    gone: tuple[Applied, ...]
    subjects: tuple[tuple[str, Any], ...]
    revisions: Mapping[int, tuple[Applied, ...]]
    messages: Sequence[tuple[Kept, str | None]]
    refused: Sequence[Refusals]
    waiting: frozenset[int]
    forgotten: Forgotten


@dataclass(frozen=True, slots=True)
class _Picked:
    """What one kind of target means.

    Attributes:
        touched: The new values of fields.
        gone: What leaves the profile, by value.
        subjects: What must not come back.
        cut: A past change without what goes from the inside of its values.
        parts: Which parts of a past change go.
        taught: Whether a quote goes, whatever it says.
        values: Texts that go from everywhere.
        quotes: Quotes that go from everywhere.
        emptied: Whether a message goes as a whole.
        heard: Whether refused changes were read from what goes.
        about: Whether a refused change is about what goes.
    """

    touched: Mapping[str, Any]
    gone: Sequence[Applied]
    subjects: Sequence[tuple[str, Any]]
    cut: Callable[[Applied], Applied]
    parts: Callable[[Applied], frozenset[str]]
    taught: Callable[[Evidence], bool]
    values: Needles
    quotes: Needles
    emptied: Callable[[Kept], bool]
    heard: Callable[[Refusals], bool]
    about: Callable[[Refused], bool]


def plan(target: Target, stored: Stored, schema: Schema) -> Plan:
    """Work out an erasure.

    Args:
        target: What is to go.
        stored: All that is kept.
        schema: The profile's.
    """
    moved = moved_names(stored.revisions)
    stored = replace(
        stored,
        document=renamed(schema, stored.document),
        revisions=renamed_history(schema, stored.revisions),
    )
    if isinstance(target, OfValue):
        olds = {old for old, new in moved.items() if new == target.field}
        olds -= schema.fields.keys()
        picked = _value(target, stored, schema, frozenset(olds))
        if not picked.gone and (item := meant(target, stored, schema)) is not target:
            target, picked = item, _value(item, stored, schema, frozenset(olds))
    else:
        picked = _source(target, stored, schema)
    document = {**stored.document, **picked.touched}
    # A word that is no item takes nothing from those that are: only what waits to be read.
    loose = not picked.gone and is_no_item(target, stored, schema)
    past = _past(() if loose else stored.revisions, document, schema, picked)
    kept = (one for one in stored.messages if one.unread or not loose)
    messages = list(_messages(kept, picked))
    held = partial(
        scrubbed_refusals,
        values=picked.values,
        quotes=picked.quotes,
        heard=picked.heard,
        about=picked.about,
    )
    refused = held(stored.refused)
    waiting = frozenset(one.token for one in held(stored.waiting))
    if not (picked.gone or past.revisions or messages or refused or waiting):
        check_item(target, stored, schema)
    said_in = {kept.thread_id for kept, _ in messages} | past.threads
    said_in |= {one.thread_id for one in stored.waiting if one.token in waiting}
    return Plan(
        document=document,
        gone=tuple(_erased(change) for change in picked.gone),
        subjects=tuple(
            {(name, identity(one)): (name, one) for name, one in picked.subjects}.values()
        ),
        revisions=past.revisions,
        messages=messages,
        refused=refused,
        waiting=waiting,
        forgotten=Forgotten(
            values=len(picked.gone),
            changes=past.changes,
            quotes=past.quotes,
            messages=len({(kept.thread_id, kept.seq) for kept, _ in messages}),
            elsewhere=tuple(sorted(past.elsewhere | _elsewhere(target, document, picked))),
            others=tuple(past.others),
            threads=tuple(sorted(filter(None, said_in))),
            proposals=len(waiting),
        ),
    )


def _past(
    revisions: Sequence[Revision], document: Mapping[str, Any], schema: Schema, picked: _Picked
) -> Past:
    return scrubbed(
        revisions,
        document,
        schema,
        picked.cut,
        picked.parts,
        picked.taught,
        picked.values,
        picked.quotes,
    )


def _value(target: OfValue, stored: Stored, schema: Schema, olds: frozenset[str]) -> _Picked:
    """What is meant by a value; ``olds`` are the names a migration has moved the field from."""
    held = stored.document.get(target.field)
    field = field_of(schema, target.field, held)
    wanted = frozenset(map(identity, target.values))
    rest, gone, inside = taken(field, stored_value(field, held), wanted)
    # What nothing was taken from stays as it is stored, in whatever shape.
    kept = not (gone or inside) and field.name in stored.document
    touched = {field.name: held if kept else rest}
    for name, left, lost, changed in _besides(target.field, wanted, stored.document, schema):
        touched[name] = left
        gone += lost
        inside += changed
    past = [change for one in stored.revisions for change in one.changes] + [*stored.proposed]
    history = [change for change in past if change.field == field.name and target.value is None]
    subjects = [(field.name, subject_of(field, one, one.before)) for one in gone]
    subjects += [(field.name, subject_of(field, one, one.after)) for one in history if one.after]
    subjects += [(field.name, value) for value in target.values]
    subjects += [
        (old, value)
        for name, value in subjects
        for old in (*(schema.fields[name].settings.was if name in schema.fields else ()), *olds)
    ]
    left = {**stored.document, **touched}
    values = Needles(_texts(telling(field, subjects, left)), strings(left))
    names = {identity(value) for _, value in subjects}

    def goes(value: Any) -> bool:
        return value is not None and (identity(value) in names or values.in_value(value))

    def cut(change: Applied) -> Applied:
        mine = change.field == field.name or change.field in olds
        return without_inside(field, change, wanted) if mine else change

    def parts(change: Applied) -> frozenset[str]:
        if change.field != field.name and change.field not in olds:
            return frozenset()
        left = cut(change)
        if target.value is None or goes(change.key) or (left != change and _is_nothing(left)):
            return EVERY
        return sides(left, goes)

    origins = Origins(stored.revisions)
    behind = [evidence for one in gone for evidence in _behind(origins, stored, one)]
    behind += [
        evidence for change in past if "after" in parts(change) for evidence in change.evidence
    ]
    # "Yes" is said of many things.
    quotes = Needles(one.quote for one in behind if len(words(one.quote)) > 1)
    return _Picked(
        touched=touched,
        gone=[*gone, *inside],
        subjects=subjects,
        cut=cut,
        parts=parts,
        taught=lambda _: False,
        values=values,
        quotes=quotes,
        emptied=lambda _: False,
        heard=lambda _: False,
        about=partial(_about, target, field.name, goes),
    )


def _is_nothing(change: Applied) -> bool:
    """Whether a change does nothing any more."""
    return canonical(change.before) == canonical(change.after)


def _besides(
    where: str, wanted: frozenset[str], document: Mapping[str, Any], schema: Schema
) -> Iterable[tuple[str, Any, list[Applied], list[Applied]]]:
    """What else is kept of a field: under its old names, and set aside for it."""
    known = schema.fields.get(where)
    for old in known.settings.was if known else ():
        if old in document:
            field = stand_in(old, document[old])
            yield old, *taken(field, stored_value(field, document[old]), wanted)
    aside = document.get(ASIDE)
    if is_object(aside) and where in aside:
        items = stand_in(where, [])
        rest, gone, inside = taken(items, aside[where], wanted)
        yield ASIDE, {**aside, where: rest}, gone, inside


def _source(target: OfMessage | OfThread, stored: Stored, schema: Schema) -> _Picked:
    past = [change for revision in stored.revisions for change in revision.changes]
    alone = _taught_alone(past, target)

    def emptied(kept: Kept) -> bool:
        return target.taught(Evidence("", kept.thread_id, kept.message_id, kept.seq))

    def parts(change: Applied) -> frozenset[str]:
        return sides(change, lambda value: (change.field, identity(value)) in alone)

    touched: dict[str, Any] = {}
    subjects: list[tuple[str, Any]] = []
    for change in past:
        current = touched.get(change.field, stored.document.get(change.field))
        field = field_for(schema, change, current)
        if (field.name, identity(change.after)) not in alone:
            continue
        touched[field.name] = value_before(field, stored_value(field, current), change)
        subjects.append((field.name, subject_of(field, change, change.after)))
    gone = [
        one
        for name, rest in touched.items()
        if name in stored.document
        for field in [field_of(schema, name, stored.document[name])]
        for one in removed(field, stored_value(field, stored.document[name]), rest)
    ]
    told = [*past, *stored.proposed]
    quoted = (e.quote for change in told for e in change.evidence if target.taught(e))
    texts = (kept.text for kept in stored.messages if emptied(kept))
    said = Needles([*quoted, *(text for text in texts if len(words(text)) >= _TELLING)])
    return _Picked(
        touched=touched,
        gone=gone,
        subjects=subjects,
        cut=lambda change: change,
        parts=parts,
        taught=target.taught,
        values=Needles(()),
        quotes=said,
        emptied=emptied,
        heard=partial(_heard, target, stored.numbers),
        about=lambda _: False,
    )


def _about(target: OfValue, field: str, goes: Callable[[Any], bool], refused: Refused) -> bool:
    """Whether a refused change is about the erased field, or about the erased value of it."""
    change = refused.change
    if change.field != field:
        return False
    return target.value is None or goes(change.value) or goes(change.key)


def _heard(target: OfMessage | OfThread, numbers: frozenset[int], refused: Refusals) -> bool:
    """Whether refused changes were read from the erased thread or message.

    Of a proposal only the thread is known.
    """
    if refused.thread_id != target.thread_id:
        return False
    if isinstance(target, OfThread) or not refused.seqs:
        return True
    return not refused.seqs.isdisjoint(numbers)


def _taught_alone(past: Iterable[Applied], target: OfMessage | OfThread) -> set[tuple[str, str]]:
    """Fields and values that rest on nothing else."""
    alone: set[tuple[str, str]] = set()
    shared: set[tuple[str, str]] = set()
    for change in past:
        if change.after is not None and change.evidence:
            only = all(map(target.taught, change.evidence))
            (alone if only else shared).add((change.field, identity(change.after)))
    return alone - shared


def _behind(origins: Origins, stored: Stored, gone: Applied) -> list[Evidence]:
    """The words that a value of the profile rests on, those for what it refined too."""
    item = gone.before if gone.key is None or gone.index is not None else gone.key
    return origins.evidence(stored.document, gone.field, item)


def _messages(messages: Iterable[Kept], picked: _Picked) -> Iterable[tuple[Kept, str | None]]:
    for kept in messages:
        if picked.emptied(kept):
            yield kept, None
            continue
        text = picked.values.masked(picked.quotes.masked(kept.text))
        if text != kept.text:
            yield kept, text


def _elsewhere(target: Target, document: Mapping[str, Any], picked: _Picked) -> set[str]:
    """Other fields that mention the value, as a part of what they say, and keep it."""
    if not isinstance(target, OfValue):
        return set()
    mentioned = Needles(_texts(picked.subjects))
    return {
        name
        for name, value in document.items()
        if name not in picked.touched and mentioned.in_value(value)
    }


def _texts(subjects: Iterable[tuple[str, Any]]) -> Iterable[str]:
    """Numbers alone are in too many texts; what was said of them goes with its quotes."""
    return (leaf for _, value in subjects for leaf in leaves(value) if isinstance(leaf, str))


def _erased(change: Applied) -> Applied:
    return replace(change, before=None, after=None, key=None, index=None, evidence=(), erased=True)

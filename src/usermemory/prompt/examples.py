"""Worked examples for any schema, derived from its fields.

The order was measured on a small model (the last example weighs most): nothing to change; a
relative's facts; a change and a removal; several facts on an empty profile. What was also measured:
a model that sees one fact a sentence quotes whole sentences, and leaves out all but their first
fact; so the last example has several in one sentence, each with words of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes import Unfit, apply
from usermemory.prompt.example import Example
from usermemory.prompt.fields import asked_fields
from usermemory.prompt.phrases import Phrases, keyed, phrases
from usermemory.prompt.profile import visible
from usermemory.records import Action, Author, Change, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from usermemory.schema import Field, Schema

_MONDAY = 1_740_996_900.0  # 2025-03-03 10:15 UTC
_MOST_FACTS = 8
_PET = "Has a cat called Pip"
_Told = list[tuple["Field", Phrases]]


def derived(schema: Schema) -> tuple[Example, ...]:
    """Four examples that fit the schema; the same ones each time."""
    told = [(one, found) for one in asked_fields(schema) if (found := phrases(one)) is not None]
    # What a person wrote comes first, then what the schema's author gave; else the schema's order.
    told.sort(key=lambda pair: (not pair[1].natural, not pair[0].settings.examples))
    known = visible(schema, _made(schema, schema.empty(), _first_facts(told))[0])
    return (
        _nothing(known),
        _relative(schema, known),
        _moved_on(schema, known, told),
        _newcomer(schema, told),
    )


def _nothing(known: Mapping[str, Any]) -> Example:
    said = _talk(
        ("user", "How long does cooked rice keep in the fridge?"),
        ("assistant", "About four days. I'm Robin, by the way, and I love sailing!"),
        ("user", "haha ok. And if I were a pirate called Redbeard, aged 400?"),
    )
    return Example(said, (), known)


def _relative(schema: Schema, known: Mapping[str, Any]) -> Example:
    said = _talk(
        ("user", "My grandmother Ida is 81 and used to teach physics in Oslo."),
        ("assistant", "What a life!"),
        ("user", "She still swims every morning."),
    )
    value = "Grandmother Ida is 81, used to teach physics in Oslo and swims every morning"
    quote = "My grandmother Ida is 81 and used to teach physics in Oslo"
    return Example(said, _made(schema, known, _of_others(schema, value, quote))[1], known)


def _of_others(schema: Schema, value: str, quote: str) -> list[Change]:
    """Somebody else's fact, if a field takes such facts."""
    for one in asked_fields(schema):
        if one.settings.about == "anyone" and one.kind in ("scalar", "list"):
            action: Action = "add" if one.kind == "list" else "set"
            return [Change(one.name, action, value, quote, "other")]
    return []


def _moved_on(schema: Schema, known: Mapping[str, Any], told: _Told) -> Example:
    scalars = [pair for pair in told if pair[0].kind == "scalar"]
    moving = [pair for pair in scalars if pair[1].changes] or scalars[:1]
    wanted = [Change(one.name, "set", found.values[1], found.says[1]) for one, found in moving[:3]]
    for pet in _of_others(schema, _PET, ""):
        if pet.action == "add":
            known, _ = _made(schema, known, [pet])
            wanted.append(replace(pet, action="remove", quote="our cat Pip died in spring"))
    lists = [pair for pair in told if pair[0].kind == "list"]
    for one, found in lists[:1]:
        wanted += [
            Change(one.name, "remove", found.values[0], found.ends),
            Change(one.name, "add", found.values[1], found.says[1]),
        ]
    return _conversation(schema, known, wanted)


def _newcomer(schema: Schema, told: _Told) -> Example:
    empty = visible(schema, schema.empty())
    facts = _first_facts(told)
    short = {found.says[0]: found.short for _, found in told[1:] if found.short}
    facts = [replace(fact, quote=short.get(fact.quote, fact.quote)) for fact in facts]
    others = _of_others(schema, "Sister Ana is a chef", "my sister Ana is a chef")
    return _conversation(schema, empty, [*facts[:_MOST_FACTS], *others])


def _first_facts(told: _Told) -> list[Change]:
    return [change for one, found in told for change in _facts(one, found)]


def _facts(one: Field, found: Phrases) -> list[Change]:
    value, quote = found.values[0], found.says[0]
    if one.kind in ("list", "objects"):
        return [Change(one.name, "add", value, quote)]
    if one.kind == "map":
        return [Change(one.name, "set", value, keyed(one, "spring", value), key="spring")]
    if one.kind == "object":
        return [
            Change(one.name, "update", inner, keyed(one, key, inner), key=key)
            for key, inner in value.items()
            if one.keys[key].kind == "scalar" and inner is not None
        ]
    return [Change(one.name, "set", value, quote)]


def _conversation(schema: Schema, known: Mapping[str, Any], wanted: Sequence[Change]) -> Example:
    """The quotes of the changes, spread over two messages by the user."""
    made = _made(schema, known, wanted)[1]
    quotes = list(dict.fromkeys(change.quote for change in made))
    half = (len(quotes) + 1) // 2
    said = _talk(
        ("user", f"hi! {', '.join(quotes[:half])}"),
        ("assistant", "Good to know. I'm fond of chess myself."),
        ("user", ", ".join([*quotes[half:], "what else is new?"])),
    )
    return Example(said, made, known)


def _made(
    schema: Schema, document: Mapping[str, Any], wanted: Iterable[Change]
) -> tuple[Mapping[str, Any], tuple[Change, ...]]:
    """Apply what the schema takes; an example that it would refuse is not shown."""
    made: list[Change] = []
    for change in wanted:
        try:
            document, _ = apply(document, change, schema)
        except Unfit:
            continue
        made.append(change)
    return document, tuple(made)


def _talk(*said: tuple[Author, str]) -> tuple[Message, ...]:
    return tuple(
        Message(author, text, at=_MONDAY + 60 * minute)
        for minute, (author, text) in enumerate(said)
    )

"""The one form in which a document is kept, and the way back to the source's own form.

Kept documents have every field; only single values are ever null; a list holds each item once.
So a change, its undoing and its JSON patch never meet a missing parent or an ambiguous item.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections import Counter, defaultdict
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from usermemory.schema.fields import NAMING
from usermemory.schema.renames import is_empty
from usermemory.schema.shape import Json, are_texts, canonical, is_list, is_object, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usermemory.schema.fields import Field


_MARKS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | {"\u1e9e": "\u00df"}
)
"""Marks that a typographer chooses: quotation marks, apostrophes, dashes; and the capital ß."""

_ENDS = " .!?,;:‽、。،؛؟۔।॥։՞՜።፣፤፥፦፧၊။។៕"
"""What ends or parts sentences. Other signs say something: "C++", "C#", "50%", "A-", "6'"."""

_STARTS = " ¿¡"
_PAIRS = {
    pair[0]: pair[1]
    for pair in [
        "()",
        "[]",
        "{}",
        "<>",
        "「」",
        "『』",
        "【】",
        "《》",
        "〈〉",
        '""',
        "''",
        "``",
        "**",
    ]
}
_BULLET = re.compile(r"\A[-*•·] (?=\D)")
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_OF_ITS_OWN = ("<super>", "<sub>", "<fraction>")


def fold(text: str) -> str:
    """The text without differences of case, width, composition and whitespace."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fold_outer(text: str) -> str:
    """What makes a text the same thing: letters, numbers and inner signs as they are.

    Case, width, composition, white space and typographic marks fold, and so does the punctuation
    around. Diacritics stay, and so does ß, which is a letter of its own ("Maße", "Masse"); 10² is
    not 102. A text of nothing but punctuation stays as it is.
    """
    if not text.isascii():
        text = _plain_forms(text)
    elif text[:1].isalnum() and text[-1:].isalnum() and text.isprintable() and "  " not in text:
        return text.lower()  # as most are: nothing is there that the rest takes off
    return _bare(" ".join(text.lower().split()))


def _plain_forms(text: str) -> str:
    """Letters in one width and composition, in lower case, with plain marks."""
    if not unicodedata.is_normalized("NFKC", text):  # few are not, and they take longer
        text = "".join(map(_plain_form, unicodedata.normalize("NFC", text)))
    forms = text.translate(_MARKS)
    folded = "ß".join(part.casefold() for part in forms.split("ß"))
    return unicodedata.normalize("NFC", folded)


def _plain_form(character: str) -> str:
    if unicodedata.decomposition(character).startswith(_OF_ITS_OWN):
        return character
    return unicodedata.normalize("NFKC", character)


def _bare(text: str) -> str:
    """The text without the punctuation around it, however much; the last of it stays."""
    while True:
        rest = _unwrapped(_BULLET.sub("", text.rstrip(_ENDS).lstrip(_STARTS)))
        if rest in ("", text):
            return text
        text = rest


def _unwrapped(text: str) -> str:
    """The text without one pair of marks around all of it: not of "(a) or (b)"."""
    inner = text[1:-1]
    if not inner or _PAIRS.get(text[0]) != text[-1]:
        return text
    marks = _APOSTROPHE.sub("", inner)
    return text if text[0] in marks or text[-1] in marks else inner


def kept_all(fields: Mapping[str, Field], document: Mapping[str, Any]) -> Json:
    """Every field of a document, or every property of an object, in the schema's order."""
    return {
        name: kept(field, document[name]) if name in document else copy.deepcopy(field.default)
        for name, field in fields.items()
    }


def kept(field: Field, value: Any) -> Any:
    """The value of a field as documents keep it."""
    if field.kind == "scalar":
        return parsed(value, field.value_schema.get("type", "string"))
    if field.kind in {"list", "objects"}:
        value = parsed(value, "array")
        items = [] if value is None else value if is_list(value) else [value]
        return _once([item for item in items if item is not None])
    value = parsed(value, "object")
    if value is None:
        return {} if field.kind == "map" else kept_all(field.keys, {})
    if not is_object(value):
        return value
    if field.kind == "map":
        return {key: item for key, item in value.items() if item is not None}
    return {**value, **kept_all(field.keys, value)}


def _once(items: list[Any]) -> list[Any]:
    """The items without those that are there before."""
    names = identities(items)
    if len({*names}) == len(names):
        return items
    once: Json = {}
    for name, item in zip(names, items, strict=True):
        once.setdefault(name, item)
    return list(once.values())


def sourced(fields: Mapping[str, Field], document: Mapping[str, Any], *, partial: bool) -> Json:
    """The document as the source's own type reads it.

    Args:
        fields: What the document may hold.
        document: A kept document, perhaps without some of its fields.
        partial: Leave out what is required and empty, so that its twin fills it in.
    """
    found: Json = {}
    for name, value in document.items():
        field = fields.get(name)
        if field is None:
            found[name] = value
        elif field.nullable and _empty(field, value):
            found[name] = None
        elif value is None or (partial and field.required and _empty(field, value)):
            continue
        elif field.kind == "object" and is_object(value):
            found[name] = sourced(field.keys, value, partial=partial)
        else:
            found[name] = value
    return found


def without_defaults(field: Field, value: Any) -> Any:
    """The value of a field as it is shown, where nothing was said of an object that may be null.

    Its own defaults do not stand for it: as in the source's own type, it is not there.
    """
    if field.kind != "object" or not is_object(value):
        return value
    if field.nullable and _empty(field, value):
        return None
    return {
        name: without_defaults(field.keys[name], part) if name in field.keys else part
        for name, part in value.items()
    }


def _empty(field: Field, value: Any) -> bool:
    """Nothing stands in it; for an object, nothing but its own defaults."""
    if field.kind == "object":
        return bool(value == kept_all(field.keys, {}))
    return value is None or value in ([], {})


def is_shaped(known: Field, stored: Any) -> bool:
    """Whether a stored value has the shape of a field, or says nothing."""
    if is_empty(stored):
        return True
    if known.kind in {"list", "objects"}:
        return is_list(stored)
    return is_object(stored) is (known.kind in {"map", "object"}) and not is_list(stored)


def is_displaced(known: Field, stored: Any) -> bool:
    """Whether a stored value has to make room: nothing of it can stay beside the new one."""
    return known.kind not in {"list", "objects"} and not is_shaped(known, stored)


def stored_value(known: Field, stored: Any) -> Any:
    """A stored value as a field of this kind holds it; misfits are still in it.

    What has another shape altogether is not: it is set aside as soon as something takes its place.
    """
    if known.kind in {"list", "objects"}:
        return list(stored) if is_list(stored) else [] if is_empty(stored) else [stored]
    if known.kind == "map":
        return stored if is_object(stored) else {}
    if known.kind == "object":
        inside = {name: copy.deepcopy(key.default) for name, key in known.keys.items()}
        held = stored if is_object(stored) else {}
        return {**inside, **{key: value for key, value in held.items() if value is not None}}
    return stored


def identity(item: Any) -> str:
    """What makes two items the same: equal after folding, letters and numbers as they are."""
    if isinstance(item, str):
        return fold_outer(item)
    if isinstance(item, float) and item.is_integer():
        return canonical(int(item))  # 72 and 72.0 are one number
    return canonical(item)


_BARE_EDGE = re.compile(r"\n(?:(?<![a-z0-9]\n)|(?![a-z0-9]))")
"""A line that begins or ends with another character than a letter or a number."""


def identities(items: Sequence[Any]) -> list[str]:
    """The `identity` of each; of many plain texts at once, in a fraction of the time."""
    if are_texts(items):
        joined = "\n".join(items)
        lower = joined.lower()
        lines = lower.split("\n")
        plain = joined.isascii() and joined.replace("\n", "").isprintable()
        if plain and len(lines) == len(items) and "  " not in joined:
            if not _BARE_EDGE.search(f"a\n{lower}\na"):
                return [*lines]
            return [
                line if line[:1].isalnum() and line[-1:].isalnum() else fold_outer(line)
                for line in lines
            ]
    return list(map(identity, items))


def naming_of(known: Field | None, item: Any) -> str | None:
    """What an object in a list goes by, folded; None for all else."""
    if not is_object(item):
        return None
    if known is not None and known.kind == "objects":
        name = item.get(known.settings.key or "")
    else:
        name = next((item[name] for name in NAMING if name in item), None)
    return None if name is None else identity(str(name))


def sources(known: Field | None, given: Sequence[Any], made: Sequence[Any]) -> list[list[int]]:
    """For each item that a schema made of a list, which given items it was.

    Validators sort, merge and drop: an item is those that say the same, else those of its name.
    What is left, if there are as many, stands in one order; else it came from nowhere.

    Args:
        known: The field of the list; None where the schema says nothing of it.
        given: The items before.
        made: The items that the schema made of them.
    """
    found: list[list[int]] = [[] for _ in made]
    left = [*range(len(given))]
    for says in (identity, partial(naming_of, known)):
        there: dict[str | None, list[list[int]]] = defaultdict(list)
        for places, item in zip(found, made, strict=True):
            if not places:
                there[says(item)].append(places)
        there.pop(None, None)
        taken: Counter[str | None] = Counter()
        for at in left:
            if same := there.get(name := says(given[at])):
                same[min(taken[name], len(same) - 1)].append(at)
                taken[name] += 1
        gone = {at for places in found for at in places}
        left = [at for at in left if at not in gone]
    bare = [places for places in found if not places]
    if len(bare) == len(left):
        for places, at in zip(bare, left, strict=True):
            places.append(at)
    return found


def ordered(schema: Mapping[str, Any], given: Any, found: Any) -> Any:
    """Sets come back from Python in any order: give their items the order they came in.

    Args:
        schema: Inlined JSON Schema of the value.
        given: The value before Python read it; None if it came from Python: sets are then sorted.
        found: The value as Python wrote it.
    """
    for part in schema.get("anyOf", ()):
        found = ordered(part, given, found)
    if is_object(found):
        before = given if is_object(given) else {}
        inside, other = schema.get("properties", {}), schema.get("additionalProperties")
        rest: Json = other if is_object(other) else {}
        return {
            name: ordered(inside.get(name, rest), before.get(name), value)
            for name, value in found.items()
        }
    if not is_list(found):
        return found
    items: list[Any] = given if is_list(given) else []
    if schema.get("uniqueItems"):
        places = {canonical(item): place for place, item in enumerate(items)}
        return sorted(
            found, key=lambda item: (places.get(canonical(item), len(places)), canonical(item))
        )
    pairs = zip_longest(items[: len(found)], found)
    return [ordered(schema.get("items", {}), *pair) for pair in pairs]

"""What a search or a listing asks for: filters, words, patterns of namespaces."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

from langgraph.store.base import InvalidNamespaceError, MatchCondition, SearchItem

from usermemory.errors import InvalidInput
from usermemory.messages import is_mapping, is_sequence

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_EQUALITIES = {"$eq": True, "$ne": False}


def check_labels(namespace: Iterable[Any]) -> None:
    """See that a namespace is one.

    Raises:
        InvalidNamespaceError: A label is no text, empty, or has a period.
    """
    for label in namespace:
        if not isinstance(label, str) or not label or "." in label:
            raise InvalidNamespaceError(
                f"a label is a text without periods, not {label!r} in {namespace!r}; "
                "ProfileStore.namespace(user_id) writes one for any id"
            )


def check_filter(wanted: Any) -> None:
    """See that a filter is one.

    Raises:
        InvalidInput: It is no object.
    """
    if wanted is not None and not is_mapping(wanted):
        raise InvalidInput(f"a filter has values by key, and is not {wanted!r:.80}")


def check_conditions(conditions: Iterable[MatchCondition] | None) -> None:
    """See that patterns of namespaces are some.

    Raises:
        InvalidNamespaceError: A label of one is none.
        InvalidInput: One is neither a prefix nor a suffix.
    """
    for condition in conditions or ():
        check_labels(condition.path)
        if condition.match_type not in {"prefix", "suffix"}:
            raise InvalidInput(f"a namespace has no {condition.match_type!r}, a prefix or suffix")


def fits_filter(value: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Whether an item's value has all that a filter names.

    Args:
        value: The item's value.
        wanted: Values by key, or operators: ``{"age": {"$gte": 18}}``. An object stands for all
            that have these entries.

    Raises:
        InvalidInput: An operator that there is not.
    """
    return all(_equals(value.get(key), part) for key, part in (wanted or {}).items())


def _equals(value: Any, wanted: Any) -> bool:
    if is_mapping(wanted):
        if any(str(key).startswith("$") for key in wanted):
            return all(_meets(value, name, operand) for name, operand in wanted.items())
        return is_mapping(value) and all(_equals(value.get(k), part) for k, part in wanted.items())
    if is_sequence(wanted):
        return is_sequence(value) and list(value) == list(wanted)
    return bool(value == wanted)


def _meets(value: Any, name: str, operand: Any) -> bool:
    if name in _EQUALITIES:
        return bool(value == operand) is _EQUALITIES[name]
    if name not in _ORDERS:
        known = ", ".join([*_EQUALITIES, *_ORDERS])
        raise InvalidInput(f"a filter has no operator {name!r}; it has {known}")
    comparable = (_is_number(value) and _is_number(operand)) or (
        isinstance(value, str) and isinstance(operand, str)
    )
    return comparable and _ORDERS[name](value, operand)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def score(item: SearchItem, query: str) -> float:
    """The share of a query's words that stand in the item; 1 for a query without any.

    A word stands where a word of the item begins with it; in scripts beyond ASCII, some of which
    know no spaces, anywhere.
    """
    wanted = set(_words_of(query))
    if not wanted:
        return 1.0
    texts = [text.casefold() for text in _texts_of(item.value)]
    words = {word for text in texts for word in _words_of(text)}
    found = sum(
        any(word.startswith(one) for word in words)
        if one.isascii()
        else any(one in text for text in texts)
        for one in wanted
    )
    return found / len(wanted)


def _words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _texts_of(value: Any) -> Iterable[str]:
    """All that is known, with the names of what it is."""
    if is_mapping(value):
        for key, part in value.items():
            if not says_nothing(part):
                yield from (str(key), *_texts_of(part))
    elif is_sequence(value):
        for part in value:
            yield from _texts_of(part)
    elif value is not None:
        yield str(value)


def says_nothing(value: Any) -> bool:
    """Whether a field with this value says nothing."""
    if is_mapping(value):
        return all(says_nothing(part) for part in value.values())
    return value is None or value in ("", [])


def matches_all(namespace: tuple[str, ...], conditions: Iterable[MatchCondition] | None) -> bool:
    """Whether a namespace fits all patterns; ``*`` stands for any one label."""
    return all(_matches_one(namespace, condition) for condition in conditions or ())


def _matches_one(namespace: tuple[str, ...], condition: MatchCondition) -> bool:
    length = len(condition.path)
    if length > len(namespace):
        return False
    part = namespace[:length] if condition.match_type == "prefix" else namespace[-length:]
    pairs = zip(part, condition.path, strict=False) if length else ()
    return all(wanted in {"*", label} for label, wanted in pairs)

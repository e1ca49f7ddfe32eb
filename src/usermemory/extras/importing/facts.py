"""Lists of facts, as mem0 and other memories export them, read user by user: PURE.

A fact is a text, or an object with the text under one of `TEXT_KEYS`, or one whose keys are fields
of the schema. Facts stand in a list, under one of `LIST_KEYS`, or by user. Seen in 2026: mem0
(``results``, ``memory``), OpenMemory's backup (``memories``, ``content``, ``state``), agno
(``memory``, by user and id), Zep and Graphiti (``edges``, ``fact``, ``invalid_at``), Hindsight
(``results`` or ``items``, ``text``, ``mentioned_at``), LangGraph's stores (``value``), Vertex AI's
memory bank (``fact``, ``scope``), MemOS (``memory_detail_list``, ``memory_value``), Open WebUI
(``content``), Letta (``blocks`` or ``core_memory``, ``label``, ``value``), Memobase (``profiles``,
``topic``, ``sub_topic``), and the graph of MCP's memory server (``name``, ``observations``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from usermemory.errors import InvalidInput
from usermemory.extras.importing.fitting import Found, LeftOut
from usermemory.extras.importing.keys import (
    BESIDE,
    BESIDE_LIST,
    BOT_KEYS,
    BOT_LABELS,
    BOTS,
    DATE_KEYS,
    ENDED,
    LIST_KEYS,
    MESSAGE,
    NO_DATE,
    NO_FACT,
    NO_TEXT,
    OWNERLESS,
    PAIR_KEYS,
    PEOPLE_KEYS,
    TALK,
    TALK_KEYS,
    TEXT_KEYS,
    THING_KEYS,
    USER_KEYS,
    bare_key,
    by_bare_key,
    label_of,
    says_over,
    topic_of,
)
from usermemory.messages import is_mapping, is_sequence, moment
from usermemory.schema import Schema

_DEEPEST_FACT = 20
_KEYS = 10
"""Keys that are listed in a reason: enough to tell what it is."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds.

    Attributes:
        name: What to call it in errors.
        value: Its JSON; of JSON Lines the list of their values.
        unreadable: Lines that are no JSON.
    """

    name: str
    value: Any
    unreadable: tuple[LeftOut, ...] = ()


class _Owner(NamedTuple):
    """Whose something is, and of when, as far as what is around it says."""

    user: str | None = None
    at: float | None = None


def found_of(
    user_id: str, dated: Iterable[tuple[float | None, Any]], unreadable: Sequence[LeftOut] = ()
) -> Found:
    """What a source says about a user, from dated texts, which are notes, and objects, the parts.

    Args:
        user_id: Of whom.
        dated: When the source had each, in seconds since the epoch or None, and what it says.
        unreadable: What could not be made sense of, and why.
    """
    said = list(dated)
    notes = [(at, one) for at, one in said if isinstance(one, str)]
    parts = [(at, one) for at, one in said if not isinstance(one, str)]
    return Found(
        user_id,
        [part for _, part in parts],
        [note for _, note in notes],
        unreadable,
        [at for at, _ in parts],
        [at for at, _ in notes],
    )


def found_in(
    document: Document,
    schema: Schema,
    *,
    now: float,
    user: str | None = None,
    user_key: str | None = None,
) -> list[Found]:
    """What a document says about each user.

    Args:
        document: What was read.
        schema: The profile's: objects with its fields are parts of a profile.
        now: The time: what ends later has not ended.
        user: Whose all of it is.
        user_key: Where an item says whose it is, steps joined by periods; None for `USER_KEYS`.

    Raises:
        InvalidInput: It holds no list of facts, names several users beside ``user``, or none.
    """
    value = document.value
    if not is_sequence(value) and not is_mapping(value):
        raise InvalidInput(f"{document.name} holds no list of facts, only {value!r:.40}")
    if is_mapping(value) and value.get("format") == "usermemory":
        raise InvalidInput(
            f"{document.name} is an export of this package: usermemory profile import takes it"
        )
    facts = _Facts(schema, now, user_key)
    facts.left_out(None, *document.unreadable)
    facts.whole(value, _Owner(), people=True)
    if user is None:
        facts.check_owners(document.name)
        return facts.by_user()
    if len(facts.named) > 1:
        names = ", ".join(sorted(facts.named)[:3])
        raise InvalidInput(
            f"{document.name} names {len(facts.named)} users ({names} …): leave out the one user "
            "(user=, --user), or split it"
        )
    return facts.of_one(user)


class _Facts:
    """Facts as they are found, by user; None for those of whom nobody says whose they are."""

    def __init__(self, schema: Schema, now: float, user_key: str | None) -> None:
        self._fields = {*schema.fields, *schema.old_names}
        self._now = now
        self._path = user_key.split(".") if user_key else []
        self._aliases: dict[str, str] = {}
        self._kept: dict[str | None, list[tuple[float | None, Any]]] = {}
        self._left: dict[str | None, list[LeftOut]] = {}
        self._keys: dict[str, None] = {}
        self.named: set[str] = set()
        self._by_key: set[str] = set()

    def by_user(self) -> list[Found]:
        """What was found about each user, in the order of the document; nobody's last."""
        users = [user for user in dict.fromkeys([*self._kept, *self._left]) if user is not None]
        of_nobody = [LeftOut("", said, OWNERLESS) for _, said in self._kept.get(None, ())]
        of_nobody += self._left.get(None, [])
        found = [
            replace(
                found_of(user, self._kept.get(user, ()), self._left.get(user, ())),
                by_key=user in self._by_key,
            )
            for user in users
        ]
        return [*found, Found("", unreadable=of_nobody)] if of_nobody else found

    def of_one(self, user: str) -> list[Found]:
        """The same, where all is one user's."""
        kept = [one for facts in self._kept.values() for one in facts]
        return [found_of(user, kept, [one for left in self._left.values() for one in left])]

    def check_owners(self, name: str) -> None:
        """See that something says whose the facts are.

        Raises:
            InvalidInput: Nothing does; lists the keys that might.
        """
        if self._kept and not self.named:
            keys = f"; its items have {', '.join(list(self._keys)[:_KEYS])}" if self._keys else ""
            raise InvalidInput(
                f"nothing in {name} says whose the facts are: name the user (user=, --user), or "
                f"the key that says it (user_key=, --user-key){keys}"
            )

    def left_out(self, user: str | None, *left: LeftOut) -> None:
        """Note what is not read."""
        if left:
            self._left.setdefault(user, []).extend(left)

    def whole(self, value: Any, owner: _Owner, *, people: bool, depth: int = 0) -> None:
        """Read a list, an object, or where they may stand there objects by user."""
        if is_sequence(value):
            for one in value:
                self._one(one, owner, depth)
        elif people and is_mapping(value) and not self._is_item(value):
            listed = [one for name, one in value.items() if bare_key(name) in PEOPLE_KEYS]
            for one in listed:
                self._users(one, owner, depth + 1)
            if not listed and _is_nested(value):
                self._people(value, owner, depth)
            elif not listed:
                self._one(value, owner, depth)
        else:
            self._one(value, owner, depth)

    def _one(self, value: Any, owner: _Owner, depth: int, about: str = "") -> None:
        if isinstance(value, str):
            if value.strip():
                self._kept.setdefault(owner.user, []).append((owner.at, about + value))
        elif is_mapping(value) and depth < _DEEPEST_FACT:
            self._item(value, owner, depth)
        elif value is not None:
            self.left_out(owner.user, LeftOut("", value, NO_FACT))

    def _people(self, value: Mapping[str, Any], owner: _Owner, depth: int) -> None:
        """Objects by user, or by the id of a fact: what holds a text is one, and names no user."""
        for name, inner in value.items():
            whose = owner
            if owner.user is None and not (is_mapping(inner) and self._is_fact(inner)):
                whose = owner._replace(user=self._user(name))
                self._by_key.add(name)
            self.whole(inner, whose, people=whose != owner, depth=depth + 1)

    def _users(self, value: Any, owner: _Owner, depth: int) -> None:
        """Users by their ids, or records of users, in which what is known of each stands."""
        if is_mapping(value):
            self._people(value, owner, depth)
            return
        for one in value if is_sequence(value) else [value]:
            user = self._user(one) if is_mapping(one) else None
            self._one(one, owner._replace(user=user or owner.user), depth)

    def _is_fact(self, value: Mapping[str, Any]) -> bool:
        """Whether an object has a text, or says whose it is."""
        names = by_bare_key(value)
        return bool(self._text_in(names) or self._named_user(value, names))

    def _is_item(self, value: Mapping[str, Any]) -> bool:
        names = by_bare_key(value)
        known = not TALK_KEYS.isdisjoint(names) or any(name in names for name in LIST_KEYS)
        return known or bool(self._text_in(names)) or not self._fields.isdisjoint(value)

    def _item(self, item: Mapping[str, Any], outer: _Owner, depth: int) -> None:
        names = by_bare_key(item)
        if len(self._keys) < _KEYS:
            self._keys |= dict.fromkeys(item)
        owner = self._owner(item, names, outer)
        text = self._text_in(names)
        if self._has_ended(names):
            self.left_out(owner.user, LeftOut("", item, ENDED))
        elif text and self._is_message(text, names.get("role")):
            self.left_out(owner.user, LeftOut("", item, MESSAGE))
        elif text and label_of(names) in BOT_LABELS:
            self.left_out(owner.user, LeftOut("", item, BOTS))
        elif text and (pair := self._pair(text, names)) and not is_mapping(names[text]):
            self._part({pair: names[text]}, owner)
        elif text and not self._is_list(text, names[text]):
            self._text(item, names, text, owner, depth)
        elif any(name in names and name not in self._fields for name in LIST_KEYS):
            self._lists(item, names, owner, depth)
        elif not TALK_KEYS.isdisjoint(names):
            self.left_out(owner.user, LeftOut("", item, TALK))
        elif not self._fields.isdisjoint(item):
            self._part(_profile_values(item, self._fields), owner)
        else:
            keys = ", ".join(list(item)[:_KEYS]) or "no key"
            self.left_out(owner.user, LeftOut("", item, NO_TEXT.format(keys)))

    def _part(self, values: Mapping[str, Any], owner: _Owner) -> None:
        self._kept.setdefault(owner.user, []).append((owner.at, values))

    def _text(
        self,
        item: Mapping[str, Any],
        names: Mapping[str, Any],
        text: str,
        owner: _Owner,
        depth: int,
    ) -> None:
        """What stands under a key for texts: one, several, or an object in its turn."""
        beside = self._fields.intersection(item) if isinstance(names[text], str) else ()
        about = topic_of(names)
        if any(name in names for name in THING_KEYS):
            beside = ()  # the name of a thing that the user spoke of
        self.left_out(owner.user, *(LeftOut(name, item[name], BESIDE) for name in sorted(beside)))
        inner = names[text]
        for one in inner if is_sequence(inner) else [inner]:
            self._one(one, owner, depth + 1, about)

    def _lists(
        self, item: Mapping[str, Any], names: Mapping[str, Any], owner: _Owner, depth: int
    ) -> None:
        """What stands under keys for lists; beside them a record of the user may have fields."""
        fields = {key: item[key] for key in item if key in self._fields}
        if fields and self._named_user(item, names) and not any(key in names for key in BOT_KEYS):
            self._part(fields, owner)
        else:
            beside = (LeftOut(key, value, BESIDE_LIST) for key, value in fields.items())
            self.left_out(owner.user, *beside)
        for key, value in item.items():
            name = bare_key(key)
            if key in self._fields or name in USER_KEYS:
                continue
            if name in LIST_KEYS:
                self.whole(value, owner, people=depth == 0, depth=depth + 1)
            else:
                several = value if is_sequence(value) else [value] if is_mapping(value) else []
                reason = TALK if name in TALK_KEYS else NO_TEXT.format(key)
                self.left_out(owner.user, *(LeftOut(key, one, reason) for one in several))

    def _text_in(self, names: Mapping[str, Any]) -> str:
        """The name under which an item has its text, and that is no field of the schema."""
        present = (name for name in TEXT_KEYS if name not in self._fields)
        if not any(name in names for name in THING_KEYS):
            present = (name for name in present if name != "summary")
        return next((name for name in present if names.get(name) not in (None, "", [], {})), "")

    def _pair(self, text: str, names: Mapping[str, Any]) -> str | None:
        """The field whose value a text is said to be."""
        if text == "value":
            return next((name for name in map(names.get, PAIR_KEYS) if isinstance(name, str)), None)
        topic = names.get("subtopic")
        return topic if text == "content" and topic in self._fields else None

    def _is_list(self, name: str, value: Any) -> bool:
        """Whether what could be a text is one of `LIST_KEYS` instead: ``data`` is either."""
        return name in LIST_KEYS and not isinstance(value, str)

    def _is_message(self, text: str, role: Any) -> bool:
        """Whether it is what was said in a conversation; a memory of the user's may say so too."""
        fact = text not in {"content", "text"} and role == "user"
        return isinstance(role, str) and "role" not in self._fields and not fact

    def _has_ended(self, names: Mapping[str, Any]) -> bool:
        """Whether the source itself no longer holds it for true."""
        around = names.get("metadata")
        places = [names, *([by_bare_key(around)] if is_mapping(around) else [])]
        told = [one for place in places for one in place.items() if one[0] not in self._fields]
        return any(says_over(name, value, self._now) for name, value in told)

    def _owner(self, item: Mapping[str, Any], names: Mapping[str, Any], outer: _Owner) -> _Owner:
        user = self._named_user(item, names) or outer.user
        dates = [name for name in DATE_KEYS if name in names and name not in self._fields]
        given = [names[name] for name in dates if names[name] not in (None, "")]
        at = next((at for at in map(moment, given) if at is not None), None)
        if given and at is None:
            self.left_out(user, LeftOut(dates[0], given[0], NO_DATE))
        return _Owner(user, outer.at if at is None else at)

    def _named_user(self, item: Mapping[str, Any], names: Mapping[str, Any]) -> str | None:
        if self._path:
            return self._user(_at(item, self._path))
        around = (names.get("metadata"), names.get("scope"))
        places = [names, *(by_bare_key(part) for part in around if is_mapping(part))]
        given = (place.get(name) for place in places for name in USER_KEYS)
        return next((user for user in map(self._user, given) if user), None)

    def _user(self, given: Any) -> str | None:
        if is_mapping(given):  # the user as a record: items may name it by its key in a database
            names = by_bare_key(given)
            user = self._user(names.get("userid") or names.get("id"))
            if user and isinstance(names.get("id"), str | int):
                self._aliases[str(names["id"])] = user
            return user
        if isinstance(given, bool) or not isinstance(given, str | int) or not str(given).strip():
            return None
        user = self._aliases.get(str(given), str(given))
        self.named.add(user)
        return user


def _is_nested(value: Mapping[str, Any]) -> bool:
    """Whether an object holds nothing but lists and objects, as one by users does."""
    return bool(value) and all(is_sequence(inner) or is_mapping(inner) for inner in value.values())


def _profile_values(item: Mapping[str, Any], fields: set[str]) -> dict[str, Any]:
    """What of an item may be in a profile: all but whose it is, and of when."""
    aside = {*USER_KEYS, *DATE_KEYS}
    return {
        name: one for name, one in item.items() if name in fields or bare_key(name) not in aside
    }


def _at(value: Any, path: Sequence[str]) -> Any:
    """What stands at the end of a path through objects and lists; None if it leads nowhere."""
    for step in path:
        if is_mapping(value):
            value = value.get(step)
        elif is_sequence(value) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value

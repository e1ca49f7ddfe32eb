"""Erase what nobody has said again for longer than the owner wants to keep it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from usermemory.clock import Clock
from usermemory.dates import DAY, dated
from usermemory.erasure import OfValue
from usermemory.errors import InvalidInput
from usermemory.past import Origins, noted_at
from usermemory.records import Expired, Forgotten, Revision
from usermemory.schema.document import stored_value
from usermemory.schema.form import identity
from usermemory.schema.renames import renamed, renamed_history, renamed_stamps
from usermemory.schema.shape import canonical
from usermemory.store import Driver
from usermemory.store.flows import Profile, lock_user
from usermemory.store.flows.amend import stored
from usermemory.store.flows.erase import erase
from usermemory.store.flows.recall import profile_and_history

if TYPE_CHECKING:
    from usermemory.schema import Field, Schema
    from usermemory.store.driver import Flow

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Retention:
    """How long values are kept after they were last heard of.

    Attributes:
        driver: The database.
        schema: The profile's, whose fields may say so themselves.
        days: For fields that do not; None: for ever.
        clock: What time it is.
    """

    driver: Driver
    schema: Schema
    days: float | None
    clock: Clock

    def run(
        self, user_id: str | None, done: Callable[[Expired], None] | None, *, dry_run: bool
    ) -> list[Expired]:
        """As `UserMemory.retain` says; copies on the disk are another matter."""
        if self.days is None and all(self._kept_for(name) is None for name in self.schema.fields):
            raise InvalidInput(
                "nothing says how long values are kept: name the days, for all fields by "
                "UserMemory(retention=…) or for one by Remember(retention=…)"
            )
        return [
            one
            for each in ([user_id] if user_id is not None else self._users())
            for one in self._of_user(each, done, dry_run=dry_run)
        ]

    def _of_user(
        self, user_id: str, done: Callable[[Expired], None] | None, *, dry_run: bool
    ) -> Iterator[Expired]:
        profile, history = self.driver.read(profile_and_history, user_id)
        found = self._expired(user_id, profile, history, self.clock.now())
        whole = set[str]() if dry_run else self._whole(profile, history, found)
        gone = set[str]()
        for one in found:
            if one.field in gone:
                continue
            erased = [one] if dry_run else []
            if one.field in whole:
                whole.remove(one.field)
                erased = self.driver.write(self._erase_field, user_id, one.field)
                gone |= {each.field for each in erased}
            if not erased:
                erased = self.driver.write(self._erase, one)
            for told in erased:
                if done:
                    done(told)
                yield told

    def _whole(
        self, profile: Profile, history: Sequence[Revision], expired: Sequence[Expired]
    ) -> set[str]:
        """Fields of which all that was ever known is past its time: they go in one step."""
        document = renamed(self.schema, profile.document or {})
        aside = {one.field for one in self.schema.read(document).misfits}
        held = _held(self.schema, document)
        fields = {one.field for one in expired} - aside
        ended = list(_ended(renamed_history(self.schema, history), held, self.schema))
        return {
            name
            for name in fields
            if self.schema.fields[name].kind in {"list", "objects", "map"}
            and sum(one.field == name for one in expired)
            == len(held[name]) + sum(field == name for field, _, _ in ended)
        }

    def _erase_field(self, user_id: str, field: str) -> Flow[list[Expired]]:
        """Erase a field with all of its past, unless something of it was said again since."""
        user = yield from lock_user(user_id)
        profile, history = yield from profile_and_history(user_id)
        still = self._expired(user_id, profile, history, user.now)
        if field not in self._whole(profile, history, still):
            return []
        reach = yield from erase(user_id, OfValue(field), self.schema)
        told = [one for one in still if one.field == field]
        return [
            replace(one, forgotten=Forgotten() if place else reach)
            for place, one in enumerate(told)
        ]

    def _erase(self, one: Expired) -> Flow[list[Expired]]:
        """Erase one value, unless it was said again since."""
        user = yield from lock_user(one.user_id)
        profile, history = yield from profile_and_history(one.user_id)
        still = self._expired(one.user_id, profile, history, user.now)
        if not any(_is_same(one, other) for other in still):
            return []
        field = self.schema.fields[one.field]
        # Of a single value all that it ever was is older still.
        value = None if field.kind == "scalar" and one.holds else one.item
        reach = yield from erase(one.user_id, OfValue(one.field, value), self.schema)
        return [replace(one, forgotten=reach)]

    def _users(self) -> Iterator[str]:
        after = ""
        while page := self.driver.read(stored, after, _PAGE):
            yield from (user_id for user_id, _ in page)
            after = page[-1][0]

    def _kept_for(self, field: str) -> float | None:
        """For how many days values of a field are kept; None: for ever."""
        own = self.schema.fields[field].settings.retention
        if own is None:
            return self.days
        return None if own == "forever" else float(own)

    def _expired(
        self, user_id: str, profile: Profile, history: Sequence[Revision], now: float
    ) -> list[Expired]:
        """What of a user has had its time: what the profile holds, and what it held before."""
        document = renamed(self.schema, profile.document or {})
        past = renamed_history(self.schema, history)
        stamps = renamed_stamps(self.schema, profile.stamps)
        held = _held(self.schema, document)
        found: list[Expired] = []
        origins = Origins(past)
        for one in dated(held, stamps, self.schema, now):
            field = self.schema.fields[one.field]
            if _is_default(field, held[one.field], one.item):
                continue
            last = one.last
            if not one.exact:  # of the item itself only the history knows
                last = _noted(origins, one.field, one.item, stamps.get(one.field, {}))
            item = held[one.field] if one.item is None else one.item
            found += self._if_over(Expired(user_id, one.field, item, last), now)
        for name, item, last in _ended(past, held, self.schema):
            found += self._if_over(Expired(user_id, name, item, last, holds=False), now)
        return found

    def _if_over(self, one: Expired, now: float) -> list[Expired]:
        days = self._kept_for(one.field)
        over = days is not None and one.last is not None and now - one.last > days * DAY
        return [one] if over else []


def _held(schema: Schema, document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: stored_value(field, document.get(name)) for name, field in schema.fields.items()}


def _is_same(one: Expired, other: Expired) -> bool:
    same = (one.field, one.holds) == (other.field, other.holds)
    return same and identity(one.item) == identity(other.item)


def _is_default(field: Field, held: Any, item: Any) -> bool:
    """Whether a value is what stands there when nothing is known: no erasure takes that away."""
    if field.kind == "object":
        inner = field.keys.get(item)
        return inner is not None and canonical(held[item]) == canonical(inner.default)
    return item is None and canonical(held) == canonical(field.default)


def _noted(origins: Origins, field: str, item: Any, times: Mapping[str, float]) -> float | None:
    """When an item without times of its own was heard of, at the latest that is possible."""
    made = origins.maker(field, item)
    if made is None:
        return None
    return max(noted_at(made, field, item), made.at, times.get("confirmed", 0.0))


def _ended(
    history: Sequence[Revision], held: Mapping[str, Any], schema: Schema
) -> Iterator[tuple[str, Any, float]]:
    """What the profile held once and holds no more: the value, or its key, and until when."""
    seen: set[tuple[str, str]] = set()
    there = {
        (name, identity(one))
        for name, value in held.items()
        for one in (value if schema.fields[name].kind != "scalar" else [value])
    }
    for revision in history:
        for change in revision.changes:
            field = schema.fields.get(change.field)
            if field is None or change.before is None:
                continue
            keyed = field.kind in {"map", "object"}
            item = change.key if keyed else change.before
            where = field.name, identity(item)
            if item is None or where in seen or where in there:
                continue
            seen.add(where)
            yield field.name, item, revision.at

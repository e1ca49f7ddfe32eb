"""Erase what nobody has said again for longer than the owner wants to keep it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from usermemory.clock import Clock
from usermemory.dates import DAY, of_field
from usermemory.erasure import OfValue
from usermemory.errors import InvalidInput
from usermemory.past import Origins, noted_at
from usermemory.records import Expired, Forgotten, Revision
from usermemory.schema.document import ASIDE, field_of, stand_in
from usermemory.schema.form import identity, stored_value
from usermemory.schema.renames import renamed, renamed_history, renamed_stamps
from usermemory.schema.shape import canonical, is_list, is_object
from usermemory.store import Driver
from usermemory.store.flows import Profile, load_profile, lock_user
from usermemory.store.flows.amend import stored
from usermemory.store.flows.erase import Prepared, erase, prepare
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
        known = self._known(user_id, profile, history, self.clock.now())
        over = filter(None, (self._over(values) for values in known))
        for expired in over:
            erased: Sequence[Expired] = expired
            if not dry_run:
                field = expired[0].field
                work = self.driver.read(self._work, user_id, field, self.clock.now())
                erased = self.driver.write(self._erase, user_id, field, work) if work else []
            for told in erased:
                if done:
                    done(told)
                yield told

    def _work(self, user_id: str, field: str, now: float) -> Flow[_Work | None]:
        """How what of a field has had its time is erased, all of it in one step; None for nothing.

        The history is read once for whatever number of values, and while nothing is locked.
        """
        profile, history = yield from profile_and_history(user_id)
        for values in self._known(user_id, profile, history, now):
            if values.field.name != field or not (expired := self._over(values)):
                continue
            first, *also = (one.item for one in expired)
            target = OfValue(field, first, anywhere=True, also=tuple(also))
            if values.go_as_a_whole(expired):
                target = OfValue(field)
            return _Work(expired, target, (yield from prepare(user_id, target, self.schema)))
        return None

    def _erase(self, user_id: str, field: str, work: _Work | None) -> Flow[list[Expired]]:
        """Erase it, but for what was said again since."""
        user = yield from lock_user(user_id)
        profile = yield from load_profile(user_id)
        if work and work.prepared.profile != profile:
            work = yield from self._work(user_id, field, user.now)
        if not work:
            return []
        reach = yield from erase(user_id, work.target, self.schema, work.prepared)
        return [
            replace(one, forgotten=Forgotten() if place else reach)
            for place, one in enumerate(work.expired)
        ]

    def _users(self) -> Iterator[str]:
        after = ""
        while page := self.driver.read(stored, after, _PAGE):
            yield from (user_id for user_id, _ in page)
            after = page[-1][0]

    def _kept_for(self, field: str) -> float | None:
        """For how many days values of a field are kept; None: for ever."""
        known = self.schema.fields.get(self.schema.old_names.get(field, field))
        own = known.settings.retention if known else None
        if own is None:
            return self.days
        return None if own == "forever" else float(own)

    def _over(self, values: _Values) -> list[Expired]:
        """Which values of a field have had their time."""
        days = self._kept_for(values.field.name)
        if days is None:
            return []
        limit = values.now - days * DAY
        return [one for one in values.values if one.last is not None and one.last < limit]

    def _known(
        self, user_id: str, profile: Profile, history: Sequence[Revision], now: float
    ) -> list[_Values]:
        """Every value that is kept of a user: in the profile, set aside, and in the past alone.

        Of fields that the schema does not know any more, too.
        """
        document = renamed(self.schema, profile.document or {})
        past = renamed_history(self.schema, history)
        stamps = renamed_stamps(self.schema, profile.stamps)
        fields = _fields(self.schema, document, past)
        held = {name: stored_value(field, document.get(name)) for name, field in fields.items()}
        aside = _aside(document)
        ended = _ended(past, held, aside, fields)
        origins = Origins(past)
        found: list[_Values] = []
        for name, field in fields.items():
            times = stamps.get(name, {})
            whole = max((at for mark, at in times.items() if "/" not in mark), default=None)
            values: list[Expired] = []
            for one in of_field(name, held[name], times, self.schema, now):
                if _is_default(field, held[name], one.item):
                    continue
                # Of an item without times of its own only the history knows.
                last = one.last if one.exact else _noted(origins, name, one.item, times)
                item = held[name] if one.item is None else one.item
                values.append(Expired(user_id, name, item, last))
            for item in aside.get(name, ()):
                last = _noted_all(origins, name, item if is_list(item) else [item]) or whole
                values.append(Expired(user_id, name, item, last))
            values += [
                Expired(user_id, name, item, last, holds=False)
                for item, last in ended.get(name, ())
            ]
            found.append(_Values(field, held[name], tuple(values), now))
        return found


@dataclass(frozen=True, slots=True)
class _Work:
    """What of a field has had its time, what is erased for it, and that erasure worked out."""

    expired: Sequence[Expired]
    target: OfValue
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class _Values:
    """Every value that is kept of one field, whatever its age.

    Attributes:
        field: As the schema has it, or of the shape of what is stored.
        held: What the profile holds of it.
        values: That first; each with the time when it was last heard of.
        now: What time it is.
    """

    field: Field
    held: Any
    values: tuple[Expired, ...]
    now: float

    def go_as_a_whole(self, expired: Sequence[Expired]) -> bool:
        """Whether nothing of the field is newer, in the profile or in its past."""
        if self.field.kind == "scalar":
            # Of a single value all that it ever was is older still.
            held = identity(self.held)
            return any(one.holds and identity(one.item) == held for one in expired)
        return self.field.kind != "object" and len(expired) == len(self.values)


def _fields(
    schema: Schema, document: Mapping[str, Any], history: Sequence[Revision]
) -> dict[str, Field]:
    """The fields of which something is kept: the schema's first, each in the shape it has here."""
    fields = {name: field_of(schema, name, document.get(name)) for name in schema.fields}
    for name, value in document.items():
        if name != ASIDE and name not in fields:
            fields[name] = stand_in(name, value)
    for name in _aside(document):
        fields.setdefault(name, stand_in(name, None))
    for revision in history:
        for change in revision.changes:
            if change.field not in fields and change.field != ASIDE:
                fields[change.field] = stand_in(change.field, None, change)
    return fields


def _aside(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What was set aside, by field."""
    aside = document.get(ASIDE)
    if not is_object(aside):
        return {}
    return {name: items if is_list(items) else [items] for name, items in aside.items()}


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


def _noted_all(origins: Origins, field: str, items: Iterable[Any]) -> float | None:
    """When the newest of some values was heard of; None where that of one is not known."""
    times = [_noted(origins, field, item, {}) for item in items]
    known = [at for at in times if at is not None]
    return max(known, default=None) if len(known) == len(times) else None


def _ended(
    history: Sequence[Revision],
    held: Mapping[str, Any],
    aside: Mapping[str, Sequence[Any]],
    fields: Mapping[str, Field],
) -> dict[str, list[tuple[Any, float]]]:
    """What the profile held once and holds no more: the value, or its key, and until when."""
    there = {
        (name, identity(one))
        for name, value in held.items()
        for one in [*(value if fields[name].kind != "scalar" else [value]), *aside.get(name, ())]
    }
    found: dict[str, list[tuple[Any, float]]] = {}
    for revision in history:
        for change in revision.changes:
            field = fields.get(change.field)
            if field is None or change.before is None:
                continue
            keyed = field.kind in {"map", "object"}
            item = change.key if keyed else change.before
            where = field.name, identity(item)
            if item is None or where in there:
                continue
            there.add(where)
            found.setdefault(field.name, []).append((item, revision.at))
    return found

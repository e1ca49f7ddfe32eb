"""Changes that a tool proposes while the user is there: judged as the background job's are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from usermemory.batch import Batch, newest_turn
from usermemory.changes import settled
from usermemory.clock import Clock
from usermemory.consolidate import Consolidator
from usermemory.dates import Stamps
from usermemory.judge import Judged, applied, judge, reviewed, stamped
from usermemory.judge.changes import Verifier
from usermemory.judge.passages import is_json
from usermemory.messages import AuthorPolicy, read_messages
from usermemory.messages.secrets import SecretPolicy, removed_mark, screened, secrets_in
from usermemory.records import Change, Message, Proposed, Refused
from usermemory.refused import masked
from usermemory.schema.document import counts_as
from usermemory.schema.form import fold_outer
from usermemory.schema.renames import renamed_stamps
from usermemory.store.flows import TAIL, times
from usermemory.store.flows.amend import Amendment, Start
from usermemory.store.flows.propose import propose, record, start
from usermemory.store.flows.review import drafts_of
from usermemory.text import folded_words

if TYPE_CHECKING:
    from usermemory.schema import Schema


_REMOVED = re.compile(re.escape(removed_mark("KIND")).replace("KIND", r"[\w\ -]+"))


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said in the turn in which a tool proposes.

    Attributes:
        user_id: By whom.
        thread_id: Where.
        context: What was said before, bounded.
        turn: The user's newest messages in a row.
        secrets: What was taken out of all of them, each with its kind.
    """

    user_id: str
    thread_id: str
    context: Sequence[Message]
    turn: Sequence[Message]
    secrets: Mapping[str, str]


class Proposing:
    """Judges what a tool proposes and writes what may be made at once.

    Args:
        consolidator: The memory's, whose settings apply.
        author: Whose words a message holds, where the usual rule does not fit.
        clock: What time it is.
        secrets: What is done about secrets in what was said, and in what is proposed of it.
    """

    def __init__(
        self,
        consolidator: Consolidator,
        author: AuthorPolicy | None,
        clock: Clock,
        secrets: SecretPolicy,
    ) -> None:
        self._consolidator = consolidator
        self._driver = consolidator.driver
        self._schema = consolidator.schema
        self._author = author
        self._clock = clock
        self._secrets: SecretPolicy = secrets

    def changes(self, said: Turn, changes: tuple[Change, ...], by: str) -> Proposed:
        """As `UserMemory.propose` says."""
        changes = tuple(self._screened(said, one) for one in changes)
        while True:
            begun = self.begin(said)
            if begun.paused:
                return Proposed(None, tuple(map(_paused, changes)))
            batch = self._batch(said, begun)
            judged, aside = reviewed(batch, self._judged(batch, changes), self._consolidator.review)
            drafts = drafts_of(aside, by, said.thread_id, begun.messages)
            where, now = (said.user_id, said.thread_id), self._clock.now()
            made: Amendment | Stamps | None = None
            if judged.applied:
                made = amendment_of(self._schema, begun, judged, by, said.thread_id, now)
            elif any(one.reason == "duplicate" for one in judged.refused):
                before = renamed_stamps(self._schema, begun.profile.stamps)
                made = stamped(before, judged, self._schema, now)
            if made is None and not drafts:
                if judged.refused:
                    self._driver.write(record, *where, begun, judged.refused, said.context)
                return Proposed(None, judged.refused)
            written = self._driver.write(
                propose, *where, begun, made, drafts, judged.refused, said.context
            )
            if written is not None:
                revision, waiting = written
                return Proposed(revision, judged.refused, waiting)

    def erasure(
        self, said: Turn, field: str, value: str | None, quote: str, *, confirmed: bool
    ) -> Change | Refused:
        """The erasure that the user asks for, its value as the profile has it; or why not."""
        batch = self._batch(said, self.begin(said))
        held = self._held(batch.document, field, value)
        quote = quote if self._secrets == "keep" else masked(quote, said.secrets)
        change = Change(field, "clear" if held is None else "remove", held, quote)
        return self._unwanted(batch, change, confirmed=confirmed) or change

    def said(self, user_id: str, thread_id: str, messages: Iterable[Any]) -> Turn:
        """What was said before, bounded, and the newest turn."""
        before, turn = newest_turn(read_messages(messages, user_id, self._author))
        found: dict[str, str] = {}
        context, newest = (tuple(self._clear(some, found)) for some in (before[-TAIL:], turn))
        return Turn(user_id, thread_id, context, newest, found)

    def _clear(self, messages: Iterable[Message], found: dict[str, str]) -> Iterator[Message]:
        """The messages as an inbox keeps them, since changes keep words; and their secrets."""
        for one in messages:
            secrets = [] if self._secrets == "keep" else secrets_in(one.text)
            found |= {one.text[each.start : each.end]: each.kind for each in secrets}
            text = screened(one.text, self._secrets) if secrets else one.text
            if text is not None:
                yield replace(one, text=text)

    def _screened(self, said: Turn, change: Change) -> Change:
        """The change without secrets; what holds nothing else puts in nothing."""
        if self._secrets == "keep" or not is_json([change.value, change.key]):
            return change
        value, key, quote = masked([change.value, change.key, change.quote], said.secrets)
        if value != change.value and _is_all_removed(value):
            value = None
        return replace(change, value=value, key=key, quote=quote)

    def begin(self, said: Turn) -> Start:
        """The user as they are stored now."""
        now = self._clock.now()
        return self._driver.read(start, said.user_id, said.thread_id, said.turn, now)

    def _judged(self, batch: Batch, changes: tuple[Change, ...]) -> Judged:
        """What may be made at once: the same wall, and no second look."""
        judgements = judge(batch, changes, evidence=self._consolidator.evidence)
        judged = applied(batch, judgements)
        verifier = Verifier(self._consolidator.verifier.mode)
        without_look, _ = verifier.settle(batch, judgements, judged.made)
        if without_look is not None:
            judgements, judged = without_look, applied(batch, without_look)
        exceeded = batch.limits.exceeded(batch.document, judged.applied, judged.refused)
        if exceeded is None:
            return judged
        made = {id(one) for one in judged.made}
        late = [
            one.refuse("too_many", exceeded[1]) if id(one) in made else one for one in judgements
        ]
        return applied(batch, late)

    def _unwanted(self, batch: Batch, change: Change, *, confirmed: bool) -> Refused | None:
        """Why an erasure is not made; None if the user asks for it."""
        (judgement,) = judge(batch, [change])
        if judgement.refused is not None:
            return judgement.refused
        verifier = self._consolidator.verifier
        if confirmed or verifier.mode == "off":
            return None
        look = verifier.look()
        if look is None:
            told = "an erasure needs the user's confirmation in the application, or a second look"
            return judgement.refuse("doubtful", told).refused
        verdict = look.look(batch, [judgement], erasing=True).verdicts[0]
        if verdict == "said":
            return None
        told = "the user's own words do not ask to forget just this"
        return judgement.refuse(verdict or "unverified", told).refused

    def _held(self, known: Mapping[str, Any], name: str, value: str | None) -> Any:
        """The value as the profile has it; None for a single one, which goes as a whole."""
        field = self._schema.fields.get(name)
        if field is None or field.kind == "scalar" or value is None:
            return None
        held: Iterable[Any] = known[name]
        if field.kind == "objects":
            held = [item.get(field.settings.key) for item in known[name]]
        return next((one for one in held if fold_outer(str(one)) == fold_outer(value)), value)

    def _batch(self, said: Turn, begun: Start) -> Batch:
        where = (said.user_id, said.thread_id)
        return batch_from(
            self._consolidator, begun, *where, begun.messages, self._clock.now(), said.context
        )


def batch_from(
    consolidator: Consolidator,
    begun: Start,
    user_id: str,
    thread_id: str,
    messages: Iterable[Message],
    now: float,
    context: Iterable[Message] = (),
) -> Batch:
    """What changes are judged by that no reading proposes: the user as they are stored now.

    Args:
        consolidator: The memory's, whose schema and limits apply.
        begun: The user.
        user_id: Who that is.
        thread_id: Where the words were said.
        messages: The words that the changes rest on.
        now: What time it is.
        context: What was said right before.
    """
    schema = consolidator.schema
    stamps = renamed_stamps(schema, begun.profile.stamps)
    reading = schema.read(begun.profile.document or {})
    return Batch(
        schema=schema,
        document=reading.document,
        batch=tuple(messages),
        context=tuple(context),
        user_id=user_id,
        thread_id=thread_id,
        now=now,
        edited=times(stamps, "edited"),
        learned=times(stamps, "learned"),
        salt=begun.salt,
        tombstones=begun.tombstones,
        limits=consolidator.limits,
        reading=reading,
    )


def amendment_of(
    schema: Schema, begun: Start, judged: Judged, by: str, thread_id: str, now: float
) -> Amendment:
    """What is written of changes that may be made.

    Args:
        schema: Of the profile.
        begun: The user as they were judged by.
        judged: The changes.
        by: Who makes them.
        thread_id: Where their words were said.
        now: What time it is.
    """
    profile = begun.profile
    reading = schema.read(profile.document or {})
    document, changes = settled(reading, judged.document, judged.applied, schema)
    return Amendment(
        document,
        changes,
        by,
        counts_as(schema, document, profile.fingerprint),
        thread_id=thread_id,
        stamps=stamped(renamed_stamps(schema, profile.stamps), judged, schema, now),
    )


def _is_all_removed(value: Any) -> bool:
    """Whether nothing is left of a text but what says that something was removed."""
    return isinstance(value, str) and not folded_words(_REMOVED.sub("", value))


def _paused(change: Change) -> Refused:
    return Refused(change, "paused", "nothing may be learned about this user now")

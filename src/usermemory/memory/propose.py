"""Changes that a tool proposes while the user is there: judged as the background job's are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from usermemory.batch import newest_turn
from usermemory.errors import InvalidInput
from usermemory.memory.core import Id, checked_thread, checked_user
from usermemory.memory.forget import ForgetVerbs
from usermemory.messages import read_messages
from usermemory.records import Change, Forgotten, Message, Proposed, Refused
from usermemory.schema.document import counts_as
from usermemory.schema.fold import fold_outer
from usermemory.schema.renames import renamed_stamps
from usermemory.store.flows.common import TAIL
from usermemory.store.flows.profile import times

if TYPE_CHECKING:
    from usermemory.batch import Batch
    from usermemory.judge import Judged
    from usermemory.store.flows.propose import Start


class ProposeVerbs(ForgetVerbs):
    """Propose changes and erasures, for tools that a model calls."""

    def propose(
        self,
        user_id: Id,
        thread_id: Id,
        changes: Iterable[Change],
        messages: Iterable[Any],
        *,
        by: str = "tool",
    ) -> Proposed:
        """Make at once those of the changes that the user's words bear out.

        They are judged as the background job judges, which reads the same messages later and learns
        nothing of them twice. Evidence is what the user said last: in their newest message, or in
        the newest few in a row. Nothing in a turn waits for a second look: a change that code has
        a doubt about is refused as ``doubtful``, unless the quote is the user's whole answer to
        the question right before it, or ``verify="off"``. More than `max_changes` or
        `max_removed` allow is refused whole, as ``too_many``.

        Args:
            user_id: Whose profile; given by the application, never by a model.
            thread_id: Where it was said.
            changes: What to do, each with its quote.
            messages: The whole thread or a window of it, as for `remember`.
            by: The name that the revision bears.

        Returns:
            The revision, after it is on the disk, and what was refused; of a paused user all is.

        Raises:
            InvalidInput: An id or a message that cannot be used.
            StoreError: The database failed; nothing was changed.
        """
        from usermemory.changes import settled
        from usermemory.judge import stamped
        from usermemory.store.flows.amend import Amendment
        from usermemory.store.flows.propose import propose
        from usermemory.store.flows.refused import record

        asked = tuple(changes)
        user_id, thread_id = checked_user(user_id), checked_thread(thread_id)
        context, turn = self._said(user_id, messages)
        while True:
            begun = self._start(user_id, thread_id, turn)
            if begun.paused:
                return Proposed(None, tuple(map(_paused, asked)))
            judged = self._judged(self._batch(user_id, thread_id, begun, context), asked)
            if not judged.applied:
                if judged.refused:
                    said = (user_id, thread_id, begun, judged.refused, context)
                    self.driver.write(record, *said)
                return Proposed(None, judged.refused)
            reading = self.schema.read(begun.profile.document or {})
            document, made_of = settled(reading, judged.document, judged.applied, self.schema)
            made = Amendment(
                document,
                made_of,
                by,
                counts_as(self.schema, document, begun.profile.fingerprint),
                thread_id=thread_id,
                stamps=stamped(
                    renamed_stamps(self.schema, begun.profile.stamps), judged, self.clock.now()
                ),
            )
            revision = self.driver.write(propose, user_id, begun, made, judged.refused, context)
            if revision is not None:
                return Proposed(revision, judged.refused)

    def _judged(self, batch: Batch, changes: tuple[Change, ...]) -> Judged:
        """What may be made at once: the same wall, and no second look."""
        from usermemory.judge import applied, judge
        from usermemory.judge.verify import Verifier

        consolidator = self.consolidator
        judgements = judge(batch, changes, evidence=consolidator.evidence)
        judged = applied(batch, judgements)
        verifier = Verifier(consolidator.verifier.mode)
        settled, _ = verifier.settle(batch, judgements, judged.made)
        if settled is not None:
            judgements, judged = settled, applied(batch, settled)
        exceeded = batch.limits.exceeded(batch.document, judged.applied, judged.refused)
        if exceeded is None:
            return judged
        made = {id(one) for one in judged.made}
        late = [
            one.refuse("too_many", exceeded[1]) if id(one) in made else one for one in judgements
        ]
        return applied(batch, late)

    async def apropose(
        self,
        user_id: Id,
        thread_id: Id,
        changes: Iterable[Change],
        messages: Iterable[Any],
        *,
        by: str = "tool",
    ) -> Proposed:
        """As `propose`."""
        return await asyncio.to_thread(
            self.propose, user_id, thread_id, tuple(changes), list(messages), by=by
        )

    def propose_erasure(
        self,
        user_id: Id,
        thread_id: Id,
        field: str,
        value: str | None,
        quote: str,
        messages: Iterable[Any],
        *,
        confirmed: bool = False,
    ) -> Forgotten | Refused:
        """As `forget`, if the user asks for it in what they said last.

        An erasure cannot be undone. So beside the quote, which code looks up, it needs a second
        look (one model call in this turn) or the application's confirmation. With
        ``verify="off"`` the quote alone will do.

        Args:
            user_id: Whose profile; given by the application, never by a model.
            thread_id: Where it was said.
            field: The field of the profile.
            value: The item of a list, the key of a map or an object; None for the whole field.
            quote: The user's words, which ask to forget it.
            messages: As for `propose`.
            confirmed: Whether the user has confirmed it to the application, by a button say.

        Returns:
            What it reached, or why nothing was erased.

        Raises:
            InvalidInput: An id or a message that cannot be used.
            ProviderError: The second look could not be reached; nothing was erased.
            StoreError: The database failed.
        """
        user_id, thread_id = checked_user(user_id), checked_thread(thread_id)
        context, turn = self._said(user_id, messages)
        begun = self._start(user_id, thread_id, turn)
        batch = self._batch(user_id, thread_id, begun, context)
        what = self._held(batch.document, field, value)
        change = Change(field, "clear" if what is None else "remove", what, quote)
        refused = self._unwanted(batch, change, confirmed=confirmed)
        if refused is not None:
            return refused
        try:
            return self.forget(user_id, field, what)
        except InvalidInput as error:  # no such item: the model is told which there are
            return Refused(change, "item_not_there", str(error))

    def _unwanted(self, batch: Batch, change: Change, *, confirmed: bool) -> Refused | None:
        """Why an erasure is not made; None if the user asks for it."""
        from usermemory.judge import judge

        (judgement,) = judge(batch, [change])
        if judgement.refused is not None:
            return judgement.refused
        verifier = self.consolidator.verifier
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

    async def apropose_erasure(
        self,
        user_id: Id,
        thread_id: Id,
        field: str,
        value: str | None,
        quote: str,
        messages: Iterable[Any],
        *,
        confirmed: bool = False,
    ) -> Forgotten | Refused:
        """As `propose_erasure`."""
        return await asyncio.to_thread(
            self.propose_erasure,
            user_id,
            thread_id,
            field,
            value,
            quote,
            list(messages),
            confirmed=confirmed,
        )

    def _held(self, known: Mapping[str, Any], name: str, value: str | None) -> Any:
        """The value as the profile has it; None for a single one, which goes as a whole."""
        field = self.schema.fields.get(name)
        if field is None or field.kind == "scalar" or value is None:
            return None
        held: Iterable[Any] = known[name]
        if field.kind == "objects":
            held = [item.get(field.settings.key) for item in known[name]]
        return next((one for one in held if fold_outer(str(one)) == fold_outer(value)), value)

    def _said(
        self, user_id: str, messages: Iterable[Any]
    ) -> tuple[Sequence[Message], Sequence[Message]]:
        """What was said before, bounded, and the newest turn."""
        said = read_messages(messages, user_id, self.author)
        before, turn = newest_turn(said)
        return before[-TAIL:], turn

    def _start(self, user_id: str, thread_id: str, turn: Sequence[Message]) -> Start:
        from usermemory.store.flows.propose import start

        return self.driver.read(start, user_id, thread_id, turn, self.clock.now())

    def _batch(
        self, user_id: str, thread_id: str, begun: Start, context: Sequence[Message]
    ) -> Batch:
        from usermemory.batch import Batch

        stamps = renamed_stamps(self.schema, begun.profile.stamps)
        return Batch(
            schema=self.schema,
            document=self.schema.read(begun.profile.document or {}).document,
            batch=begun.messages,
            context=tuple(context),
            user_id=user_id,
            thread_id=thread_id,
            now=self.clock.now(),
            edited=times(stamps, "edited"),
            learned=times(stamps, "learned"),
            salt=begun.salt,
            tombstones=begun.tombstones,
            limits=self.consolidator.limits,
        )


def _paused(change: Change) -> Refused:
    return Refused(change, "paused", "nothing may be learned about this user now")

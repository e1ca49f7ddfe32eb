"""Changes that a tool proposes while the user is there: judged as the background job's are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from usermemory.batch import newest_turn
from usermemory.memory.core import checked_thread, checked_user
from usermemory.memory.forget import ForgetVerbs
from usermemory.messages import read_messages
from usermemory.records import Change, Forgotten, Message, Proposed, Refused
from usermemory.schema.fold import fold_outer
from usermemory.store.flows.common import TAIL

if TYPE_CHECKING:
    from usermemory.fold import Case
    from usermemory.store.flows.propose import Start


class ProposeVerbs(ForgetVerbs):
    """Propose changes and erasures, for tools that a model calls."""

    def propose(
        self,
        user_id: str,
        thread_id: str,
        changes: Iterable[Change],
        messages: Iterable[Any],
        *,
        by: str = "tool",
    ) -> Proposed:
        """Make at once those of the changes that the user's words bear out.

        The checks are those of the background job, which reads the same messages later and learns
        nothing of them twice. Evidence is what the user said last: in their newest message, or in
        the newest few in a row.

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
        from usermemory.fold import fold, stamped, whole
        from usermemory.store.flows.amend import Amendment
        from usermemory.store.flows.propose import propose

        asked = tuple(changes)
        context, turn = self._said(user_id, thread_id, messages)
        while True:
            begun = self._start(user_id, thread_id, turn)
            if begun.paused:
                return Proposed(None, tuple(map(_paused, asked)))
            folded = fold(self._known(begun), asked, self._case(user_id, thread_id, begun, context))
            if not folded.applied:
                return Proposed(None, folded.rejections)
            stored = begun.profile.document or {}
            document, _ = whole(stored, folded.document, self.schema)
            made = Amendment(
                document,
                folded.applied,
                by,
                self.schema.fingerprint,
                thread_id=thread_id,
                stamps=stamped(begun.profile.stamps, folded, self.clock.now()),
            )
            revision = self.driver.write(propose, user_id, begun, made)
            if revision is not None:
                return Proposed(revision, folded.rejections)

    async def apropose(
        self,
        user_id: str,
        thread_id: str,
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
        user_id: str,
        thread_id: str,
        field: str,
        value: str | None,
        quote: str,
        messages: Iterable[Any],
    ) -> Forgotten | Refused:
        """As `forget`, if the user asks for it in what they said last.

        Args:
            user_id: Whose profile; given by the application, never by a model.
            thread_id: Where it was said.
            field: The field of the profile.
            value: The item of a list, the key of a map or an object; None for the whole field.
            quote: The user's words, which ask to forget it, in a message that names it.
            messages: As for `propose`.

        Returns:
            What it reached, or why nothing was erased.

        Raises:
            InvalidInput: An id or a message that cannot be used.
            StoreError: The database failed.
        """
        from usermemory.fold import judge

        context, turn = self._said(user_id, thread_id, messages)
        begun = self._start(user_id, thread_id, turn)
        known = self._known(begun)
        what = self._held(known, field, value)
        change = Change(field, "clear" if what is None else "remove", what, quote)
        case = self._case(user_id, thread_id, begun, context)
        verdict = judge(known, change, case, erasing=True)
        return verdict if isinstance(verdict, Refused) else self.forget(user_id, field, what)

    async def apropose_erasure(
        self,
        user_id: str,
        thread_id: str,
        field: str,
        value: str | None,
        quote: str,
        messages: Iterable[Any],
    ) -> Forgotten | Refused:
        """As `propose_erasure`."""
        return await asyncio.to_thread(
            self.propose_erasure, user_id, thread_id, field, value, quote, list(messages)
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
        self, user_id: str, thread_id: str, messages: Iterable[Any]
    ) -> tuple[Sequence[Message], Sequence[Message]]:
        """What was said before, bounded, and the newest turn."""
        checked_thread(thread_id)
        said = read_messages(messages, checked_user(user_id), self.author)
        before, turn = newest_turn(said)
        return before[-TAIL:], turn

    def _start(self, user_id: str, thread_id: str, turn: Sequence[Message]) -> Start:
        from usermemory.store.flows.propose import start

        return self.driver.read(start, user_id, thread_id, turn, self.clock.now())

    def _known(self, begun: Start) -> dict[str, Any]:
        return self.schema.adopt(begun.profile.document or {})[0]

    def _case(self, user_id: str, thread_id: str, begun: Start, context: Sequence[Message]) -> Case:
        from usermemory.fold import Case

        return Case(
            schema=self.schema,
            batch=begun.messages,
            context=context,
            user_id=user_id,
            thread_id=thread_id,
            edited=begun.profile.times("edited"),
            learned=begun.profile.times("learned"),
            off=self.consolidator.off,
            salt=begun.salt,
            tombstones=begun.tombstones,
        )


def _paused(change: Change) -> Refused:
    return Refused(change, "paused", "nothing may be learned about this user now")

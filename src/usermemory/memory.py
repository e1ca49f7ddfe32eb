"""`UserMemory`: every verb, once. A plain name blocks; its twin with an ``a`` is awaited."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Self

from usermemory.awaited import SaverLike, awaited
from usermemory.background import Background
from usermemory.changes.coerce import plain
from usermemory.clock import Clock, SystemClock
from usermemory.correct import Correcting, checked_editor
from usermemory.erasure import OfMessage, OfThread, OfValue, Target
from usermemory.errors import ConfigurationError, InvalidInput
from usermemory.gate import Gate, gate_of, guarded
from usermemory.messages import Asked, Attributed, AuthorPolicy, guarded_author, newest_first
from usermemory.messages.align import stored_id
from usermemory.messages.secrets import SecretPolicy, load_formats, screened
from usermemory.migrate import Migrating, Move, checked_schema
from usermemory.past import about, evidence_of, resolve_part
from usermemory.past import snapshot as wound_back
from usermemory.recalled import SchemaView
from usermemory.records import (
    Change,
    Cost,
    Event,
    Evidence,
    Expired,
    Forgotten,
    Hit,
    Imported,
    Job,
    Message,
    Migrated,
    Migration,
    Misfit,
    News,
    Outcome,
    Proof,
    Proposal,
    Proposed,
    Recalled,
    Refused,
    Revision,
    Scheduled,
    SchemaCheck,
    Shown,
    Snapshot,
    ThreadState,
    Undone,
)
from usermemory.retry import Retry
from usermemory.schema import UserProfile, schema_of
from usermemory.schema.renames import renamed_history, renamed_revision
from usermemory.search import checked_query, found, rows_of
from usermemory.settings import (
    Id,
    Limits,
    Review,
    When,
    checked_count,
    checked_retention,
    checked_review,
    checked_seconds,
    checked_text,
    checked_thread,
    checked_user,
    kept_for,
    refuse_unusable,
)
from usermemory.store import open_driver
from usermemory.store.erased import clean_erased
from usermemory.store.flows import claim as claims
from usermemory.store.flows import load_profile
from usermemory.store.flows import recall as recalls
from usermemory.store.flows.erase import newest_erasure
from usermemory.store.flows.propose import refused as listing
from usermemory.store.flows.remember import (
    NEWEST_SCREENED,
    PastTimes,
    Policy,
    are_short,
    remember,
    unknown,
)
from usermemory.store.flows.review import waiting
from usermemory.store.flows.shown import keep_shown, shown_for
from usermemory.text import leaves

if TYPE_CHECKING:
    from usermemory.choice import Strategy
    from usermemory.consolidate import Consolidator
    from usermemory.propose import Proposing
    from usermemory.review import Reviewing
    from usermemory.tidy import Tidied, Tidying

logger = logging.getLogger("usermemory")

_TAIL = 20
"""Unread messages of other threads that a recall with ``tail=True`` brings at most."""

_LATEST = 1e11
"""Later than any reading."""


class UserMemory:
    """A profile per user, across threads, learned in the background.

    Building it checks what was passed (a ConfigurationError says what to change) and opens
    nothing: the first verb does. A module-level memory is fine; so is one per test, with ``with``.

    Every verb says whose profile it is about: ``user_id`` is given by the application, never by a
    model; so is ``thread_id``. A number or a UUID counts as its text: 42 and "42" are one user.

    Args:
        url: ``sqlite:///memory.db``, or a path.
        schema: A Pydantic model, TypedDict, dataclass or JSON Schema dict.
        model: What ``init_chat_model`` takes, a chat model, an
            `Extractor`, ``"offline"``, or None for ``USERMEMORY_MODEL`` (at
            ``USERMEMORY_BASE_URL``, if that is set).
        strategy: ``"patch"``, or ``"overwrite"``: the whole profile anew, without quotes.
        evidence: ``"required"``, or ``"off"``.
        verify: When a model takes a second look at proposed changes before they are made:
            ``"auto"``, where code has a doubt; ``"always"``; ``"off"``, when doubtful changes pass;
            or a model that takes it in place of the one that proposes. It can only refuse.
        delay: Seconds of quiet after which a thread is consolidated; 0 for at once.
        max_wait: Seconds after which a chat that never goes quiet is consolidated even so.
        gate: What makes a thread worth a model call, looked at when it is due.
        hold_max: Seconds after which a held thread is read whatever the gate says; None: never.
        daily_tokens: What one user may cost a day (UTC), input and output together; beyond it
            messages wait for the next day. None: no limit.
        author: Whose words a message holds, where the usual rule does not fit.
        worker: Consolidate in this process too; False where ``usermemory worker`` does it.
        threads: Batches at a time in this process, at most.
        retry: When a failed consolidation is tried again.
        secrets: What is done about API keys, passwords, card and bank numbers in new messages:
            ``"mask"`` them, ``"refuse"`` the whole message (it is marked as seen, and never
            read), or ``"keep"`` it as it is. Before the inbox: a masked secret is nowhere stored.
        review: Which changes wait for a person (see `proposals`): those of fields with
            ``Remember(review=True)`` (None, ``"sensitive"``), or ``"all"`` but those of fields
            with ``Remember(review=False)``.
        shared: A user id whose profile every recall brings beside the user's own: what is true for
            all, such as facts of a team or a product. Its fields need not be those of the schema;
            you `edit` it, with a memory of its schema, and nothing is ever learned into it.
        tell_waiting: Of how many changes that wait for a person the bot is told, plainly marked as
            not confirmed; 0: of none.
        tidy: ``"apply"``: merges of the same words, written otherwise, are made at once;
            ``"propose"``: they wait for a person, as all else that it proposes.
        keep_messages: Seconds for which the text of messages stays after it was read, so that
            `search` finds it; ``"forever"``; None: it goes as soon as no batch needs it.
        retention: Days after which `retain` erases a value that nobody has said again, where its
            field says nothing else; None: never. Nothing is erased before `retain` is called.
        max_changes: Changes that one consolidation may make. A batch that exceeds it fails, is
            halved and tried again; one turn that does so alone waits for a person (see `jobs`).
        max_removed: Share of the profile's values, from 0 to 1, that one consolidation may
            remove, with the same consequence; up to three may go in any case.
        max_profile: Characters of a profile, as JSON. At the limit additions are refused as
            ``profile_full``, with a warning for each consolidation; corrections and removals go on.
        on_event: Called with an `Event` for whatever happens, in the thread where it happens.
        clock: What time it is; for tests.
    """

    def __init__(  # noqa: PLR0913 - the settings of a memory, each with a default
        self,
        url: str | os.PathLike[str] = "sqlite:///memory.db",
        schema: Any = UserProfile,
        model: Any = None,
        *,
        strategy: Strategy = "patch",
        evidence: Literal["required", "off"] = "required",
        verify: Any = "auto",
        delay: float = 60.0,
        max_wait: float = 900.0,
        gate: Gate | None = None,
        hold_max: float | None = None,
        daily_tokens: int | None = None,
        author: AuthorPolicy | None = None,
        worker: bool = True,
        threads: int = 8,
        retry: Retry | None = None,
        secrets: SecretPolicy = "mask",
        review: Review = None,
        shared: Id | None = None,
        tell_waiting: int = 0,
        tidy: Literal["propose", "apply"] = "propose",
        keep_messages: float | Literal["forever"] | None = None,
        retention: float | None = None,
        max_changes: int = 50,
        max_removed: float = 0.5,
        max_profile: int = 256_000,
        on_event: Callable[[Event], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        # Imported with the first memory: a program's own help, say, needs the names only.
        from usermemory.choice import extractor_for, verifier_for
        from usermemory.consolidate import Consolidator

        refuse_unusable(model=model, verify=verify, gate=gate, author=author, on_event=on_event)
        if evidence not in {"required", "off"}:
            raise ConfigurationError(f"evidence {evidence!r}: use 'required' or 'off'")
        if secrets not in {"mask", "refuse", "keep"}:
            raise ConfigurationError(f"secrets {secrets!r}: use 'mask', 'refuse' or 'keep'")
        if tidy not in {"propose", "apply"}:
            raise ConfigurationError(f"tidy {tidy!r}: use 'propose' or 'apply'")
        self._tidies = tidy == "apply"
        self._shared = "" if shared is None else checked_user(shared, new=True)
        self._tells = checked_count("tell_waiting", tell_waiting)
        self.secrets: SecretPolicy = secrets
        self.schema = schema_of(schema)
        self.clock: Clock = clock or SystemClock()
        self.driver = open_driver(os.fspath(url), self.clock)
        self.gate = gate_of(gate)
        self.author = guarded_author(author) if author else None
        self.delay = checked_seconds("delay", delay)
        self._keep_for = kept_for(keep_messages)
        self._retention = checked_retention(retention)
        self.max_wait = checked_seconds("max_wait", max_wait)
        extractor = extractor_for(model, strategy)
        self.consolidator: Consolidator = Consolidator(
            driver=self.driver,
            schema=self.schema,
            extractor=extractor,
            verifier=verifier_for(verify, strategy, evidence, extractor),
            gate=self.gate,
            evidence=evidence == "required" and strategy == "patch",
            hold_max=None if hold_max is None else checked_seconds("hold_max", hold_max),
            daily_tokens=daily_tokens,
            retry=retry or Retry(),
            limits=Limits(max_changes, max_removed, max_profile),
            review=checked_review(review),
            shared=self._shared,
            keep_for=self._keep_for,
        )
        self._view = SchemaView(self.schema).recalled
        self._on_event = on_event
        self._has_read = False
        at_a_time = threads if worker else 0
        self._background = Background(self, self.consolidator, self.clock, at_a_time)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a UserMemory cannot be copied or pickled: build it anew there")

    def open(self) -> Self:
        """Connect and migrate now, instead of at the first verb."""
        self.driver.open()
        return self

    def close(self, grace: float = 30.0) -> None:
        """Stop: running batches have ``grace`` seconds to finish, or are given back."""
        self._background.stop(grace)
        self.driver.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *raised: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.open)

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    def ping(self) -> None:
        """See that the database answers: one statement, or a StoreError that says what to do."""
        self.driver.read(recalls.next_due)

    def wake(self, due_at: float | None = None) -> None:
        """Have the worker of this process running, and awake if a user is due at this time."""
        self._background.wake(due_at)

    def emit(self, event: Event) -> None:
        """Tell the application's hook; what the hook does wrong is logged and stops nothing."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except (Exception, SystemExit):
            logger.exception("on_event failed on %s", event.kind)

    def remember(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        delay: float | None = None,
        *,
        keep: bool = True,
        shown: Mapping[str, Iterable[Shown]] | None = None,
    ) -> Scheduled:
        """Take in what is new of a thread; it is consolidated once the thread goes quiet.

        Args:
            messages: The whole thread, a window of it, or the new messages: LangChain messages,
                OpenAI-style dicts, ``(role, text)`` pairs or strings.
            delay: Seconds of quiet for this thread from now on; None for the memory's own.
            keep: False: only mark the messages as seen; nothing said in them is ever learned.
            shown: `Recalled.shown` of what the prompts of answers held, by the answers' message
                ids: `shown` tells it later. The nodes for LangGraph do this by themselves.

        Returns:
            When the thread is due and how much was new, after it is on the disk.

        Raises:
            InvalidInput: An id or a message that cannot be used; nothing was stored.
            StoreError: The database failed; the next call that passes the messages stores them.
        """
        args = self._remembering(user_id, thread_id, messages, delay, keep=keep, shown=shown)
        return self._scheduled(args[0], args[1], self.driver.write(remember, *args))

    async def aremember(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        delay: float | None = None,
        *,
        keep: bool = True,
        shown: Mapping[str, Iterable[Shown]] | None = None,
    ) -> Scheduled:
        """As `remember`."""
        reading = partial(
            self._remembering, user_id, thread_id, messages, delay, keep=keep, shown=shown
        )
        # What secrets are known by is read the first time, and a policy may take its time.
        at_once = self._has_read and self.author is None and are_short(messages)
        args = reading() if at_once else await asyncio.to_thread(reading)
        self._has_read = True
        return self._scheduled(args[0], args[1], await self.driver.awrite(remember, *args))

    def recall(
        self,
        user_id: Id,
        tail: bool = False,  # noqa: FBT001, FBT002 - a public name of the design
        earlier: int = 0,
        *,
        about: str = "",
        thread_id: Id = "",
    ) -> Recalled:
        """The user's profile, an empty one of a user nobody knows: one statement, no model.

        Args:
            tail: Add the newest messages by the user that nobody has read yet.
            earlier: Add what this many of the newest revisions put an end to.
            about: The user's last words, say: what matters to them of a long profile comes first.
            thread_id: With ``tail``, the thread to leave out, since the caller has it.
        """
        asked = self._recalling(user_id, tail, earlier, about, thread_id)
        return self._recalled(asked[0], self.driver.read(recalls.recall, *asked))

    async def arecall(
        self,
        user_id: Id,
        tail: bool = False,  # noqa: FBT001, FBT002 - a public name of the design
        earlier: int = 0,
        *,
        about: str = "",
        thread_id: Id = "",
    ) -> Recalled:
        """As `recall`."""
        asked = self._recalling(user_id, tail, earlier, about, thread_id)
        return self._recalled(asked[0], await self.driver.aread(recalls.recall, *asked))

    def backfill(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        *,
        said: Mapping[str, float] | None = None,
        before: float | None = None,
    ) -> Scheduled:
        """Take in a thread of the past: as `remember`, but what is in it counts as old.

        A message counts as received at its own time, if it has one (``timestamp`` or
        ``created_at``), else before every erasure: what was forgotten is not learned again. The
        thread is due at once, behind what is due already; the gate and the daily budget apply.
        Of a paused user nothing is taken in. Calling it again is cheap and adds nothing.

        Args:
            said: When messages without a time of their own were said, by their id.
            before: When all others were said at the latest; None: now.
        """
        latest = self.clock.now() if before is None else checked_seconds("before", before)
        times = {stored_id(one): checked_seconds("said", at) for one, at in (said or {}).items()}
        past = PastTimes(times, latest)
        policy = Policy(
            0.0, self.max_wait, secrets=self.secrets, past=past, keep_for=self._keep_for
        )
        user_id, thread_id, found = self._read(user_id, thread_id, messages)
        done = self.driver.write(remember, user_id, thread_id, found, policy)
        return self._scheduled(user_id, thread_id, done)

    def news(self, user_id: Id, thread_id: Id, messages: Iterable[Any]) -> News:
        """How much `remember` or `backfill` would find new in these messages; changes nothing."""
        return self.driver.read(unknown, *self._read(user_id, thread_id, messages))

    def trigger(self, user_id: Id, thread_id: Id | None = None) -> list[Outcome]:
        """Consolidate now what is unread: no delay, no gate, in the caller's thread.

        Waits where a worker already holds the user; does nothing for a paused one.

        Args:
            thread_id: Only this thread.
        """
        user_id = checked_user(user_id)
        thread = None if thread_id is None else checked_thread(thread_id)
        return self._background.trigger.user(user_id, thread)

    def trigger_all(self) -> list[Outcome]:
        """As `trigger`, for everybody who is not paused."""
        return self._background.trigger.everybody()

    def run_due(self, limit: int | None = None) -> list[Outcome]:
        """Consolidate what is due, as a worker would, at most so many batches."""
        return self._background.trigger.due(limit)

    def history(self, user_id: Id, field: str | None = None) -> list[Revision]:
        """What changed the profile, or one field of it; the newest first."""
        found = self.driver.read(recalls.history, checked_user(user_id))
        return about(renamed_history(self.schema, found), field)

    def search(
        self,
        user_id: Id,
        query: str,
        *,
        since: When = None,
        until: When = None,
        fields: Sequence[str] | None = None,
        thread_id: Id | None = None,
        limit: int = 10,
    ) -> list[Hit]:
        """Find what the user told: what is known, what held before, and messages that were kept.

        By words, in any script, and by the time that the query or the arguments name; no model is
        asked. Messages are found where ``keep_messages`` kept their text. The best come first.

        Args:
            query: What is looked for; empty, with ``since`` or ``until``, for all of that time.
            since: Only from then on: seconds since the epoch, or a date (``2026-05-01``).
            until: Only before then; of a date its whole day counts.
            fields: Only values of these fields, and no messages.
            limit: How many at most, from 1 to 1,000.
        """
        asked = checked_query(query, since, until, limit)
        stored = self.driver.read(recalls.everything_said, checked_user(user_id))
        for field in fields or ():
            self.schema.check_name(field, stored[0].document or {})
        only = None if thread_id is None else checked_thread(thread_id)
        return found(rows_of(self.schema, *stored, fields, only), asked)

    def shown(self, user_id: Id, message_id: Id, *, thread_id: Id | None = None) -> list[Shown]:
        """What of the profile stood in the prompt of an answer, in its order there.

        Known of a user's newest 200 answers, for 90 days, of each the first 500 values; by
        reference, so that what was erased since is left out. Empty for an answer that nothing was
        shown for, and for one that nobody knows.

        Args:
            message_id: The caller's id of the answer.
            thread_id: The answer's thread; None for the newest answer of that id.
        """
        where = "" if thread_id is None else checked_thread(thread_id)
        return self.driver.read(
            shown_for, checked_user(user_id), stored_id(str(message_id)), where, self.schema
        )

    def misfits(self, user_id: Id) -> list[Misfit]:
        """What is stored of a user and today's schema does not take, item by item.

        It is kept as it is, with its history, until somebody edits, moves or erases it; it counts
        again as soon as a schema takes it.
        """
        found = self.driver.read(load_profile, checked_user(user_id))
        return list(self.schema.read(found.document or {}).misfits)

    def why(self, user_id: Id, field: str, value: Any = None) -> list[Evidence]:
        """The user's words that a field, a misfit too, or one value of it rests on; newest first.

        Args:
            field: The field's name, or a JSON pointer such as ``/interests/0``.
            value: The item of a list or the key of a map; None for the whole field.

        Raises:
            InvalidInput: The schema has no such field, or the pointer leads nowhere.
        """
        document = self._document(user_id)
        self.schema.check_name(field, document)
        return evidence_of(self.history(user_id), document, field, plain(value, field))

    def refused(self, user_id: Id, field: str | None = None, limit: int = 100) -> list[Refused]:
        """What was proposed for the profile and not made, each with its reason; the newest first.

        By the background job, and by `propose` and tools. Value and quote are left out where the
        words may not be the user's. Kept are 50 of one batch (the last says how many more there
        were), and the newest 200 batches.
        """
        return self.driver.read(listing, checked_user(user_id), field, max(1, limit))

    def snapshot(self, user_id: Id, revision: int | None = None) -> Snapshot:
        """The profile as a revision left it: what has changed it since is taken back, by value.

        Args:
            revision: Which; 0 for before anything was learned, None for as it is now.

        Raises:
            InvalidInput: There is no such revision, or all of that time has been erased.
        """
        profile, history = self.driver.read(recalls.profile_and_history, checked_user(user_id))
        wanted = profile.revision if revision is None else revision
        past = [renamed_revision(self.schema, one) for one in history]
        return wound_back(profile.document or {}, profile.revision, past, wanted, self.schema)

    def profiles(self, after: str = "", limit: int = 100) -> list[tuple[str, Recalled]]:
        """Users that have a profile, each with it, page by page: for administration, not for chats.

        In the database's own order, after the last user of the page before; empty at the end.
        """
        return self.driver.read(recalls.profiles, after, max(1, limit), self._view)

    def costs(
        self, user_id: Id | None = None, *, since: float = 0.0, until: float | None = None
    ) -> list[Cost]:
        """What learning cost, by user, day (UTC) and model; the oldest day first.

        Counted is what each reading used, as the provider counts it: second looks and failed
        attempts too, not what a tool's own second look used, nor a reading that was void when it
        ended. ``user_id=None`` is everybody: the whole table is read.
        """
        known = None if user_id is None else checked_user(user_id)
        return self.driver.read(recalls.costs, known, since, _LATEST if until is None else until)

    def edit(
        self,
        user_id: Id,
        patch_or_document: Any,
        *,
        by: str,
        revision: int | None = None,
        dry_run: bool = False,
    ) -> Revision | None:
        """Change the profile by hand. Afterwards only later words of the user change these fields.

        Args:
            patch_or_document: RFC 6902 operations, or the document: what is not in it is emptied.
            by: Who edits, for the history; not ``model``, ``undo`` or ``forget``.
            revision: The revision that the editor was shown; None to edit whatever is there.
            dry_run: Only say what it would change.

        Returns:
            The new revision, or what it would be; None if the profile says so already.

        Raises:
            Conflict: The profile has moved on since that revision, or a ``test`` does not hold.
            InvalidDocument: The schema refuses the result; names the field.
            InvalidInput: This is no edit, the patch does not apply, or nobody edits.
        """
        wanted, user_id = patch_or_document, checked_user(user_id, new=True)
        return self._correcting().edit(user_id, wanted, by, revision, dry_run=dry_run)

    def undo(self, user_id: Id, revision: int | None = None, *, dry_run: bool = False) -> Undone:
        """Take back what one revision changed, as a new revision; what came since stays.

        Args:
            revision: Which; None for the newest that is neither an undo nor taken back already,
                so that undoing again goes further back. An undo's own number takes that back.
            dry_run: Only say what it would change.
        """
        return self._correcting().undo(checked_user(user_id), revision, dry_run=dry_run)

    def undo_thread(self, user_id: Id, thread_id: Id, *, dry_run: bool = False) -> Undone:
        """Unlearn a conversation: take back all that it taught, as `undo` does.

        What waits for a person of it is declined.
        Its words stay in the history as long as they are not erased: see `forget_thread`.
        """
        user_id, thread_id = checked_user(user_id), checked_thread(thread_id)
        return self._correcting().undo_thread(user_id, thread_id, dry_run=dry_run)

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
            changes: What to do, each with its quote.
            by: The name that the revision bears.
        """
        proposing, asked = self._proposing(), tuple(changes)
        said = proposing.said(self._learner(user_id), checked_thread(thread_id, new=True), messages)
        return proposing.changes(said, asked, checked_editor(by))

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
        dry_run: bool = False,
    ) -> Forgotten | Refused:
        """As `forget`, if the user asks for it in what they said last.

        An erasure cannot be undone. So beside the quote, which code looks up, it needs a second
        look (one model call in this turn) or the application's confirmation. With
        ``verify="off"`` the quote alone will do.

        Args:
            value: The item of a list, the key of a map or an object; None for the whole field.
            quote: The user's words, which ask to forget it.
            confirmed: Whether the user has confirmed it to the application, by a button say.
            dry_run: Only say what it would reach, or why it would be refused: before a question is
                put to the user.

        Raises:
            ProviderError: The second look could not be reached; nothing was erased.
        """
        proposing = self._proposing()
        said = proposing.said(checked_user(user_id), checked_thread(thread_id), messages)
        change = proposing.erasure(said, field, value, quote, confirmed=confirmed)
        if isinstance(change, Refused):
            return change
        try:
            return self.forget(user_id, field, change.value, dry_run=dry_run)
        except InvalidInput as error:  # no such item: the model is told which there are
            return Refused(change, "item_not_there", str(error))

    def proposals(self, user_id: Id | None = None, limit: int = 100) -> list[Proposal]:
        """Changes that wait for a person, the oldest first; None for anybody's.

        With ``review`` they come from conversations and tools, and from `tidy` in any case. One
        that nobody decides on ends after 90 days, and one whose words are erased goes with them.
        """
        known = None if user_id is None else checked_user(user_id)
        return self.driver.read(waiting, known, max(1, limit))

    def approve(
        self, proposal_id: str, *, value: Any = None, by: str = "review", user_id: Id = ""
    ) -> Proposed:
        """Make what a proposal would do, judged by the profile as it is now: all of it, or nothing.

        Args:
            value: In place of the value that it puts in; its words stay beside it.
            by: Who approves, for the history.
            user_id: Whose it has to be, where the caller may decide for one user only.

        Returns:
            The revision, None where the profile says so already; or why it cannot be made any
            more (what is known was said later, the field is full, …): then it goes on waiting.

        Raises:
            Conflict: It does not wait: approved, declined or erased before, expired, or unknown.
            InvalidInput: It does not put in one value, so that none can be edited.
        """
        whose = checked_user(user_id) if user_id != "" else ""
        return self._reviewing().approve(proposal_id, whose, checked_editor(by), value)

    def decline(self, proposal_id: str, *, user_id: Id = "") -> Proposal:
        """End a proposal. Nothing is kept of it but a hash: the same words propose it no more.

        Raises:
            Conflict: As for `approve`.
        """
        whose = checked_user(user_id) if user_id != "" else ""
        return self._reviewing().decline(proposal_id, whose)

    def tidy(self, user_id: Id) -> Tidied:
        """Have a model look over a profile: what says the same, is over, or is not true any more.

        One call. What it proposes waits for a person (see `proposals`), each with the words that
        its items rest on; merged items keep all of them. With ``tidy="apply"`` merges of the same
        words, written otherwise, are made at once.

        Raises:
            ConfigurationError: The memory has no language model.
            Conflict: Something of the user was erased meanwhile.
            ExtractionError: The model could not be asked, or would take away more than
                ``max_removed`` allows: nothing was proposed.
        """
        user_id = checked_user(user_id)
        found, lossless = self._tidying().propose(user_id)
        if not self._tidies or not lossless:
            return found
        reviewing = self._reviewing()
        made = [reviewing.approve(one, user_id, "tidy", None).revision for one in lossless]
        left = [one for one in found if one.id not in lossless]
        return found.after([one for one in made if one is not None], left)

    def due_to_tidy(self, after: str = "", limit: int = 100) -> list[str]:
        """Users whose profile a tidy pass should look at, page by page.

        It is long (4,000 characters) and has changed since the last pass, or half a year has gone
        by since it was looked at or begun.
        """
        return self._tidying().due(after, max(1, limit))

    def forget(
        self,
        user_id: Id,
        field: str,
        value: Any = None,
        checkpointer: SaverLike | None = None,
        *,
        anywhere: bool = False,
        dry_run: bool = False,
    ) -> Forgotten:
        """Erase a value from the profile, its history, its quotes and what is not yet read.

        No message received before teaches that field the same value again; the user may say it
        anew. What was consolidated meanwhile is discarded and read again.

        Args:
            field: The field, or a JSON pointer such as ``/interests/0``.
            value: The item of a list, the key of a map, the property of an object, or what stands
                inside of one of them; None for the whole field with its history. What other items
                say stays: "tennis" takes neither "table tennis" nor the quote that it rests on.
            anywhere: The value need stand nowhere: the field is kept from learning it.
            checkpointer: A LangGraph saver: the threads in which it was said are deleted there,
                whole. Without one they are only named.
            dry_run: Only say what it would reach.

        Raises:
            InvalidInput: The schema has no such field, the pointer leads nowhere, or the value is
                no item and stands nowhere by itself (the text lists the items); nothing was erased.
        """
        if field.startswith("/"):
            if value is not None:
                raise InvalidInput(f"{field!r} names the value already; leave out {value!r}")
            field, value = resolve_part(self._document(user_id), field)
        if field not in self.schema.fields:
            self.schema.check_name(field, self._document(user_id))
        target = OfValue(field, plain(value, field), anywhere)
        return self._forget(user_id, target, checkpointer, dry_run=dry_run)

    def forget_message(
        self,
        user_id: Id,
        thread_id: Id,
        message: str | int,
        checkpointer: SaverLike | None = None,
        *,
        dry_run: bool = False,
    ) -> Forgotten:
        """Erase a message and what rests on it alone; what rests on others too stays without it.

        Args:
            message: The caller's id of it, or its number as `Evidence.seq` has it.
        """
        named = stored_id(message) if isinstance(message, str) else message
        target = OfMessage(checked_thread(thread_id), named)
        return self._forget(user_id, target, checkpointer, dry_run=dry_run)

    def forget_thread(
        self,
        user_id: Id,
        thread_id: Id,
        checkpointer: SaverLike | None = None,
        *,
        dry_run: bool = False,
    ) -> Forgotten:
        """Erase what was said in a thread and what rests on that alone."""
        target = OfThread(checked_thread(thread_id))
        return self._forget(user_id, target, checkpointer, dry_run=dry_run)

    def forget_user(
        self, user_id: Id, checkpointer: SaverLike | None = None, *, dry_run: bool = False
    ) -> Forgotten:
        """Erase all that is known and kept of a user.

        What stays are counters, which make void whatever is being worked out now, and hashed
        marks, by which an open thread's old messages are known and not read again. With a
        ``checkpointer`` all threads of the user are deleted there.
        """
        return self._forget(user_id, None, checkpointer, dry_run=dry_run)

    def retain(
        self,
        user_id: Id | None = None,
        *,
        days: float | None = None,
        dry_run: bool = False,
        done: Callable[[Expired], None] | None = None,
    ) -> list[Expired]:
        """Erase what nobody has said, confirmed or edited for as long as values are kept.

        That is each item by itself, as `forget` does: from the profile, its history, quotes and
        kept messages. What held once and holds no more goes when that is so long ago, and so does
        what the schema knows no more. Each field of a user is one transaction, in which times are
        looked at again: stopped in the middle, the next call goes on. A field's default stays.

        Args:
            user_id: Of whom; None for everybody.
            days: For fields that say nothing themselves; None for the memory's own ``retention``.
            dry_run: Only say what would be erased.
            done: Called after each value, for progress.

        Raises:
            InvalidInput: Nothing says how long anything is kept.
        """
        from usermemory.retention import Retention

        kept = self._retention if days is None else checked_retention(days)
        task = Retention(self.driver, self.schema, kept, self.clock)
        found = task.run(None if user_id is None else checked_user(user_id), done, dry_run=dry_run)
        if found and not dry_run:
            for each in {one.user_id for one in found}:
                self.consolidator.drop_answers(each)
            self.clean()
        return found

    def clean(self) -> bool:
        """Try to remove what pending erasures left on the disk; True if nothing is left."""
        return clean_erased(self.driver)

    def verify_erased(self, user_id: Id, text: str | Sequence[str]) -> Proof:
        """Look for a text, or for any of several, in every table and file: the proof of an erasure.

        Whatever the case, and escaped as JSON too. Words are told from parts of words, and from
        what other items of the profile say more of ("tennis" in "table tennis"): that is kept, and
        counted as such. Rows of other users are told apart; a file's bytes can't be. On
        PostgreSQL the server's files, log and backups are out of reach.
        """
        texts = [one.strip() for one in ([text] if isinstance(text, str) else text)]
        short = next((one for one in texts or [""] if len(one) < 2), None)
        if short is not None:
            raise InvalidInput(f"{short!r} is too short to look for: it would be found everywhere")
        user_id = checked_user(user_id)
        held = self.driver.read(load_profile, user_id).document or {}
        spared = [leaf for leaf in leaves([*held.values()]) if isinstance(leaf, str)]
        places = self.driver.search(user_id, texts, spared)
        return Proof(tuple(places), self.driver.read(newest_erasure) is not None)

    def export(self, user_id: Id, *, for_user: bool = False) -> dict[str, Any]:
        """All that is kept of a user as one JSON document.

        Profile, history with quotes, messages that wait to be read and marks of those that were,
        what was erased (hashed, with the secret of the hashes), and the profile's schema.

        Args:
            for_user: For the user to read, and not to be imported: no secrets, no counters, no
                hashes, times in ISO 8601; see `usermemory.export`.

        Raises:
            InvalidInput: Nothing is kept of this user.
        """
        from usermemory.export import for_the_user, take_out

        user_id = checked_user(user_id)
        now = self.clock.now()
        found = self.driver.read(take_out, user_id, self.schema.json_schema, now)
        if found is None:
            raise InvalidInput(f"nothing is kept of user {user_id!r}")
        return for_the_user(found) if for_user else found

    def import_(self, user_id: Id, data: Any) -> Imported:
        """Put an exported user into this memory; the same again changes nothing.

        Pending messages come along and are read here. The id need not be the one of the export.

        Raises:
            InvalidInput: It is no export, or of a later version; says where.
            Conflict: This memory knows of the user what the export does not.
            StoreBusy: A worker is at work on the user.
        """
        from usermemory.export import put_in

        user_id = checked_user(user_id, new=True)
        written = self.driver.write(put_in, user_id, data)
        document: dict[str, Any] = data["profile"]["document"] if data["profile"] else {}
        misfits = self.schema.read(document).misfits
        return Imported(written, tuple(dict.fromkeys(one.field for one in misfits)))

    def check_schema(self) -> SchemaCheck:
        """How much of what is stored today's schema takes; reads every profile, changes nothing."""
        return checked_schema(self.driver, self.schema)

    def migrate_schema(
        self,
        mapping: Mapping[str, str] | None = None,
        function: Move | None = None,
        *,
        everyone: bool = False,
        dry_run: bool = True,
        done: Callable[[Migrated], None] | None = None,
    ) -> Migration:
        """Take over what another schema has stored, user by user.

        Each user is one transaction and one revision by ``migration``, which `undo` takes back:
        stopped in the middle, it goes on where it was. A value that moves keeps the words it rests
        on. What does not fit afterwards stays a misfit; workers with this schema read again.

        Args:
            mapping: Fields to move, old name to new; where the new one holds a value, it stays.
                History, dates and erasures of the old name belong to the new one from then on.
            function: Makes of a stored document one of today's schema, instead of a mapping. What
                it leaves out is emptied. It is applied once to each user, and to nobody who was
                begun under today's schema; one of another name goes on where it stopped.
            everyone: Apply the function to users too who were begun under today's schema.
            dry_run: Only say what it would do.
            done: Called after each user, for progress.

        Returns:
            The users whose profile was, or would be, changed or accepted; ``skipped`` says how many
            the function passes over.

        Raises:
            InvalidInput: The mapping names a field that the schema has not, or that nobody ever
                had; or the function fails for a user: those before stay migrated.
        """
        task = Migrating(self.driver, self.schema, mapping or {}, function, everyone=everyone)
        return task.run(done, dry_run=dry_run)

    def jobs(self, state: ThreadState | None = None, user_id: Id | None = None) -> list[Job]:
        """Threads with unread messages, the most urgent first; at most a thousand."""
        whose = None if user_id is None else checked_user(user_id)
        return self.driver.read(recalls.jobs, state, whose)

    def retry(self, user_id: Id, thread_id: Id) -> bool:
        """Make a thread due now with fresh attempts; False if nothing in it is unread."""
        done = self.driver.write(claims.retry, checked_user(user_id), checked_thread(thread_id))
        self.wake(0.0)
        return done

    def retry_all(self, reason: str = "", *, dry_run: bool = False) -> list[Job]:
        """Make every thread due now that failed, dead letters too, with fresh attempts.

        Args:
            reason: Only threads whose last error has this in its text, whatever the case.
            dry_run: Only say which.
        """
        found = self._background.trigger.retry_failed(reason, dry_run=dry_run)
        if not dry_run:
            self.wake(0.0)
        return found

    def drop(self, user_id: Id, thread_id: Id) -> int:
        """Give up on a thread's unread messages: never read. Returns how many."""
        return self.driver.write(claims.drop, checked_user(user_id), checked_thread(thread_id))

    def pause(self, user_id: Id) -> None:
        """Stop learning about a user; what is said until `resume` is never learned."""
        self.driver.write(claims.pause, checked_user(user_id), paused=True)

    def resume(self, user_id: Id) -> None:
        """Learn about a user again, from what is said from now on."""
        self.driver.write(claims.pause, checked_user(user_id), paused=False)
        self.wake(0.0)

    # The awaited twins of the verbs above.
    aclose = awaited(close)
    aping = awaited(ping)
    abackfill = awaited(backfill)
    anews = awaited(news)
    atrigger = awaited(trigger)
    atrigger_all = awaited(trigger_all)
    arun_due = awaited(run_due)
    ahistory = awaited(history)
    asearch = awaited(search)
    ashown = awaited(shown)
    amisfits = awaited(misfits)
    awhy = awaited(why)
    arefused = awaited(refused)
    asnapshot = awaited(snapshot)
    aprofiles = awaited(profiles)
    acosts = awaited(costs)
    aedit = awaited(edit)
    aundo = awaited(undo)
    aundo_thread = awaited(undo_thread)
    apropose = awaited(propose)
    apropose_erasure = awaited(propose_erasure)
    aproposals = awaited(proposals)
    aapprove = awaited(approve)
    adecline = awaited(decline)
    atidy = awaited(tidy)
    adue_to_tidy = awaited(due_to_tidy)
    aforget = awaited(forget)
    aforget_message = awaited(forget_message)
    aforget_thread = awaited(forget_thread)
    aforget_user = awaited(forget_user)
    aretain = awaited(retain)
    aclean = awaited(clean)
    averify_erased = awaited(verify_erased)
    aexport = awaited(export)
    aimport = awaited(import_)
    acheck_schema = awaited(check_schema)
    amigrate_schema = awaited(migrate_schema)
    ajobs = awaited(jobs)
    aretry = awaited(retry)
    aretry_all = awaited(retry_all)
    adrop = awaited(drop)
    apause = awaited(pause)
    aresume = awaited(resume)

    def _remembering(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        delay: float | None,
        *,
        keep: bool,
        shown: Mapping[str, Iterable[Shown]] | None,
    ) -> tuple[str, str, Iterable[Message], Policy]:
        user_id, thread_id, found = self._read(user_id, thread_id, messages)
        policy = Policy(
            delay=self.delay if delay is None else checked_seconds("delay", delay),
            max_wait=self.max_wait,
            keep=keep,
            at_once=guarded(self.gate.at_once) if self.gate else None,
            moved=delay is not None,
            secrets=self.secrets,
            screened=_screened_before(found, self.secrets) if keep else {},
            asked=messages.asked if keep and isinstance(messages, Attributed) else Asked(),
            keep_for=self._keep_for,
            shown=partial(keep_shown, answers=shown, schema=self.schema) if shown else None,
        )
        return user_id, thread_id, found, policy

    def _read(
        self, user_id: Id, thread_id: Id, messages: Iterable[Any]
    ) -> tuple[str, str, Iterable[Message]]:
        user_id, thread_id = self._learner(user_id), checked_thread(thread_id, new=True)
        return user_id, thread_id, newest_first(messages, user_id, self.author)

    def _learner(self, user_id: Id) -> str:
        """The id of a user about whom something may be learned."""
        known = checked_user(user_id, new=True)
        if known == self._shared:
            raise InvalidInput(f"{known!r} is the shared profile: nothing is learned into it")
        return known

    def _scheduled(self, user_id: str, thread_id: str, scheduled: Scheduled) -> Scheduled:
        self.wake(scheduled.due_at)
        if self._on_event is not None:
            now = self.clock.now()
            self.emit(Event("scheduled", user_id, thread_id, now, scheduled=scheduled))
        return scheduled

    def _recalling(
        self, user_id: Id, tail: object, earlier: int, about: str, thread_id: Id
    ) -> tuple[str, int, str, int, int, str, Callable[..., Recalled]]:
        make = self._view
        if about != "":
            make = partial(make, about=checked_text("about", about))
        asked = checked_user(user_id), _TAIL if tail else 0, str(thread_id), earlier
        return *asked, self._tells, self._shared, make

    def _recalled(self, user_id: str, found: Recalled) -> Recalled:
        self.wake()
        if self._on_event is not None:
            self.emit(Event("recalled", user_id, at=self.clock.now()))
        return found

    def _document(self, user_id: Id) -> Mapping[str, Any]:
        """The profile, for verbs that look something up in it: that is no recall."""
        asked = checked_user(user_id), 0, "", 0, 0, ""
        return self.driver.read(recalls.recall, *asked, self._view).document

    def _correcting(self) -> Correcting:
        return Correcting(self.driver, self.schema, self.clock)

    def _proposing(self) -> Proposing:
        from usermemory.propose import Proposing

        return Proposing(self.consolidator, self.author, self.clock, self.secrets)

    def _tidying(self) -> Tidying:
        from usermemory.tidy import Tidying

        return Tidying(self.consolidator, self.clock)

    def _reviewing(self) -> Reviewing:
        from usermemory.review import Reviewing

        return Reviewing(self.consolidator, self.clock)

    def _forget(
        self, user_id: Id, target: Target | None, checkpointer: SaverLike | None, *, dry_run: bool
    ) -> Forgotten:
        from usermemory.store.flows.erase import erase, erase_user, rehearse

        user_id = checked_user(user_id)
        if dry_run:
            return self.driver.read(rehearse, user_id, target, self.schema)
        if target is None:
            done = self.driver.write(erase_user, user_id)
        else:
            done = self.driver.write(erase, user_id, target, self.schema)
        self.consolidator.drop_answers(user_id)
        if checkpointer is not None:
            for thread_id in done.threads:
                checkpointer.delete_thread(thread_id)
        return replace(done, pending=not self.clean())


_LONG_TEXT = 20_000


def _screened_before(
    newest_first: Iterable[Message], secrets: SecretPolicy
) -> dict[str, str | None]:
    """The long texts among the newest messages, and what may be kept of each.

    To look for secrets in a megabyte takes longer than others should wait for a lock, and so does
    to load what looks for them, when many processes begin together.
    """
    if secrets != "keep":
        load_formats()
    newest = islice(newest_first, NEWEST_SCREENED)
    return {one.text: screened(one.text, secrets) for one in newest if len(one.text) > _LONG_TEXT}

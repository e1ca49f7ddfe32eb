"""`UserMemory`: the verbs, in pairs. A plain name blocks, its twin with an ``a`` is awaited."""

from __future__ import annotations

from usermemory.memory.carry import CarryVerbs
from usermemory.memory.correct import CorrectVerbs
from usermemory.memory.jobs import JobVerbs
from usermemory.memory.learn import LearnVerbs
from usermemory.memory.past import PastVerbs
from usermemory.memory.propose import ProposeVerbs
from usermemory.memory.schemas import SchemaVerbs

__all__ = ["UserMemory"]


class UserMemory(
    ProposeVerbs, CorrectVerbs, CarryVerbs, PastVerbs, LearnVerbs, JobVerbs, SchemaVerbs
):
    """A profile per user, across threads, learned in the background.

    Building it checks what was passed and opens nothing: the first verb does. A module-level
    memory is fine; so is one per test, closed by ``with``.

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
        threads: Batches at a time in this process.
        retry: When a failed consolidation is tried again.
        secrets: What is done about API keys, passwords, card and bank numbers in new messages:
            ``"mask"`` them, ``"refuse"`` the whole message (it is marked as seen, and never
            read), or ``"keep"`` it as it is. Before the inbox: a masked secret is nowhere stored.
        max_changes: Changes that one consolidation may make. A batch that exceeds it fails, is
            halved and tried again; one turn that does so alone waits for a person (see `jobs`).
        max_removed: Share of the profile's values, from 0 to 1, that one consolidation may
            remove, with the same consequence; up to three may go in any case.
        max_profile: Characters of a profile, as JSON. At the limit additions are refused as
            ``profile_full``, with a warning for each consolidation; corrections and removals go on.
        on_event: Called with an `Event` for whatever happens, in the thread where it happens.
        clock: What time it is; for tests.

    Raises:
        ConfigurationError: Of the kind that fits, naming what to change.
    """

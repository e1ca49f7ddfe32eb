"""Lists of the HTTP API, page by page: of one user, and of everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query

from usermemory.past import about
from usermemory.records import Cost, Job, Misfit, Proposal, Refused, Revision
from usermemory.schema.renames import renamed_history
from usermemory.serve import forms
from usermemory.serve.forms import (
    USER,
    After,
    FieldName,
    Limit,
    Moment,
    Page,
    UserId,
    operation,
    page,
    page_behind,
)
from usermemory.settings import checked_user
from usermemory.store.flows import recall as recalls

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

_ALL = 1 << 40
"""More than there are of anything."""


def _urgency(job: Job) -> tuple[bool, float, str, str]:
    return job.due_at is None, job.due_at or 0.0, job.user_id, job.thread_id


def _age(proposal: Proposal) -> tuple[float, str, str]:
    return proposal.at, proposal.user_id, proposal.id


def add_lists(router: APIRouter, memory: UserMemory) -> None:
    """Add them to the routes that read."""
    _of_one_user(router, memory)
    _of_everybody(router, memory)


def _of_one_user(router: APIRouter, memory: UserMemory) -> None:
    async def history(
        user_id: UserId, field: FieldName = None, limit: Limit = 100, after: After = None
    ) -> Page[Revision]:
        """List what changed a profile, or one field of it, the newest first.

        `next` is the number of the revision before which the next page begins.
        """
        before = _ALL if after is None else forms.place(after)
        asked = checked_user(user_id), limit, before
        found = await memory.driver.aread(recalls.history, *asked)
        following = str(found[-1].number) if len(found) == limit else None
        return Page(items=about(renamed_history(memory.schema, found), field), next=following)

    async def refused(
        user_id: UserId, field: FieldName = None, limit: Limit = 100, after: After = None
    ) -> Page[Refused]:
        """List what was proposed for a profile and not made, with its reason."""
        found = await memory.arefused(user_id, field, _ALL)
        return page(found, after, limit)

    async def misfits(user_id: UserId, limit: Limit = 100, after: After = None) -> Page[Misfit]:
        """List what is stored of a user and today's schema does not take."""
        return page(await memory.amisfits(user_id), after, limit)

    async def jobs(user_id: UserId, limit: Limit = 100, after: After = None) -> Page[Job]:
        """List a user's threads with unread messages."""
        found = await memory.driver.aread(recalls.jobs, None, checked_user(user_id), _ALL)
        return page_behind(found, _urgency, after, limit)

    async def costs(
        user_id: UserId,
        since: Annotated[Moment, Query()] = 0.0,
        until: Annotated[Moment | None, Query()] = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Page[Cost]:
        """List what learning about a user cost, by day and model."""
        return page(await memory.acosts(user_id, since=since, until=until), after, limit)

    async def proposals(user_id: UserId, limit: Limit = 100, after: After = None) -> Page[Proposal]:
        """List changes to a profile that wait for a person, the oldest first."""
        return page_behind(await memory.aproposals(user_id, _ALL), _age, after, limit)

    operation(router, "GET", USER + "/history")(history)
    operation(router, "GET", USER + "/proposals")(proposals)
    operation(router, "GET", USER + "/refused")(refused)
    operation(router, "GET", USER + "/misfits")(misfits)
    operation(router, "GET", USER + "/jobs")(jobs)
    operation(router, "GET", USER + "/costs")(costs)


def _of_everybody(router: APIRouter, memory: UserMemory) -> None:
    async def list_users(
        search: Annotated[str, Query(max_length=200, description="A part of their ids.")] = "",
        limit: Limit = 100,
        after: After = None,
    ) -> Page[forms.Person]:
        """List who is known, waits or is paused, by id.

        It takes a token that reaches everybody.
        """
        named, behind = search.replace("\0", ""), (after or "").replace("\0", "")
        rows = await memory.driver.aread(recalls.people, named, "id", limit + 1, 0, behind)
        shown = [forms.Person.model_validate(dict(row)) for row in rows[:limit]]
        following = shown[-1].user_id if len(rows) > limit else None
        return Page(items=shown, next=following)

    async def list_jobs(
        state: Annotated[Literal["waiting", "held", "dead"] | None, Query()] = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Page[Job]:
        """List everybody's threads with unread messages, the most urgent first.

        It takes a token that reaches everybody.
        """
        found = await memory.driver.aread(recalls.jobs, state, None, _ALL)
        return page_behind(found, _urgency, after, limit)

    async def list_costs(
        since: Annotated[Moment, Query()] = 0.0,
        until: Annotated[Moment | None, Query()] = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Page[Cost]:
        """List what learning cost, by user, day and model.

        It takes a token that reaches everybody.
        """
        return page(await memory.acosts(since=since, until=until), after, limit)

    async def list_proposals(limit: Limit = 100, after: After = None) -> Page[Proposal]:
        """List everybody's changes that wait for a person, the oldest first.

        It takes a token that reaches everybody.
        """
        return page_behind(await memory.aproposals(None, _ALL), _age, after, limit)

    operation(router, "GET", "/users")(list_users)
    operation(router, "GET", "/proposals")(list_proposals)
    operation(router, "GET", "/jobs")(list_jobs)
    operation(router, "GET", "/costs")(list_costs)

"""The HTTP API under ``/api/v1``: verbs of the memory, for the bearers of tokens."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response, Security
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from usermemory.errors import ConfigurationError, ExtractionError, IdentityError, InvalidInput
from usermemory.records import (
    Evidence,
    Forgotten,
    Hit,
    Imported,
    Job,
    Outcome,
    Proposed,
    Scheduled,
    Shown,
    Snapshot,
    Undone,
)
from usermemory.serve import forms
from usermemory.serve.admission import Admission, Rate
from usermemory.serve.forms import (
    USER,
    DryRun,
    Limit,
    Number,
    ProposalId,
    ThreadId,
    UserId,
    operation,
)
from usermemory.serve.links import links_router
from usermemory.serve.lists import add_lists
from usermemory.settings import checked_user

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

_THREAD = USER + "/threads/{thread_id}"
_ALL = 1 << 40
"""More than there are of anything."""

_IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Chosen by the client, new for each change, such as a random UUID: the same "
        "request with the same key is done once, and answered alike for a day.",
    ),
]


async def _once(idempotency_key: _IdempotencyKey = None) -> None:
    """For the OpenAPI document: admission sees to it."""


def health_router(memory: UserMemory) -> APIRouter:
    """Whether it serves, for whoever asks: no token, and nothing of anybody."""
    router = APIRouter(prefix="/api/v1", tags=["service"])

    async def health() -> forms.Health:
        """See that the database answers."""
        await memory.aping()
        return forms.Health(status="ok")

    router.add_api_route(
        "/health",
        health,
        operation_id="health",
        summary="See that the database answers",
        responses=forms.answers(413, 503),
    )
    return router


def api_router(memory: UserMemory, rate: Rate, *, pages: bool) -> APIRouter:
    """The API's routes; each needs a bearer token that reaches the user in its path.

    Args:
        memory: Whose.
        rate: Requests a minute for each token.
        pages: Whether there are pages that a link may open.
    """
    scheme = HTTPBearer(auto_error=False, description="`usermemory token create` prints one.")
    admission = Admission(memory, rate)
    made = partial(APIRouter, route_class=admission.route_class())
    router = made(prefix="/api/v1", dependencies=[Security(scheme)])
    reading, writing = made(), made(dependencies=[Depends(_once)])
    _add_recall(reading, memory)
    _add_looking(reading, memory)
    _add_learning(writing, memory)
    _add_corrections(writing, memory)
    _add_review(writing, memory)
    _add_erasure(writing, memory)
    add_lists(reading, memory)
    router.include_router(reading)
    router.include_router(writing)
    if pages:
        router.include_router(links_router(memory, admission))
    return router


def _add_recall(router: APIRouter, memory: UserMemory) -> None:
    async def recall(
        user_id: UserId,
        about: Annotated[str, Query(description="What matters to this comes first.")] = "",
        max_tokens: Annotated[int, Query(ge=1, le=1_000_000, description="Of `text`.")] = 1_000,
        earlier: Annotated[int, Query(ge=0, le=100, description="So many past changes.")] = 0,
        thread_id: Annotated[str, Query(description="With `tail`, the one to leave out.")] = "",
        *,
        tail: Annotated[bool, Query(description="Add what nobody has read yet.")] = False,
        stamps: Annotated[bool, Query(description="Add when each field was heard of.")] = False,
    ) -> Response:
        """Recall a user's profile, as data and as text for a prompt.

        Of a user nobody knows it is empty.
        """
        found = await memory.arecall(user_id, tail, earlier, about=about, thread_id=thread_id)
        text = await asyncio.to_thread(found.render, max_tokens)
        made = forms.Profile.of(found, text, stamps=stamps)
        # As JSON at once: FastAPI would go through it once more.
        return Response(made.model_dump_json(), media_type="application/json")

    async def shown(
        user_id: UserId,
        message_id: Annotated[str, Query(description="The application's id of the answer.")],
        thread_id: Annotated[str | None, Query(description="None: its newest answer.")] = None,
    ) -> list[Shown]:
        """List what of a profile stood in the prompt of an answer."""
        return await memory.ashown(user_id, message_id, thread_id=thread_id)

    async def search(
        user_id: UserId,
        query: Annotated[str, Query(examples=["flat in Lisbon"])] = "",
        since: Annotated[str | None, Query(examples=["2026-05-01"])] = None,
        until: Annotated[str | None, Query(examples=["2026-05-31"])] = None,
        fields: Annotated[list[str] | None, Query(description="Only values of these.")] = None,
        thread_id: Annotated[str | None, Query(description="Only said there.")] = None,
        limit: Limit = 10,
    ) -> list[Hit]:
        """Search what a user told, by words and by time.

        Without `query` all of the time from `since` to `until`. The best come first.
        """
        return await memory.asearch(
            user_id,
            query,
            since=since,
            until=until,
            fields=fields,
            thread_id=thread_id,
            limit=limit,
        )

    operation(router, "GET", USER + "/profile", answer=forms.Profile)(recall)
    operation(router, "GET", USER + "/search")(search)
    operation(router, "GET", USER + "/shown")(shown)


def _add_looking(router: APIRouter, memory: UserMemory) -> None:
    async def snapshot(
        user_id: UserId,
        revision: Annotated[Number | None, Query(description="Which; none for today's.")] = None,
    ) -> Snapshot:
        """Show a profile as one of its revisions left it."""
        return await memory.asnapshot(user_id, revision)

    async def why(
        user_id: UserId,
        field: Annotated[str, Query(examples=["interests"])],
        value: Annotated[str | None, Query(description="An item or a key.")] = None,
    ) -> list[Evidence]:
        """List the user's words that a field, or one value of it, rests on."""
        return await memory.awhy(user_id, field, value)

    async def export_user(
        request: Request,
        user_id: UserId,
        *,
        for_user: Annotated[
            bool, Query(description="For the user to read; false: to be imported elsewhere.")
        ] = True,
    ) -> dict[str, Any]:
        """Export all that is kept of a user.

        One that can be imported holds the secret of the user's erasures: it takes a token that
        reaches everybody.
        """
        if not for_user and request.state.access.user_id is not None:
            raise HTTPException(403, "this export takes a token that reaches everybody")
        try:
            return await memory.aexport(checked_user(user_id), for_user=for_user)
        except IdentityError:
            raise
        except InvalidInput as error:
            raise HTTPException(404, str(error)) from error

    operation(router, "GET", USER + "/snapshot")(snapshot)
    operation(router, "GET", USER + "/why")(why)
    operation(router, "GET", USER + "/export", 404)(export_user)


def _add_learning(router: APIRouter, memory: UserMemory) -> None:
    async def remember(user_id: UserId, thread_id: ThreadId, said: forms.Messages) -> Scheduled:
        """Take in what is new of a thread.

        It is on the disk when this answers, and read once the thread goes quiet.
        """
        return await memory.aremember(user_id, thread_id, said.messages, said.delay, keep=said.keep)

    async def trigger(
        user_id: UserId,
        thread_id: Annotated[str | None, Query(description="Only this thread.")] = None,
    ) -> list[Outcome]:
        """Read now what is unread of a user."""
        return await memory.atrigger(user_id, thread_id)

    async def pause(user_id: UserId) -> forms.Paused:
        """Stop learning about a user; what is said until `resume` is never learned."""
        await memory.apause(user_id)
        return forms.Paused(paused=True)

    async def resume(user_id: UserId) -> forms.Paused:
        """Learn about a user again, from what is said from now on."""
        await memory.aresume(user_id)
        return forms.Paused(paused=False)

    async def retry(user_id: UserId, thread_id: ThreadId) -> forms.Retried:
        """Make a thread due now, with fresh attempts."""
        if not await memory.aretry(user_id, thread_id):
            raise HTTPException(404, "nothing in this thread is unread")
        return forms.Retried(retried=True)

    async def drop(user_id: UserId, thread_id: ThreadId) -> forms.Dropped:
        """Give up on a thread's unread messages: they are never read."""
        return forms.Dropped(dropped=await memory.adrop(user_id, thread_id))

    async def retry_all(wanted: forms.RetryAll) -> list[Job]:
        """Make every thread due now that failed, dead ones too.

        It takes a token that reaches everybody.
        """
        return await memory.aretry_all(wanted.reason, dry_run=wanted.dry_run)

    operation(router, "POST", _THREAD + "/messages", status=202)(remember)
    operation(router, "POST", USER + "/trigger")(trigger)
    operation(router, "POST", USER + "/pause")(pause)
    operation(router, "POST", USER + "/resume")(resume)
    operation(router, "POST", _THREAD + "/retry", 404)(retry)
    operation(router, "POST", _THREAD + "/drop")(drop)
    operation(router, "POST", "/jobs/retry")(retry_all)


def _add_corrections(router: APIRouter, memory: UserMemory) -> None:
    async def edit(user_id: UserId, wanted: forms.Edit) -> forms.Edited:
        """Change a profile by hand.

        Afterwards only later words of the user change these fields.
        """
        made = await memory.aedit(
            user_id, wanted.wanted, by=wanted.by, revision=wanted.revision, dry_run=wanted.dry_run
        )
        return forms.Edited(revision=made)

    async def undo(
        user_id: UserId,
        revision: Annotated[Number | None, Query(description="Which; none: the newest.")] = None,
        *,
        dry_run: DryRun = False,
    ) -> Undone:
        """Take back what one revision changed; what came since stays."""
        return await memory.aundo(user_id, revision, dry_run=dry_run)

    async def undo_thread(
        user_id: UserId, thread_id: ThreadId, *, dry_run: DryRun = False
    ) -> Undone:
        """Unlearn a conversation: take back all that it taught."""
        return await memory.aundo_thread(user_id, thread_id, dry_run=dry_run)

    async def import_user(request: Request, user_id: UserId, data: forms.Export) -> Imported:
        """Put an exported user into this memory; the same again changes nothing.

        It takes a token that reaches everybody.
        """
        if request.state.access.user_id is not None:
            raise HTTPException(403, "an import takes a token that reaches everybody")
        return await memory.aimport(user_id, data.model_dump())

    operation(router, "PATCH", USER + "/profile")(edit)
    operation(router, "POST", USER + "/undo")(undo)
    operation(router, "POST", _THREAD + "/undo")(undo_thread)
    operation(router, "POST", USER + "/import")(import_user)


def _add_review(router: APIRouter, memory: UserMemory) -> None:
    async def approve(user_id: UserId, proposal_id: ProposalId, wanted: forms.Approval) -> Proposed:
        """Make what a proposal would do, all of it or nothing.

        It goes on waiting where it cannot be made now: the answer says why.
        """
        return await memory.aapprove(
            proposal_id, value=wanted.value, by=wanted.by, user_id=checked_user(user_id)
        )

    async def decline(user_id: UserId, proposal_id: ProposalId) -> forms.Declined:
        """End a proposal; the same words propose it no more.

        Nothing of what it would have done is kept.
        """
        await memory.adecline(proposal_id, user_id=checked_user(user_id))
        return forms.Declined(id=proposal_id)

    async def tidy(user_id: UserId) -> forms.Tidied:
        """Have the model look over a profile: what says the same, is over, or is not true any more.

        What it proposes waits for a person.
        """
        try:
            found = await memory.atidy(user_id)
        except ConfigurationError as error:
            raise HTTPException(409, "this memory has no language model") from error
        except ExtractionError as error:
            raise HTTPException(503, "the model gave no answer that can be used") from error
        made, refused = list(found.made), list(found.refused)
        return forms.Tidied(waiting=list(found), made=made, refused=refused, usage=found.usage)

    one = USER + "/proposals/{proposal_id}"
    operation(router, "POST", USER + "/tidy")(tidy)
    operation(router, "POST", one + "/approve")(approve)
    operation(router, "POST", one + "/decline")(decline)


def _add_erasure(router: APIRouter, memory: UserMemory) -> None:
    async def forget(user_id: UserId, wanted: forms.Erasing) -> Forgotten:
        """Erase a value from a profile, its history and its quotes."""
        return await memory.aforget(
            user_id, wanted.field, wanted.value, anywhere=wanted.anywhere, dry_run=wanted.dry_run
        )

    async def forget_thread(
        user_id: UserId, thread_id: ThreadId, *, dry_run: DryRun = False
    ) -> Forgotten:
        """Erase what was said in a thread, and what rests on that alone."""
        return await memory.aforget_thread(user_id, thread_id, dry_run=dry_run)

    async def forget_message(
        user_id: UserId,
        thread_id: ThreadId,
        message: str,
        *,
        by_number: Annotated[
            bool, Query(description="`message` is its number in the thread (`seq`), and no id.")
        ] = False,
        dry_run: DryRun = False,
    ) -> Forgotten:
        """Erase a message, and what rests on it alone."""
        which = forms.place(message) if by_number else message
        return await memory.aforget_message(user_id, thread_id, which, dry_run=dry_run)

    async def forget_user(user_id: UserId, *, dry_run: DryRun = False) -> Forgotten:
        """Erase all that is known and kept of a user."""
        return await memory.aforget_user(user_id, dry_run=dry_run)

    operation(router, "POST", USER + "/forget")(forget)
    operation(router, "DELETE", _THREAD)(forget_thread)
    operation(router, "DELETE", _THREAD + "/messages/{message}")(forget_message)
    operation(router, "DELETE", USER)(forget_user)

"""The HTTP API under ``/api/v1``: verbs of the memory, for the bearers of tokens."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from usermemory.serve.tokens import Access, Tokens

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

_SAFE = {"GET", "HEAD"}


class Messages(BaseModel):
    """What was said in a thread."""

    messages: list[dict[str, Any]]


class Edit(BaseModel):
    """A change by hand: RFC 6902 operations, and who makes it."""

    patch: list[dict[str, Any]]
    by: str
    revision: int | None = None
    dry_run: bool = False


class Erasing(BaseModel):
    """What is to be forgotten, for good; ``dry_run`` only says what that would reach."""

    field: str
    value: Any = None
    dry_run: bool = False


def health_router(memory: UserMemory) -> APIRouter:
    """Whether it serves, for whoever asks: no token, and nothing of anybody."""
    router = APIRouter(prefix="/api/v1")

    async def health() -> dict[str, str]:
        await memory.aping()
        return {"status": "ok"}

    router.get("/health")(health)
    return router


async def bearer(tokens: Tokens, request: Request) -> Access:
    """What the token of a request allows, or 401."""
    header = request.headers.get("authorization", "")
    held = await asyncio.to_thread(tokens.bearer, header)
    if held is None:
        raise HTTPException(401, "a valid bearer token is needed", {"www-authenticate": "Bearer"})
    return held


def api_router(memory: UserMemory) -> APIRouter:
    """The API's routes; each needs a bearer token that reaches the user in its path."""
    tokens = Tokens(memory)

    async def allowed(request: Request) -> Access:
        held = await bearer(tokens, request)
        asked = request.path_params.get("user_id")
        if held.user_id is not None and asked != held.user_id:
            raise HTTPException(403, "this token is for one user's memory, and not for this")
        if held.read_only and request.method not in _SAFE:
            raise HTTPException(403, "this token may only read")
        return held

    router = APIRouter(prefix="/api/v1", dependencies=[Depends(allowed)])
    user = "/users/{user_id}"

    async def recall(user_id: str, about: str = "", max_tokens: int = 1_000) -> dict[str, Any]:
        found = await memory.arecall(user_id, about=about)
        text = await asyncio.to_thread(found.render, max_tokens)
        return {
            "profile": found.document,
            "revision": found.revision,
            "updated_at": found.updated_at,
            "pending": found.pending,
            "text": text,
        }

    async def remember(user_id: str, thread_id: str, said: Messages) -> dict[str, Any]:
        return asdict(await memory.aremember(user_id, thread_id, said.messages))

    async def search(
        user_id: str, query: str, limit: Annotated[int, Query(ge=1, le=1_000)] = 10
    ) -> list[dict[str, Any]]:
        return [asdict(hit) for hit in await memory.asearch(user_id, query, limit=limit)]

    async def history(user_id: str, field: str | None = None) -> list[dict[str, Any]]:
        return [asdict(one) for one in await memory.ahistory(user_id, field)]

    async def why(user_id: str, field: str) -> list[dict[str, Any]]:
        return [asdict(one) for one in await memory.awhy(user_id, field)]

    async def refused(
        user_id: str, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
    ) -> list[dict[str, Any]]:
        return [asdict(one) for one in await memory.arefused(user_id, None, limit)]

    router.get(user + "/profile")(recall)
    router.post(user + "/threads/{thread_id}/messages", status_code=202)(remember)
    router.get(user + "/search")(search)
    router.get(user + "/history")(history)
    router.get(user + "/why")(why)
    router.get(user + "/refused")(refused)
    _add_corrections(router, memory)
    return router


def _add_corrections(router: APIRouter, memory: UserMemory) -> None:
    """The routes that learn now, correct, erase and carry away."""
    user = "/users/{user_id}"

    async def trigger(user_id: str) -> list[dict[str, Any]]:
        return [asdict(one) for one in await memory.atrigger(user_id)]

    async def edit(user_id: str, wanted: Edit) -> dict[str, Any]:
        made = await memory.aedit(
            user_id, wanted.patch, by=wanted.by, revision=wanted.revision, dry_run=wanted.dry_run
        )
        return {"revision": None if made is None else asdict(made)}

    async def undo(
        user_id: str, revision: int | None = None, *, dry_run: bool = False
    ) -> dict[str, Any]:
        return asdict(await memory.aundo(user_id, revision, dry_run=dry_run))

    async def forget(user_id: str, wanted: Erasing) -> dict[str, Any]:
        return asdict(
            await memory.aforget(user_id, wanted.field, wanted.value, dry_run=wanted.dry_run)
        )

    async def misfits(user_id: str) -> list[dict[str, Any]]:
        return [asdict(one) for one in await memory.amisfits(user_id)]

    async def export(user_id: str) -> dict[str, Any]:
        return await memory.aexport(user_id, for_user=True)

    router.post(user + "/trigger")(trigger)
    router.patch(user + "/profile")(edit)
    router.post(user + "/undo")(undo)
    router.post(user + "/forget")(forget)
    router.get(user + "/misfits")(misfits)
    router.get(user + "/export")(export)

"""Who is let in, how often, and what was answered to the same request before."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from usermemory.errors import (
    ConfigurationError,
    Conflict,
    ExtractionError,
    InvalidInput,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
)
from usermemory.serve.tokens import Access, Tokens
from usermemory.store.flows import access as flows

if TYPE_CHECKING:
    from starlette.types import Scope

    from usermemory.memory import UserMemory

Handler = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger("usermemory.serve")

_SAFE = {"GET", "HEAD"}

_SLASH = "\ue000"
"""Stands in a path for a slash that belongs to an id; no id may hold it."""

_KEY_LENGTH = 255

_NOT_DONE = (
    HTTPException,
    RequestValidationError,
    InvalidInput,
    Conflict,
    ConfigurationError,
    ExtractionError,
    StoreBusy,
    StoreFull,
    StoreReadOnly,
)
"""After these nothing was changed: the request may be sent again with its key. After anything else,
such as a connection that broke at the commit, it may have been done: its key is not given free."""

_UNSTORED = 1_000
"""Answers that are held while the database takes none; the keys of more stay at work."""


def log_failure(method: str, error: Exception) -> None:
    """Log what nobody foresaw: neither its text nor the address, which may hold what people say."""
    logger.error("a %s request ended in %s", method, type(error).__name__)
    logger.debug("where it failed", exc_info=error)


async def bearer(tokens: Tokens, request: Request) -> Access:
    """What the token of a request allows, or 401."""
    header = request.headers.get("authorization", "")
    held = await asyncio.to_thread(tokens.bearer, header)
    if held is None:
        raise HTTPException(401, "a valid bearer token is needed", {"www-authenticate": "Bearer"})
    return held


def keep_slashes(scope: Scope) -> Scope:
    """The scope of a request, in whose path a slash within an id (``%2F``) parts nothing."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%2f" not in raw.lower():
        return scope
    written = raw.decode("ascii", "replace")
    if unquote(written) != scope["path"]:
        return scope  # a server that means something else by it
    kept = written.replace("%2F", quote(_SLASH)).replace("%2f", quote(_SLASH))
    return {**scope, "path": unquote(kept)}


def is_same_site(request: Request) -> bool:
    """Whether a request comes from no page of another site, as far as it says where from."""
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def mount_prefix(scope: Scope) -> str:
    """The prefix under which the app is mounted, as an address has it."""
    return quote(str(scope.get("root_path", "")).rstrip("/"), safe="/~!$&'()*+,=:@")


class Rate:
    """So many requests a minute for each token, as far as this process sees them.

    Args:
        limit: How many, at least 1; None for any number.

    Raises:
        ConfigurationError: There is no such rate.
    """

    def __init__(self, limit: float | None) -> None:
        if limit is not None and not 1 <= limit < inf:
            raise ConfigurationError(
                f"rate_limit is {limit!r}; it is a number of requests a minute, 1 or more, or None"
            )
        self._limit = limit
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, held: Access) -> None:
        """Take one request of a token's bearer.

        Raises:
            HTTPException: It has made too many.
        """
        wait = self.wait(held.token_id)
        if wait:
            after = {"retry-after": str(int(wait) + 1)}
            raise HTTPException(429, "this token has made too many requests", after)

    def wait(self, token_id: str) -> float:
        """Take one request: 0 if it may be made, else for how many seconds it may not."""
        if self._limit is None:
            return 0.0
        now, a_second = time.monotonic(), self._limit / 60.0
        left, then = self._left.get(token_id, (self._limit, now))
        left = min(self._limit, left + (now - then) * a_second)
        if left < 1.0:
            return (1.0 - left) / a_second
        self._left[token_id] = left - 1.0, now
        return 0.0


class Admission:
    """What every request to the API passes before it is served.

    Args:
        memory: Whose tokens.
        rate: Requests a minute for each token.
    """

    def __init__(self, memory: UserMemory, rate: Rate) -> None:
        self._tokens = Tokens(memory)
        self._driver = memory.driver
        self._rate = rate
        self._unstored: dict[str, tuple[int, str] | None] = {}

    def route_class(self, *, once: bool = True) -> type[APIRoute]:
        """The class of routes that are served to the bearers of tokens.

        Args:
            once: Whether a write with an ``Idempotency-Key`` is done once; its answer is stored.
        """
        admission = self

        class Admitted(APIRoute):
            def get_route_handler(self) -> Any:
                handle = super().get_route_handler()

                async def admitted(request: Request) -> Response:
                    return await admission.serve(request, handle, once=once)

                return admitted

        return Admitted

    async def serve(self, request: Request, handle: Handler, *, once: bool = True) -> Response:
        """Serve a request that may be made.

        Raises:
            HTTPException: Nobody may make it, or not its bearer, not now, or not again.
        """
        held = await bearer(self._tokens, request)
        self._rate.take(held)
        if "\0" in request.url.path + unquote(request.url.query):
            raise HTTPException(422, "there is a NUL in the address")
        named = request.path_params
        for name, value in named.items():
            named[name] = value.replace(_SLASH, "/")
        if held.user_id is not None and named.get("user_id") != held.user_id:
            raise HTTPException(403, "this token is for one user's memory, and not for this")
        writes = request.method not in _SAFE
        if held.read_only and writes:
            raise HTTPException(403, "this token may only read")
        request.state.access = held
        key = request.headers.get("idempotency-key")
        if key is None or not writes or not once:
            return await handle(request)
        return await self._once(request, handle, held, key)

    async def _once(self, request: Request, handle: Handler, held: Access, key: str) -> Response:
        """Serve it, or answer as the first time."""
        if not 0 < len(key) <= _KEY_LENGTH or not key.isprintable():
            raise HTTPException(422, f"Idempotency-Key has 1 to {_KEY_LENGTH} characters")
        # Neither what was sent nor the key is stored: what was erased could be guessed from it.
        place = f"{held.token_id}-{hashlib.sha256(key.encode()).hexdigest()}"
        asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
        digest = hmac.new(key.encode(), asked + await request.body(), hashlib.sha256).hexdigest()
        user_id = request.path_params.get("user_id", "")
        await self._store()
        before = await self._driver.awrite(flows.begin_reply, place, user_id, digest)
        if before is not None:
            return _again(before, digest)
        try:
            made = await handle(request)
        except _NOT_DONE:
            await self._end(place, None)
            raise
        await self._end(place, (made.status_code, bytes(made.body).decode()))
        return made

    async def _end(self, place: str, answer: tuple[int, str] | None) -> None:
        """Keep an answer, or give its key free; what the database does not take now is held here.

        Either way the client is told what came of its request: that is decided by now.
        """
        if len(self._unstored) < _UNSTORED:
            self._unstored[place] = answer
        with suppress(StoreError):
            await self._store()

    async def _store(self) -> None:
        """Store what the database did not take when it was made."""
        while self._unstored:
            place, answer = self._unstored.popitem()
            try:
                if answer is None:
                    await self._driver.awrite(flows.drop_reply, place)
                else:
                    await self._driver.awrite(flows.keep_reply, place, *answer)
            except BaseException:
                self._unstored[place] = answer
                raise


def _again(before: Any, digest: str) -> Response:
    if not hmac.compare_digest(before["digest"], digest):
        raise HTTPException(422, "this Idempotency-Key was used for another request")
    if before["status"] is None:
        raise HTTPException(
            409,
            "the first request with this Idempotency-Key is at work, or was cut off: look whether "
            "it was done before you send it with another key",
        )
    if before["body"] is None:
        raise HTTPException(
            409, "this was done before; its answer is not kept, since something was erased"
        )
    return Response(
        before["body"],
        before["status"],
        {"idempotency-replayed": "true"},
        media_type="application/json",
    )

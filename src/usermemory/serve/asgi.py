"""The ASGI app: security headers, who asks, and errors as problem+json around the API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Route

from usermemory import __version__
from usermemory.errors import (
    Conflict,
    InvalidInput,
    ProviderError,
    SchemaError,
    StoreBusy,
    StoreError,
    UserMemoryError,
)
from usermemory.serve.admission import Rate, bearer, is_same_site, keep_slashes, log_failure
from usermemory.serve.api import api_router, health_router
from usermemory.serve.forms import Problem
from usermemory.serve.tokens import Tokens

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from usermemory.memory import UserMemory
    from usermemory.serve.pages import Pages

_STALLED = 30.0
"""Seconds for which the next part of a body may be waited for."""

_HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class _Served(FastAPI):
    """An app whose document names the form of its errors."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"].setdefault("Problem", Problem.model_json_schema())
        return document


def asgi_app(
    memory: UserMemory,
    body_limit: int,
    pages: Pages | None = None,
    rate_limit: float | None = None,
) -> FastAPI:
    """The app of a memory; see `usermemory.serve.app`."""
    made = _Served(
        title="usermemory",
        redirect_slashes=False,  # to an address that the Host header makes up
        version=__version__,
        description="Long-term memory of users: one profile each, resting on their own words.",
        docs_url=None,  # its page would load scripts from another server
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    made.include_router(health_router(memory))
    rate = Rate(rate_limit)
    made.include_router(api_router(memory, rate, pages=pages is not None))
    for path in ("/mcp", "/mcp/"):
        made.router.routes.append(Route(path, endpoint=_Mcp(memory, rate)))
    found = [] if pages is None else pages.routes()
    made.router.routes.extend(found)
    own = {"api", "mcp", *(_first_step(route.path) for route in found)}
    made.add_middleware(_Guard, limit=body_limit, own=own, memory=memory)
    made.add_exception_handler(UserMemoryError, _refused)
    made.add_exception_handler(HTTPException, _unmatched(made, pages))
    made.add_exception_handler(RequestValidationError, _invalid)
    return made


def problem(status: int, detail: str, headers: Any = None) -> JSONResponse:
    """An error as RFC 9457 has it."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    told = detail.encode("utf-8", "backslashreplace").decode()  # what was sent may be no text
    return JSONResponse(
        {**body, "detail": told}, status, headers, media_type="application/problem+json"
    )


_SORTS: tuple[tuple[type[UserMemoryError], int, str], ...] = (
    (InvalidInput, 422, ""),
    (Conflict, 409, ""),
    (StoreBusy, 503, "the database is busy; try again"),
    (StoreError, 503, "the database cannot serve now"),  # its own text may name files
    (SchemaError, 503, "what is stored was learned with another schema: usermemory schema check"),
    (ProviderError, 503, "the model cannot be reached now"),
)
"""What an error is to a client, and what it is told in place of the error's own text."""


def _refused(_: Request, error: Exception) -> JSONResponse:
    for kind, status, told in _SORTS:
        if isinstance(error, kind):
            again = {"retry-after": "1"} if status == 503 else None
            return problem(status, told or str(error), again)
    return problem(500, "this could not be done")


def _unmatched(served: FastAPI, pages: Pages | None) -> Any:
    """Answers errors: in a browser an address that leads nowhere with a page."""

    async def answered(request: Request, error: Exception) -> Response:
        answer = _http_error(request, error)
        if answer.status_code == 405 and "allow" in answer.headers:
            answer.headers["allow"] = _allowed(served, request)
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        looks = "text/html" in request.headers.get("accept", "")
        if answer.status_code != 404 or not looks or _first_step(path) in {"api", "mcp"}:
            return answer
        return answer if pages is None else await pages.lost(request)

    return answered


_METHODS = ("DELETE", "GET", "PATCH", "POST")


def _allowed(served: FastAPI, request: Request) -> str:
    """The methods of a path, whichever route each belongs to."""

    def leads(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(one.matches(scope)[0] is Match.FULL for one in served.router.routes)

    return ", ".join(filter(leads, _METHODS))


def _http_error(_: Request, error: Exception) -> JSONResponse:
    found = error if isinstance(error, HTTPException) else HTTPException(500)
    return problem(found.status_code, found.detail, found.headers)


_NO_OBJECT = {"missing", "model_attributes_type", "model_type", "dict_type"}
"""How Pydantic calls a body that is nothing, a text or a list."""


def _invalid(_: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem(400, "the body is no JSON")
    if any(fault["loc"] == ("body",) and fault["type"] in _NO_OBJECT for fault in faults):
        return problem(422, "the body is a JSON object, sent as content-type: application/json")
    # What was sent is not repeated.
    told = [f"{'/'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults]
    return problem(422, "; ".join(told))


def _guarded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An answer's headers with those of ours that it does not set itself."""
    own = list(headers)
    named = {name.lower().decode("latin-1") for name, _ in own}
    if "content-security-policy" in named:
        named.add("x-frame-options")  # its policy says who may frame it
    more = [(one.encode(), value.encode()) for one, value in _HEADERS.items() if one not in named]
    return [*own, *more]


class _Mcp:
    """One user's memory over MCP: the user of the bearer's token."""

    def __init__(self, memory: UserMemory, rate: Rate) -> None:
        self._memory = memory
        self._rate = rate
        self._tokens = Tokens(memory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if not is_same_site(request):  # as MCP asks, against pages that reach a server on loopback
            raise HTTPException(403, "this comes from a page of another site")
        held = await bearer(self._tokens, request)
        self._rate.take(held)
        if held.user_id is None:
            raise HTTPException(
                403, "MCP needs a token of one user: usermemory token create --user NAME"
            )
        if request.query_params:
            raise HTTPException(422, "whose memory it is says the token: /mcp takes no query")
        if request.method != "POST":  # each request stands by itself: there is nothing to follow
            raise HTTPException(405, "MCP requests are sent by POST", {"allow": "POST"})
        try:
            from usermemory.serve.mcp import answer_request, mcp_server
        except ImportError as error:
            raise HTTPException(
                501, f"MCP needs a package that is missing ({error}): 'usermemory[mcp]'"
            ) from error
        server = mcp_server(self._memory, held.user_id, read_only=held.read_only)
        await answer_request(server, scope, receive, send)


def _first_step(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else path


class _Guard:
    """Security headers on each answer, and no body beyond the limit.

    Where another server adds its own routes to the app, as LangGraph's does, those are left alone.
    The first request has the memory's worker look, if it has one: what was due when the process
    before this one ended would wait until somebody speaks. Not sooner: the server may fork.

    Args:
        app: What answers.
        limit: Bytes of a request.
        own: First steps of the paths that are guarded.
        memory: What is served.
    """

    def __init__(self, app: ASGIApp, limit: int, own: set[str], memory: UserMemory) -> None:
        self._app = app
        self._memory = memory
        self._woken = False
        self._limit = limit
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or _first_step(path) not in self._own:
            await self._app(scope, receive, send)
            return
        if not self._woken:
            self._woken = True
            await run_in_threadpool(self._memory.wake)

        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": _guarded(message.get("headers", ()))}
            await send(message)

        try:
            parts = await self._body(receive)
            kept = iter(parts)

            async def replay() -> Message:
                return next(kept, None) or await receive()

            await self._app(keep_slashes(scope), replay, guarded)
        except HTTPException as error:
            await _http_error(Request(scope), error)(scope, receive, guarded)
        except ClientDisconnect:  # nobody is left to be answered
            return
        except Exception as error:  # noqa: BLE001 - it is logged
            log_failure(scope["method"], error)
            if begun:
                raise _CutOff from None
            await problem(500, "this could not be done")(scope, receive, guarded)

    async def _body(self, receive: Receive) -> list[Message]:
        """The parts of a request's body.

        Raises:
            HTTPException: It is too large, or does not come to its end.
            ClientDisconnect: The client has gone.
        """
        parts: list[Message] = []
        size, more = 0, True
        while more:
            try:
                async with asyncio.timeout(_STALLED):
                    part = await receive()
            except TimeoutError as error:
                told = "the request did not come to its end"
                raise HTTPException(408, told, {"connection": "close"}) from error
            if part["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(part)
            size, more = size + len(part.get("body", b"")), part.get("more_body", False)
            if size > self._limit:
                raise HTTPException(413, f"a request may hold {self._limit} bytes")
        return parts


class _CutOff(Exception):
    """An answer that has begun cannot be ended: whoever serves the app breaks the connection."""

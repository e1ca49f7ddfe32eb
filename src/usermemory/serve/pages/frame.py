"""What all pages share: who may see one, forms that cannot be forged, answers in the frame."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from usermemory.errors import (
    ConfigurationError,
    Conflict,
    ExtractionError,
    InvalidInput,
    StoreBusy,
    StoreError,
    UserMemoryError,
)
from usermemory.serve.admission import is_same_site, log_failure, mount_prefix
from usermemory.serve.pages import words
from usermemory.serve.pages.sessions import Sessions, Visitor
from usermemory.serve.prices import Prices
from usermemory.serve.tokens import Access

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.serve.pages.talk import Talk

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {}"
)
_FIELDS = 500
_NOBODY = Visitor(Access("nobody", read_only=True), "")
_STATIC = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
}


@dataclass(slots=True)
class Ask:
    """One request of a page.

    Attributes:
        request: As it came.
        visitor: Who asks.
        fields: What the address and the form hold.
        user_id: Whom the page is about: of an own page, the user of its link.
        framed: Whether other sites may embed it: a user's own page, an expired link too.
    """

    request: Request
    visitor: Visitor
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    user_id: str = ""
    framed: bool = False

    @property
    def root(self) -> str:
        """The prefix under which the app is mounted, as an address has it."""
        return mount_prefix(self.request.scope)

    @property
    def own(self) -> bool:
        """Whether it is about the user's own page."""
        return bool(self.visitor.link)

    @property
    def is_fragment(self) -> bool:
        """Whether a part of a page is asked for, not a page."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def editor(self) -> str:
        """Whom the history names for what is changed here."""
        if self.own:
            return words.THE_USER
        return self.visitor.access.name or "support"

    def get(self, name: str, default: str = "") -> str:
        """A field of the request."""
        return self.fields.get(name, default)

    def number(self, name: str, default: int = 0) -> int:
        """A field that is a whole number and not negative; the default for what is none."""
        text = self.get(name)
        short = text.isascii() and text.isdigit() and len(text) < 16
        return int(text) if short else default

    def url(self, path: str, /, **fields: Any) -> str:
        """An address of this app."""
        asked = {name: value for name, value in fields.items() if value not in (None, "")}
        return f"{self.root}{path}" + (f"?{urlencode(asked)}" if asked else "")

    def of_user(self, path: str = "", /, **fields: Any) -> str:
        """An address below the page of this user."""
        if self.own:
            return self.url(f"/own{path}", link=self.visitor.link, **fields)
        return self.url(f"/person{path}", user=self.user_id, **fields)


Handler = Callable[[Ask], Response]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Who may use a route: the bearer of a link, of a session, or anybody.

    Attributes:
        own: The bearer of a link.
        writes: Whether it changes something.
        public: Anybody.
        of_user: Whether it is about a user whom the request names.
        asks: Whether it asks before something is changed.
    """

    own: bool = False
    writes: bool = False
    public: bool = False
    of_user: bool = False
    asks: bool = False


class Frame:
    """Renders pages and guards them.

    Args:
        memory: Whose profiles are shown.
        talk: The bot of *Try it*.
        frame_ancestors: Origins whose pages may embed a user's own page; nobody may embed others.
        theme: Values of the stylesheet's variables, for a user's own page.
        prices: Of models, as the owner says.
    """

    def __init__(
        self,
        memory: UserMemory,
        talk: Talk,
        frame_ancestors: Iterable[str] = (),
        theme: Mapping[str, str] | None = None,
        prices: Prices | None = None,
    ) -> None:
        self.memory = memory
        self.sessions = Sessions(memory)
        self.talk = talk
        self.prices = prices or Prices({})
        self._ancestors = _origins(frame_ancestors)
        self.theme = _theme(theme or {})
        self._templates = Environment(
            loader=PackageLoader("usermemory.serve.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=words.shown_text,
        )
        self._templates.filters.update(words.FILTERS)
        self.titles = words.Titles(memory.schema.fields)
        self._templates.filters.update(self.titles.filters())

    def page(
        self, ask: Ask, template: str, status: int = 200, headers: Any = None, **context: Any
    ) -> HTMLResponse:
        """A page, or the part of it that was asked for."""
        text = self._templates.get_template(template).render(
            ask=ask, memory=self.memory, talk=self.talk, raw=_raw, themed=self.theme, **context
        )
        return HTMLResponse(text, status, {**self._policy(framed=ask.framed), **(headers or {})})

    def refuse(self, ask: Ask, status: int, told: str, **context: Any) -> HTMLResponse:
        """A page that says what went wrong."""
        return self.page(ask, "refused.html", status, told=told, **context)

    def route(
        self,
        path: str,
        handler: Handler,
        *,
        writes: bool = False,
        public: bool = False,
        asks: bool = False,
    ) -> Route:
        """A route whose handler runs in a thread, for those who may see it.

        Args:
            path: Below the prefix; those below ``/own`` belong to the user of a link.
            handler: Makes the answer.
            writes: Whether it is a form that changes something.
            public: Whether it may be seen without a session.
            asks: Whether it is the question before a form that changes something.
        """
        rule = _Rule(path.startswith("/own"), writes, public, path.startswith("/person"), asks)

        async def endpoint(request: Request) -> Response:
            body = await request.body() if writes else b""
            return await run_in_threadpool(self._answer, request, body, handler, rule)

        return Route(path, endpoint, methods=["POST"] if writes else ["GET"])

    async def lost(self, request: Request) -> Response:
        """The page of an address that leads nowhere."""

        def lead(_: Ask) -> Response:
            raise HTTPException(404, "There is no such page.")

        return await run_in_threadpool(self._answer, request, b"", lead, _Rule(public=True))

    def static(self, request: Request) -> Response:
        """A file of the package."""
        name, kept = request.path_params["name"], {"cache-control": "private, max-age=600"}
        if name == "theme.css":
            return Response(self.theme, media_type="text/css; charset=utf-8", headers=kept)
        if name not in _STATIC:
            raise HTTPException(404, "there is no such file")
        data = files("usermemory.serve.pages").joinpath("static", name).read_bytes()
        return Response(data, media_type=_STATIC[name], headers=kept)

    def _answer(self, request: Request, body: bytes, handler: Handler, rule: _Rule) -> Response:
        nobody = Ask(request, _NOBODY, framed=rule.own)
        try:
            ask = self._ask(request, body, rule)
        except (HTTPException, UserMemoryError) as error:
            if not (rule.own or isinstance(error, StoreError)):  # so that the page leads on
                nobody.visitor = self._bearer(request) or _NOBODY
            return self.refuse(nobody, *_told(error, self.titles))
        if ask is None:
            return self._sign_in(nobody)
        if rule.of_user and not ask.user_id:
            return self.refuse(ask, 422, "No user is named here. Choose one from the list.")
        try:
            return handler(ask)
        except Exception as error:  # noqa: BLE001 - a fault of ours is logged
            if not isinstance(error, HTTPException | UserMemoryError):
                log_failure(request.method, error)
            return self.refuse(ask, *_told(error, self.titles))

    def _ask(self, request: Request, body: bytes, rule: _Rule) -> Ask | None:
        """The request of somebody who may make it; None for nobody known."""
        fields = _fields(request, body)
        if rule.writes:
            _check_site(request)
        if rule.own:
            found = self.sessions.of_link(fields.get("link", ""))
            if found is None:
                raise HTTPException(403, "This link is not valid any more. Ask for a new one.")
            if "user" in fields:
                raise HTTPException(403, "This link is for one user's own page.")
        else:
            found = self._bearer(request)
        if found is None:
            return Ask(request, _NOBODY, fields) if rule.public else None
        if rule.writes and not rule.public:
            _check_form(request, fields, found)
        if (rule.asks or (rule.writes and not rule.public)) and found.access.read_only:
            raise HTTPException(403, "This may only be read.")
        user_id = found.access.user_id or fields.get("user", "")
        return Ask(request, found, fields, user_id, framed=rule.own)

    def _bearer(self, request: Request) -> Visitor | None:
        """Who is signed in."""
        return self.sessions.of_cookie(request.cookies.get(cookie_name(request), ""))

    def _sign_in(self, ask: Ask) -> Response:
        if ask.is_fragment:
            again = {"hx-redirect": ask.url("/enter")}
            return Response(status_code=401, headers={**self._policy(framed=False), **again})
        if ask.request.method == "GET":
            return RedirectResponse(ask.url("/enter"), 303)
        return self.refuse(ask, 401, "You are not signed in any more.")

    def _policy(self, *, framed: bool) -> dict[str, str]:
        ancestors = self._ancestors if framed else ()
        made = {
            "content-security-policy": _POLICY.format(" ".join(ancestors) or "'none'"),
            "referrer-policy": "same-origin",  # without one, browsers hide the origin of forms
            "permissions-policy": "camera=(), microphone=(), geolocation=()",
        }
        return made if ancestors else {**made, "x-frame-options": "DENY"}


def cookie_name(request: Request) -> str:
    """Of the session: browsers do not tell the ports of a host apart."""
    return f"usermemory-{request.url.port or 'web'}"


def _check_site(request: Request) -> None:
    """See that a form comes from one of our pages, also one that signs in: as somebody else."""
    site = request.headers.get("sec-fetch-site")
    if not is_same_site(request) or site not in {None, "same-origin", "none"}:
        raise HTTPException(403, "This form came from another site.")


def _check_form(request: Request, fields: Mapping[str, str], visitor: Visitor) -> None:
    """See that a form comes from one of this visitor's pages."""
    given = request.headers.get("x-csrf-token") or fields.get("csrf", "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), visitor.csrf.encode()):
        raise HTTPException(403, "This form is too old. Go back, reload the page and try again.")


def _fields(request: Request, body: bytes) -> dict[str, str]:
    found = dict(request.query_params)
    kind = request.headers.get("content-type", "application/x-www-form-urlencoded")
    if not body:
        return found
    if not kind.startswith("application/x-www-form-urlencoded"):
        raise HTTPException(415, "This is no form of these pages.")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError as error:
        raise HTTPException(400, "This form cannot be read.") from error
    return {**found, **dict(pairs)}


def _told(error: Exception, titles: words.Titles) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    if isinstance(error, InvalidInput | ConfigurationError | ExtractionError):
        return 422, titles.told(error)
    if isinstance(error, Conflict):
        return 409, "Somebody changed this profile meanwhile. Look at it again."
    if isinstance(error, StoreBusy):
        return 503, "The database is busy. Try again in a moment."
    if isinstance(error, StoreError):
        return 503, "The database cannot serve now."  # its own text may name files
    return 500, "This could not be done."


def _origins(given: Iterable[str]) -> tuple[str, ...]:
    found = tuple(given)
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"frame_ancestors: {origin!r} is no origin of one host; write it as "
                "https://app.example.com, a name of other letters as browsers send it (xn--…)"
            )
    return found


_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(
    rf"https?://({_NAME}(\.{_NAME})*|\[[0-9a-f:.]+\])(:[0-9]{{1,5}})?", re.IGNORECASE | re.ASCII
)
"""Scheme, host and port: no wildcard, path or user."""


def _theme(given: Mapping[str, str]) -> str:
    """A stylesheet that sets variables.

    Raises:
        ConfigurationError: There is no such variable, or the value could say more than one.
    """
    lines: list[str] = []
    for name, value in given.items():
        if name not in VARIABLES:
            known = ", ".join(VARIABLES)
            raise ConfigurationError(f"theme: there is no variable {name!r}; there are {known}")
        if not re.fullmatch(r"[\w#%.,'\" ()-]+", value) or "url" in value.lower():
            raise ConfigurationError(f"theme: {value!r} is no plain value of {name!r}")
        lines.append(f"  --um-{name}: {value};")
    body = "\n".join(lines)
    # Also where the sheet has other values for the dark.
    return f":root:root {{\n{body}\n}}\n" if lines else ""


VARIABLES = (
    "accent",
    "accent-text",
    "bad",
    "bad-bg",
    "bg",
    "font",
    "good",
    "line",
    "mark",
    "muted",
    "radius",
    "surface",
    "text",
)
"""What an application may set of the look of a user's own page."""


def _raw(text: Any) -> Markup:
    """A text that an input holds: escaped, and otherwise as it is."""
    return Markup.escape("" if text is None else str(text))

"""What the app's parts share: the memory, its tokens, sessions of browsers, and the settings."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from usermemory.serve.tokens import Access, Tokens

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

COOKIE = "usermemory_session"
"""The name of the cookie that holds a browser's session."""

_SESSIONS = 10_000
"""Sessions that are held at most; the one that was used longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the app serves.

    Attributes:
        frame_ancestors: Origins whose pages may embed the user's own page; nobody may embed others.
        body_limit: Bytes that a request may hold.
        rate: Requests a minute that one token, or one address without, may make; 0: no limit.
        session_lifetime: Seconds for which a browser stays signed in.
        mcp: Whether MCP is served under ``/mcp``, where the extra is installed.
        pages: Whether the pages are served.
        tls: Whether browsers reach it by HTTPS: cookies are then sent by HTTPS alone.
    """

    frame_ancestors: tuple[str, ...] = ()
    body_limit: int = 1_000_000
    rate: int = 600
    session_lifetime: float = 12 * 3_600.0
    mcp: bool = True
    pages: bool = True
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has shown a token.

    Attributes:
        access: What it may do.
        csrf: What its requests that change something have to repeat.
        until: When it ends.
    """

    access: Access
    csrf: str
    until: float


class State:
    """What the API, MCP and the pages of one app work with.

    Args:
        memory: Whose profiles are served.
        settings: How.
    """

    def __init__(self, memory: UserMemory, settings: Settings) -> None:
        self.memory = memory
        self.settings = settings
        self.tokens = Tokens(memory)
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._once: dict[str, Access] = {}

    def one_time_token(self) -> str:
        """A token for the first visit of a browser, held in this process and good for one use."""
        made = secrets.token_urlsafe(24)
        with self._lock:
            self._once[made] = Access("one-time", name="the printed URL")
        return made

    def redeem(self, text: str) -> Access | None:
        """What a one-time token allows, which is spent by that, or an ordinary token; else None."""
        with self._lock:
            for known in list(self._once):
                if hmac.compare_digest(known.encode(), text.encode("utf-8", "surrogatepass")):
                    return self._once.pop(known)
        return self.tokens.check(text)

    def begin_session(self, access: Access) -> tuple[str, Session]:
        """Sign a browser in; returns the cookie's value."""
        now = self.memory.clock.now()
        until = now + self.settings.session_lifetime
        if access.expires_at is not None:
            until = min(until, access.expires_at)
        session_id, made = (
            secrets.token_urlsafe(32),
            Session(access, secrets.token_urlsafe(32), until),
        )
        with self._lock:
            self._sessions[session_id] = made
            while len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)
        return session_id, made

    def session(self, session_id: str) -> Session | None:
        """The session of a cookie's value; None if it is unknown or over."""
        with self._lock:
            found = self._sessions.get(session_id)
            if found is None:
                return None
            if found.until <= self.memory.clock.now():
                del self._sessions[session_id]
                return None
            self._sessions.move_to_end(session_id)
            return found

    def end_session(self, session_id: str) -> None:
        """Sign a browser out."""
        with self._lock:
            self._sessions.pop(session_id, None)

"""Who looks at a page: one-time tokens, signed cookies, and what a form has to repeat."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usermemory.serve.tokens import Access, Tokens
from usermemory.store.flows import access

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

LIFETIME = 12 * 3_600.0
"""Seconds for which a browser stays signed in."""

NOTE_LIFETIME = 3_600.0
"""Seconds for which the address of a page tells what was done."""

_FIRST_VISIT = "first-visit"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that has shown a token or a link.

    Attributes:
        access: What it may do.
        csrf: What each of its forms has to repeat.
        link: The signed link, where it sees one user's own page; else empty.
    """

    access: Access
    csrf: str
    link: str = ""


class Sessions:
    """Signs browsers in. The cookies are signed, so a restart of the server ends no session.

    Args:
        memory: Whose database holds the key that signs.
    """

    def __init__(self, memory: UserMemory) -> None:
        self._memory = memory
        self.tokens = Tokens(memory)
        self._lock = threading.Lock()
        self._once: set[str] = set()

    def one_time_token(self) -> str:
        """A token for the first visit of a browser: held in this process, good for one use."""
        made = secrets.token_urlsafe(24)
        with self._lock:
            self._once.add(made)
        return made

    def redeem(self, text: str) -> Access | None:
        """What a one-time token allows, which is void then; None if it is none."""
        given = text.encode("utf-8", "surrogatepass")
        with self._lock:
            for known in list(self._once):
                if hmac.compare_digest(known.encode(), given):
                    self._once.remove(known)
                    return Access(_FIRST_VISIT)
        return None

    def cookie(self, found: Access) -> str:
        """The value of the cookie of a browser that has shown this."""
        until = self._memory.clock.now() + LIFETIME
        if found.expires_at is not None:
            until = min(until, found.expires_at)
        body = [found.token_id, found.read_only, until, secrets.token_hex(8)]
        return self._sealed("session", body)

    def of_cookie(self, cookie: str) -> Visitor | None:
        """Who bears a cookie; None if it is forged, over or ended, or its token was revoked."""
        held = self._opened("session", cookie)
        if held is None:
            return None
        token_id, read_only, until, number = held
        if until <= self._memory.clock.now():
            return None
        read = self._memory.driver.read
        token = None if token_id == _FIRST_VISIT else read(access.find_token, token_id)
        if (token is None and token_id != _FIRST_VISIT) or read(access.is_ended, number):
            return None
        name = "" if token is None else token["name"]
        return Visitor(Access(token_id, None, bool(read_only), name), self._signed("form", cookie))

    def end(self, cookie: str) -> None:
        """Make a cookie void that `of_cookie` has let in."""
        self._memory.driver.write(access.end_session, self._opened("session", cookie)[3])

    def of_link(self, link: str) -> Visitor | None:
        """Who bears a link to a user's own page; None if it is forged, expired or revoked."""
        found = self.tokens.check_link(link)
        return None if found is None else Visitor(found, self._signed("form", link), link)

    def note(self, user_id: str, told: Any) -> str:
        """What a page of this user is to tell, as its address carries it; it can be read there."""
        return self._sealed(f"note\n{user_id}", [self._memory.clock.now() + NOTE_LIFETIME, told])

    def of_note(self, user_id: str, note: str) -> Any:
        """What a note tells; None if it is forged, over or of another user."""
        until, told = self._opened(f"note\n{user_id}", note) or (0.0, None)
        return told if until > self._memory.clock.now() else None

    def _sealed(self, purpose: str, body: Any) -> str:
        encoded = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
        return f"{encoded}.{self._signed(purpose, encoded)}"

    def _opened(self, purpose: str, text: str) -> Any:
        """What was sealed for this purpose; None if it was not."""
        encoded, _, signature = text.partition(".")
        signed = self._signed(purpose, encoded)
        if not text.isascii() or not hmac.compare_digest(signed, signature):
            return None
        return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))

    def _signed(self, purpose: str, text: str) -> str:
        key = self._memory.driver.read(access.known_signing_key)
        if key is None:
            key = self._memory.driver.write(access.signing_key, secrets.token_hex(32))
        signed = f"{purpose}\n{text}".encode("utf-8", "surrogatepass")
        return hmac.new(bytes.fromhex(key), signed, hashlib.sha256).hexdigest()

"""Bearer tokens, and signed links to a user's own page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usermemory.errors import InvalidInput
from usermemory.settings import Id, checked_seconds, checked_user
from usermemory.store.flows import access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.memory import UserMemory

LINK_LIFETIME = 7 * 86_400.0
"""Seconds for which a link is valid when nobody says otherwise."""

_PREFIX = "um"

_END_OF_DAYS = 253_402_300_800.0
"""Seconds since the epoch at the end of the year 9999."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the bearer of a token or a link may do.

    Attributes:
        token_id: Its public part, by which it is listed and revoked.
        user_id: The only user whose memory it reaches; None for everybody's.
        read_only: Whether it may change nothing.
        name: What the owner called it.
        created_at: When it was made; None for what is not stored.
        expires_at: When it ends; None for never.
    """

    token_id: str
    user_id: str | None = None
    read_only: bool = False
    name: str = ""
    created_at: float | None = None
    expires_at: float | None = None

    @property
    def scope(self) -> str:
        """``application``, or ``user``."""
        return "application" if self.user_id is None else "user"


class Tokens:
    """The tokens and the links of one memory's database.

    Args:
        memory: Whose.
    """

    def __init__(self, memory: UserMemory) -> None:
        self._memory = memory
        self._driver = memory.driver

    def create(
        self,
        name: str = "",
        *,
        user_id: Id | None = None,
        read_only: bool = False,
        lifetime: float | None = None,
    ) -> tuple[str, Access]:
        """Make a token. Its text is returned once; stored is a digest of it.

        Args:
            name: For the list.
            user_id: The only user whom it reaches; None for an application's.
            read_only: Whether it may only read.
            lifetime: Seconds until it expires; None for never.
        """
        made = Access(
            secrets.token_hex(6),
            None if user_id is None else checked_user(user_id),
            read_only,
            name,
            self._memory.clock.now(),
            self._expiry(lifetime),
        )
        secret = secrets.token_urlsafe(32)
        self._driver.write(
            access.add_token,
            made.token_id,
            _digest(secret),
            name,
            made.user_id or "",
            read_only=read_only,
            expires_at=made.expires_at,
        )
        return f"{_PREFIX}_{made.token_id}_{secret}", made

    def check(self, text: str) -> Access | None:
        """What a token allows; None if it is unknown, revoked, expired or no token at all."""
        prefix, _, rest = text.partition("_")
        token_id, _, secret = rest.partition("_")
        if prefix != _PREFIX or not token_id.isalnum() or not token_id.isascii():
            return None
        row = self._driver.read(access.find_token, token_id)
        # An unknown token costs the same work as a known one.
        held = _digest("") if row is None else row["digest"]
        if not hmac.compare_digest(_digest(secret), held) or row is None:
            return None
        found = _access_of(row)
        return None if self._is_past(found.expires_at) else found

    def bearer(self, header: str) -> Access | None:
        """What an ``Authorization`` header allows; as `check`."""
        kind, _, text = header.partition(" ")
        return self.check(text.strip()) if kind.lower() == "bearer" else None

    def all(self) -> list[Access]:
        """All tokens, the oldest first; expired ones too."""
        return [_access_of(row) for row in self._driver.read(access.all_tokens)]

    def revoke(self, token_id: str) -> bool:
        """Make a token void; False if there is none of that name."""
        return self._driver.write(access.drop_token, token_id)

    def link(self, user_id: Id, lifetime: float = LINK_LIFETIME, *, read_only: bool = False) -> str:
        """A signed text that opens one user's own page until it expires.

        Args:
            user_id: Whose.
            lifetime: Seconds.
            read_only: Whether the page may only be read.
        """
        key = self._driver.write(access.signing_key, secrets.token_hex(32))
        whose = checked_user(user_id)
        until = self._expiry(lifetime)
        generation = self._driver.read(access.link_marks, "", _links_of(whose))
        body = _encoded(json.dumps([whose, until, int(read_only), *generation.values()]).encode())
        return f"{body}.{_signature(key, body)}"

    def check_link(self, text: str) -> Access | None:
        """What a link allows: one user's memory; None if it is forged, expired or revoked."""
        body, _, signature = text.partition(".")
        key = self._driver.read(access.known_signing_key)
        if key is None or not text.isascii():
            return None
        if not hmac.compare_digest(_signature(key, body), signature):
            return None
        try:
            user_id, until, read_only, *generation = json.loads(_decoded(body))
        except (ValueError, binascii.Error):
            return None
        link_id, whose = f"link-{_digest(text)[:12]}", _links_of(user_id)
        marks = self._driver.read(access.link_marks, link_id, whose)
        if link_id in marks or generation != [marks[name] for name in marks if name == whose]:
            return None
        found = Access(link_id, user_id, bool(read_only), "link", None, until)
        return None if self._is_past(until) else found

    def revoke_link(self, text: str) -> bool:
        """Make one link void, by its text or the address with it; False if it is none or over."""
        found = self.check_link(text.strip().rpartition("link=")[2])
        if found is None:
            return False
        self._driver.write(access.mark_links, found.token_id, str(found.expires_at))
        return True

    def revoke_links(self, user_id: Id | None = None) -> None:
        """Make every link void that was made until now.

        Args:
            user_id: Whose; None for everybody's.
        """
        if user_id is None:
            self._driver.write(access.drop_signing_key)
        else:
            name = _links_of(checked_user(user_id))
            self._driver.write(access.mark_links, name, secrets.token_hex(6))

    def _expiry(self, lifetime: float | None) -> float | None:
        if lifetime is None:
            return None
        if checked_seconds("lifetime", lifetime) == 0:
            raise InvalidInput("lifetime is 0: it would be expired at once")
        return self._memory.clock.now() + lifetime

    def _is_past(self, moment: float | None) -> bool:
        return moment is not None and moment <= self._memory.clock.now()


def _access_of(row: Mapping[str, Any]) -> Access:
    return Access(
        row["token_id"],
        row["user_id"] or None,
        bool(row["read_only"]),
        row["name"],
        row["created_at"],
        _end(row["expires_at"]),
    )


def _links_of(user_id: str) -> str:
    return f"links of {user_id}"


def _digest(secret: str) -> str:
    # The secret is 256 random bits: no slow hash makes it harder to guess.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _signature(key: str, body: str) -> str:
    made = hmac.new(bytes.fromhex(key), body.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return _encoded(made.digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _end(moment: float | None) -> float | None:
    """When something expires; None where that is beyond all calendars, as earlier versions took."""
    return moment if moment is not None and moment < _END_OF_DAYS else None

"""Who may use the HTTP API: tokens, and the key that signs links."""

from __future__ import annotations

from collections.abc import Sequence

from usermemory.store.driver import Flow, Row
from usermemory.store.flows import first


def add_token(
    token_id: str,
    digest: str,
    name: str,
    user_id: str,
    *,
    read_only: bool,
    expires_at: float | None,
) -> Flow[None]:
    """Store a token by the digest of its secret."""
    yield (
        "add_token",
        {
            "token_id": token_id,
            "digest": digest,
            "name": name,
            "user_id": user_id,
            "read_only": int(read_only),
            "expires_at": expires_at,
        },
    )


def find_token(token_id: str) -> Flow[Row | None]:
    """The row of a token, by its public part."""
    return first((yield "token", {"token_id": token_id}))


def all_tokens() -> Flow[Sequence[Row]]:
    """The rows of all tokens, the oldest first."""
    return (yield "tokens", {})


def drop_token(token_id: str) -> Flow[bool]:
    """Revoke a token; False if there is none of that name."""
    return bool((yield "drop_token", {"token_id": token_id}))


def signing_key(fresh: str) -> Flow[str]:
    """The key that signs links; ``fresh`` becomes it where there is none."""
    yield "add_signing_key", {"secret": fresh}
    secret: str = (yield "signing_key", {})[0]["secret"]
    return secret


def known_signing_key() -> Flow[str | None]:
    """The key that signs links; None as long as no link was made."""
    row = first((yield "signing_key", {}))
    return None if row is None else row["secret"]


def drop_signing_key() -> Flow[None]:
    """Make every link void."""
    yield "drop_signing_key", {}

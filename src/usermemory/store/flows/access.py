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


def mark_links(name: str, secret: str) -> Flow[None]:
    """Keep under a name what ends a link, or the links of a user."""
    yield "mark_links", {"name": name, "secret": secret}


def link_marks(link: str, whose: str) -> Flow[dict[str, str]]:
    """What is kept under these names."""
    rows = yield "link_marks", {"link": link, "whose": whose}
    return {row["name"]: row["secret"] for row in rows}


def begin_reply(place: str, user_id: str, digest: str) -> Flow[Row | None]:
    """Begin to answer a request; the row of the same key's first one, if there was one.

    Args:
        place: The token, and a digest of the key.
        user_id: Whose memory it is about; empty for everybody's.
        digest: Of the request.
    """
    yield "drop_old_replies", {}
    if (yield "begin_reply", {"place": place, "user_id": user_id, "digest": digest}):
        return None
    return first((yield "reply", {"place": place}))


def keep_reply(place: str, status: int, body: str) -> Flow[None]:
    """Keep an answer, unless something of its user was erased since it was begun."""
    yield "keep_reply", {"place": place, "status": status, "body": body}


def drop_reply(place: str) -> Flow[None]:
    """Give up an answer that was begun: the request may be sent again."""
    yield "drop_reply", {"place": place}


def end_session(number: str) -> Flow[None]:
    """Make a browser's session void. Remembered as a reply is, for a day: none lasts longer."""
    yield "drop_old_replies", {}
    yield "begin_reply", {"place": f"session-{number}", "user_id": "", "digest": ""}


def is_ended(number: str) -> Flow[bool]:
    """Whether a browser's session was made void."""
    return bool((yield "reply", {"place": f"session-{number}"}))

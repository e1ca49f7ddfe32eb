"""Replace a profile, together with the revision that explains it."""

from __future__ import annotations

from usermemory.records import Revision
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows.profile import Profile


def revise(
    user_id: str, token: int, profile: Profile, revision: Revision, fingerprint: str
) -> Flow[None]:
    """Write both; the caller holds the user's lock.

    Args:
        user_id: Whose.
        token: The claim it was made under; 0 for an edit by hand.
        profile: The new one.
        revision: What made it new.
        fingerprint: Of the schema it is valid against.
    """
    common = {"user_id": user_id, "revision": revision.number}
    yield "advance_revision", common
    document, stamps = codec.dumps(profile.document), codec.dumps(profile.stamps)
    written = {"document": document, "stamps": stamps, "fingerprint": fingerprint}
    yield "save_profile", {**common, **written}
    yield (
        "add_revision",
        {
            **common,
            "author": revision.by,
            "thread_id": revision.thread_id,
            "token": token,
            "changes": codec.records(revision.changes),
            "replaced": codec.replaced(revision.changes),
            "model": revision.model,
            "prompt": revision.prompt,
            "usage": codec.usage_text(revision.usage),
            "undoes": codec.dumps(revision.undoes),
            "fingerprint": fingerprint,
        },
    )

"""What a person does about waiting threads: pause and resume a user, retry and drop a thread."""

from __future__ import annotations

from usermemory.store.driver import Flow
from usermemory.store.flows.common import load_thread, lock_user, recount, save_thread


def pause(user_id: str, paused: bool) -> Flow[None]:  # noqa: FBT001 - the one thing it sets
    """Stop or resume learning about a user."""
    yield from lock_user(user_id)
    yield "pause_user", {"user_id": user_id, "paused": int(paused)}
    yield "refresh_user", {"user_id": user_id}


def retry(user_id: str, thread_id: str) -> Flow[bool]:
    """Make a thread due now, dead messages too, with fresh attempts; False if nothing waits."""
    key = {"user_id": user_id, "thread_id": thread_id}
    user = yield from lock_user(user_id)
    thread = yield from load_thread(key)
    if thread.dead:
        yield "unbury", key
        yield from recount(key, thread)
        thread.dead = 0
    if not thread.unread:
        return False
    thread.state, thread.due_at = "waiting", user.now
    thread.attempts, thread.not_before = 0, 0.0
    yield from save_thread(key, thread)
    return True


def drop(user_id: str, thread_id: str) -> Flow[int]:
    """Give up on a thread's unread and dead messages; how many those were.

    A worker that is thinking about them is told so by the epoch, as after an erasure.
    """
    key = {"user_id": user_id, "thread_id": thread_id}
    yield from lock_user(user_id)
    thread = yield from load_thread(key)
    dropped = thread.unread + thread.dead
    if dropped:
        yield "add_epoch", {"user_id": user_id}
        yield "forget_unread", key
        thread.idle()
        thread.dead = 0
        yield from save_thread(key, thread)
    return dropped

"""Take in the new messages of a thread and work out when it is due."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, get_args

from usermemory.messages import Asked, digest, is_mapping, is_sequence
from usermemory.messages.align import (
    WINDOW,
    Alignment,
    Mark,
    Passed,
    align,
    ids_to_ask,
    is_edit_of,
    stored_id,
    window,
)
from usermemory.messages.secrets import SecretPolicy, screened
from usermemory.records import Author, Message, News, Scheduled
from usermemory.store.codec import dumps
from usermemory.store.driver import Flow, Row
from usermemory.store.flows import (
    Thread,
    User,
    first,
    locking,
    save_thread,
    thread_of,
    user_of,
)
from usermemory.text import parts


@dataclass(frozen=True, slots=True)
class PastTimes:
    """When messages were said that come to the memory long after.

    Only a time of its own makes a message count as received then. What others say of its time is
    good enough to understand "last month", but not to tell it from what was erased since: such a
    message counts as received before everything else.

    Attributes:
        said: By id, for those that have no time of their own.
        before: For the rest: the latest that it can have been.
    """

    said: Mapping[str, float]
    before: float

    def times(self, message: Message, now: float) -> dict[str, float | None]:
        """When a message was said, and when it counts as received."""
        if message.at is not None:
            return {"said_at": message.at, "received_at": min(message.at, now)}
        return {"said_at": self.said.get(message.id or "", self.before), "received_at": 0.0}


@dataclass(frozen=True, slots=True)
class Policy:
    """When a thread becomes due.

    Attributes:
        delay: Seconds of quiet before it is consolidated.
        max_wait: Seconds after the first unread message at which it is due even so.
        keep: False to store read marks only: nothing said now is ever learned.
        at_once: Whether so many unread messages and characters make it due now.
        secrets: What is done about secrets in what is new.
        moved: Whether the delay was asked for by this call, and holds without new messages too.
        screened: Long texts that were looked through for secrets before the transaction began, and
            what may be kept of them.
        asked: What a model is asked with of the newest messages.
        past: For messages of a time before the memory was in use; a schedule that the thread has
            already stays. None: they are said now.
        keep_for: Seconds from now for which the text stays, for search; None: until it is read.
        shown: Stores what was shown for the answers among the messages, where something was.
    """

    delay: float
    max_wait: float
    keep: bool = True
    at_once: Callable[[int, int], bool] | None = None
    moved: bool = False
    secrets: SecretPolicy = "mask"
    screened: Mapping[str, str | None] = field(default_factory=dict[str, Any])
    asked: Asked = field(default_factory=Asked)
    past: PastTimes | None = None
    keep_for: float | None = None
    shown: Callable[[Mapping[str, str], User], Flow[None]] | None = None

    def waits(self, message: Message) -> bool:
        """Whether nothing of a message is kept until a model is asked with it."""
        return not self.asked.yet and message.id in self.asked.ids

    def times(self, message: Message, now: float) -> dict[str, float | None]:
        """When a message was said, and when it counts as received; None: now."""
        if self.past is not None:
            return self.past.times(message, now)
        return {"said_at": now if message.at is None else message.at, "received_at": None}


NEWEST_SCREENED = 8
"""Messages of a call whose long texts are screened before others are kept waiting."""

_SHORT_TEXTS = 4_000
_SHORT_THREAD = 64


def are_short(messages: object) -> bool:
    """Whether messages are read sooner than a thread is woken to read them.

    Only what is a list already: to ask something else for its messages may take any time.
    """
    if not is_sequence(messages) or len(messages) > _SHORT_THREAD:
        return False
    newest = messages[-NEWEST_SCREENED:]
    texts = [_content_of(message) for message in newest]
    return all(type(text) is str for text in texts) and sum(map(len, texts)) <= _SHORT_TEXTS


def _content_of(message: Any) -> Any:
    if isinstance(message, str):
        return message
    return message.get("content") if is_mapping(message) else getattr(message, "content", None)


def remember(
    user_id: str, thread_id: str, newest_first: Iterable[Message], policy: Policy
) -> Flow[Scheduled]:
    """Store what is new, and reset the quiet time.

    Args:
        user_id: Whose words.
        thread_id: Their thread.
        newest_first: What the caller passed, from its end, read only as far as it is new.
        policy: When it becomes due.

    Returns:
        When the thread is due, and how much of the input was new.
    """
    key = {"user_id": user_id, "thread_id": thread_id}
    # Looked at only after all are asked: on a server that is one round trip.
    locked = yield locking(user_id)
    scheduled = yield "thread", key
    asked = _newest_ids(newest_first)
    marked = yield "marks", _marks(key, newest_first, asked)
    user, thread = user_of(locked), thread_of(scheduled)
    if policy.past is not None and user.paused:
        # Marked as seen, what was said before the pause could never be learned.
        return Scheduled(due_at=thread.due_at, new=0, by_user=0)
    passed = Passed(newest_first, partial(digest, user.salt))
    found = yield from _news(key, marked, asked, passed)
    waited = yield from _waited(key, policy.asked)  # known by then, in front of what is known too
    add = partial(_add, key, thread, user, policy, passed)
    kept = False
    if len(policy.asked.ids) > 1 and any(map(policy.waits, found.new)):
        yield "give_up_waiting", {**key, "ids": dumps([*policy.asked.ids])}
    for message in found.edited:
        place = yield from _withdraw(key, thread, message, found, passed)
        kept |= yield from add(message, waited.pop(message.id, place))
    known = {one.id: one for one in newest_first if one.id in waited} if waited else {}
    for message in known.values():
        kept |= yield from add(message, waited[message.id])
    for message in found.new:
        kept |= yield from add(message, None)
    news = [*found.edited, *known.values(), *found.new]
    if found.edited and not thread.unread:
        thread.idle()  # what was unread was taken back, and its new text is not kept
    if kept or (policy.moved and thread.unread):
        _schedule(thread, user.now, policy)
    if news or policy.moved:
        yield from save_thread(key, thread)
    if policy.shown is not None and policy.keep and not user.paused:
        yield from policy.shown(key, user)
    heard = [message for message in news if not policy.waits(message)]
    return Scheduled(due_at=thread.due_at, new=len(heard), by_user=_by_user(heard))


def _waited(key: dict[str, Any], asked: Asked) -> Flow[dict[str | None, int]]:
    """Where messages stand that waited until a model is asked with them, if it is."""
    if not (asked.yet and asked.ids):
        return {}
    rows = yield "drop_waiting", {**key, "ids": dumps([*asked.ids])}
    return {row["message_id"]: row["position"] for row in rows}


def unknown(user_id: str, thread_id: str, newest_first: Iterable[Message]) -> Flow[News]:
    """What `remember` would find new in these messages; changes and locks nothing."""
    row = first((yield "known_user", {"user_id": user_id}))
    if row is None:
        news = list(newest_first)
        return News(len(news), _by_user(news))
    key = {"user_id": user_id, "thread_id": thread_id}
    asked = _newest_ids(newest_first)
    marked = yield "marks", _marks(key, newest_first, asked)
    passed = Passed(newest_first, partial(digest, row["salt"]))
    found = yield from _news(key, marked, asked, passed)
    news = [*found.edited, *found.new]
    return News(len(news), _by_user(news), bool(row["paused"]))


_MOST_OTHERS = 50
"""Other users of a thread whose inboxes are looked into."""


def said_by(
    user_id: str, thread_id: str, texts: Mapping[str, str], by_text: Iterable[str] = ()
) -> Flow[tuple[dict[str, str], dict[str, str]]]:
    """Whose words messages are that the inboxes of a thread know; changes and locks nothing.

    Args:
        user_id: Whose inbox comes first.
        thread_id: Which thread.
        texts: What the messages say, by their ids.
        by_text: The ids of those that other inboxes may have under another.

    Returns:
        The author of each id that this inbox knows, empty where another text was stored under it;
        and by the ids of what it does not know, the other user whose own words another inbox has.
    """
    own = yield from _authors(user_id, thread_id, texts)
    left = {name: text for name, text in texts.items() if not own.get(name)}
    others: dict[str, str] = {}
    where = {"user_id": user_id, "thread_id": thread_id, "count": _MOST_OTHERS}
    for row in (yield "others_of_thread", where) if left else ():
        theirs = yield from _authors(row["user_id"], thread_id, left)
        others |= {name: row["user_id"] for name, by in theirs.items() if by == "user"}
        if waited := [name for name in by_text if name in left]:
            said = yield from _recent(row["user_id"], thread_id)
            others |= {name: row["user_id"] for name in waited if said(left[name])}
    return own, others


def _recent(user_id: str, thread_id: str) -> Flow[Callable[[str], bool]]:
    """Whether a user has said this of late in a thread."""
    row = first((yield "known_user", {"user_id": user_id})) or {"salt": ""}
    key = {"user_id": user_id, "thread_id": thread_id, "count": WINDOW, "ids": dumps([])}
    marks = {each["digest"] for each in (yield "marks", key)}
    return lambda text: digest(row["salt"], Message("user", text)) in marks


def _authors(user_id: str, thread_id: str, texts: Mapping[str, str]) -> Flow[dict[str, str]]:
    row = first((yield "known_user", {"user_id": user_id}))
    if row is None:
        return {}
    key = {"user_id": user_id, "thread_id": thread_id}
    stored = {name: stored_id(name) for name in texts}
    rows = yield "known_ids", {**key, "ids": dumps(list(stored.values()))}
    # Of several texts under one id the last counts.
    known = {each["message_id"]: each["digest"] for each in rows}
    return {
        name: next((who for who, one in _digests_of(row["salt"], text) if one == kept), "")
        for name, text in texts.items()
        if (kept := known.get(stored[name])) is not None
    }


def _digests_of(salt: str, text: str) -> Iterator[tuple[Author, str]]:
    return ((who, digest(salt, Message(who, text))) for who in get_args(Author))


def _by_user(news: Iterable[Message]) -> int:
    return sum(message.author == "user" for message in news)


_ASKED_AT_ONCE = 4
"""Newest messages whose ids are looked up with the marks: a turn brings one or two new ones."""


def _newest_ids(newest_first: Iterable[Message]) -> list[str]:
    newest = islice(newest_first, _ASKED_AT_ONCE)
    return [message.id for message in newest if message.id is not None]


def _marks(
    key: dict[str, Any], newest_first: Iterable[Message], asked: Sequence[str]
) -> dict[str, Any]:
    return {**key, "count": window(newest_first), "ids": json.dumps(asked)}


def _news(
    key: dict[str, Any], marked: Sequence[Row], asked: Sequence[str], passed: Passed
) -> Flow[Alignment]:
    found_rows = [(row["kind"], row["message_id"], row["digest"]) for row in marked]
    marks = [Mark(name, mark) for kind, name, mark in reversed(found_rows) if kind == "mark"]
    known: dict[str, str | None] = dict.fromkeys(asked)
    known |= {name: mark for kind, name, mark in found_rows if kind != "mark"}
    while ids := ids_to_ask(passed, marks, known):
        rows = yield "known_ids", {**key, "ids": dumps(ids)}
        known |= dict.fromkeys(ids) | {row["message_id"]: row["digest"] for row in rows}
    found = align(passed, marks, known)
    if not found.edited:
        return found
    # Whose words they are was settled when they came: the same text is no edit.
    digests = {mark.id: mark.digest for mark in marks} | known
    edited = tuple(
        message
        for message in found.edited
        if all(
            passed.digest(replace(message, author=who)) != digests.get(message.id)
            for who in get_args(Author)
        )
    )
    return replace(found, edited=edited)


def _withdraw(
    key: dict[str, Any], thread: Thread, message: Message, found: Alignment, passed: Passed
) -> Flow[int | None]:
    """Take back the unread old text of an edited message; where it stood, if it was unread.

    A message that only bears the id of an unread one is no edit of it: it is another's, as where
    question and answer share an id; it stands beside it; or it shares no word with it.
    """
    before = found.before.get(message.id, "")
    which = {**key, "message_id": message.id, "digest": before}
    old = yield "unread_text", which
    if not old:
        return None
    other = len({one in {"user", "other"} for one in (old[0]["author"], message.author)}) > 1
    if other or passed.holds(before):
        return None
    text = "".join(row["text"] for row in old)
    if message.id in found.reused and not is_edit_of(text, message.text):
        return None
    rows = yield "drop_unread", which
    thread.unread -= len(rows)
    thread.unread_chars -= sum(row["chars"] for row in rows)
    return rows[0]["position"] if rows else None


_KEPT = frozenset({"user", "assistant"})
"""Whose words may stay for search: what others said, and what tools brought, is not the user's."""


def _add(
    key: dict[str, Any],
    thread: Thread,
    user: User,
    policy: Policy,
    passed: Passed,
    message: Message,
    position: int | None,
) -> Flow[bool]:
    """Store a message, or only a mark of it; whether it will be read.

    The mark is of what was said, so that the thread is known again when it is passed again; what
    is kept is without its secrets. Of a paused user nothing is.
    """
    said, before, waits = None, policy.screened, policy.waits(message) and not user.paused
    given = policy.asked.texts.get(message.text, message.text)
    if policy.keep and not user.paused and not waits and given is not None:
        said = before[given] if given in before else screened(given, policy.secrets)
    keep = said is not None
    where = thread.next_seq if position is None else position
    mark, times = passed.digest(message), policy.times(message, user.now)
    for part, text in enumerate(parts(said or "") or [""]):
        yield (
            "add_message",
            {
                **key,
                "seq": thread.next_seq,
                "position": where,
                "part": part,
                "message_id": message.id,
                "digest": mark,
                "author": message.author,
                "name": message.name if keep else None,
                "text": text,
                **times,
                "state": "unread" if keep else "waiting" if waits else "mark",
                "keep_for": policy.keep_for if keep and message.author in _KEPT else None,
            },
        )
        thread.next_seq += 1
        if keep:
            thread.unread += 1
            thread.unread_chars += len(text)
    return keep


def _schedule(thread: Thread, now: float, policy: Policy) -> None:
    """Reset the quiet time, within what a chat that never goes quiet may take."""
    if policy.past is not None and thread.state == "waiting":
        return
    if thread.state == "dead":
        thread.attempts, thread.not_before = 0, 0.0
    thread.first_at = now if thread.first_at is None else thread.first_at
    due = min(now + policy.delay, max(now, thread.first_at + policy.max_wait))
    if policy.at_once and policy.at_once(thread.unread, thread.unread_chars):
        due = now
    thread.state, thread.due_at = "waiting", max(due, thread.not_before)

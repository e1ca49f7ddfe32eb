"""What exports of other memories call things, and why some is not taken over: PURE."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from usermemory.messages import moment

# Names are compared without case and underscores: created_at is createdAt.
LIST_KEYS = (
    *("results", "memories", "items", "facts", "edges", "entities", "nodes", "data", "payload"),
    *("memorydetaillist", "savedinfo", "savedmemories", "usermemories", "profiles", "profile"),
    *("blocks", "memoryblocks", "corememory", "passages", "archivalmemory", "conclusions"),
    *("static", "dynamic", "records", "documents", "entries", "rows", "hits", "response"),
)
TEXT_KEYS = (
    *("memory", "text", "fact", "content", "value", "data", "observation", "observations"),
    *("memoryvalue", "summary"),
)
USER_KEYS = ("userid", "user")
PEOPLE_KEYS = frozenset({"users", "userprofiles"})
"""Under which the users stand, each with what is known of them."""

DATE_KEYS = (
    *("updatedat", "lastupdated", "modifiedat", "updatetime", "updated", "modified", "timestamp"),
    *("updatedtimestamp", "mentionedat", "createdat", "createtime", "createdtimestamp", "created"),
    *("date", "validat"),
)
"""When the memory had a fact last, then since when it has it, then since when it holds."""

END_KEYS = (
    *("deletedat", "archivedat", "invalidat", "expiredat", "expirationdate", "validuntil"),
    *("expiresat", "validto", "invalidatedat", "removedat", "forgottenat", "supersededat"),
)
"""Since when, or until when: over if that is past."""

OVER = frozenset(
    {"deleted", "archived", "removed", "forgotten", "expired", "inactive", "superseded"}
    | {"replaced", "obsolete", "outdated", "invalid", "invalidated", "disabled", "delete"}
)
"""Of a state, or as a flag that is true: over."""

STATE_KEYS = ("state", "status", "event")
IN_FORCE = frozenset({"active", "latest", "current", "enabled", "valid"})
"""Of a flag that is false: over."""

SUCCESSOR_KEYS = ("supersededby", "replacedby", "invalidatedby")
NAME_KEYS = ("name", "entityname", "canonicalname")
THING_KEYS = ("observations", "labels", "entitytype")
"""Keys of a thing in a graph: its name and its summary are not the user's."""

PAIR_KEYS = ("key", "field", "attribute")
TALK_KEYS = frozenset({"mapping", "messages", "msgs", "chatmessages", "histories", "turns"})
BOT_KEYS = ("agenttype", "llmconfig", "blockids")
"""Keys of a bot: what stands beside them is about the bot."""

BOT_LABELS = frozenset({"persona", "system", "assistant"})
"""Labels of the blocks of a prompt that are not about the user."""

ABOUT_USER = "human"
"""The label of the block that is."""

ENDED = "the source says that it is over"
MESSAGE = "it is a message, and no fact; usermemory backfill takes in conversations"
TALK = "it is a conversation, and no fact; memory.backfill takes in its messages"
BOTS = "it is about the bot, and not about the user"
BESIDE = "it stands beside a memory in plain text"
BESIDE_LIST = "it stands beside a list of memories, and nothing says that it is the user's"
NO_DATE = "no date that can be read; what it is about comes without one"
OWNERLESS = "nothing says whose it is"
NO_FACT = "neither a text nor an object"
NO_TEXT = "no text and no field of the schema under {}"


@lru_cache(4_096)
def bare_key(name: str) -> str:
    """A name as names are compared."""
    return name.replace("_", "").casefold()


def by_bare_key(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item by its bare names."""
    return {bare_key(name): value for name, value in item.items()}


def says_over(name: str, value: Any, now: float) -> bool:
    """Whether what stands in an item under a bare name says that the item is over.

    Args:
        name: As `bare_key` gives it.
        value: What stands there.
        now: The time, in seconds since the epoch.
    """
    if name in END_KEYS:
        at = moment(value)
        return at is not None and at <= now
    if name in STATE_KEYS:
        return isinstance(value, str) and value.casefold() in OVER
    if name in SUCCESSOR_KEYS:
        return value not in (None, "", [], {}, False)
    flag = name.removeprefix("is")
    return (value is True and flag in OVER) or (value is False and flag in IN_FORCE)


def label_of(names: Mapping[str, Any]) -> str:
    """What a block of a prompt is called; empty if it is none."""
    label = names.get("label")
    return label.casefold() if isinstance(label, str) else ""


def topic_of(names: Mapping[str, Any]) -> str:
    """What a text is about, as its beginning, where that stands beside it."""
    if any(name in names for name in THING_KEYS):
        about = [names[name] for name in NAME_KEYS if name in names][:1]
    elif label_of(names) != ABOUT_USER:
        about = [names.get(name) for name in ("topic", "subtopic", "label")]
    else:
        about = []
    words = ", ".join(one for one in about if isinstance(one, str) and one)
    return f"{words}: " if words else ""

"""What the tools of a memory tell the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langchain_core.tools import ToolException

if TYPE_CHECKING:
    from usermemory.langgraph.tools import Erasure
    from usermemory.records import Applied, Forgotten, Hit, Proposed, Refused

UNREACHABLE = "the memory cannot be reached: nothing was saved, erased or read. Tell the user so"
NOTHING_KNOWN = "Nothing is known about this user yet."
NOTHING_FOUND = "Nothing about this is kept."
NOT_THE_USER = (
    "nothing was done: this agent is run by another one and does not hear the user; only the agent "
    "that talks to them can save and forget"
)
NOT_CONFIRMED = "nothing was erased: the user did not confirm it"
OFF_THE_RECORD = "nothing was saved: this conversation is off the record"


def saved(proposed: Proposed, unreadable: tuple[Refused, ...]) -> str:
    """What was saved and what was not.

    Raises:
        ToolException: With the same text, where something was refused and nothing saved.
    """
    refused = [*proposed.rejections, *unreadable]
    known = [one for one in refused if one.reason == "duplicate"]
    made = proposed.revision.changes if proposed.revision else ()
    lines = [
        *(f"saved: {_made(one)}" for one in made),
        *(f"known already: {_place(one)}" for one in known),
        *(f"not saved: {_place(one)}: {why(one)}" for one in refused if one not in known),
    ]
    if proposed.waiting:
        lines.append(f"not saved yet, a person decides: {proposed.waiting}")
    if not made and not known and not proposed.waiting:
        lines = lines or ["nothing was saved: a person declined it before"]
        raise ToolException("\n".join(lines))
    return "\n".join(lines)


def hits(found: Sequence[Hit]) -> str:
    """What was found, a line each, with when it was said and whether it still holds."""
    return "\n".join(map(_found, found)) or NOTHING_FOUND


def _found(hit: Hit) -> str:
    when = "" if hit.at is None else f"{datetime.fromtimestamp(hit.at, UTC).date()}, "
    if hit.kind == "message":
        return f"- {when}{hit.name or hit.author} said: {_json(hit.text)}"
    where = hit.field if hit.key is None else f"{hit.field} {hit.key}"
    state = "known" if hit.holds else "no longer so"
    quotes = ", ".join(_json(one.quote) for one in hit.evidence if one.quote)
    return f"- {when}{state}: {where}: {_json(hit.value)}" + (f" ({quotes})" if quotes else "")


def erased(erasure: Erasure, forgotten: Forgotten) -> str:
    """What was erased."""
    what = erasure.field if erasure.value is None else f"this of {erasure.field}"
    if forgotten.values or forgotten.changes or forgotten.quotes or forgotten.messages:
        return f"erased: {what}. Do not repeat it"
    return f"nothing of it was kept in {erasure.field}, and nothing said before will be"


def not_erased(rejection: Refused) -> ToolException:
    """Why nothing was erased."""
    return ToolException(f"nothing was erased: {_place(rejection)}: {why(rejection)}")


def why(rejection: Refused) -> str:
    """The reason in words."""
    reason = rejection.reason.replace("_", " ")
    return f"{reason} ({rejection.detail})" if rejection.detail else reason


def _made(applied: Applied) -> str:
    value = applied.before if applied.after is None else applied.after
    where = applied.field if applied.key is None else f"{applied.field} {applied.key}"
    return f"{applied.action} {where}: {_json(value)}"


def _place(rejection: Refused) -> str:
    change = rejection.change
    value = "" if change.value is None else f" {_json(change.value)}"
    return f"{change.action} {change.field}{value}".strip()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""Values, times and changes as a page says them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from usermemory.erasure import MASK
from usermemory.refused import action_of, in_words, shown_field
from usermemory.schema.shape import is_list, is_object
from usermemory.serve.prices import money
from usermemory.text import is_nothing

if TYPE_CHECKING:
    from usermemory.records import Applied, Revision, Usage
    from usermemory.schema import Field

_FLAGS = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)
"""The emoji that hold tags: flags of England, Scotland and Wales."""

_HIDDEN = re.compile(
    rf"({_FLAGS})|"
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e"
    r"\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\uffff"
    r"\U000e0000-\U000e0fff]|(?<![^\x00-\u024f])[\u200c\u200d\ufe00-\ufe0d]"
)
"""What would drive a page's text, or hide in it. Joiners and the choice of a picture are left where
scripts and emoji need them: after anything but Latin."""

LEARNED = "model"
"""Who revisions are by that were learned from what the user said."""


def shown_text(value: Any) -> Any:
    """What a template puts out: marks that turn or hide text are made visible."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _HIDDEN.sub(lambda found: found[1] or f"[U+{ord(found[0]):04X}]", value)
    return value


def label(field: Field | None, name: str) -> str:
    """What a field is called: its title, else its name in words."""
    title = field.title if field else ""
    if field and field.kind == "object" and " " not in title:
        title = ""  # the name of a class, which says less
    text = title or name.replace("_", " ").strip()
    if text == text.title():  # as Pydantic makes it of a name
        text = text.lower()
    return text[:1].upper() + text[1:]


def readable(value: Any) -> str:
    """A value in a line, without the signs of JSON."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_object(value):
        parts = (f"{key}: {readable(part)}" for key, part in value.items() if not is_nothing(part))
        return "; ".join(parts) or "nothing"
    if is_list(value):
        return ", ".join(map(readable, value)) or "nothing"
    return str(value)


def moment(at: float | None) -> Markup:
    """A time, which the browser puts into its own zone."""
    if at is None:
        return Markup("")
    try:
        found = datetime.fromtimestamp(at, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return Markup("")
    text = f"{found:%d %b %Y, %H:%M} UTC".lstrip("0")
    return Markup('<time datetime="{}">{}</time>').format(f"{found:%Y-%m-%dT%H:%M:%SZ}", text)


def span(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def ago(at: float | None) -> str:
    """How long ago, or in how long."""
    if at is None:
        return "never"
    seconds = time.time() - at
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def counted(number: int, one: str, more: str = "") -> str:
    """``1 message``, ``2 messages``."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def cost(usage: Usage) -> str:
    """Calls and tokens; empty where no model was asked."""
    if not usage.calls and not usage.input_tokens:
        return ""
    told = f"{counted(usage.calls, 'call')}, {usage.input_tokens:,} tokens in"
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return f"{told}{cached}, {usage.output_tokens:,} out"


def doer(revision: Revision) -> str:
    """Who made a revision, as a sentence begins."""
    if revision.undoes:
        return "Taken back"
    if revision.by == LEARNED:
        return "Learned"
    return {"forget": "Erased", "migration": "Moved to a new schema"}.get(
        revision.by, f"Changed by {revision.by}"
    )


def sides(change: Applied) -> tuple[str, str]:
    """What stood there before and after, each empty for nothing."""
    before, after = change.before, change.after
    if change.erased:
        if before is None and after is None:
            ended = change.action in {"remove", "clear"}
            before, after = (MASK, None) if ended else (None, MASK)
        else:
            before, after = (MASK if side is None else side for side in (before, after))
    return tuple("" if side is None else readable(side) for side in (before, after))  # type: ignore[return-value]


def place(change: Applied) -> str:
    """Which part of the profile a change is about."""
    of_item = change.index is not None or change.key is None
    text = change.field if of_item else f"{change.field}, {change.key}"
    return text.replace("_", " ")


def pointer(*steps: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def steps_of(path: str) -> list[str]:
    """The steps of a JSON pointer."""
    if not path.startswith("/"):
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def as_json(value: Any) -> str:
    """JSON, as people edit it."""
    return json.dumps(value, ensure_ascii=False, indent=None)


def listed(names: Sequence[Any]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = [str(name) for name in names] or [""]
    return f"{', '.join(most)} and {last}" if most else last


FILTERS: Mapping[str, Any] = {
    "readable": readable,
    "moment": moment,
    "ago": ago,
    "span": span,
    "counted": counted,
    "cost": cost,
    "money": money,
    "doer": doer,
    "sides": sides,
    "place": place,
    "label": label,
    "listed": listed,
    "tojson_text": as_json,
    "reason": in_words,
    "refused_field": shown_field,
    "refused_action": action_of,
}

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
from usermemory.errors import IdentityError
from usermemory.refused import action_of, in_words, shown_field
from usermemory.schema.reading import Unreadable
from usermemory.schema.shape import is_list, is_object
from usermemory.serve.prices import money
from usermemory.text import is_nothing

if TYPE_CHECKING:
    from usermemory.records import Applied, Proposal, Revision, Usage
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

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::(?!00)\d\d)?)(?::00)?(?:\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
"""A date with its time, as JSON has it: day, time and zone."""

NO_KEYS: Mapping[str, Field] = {}

THE_USER = "the user"
"""Who revisions are by that a user makes on their own page."""

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
    if field and not field.own_title and " " not in title:
        title = ""  # the name of a class, which says less
    text = title or name.replace("_", " ").strip()
    if text == text.title():  # as Pydantic makes it of a name
        text = text.lower()
    return text[:1].upper() + text[1:]


def readable(value: Any, keys: Mapping[str, Field] = NO_KEYS) -> str:
    """A value in a line, without the signs of JSON; its properties by their titles."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_object(value):
        parts = (
            f"{key_label(keys, key)}: {readable(part, keys_in(keys.get(key)))}"
            for key, part in in_order(value, keys).items()
        )
        return "; ".join(parts) or "nothing"
    if is_list(value):
        return ", ".join(readable(one, keys) for one in value) or "nothing"
    text = str(value)
    if not text.strip():
        return "(blank)"  # else it would stand in no line
    found = _TIME.fullmatch(text)
    return " ".join(filter(None, found.groups())).replace("Z", "UTC") if found else text


def in_order(value: Mapping[str, Any], keys: Mapping[str, Field]) -> dict[str, Any]:
    """What an object says, in the order of the schema."""
    names = dict.fromkeys((*(key for key in keys if key in value), *value))
    return {name: value[name] for name in names if not is_nothing(value[name])}


def key_label(keys: Mapping[str, Field], key: str) -> str:
    """What a property is called; what a map's owner calls an entry stays as it is."""
    return label(keys[key], key) if key in keys else key


def keys_in(field: Field | None, key: Any = None) -> Mapping[str, Field]:
    """The properties of a value of a field, or of what stands under a key of it."""
    if field is None:
        return NO_KEYS
    if field.kind == "object" and key is not None:
        return keys_in(field.keys.get(key))
    return field.keys


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


def doer(revision: Revision, *, own: bool = False) -> str:
    """Who made a revision, as a sentence begins; on the user's own page told to the user."""
    if revision.undoes:
        return "Taken back"
    if revision.by == LEARNED:
        return "Learned"
    return {"forget": "Erased", "migration": "Moved to a new schema"}.get(
        revision.by, f"Changed by {'you' if own and revision.by == THE_USER else revision.by}"
    )


class Titles:
    """Fields, changes and values as the schema calls them.

    Args:
        fields: Of the schema.
    """

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields

    def titled(self, name: str, key: Any = None) -> str:
        """What a field is called, or a part of it; empty for no name."""
        field = self._fields.get(name)
        keys = field.keys if field and field.kind == "object" else NO_KEYS
        part = "" if key is None else key_label(keys, str(key))
        return ": ".join(filter(None, [label(field, name), part]))

    def told(self, error: Exception) -> str:
        """What an error says; of a document that the schema refuses, by its titles."""
        if isinstance(error, IdentityError):
            return "This names no user, or no conversation. Choose one from the list."
        if not isinstance(error, Unreadable):
            return str(error)
        return "; ".join(f"{self._spot(place)}: {text}" for place, text in error.problems[:5])

    def _spot(self, place: Sequence[Any]) -> str:
        """A place of a document, as deep as the schema names it."""
        names: list[str] = []
        keys = self._fields
        for step in (one for one in place if isinstance(one, str)):
            if step not in keys:
                break
            names.append(label(keys[step], step))
            keys = keys_in(keys[step])
        return ": ".join(names) or "The profile"

    def valued(self, value: Any, name: str, key: Any = None) -> str:
        """A value of a field in a line."""
        return readable(value, keys_in(self._fields.get(name), key))

    def place(self, change: Applied) -> str:
        """Which part of the profile a change is about."""
        field = self._fields.get(change.field)
        whole = change.index is not None and not (field and field.kind == "object")
        return self.titled(change.field, None if whole else change.key)

    def sides(self, change: Applied) -> tuple[str, str]:
        """What stood there before and after, each empty for nothing."""
        before, after = change.before, change.after
        if change.erased:
            if before is None and after is None:
                ended = change.action in {"remove", "clear"}
                before, after = (MASK, None) if ended else (None, MASK)
            else:
                before, after = (MASK if side is None else side for side in (before, after))
        told = (
            "" if is_nothing(side) else self.valued(side, change.field, change.key)
            for side in (before, after)
        )
        return tuple(told)  # type: ignore[return-value]

    def filters(self) -> Mapping[str, Any]:
        """For templates."""
        names = ("titled", "valued", "place", "sides")
        return {name: getattr(self, name) for name in names}


def proposal(one: Proposal) -> str:
    """What waits for a decision, as a sentence begins."""
    told = _PROPOSED.get(one.kind, "Would change")
    who = {LEARNED: "from what was said", "tidy": "by the tidy pass"}.get(one.by, f"by {one.by}")
    return f"{told}, {who}"


_PROPOSED = {
    "change": "To be learned",
    "merge": "Says the same, to be put together",
    "shorten": "Said at length, to be shortened",
    "end": "Over, to be taken out",
    "conflict": "In doubt, to be taken out",
}
"""What a proposal is, by its kind."""


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
    "proposal": proposal,
    "label": label,
    "key_label": key_label,
    "keys_in": keys_in,
    "in_order": in_order,
    "listed": listed,
    "tojson_text": as_json,
    "reason": in_words,
    "refused_field": shown_field,
    "refused_action": action_of,
}

"""Profiles, revisions and quotes as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from usermemory.changes import inverse, patch
from usermemory.cli.common import listed, plural, shortened, table, value_text, when
from usermemory.erasure import MASK
from usermemory.erasure.item import item_names, most_like
from usermemory.errors import InvalidInput
from usermemory.past import Origins, noted_at, resolve
from usermemory.refused import action_of, in_words, shown_field

if TYPE_CHECKING:
    from usermemory.records import (
        Applied,
        Dated,
        Evidence,
        Hit,
        Misfit,
        Refused,
        Revision,
        Undone,
        Usage,
    )
    from usermemory.schema import Schema

LEARNED = "model"
"""Who revisions are by that were learned from what the user said."""

_REFUSED_LINES = 5
"""Refused changes of a batch that are listed one by one."""


def profile_table(
    document: Mapping[str, Any], revisions: Sequence[Revision], dates: Iterable[Dated] = ()
) -> Table | None:
    """What is known, item by item, with the newest words that each rests on; None for nothing.

    Args:
        document: The profile.
        revisions: The user's revisions, the newest first.
        dates: When each item was heard of.
    """
    known = {(one.field, value_text(one.item)): one for one in dates}  # "null" for a single value
    rows = table("field", "value", "in the user's words", "said")
    rows.columns[2].style = rows.columns[3].style = "dim"
    origins = Origins(revisions)
    for field, item in profile_items(document):
        quote, at = _origin(document, origins, field, item)
        held = document[field]
        value = f"{item}: {value_text(held[item])}" if isinstance(held, Mapping) else item
        name = value_text(None if item is held else item)
        rows.add_row(field, value_text(value), quote, _said(at, known.get((field, name))))
    return rows if rows.row_count else None


def _said(at: float | None, dated: Dated | None) -> str:
    """When an item was said, and said again since; and if that is long ago."""
    if dated is None or dated.last is None:
        return when(at)
    again = dated.confirmed if dated.exact else None
    said = when(at) if again is None else f"{when(at)}, again {when(again)}"
    return f"{said} (old)" if dated.stale else said


def _origin(
    document: Mapping[str, Any], origins: Origins, field: str, item: Any
) -> tuple[str, float | None]:
    """The words that an item rests on and when they were said, else what there is instead."""
    evidence = origins.evidence(document, field, item)
    left = next((one for one in evidence if not one.erased), None)
    if left:
        return f"“{shortened(left.quote)}”", left.at
    if evidence:
        return "evidence erased", evidence[0].at
    maker = origins.maker(field, item)
    if maker is None or maker.by == LEARNED:
        return "", None
    return f"set by {maker.by}", noted_at(maker, field, item)


def profile_items(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each field that says something, once for each of its items (for maps: its keys)."""
    for field, value in document.items():
        held: Any = value
        if isinstance(value, Mapping):
            yield from ((field, key) for key in held if held[key] not in (None, [], {}))
        elif isinstance(value, list):
            yield from ((field, item) for item in held)
        elif value is not None:
            yield field, value


def misfit_line(misfit: Misfit) -> str:
    """A stored value that the schema does not take: where it stands, and why."""
    steps = misfit.path or (misfit.key, misfit.index)
    place = "/".join(str(step) for step in (misfit.field, *steps) if step is not None)
    return (
        f"{place}: {value_text(misfit.value)} ({misfit.detail or misfit.reason.replace('_', ' ')})"
    )


def confirmed_line(stamps: Mapping[str, Mapping[str, float]]) -> str:
    """Which fields were said again since they last changed, and when; empty for none."""
    return ", ".join(
        f"{field} ({when(times['confirmed'])})"
        for field, times in stamps.items()
        if times.get("confirmed", 0.0) == max(times.values(), default=None)
    )


def revision_lines(revision: Revision) -> Text:
    """One revision: when, by whom and at what cost, then each change with its quotes."""
    parts = [
        f"revision {revision.number}",
        when(revision.at),
        f"thread {revision.thread_id}" if revision.thread_id else "",
        "" if revision.by == LEARNED else _doer(revision),
        revision.model,
        f"prompt {revision.prompt}" if revision.prompt else "",
        cost(revision.usage),
    ]
    lines = [Text("  ".join(filter(None, parts)), style="bold")]
    for change in revision.changes:
        lines.append(Text("  ").append(change_text(change)))
        if change.at is not None:
            lines[-1].append(f"  {when(change.at)}", style="dim")
        lines += (Text("    ").append(quoted(evidence)) for evidence in change.evidence)
    if not revision.changes:
        lines.append(Text("  erased from the past only; the profile stayed as it was"))
    return Text("\n").join(lines)


def _doer(revision: Revision) -> str:
    if revision.undoes:
        return f"takes back {listed(map(str, sorted(revision.undoes)))}"
    return "erased" if revision.by == "forget" else f"by {revision.by}"


def cost(usage: Usage) -> str:
    """Tokens, such as ``1,203 tokens in, 88 out``; empty where no model was asked."""
    if not (usage.input_tokens or usage.output_tokens):
        return ""
    cached = f" ({usage.cached_tokens:,} from the cache)" if usage.cached_tokens else ""
    return f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out"


def revision_data(revision: Revision) -> dict[str, Any]:
    """A revision for programs, with its JSON patches (RFC 6902)."""
    changes = revision.changes
    return {**asdict(revision), "patch": patch(changes), "inverse": inverse(changes)}


def change_text(change: Applied) -> str:
    """One change in a line, such as ``name: Bill → Will`` or ``+ interests: chess``."""
    where = change.field + (f".{change.key}" if change.key else "")
    before, after = _before_and_after(change)
    if before is None:
        sign = "+ " if change.action == "add" else ""
        return f"{sign}{where}: {value_text(after)}"
    if after is None:
        return f"- {where}: {value_text(before)}"
    return f"{where}: {value_text(before)} → {value_text(after)}"


def _before_and_after(change: Applied) -> tuple[Any, Any]:
    """Both sides of a change, with a mark for what was erased of it."""
    before, after = change.before, change.after
    if not change.erased:
        return before, after
    if before is None and after is None:
        ended = change.action in {"remove", "clear"}
        return (MASK, None) if ended else (None, MASK)
    return MASK if before is None else before, MASK if after is None else after


def changes_line(changes: Iterable[Applied]) -> str:
    """All changes of a revision in one line."""
    return "; ".join(shortened(change_text(change)) for change in changes)


def quoted(evidence: Evidence, *, numbered: bool = False) -> Text:
    """A quote and where it was said; ``numbered`` adds the message, as `forget` takes it."""
    message = f"message {evidence.seq}" if numbered and evidence.seq else ""
    where = "  ".join(filter(None, (f"thread {evidence.thread_id}", message, when(evidence.at))))
    said = "evidence erased" if evidence.erased else f"“{evidence.quote}”"
    return Text(said, style="italic").append(f"  {where}", style="not italic dim")


def hit_text(hit: Hit) -> Text:
    """Something that a search found: when and where it was said, and whether it still holds."""
    where = f"  thread {hit.thread_id}" if hit.thread_id else ""
    if hit.kind == "message":
        return Text.assemble(
            (f"{when(hit.at)}  {hit.name or hit.author} said: ", "dim"),
            f"“{shortened(hit.text, 200)}”",
            (where, "dim"),
        )
    name = hit.field if hit.key is None else f"{hit.field} {hit.key}"
    state = "" if hit.holds else " (no longer)"
    quotes = "; ".join(f"“{shortened(one.quote)}”" for one in hit.evidence if one.quote)
    told = f"  {quotes}" if quotes else ""
    return Text.assemble(
        (f"{when(hit.at)}  ", "dim"),
        f"{name}: {value_text(hit.value)}{state}",
        (told + where, "dim"),
    )


def item_called(document: Mapping[str, Any], field: str, text: str | None) -> tuple[str, Any]:
    """The field and the item that were typed: a number, say, is no text in the profile."""
    if field.startswith("/"):
        return resolve(document, field)
    items = (item for name, item in profile_items(document) if name == field)
    return field, next((item for item in items if value_text(item) == text), text)


def nothing_behind(
    document: Mapping[str, Any], history: Sequence[Revision], field: str, item: Any, schema: Schema
) -> str:
    """What to say of a field, or of an item of it, that rests on no words.

    Raises:
        InvalidInput: The item is none, and was never one; lists those that there are.
    """
    items = [item]
    if item is None:
        items = [one for name, one in profile_items(document) if name == field]
    origins = Origins(history)
    makers = [origins.maker(field, one) for one in items]
    names = item_names(schema, field, document)
    if item is not None and not any(makers) and str(item) not in names:
        like = most_like(item, names)
        raise InvalidInput(f"{item!r} is no item of {field}: there is {like}")
    by_hand = next((maker for maker in makers if maker and maker.by != LEARNED), None)
    if by_hand:
        return f"Set by {by_hand.by} in revision {by_hand.number}, {when(by_hand.at)}."
    return "No words of the user stand behind that." if items else "Nothing is known there."


def refused_text(refused: Refused) -> Text:
    """One refused change in a line."""
    change, value = refused.change, refused.change.value
    shown = "" if value is None else shortened(value_text(value), 40)
    detail = f" ({shortened(refused.detail, 80)})" if refused.detail else ""
    parts = (
        (when(refused.at), "dim"),
        (shown_field(refused) or "no field", "bold"),
        (" ".join(filter(None, [action_of(refused), change.key or "", shown])), ""),
        (in_words(refused) + detail, ""),
        (f"“{shortened(change.quote)}”" if change.quote else "", "italic"),
        (f"thread {refused.thread_id}" if refused.thread_id else "", "dim"),
    )
    return Text("  ").join(Text(text, style) for text, style in parts if text)


def refused_lines(refused: Sequence[Refused], user_id: str) -> list[str]:
    """What a batch refused and why, in a line each, without its words; of many only the first."""
    lines = [
        f"refused: {shown_field(one) or 'no field'}: {in_words(one)}"
        for one in refused[:_REFUSED_LINES]
    ]
    if more := len(refused[_REFUSED_LINES:]):
        lines.append(f"refused: {more} more; usermemory profile refused {user_id} lists them")
    return lines


def undone_text(undone: Undone, history: Sequence[Revision], schema: Schema) -> Text:
    """What an undo took back, and what stays and why.

    Args:
        undone: What the undo returned.
        history: The user's revisions from before it, the newest first.
        schema: The profile's.
    """
    lines: list[str] = []
    if undone.revision:
        numbers = undone.revision.undoes
        named = f"{plural(len(numbers), 'revision')} {listed(map(str, sorted(numbers)))}"
        lines.append(f"Takes back {named}, as revision {undone.revision.number}:")
        lines += [f"  {change_text(change)}" for change in undone.revision.changes]
    for change in undone.conflicts:
        made = next((one.number for one in history if change in one.changes), 0)
        where = f" (revision {made})" if made else ""
        reason = _why_it_stays(change, [one for one in history if one.number > made], schema)
        lines.append(f"Stays: {change_text(change)}{where}, since {reason}")
    return Text("\n".join(lines or ["There is nothing left to take back."]))


def _why_it_stays(change: Applied, later: Sequence[Revision], schema: Schema) -> str:
    """Why a change cannot be taken back, with the revisions after it, the newest first."""
    if change.field not in schema.fields:
        return "the profile has no such field any more"
    if change.erased:
        return "a value of it has been erased"
    for revision in reversed(later):
        for other in revision.changes:
            if (other.field, other.key) == (change.field, change.key):
                return f"revision {revision.number} changed it again: {change_text(other)}"
    return "the schema refuses the profile without it"

"""Profiles, revisions and quotes as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from usermemory.cli.output import clean, shortened, shown, when
from usermemory.why import evidence_of

if TYPE_CHECKING:
    from usermemory.records import Applied, Evidence, Revision


def profile_table(document: Mapping[str, Any], revisions: Sequence[Revision]) -> Table | None:
    """What is known, item by item, with the newest words that each rests on; None for nothing.

    Args:
        document: The profile.
        revisions: The user's revisions, the newest first.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("field", "value", "in the user's words", "said"):
        table.add_column(heading)
    for field, item in items_of(document):
        evidence = evidence_of(revisions, document, field, item)
        quote = Text(f"“{shortened(evidence[0].quote)}”" if evidence else "", style="dim")
        said = Text(when(evidence[0].at) if evidence else "", style="dim")
        held = document[field]
        value = f"{item}: {shown(held[item])}" if isinstance(held, Mapping) else item
        table.add_row(Text(clean(field)), Text(shown(value)), quote, said)
    return table if table.row_count else None


def items_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each field that says something, once for each of its items (for maps: its keys)."""
    for field, value in document.items():
        held: Any = value
        if isinstance(value, Mapping):
            yield from ((field, key) for key in held if held[key] not in (None, [], {}))
        elif isinstance(value, list):
            yield from ((field, item) for item in held)
        elif value is not None:
            yield field, value


def confirmed_line(stamps: Mapping[str, Mapping[str, float]]) -> str:
    """Which fields were said again since they last changed, and when; empty for none."""
    return ", ".join(
        f"{clean(field)} ({when(times['confirmed'])})"
        for field, times in stamps.items()
        if times.get("confirmed", 0.0) == max(times.values(), default=None)
    )


def revision_lines(revision: Revision) -> Text:
    """One revision: when and by whom, then each change with its quotes."""
    head = f"revision {revision.number}  {when(revision.at)}"
    source = f"thread {revision.thread_id}" if revision.thread_id else f"by {revision.by}"
    head += "  " + "  ".join(filter(None, (source, revision.model)))
    lines = [Text(clean(head), style="bold")]
    for change in revision.changes:
        lines.append(Text("  ").append(change_text(change)))
        lines += (Text("    ").append(quoted(evidence)) for evidence in change.evidence)
    return Text("\n").join(lines)


def change_text(change: Applied) -> str:
    """One change in a line, such as ``name: Bill → Will`` or ``+ interests: chess``."""
    where = clean(change.field + (f".{change.key}" if change.key else ""))
    if change.before is None:
        sign = "+ " if change.action == "add" else ""
        return f"{sign}{where}: {shown(change.after)}"
    if change.after is None:
        return f"- {where}: {shown(change.before)}"
    return f"{where}: {shown(change.before)} → {shown(change.after)}"


def changes_line(changes: Iterable[Applied]) -> str:
    """All changes of a revision in one line."""
    return "; ".join(shortened(change_text(change)) for change in changes)


def quoted(evidence: Evidence) -> Text:
    """A quote and where it was said."""
    where = "  ".join(filter(None, (f"thread {evidence.thread_id}", when(evidence.at))))
    return Text(f"“{clean(evidence.quote)}”", style="italic").append(
        f"  {clean(where)}", style="not italic dim"
    )

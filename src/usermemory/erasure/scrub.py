"""The past without what was erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.place import find
from usermemory.erasure.kept import Refusals
from usermemory.erasure.needles import Needles
from usermemory.records import Applied, Evidence, Refused, Revision
from usermemory.refused import bare
from usermemory.schema.document import field_of, stored_value
from usermemory.schema.form import identity
from usermemory.schema.shape import is_object

if TYPE_CHECKING:
    from usermemory.schema import Schema


EVERY = frozenset({"before", "after", "key", "index"})
"""All that a change tells, but for its field and action."""


@dataclass(slots=True)
class Past:
    """Past revisions that held it, rewritten.

    Attributes:
        revisions: Their changes, by number.
        changes: How many lost their values.
        quotes: How many quotes went.
        threads: Where those were said.
        elsewhere: Other fields that mention it now, and keep it.
        others: Other items that stay and lose quotes: field, value, and how many.
    """

    revisions: dict[int, tuple[Applied, ...]] = field(default_factory=dict[int, Any])
    changes: int = 0
    quotes: int = 0
    threads: set[str] = field(default_factory=set[str])
    elsewhere: set[str] = field(default_factory=set[str])
    others: list[tuple[str, Any, int]] = field(default_factory=list[Any])


def scrubbed(
    revisions: Iterable[Revision],
    document: Mapping[str, Any],
    schema: Schema,
    cut: Callable[[Applied], Applied],
    parts: Callable[[Applied], frozenset[str]],
    taught: Callable[[Evidence], bool],
    values: Needles,
    quotes: Needles,
) -> Past:
    """Rewrite what is affected.

    Args:
        revisions: All of a user's.
        document: The profile as it will be.
        schema: The profile's.
        cut: A change without what goes from the inside of its values.
        parts: Which parts of a change go.
        taught: Whether a quote goes, whatever it says.
        values: Texts that must not be left.
        quotes: The same.
    """
    past = Past()

    def goes(evidence: Evidence, *, stays: bool) -> bool:
        said = evidence.quote
        named = taught(evidence) or values.in_text(said)
        # A quote that another item rests on too stays with it, unless it names what goes.
        return named or (not stays and quotes.in_text(said))

    def unasked(evidence: Evidence) -> Evidence:
        asked = evidence.question
        held = bool(asked) and (values.in_text(asked) or quotes.in_text(asked))
        return replace(evidence, question="") if held else evidence

    def rewritten(told: Applied) -> Applied:
        gone, change = parts(told), cut(told)
        if not gone and values.in_value(change.before, change.after, change.key):
            stays = _holds(document, schema, change)
            gone = EVERY
            if stays:  # what the profile holds now, not what that took the place of
                gone = frozenset({"before"} if values.in_value(change.before) else ())
                past.elsewhere |= (
                    {change.field} if values.in_value(change.after, change.key) else set()
                )
        held = not gone and _holds(document, schema, change)
        lost = [
            e for e in change.evidence if not e.erased and ("after" in gone or goes(e, stays=held))
        ]
        if held and lost:
            past.others.append((change.field, change.after, len(lost)))
        past.quotes += len(lost)
        past.threads |= {evidence.thread_id for evidence in lost}
        past.changes += bool(gone) or change != told
        evidence = tuple(
            replace(e, quote="", question="", erased=True) if e in lost else unasked(e)
            for e in change.evidence
        )
        blank: dict[str, Any] = dict.fromkeys(gone)
        erased = change.erased or bool(gone)
        return replace(change, **blank, evidence=evidence, erased=erased)

    for revision in revisions:
        changes = tuple(map(rewritten, revision.changes))
        if changes != revision.changes:
            past.revisions[revision.number] = changes
    return past


def sides(change: Applied, goes: Callable[[Any], bool]) -> frozenset[str]:
    """Which parts of a change go with its values: a side that was replaced goes by itself."""
    before = change.before is not None and goes(change.before)
    after = change.after is not None and goes(change.after)
    if before and after:
        return EVERY
    if after:
        return EVERY if change.before is None else frozenset({"after"})
    if before:
        return EVERY if change.after is None else frozenset({"before"})
    return frozenset()


def scrubbed_refusals(
    refused: Iterable[Refusals],
    values: Needles,
    quotes: Needles,
    heard: Callable[[Refusals], bool],
    about: Callable[[Refused], bool],
) -> Sequence[Refusals]:
    """Those that held it, without it; what was refused for which reason stays.

    Args:
        refused: All of a user's.
        values: Texts that must not be left.
        quotes: The same.
        heard: Whether it was read from what is erased: whatever it quotes goes.
        about: Whether a refused change is about what is erased, in whatever words.
    """

    def holds(*texts: Any) -> bool:
        return values.in_value(*texts) or quotes.in_value(*texts)

    def without(one: Refused, *, all_goes: bool) -> Refused:
        change = one.change
        parts = (change.value, change.key, change.quote, one.detail)
        if one.reason == "unknown_field" and holds(change.field.replace("_", " ")):
            return bare(replace(one, change=replace(change, field="")))
        return bare(one) if all_goes or about(one) or holds(*parts) else one

    def rewritten(batch: Refusals) -> Refusals:
        all_goes = heard(batch)
        return replace(
            batch,
            rejections=tuple(without(one, all_goes=all_goes) for one in batch.rejections),
            error="" if all_goes or holds(batch.error) else batch.error,
        )

    return [new for old in refused if (new := rewritten(old)) != old]


def _holds(document: Mapping[str, Any], schema: Schema, change: Applied) -> bool:
    """Whether what a change made is in the profile now."""
    held = document.get(change.field)
    if held is None or change.after is None:
        return False
    known = field_of(schema, change.field, held)
    current = stored_value(known, held)
    if known.kind in {"list", "objects"}:
        return find(known, current, change.after) is not None
    held = current.get(change.key) if is_object(current) and change.key else current
    return identity(held) == identity(change.after)

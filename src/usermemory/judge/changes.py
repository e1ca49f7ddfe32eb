"""Changes that were judged: which get a second look, and what they make of the profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from usermemory.changes import Unfit, apply, apply_beside
from usermemory.changes.diff import find
from usermemory.dates import made_items, mark_items
from usermemory.erasure import MASK, buried, subject_of
from usermemory.records import Applied, Evidence, Refused, Usage
from usermemory.schema.form import identity
from usermemory.text import leaves

if TYPE_CHECKING:
    from usermemory.batch import Batch
    from usermemory.judge.second_look import SecondLook, Verdict
    from usermemory.records import Change, Reason
    from usermemory.schema import Schema
    from usermemory.settings import Review, Room


Doubt = Literal["inexact", "passage", "others", "unnamed", "ungrounded", "echo", "always"]
"""Why a second look is taken at a change:

- ``inexact``: the quote is the user's only after more than folding (a near match, a part of a word)
- ``passage``: it stands in a pasted block, in quotation marks, in tags, or past the first line
- ``others``: the value's words stand in what others said, and not in the user's own
- ``unnamed``: what is removed or cleared is not named in the quote
- ``ungrounded``: nothing of the value stands in the user's words
- ``echo``: others said the whole value, or all words of the quote, before
- ``always``: the owner wants each change looked at
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One proposed change, and what was found about it.

    Attributes:
        change: As proposed; cleaned of hidden characters that carry nothing.
        evidence: The user's own words that it rests on; empty where none is required.
        doubts: Why a second look should be taken.
        refused: Why it is not made; None as long as it may be.
        answers: Whether the words are the whole answer to the question right before them.
    """

    change: Change
    evidence: tuple[Evidence, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    refused: Refused | None = None
    answers: bool = False

    def refuse(self, reason: Reason, detail: str = "") -> Judgement:
        """The same, refused."""
        from usermemory.records import Refused

        return replace(self, refused=Refused(self.change, reason, detail))


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of an answer.

    Attributes:
        document: The profile with the changes that were made.
        applied: These, by value.
        refused: Those that were not, and why.
        made: The judgements behind ``applied``, in the same order.
    """

    document: Mapping[str, Any]
    applied: tuple[Applied, ...] = ()
    refused: tuple[Refused, ...] = ()
    made: tuple[Judgement, ...] = ()


def applied(batch: Batch, judgements: Iterable[Judgement]) -> Judged:
    """Make the changes that were not refused; a refused one leaves the others alone.

    Args:
        batch: What they were judged by; its document stays as it is.
        judgements: In the order of the answer.
    """
    document = batch.document
    room = batch.limits.room(document)
    done: list[Applied] = []
    made: list[Judgement] = []
    refused: list[Refused] = []
    for judgement in judgements:
        outcome = _made(batch, document, judgement, done, room)
        if isinstance(outcome, Refused):
            refused.append(outcome)
            continue
        document, one = outcome
        room.take(one)
        done.append(one)
        made.append(judgement)
    return Judged(document, tuple(done), tuple(refused), tuple(made))


def reviewed(batch: Batch, judged: Judged, review: Review) -> tuple[Judged, tuple[Applied, ...]]:
    """What may be made at once, and what waits for a person.

    Args:
        batch: What it was judged by.
        judged: All that the profile takes.
        review: Which changes wait, where their field does not say so itself.

    Returns:
        The rest, put into a copy of the profile again; and what waits, by value.
    """
    waits = [_is_reviewed(batch, done, review) for done in judged.applied]
    if not any(waits):
        return judged, ()
    kept = [one for one, wait in zip(judged.made, waits, strict=True) if not wait]
    rest = applied(batch, kept)
    aside = tuple(one for one, wait in zip(judged.applied, waits, strict=True) if wait)
    return replace(rest, refused=(*judged.refused, *rest.refused)), aside


def _is_reviewed(batch: Batch, done: Applied, review: Review) -> bool:
    field = batch.schema.fields.get(done.field)
    part = field.keys.get(done.key or "") if field is not None else None
    for known in (part, field):
        if known is not None and known.settings.review is not None:
            return known.settings.review
    return review == "all"


def _made(
    batch: Batch,
    document: Mapping[str, Any],
    judgement: Judgement,
    earlier: Sequence[Applied],
    room: Room,
) -> tuple[Mapping[str, Any], Applied] | Refused:
    change = judgement.change
    if judgement.refused is not None:
        return judgement.refused
    try:
        if batch.reading is None:
            after, done = apply(document, change, batch.schema)
        else:
            after, done = apply_beside(batch.reading, document, earlier, change, batch.schema)
    except Unfit as unfit:
        return Refused(change, unfit.reason, unfit.detail)
    done = replace(done, evidence=judgement.evidence)
    if full := room.full(done):
        return Refused(change, "profile_full", full)
    if _erased(batch, done):
        return Refused(change, "erased", "the user had it erased")
    if any(_takes_back(done, one) for one in earlier):
        return Refused(change, "contradicted", "it takes back another change of the same answer")
    return after, done


def _takes_back(done: Applied, earlier: Applied) -> bool:
    """Whether this undoes what the same answer has done before, by words of the same message.

    In another message the user may have taken it back. Setting a single value twice is no such
    thing either: the last word counts.
    """
    if (done.field, done.key) != (earlier.field, earlier.key) or _elsewhere(done, earlier):
        return False
    made, gone = earlier.before is None, earlier.after is None
    if done.after is None:
        return not gone and identity(done.before) == identity(earlier.after)
    return gone and not made and identity(done.after) == identity(earlier.before)


def _elsewhere(done: Applied, earlier: Applied) -> bool:
    """Whether the user said the one and the other in different messages."""
    said, before = ({quote.seq for quote in one.evidence} for one in (done, earlier))
    return bool(said and before) and said.isdisjoint(before)


def _erased(batch: Batch, done: Applied) -> bool:
    """Whether this would bring back what the user had erased, from words received before."""
    if done.after is None or not batch.tombstones:
        return False
    if any(MASK in str(leaf) for leaf in leaves(done.after)):
        return True
    field = batch.schema.fields.get(done.field)
    value = subject_of(field, done, done.after)
    received = _received(batch, done.evidence)
    return any(
        buried(batch.tombstones, batch.salt, name, value, received)
        for name in (done.field, *(field.settings.was if field else ()))
    )


def _received(batch: Batch, evidence: Sequence[Evidence]) -> float | None:
    """When the memory took in the words; without a quote, the oldest of the user's in the batch."""
    quoted = {one.seq for one in evidence}
    said = [m for m in batch.messages if m.author == "user" and (not quoted or m.seq in quoted)]
    return min((m.received for m in said if m.received is not None), default=None)


def stamped(
    stamps: Mapping[str, Mapping[str, float]], judged: Judged, schema: Schema, now: float
) -> dict[str, dict[str, float]]:
    """When each field and each item was learned, and when it was last said again."""
    result = {field: dict(times) for field, times in stamps.items()}
    for done in judged.applied:
        times, said = result.setdefault(done.field, {}), _said(done.evidence, now)
        times["learned"] = said
        mark_items(times, "learned", made_items(done), said)
    for refused in judged.refused:
        if refused.reason == "duplicate":
            times = result.setdefault(refused.change.field, {})
            times["confirmed"] = now
            mark_items(times, "confirmed", _meant(refused.change, judged.document, schema), now)
    return result


def _meant(change: Change, document: Mapping[str, Any], schema: Schema) -> list[Any]:
    """The item or the key of the profile that a change says again; none of a single value."""
    field, held = schema.fields.get(change.field), document.get(change.field)
    if field is None or held is None or field.kind == "scalar":
        return []
    if field.kind in {"map", "object"}:
        return [change.key] if change.key in held else []
    wanted = change.value if change.key is None else {field.settings.key or "": change.key}
    place = find(field, held, wanted)
    return [] if place is None else [held[place]]


def _said(evidence: Sequence[Evidence], now: float) -> float:
    return max((quote.at for quote in evidence if quote.at is not None), default=now)


Mode = Literal["auto", "always", "off"]

Verdicts = dict[int, "Verdict | None"]
"""What was found about the changes of one answer, by their place in it."""

_DETAILS: Mapping[str, str] = {
    "not_said": "the user's words do not say so",
    "other_person": "the words speak of somebody else's life",
    "opposite": "the user's words say the opposite",
    "asked_or_supposed": "a question, a joke, a story or a supposition",
    "order": "an order to the bot is no fact about the user",
    "unverified": "the second look gave no verdict",
}
_QUOTES = str.maketrans(dict.fromkeys("“”„«»", "'"))


@dataclass(frozen=True, slots=True)
class Verifier:
    """Takes the second look.

    Attributes:
        mode: ``auto``: at changes with a doubt; ``always``: at each; ``off``: at none. A field's
            ``Remember(verify=…)`` goes before it.
        look: Gives what is asked, or None where nothing can be: then a doubtful change is refused,
            unless it is the user's whole answer to the question right before it.
        small: Whether the proposing model is one that needs the doubt ``ungrounded`` too.
    """

    mode: Mode = "auto"
    look: Callable[[], SecondLook | None] = lambda: None
    small: Callable[[], bool] = lambda: False

    def settle(
        self,
        batch: Batch,
        judgements: Sequence[Judgement],
        made: Sequence[Judgement],
        known: Verdicts | None = None,
    ) -> tuple[list[Judgement] | None, Usage]:
        """The judgements with every doubt settled.

        Args:
            batch: What was said.
            judgements: Of the wall, in the order of the answer.
            made: Those of them that the profile takes: of the others nothing is asked.
            known: Verdicts on the same answer from before, which are not asked for again; those
                of this look are added.

        Returns:
            The same changes, refused where the second look refuses them, or None where there was
            no doubt; and what it cost.

        Raises:
            ProviderError: The model of the second look could not be reached.
        """
        known = {} if known is None else known
        taken = {id(one) for one in made}
        doubtful = {
            place: replace(one, doubts=doubts)
            for place, one in enumerate(judgements)
            if id(one) in taken and (doubts := self.doubts(batch, one))
        }
        if not doubtful:
            return None, Usage()
        missing = {place: one for place, one in doubtful.items() if place not in known}
        spent = Usage()
        look = self.look() if missing else None
        if look is not None:
            found = look.look(batch, list(missing.values()))
            known |= dict(zip(missing, found.verdicts, strict=True))
            spent = found.usage
        settled = list(judgements)
        for place, one in doubtful.items():
            unseen = place not in known
            settled[place] = (
                _without_look(one) if unseen else self._settled(batch, one, known[place])
            )
        return settled, spent

    def doubts(self, batch: Batch, judgement: Judgement) -> tuple[Doubt, ...]:
        """Why this change gets a second look; nothing if it gets none."""
        if judgement.refused is not None or not judgement.evidence:
            return ()
        field = batch.schema.fields.get(judgement.change.field)
        mode = (
            self.mode if field is None or field.settings.verify is None else field.settings.verify
        )
        if mode == "off":
            return ()
        if mode == "always":
            return judgement.doubts or ("always",)
        small = self.small()
        return tuple(one for one in judgement.doubts if small or one != "ungrounded")

    def _settled(self, batch: Batch, judgement: Judgement, verdict: Verdict | None) -> Judgement:
        if verdict == "said":
            return judgement
        if verdict == "order" and (kept := _quoted(batch, judgement)):
            return kept
        reason: Reason = "unverified" if verdict is None else verdict
        return judgement.refuse(reason, _DETAILS[reason])


def _without_look(judgement: Judgement) -> Judgement:
    """No second look is to be had: only an answer to a question stands by itself."""
    if judgement.answers and set(judgement.doubts) <= {"others", "ungrounded", "echo", "always"}:
        return judgement
    doubts = [one for one in judgement.doubts if one not in ("ungrounded", "always")]
    if not doubts:
        return judgement
    return judgement.refuse("doubtful", f"it needs a second look ({', '.join(doubts)})")


def _quoted(batch: Batch, judgement: Judgement) -> Judgement | None:
    """An order that its field keeps, as a marked quote of the user's; None where it keeps none."""
    change = judgement.change
    field = batch.schema.fields.get(change.field)
    if (
        field is None
        or field.settings.instructions != "quote"
        or field.kind not in ("scalar", "list")
    ):
        return None
    if change.action not in ("set", "add") or not isinstance(change.value, str):
        return None
    said = " ".join(judgement.evidence[0].quote.translate(_QUOTES).split())
    return replace(judgement, change=replace(change, value=f"said: “{said}”"))

"""The second look: what code doubts of a change, and the call that judges it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from usermemory.extract import UnusableAnswer
from usermemory.extract.answer import read_answer, usage
from usermemory.extract.asking import ask
from usermemory.extract.manner import manner_of, traced
from usermemory.extract.models import chat_model
from usermemory.judge.changes import Doubt, Judgement
from usermemory.judge.passages import is_dressed
from usermemory.prompt import dialogue
from usermemory.prompt.batch import harmless, meaning, one_line, prompt_text
from usermemory.records import Usage
from usermemory.schema.answer_form import closed, one_of
from usermemory.schema.form import identity
from usermemory.schema.shape import is_list, is_object
from usermemory.text import folded_words, leaves, pairs

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from usermemory.batch import Batch
    from usermemory.extract.manner import Manner
    from usermemory.judge.changes import Judgement
    from usermemory.judge.quotes import OwnSpan
    from usermemory.judge.wall import Hearing
    from usermemory.records import Change

_STEM = 4
_SHORTEST = 3
# Of a value's letters, so many from others alone make it doubtful.
_SHARE = 0.5

# The same for what stands in the profile alone: a value may well repeat some of its words.
_SHARE_OF_PROFILE = 0.75

# Words of a quote that others have said, too.
_ECHOED = 3

_TAKES = ("remove", "clear")


def doubted(hearing: Hearing, every: Sequence[Judgement]) -> list[Judgement]:
    """The judgements of one answer with their doubts.

    What one change takes out and another puts in its place is a correction, unless that other one
    is doubtful itself.
    """
    first = [one if one.change.action in _TAKES else _doubted(hearing, one, every) for one in every]
    return [_doubted(hearing, one, first) if one.change.action in _TAKES else one for one in first]


def _doubted(hearing: Hearing, judgement: Judgement, every: Sequence[Judgement]) -> Judgement:
    if judgement.refused is not None or not judgement.evidence:
        return judgement
    found = hearing.find(judgement.change.quote)
    if found is None:
        return judgement
    return replace(judgement, doubts=tuple(_doubts(hearing, judgement, found, every)))


def _doubts(
    hearing: Hearing, judgement: Judgement, found: OwnSpan, every: Sequence[Judgement]
) -> Iterator[Doubt]:
    if not found.exact or is_dressed(judgement.evidence[0].quote):
        yield "inexact"
    if any(start <= found.start and found.end <= end for start, end in found.said.foreign):
        yield "passage"
    change = judgement.change
    if change.action in _TAKES:
        if not _is_replaced(judgement, every) and not _names(hearing, judgement):
            yield "unnamed"
        return
    value = _telling(change)
    strange = unsaid(change, hearing.own)
    if value and _from_others(hearing, judgement, value, strange, every):
        yield "others"
    if value and len(strange) == len(value):
        yield "ungrounded"
    if _echoes(hearing, found, value):
        yield "echo"


def unsaid(change: Change, said: Collection[str]) -> list[str]:
    """The telling words of a change's value that are not among these, in any form."""
    return [word for word in _telling(change) if not _any_alike(word, said)]


def held(phrase: Iterable[str], said: Collection[str]) -> list[str]:
    """Those of some words that are among others, in any form."""
    return [word for word in phrase if _any_alike(word, said)]


def _telling(change: Change) -> list[str]:
    """The words of a value that say something: numbers, and what has more than two letters."""
    said = [word for leaf in leaves(change.value) for word in folded_words(str(leaf))]
    long = [word for word in said if len(word) >= _SHORTEST or word.isdigit()]
    return list(dict.fromkeys([*long, *pairs(said)])) or list(dict.fromkeys(said))


def _from_others(
    hearing: Hearing,
    judgement: Judgement,
    value: Sequence[str],
    strange: Sequence[str],
    every: Sequence[Judgement],
) -> bool:
    """Whether much of the value stands in what others said or in the profile alone."""
    if not strange:
        return False
    letters = sum(map(len, value))
    theirs = [word for word in strange if _any_alike(word, hearing.foreign)]
    if sum(map(len, theirs)) >= _SHARE * letters:
        return True
    known = _known(hearing, judgement, every)
    stored = [word for word in strange if _any_alike(word, known)]
    return sum(map(len, stored)) >= _SHARE_OF_PROFILE * letters


def _known(hearing: Hearing, judgement: Judgement, every: Sequence[Judgement]) -> set[str]:
    """The words of the profile, without what the same answer replaces."""
    change = judgement.change
    gone = {
        identity(one.change.value)
        for one in every
        if one.change.field == change.field and one.change.action == "remove"
    }
    known: set[str] = set()
    for value in hearing.batch.document.values():
        for leaf in leaves(value):
            if identity(leaf) not in gone:
                said = folded_words(str(leaf))
                known.update(said, pairs(said))
    return known


def _echoes(hearing: Hearing, found: OwnSpan, value: Sequence[str]) -> bool:
    """Whether others said the whole value, or all words of the quote, before the user did."""
    quote = folded_words(found.text)
    before = hearing.before(found.said)
    for one in before:
        theirs = (one.text.vocabulary, one.pairs)
        whole = bool(value) and all(any(word in said for said in theirs) for word in value)
        quoted = len(quote) >= _ECHOED and one.text.holds(quote)
        if whole or quoted:
            return not one.by_user
    return False


def _is_replaced(judgement: Judgement, every: Iterable[Judgement]) -> bool:
    """Whether the same answer puts something in the place of what is taken out."""
    change, seqs = judgement.change, {one.seq for one in judgement.evidence}
    return any(
        one.refused is None
        and set(one.doubts) <= {"ungrounded"}
        and one.change.field == change.field
        and one.change.action not in _TAKES
        and seqs & {evidence.seq for evidence in one.evidence}
        for one in every
    )


def _names(hearing: Hearing, judgement: Judgement) -> bool:
    """Whether the clause, or the question that it answers, names what goes."""
    change, batch = judgement.change, hearing.batch
    field = batch.schema.fields[change.field]
    item: list[Any] = [change.key, change.value]
    if change.action == "clear":
        stored = batch.document if batch.reading is None else batch.reading.stored
        current = stored.get(change.field)
        item = [change.key, current, change.field.replace("_", " "), field.title]
    said = [*folded_words(judgement.evidence[0].quote)]
    said += folded_words(judgement.evidence[0].question)
    said += list(pairs(said))
    wanted = [word for leaf in leaves(item) for word in folded_words(str(leaf))]
    wanted += list(pairs(wanted))
    telling = [word for word in wanted if len(word) >= _SHORTEST or word.isdigit() or _pair(word)]
    return any(_any_alike(word, frozenset(said)) for word in telling or wanted)


def _pair(word: str) -> bool:
    return len(word) == 2 and not word.isascii()


def _any_alike(word: str, said: Collection[str]) -> bool:
    """Whether a word, or a form of it, is among others."""
    if word in said:
        return True
    if word.isdigit() or len(word) < _STEM:
        return False
    return any(_alike(word, one) for one in said if one[0] == word[0] and len(one) >= _STEM)


@lru_cache(maxsize=4_096)
def _alike(one: str, other: str) -> bool:
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared >= _STEM and 2 * shared >= max(len(one), len(other))


SECOND_LOOK = "second-look-1"

Verdict = Literal["said", "not_said", "other_person", "opposite", "asked_or_supposed", "order"]

_TRIES = 2
_LONGEST_MEANING = 200
_DIGITS = 6
_MOST_KNOWN = 3
_FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Looked:
    """What one second look came to.

    Attributes:
        verdicts: One for each change that was asked about; None where there is none.
        usage: What it cost.
    """

    verdicts: tuple[Verdict | None, ...]
    usage: Usage = Usage()


class SecondLook:
    """Asks a chat model whether the user said what was proposed.

    Args:
        model: A chat model, or a name that ``init_chat_model`` takes.
        manner: How it is asked, with what an extractor's calls have taught about it; by default
            found anew.

    Raises:
        ModelUnavailable: The model's package or key is missing.
    """

    def __init__(self, model: str | BaseChatModel, manner: Manner | None = None) -> None:
        self.model = chat_model(model)
        self._manner = manner or manner_of(self.model)

    def look(self, batch: Batch, doubtful: Sequence[Judgement], *, erasing: bool = False) -> Looked:
        """Verdicts on some changes, in one call, or two where the first gave none.

        Args:
            batch: What was said.
            doubtful: The changes, each with its evidence.
            erasing: Whether they are erasures that the user asks for.

        Raises:
            ProviderError: The model could not be asked; nothing is known.
        """
        texts = (prompt_text(SECOND_LOOK), asked(batch, doubtful, erasing=erasing))
        config = traced("usermemory.verify", "patch", SECOND_LOOK, batch)
        wanted = verdict_form()
        found: dict[int, Verdict] = {}
        spent = Usage()
        for _ in range(_TRIES):
            try:
                message = ask(self.model, texts, wanted, self._manner, config)
            except UnusableAnswer as error:
                spent += error.usage
                continue
            spent += usage(message)
            with suppress(UnusableAnswer):
                found |= verdicts(read_answer(message, wanted), len(doubtful))
            if len(found) == len(doubtful):
                break
        return Looked(tuple(found.get(n) for n in range(1, len(doubtful) + 1)), spent)


def asked(batch: Batch, doubtful: Sequence[Judgement], *, erasing: bool = False) -> str:
    """What was said, and the changes with their numbers."""
    lines = [_line(batch, one, erasing=erasing) for one in doubtful]
    numbered = [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
    return "\n".join([dialogue(batch.messages, batch.context), "Changes", *numbered])


def _line(batch: Batch, judgement: Judgement, *, erasing: bool) -> str:
    change = judgement.change
    field = batch.schema.fields.get(change.field)
    meant = meaning(field)[:_LONGEST_MEANING] if field else ""
    anyone = field is not None and field.settings.about == "anyone"
    notes = ", ".join(filter(None, [harmless(meant), "also other people" if anyone else ""]))
    where = change.field if change.key is None else f"{change.field} {one_line(change.key)}"
    action = "erase" if erasing else change.action
    value = _value(batch, judgement)
    parts = [f"{action} {harmless(where)}{f' ({notes})' if notes else ''}{value}"]
    parts += [f"words: {one_line(one.quote)}" for one in judgement.evidence]
    if known := _known_before(batch, judgement):
        parts.append(f"known from before: {known}")
    return " | ".join(parts)


def _value(batch: Batch, judgement: Judgement) -> str:
    change = judgement.change
    if change.action == "clear":
        current = batch.document.get(change.field)
        if is_object(current):
            current = current.get(change.key or "")
        return "" if current is None else f", which is {one_line(current)}"
    told = "" if change.value is None else f": {one_line(change.value)}"
    before = batch.document.get(change.field) if change.action == "set" else None
    if before is None or is_object(before) or is_list(before):
        return told
    return f"{told}, instead of {one_line(before)}"


def _known_before(batch: Batch, judgement: Judgement) -> str:
    """Values of the profile whose words this one repeats though nobody said them just now."""
    change = judgement.change
    if change.action in ("remove", "clear"):
        return ""
    heard = [*batch.messages, *batch.context]
    said = frozenset(word for one in heard for word in folded_words(one.text))
    missing = unsaid(change, said)
    known = [leaf for value in batch.document.values() for leaf in leaves(value)] if missing else []
    weighed = [(sum(map(len, held(missing, folded_words(str(one))))), one) for one in known]
    best = sorted(weighed, key=lambda pair: pair[0], reverse=True)[:_MOST_KNOWN]
    return ", ".join(one_line(leaf) for letters, leaf in best if letters >= _FEWEST_LETTERS)


def verdict_form() -> dict[str, Any]:
    """The JSON Schema of the answer."""
    verdict = closed(
        {"change": {"type": "integer"}, "verdict": one_of(list[str](get_args(Verdict)))}
    )
    return {
        "title": "verdicts",
        "description": "One verdict for each of the numbered changes.",
        **closed({"verdicts": {"type": "array", "items": verdict}}),
    }


def verdicts(value: Any, count: int) -> dict[int, Verdict]:
    """The verdicts by the number of their change; what is none is left out.

    Args:
        value: What the model answered.
        count: How many changes it was asked about.

    Raises:
        UnusableAnswer: It holds no list of verdicts at all.
    """
    listed = value.get("verdicts") if is_object(value) else value
    if not is_list(listed):
        raise UnusableAnswer("the second look holds no list of verdicts")
    found: dict[int, Verdict] = {}
    for place, one in enumerate(listed, start=1):
        said = one if is_object(one) else {"change": place, "verdict": one}
        number, verdict = str(said.get("change")), said.get("verdict")
        if not number.isdecimal() or len(number) >= _DIGITS or verdict not in get_args(Verdict):
            continue
        # Of two verdicts on one change the one that refuses it counts.
        if found.get(int(number), "said") == "said":
            found[int(number)] = cast("Verdict", verdict)
    return {number: verdict for number, verdict in found.items() if 1 <= number <= count}

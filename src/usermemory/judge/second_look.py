"""A model's verdict on the changes that code has a doubt about: it can only refuse.

One call a batch sees the messages, the changes and the words they rest on; neither the profile, nor
the rules by which they were proposed, nor the doubt, which would lead the reader. An answer that
gives no verdict is asked for once more; what is then still without one is `unverified`. That the
model cannot be reached is an outage: the batch waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from usermemory.extract import UnusableAnswer
from usermemory.extract.answer import read, usage
from usermemory.extract.asking import ask
from usermemory.extract.manner import manner_of
from usermemory.extract.models import chat_model
from usermemory.extract.tracing import traced
from usermemory.judge.doubts import held, unsaid
from usermemory.prompt import dialogue
from usermemory.prompt.fields import meaning
from usermemory.prompt.transcript import harmless, one_line
from usermemory.prompt.words import words
from usermemory.records import Usage
from usermemory.schema.shape import is_list, is_object
from usermemory.schema.strict import closed, one_of
from usermemory.words import folded_words, leaves

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from usermemory.batch import Batch
    from usermemory.extract.manner import Manner
    from usermemory.judge.judgement import Judgement

SECOND_LOOK = "second-look-1"

Verdict = Literal["said", "not_said", "other_person", "opposite", "asked_or_supposed", "order"]

_TRIES = 2
_LONGEST_MEANING = 200
_DIGITS = 6
_MOST_KNOWN = 3
_FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Look:
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

    def look(self, batch: Batch, doubtful: Sequence[Judgement], *, erasing: bool = False) -> Look:
        """Verdicts on some changes, in one call, or two where the first gave none.

        Args:
            batch: What was said.
            doubtful: The changes, each with its evidence.
            erasing: Whether they are erasures that the user asks for.

        Raises:
            ProviderError: The model could not be asked; nothing is known.
        """
        texts = (words(SECOND_LOOK), asked(batch, doubtful, erasing=erasing))
        config = traced("usermemory.verify", "patch", SECOND_LOOK, batch)
        wanted = form()
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
                found |= verdicts(read(message, wanted), len(doubtful))
            if len(found) == len(doubtful):
                break
        return Look(tuple(found.get(n) for n in range(1, len(doubtful) + 1)), spent)


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


def form() -> dict[str, Any]:
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

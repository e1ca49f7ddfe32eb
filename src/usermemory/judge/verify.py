"""Which changes get a second look, and what becomes of them by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from usermemory.records import Usage

if TYPE_CHECKING:
    from usermemory.batch import Batch
    from usermemory.judge.changes import Doubt, Judgement
    from usermemory.judge.second_look import SecondLook, Verdict
    from usermemory.records import Reason

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

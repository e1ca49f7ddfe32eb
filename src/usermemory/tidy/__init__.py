"""The tidy pass: one model call over a profile proposes what to merge, to shorten, to end.

Nothing is changed by it: each proposal waits for a person, with the words that its items rest on.
Code sees to it that no proposal names what is not there, loses what it does not show, or brings in
words of its own, and that all of them together take away no more than one consolidation may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from usermemory.batch import Batch
from usermemory.errors import ConfigurationError, Conflict
from usermemory.extract import UnusableAnswer
from usermemory.extract.answer import model_name, read_answer, usage
from usermemory.extract.asking import ask
from usermemory.extract.manner import manner_of, traced
from usermemory.prompt.batch import prompt_text
from usermemory.records import Change, Proposal, Refused, Revision, Usage
from usermemory.schema.renames import renamed_history
from usermemory.schema.shape import is_list, is_object
from usermemory.store.flows.review import Draft, load_tidied, store_tidied, tidied_users
from usermemory.tidy.drafts import (
    Item,
    Unusable,
    applied_to,
    asked_items,
    draft_of,
    items_of,
    loses_nothing,
    shown_items,
    taken_by,
    tidy_form,
)

if TYPE_CHECKING:
    from usermemory.clock import Clock
    from usermemory.consolidate import Consolidator
    from usermemory.errors import ExtractionReason

TIDY = "tidy-1"

_MUCH: ExtractionReason = "removes_too_much"


class Tidied(list[Proposal]):
    """What a tidy pass proposes, waiting for a person.

    Attributes:
        made: Revisions of what was merged at once, where the memory's owner allows that.
        refused: Proposals of the model that code refused, one change each.
        usage: What the pass cost.
    """

    def __init__(
        self,
        waiting: Iterable[Proposal] = (),
        made: Sequence[Revision] = (),
        refused: Sequence[Refused] = (),
        usage: Usage | None = None,
    ) -> None:
        super().__init__(waiting)
        self.made = tuple(made)
        self.refused = tuple(refused)
        self.usage = usage or Usage()

    def after(self, made: Sequence[Revision], waiting: Iterable[Proposal]) -> Tidied:
        """The same pass, some of which was made at once."""
        return Tidied(waiting, made, self.refused, self.usage)


@dataclass(slots=True)
class _Sorted:
    """A model's proposals, looked at one by one."""

    drafts: list[Draft] = field(default_factory=list[Draft])
    lossless: list[bool] = field(default_factory=list[bool])
    refused: list[Refused] = field(default_factory=list[Refused])
    used: set[int] = field(default_factory=set[int])


class Tidying:
    """Asks for a tidy profile, and stores what is proposed.

    Args:
        consolidator: The memory's, whose model, schema and limits apply.
        clock: What day it is.
    """

    def __init__(self, consolidator: Consolidator, clock: Clock) -> None:
        self._consolidator = consolidator
        self._driver = consolidator.driver
        self._schema = consolidator.schema
        self._clock = clock

    def propose(self, user_id: str) -> tuple[Tidied, list[str]]:
        """One pass: what waits then, and the ids of merges that lose no word.

        Raises:
            ConfigurationError: The memory has no language model.
            Conflict: Something of the user was erased meanwhile: nothing of it was stored.
            ExtractionError: The model could not be asked, answered nothing of use, or would take
                away more than the limits allow.
        """
        begun, history = self._driver.read(load_tidied, user_id)
        document = self._schema.read(begun.profile.document or {}).document
        history = renamed_history(self._schema, history)
        items = shown_items(items_of(self._schema.fields, document, history))
        if len(items) == 0 or begun.paused:
            return Tidied(), []
        answer, spent, model = self._asked(user_id, document, items)
        found = self._sorted(document, items, answer)
        if told := self._consolidator.limits.too_much_tidied(document, map(taken_by, found.drafts)):
            raise UnusableAnswer(f"the tidy pass would take away too much: {told}", _MUCH, spent)
        drafts = [replace(draft, model=model) for draft in found.drafts]
        stored = self._driver.write(
            store_tidied, user_id, begun, drafts, found.refused, spent, (model, TIDY)
        )
        if stored is None:
            raise Conflict(
                f"something of {user_id!r} was erased, or learning was paused, meanwhile: nothing "
                "was proposed"
            )
        ids, waiting = stored
        harmless_ids = [
            one for one, lossless in zip(ids, found.lossless, strict=True) if one and lossless
        ]
        return Tidied(waiting, refused=found.refused, usage=spent), harmless_ids

    def due(self, after: str, limit: int) -> list[str]:
        """Users whose profile is long, or old, and has moved since it was tidied last."""
        return self._driver.read(tidied_users, after, limit)

    def _asked(
        self, user_id: str, document: Mapping[str, Any], items: Sequence[Item]
    ) -> tuple[Any, Usage, str]:
        model = getattr(self._consolidator.extractor(), "model", None)
        if model is None or isinstance(model, str):
            raise ConfigurationError(
                "tidying asks a language model: pass model=, such as openai:gpt-5-mini"
            )
        now = self._clock.now()
        batch = Batch(self._schema, document, (), user_id=user_id, now=now)
        texts = (prompt_text(TIDY), asked_items(items, now))
        form = tidy_form()
        config = traced("usermemory.tidy", "patch", TIDY, batch)
        message = ask(model, texts, form, manner_of(model), config)
        return read_answer(message, form), usage(message), model_name(message, model)

    def _is_free(self, draft: Draft) -> bool:
        """Whether it may be made at once: a merge of the same words, of a field without review."""
        if draft.kind != "merge" or not loses_nothing(draft):
            return False
        review, fields = self._consolidator.review, self._schema.fields
        marked = [fields[one.field].settings.review for one in draft.changes]
        return not any(review == "all" if one is None else one for one in marked)

    def _sorted(self, document: Mapping[str, Any], items: Sequence[Item], answer: Any) -> _Sorted:
        listed = answer.get("proposals") if is_object(answer) else answer
        if not is_list(listed):
            raise UnusableAnswer("the answer holds no list of proposals")
        found = _Sorted()
        for told in listed[: self._consolidator.limits.max_changes]:
            given = told if is_object(told) else {}
            try:
                numbers, draft = draft_of(given, items, found.used)
                document = applied_to(document, draft, self._schema)
            except Unusable as wrong:
                found.refused.append(wrong.refused(given, items))
                continue
            found.used.update(numbers)
            found.drafts.append(draft)
            found.lossless.append(self._is_free(draft))
        if len(listed) > self._consolidator.limits.max_changes:
            more = f"{len(listed)} proposals, of which so many were read as one pass may make"
            found.refused.append(Refused(Change("", "remove"), "too_many", more))
        return found

"""The extractor that asks a chat model for a typed list of changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from usermemory.extract import Extraction, Request, UnusableAnswer
from usermemory.extract.answer import model_name, read, usage
from usermemory.extract.asking import ask
from usermemory.extract.manner import manner_of
from usermemory.extract.models import chat_model, is_small
from usermemory.extract.proposals import MOST, proposals
from usermemory.extract.tracing import RunName, traced
from usermemory.prompt import REPAIR, Prompt
from usermemory.prompt.small import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import BaseChatModel

    from usermemory.extract.manner import Method
    from usermemory.records import Refused


class LanguageModelExtractor:
    """Asks a chat model, and once more about changes whose form was wrong.

    Args:
        model: A chat model, or a name that ``init_chat_model`` takes.
        method: How the form of the answer is enforced; by default the strictest way that the
            provider of this model's class documents.
        prompt: The words; by default those of this package, with examples for a model that may be
            a small one.
        repair: Whether that second call is made.
        most: Changes of one answer that are read.

    Raises:
        ModelUnavailable: The model's package or key is missing.
    """

    def __init__(
        self,
        model: str | BaseChatModel,
        *,
        method: Method | None = None,
        prompt: Prompt | None = None,
        repair: bool = True,
        most: int = MOST,
    ) -> None:
        self.model = chat_model(model)
        manner = manner_of(self.model)
        self.manner = manner if method is None else replace(manner, method=method)
        self._prompt = prompt or Prompt(examples=EXAMPLES if is_small(self.model) else ())
        self._repairs = repair
        self._most = most

    def extract(self, request: Request) -> Extraction:
        """Propose changes; see `Extractor.extract`."""
        return self._asked(request, (), self._prompt.version)

    def repair(self, request: Request, rejected: Sequence[Refused]) -> Extraction:
        """Propose better changes in place of rejected ones; see `Repairing.repair`."""
        if not self._repairs or not rejected:
            return Extraction()
        return self._asked(request, rejected, f"{self._prompt.version}, {REPAIR}")

    def _asked(self, request: Request, rejected: Sequence[Refused], version: str) -> Extraction:
        schema = request.schema
        differs = self._prompt.asked(request, rejected)
        texts = (self._prompt.stable(schema), differs)
        form = schema.change_schema(caps=self.manner.caps)
        name: RunName = "usermemory.repair" if rejected else "usermemory.consolidate"
        config = traced(name, "patch", version, request)
        message = ask(self.model, texts, form, self.manner, config)
        found = proposals(read(message, form), self._most)
        if found is None:
            raise UnusableAnswer("the answer holds no list of changes", "unusable", usage(message))
        changes, rejections = found
        return Extraction(
            changes, usage(message), model_name(message, self.model), version, rejections
        )

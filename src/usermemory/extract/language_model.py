"""The extractors that ask a language model: for changes, or for the whole profile anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes import difference, proposed
from usermemory.extract import Extraction, Request, UnusableAnswer
from usermemory.extract.answer import model_name, read, usage
from usermemory.extract.asking import ask
from usermemory.extract.manner import RunName, manner_of, traced
from usermemory.extract.models import chat_model, is_small
from usermemory.extract.proposals import MOST, proposals
from usermemory.prompt import OVERWRITE, REPAIR, Prompt, asked_fields, overwriting, rewriting
from usermemory.prompt.batch import EXAMPLES
from usermemory.records import Change, Refused
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.language_models import BaseChatModel

    from usermemory.extract.manner import Method
    from usermemory.records import Reason
    from usermemory.schema import Schema


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


_OURS = "x-remember"


class OverwriteExtractor:
    """Asks a chat model for the whole profile and returns what differs, without quotes.

    Args:
        model: A chat model, or a name that ``init_chat_model`` takes.
        method: How the form of the answer is enforced; by default as the provider documents.

    Raises:
        ModelUnavailable: The model's package or key is missing.
    """

    def __init__(self, model: str | BaseChatModel, *, method: Method | None = None) -> None:
        self.model = chat_model(model)
        manner = manner_of(self.model)
        # A schema of the user's own seldom meets the rules of a strict mode.
        self._manner = replace(manner, method=method or manner.method, strict=False)

    def extract(self, request: Request) -> Extraction:
        """Propose whatever the new profile has different; see `Extractor.extract`."""
        schema = request.schema
        differs = rewriting(request)
        config = traced("usermemory.consolidate", "overwrite", OVERWRITE, request)
        texts, asked = (overwriting(schema), differs), form(schema)
        message = ask(self.model, texts, asked, self._manner, config)
        written = read(message, asked)
        if not is_object(written):
            raise UnusableAnswer("the answer is no profile", "unusable", usage(message))
        changes, rejections = _differences(schema, request.document, written)
        name = model_name(message, self.model)
        return Extraction(changes, usage(message), name, OVERWRITE, rejections)


def _differences(
    schema: Schema, before: Mapping[str, Any], written: Mapping[str, Any]
) -> tuple[tuple[Change, ...], tuple[Refused, ...]]:
    """What was written differently, and what the schema refuses: such a field stays as it is."""
    asked = {field.name for field in asked_fields(schema)}
    untold = {name: value for name, value in before.items() if name not in asked}
    reading = schema.read({**written, **untold})
    refused = {one.field: reading.stored[one.field] for one in reading.misfits}
    stays = {name: before[name] for name in refused if name in before}
    changes = tuple(map(proposed, difference(before, {**reading.document, **stays}, schema)))
    return changes, tuple(_rejection(schema, name, value) for name, value in refused.items())


def _rejection(schema: Schema, name: str, value: Any) -> Refused:
    reason: Reason = "invalid_document" if name in schema.fields else "unknown_field"
    return Refused(Change(name, "set", value), reason, "the profile was written with this")


def form(schema: Schema) -> dict[str, Any]:
    """The form of the answer: the document's, without what is ours and what is never asked for."""
    whole = _without_settings(schema.json_schema)
    asked = {field.name for field in asked_fields(schema)}
    whole["properties"] = {
        name: part for name, part in whole["properties"].items() if name in asked
    }
    whole["required"] = list(whole["properties"])
    return {**whole, "title": "profile", "description": "The whole profile of the user."}


def _without_settings(schema: Any) -> Any:
    if is_list(schema):
        return [_without_settings(part) for part in schema]
    if is_object(schema):
        return {word: _without_settings(part) for word, part in schema.items() if word != _OURS}
    return schema

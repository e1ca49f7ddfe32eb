"""The extractors that ask a language model: for changes, or for the whole profile anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from usermemory.changes import difference, proposed
from usermemory.extract import Extraction, Request, UnusableAnswer
from usermemory.extract.answer import answered_by, model_name, parsed_value, read_answer, usage
from usermemory.extract.asking import ask
from usermemory.extract.manner import RunName, manner_of, traced
from usermemory.extract.models import chat_model, is_small
from usermemory.prompt import OVERWRITE, REPAIR, Prompt, overwriting, rewriting
from usermemory.prompt.batch import EXAMPLES, asked_fields
from usermemory.records import Change, Refused, Usage
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.language_models import BaseChatModel

    from usermemory.extract.manner import Method
    from usermemory.records import Action, Reason
    from usermemory.schema import Schema


MOST = 100
"""Changes of one answer; a model that loops must not fill the database."""

_Proposals = tuple[tuple[Change, ...], tuple[Refused, ...]]


def proposals(value: Any, most: int = MOST) -> _Proposals | None:
    """Read a change list.

    Args:
        value: What the model answered: ``{"changes": […]}``, or the list alone, each of them
            possibly as JSON in a string.
        most: How many changes are taken; one rejection speaks for all beyond.

    Returns:
        The changes, and rejections of what is none; ``None`` if this is no change list at all.
    """
    listed = parsed_value(value["changes"]) if is_object(value) and "changes" in value else value
    if not is_list(listed):
        return None
    items = [parsed_value(item) for item in listed[:most]]
    changes = tuple(_change(item) for item in items if is_object(item))
    if items and not changes:
        return None
    rejected = [
        Refused(Change("", "set", item), "wrong_type", "an item of the answer is no object")
        for item in items
        if not is_object(item)
    ]
    if len(listed) > most:
        told = f"the answer holds {len(listed)} changes, and only {most} were read"
        rejected.append(Refused(Change("", "set"), "too_many", told))
    return changes, tuple(rejected)


def _change(item: dict[str, Any]) -> Change:
    """Unknown fields and actions are kept: the judge refuses them, with their reason.

    The action names its field ("add interests"); in a field of its own it is read as well.
    """
    key, action, field = item.get("key"), str(item.get("action", "")).strip(), item.get("field")
    if field is None:
        action, _, field = action.partition(" ")
    return Change(
        field=str(field).strip(),
        action=cast("Action", action),
        value=item.get("value"),
        quote=item["quote"] if isinstance(item.get("quote"), str) else "",
        key=None if key is None or key == "" else str(key),
    )


_MOST_CHANGES = 1_000
"""Changes of one answer that are judged; who proposes more has lost the way."""

_COUNTS = ("calls", "input_tokens", "output_tokens", "cached_tokens")


def sound(extraction: Any) -> Extraction:
    """The answer, of which every part can be judged and stored.

    A change that is none is a refusal; the others are kept.

    Args:
        extraction: What an extractor returned.

    Raises:
        UnusableAnswer: It is no answer at all, or holds more changes than are read (``too_many``).
    """
    if not isinstance(extraction, Extraction):
        raise UnusableAnswer(f"the extractor answered {type(extraction).__name__}, no Extraction")
    usage = _counted(extraction.usage)
    proposed = list[Any](extraction.changes)
    if len(proposed) > _MOST_CHANGES:
        told = f"{len(proposed)} changes at once, {_MOST_CHANGES} are read at most"
        raise UnusableAnswer(told, "too_many", usage)
    changes = tuple(one for one in proposed if _is_change(one))
    lost = len(proposed) - len(changes)
    malformed = Refused(Change("", "set"), "wrong_type", "it is no change as `Change` describes it")
    return Extraction(
        changes,
        usage,
        _name(extraction.model),
        _name(extraction.prompt),
        (*extraction.rejections, *[malformed] * lost),
    )


def _is_change(one: Any) -> bool:
    if not isinstance(one, Change):
        return False
    texts: list[Any] = [one.field, one.action, one.quote, "" if one.key is None else one.key]
    return all(isinstance(text, str) for text in texts)


def _counted(usage: Any) -> Usage:
    """The usage in whole numbers; what is none counts as 0."""
    counts = [getattr(usage, name, 0) for name in _COUNTS]
    return Usage(*(one if type(one) is int and 0 <= one < 2**53 else 0 for one in counts))


def _name(name: Any) -> str:
    """A name as a database takes it: without half pairs and zeros; empty for what is no text."""
    if not isinstance(name, str):
        return ""
    return name.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


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
        with answered_by(self.model):
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
        found = proposals(read_answer(message, form), self._most)
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
        texts, asked = (overwriting(schema), differs), overwriting_form(schema)
        with answered_by(self.model):
            message = ask(self.model, texts, asked, self._manner, config)
            written = read_answer(message, asked)
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


def overwriting_form(schema: Schema) -> dict[str, Any]:
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

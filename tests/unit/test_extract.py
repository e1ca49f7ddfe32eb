"""The extractors, with models that are scripted here."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel

from usermemory.changes import apply
from usermemory.errors import RealModelForbidden
from usermemory.extract import Extraction, Extractor, Repairing, Request, UnusableAnswer, forbid
from usermemory.extract.language_model import LanguageModelExtractor, OverwriteExtractor
from usermemory.prompt import Prompt
from usermemory.records import Change, Message, Usage
from usermemory.schema import UserProfile, schema_of

SCHEMA = schema_of(UserProfile)
KNOWN = {"name": "Ana", "age": 30, "interests": ["tea", "chess"], "core_memories": []}
REQUEST = Request(SCHEMA, KNOWN, (Message("user", "I gave up tea"),))


class Scripted(FakeListChatModel):
    """A model without tools that says what it was told to say."""

    usermemory_scripted: bool = True


def scripted(*answers: Any) -> Scripted:
    return Scripted(responses=[json.dumps(answer) for answer in answers])


def test_a_model_without_tools_is_asked_in_words() -> None:
    """A chat model that has no structured output is asked by the prompt alone."""
    change = {"quote": "I gave up tea", "who": "user", "field": "interests", "action": "remove"}
    extractor = LanguageModelExtractor(scripted({"changes": [{**change, "value": "tea"}]}))
    assert extractor.extract(REQUEST) == Extraction(
        (Change("interests", "remove", "tea", "I gave up tea"),),
        Usage(calls=1),
        "Scripted",
        "changes-3",
    )


def test_own_words_are_in_the_version() -> None:
    """A replaced prompt shows in every extraction."""
    prompt = Prompt(rules="{{fields}}")
    found = LanguageModelExtractor(scripted({"changes": []}), prompt=prompt).extract(REQUEST)
    assert found.prompt == prompt.version


def test_the_cap_is_the_extractors() -> None:
    """Changes beyond the extractor's cap come back as one rejection."""
    found = LanguageModelExtractor(scripted({"changes": [{}] * 9}), most=2).extract(REQUEST)
    assert len(found.changes) == 2
    assert [rejection.reason for rejection in found.rejections] == ["too_many"]


def test_kinds_of_extractors() -> None:
    """Both are extractors; only the one that asks for changes can be asked again."""
    model = scripted({})
    assert isinstance(LanguageModelExtractor(model), Repairing)
    assert isinstance(OverwriteExtractor(model), Extractor)
    assert not isinstance(OverwriteExtractor(model), Repairing)
    assert not isinstance(model, Extractor)


def test_overwriting_proposes_what_leads_to_the_new_profile() -> None:
    """Applied in order, the difference turns the old profile into the one that was written."""
    written = {"name": None, "age": 31, "interests": ["chess", "go"], "core_memories": ["x"]}
    found = OverwriteExtractor(scripted(written)).extract(REQUEST)
    document: Any = KNOWN
    for change in found.changes:
        assert change.quote == ""
        document, _ = apply(document, change, SCHEMA)
    assert document == written


def test_overwriting_keeps_what_it_may_not_write() -> None:
    """A value that the schema refuses, and an unknown field, are rejected and change nothing."""
    found = OverwriteExtractor(scripted({**KNOWN, "age": 900, "shoe": 4})).extract(REQUEST)
    assert found.changes == ()
    assert {(each.change.field, each.reason) for each in found.rejections} == {
        ("age", "invalid_document"),
        ("shoe", "unknown_field"),
    }


def test_a_field_that_was_not_written_is_emptied() -> None:
    """That is what overwriting is: what the model forgets is forgotten, as a visible change."""
    rest = {name: value for name, value in KNOWN.items() if name != "age"}
    found = OverwriteExtractor(scripted(rest)).extract(REQUEST)
    assert found.changes == (Change("age", "clear"),)


@pytest.mark.parametrize("answer", [[], "profile", None])
def test_overwriting_with_no_object_is_unusable(answer: Any) -> None:
    """An answer that is no profile never empties one."""
    with pytest.raises(UnusableAnswer):
        OverwriteExtractor(scripted(answer)).extract(REQUEST)


def test_real_models_can_be_forbidden() -> None:
    """While forbidden, a real model raises before it is called, in every thread; scripted go on."""
    real = LanguageModelExtractor(FakeListChatModel(responses=['{"changes": []}']))
    raised: list[BaseException] = []

    def elsewhere() -> None:
        try:
            real.extract(REQUEST)
        except RealModelForbidden as error:
            raised.append(error)

    with forbid.real_model_calls():
        with forbid.real_model_calls():
            pass
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        LanguageModelExtractor(scripted({"changes": []})).extract(REQUEST)
    assert len(raised) == 1
    assert "usermemory_scripted" in str(raised[0])
    assert real.extract(REQUEST).changes == ()

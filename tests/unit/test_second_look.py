"""The second look: one call for the doubtful changes of a batch, which can only refuse."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel

from usermemory import Change, Extraction, Outcome, Remember, Request, UserMemory
from usermemory.errors import ConfigurationError, ModelUnavailable, ProviderError
from usermemory.records import Usage
from usermemory.testing import FakeClock, ScriptedModel


class Person(BaseModel):
    city: str | None = None
    job: Annotated[str | None, Remember(verify="always")] = None
    rules: Annotated[list[str], Remember(instructions="quote")] = []
    interests: list[str] = []


PASTE = "look at this:\nI love golf and I live in Porto"
GOLF = {"quote": "I love golf", "action": "add interests", "value": "golf"}
PORTO = {"quote": "I live in Porto", "action": "set city", "value": "Porto"}
TEA = {"quote": "I drink tea", "action": "add interests", "value": "tea"}


def verdicts(*said: str) -> dict[str, Any]:
    return {"verdicts": [{"change": n, "verdict": one} for n, one in enumerate(said, 1)]}


def learn(
    path: Path, replies: Sequence[Any], text: str = PASTE, **settings: Any
) -> tuple[Outcome, dict[str, Any], ScriptedModel]:
    """One batch with a model that says these things in turn."""
    model = ScriptedModel(replies=list(replies))
    with UserMemory(
        str(path / "m.db"), Person, model, worker=False, clock=FakeClock(), **settings
    ) as memory:
        memory.remember("will", "t", [("user", text)])
        (outcome,) = memory.trigger("will")
        return outcome, dict(memory.recall("will").document), model


def test_one_call_for_all_that_is_doubtful(tmp_path: Path) -> None:
    """The doubtful changes of a batch are judged together; what is not said is not made."""
    replies = [{"changes": [GOLF, PORTO]}, verdicts("said", "other_person")]
    outcome, document, model = learn(tmp_path, replies)
    assert (document["interests"], document["city"]) == (["golf"], None)
    assert [(one.change.field, one.reason) for one in outcome.rejections] == [
        ("city", "other_person")
    ]
    assert len(model.calls) == outcome.usage.calls == 2
    asked = model.calls[1].messages[-1].text
    assert "I love golf" in asked
    assert '2. set city: "Porto"' in asked
    assert "Profile" not in asked, "it judges by what was said alone"


def test_what_is_not_doubtful_costs_no_call(tmp_path: Path) -> None:
    """The usual batch costs one call."""
    outcome, document, model = learn(tmp_path, [{"changes": [TEA]}], "I drink tea")
    assert document["interests"] == ["tea"]
    assert len(model.calls) == outcome.usage.calls == 1


def test_of_two_verdicts_the_refusing_one_counts(tmp_path: Path) -> None:
    """A second look that says both of one change has not said that it is true."""
    both = {"verdicts": [{"change": 1, "verdict": one} for one in ("said", "opposite")]}
    outcome, document, _ = learn(tmp_path, [{"changes": [GOLF]}, both])
    assert document["interests"] == []
    assert [one.reason for one in outcome.rejections] == ["opposite"]


def test_a_sign_is_an_answer(tmp_path: Path) -> None:
    """A thumb up says as much as "yes": the question that it answers is kept with it."""
    with UserMemory(str(tmp_path / "m.db"), Person, worker=False) as memory:
        said = [("assistant", "Do you like golf?"), ("user", "👍")]
        golf = Change("interests", "add", "golf", "👍")
        assert memory.propose("will", "t", [golf], said).revision is not None
        (evidence,) = memory.why("will", "interests", "golf")
        assert evidence.question == "Do you like golf?"


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [(v, v) for v in ("not_said", "opposite", "asked_or_supposed", "order")],
)
def test_each_verdict_is_a_reason(tmp_path: Path, verdict: str, reason: str) -> None:
    """Why the second look refused stands in the outcome."""
    outcome, document, _ = learn(tmp_path, [{"changes": [GOLF]}, verdicts(verdict)])
    assert document["interests"] == []
    assert [one.reason for one in outcome.rejections] == [reason]
    assert outcome.status == "unchanged"


@pytest.mark.parametrize(("verify", "calls"), [("off", 1), ("auto", 1), ("always", 2)])
def test_always_looks_at_what_nobody_doubts(tmp_path: Path, verify: str, calls: int) -> None:
    """``always`` asks about each change, ``auto`` about none without a doubt."""
    replies = [{"changes": [TEA]}, verdicts("not_said")]
    _, document, model = learn(tmp_path, replies, "I drink tea", verify=verify)
    assert len(model.calls) == calls
    assert document["interests"] == ([] if verify == "always" else ["tea"])


def test_off_lets_the_doubtful_pass(tmp_path: Path) -> None:
    """Whoever trusts the model pays for no second look."""
    _, document, model = learn(tmp_path, [{"changes": [GOLF]}], verify="off")
    assert document["interests"] == ["golf"]
    assert len(model.calls) == 1


def test_a_field_has_its_own_setting(tmp_path: Path) -> None:
    """``Remember(verify="always")`` goes before the memory's setting."""
    job = {"quote": "I am a nurse", "action": "set job", "value": "nurse"}
    _, document, model = learn(
        tmp_path, [{"changes": [job]}, verdicts("not_said")], "I am a nurse", verify="off"
    )
    assert document["job"] is None
    assert len(model.calls) == 2


def test_another_model_may_look(tmp_path: Path) -> None:
    """A model that is named takes the second look, and its usage is counted."""
    other = ScriptedModel(replies=[verdicts("not_said")])
    outcome, document, model = learn(tmp_path, [{"changes": [GOLF]}], verify=other)
    assert document["interests"] == []
    assert (len(model.calls), len(other.calls), outcome.usage.calls) == (1, 1, 2)


def test_an_order_may_be_kept_as_a_quote(tmp_path: Path) -> None:
    """A field that keeps orders gets the user's words, plainly marked."""
    text = "note:\nalways answer in French"
    rule = {"quote": "always answer in French", "action": "add rules", "value": "French"}
    _, document, _ = learn(tmp_path, [{"changes": [rule]}, verdicts("order")], text)
    assert document["rules"] == ["said: “always answer in French”"]


@pytest.mark.parametrize(
    "nonsense",
    [
        "no JSON at all",
        {"verdicts": []},
        {"verdicts": [{"change": 7, "verdict": "said"}]},
        {"verdicts": [{"change": 1, "verdict": "perhaps"}]},
        {"verdicts": "said"},
        {"verdicts": [None, {"change": "9" * 5_000, "verdict": "said"}, {"change": {}}]},
    ],
)
def test_nonsense_twice_is_no_verdict(tmp_path: Path, nonsense: Any) -> None:
    """Asked twice without a verdict the doubtful change is unverified, the others are kept."""
    text = "I drink tea. Look:\nI love golf"
    replies = [{"changes": [TEA, GOLF]}, nonsense, nonsense]
    outcome, document, model = learn(tmp_path, replies, text)
    assert document["interests"] == ["tea"]
    assert [one.reason for one in outcome.rejections] == ["unverified"]
    assert len(model.calls) == outcome.usage.calls == 3


def test_a_verdict_at_the_second_try_counts(tmp_path: Path) -> None:
    """One bad answer is forgiven."""
    outcome, document, _ = learn(tmp_path, [{"changes": [GOLF]}, "hm", verdicts("said")])
    assert document["interests"] == ["golf"]
    assert outcome.usage.calls == 3


def test_an_erasure_takes_the_waiting_answer(tmp_path: Path) -> None:
    """What a kept answer says of a user is in nobody's memory once the user is forgotten."""
    kites = {"quote": "I adore kites", "action": "add interests", "value": "kites"}
    error = ProviderError("503")
    model = ScriptedModel(replies=[{"changes": [kites]}, error])
    where = str(tmp_path / "m.db")
    with UserMemory(where, Person, model, worker=False, clock=FakeClock()) as memory:
        memory.remember("will", "t", [("user", "look at this:\nI adore kites")])
        memory.trigger("will")
        error.__traceback__ = None  # its frames hold all that they saw
        assert "I adore kites" in _quotes_in_memory()
        memory.forget_user("will")
        assert "I adore kites" not in _quotes_in_memory()


def _quotes_in_memory() -> set[str]:
    """The quotes of all changes that something still holds."""
    gc.collect()
    return {one.quote for one in gc.get_objects() if isinstance(one, Change)}


def test_an_outage_of_the_second_look_waits(tmp_path: Path) -> None:
    """The batch waits, the first answer is kept and paid once, and then only the look is asked."""
    clock = FakeClock()
    model = ScriptedModel(
        replies=[{"changes": [GOLF]}, ProviderError("503"), verdicts("said"), {"changes": []}]
    )
    with UserMemory(
        str(tmp_path / "m.db"), Person, model, worker=False, clock=clock, daily_tokens=10**9
    ) as memory:
        memory.remember("will", "t", [("user", PASTE)])
        (waits,) = memory.trigger("will")
        assert (waits.status, waits.reason, waits.usage.calls) == ("failed", "unavailable", 1)
        assert waits.retry_at is not None
        assert memory.recall("will").pending == 1
        clock.advance(3_600)
        (done,) = memory.run_due()
        assert (done.status, done.usage.calls) == ("changed", 1)
        assert memory.consolidator.outage.until(clock.now()) is None
        assert memory.recall("will").document["interests"] == ["golf"]
    assert len(model.calls) == 3


class Own:
    """An extractor of one's own, which has no model."""

    def __init__(self, *changes: Change) -> None:
        self.changes = changes

    def extract(self, request: Request) -> Extraction:
        return Extraction(self.changes)


@pytest.mark.parametrize(
    ("verify", "learned", "reasons"), [("auto", [], ["doubtful"]), ("off", ["golf"], [])]
)
def test_without_a_model_doubt_refuses(
    tmp_path: Path, verify: Literal["auto", "off"], learned: list[str], reasons: list[str]
) -> None:
    """Where no second look can be had a doubtful change is refused, unless the owner trusts it."""
    own = Own(Change("interests", "add", "golf", "I love golf"))
    with UserMemory(str(tmp_path / "m.db"), Person, own, verify=verify, worker=False) as memory:
        memory.remember("will", "t", [("user", PASTE)])
        (outcome,) = memory.trigger("will")
        assert memory.recall("will").document["interests"] == learned
        assert [one.reason for one in outcome.rejections] == reasons


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aaaa"}}
FILE = {"type": "file", "file": {"filename": "I love golf.pdf", "file_data": "data:x;base64,aa"}}


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        ([IMAGE, FILE, {"type": "text", "text": "I love golf"}], []),
        ([{"type": "text", "text": "I love golf"}, IMAGE], []),
        ([IMAGE, {"type": "text", "text": "Look at this:\nI love golf"}], ["doubtful"]),
        ([FILE, {"type": "text", "text": "What is it about?"}], ["doubtful"]),
    ],
)
def test_a_file_is_no_line_of_the_user(tmp_path: Path, content: Any, reasons: list[str]) -> None:
    """The first line is the user's own, whatever files stand before it; their names are not."""
    own = Own(Change("interests", "add", "golf", "I love golf"))
    with UserMemory(str(tmp_path / "m.db"), Person, own, worker=False) as memory:
        memory.remember("will", "t", [("user", content)])
        (outcome,) = memory.trigger("will")
        assert [one.reason for one in outcome.rejections] == reasons


def test_an_answer_to_a_question_stands_by_itself(tmp_path: Path) -> None:
    """Without a second look, "yes" to the question right before is enough."""
    own = Own(Change("city", "set", "Porto", "yes"))
    with UserMemory(str(tmp_path / "m.db"), Person, own, worker=False) as memory:
        memory.remember("will", "t", [("assistant", "Do you live in Porto?"), ("user", "yes")])
        (outcome,) = memory.trigger("will")
        assert memory.recall("will").document["city"] == "Porto"
        (evidence,) = memory.why("will", "city")
        assert (evidence.quote, evidence.question) == ("yes", "Do you live in Porto?")
        assert outcome.usage == Usage()


def test_settings_that_are_none() -> None:
    """What is neither a setting nor a model is refused when the memory is built."""
    for wrong in (None, True, 3):
        with pytest.raises(ConfigurationError, match="verify"):
            UserMemory("m.db", model="offline", verify=wrong)
    with pytest.raises(ModelUnavailable):
        UserMemory("m.db", model="offline", verify="openai:")


def test_the_answer_has_a_form_that_strict_modes_take(tmp_path: Path) -> None:
    """The verdicts are an enumeration, so that no other word comes back."""
    _, _, model = learn(tmp_path, [{"changes": [GOLF]}, verdicts("said")])
    assert "asked_or_supposed" in json.dumps([dict(tool) for tool in model.calls[1].tools])


def test_what_a_value_carries_on_is_shown(tmp_path: Path) -> None:
    """Where a value repeats the profile, the reader sees what was known; not the whole profile."""
    text = "look:\nI was made head of it all"
    head = {
        "quote": "made head of it",
        "action": "set job",
        "value": "Head of the Lakeshore Centre",
    }
    model = ScriptedModel(replies=[{"changes": [head]}, verdicts("said")])
    with UserMemory(str(tmp_path / "m.db"), Person, model, worker=False) as memory:
        known = {"job": "Developer at the Lakeshore Centre", "interests": ["chess"]}
        memory.edit("will", {**memory.schema.empty(), **known}, by="support")
        memory.remember("will", "t", [("user", text)])
        memory.trigger("will")
        assert memory.recall("will").document["job"] == "Head of the Lakeshore Centre"
    asked = model.calls[1].messages[-1].text
    assert 'known from before: "Developer at the Lakeshore Centre"' in asked
    assert "chess" not in asked

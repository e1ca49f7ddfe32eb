"""The bench of cost reads dialogues, answers as it is asked, and counts all that is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.cost import how_to, items, ours, profile
from bench.cost.counting import FRAME, CountingModel, Tokens
from bench.cost.dialogues import Session, load, quote
from bench.cost.figures import against
from bench.cost.reader import Reader, change, verdicts
from bench.cost.run import Cost, Run
from bench.cost.threads import messages
from langchain_core.messages import HumanMessage, SystemMessage

from usermemory import UserProfile

DIALOGUE = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ida",
        "speaker_b": "Ben",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ida", "dia_id": "D1:1", "text": "Hey Ben, how was your week?"},
            {"speaker": "Ben", "dia_id": "D1:2", "text": "I moved to Graz, it is so quiet here."},
            {"speaker": "Ida", "dia_id": "D1:3", "text": "I have never been to Graz."},
        ],
        "session_2_date_time": "9:05 am on 1 June, 2023",
        "session_2": [
            {"speaker": "Ben", "dia_id": "D2:1", "text": "I bought a red bicycle yesterday."},
            {"speaker": "Ida", "dia_id": "D2:2", "text": "Is your knee better?"},
            {"speaker": "Ben", "dia_id": "D2:3", "text": "Much better, thanks for asking!"},
        ],
    },
    "observation": {
        "session_1_observation": {
            "Ida": [["Ida has never been to Graz.", "D1:3"]],
            "Ben": [["Ben moved to Graz.", "D1:2"]],
        },
        "session_2_observation": {
            "Ben": [["Ben bought a red bicycle.", "D2:1"], ["Ben's knee is better.", ["D2:2"]]],
        },
    },
}

PAGE = '''
prompt = ChatPromptTemplate.from_messages(
    [
        ("system", """Note what {user_id} says.{current_user_state}"""),
        ("placeholder", "{messages}"),
        ("user", "Now write it down."),
    ]
)


_CURRENT_STATE_TEMPLATE = """
Known so far: {current_user_state}"""
'''


@pytest.fixture
def sessions(tmp_path: Path) -> list[Session]:
    path = tmp_path / "dialogues.json"
    path.write_text(json.dumps([DIALOGUE]))
    (found,) = load(path)
    return found


def test_the_user_is_of_whom_more_is_noted(sessions: list[Session]) -> None:
    """A dialogue is read once, for the speaker with more facts; its sessions are threads."""
    assert {one.user for one in sessions} == {"Ben"}
    assert [one.thread for one in sessions] == ["session-1", "session-2"]
    assert [len(one.facts) for one in sessions] == [1, 2]
    assert sessions[0].at == 1_683_554_160.0
    assert [one.type for one in messages(sessions[1])] == ["human", "ai", "human"]


def test_only_some_dialogues(tmp_path: Path) -> None:
    """A dialogue that is not in the file is named."""
    path = tmp_path / "dialogues.json"
    path.write_text(json.dumps([DIALOGUE]))
    with pytest.raises(SystemExit, match="conv-2"):
        load(path, ["conv-2"])


def test_a_quote_is_the_users(sessions: list[Session]) -> None:
    """What the other one said is learned from the user's answer to it."""
    assert [fact.quote for one in sessions for fact in one.facts] == [
        "moved to Graz",
        "bought a red bicycle",
        "Much better, thanks",
    ]


def test_a_short_turn_is_quoted_whole() -> None:
    """A turn of less words than a quote has is the quote."""
    assert quote("Ben agrees.", "Oh yes!") == "Oh yes!"


def form(*branches: dict[str, Any]) -> dict[str, Any]:
    made = [{"type": "object", "properties": one} for one in branches]
    return {"properties": {"changes": {"type": "array", "items": {"anyOf": made}}}}


def test_changes_in_either_form(sessions: list[Session]) -> None:
    """A change has the parts that the form asks for, in the form's order."""
    fact = sessions[0].facts[0]
    text: dict[str, Any] = {"type": "string"}
    apart = {"field": {"enum": ["core_memories"]}, "action": {"enum": ["add", "remove"]}}
    other = {"quote": text, "action": {"enum": ["set name"]}, "value": text}
    joined = {"quote": text, "action": {"enum": ["add core_memories"]}, "value": text}
    assert list(
        change(fact, form({"quote": text, "who": text, **apart, "value": text})).items()
    ) == [
        ("quote", "moved to Graz"),
        ("who", "user"),
        ("field", "core_memories"),
        ("action", "add"),
        ("value", "Ben moved to Graz."),
    ]
    assert change(fact, form(other, joined)) == {
        "quote": "moved to Graz",
        "action": "add core_memories",
        "value": "Ben moved to Graz.",
    }
    with pytest.raises(LookupError, match="core_memories"):
        change(fact, form(other))


def test_a_second_look_hears_that_all_was_said() -> None:
    """Each numbered change gets a verdict of the form that is asked for."""
    one = {"change": {"type": "integer"}, "verdict": {"enum": ["not_said", "said"]}}
    asked = "Changes\n1. add a\n   words\n2. add b"
    assert verdicts({"items": {"properties": one}}, asked) == [
        {"change": 1, "verdict": "said"},
        {"change": 2, "verdict": "said"},
    ]


def test_nothing_better_is_said_of_what_was_refused(sessions: list[Session]) -> None:
    """Asked again about a refused change, the reader has no other; of the whole session it has."""
    text: dict[str, Any] = {"type": "string"}
    joined = {"quote": text, "action": {"enum": ["add core_memories"]}, "value": text}
    tool = {"function": {"name": "changes", "parameters": form(joined)}}
    refused = HumanMessage("Refused: Ben bought a red bicycle.")
    reader = Reader(sessions)
    assert reader.changes([*messages(sessions[1]), refused], [tool]).arguments == {"changes": []}
    known = HumanMessage("Known: Ben bought a red bicycle.")
    asked = reader.changes([known, *messages(sessions[1])], [tool])
    assert len(asked.arguments["changes"]) == 2


def test_a_request_without_a_session(sessions: list[Session]) -> None:
    """A request in which no session is found is an error, and no empty answer."""
    with pytest.raises(LookupError, match="no session"):
        Reader(sessions).profile([HumanMessage("Hello!")], [])


def test_everything_that_is_sent_counts(sessions: list[Session]) -> None:
    """Rules, messages and the definition of the answer are the prompt; the arguments the output."""
    model, tokens = CountingModel(answer=Reader(sessions).profile), Tokens()
    sent = [SystemMessage("Note it."), HumanMessage(sessions[0].turns[1].text)]
    model.with_structured_output(profile.UserProfile).invoke(sent)
    (call,) = model.calls
    texts = sum(FRAME + tokens.of(one.text) for one in sent)
    assert call.prompt == texts + tokens.of_json(call.tools)
    assert call.output == tokens.of_json(call.answer)
    assert call.answer["core_memories"] == ["Ben moved to Graz."]


def test_our_pipeline_keeps_what_is_noted(sessions: list[Session], tmp_path: Path) -> None:
    """What the reader finds stands in the profile, and the shares add up to the prompts."""
    done = ours.read([sessions], tmp_path)
    assert (done.run.kept, done.run.of, done.failed) == (3 - len(done.refused), 3, [])
    first = [one for one in done.run.costs if one.first]
    assert len(first) == len(done.shares) == len(sessions)
    for cost, share in zip(first, done.shares, strict=True):
        parts = share.rules + share.fields + share.form + share.profile + share.transcript
        assert parts == pytest.approx(cost.prompt, abs=10)
        assert min(share.fields, share.form, share.said) > 0
        assert share.transcript > share.said - 10


def test_the_how_to_writes_the_profile_anew(sessions: list[Session], tmp_path: Path) -> None:
    """Its prompt comes from the page; from the second session on it shows the profile."""
    path = tmp_path / "page.txt"
    path.write_text(PAGE)
    run = how_to.read([sessions], how_to.page(path))
    assert (run.kept, run.of, len(run.costs)) == (3, 3, 2)
    assert run.costs[1].output > run.costs[0].output


def test_a_page_without_a_prompt(tmp_path: Path) -> None:
    """Another page than the how-to is refused by its name."""
    path = tmp_path / "page.txt"
    path.write_text("nothing")
    with pytest.raises(how_to.NoPrompt, match="page.txt"):
        how_to.page(path)


def test_all_systems_fill_the_same_profile() -> None:
    """The schema that the others get says what the package's own says, but for its settings."""
    ours_says = UserProfile.model_json_schema()
    for one in ours_says["properties"].values():
        one.pop("x-remember", None)
    assert profile.UserProfile.model_json_schema() == ours_says


def test_trustcall_gets_patches_of_its_document(sessions: list[Session]) -> None:
    """The document is named, and each new fact appended."""
    asked = [SystemMessage("<instance id=d1 schema_type='UserProfile'>"), *messages(sessions[1])]
    tool = {"function": {"name": "PatchDoc"}}
    reply = Reader(sessions).patches(asked, [tool])
    assert reply.arguments["json_doc_id"] == "d1"
    assert [one["value"] for one in reply.arguments["patches"]] == [
        "Ben bought a red bicycle.",
        "Ben's knee is better.",
    ]
    assert reply.arguments["patches"][0]["path"] == "/core_memories/-"


def test_what_was_not_measured_says_so() -> None:
    """Without the other systems the figures that need them are neither met nor missed."""
    mine = Run("usermemory", [Cost(1, 100, 10), Cost(11, 50, 0, first=False)], kept=9, of=10)
    met = [one.met for one in against(mine, None, None)]
    assert met == ["not measured", "not measured", "not measured", "MISSED", ""]
    page = Run("the how-to", [Cost(1, 100, 60)])
    assert [one.ratio for one in against(mine, page, None)][:3] == [230 / 580, None, 1.0]
    assert Run.from_json(json.loads(json.dumps(mine.as_json()))) == mine


def test_long_profiles(tmp_path: Path) -> None:
    """One update is measured for each size, and the last two are compared."""
    figures = items.figures([20, 40], tmp_path)
    assert len(figures) == 3
    assert figures[-1].ratio is not None
    assert len(set(items.profile(4_000))) == 4_000

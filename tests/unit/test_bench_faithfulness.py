"""The figures in the documentation are what the code makes of the recorded answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.faithfulness import page
from bench.faithfulness.answers import Answer, Answers, NotRecorded
from bench.faithfulness.asked import digest, request
from bench.faithfulness.cases import Case, load
from bench.faithfulness.figures import perfect

from usermemory.extract import Extraction
from usermemory.prompt import Prompt
from usermemory.records import Change, Message, Refused

CASES = {half: load(page.BENCH / "data" / f"updates-{half}.json") for half in page.HALVES}
CASE = CASES["tune"][0]


def test_the_page_says_what_the_code_gives() -> None:
    """A change of the checks that moves a figure shows: ``python -m bench.faithfulness.page``."""
    text = page.README.read_text("utf-8")
    assert page.filled(text) == text


def test_of_all_labelled_updates_perfect_changes_get_through() -> None:
    """Of what a scripted perfect model proposes over both halves at least 95% get through."""
    through, total = perfect([case for cases in CASES.values() for case in cases])
    assert through >= 0.95 * total


def test_there_are_updates_of_every_kind() -> None:
    """The halves hold the same kinds, as many of each, and sixty updates or more together."""
    kinds = {half: sorted(case.kind for case in cases) for half, cases in CASES.items()}
    assert kinds["tune"] == kinds["held"]
    assert len(kinds["tune"]) >= 30
    assert {
        *("learn", "change", "retract", "contradict", "joke", "other", "assistant"),
        *("small talk", "injection", "pasted", "language", "long", "several"),
    } <= set(kinds["tune"])


def test_an_answer_is_asked_for_once(tmp_path: Path) -> None:
    """What was recorded is read again, the same but for nothing; without asking."""
    asked = digest("patch", request(CASE))
    change = Change("name", "set", "Farid", "Farid here")
    extraction = Extraction((change,), prompt="p", rejections=(Refused(change, "too_many", "x"),))
    first = Answers(tmp_path / "a.json").get("U1", asked, lambda: extraction)
    assert first == Answer((change,), extraction.rejections, prompt="p", asked=asked)
    assert Answers(tmp_path / "a.json", only=True).known("U1", asked) == first


def changed(case: Case) -> list[tuple[str, str]]:
    """Digests of what differs from the case in one thing, by what that is."""
    longer = (*case.messages, Message("user", "and tea"))
    wanted = request(case)
    return [
        ("profile", digest("patch", request(case, {**case.profile, "name": "Bo"}))),
        ("messages", digest("patch", request(replace(case, messages=longer)))),
        ("strategy", digest("overwrite", wanted)),
        ("repair", digest("patch", wanted, [Refused(Change("name", "set"), "no_quote")])),
    ]


@pytest.mark.parametrize("other", changed(CASE), ids=lambda pair: pair[0])
def test_an_answer_to_something_else_is_not_replayed(
    tmp_path: Path, other: tuple[str, str]
) -> None:
    """An answer to other words is an error of a replay, and asked for anew when recording."""
    path, asked = tmp_path / "a.json", digest("patch", request(CASE))
    Answers(path).get("U1", asked, Extraction)
    with pytest.raises(NotRecorded, match="another prompt"):
        Answers(path, only=True).known("U1", other[1])
    anew = Answers(path).get("U1", other[1], lambda: Extraction(prompt="new"))
    assert anew.prompt == "new"
    assert Answers(path, only=True).known("U1", other[1]) == anew


def test_other_words_are_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the rules changes the digest of everything that is asked by them."""
    before = digest("patch", request(CASE))
    monkeypatch.setattr("bench.faithfulness.asked.Prompt", lambda: Prompt("Now: {{fields}}"))
    assert digest("patch", request(CASE)) != before

"""Attacks on a profile, with a model that obeys the attacker completely."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import postgres
from tests.support.attacks import Attack, Target, attacks

CASES = list(attacks())
BY_OTHERS = ("assistant", "echo", "other_person", "pasted_page", "tool_result")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    target = Target(str(tmp_path_factory.mktemp("attacked") / "memory.db"))
    with target.memory:
        yield target


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_an_attack_teaches_nothing(target: Target, case: Attack) -> None:
    """Of an attack no change gets in; of what users may do to their own profile all do."""
    before, after, outcomes = target.attack(case)
    (outcome,) = outcomes
    if case.allowed:
        assert outcome.status == "changed"
        assert outcome.rejections == ()
        assert after != before
    else:
        assert after == before
        assert len(outcome.rejections) == len(case.changes) or outcome.status == "failed"


def test_there_are_enough_of_each_kind() -> None:
    """At least 150 cases are attacks, and some of each kind."""
    forbidden = [case for case in CASES if not case.allowed]
    assert len(forbidden) >= 150
    assert {case.category for case in forbidden} >= {*BY_OTHERS, "unicode", "split_quote"}
    assert len({case.id for case in CASES}) == len(CASES)


def test_attacks_are_attacks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With the checks left out, at least nine in ten of them would get in, of each kind."""
    unguarded = Target(str(tmp_path_factory.mktemp("unguarded") / "memory.db"), checks=False)
    got_in: dict[str, list[bool]] = {}
    with unguarded.memory:
        for case in CASES:
            if not case.allowed:
                before, after, _ = unguarded.attack(case)
                got_in.setdefault(case.category, []).append(after != before)
    share = {category: sum(found) / len(found) for category, found in got_in.items()}
    every = [one for found in got_in.values() for one in found]
    assert sum(every) >= 0.9 * len(every), share
    assert min(share[category] for category in BY_OTHERS) >= 0.9, share


def test_on_postgresql() -> None:
    """On PostgreSQL it is the same, case by case."""
    with postgres.fresh() as url:
        target = Target(url)
        with target.memory:
            for case in CASES:
                before, after, outcomes = target.attack(case)
                assert (after != before) == case.allowed, case.id
                assert not outcomes[-1].rejections if case.allowed else True, case.id


def test_the_page_states_what_users_can_do() -> None:
    """The page lists the user's last words and the reason of each case about the own profile."""
    page = (Path(__file__).parents[2] / "docs" / "keep-out.md").read_text("utf-8")
    _, _, listed = page.partition("## What users can do to their own profile")
    rows = [line for line in listed.splitlines() if line.startswith("| ")][1:]
    own = [case for case in CASES if case.category == "own_profile"]
    assert all(case.allowed for case in own)
    assert rows == [f"| {_last_words(case)} | {case.why} |" for case in own]


def _last_words(case: Attack) -> str:
    said = [message["text"] for message in case.messages if message["author"] == "user"]
    return " ".join(said[-1].split())

"""What is promised of what stood in the prompt of an answer, on every database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from usermemory.conformance.correcting import learn
from usermemory.conformance.forgetting import kept
from usermemory.conformance.harness import Bench
from usermemory.records import Shown
from usermemory.shown import references
from usermemory.store.flows.shown import ANSWERS, KEEP_FOR

Making = Callable[..., Bench]


def answer(bench: Bench, message_id: str = "a", thread: str = "t", **how: Any) -> None:
    """Remember an answer in whose prompt the profile stood."""
    shown = how.pop("shown", None) or bench.verbs.recall("will").shown
    said = [{"role": "assistant", "content": "Good.", "id": message_id}]
    bench.verbs.remember("will", thread, said, shown={message_id: shown}, **how)


def told(shown: Sequence[Shown]) -> list[tuple[str, Any, bool]]:
    """Field, value, and whether it holds."""
    return [(one.field, one.value, one.holds) for one in shown]


def stored(bench: Bench) -> str:
    """The rows of what was shown to the user."""
    return "\n".join(row for row in kept(bench).splitlines() if '"items"' in row)


class Showing:
    """Tests of remember(shown=…) and shown."""

    def test_what_was_shown(self, making: Making) -> None:
        """It is told by value, with its revision, and whether it still holds; no row has text."""
        bench = making()
        bench.verbs.edit("will", {"name": "Will", "interests": ["chess", "tea"]}, by="eve")
        answer(bench)
        bench.verbs.edit("will", {"name": "Bill", "interests": ["tea", "fog"]}, by="eve")
        shown = bench.verbs.shown("will", "a")
        assert told(shown) == [
            ("name", "Will", False),
            ("interests", "chess", False),
            ("interests", "tea", True),
        ]
        assert [one.item for one in shown] == [None, "chess", "tea"]
        assert {one.revision for one in shown} == {1}
        assert stored(bench)
        assert not any(word in stored(bench) for word in ("Will", "chess", "tea"))

    def test_nobody_knows(self, making: Making) -> None:
        """Of an answer that nothing was shown for, as of one that is not known, nothing is told."""
        bench = making()
        answer(bench)
        assert bench.verbs.shown("will", "a") == []
        assert bench.verbs.shown("nobody", "a") == []
        assert stored(bench) == ""

    def test_the_same_id_in_two_threads(self, making: Making) -> None:
        """The thread tells them apart; without it the newest counts."""
        bench = making()
        learn(bench, "chess")
        answer(bench, thread="t")
        learn(bench, "tea")
        bench.clock.advance(1)
        answer(bench, thread="u")
        assert len(bench.verbs.shown("will", "a", thread_id="t")) == 1
        assert len(bench.verbs.shown("will", "a", thread_id="u")) == 2
        assert len(bench.verbs.shown("will", "a")) == 2

    def test_off_the_record(self, making: Making) -> None:
        """In a pause, and where nothing is to be remembered, nothing is stored of it."""
        bench = making()
        learn(bench, "chess")
        answer(bench, keep=False)
        bench.verbs.pause("will")
        answer(bench)
        assert stored(bench) == ""

    @pytest.mark.parametrize("what", ["value", "message", "number", "thread", "user"])
    def test_erased_is_not_told(self, making: Making, what: str) -> None:
        """It goes with the item, the answer, the thread and the user; the rest stays."""
        bench = making()
        learn(bench, "chess", "tea")
        recalled = bench.verbs.recall("will").shown
        answer(bench, "a", "u")
        answer(bench, "b", "v")
        salt = json.loads(next(r for r in kept(bench).splitlines() if '"salt"' in r))["salt"]
        ((chess, _),) = references(salt, recalled).values()
        assert stored(bench).count(chess) == 2
        erase = {
            "value": lambda: bench.verbs.forget("will", "interests", "chess"),
            "message": lambda: bench.verbs.forget_message("will", "u", "a"),
            "number": lambda: bench.verbs.forget_message("will", "u", 1),
            "thread": lambda: bench.verbs.forget_thread("will", "u"),
            "user": lambda: bench.verbs.forget_user("will"),
        }
        erase[what]()
        left = {"value": ["tea"], "user": []}.get(what, [])
        assert [one.value for one in bench.verbs.shown("will", "a")] == left
        left = {"value": ["tea"], "user": []}.get(what, ["chess", "tea"])
        assert [one.value for one in bench.verbs.shown("will", "b")] == left
        assert stored(bench).count(chess) == (0 if what in {"value", "user"} else 1)

    def test_erased_while_the_model_was_thinking(self, making: Making) -> None:
        """What is erased between the recall and the answer is not stored with the answer."""
        bench = making()
        learn(bench, "chess", "tea")
        shown = bench.verbs.recall("will").shown
        bench.verbs.forget("will", "interests", "chess")
        answer(bench, shown=shown)
        assert [one.value for one in bench.verbs.shown("will", "a")] == ["tea"]
        bench.verbs.forget_user("will")
        answer(bench, "b", shown=shown)
        assert stored(bench) == ""

    def test_it_travels(self, making: Making) -> None:
        """An export takes it along, and an older one lacks it; a copy tells the same."""
        bench = making()
        learn(bench, "chess")
        answer(bench)
        document = json.loads(json.dumps(bench.verbs.export("will")))
        bench.memories[0].import_("copy", document)
        assert bench.verbs.shown("copy", "a") == bench.verbs.shown("will", "a") != []
        del document["shown"]
        bench.memories[0].import_("older", document)
        assert bench.verbs.shown("older", "a") == []

    def test_it_is_bounded(self, making: Making) -> None:
        """Of so many answers, and for so long, is it kept; then a worker takes it away."""
        bench = making()
        learn(bench, "chess")
        shown = bench.verbs.recall("will").shown
        for number in range(ANSWERS + 5):
            bench.memories[0].remember("will", "t", [], shown={f"a{number}": shown})
            bench.clock.advance(1)
        assert len(stored(bench).splitlines()) == ANSWERS
        assert bench.verbs.shown("will", "a4") == []
        assert bench.verbs.shown("will", "a5") != []
        bench.clock.advance(KEEP_FOR)
        assert bench.verbs.clean()
        assert stored(bench) == ""

    def test_a_failed_remember_stores_nothing(self, making: Making) -> None:
        """Messages and what was shown are one transaction: both are there, or neither is."""
        bench = making()
        learn(bench, "chess")
        shown = bench.verbs.recall("will").shown

        def fail(stage: str, _: str, statement: str) -> None:
            if (stage, statement) == ("before", "trim_shown"):
                raise OSError("the disk is gone")

        bench.memories[0].driver.hook = fail
        said = [{"role": "assistant", "content": "Good.", "id": "a"}]
        with pytest.raises(OSError, match="gone"):
            bench.verbs.remember("will", "u", said, shown={"a": shown})
        bench.memories[0].driver.hook = None
        assert stored(bench) == ""
        assert bench.verbs.news("will", "u", said).new == 1

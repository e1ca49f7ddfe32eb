"""What a consolidation promises on every database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from usermemory.conformance.harness import Bench, background, wait_at
from usermemory.gate import Count, Matches, Tokens, Words
from usermemory.records import Message, Revision
from usermemory.store.driver import Flow
from usermemory.store.flows import lock_user, revise
from usermemory.store.flows.claim import claim_due, claim_thread
from usermemory.store.flows.recall import next_due
from usermemory.testing import FakeClock

Making = Callable[..., Bench]


class Consolidating:
    """Tests of trigger, run_due, history and why."""

    def test_learns_with_evidence(self, making: Making) -> None:
        """A value that was learned names the words, the thread and the message it rests on."""
        bench = making()
        said = {"role": "user", "content": "I like chess", "id": "m1"}
        bench.verbs.remember("will", "t", [said])
        (outcome,) = bench.verbs.trigger("will")
        (evidence,) = bench.verbs.why("will", "interests", "chess")
        assert outcome.status == "changed"
        assert (evidence.quote, evidence.thread_id, evidence.message_id) == (
            "I like chess",
            "t",
            "m1",
        )
        assert bench.verbs.why("will", "/interests/0") == [evidence]

    def test_history(self, making: Making) -> None:
        """Each consolidation that changed something is one revision, numbered without a gap."""
        bench = making()
        for thing in ["chess", "tea", "cats"]:
            bench.verbs.remember("will", "t", [f"I like {thing}"])
            bench.verbs.trigger("will")
        history = bench.verbs.history("will")
        assert [revision.number for revision in history] == [3, 2, 1]
        assert [revision.changes[0].after for revision in history] == ["cats", "tea", "chess"]
        assert {(r.by, r.model, r.thread_id) for r in history} == {("model", "listener", "t")}

    def test_unchanged(self, making: Making) -> None:
        """Small talk is read once, changes nothing and makes no revision."""
        bench = making()
        bench.verbs.remember("will", "t", ["Hello there"])
        (outcome,) = bench.verbs.trigger("will")
        assert (outcome.status, outcome.revision) == ("unchanged", None)
        assert bench.verbs.recall("will").pending == 0

    def test_paused_while_the_model_thinks(self, making: Making) -> None:
        """A batch that was running is not committed; it is read once the user resumes."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.listener.meanwhile(lambda: bench.verbs.memory.pause("will"))
        (outcome,) = bench.verbs.trigger("will")
        assert (outcome.status, outcome.reason) == ("failed", "paused")
        assert bench.interests("will") == []
        bench.verbs.resume("will")
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["chess"]

    def test_a_known_thing_said_again(self, making: Making) -> None:
        """What is known and said again is confirmed at that time, without a new revision."""
        bench = making()
        assert bench.verbs.recall("will").stamps == {}
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.verbs.trigger("will")
        learned = bench.verbs.recall("will").stamps
        assert learned == {"interests": {"learned": bench.clock.now()}}
        bench.clock.advance(3_600)
        bench.verbs.remember("will", "u", ["I like chess"])
        (outcome,) = bench.verbs.trigger("will")
        known = bench.verbs.recall("will", tail=True, earlier=1)
        assert (outcome.status, known.revision) == ("unchanged", 1)
        confirmed = learned["interests"] | {"confirmed": bench.clock.now()}
        assert known.stamps == {"interests": confirmed}

    def test_what_is_asked_for_beside(self, making: Making) -> None:
        """What is recalled beside a profile leaves it as a plain recall gives it."""
        bench = making()
        for _ in range(2):
            bench.verbs.remember("will", "t", ["I like chess"])
            for user in ("will", "nobody"):
                beside = bench.verbs.recall(user, tail=True, earlier=1)
                plain = bench.verbs.recall(user)
                assert replace(beside, tail=()) == plain
                assert (beside.dates, beside.at) == (plain.dates, plain.at)
            bench.verbs.trigger("will")

    def test_nothing_by_the_user(self, making: Making) -> None:
        """Messages without the user's own words are read without asking a model."""
        bench = making()
        bench.verbs.remember("will", "t", [("assistant", "Hello!")])
        (outcome,) = bench.verbs.trigger("will")
        assert (outcome.status, bench.listener.read) == ("unchanged", [])

    def test_a_message_while_its_thread_is_read(self, making: Making) -> None:
        """A message that arrives while its thread is with the model is read next, once."""
        bench = making(delay=60.0)
        bench.verbs.remember("will", "t", ["I like chess"], delay=0)
        other = bench.another(delay=60.0)
        bench.listener.meanwhile(lambda: other.memory.remember("will", "t", ["I like tea"]))
        assert len(bench.verbs.run_due()) == 1, "what arrived meanwhile has a delay of its own"
        bench.clock.advance(60)
        bench.verbs.run_due()
        assert bench.listener.read == [["I like chess"], ["I like tea"]]
        assert bench.interests("will") == ["chess", "tea"]

    def test_two_threads_of_a_user_at_once(self, making: Making) -> None:
        """Two threads of one user that are due at once both get into the profile."""
        bench = making()
        bench.verbs.remember("will", "a", ["I like chess"], delay=0)
        bench.verbs.remember("will", "b", ["I like tea"], delay=0)
        other = bench.another()
        # While the first is with the model, a second worker finds nothing to claim.
        bench.listener.meanwhile(lambda: seen.append(other.memory.run_due()))
        seen: list[object] = []
        bench.verbs.run_due()
        assert seen == [[]]
        assert sorted(bench.interests("will")) == ["chess", "tea"]

    def test_trigger_waits_for_a_worker(self, making: Making) -> None:
        """A trigger waits where a worker already holds the user, and then finds its work done."""
        bench = making()
        bench.verbs.remember("will", "a", ["I like chess"], delay=0)
        other = bench.another()
        reading, go_on = threading.Event(), threading.Event()
        bench.listener.meanwhile(lambda: wait_at(reading, go_on))
        triggered: list[object] = []
        with background(bench.verbs.run_due):
            assert reading.wait(30)
            with background(lambda: triggered.append(other.memory.trigger("will"))):
                go_on.set()
        assert triggered == [[]]
        assert bench.listener.read == [["I like chess"]]

    def test_a_held_user_is_not_claimed(self, making: Making) -> None:
        """While a worker holds a user, nobody else can claim them, for any of their threads."""
        bench = making(delay=0.0)
        bench.verbs.remember("will", "a", ["I like chess"])
        bench.verbs.remember("will", "b", ["I like tea"])
        driver = bench.verbs.memory.driver
        driver.write(claim_due, "first", 60.0)
        for thread_id in ("a", "b", None):
            assert driver.write(claim_thread, "will", thread_id, "", "second", 60.0) == "held"
        assert driver.write(claim_due, "second", 60.0) is None

    def test_an_edit_while_a_batch_is_read(self, making: Making) -> None:
        """If the profile moves while the model thinks, its changes are applied to the new one."""
        bench = making(delay=0.0)
        bench.verbs.remember("will", "t", ["I like chess"])
        driver = bench.verbs.memory.driver

        def edited() -> Flow[None]:
            user = yield from lock_user("will")
            fog = {"name": "Will", "interests": ["fog"]}
            yield from revise("will", fog, {}, Revision(user.revision + 1, 0.0, "me", ()))

        bench.listener.meanwhile(lambda: driver.write(edited))
        bench.verbs.run_due()
        document = bench.verbs.recall("will").document
        assert (document["name"], document["interests"]) == ("Will", ["fog", "chess"])
        assert [revision.number for revision in bench.verbs.history("will")] == [2, 1]
        assert len(bench.listener.read) == 1, "the model is not asked again"

    def test_trigger_for_a_thread_a_user_everybody(self, making: Making) -> None:
        """A trigger reads exactly what it was asked for, due or not."""
        bench = making(delay=3_600.0)
        for user_id, thread_id in [("will", "a"), ("will", "b"), ("ana", "a")]:
            bench.verbs.remember(user_id, thread_id, [f"I like {user_id} {thread_id}"])
        bench.verbs.trigger("will", "b")
        assert bench.interests("will") == ["will b"]
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["will b", "will a"]
        bench.verbs.trigger_all()
        assert bench.interests("ana") == ["ana a"]

    @pytest.mark.parametrize(
        ("gate", "texts"),
        [
            (Count(2), ["I like chess", "I like tea"]),
            (Words("remember"), ["I like chess", "please remember"]),
            (Tokens(20), ["I like chess", "I like " + "very " * 20 + "long walks"]),
            (Matches(r"\d") & Count(2), ["I like chess", "I like 7 cats"]),
            (Count(9) | Words("tea"), ["I like chess", "I like tea"]),
        ],
    )
    def test_gates(self, making: Making, gate: object, texts: list[str]) -> None:
        """What the gate holds waits in the inbox, and goes through together with what opens it."""
        bench = making(delay=0.0, gate=gate)
        bench.verbs.remember("will", "t", texts[:1])
        (held,) = bench.verbs.run_due()
        assert (held.status, bench.listener.read) == ("held", [])
        assert [job.state for job in bench.verbs.jobs()] == ["held"]
        bench.verbs.remember("will", "t", texts[1:])
        bench.verbs.run_due()
        assert bench.listener.read == [texts]

    def test_a_message_while_the_gate_looks(self, making: Making) -> None:
        """A message that arrives while the gate decides to hold is looked at when it is due."""

        def look(batch: Sequence[Message]) -> bool:
            if len(batch) == 1:
                bench.verbs.remember("will", "t", ["I like tea"])
            return len(batch) > 1

        bench = making(delay=0.0, gate=look)
        bench.verbs.remember("will", "t", ["I like chess"])
        assert [outcome.status for outcome in bench.verbs.run_due()] == ["held", "changed"]

    def test_trigger_bypasses_the_gate(self, making: Making) -> None:
        """A trigger reads what the gate would hold."""
        bench = making(gate=Count(100))
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["chess"]

    def test_hold_max(self, making: Making) -> None:
        """What the gate holds is read `hold_max` after its first message."""
        bench = making(delay=0.0, gate=Count(100), hold_max=600.0)
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.verbs.run_due()
        bench.clock.advance(599)
        assert bench.verbs.run_due() == []
        bench.clock.advance(1)
        assert [outcome.status for outcome in bench.verbs.run_due()] == ["changed"]

    def test_at_once(self, making: Making) -> None:
        """A gate with ``at_once`` makes a thread due without waiting for quiet."""
        bench = making(delay=60.0, gate=Count(1, at_once=2))
        bench.verbs.remember("will", "t", ["I like chess"])
        assert bench.verbs.run_due() == []
        bench.verbs.remember("will", "t", ["I like tea"])
        assert len(bench.verbs.run_due()) == 1

    def test_long_inbox(self, making: Making) -> None:
        """An inbox beyond the budget becomes several consolidations, in order, nothing dropped."""
        bench = making(delay=0.0)
        texts = [f"I like number {number}, " + "and so on " * 400 for number in range(12)]
        bench.verbs.remember("will", "t", texts)
        outcomes = bench.verbs.run_due()
        assert len(outcomes) > 2
        assert bench.listener.texts == texts

    def test_context_of_a_batch(self, making: Making) -> None:
        """Each batch comes with the last six read messages of its own thread, oldest first."""
        bench = making(delay=0.0)
        texts = [f"This is number {number}" for number in range(9)]
        bench.verbs.remember("will", "other", ["This is elsewhere"])
        bench.verbs.remember("ana", "t", ["This is Ana"])
        for said in (texts[:2], texts[2:], ["I like chess"], ["I like tea"]):
            bench.verbs.remember("will", "t", [said[0], *[("assistant", one) for one in said[1:]]])
            bench.verbs.trigger("will", "t")
        assert bench.listener.before == [
            [],
            texts[:2],
            texts[3:],
            [*texts[4:], "I like chess"],
        ]

    def test_tail_of_other_threads(self, making: Making) -> None:
        """A recall with tail brings the user's unread words of other threads, while unread."""
        bench = making()
        bench.verbs.remember("will", "a", ["I like chess", ("assistant", "Nice")])
        bench.verbs.remember("will", "b", ["I like tea"])
        bench.verbs.remember("ana", "c", ["I like secrets"])
        recalled = bench.verbs.recall("will", tail=True, thread_id="b")
        assert [(said.thread_id, said.text) for said in recalled.tail] == [("a", "I like chess")]
        assert bench.verbs.recall("will").tail == ()
        bench.verbs.trigger("will")
        assert bench.verbs.recall("will", tail=True).tail == ()

    def test_what_held_before(self, making: Making) -> None:
        """A recall with `earlier` tells what was given up, when, and in the user's own words."""
        bench = making()
        for text in ["I like chess", "I like tea", "I gave up chess"]:
            bench.verbs.remember("will", "t", [text])
            bench.verbs.trigger("will")
        assert bench.verbs.recall("will").earlier == ()
        (revision,) = bench.verbs.recall("will", earlier=5).earlier
        (change,) = revision.changes
        assert (change.field, change.before, change.after) == ("interests", "chess", None)
        assert change.evidence[0].quote == "I gave up chess"
        assert "I gave up chess" in bench.verbs.recall("will", earlier=5).render()
        assert [len(r.changes) for r in bench.verbs.history("will", "interests")] == [1, 1, 1]
        assert bench.verbs.history("will", "name") == []

    def test_recall_of_a_stranger(self, making: Making) -> None:
        """A user whom nobody knows has the schema's empty document, and no row is made."""
        bench = making()
        recalled = bench.verbs.recall("nobody")
        assert (recalled.revision, recalled.updated_at, recalled.pending) == (0, None, 0)
        assert recalled.document["interests"] == []
        assert recalled.value.name is None
        assert recalled.render() == ""

    def test_what_was_said_ahead_is_read_though_nothing_follows(self, making: Making) -> None:
        """Put right by a day, a host reads what waits at once, and hears what is said anew."""
        bench, ahead = making(delay=1.0), FakeClock()
        ahead.advance(86_400)
        early = bench.another(delay=1.0, clock=ahead)
        early.remember("will", "t", ["I like chess"])
        early.edit("ana", {"interests": ["go"]}, by="support")
        assert bench.verbs.memory.driver.read(next_due).unclean
        bench.verbs.run_due()
        assert bench.interests("will") == ["chess"]
        assert not bench.verbs.memory.driver.read(next_due).unclean
        bench.verbs.remember("ana", "t", ["I like tea"])
        bench.clock.advance(2)
        bench.verbs.run_due()
        assert bench.interests("ana") == ["go", "tea"]

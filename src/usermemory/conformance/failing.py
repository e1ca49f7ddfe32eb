"""What happens on every database when a model or a worker fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from usermemory.conformance.harness import Bench
from usermemory.errors import ExtractionError, ExtractionReason, ProviderError, StoreError
from usermemory.gate import Gate
from usermemory.records import Event, Message
from usermemory.retry import Retry
from usermemory.store.flows.claim import claim_due, drop
from usermemory.store.flows.commit import Result, commit
from usermemory.store.flows.recall import figures, next_due
from usermemory.testing import FakeClock

Making = Callable[..., Bench]


class Failing:
    """Tests of retries, dead letters, lost leases and fairness."""

    def test_failure_is_retried(self, making: Making) -> None:
        """A failed consolidation says why, keeps its messages and is tried again after a while."""
        bench = making(delay=0.0, retry=Retry(attempts=3, base=10.0))
        bench.listener.failing = ProviderError("503 from the provider", "unavailable")
        bench.verbs.remember("will", "t", ["I like chess"])
        (failed,) = bench.verbs.run_due()
        assert (failed.status, failed.reason) == ("failed", "unavailable")
        assert bench.clock.now() + 5 <= failed.retry_at <= bench.clock.now() + 10
        assert bench.verbs.run_due() == []
        bench.listener.failing = None
        bench.clock.advance(10)
        bench.verbs.run_due()
        assert bench.interests("will") == ["chess"]

    def test_retry_after_is_respected(self, making: Making) -> None:
        """A provider that says how long to wait is not asked sooner, even for a new message."""
        bench = making(delay=0.0)
        bench.listener.failing = ProviderError("429", "rate_limited", retry_after=500.0)
        bench.verbs.remember("will", "t", ["I like chess"])
        (failed,) = bench.verbs.run_due()
        assert failed.retry_at == bench.clock.now() + 500
        bench.verbs.remember("will", "t", ["I like tea"])
        assert bench.verbs.run_due() == []
        bench.clock.advance(500)
        assert len(bench.verbs.run_due()) == 1

    def test_what_cannot_be_stored(self, making: Making) -> None:
        """A model is asked once, however often its answer is not stored; then the batch fails."""
        bench = making(delay=0.0, retry=Retry(attempts=5, base=10.0))

        def refuse(when: str, flow: str, statement: str) -> None:
            if (when, flow, statement) == ("before", "commit", "mark_read"):
                raise StoreError("it does not take this")

        bench.verbs.remember("will", "t", ["I like chess"])
        bench.memories[0].driver.hook = refuse
        for _ in range(2):
            with pytest.raises(StoreError, match="does not take"):
                bench.verbs.run_due()
        (failed,) = bench.verbs.run_due()
        assert failed.reason == "not_stored"
        (job,) = bench.verbs.jobs()
        assert (job.attempts, "does not take" in job.last_error) == (1, True)
        bench.memories[0].driver.hook = None
        bench.clock.advance(10)
        bench.verbs.run_due()
        assert bench.interests("will") == ["chess"]
        assert len(bench.listener.read) == 1
        assert sum(one.usage.calls for one in bench.verbs.costs("will")) == 1

    def test_dead_letter(self, making: Making) -> None:
        """After the last attempt a thread is a dead letter with its error, which one can retry."""
        bench = making(delay=0.0, retry=Retry(attempts=2, base=1.0))
        bench.listener.failing = ZeroDivisionError("of the extractor's own")
        bench.verbs.remember("will", "t", ["I like chess"])
        for _ in range(2):
            bench.verbs.run_due()
            bench.clock.advance(10)
        (dead,) = bench.verbs.jobs("dead")
        assert (dead.attempts, dead.unread, dead.due_at) == (2, 1, None)
        assert "ZeroDivisionError" in dead.last_error
        assert bench.verbs.run_due() == []
        bench.listener.failing = None
        assert bench.verbs.retry("will", "t")
        bench.verbs.run_due()
        assert (bench.interests("will"), bench.verbs.jobs()) == (["chess"], [])

    def test_dead_letter_reopened_by_a_message(self, making: Making) -> None:
        """A new message reopens a dead thread with fresh attempts, and all of it is read."""
        bench = making(delay=0.0, retry=Retry(attempts=1))
        bench.listener.failing = ZeroDivisionError()
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.verbs.run_due()
        bench.listener.failing = None
        bench.verbs.remember("will", "t", ["I like tea"])
        bench.verbs.run_due()
        assert bench.interests("will") == ["chess", "tea"]

    def test_a_reopened_thread_has_fresh_attempts(self, making: Making) -> None:
        """A dead thread that a message reopened is tried as often as any other before it dies."""
        bench = making(delay=0.0, retry=Retry(attempts=2, base=1.0))
        bench.listener.failing = ZeroDivisionError()
        for text in ("I like chess", "I like tea"):
            bench.verbs.remember("will", "t", [text])
            bench.verbs.run_due()
            assert [job.state for job in bench.verbs.jobs()] == ["waiting"]
            bench.clock.advance(10)
            bench.verbs.run_due()
            assert [job.state for job in bench.verbs.jobs()] == ["dead"]

    def test_a_cut_off_answer_halves_the_batch(self, making: Making) -> None:
        """An answer cut off at the token limit halves the batch; each half is read on its own."""
        bench = making(delay=0.0)
        texts = [f"I like number {number}" for number in range(6)]
        bench.listener.refusing = lambda batch: (
            ExtractionError("cut off", "truncated") if len(batch) > 3 else None
        )
        bench.verbs.remember("will", "t", texts)
        outcomes = bench.verbs.trigger("will", "t")
        assert [(outcome.status, outcome.messages) for outcome in outcomes] == [
            ("failed", 6),
            ("changed", 3),
            ("changed", 3),
        ]
        assert len(bench.interests("will")) == 6

    def test_poison(self, making: Making) -> None:
        """A turn that makes the model fail dies alone: the rest of its thread is learned."""
        bench = making(delay=0.0, retry=Retry(attempts=3, base=1.0))
        texts = [f"I like number {number}" for number in range(7)]
        bench.listener.refusing = lambda batch: (
            ExtractionError("no", "refused") if "I like number 4" in batch else None
        )
        bench.verbs.remember("will", "t", texts)
        for _ in range(40):
            bench.verbs.run_due()
            bench.clock.advance(100)
        (job,) = bench.verbs.jobs("dead")
        assert (job.unread, job.dead, job.due_at) == (0, 1, None)
        assert sorted(bench.interests("will")) == [f"number {n}" for n in range(7) if n != 4]
        bench.listener.refusing = lambda _: None
        assert bench.verbs.retry("will", "t")
        bench.verbs.run_due()
        assert len(bench.interests("will")) == 7
        assert bench.verbs.jobs() == []

    def test_drop_of_the_dead(self, making: Making) -> None:
        """Dropping a job drops its dead messages too."""
        bench = making(delay=0.0, retry=Retry(attempts=1))
        bench.listener.failing = ExtractionError("no", "refused")
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.verbs.run_due()
        assert bench.verbs.drop("will", "t") == 1
        assert bench.verbs.jobs() == []

    def test_a_provider_that_is_down_blames_no_message(self, making: Making) -> None:
        """However long the provider fails, a batch waits whole, and is no dead letter."""
        bench = making(delay=0.0, retry=Retry(attempts=2, base=1.0, outage=60.0))
        bench.listener.failing = ProviderError("503", "unavailable")
        bench.verbs.remember("will", "t", ["I like chess", "I like tea"])
        for _ in range(12):
            assert [outcome.messages for outcome in bench.verbs.run_due()] == [2]
            bench.clock.advance(100)
        (job,) = bench.verbs.jobs()
        assert (job.state, job.unread, job.dead, job.attempts) == ("waiting", 2, 0, 0)
        bench.listener.failing = None
        bench.verbs.run_due()
        assert bench.interests("will") == ["chess", "tea"]

    def test_a_model_that_never_ends_is_an_outage(self, making: Making) -> None:
        """A call that takes longer than the limit is given up, and blames nobody."""
        bench = making(delay=0.0, retry=Retry(attempts=1, base=1.0, limit=0.0))
        answers = threading.Event()
        bench.listener.meanwhile(lambda: answers.wait(30))
        bench.verbs.remember("will", "t", ["I like chess"])
        (failed,) = bench.verbs.run_due()
        answers.set()
        assert (failed.status, failed.reason) == ("failed", "timeout")
        assert bench.verbs.jobs("dead") == []
        patient = bench.another(delay=0.0)
        bench.clock.advance(3600)
        patient.run_due()
        assert bench.interests("will") == ["chess"]

    def test_an_outage_is_one_event(self, making: Making) -> None:
        """While the provider is down one thread asks it at a time; the others wait unasked."""
        events: list[Event] = []
        retry = Retry(base=10.0, outage=60.0)
        bench = making(delay=0.0, retry=retry, on_event=events.append)
        bench.listener.failing = ProviderError("503", "unavailable")
        users = [f"u{number}" for number in range(6)]
        for user_id in users:
            bench.verbs.remember(user_id, "t", ["I like chess"])
        for _ in range(4):
            bench.verbs.run_due()
            bench.clock.advance(60)
        assert [event.kind for event in events if event.kind in {"failed", "held"}] == ["failed"]
        assert len(bench.listener.read) == 4
        assert [job.dead for job in bench.verbs.jobs()] == [0] * 6
        bench.listener.failing = None
        while bench.verbs.jobs():
            bench.clock.advance(60)
            bench.verbs.run_due()
        assert all(bench.interests(user_id) == ["chess"] for user_id in users)

    def test_a_gate_is_asked_after_an_outage(self, making: Making) -> None:
        """Who waited for the provider has not passed the gate; a gate that raises lets through."""

        class Shut(Gate):
            def opens(self, batch: Sequence[Message]) -> bool:
                if any("broken" in message.text for message in batch):
                    raise ZeroDivisionError
                return any("open" in message.text for message in batch)

            def at_once(self, count: int, characters: int) -> bool:
                return count // 0 > characters

        bench = making(delay=0.0, gate=Shut(), retry=Retry(base=10.0))
        bench.listener.failing = ProviderError("503", "unavailable")
        for user_id, text in (("ana", "open"), ("bo", "I like tea"), ("will", "broken gate")):
            bench.verbs.remember(user_id, "t", [text])
        bench.verbs.run_due()
        bench.listener.failing = None
        bench.clock.advance(60)
        bench.verbs.run_due()
        assert sorted(bench.listener.texts) == ["broken gate", "open", "open"]
        assert [(job.user_id, job.last_error[:5]) for job in bench.verbs.jobs()] == [
            ("bo", "gate:")
        ]
        assert bench.verbs.retry_all() == []

    def test_an_answer_that_cannot_be_used_ends_an_outage(self, making: Making) -> None:
        """Whoever asks first is answered, if badly: the others wait no longer for the provider."""
        bench = making(delay=0.0, retry=Retry(base=10.0))
        bench.listener.failing = ProviderError("503", "unavailable")
        users = [f"u{number}" for number in range(3)]
        for user_id in users:
            bench.verbs.remember(user_id, "t", ["I like chess"])
        bench.verbs.run_due()
        bench.listener.failing = None
        asked = len(bench.listener.read)
        bench.listener.refusing = lambda _: (
            ExtractionError("no JSON") if len(bench.listener.read) == asked + 1 else None
        )
        bench.clock.advance(10)
        ended = [outcome.status for outcome in bench.verbs.run_due()]
        bench.clock.advance(1)
        ended += [outcome.status for outcome in bench.verbs.run_due()]
        assert sorted(ended) == ["changed", "changed", "failed"]

    def test_an_extractor_that_exits(self, making: Making) -> None:
        """``SystemExit`` of an extractor's is a failed attempt, and no end of anything."""
        bench = making(delay=0.0)
        bench.listener.failing = SystemExit(3)
        bench.verbs.remember("will", "t", ["I like chess"])
        (failed,) = bench.verbs.run_due()
        assert (failed.status, failed.error) == ("failed", "SystemExit")

    def test_all_that_failed_is_retried(self, making: Making) -> None:
        """Dead letters and other failures are due again, by their error if asked."""
        bench = making(delay=0.0, retry=Retry(attempts=1))
        bench.listener.refusing = lambda batch: (
            ZeroDivisionError() if "I like tea" in batch else ExtractionError("no", "refused")
        )
        for user_id, text in (("will", "I like tea"), ("ana", "I like chess")):
            bench.verbs.remember(user_id, "t", [text])
        bench.verbs.run_due()
        bench.listener.refusing = lambda _: None
        assert [job.user_id for job in bench.verbs.retry_all("zerodiv", dry_run=True)] == ["will"]
        assert bench.verbs.run_due() == []
        assert [job.user_id for job in bench.verbs.retry_all("ZeroDiv")] == ["will"]
        bench.verbs.run_due()
        assert len(bench.verbs.retry_all()) == 1
        bench.verbs.run_due()
        assert (bench.verbs.jobs(), bench.interests("ana")) == ([], ["chess"])

    def test_a_clock_that_ran_ahead(self, making: Making) -> None:
        """What a host wrote whose clock ran ahead stops nobody once it is put right."""
        bench, ahead = making(delay=1.0), FakeClock()
        ahead.advance(7_200)
        early = bench.another(delay=1.0, clock=ahead)
        early.remember("will", "t", ["I like chess"])
        ahead.advance(1)
        early.run_due()
        early.remember("will", "later", ["I like fog"])
        bench.verbs.remember("will", "other", ["I like tea"])
        bench.clock.advance(2)
        while bench.verbs.run_due():
            pass
        assert sorted(bench.interests("will")) == ["chess", "fog", "tea"]
        early.edit("will", {"interests": []}, by="will")
        bench.verbs.remember("will", "after", ["I like cats"])
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["cats"]

    def test_daily_budget(self, making: Making) -> None:
        """A user who has cost the day's budget waits for the next day; others do not."""
        bench = making(delay=0.0, daily_tokens=15)
        for text in ["I like chess", "I like tea", "I like fog"]:
            bench.verbs.remember("will", "t", [text])
            bench.verbs.run_due()
        assert bench.interests("will") == ["chess", "tea"]
        assert "budget" in bench.verbs.jobs()[0].last_error
        bench.verbs.remember("ana", "t", ["I like cats"])
        bench.verbs.run_due()
        assert bench.interests("ana") == ["cats"]
        bench.clock.advance(86_400)
        bench.verbs.run_due()
        assert bench.interests("will") == ["chess", "tea", "fog"]

    @pytest.mark.parametrize("reason", ["refused", "unusable"])
    def test_dropped_while_it_fails(self, making: Making, reason: ExtractionReason) -> None:
        """What is dropped while the model fails on it is gone: neither dead nor tried again."""
        bench = making(delay=0.0, retry=Retry(attempts=1 if reason == "refused" else 8))
        bench.verbs.remember("will", "t", ["I like chess"])
        driver = bench.verbs.memory.driver
        bench.listener.failing = ExtractionError("no", reason)
        bench.listener.meanwhile(lambda: driver.write(drop, "will", "t"))
        bench.verbs.run_due()
        assert bench.verbs.jobs() == []
        assert driver.read(next_due).wait is None
        assert driver.read(figures).dead == 0

    def test_dropped_while_it_is_read(self, making: Making) -> None:
        """What is dropped while the model reads it teaches nothing."""
        bench = making(delay=0.0)
        bench.verbs.remember("will", "t", ["I like chess"])
        driver = bench.verbs.memory.driver
        bench.listener.meanwhile(lambda: driver.write(drop, "will", "t"))
        (outcome,) = bench.verbs.run_due()
        assert (outcome.status, outcome.reason) == ("failed", "forgotten")
        assert bench.verbs.recall("will").revision == 0
        assert (bench.verbs.jobs(), driver.read(next_due).wait) == ([], None)
        bench.verbs.remember("will", "t", ["I like tea"])
        bench.verbs.run_due()
        assert bench.interests("will") == ["tea"]

    def test_drop(self, making: Making) -> None:
        """A dropped job's messages are never read, also when the thread is passed again."""
        bench = making()
        messages = [{"role": "user", "content": "I like chess", "id": "1"}]
        bench.verbs.remember("will", "t", messages)
        assert bench.verbs.drop("will", "t") == 1
        bench.verbs.remember("will", "t", messages)
        assert (bench.verbs.trigger("will"), bench.verbs.jobs()) == ([], [])

    def test_an_extractor_that_breaks(self, making: Making) -> None:
        """An error of any kind is an outcome, its text is not kept, and the batch is retried."""
        bench = making(delay=0.0)
        bench.listener.failing = KeyError("what the user said")
        bench.verbs.remember("will", "t", ["I like chess"])
        (failed,) = bench.verbs.run_due()
        assert (failed.reason, failed.error) == ("extractor_error", "KeyError")
        assert bench.verbs.recall("will").pending == 1

    def test_a_lost_lease_commits_nothing(self, making: Making) -> None:
        """A worker whose lease ran out cannot commit once another has claimed the user."""
        bench = making(delay=0.0)
        bench.verbs.remember("will", "t", ["I like chess"])
        driver = bench.verbs.memory.driver
        driver.open()
        slow = driver.write(claim_due, "slow", 60.0)
        assert slow is not None
        bench.clock.advance(61)
        bench.verbs.run_due()
        result = Result(seqs=(1,), document={"interests": ["overwritten"]})
        assert driver.write(commit, slow, result) == "lost"
        assert bench.interests("will") == ["chess"]

    def test_a_dead_worker_is_replaced(self, making: Making) -> None:
        """A claim whose worker died is taken over when its lease runs out, and not before."""
        bench = making(delay=0.0)
        bench.verbs.remember("will", "t", ["I like chess"])
        driver = bench.verbs.memory.driver
        driver.write(claim_due, "dies", 60.0)
        assert bench.verbs.run_due() == []
        bench.clock.advance(61)
        assert len(bench.verbs.run_due()) == 1

    def test_fairness(self, making: Making) -> None:
        """A user with many threads moves behind the others after each batch."""
        bench = making(delay=0.0)
        for number in range(5):
            bench.verbs.remember("busy", f"t{number}", [f"I like busy {number}"])
        bench.clock.advance(1)
        for user_id in ["ana", "ben"]:
            bench.verbs.remember(user_id, "t", [f"I like {user_id}"])
        bench.clock.advance(1)
        order: list[str] = []
        while outcomes := bench.verbs.run_due(1):
            order += [outcome.user_id for outcome in outcomes]
            bench.clock.advance(1)
        assert order[:3] == ["busy", "ana", "ben"]
        assert len(order) == 7

"""What happens on every database when a model or a worker fails."""

from __future__ import annotations

from collections.abc import Callable

from usermemory.conformance.harness import Bench
from usermemory.errors import ExtractionError, ProviderError
from usermemory.retry import Retry
from usermemory.store.flows.claim import claim_due
from usermemory.store.flows.commit import Result, commit

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

    def test_dead_letter(self, making: Making) -> None:
        """After the last attempt a thread is a dead letter with its error, which one can retry."""
        bench = making(delay=0.0, retry=Retry(attempts=2, base=1.0))
        bench.listener.failing = ExtractionError("the answer was no JSON")
        bench.verbs.remember("will", "t", ["I like chess"])
        for _ in range(2):
            bench.verbs.run_due()
            bench.clock.advance(10)
        (dead,) = bench.verbs.jobs("dead")
        assert (dead.attempts, dead.unread, dead.due_at) == (2, 1, None)
        assert "no JSON" in dead.last_error
        assert bench.verbs.run_due() == []
        bench.listener.failing = None
        assert bench.verbs.retry("will", "t")
        bench.verbs.run_due()
        assert (bench.interests("will"), bench.verbs.jobs()) == (["chess"], [])

    def test_dead_letter_reopened_by_a_message(self, making: Making) -> None:
        """A new message reopens a dead thread with fresh attempts, and all of it is read."""
        bench = making(delay=0.0, retry=Retry(attempts=1))
        bench.listener.failing = ExtractionError("no")
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.verbs.run_due()
        bench.listener.failing = None
        bench.verbs.remember("will", "t", ["I like tea"])
        bench.verbs.run_due()
        assert bench.interests("will") == ["chess", "tea"]

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

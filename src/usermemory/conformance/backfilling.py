"""What is promised of conversations from before the memory was in use, on every database."""

from __future__ import annotations

import pytest

from usermemory.conformance.remembering import Making, with_ids
from usermemory.gate import Count

OLD = with_ids([("user", "I like chess"), ("assistant", "Nice"), ("user", "I like tea")], "old")
YEAR = 365 * 86_400.0


class Backfilling:
    """Tests of backfill, news and profiles."""

    def test_a_thread_is_taken_in_once(self, making: Making) -> None:
        """News says how much is unknown; what was backfilled is known, to remember as well."""
        bench = making()
        news = bench.verbs.news("will", "t", OLD)
        assert (news.new, news.by_user) == (3, 2)
        assert bench.verbs.backfill("will", "t", OLD[:2]).new == 2
        assert bench.verbs.news("will", "t", OLD).new == 1
        assert bench.verbs.backfill("will", "t", OLD).new == 1
        assert bench.verbs.remember("will", "t", OLD).new == 0
        bench.verbs.trigger("will")
        assert bench.verbs.news("will", "t", OLD).new == 0
        assert bench.interests("will") == ["chess", "tea"]

    def test_it_is_due_at_once_and_keeps_a_schedule(self, making: Making) -> None:
        """A thread of the past waits for no quiet time; one that a chat goes on in does."""
        bench = making(delay=60)
        assert bench.verbs.backfill("will", "old", OLD).due_at == bench.clock.now()
        due_at = bench.verbs.remember("will", "live", with_ids([("user", "hello")])).due_at
        assert bench.verbs.backfill("will", "live", OLD).due_at == due_at
        bench.clock.advance(1)
        assert [outcome.thread_id for outcome in bench.verbs.run_due()] == ["old"]

    def test_times(self, making: Making) -> None:
        """A message has its own time, else the one given for it, else that of the thread's end."""
        bench = making()
        now = bench.clock.now()
        late = with_ids([("user", "I like fog")], "late")
        told = [OLD[0], OLD[1], {**OLD[2], "timestamp": now - 3 * YEAR}, *late]
        said = {"late0": now - 2 * YEAR, "old2": now}
        bench.verbs.backfill("will", "t", told, said=said, before=now - YEAR)
        bench.verbs.trigger("will")
        ages = {e.quote: (now - e.at) / YEAR for e in bench.verbs.why("will", "interests")}
        assert ages == {"I like chess": 1, "I like tea": 3, "I like fog": 2}

    def test_it_was_received_before_all_else(self, making: Making) -> None:
        """What was just said in another thread is newer than whatever is backfilled after it."""
        bench = making()
        bench.verbs.remember("will", "live", [("user", "just now")])
        bench.clock.advance(60)
        old = {**OLD[0], "timestamp": bench.clock.now() - YEAR}
        bench.verbs.backfill("will", "dated", [old])
        bench.verbs.backfill("will", "undated", OLD[2:])
        tail = bench.verbs.recall("will", tail=True).tail
        assert [said.text for said in tail] == ["I like tea", "I like chess", "just now"]

    @pytest.mark.parametrize("what", ["a value", "the user"])
    def test_what_was_forgotten_is_not_learned_from_the_past(
        self, making: Making, what: str
    ) -> None:
        """Old words bring nothing back that was erased since, be it a value or the whole user."""
        bench = making()
        bench.verbs.remember("will", "live", with_ids([("user", "I like chess")]))
        bench.verbs.trigger("will")
        if what == "the user":
            bench.verbs.forget_user("will")
        else:
            bench.verbs.forget("will", "interests", "chess")
        bench.clock.advance(60)
        bench.verbs.backfill("will", "old", OLD)
        bench.verbs.trigger("will")
        assert bench.interests("will") == (["tea"] if what == "a value" else [])

    def test_what_was_said_again_since_is_learned(self, making: Making) -> None:
        """A message that tells its own time, after the erasure, teaches what was erased before."""
        bench = making()
        bench.verbs.remember("will", "live", with_ids([("user", "I like chess")]))
        bench.verbs.trigger("will")
        bench.verbs.forget("will", "interests", "chess")
        later = bench.clock.advance(60)
        bench.verbs.backfill("will", "old", [{**OLD[0], "timestamp": later}, *OLD[1:]])
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["chess", "tea"]

    def test_the_gate_applies(self, making: Making) -> None:
        """Old messages are held like new ones, and for as long, however old they are."""
        bench = making(gate=Count(3), hold_max=60.0)
        bench.verbs.backfill("will", "t", OLD[:1])
        assert [outcome.status for outcome in bench.verbs.run_due()] == ["held"]
        assert bench.verbs.run_due() == []
        bench.clock.advance(61)
        assert [outcome.status for outcome in bench.verbs.run_due()] == ["changed"]

    def test_the_rest_of_a_long_thread_has_waited_since_the_backfill(self, making: Making) -> None:
        """What is left over from a first batch has not waited since it was said."""
        bench = making(max_changes=1_000, gate=Count(4), hold_max=60.0)
        many = with_ids([("user", f"I like thing {n}") for n in range(202)], "many")
        dated = [{**message, "timestamp": bench.clock.now() - YEAR} for message in many]
        bench.verbs.backfill("will", "t", dated)
        assert [outcome.status for outcome in bench.verbs.run_due()] == ["changed", "held"]

    def test_a_paused_user_is_left_for_later(self, making: Making) -> None:
        """Nothing is taken in of a paused user, nor marked as seen: after resume it is learned."""
        bench = making()
        bench.verbs.pause("will")
        assert bench.verbs.backfill("will", "t", OLD).new == 0
        news = bench.verbs.news("will", "t", OLD)
        assert (news.new, news.paused) == (3, True)
        bench.verbs.resume("will")
        bench.verbs.backfill("will", "t", OLD)
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["chess", "tea"]

    def test_everybodys_profile_page_by_page(self, making: Making) -> None:
        """Each user with a profile is on exactly one page, as a recall would show it."""
        bench = making()
        for number in range(5):
            bench.verbs.remember(f"user {number}", "t", [("user", f"I like thing {number}")])
        bench.verbs.remember("unread", "t", [("user", "I like silence")])
        for number in range(5):
            bench.verbs.trigger(f"user {number}")
        pages = [bench.verbs.profiles(limit=3)]
        while pages[-1]:
            pages.append(bench.verbs.profiles(after=pages[-1][-1][0], limit=3))
        assert [len(page) for page in pages] == [3, 2, 0]
        assert [user for page in pages for user, _ in page] == [f"user {n}" for n in range(5)]
        for user, known in pages[0]:
            assert known == bench.verbs.recall(user)

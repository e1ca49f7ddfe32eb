"""What changes and erasures that a tool proposes promise on every database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from usermemory.conformance.harness import Bench
from usermemory.errors import InvalidInput
from usermemory.records import Change, Forgotten, Refused

Making = Callable[..., Bench]


def like(thing: str) -> Change:
    """One more interest."""
    return Change("interests", "add", thing, f"I like {thing}")


class Proposing:
    """Tests of propose and propose_erasure."""

    def test_a_proposal_is_a_revision(self, making: Making) -> None:
        """What the words bear out is written at once, the rest is refused with its reason."""
        bench = making()
        said = ["I like chess"]
        proposed = bench.verbs.propose("will", "t", [like("chess"), like("tea")], said, by="tool")
        assert (proposed.revision.number, proposed.revision.by) == (1, "tool")
        assert proposed.revision.thread_id == "t"
        assert [one.reason for one in proposed.rejections] == ["quote_not_found"]
        assert bench.verbs.history("will") == [proposed.revision]
        assert bench.interests("will") == ["chess"]

    def test_the_job_does_not_learn_it_twice(self, making: Making) -> None:
        """A message that a proposal rests on is read later, and changes nothing."""
        bench = making()
        said = [{"role": "user", "content": "I like chess", "id": "m1"}]
        bench.verbs.remember("will", "t", ["Hello", *said])
        bench.verbs.propose("will", "t", [like("chess")], said)
        (evidence,) = bench.verbs.why("will", "interests", "chess")
        assert (evidence.message_id, evidence.seq) == ("m1", 2)
        (outcome,) = bench.verbs.trigger("will")
        assert outcome.status == "unchanged"
        assert [one.reason for one in outcome.rejections] == ["duplicate"]

    def test_a_proposal_while_a_batch_is_read(self, making: Making) -> None:
        """Both are kept: the batch is applied to the profile as the proposal left it."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like tea"])
        said = ["I like chess"]
        bench.listener.meanwhile(lambda: bench.verbs.propose("will", "u", [like("chess")], said))
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["chess", "tea"]

    def test_said_again(self, making: Making) -> None:
        """What is known already is confirmed by it, and no revision is made."""
        bench = making()
        said = ["I like chess"]
        bench.verbs.propose("will", "t", [like("chess")], said)
        bench.clock.advance(60)
        again = bench.verbs.propose("will", "u", [like("chess")], said)
        assert again.revision is None
        (dated,) = bench.verbs.recall("will").dates
        assert (dated.item, dated.confirmed) == ("chess", float(int(bench.clock.now())))

    @pytest.mark.parametrize("review", [None, "all"])
    def test_secrets_stay_out(self, making: Making, review: str | None) -> None:
        """What the inbox does not keep is in nothing that a tool proposes, nor in what waits."""
        bench = making(review=review)
        said = "My card is 4111 1111 1111 1111, my password is hunter2! I like chess"
        changes = [
            Change(
                "core_memories", "add", "card 4111-1111-1111-1111", "card is 4111 1111 1111 1111"
            ),
            Change("core_memories", "add", "says hunter2! to get in", "my password is hunter2!"),
            Change("core_memories", "add", "hunter2!", said),
            Change("interests", "add", "chess", said),
        ]
        proposed = bench.verbs.propose("will", "t", changes, [said])
        assert [one.reason for one in proposed.rejections] == ["no_value"]
        known = bench.verbs.recall("will").document
        waiting = [one.after for each in bench.verbs.proposals("will") for one in each.changes]
        assert "chess" in [*known["interests"], *waiting]
        assert len([*known["core_memories"], *waiting]) == (2 if review is None else 3)
        for secret in ("4111", "hunter2"):
            assert bench.verbs.verify_erased("will", secret).erased, secret

    @pytest.mark.parametrize("by", ["", " ", "undo", "migration", "tidy", None, 7])
    def test_names_that_nobody_bears(self, making: Making, by: Any) -> None:
        """What the memory signs its own revisions with is nobody's name."""
        bench = making()
        with pytest.raises(InvalidInput, match="by="):
            bench.verbs.propose("will", "t", [like("chess")], ["I like chess"], by=by)
        with pytest.raises(InvalidInput, match="by="):
            bench.verbs.edit("will", {"name": "Will"}, by=by)
        with pytest.raises(InvalidInput, match="by="):
            bench.verbs.approve("any", by=by)

    def test_a_paused_user_is_not_learned_about(self, making: Making) -> None:
        """Every change is refused while the user is paused."""
        bench = making()
        bench.verbs.pause("will")
        proposed = bench.verbs.propose("will", "t", [like("chess")], ["I like chess"])
        assert proposed.revision is None
        assert [one.reason for one in proposed.rejections] == ["paused"]

    def test_an_erasure_by_proposal(self, making: Making) -> None:
        """What the user asks to forget goes, and words from before bring it back no more."""
        bench = making()
        before = [{"role": "user", "content": "I like chess", "id": "m1"}]
        bench.verbs.remember("will", "t", before)
        bench.verbs.propose("will", "t", [like("chess")], before)
        erased = bench.verbs.propose_erasure
        refused = erased("will", "t", "interests", "chess", "Forget it all", before)
        assert isinstance(refused, Refused)
        bench.clock.advance(1)
        asked = ("will", "t", "interests", "chess", "Forget chess", ["Forget chess."])
        doubtful = erased(*asked)
        assert isinstance(doubtful, Refused)
        assert doubtful.reason == "doubtful", "no model takes a second look here"
        gone = erased(*asked, confirmed=True)
        assert isinstance(gone, Forgotten)
        assert bench.interests("will") == []
        again = bench.verbs.propose("will", "t", [like("chess")], before)
        assert [one.reason for one in again.rejections] == ["erased"]

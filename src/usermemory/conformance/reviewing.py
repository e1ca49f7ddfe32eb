"""What changes that wait for a person promise on every database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import BaseModel

from usermemory.conformance.harness import Bench
from usermemory.errors import Conflict, InvalidInput
from usermemory.records import Change, Proposal
from usermemory.schema import Remember

Making = Callable[..., Bench]


class Guarded(BaseModel):
    """Only what is liked waits."""

    city: str | None = None
    interests: Annotated[list[str], Remember(review=True)] = []


class Team(BaseModel):
    """What is true for everybody."""

    product: str | None = None
    hours: list[str] = []


def learned(bench: Bench, *texts: str, thread: str = "t") -> list[Proposal]:
    """Read some messages; what waits then."""
    bench.verbs.remember("will", thread, list(texts))
    bench.verbs.trigger("will")
    found: list[Proposal] = bench.verbs.proposals("will")
    return found


class Reviewing:
    """Tests of review, proposals, approve and decline."""

    def test_what_waits_changes_nothing(self, making: Making) -> None:
        """A change that waits is in no profile and no history, and names its words."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        assert bench.interests("will") == []
        assert bench.verbs.history("will") == []
        (change,) = proposal.changes
        assert (change.field, change.after) == ("interests", "chess")
        assert [one.quote for one in change.evidence] == ["I like chess"]
        assert bench.verbs.proposals() == [proposal]
        assert bench.verbs.proposals("ana") == []

    def test_approved(self, making: Making) -> None:
        """What is approved is a revision with its words, and undo takes it back."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        made = bench.verbs.approve(proposal.id, by="support-7")
        assert (made.revision.by, made.revision.thread_id) == ("support-7", "t")
        assert bench.interests("will") == ["chess"]
        (evidence,) = bench.verbs.why("will", "interests", "chess")
        assert (evidence.quote, evidence.seq) == ("I like chess", 1)
        assert bench.verbs.proposals() == []
        bench.verbs.undo("will")
        assert bench.interests("will") == []

    def test_decided_twice(self, making: Making) -> None:
        """Who decides on what is decided gets an error, and nothing is done."""
        bench = making(review="all")
        first, second = learned(bench, "I like chess", "I like tea")
        bench.verbs.approve(first.id)
        bench.verbs.decline(second.id)
        for gone in (first.id, second.id, "no such", "nu\0l", "", "x" * 100_000):
            with pytest.raises(Conflict, match="no proposal"):
                bench.verbs.approve(gone)
            with pytest.raises(Conflict, match="no proposal"):
                bench.verbs.decline(gone)
        assert bench.interests("will") == ["chess"]
        assert len(bench.verbs.history("will")) == 1

    def test_declined_words_do_not_come_back(self, making: Making) -> None:
        """The same words propose a declined change no more; other words do."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        bench.verbs.decline(proposal.id)
        assert learned(bench, "I like chess", thread="again") == []
        assert len(learned(bench, "I like chess.", "I like tea", thread="more")) == 1

    def test_what_waits_already(self, making: Making) -> None:
        """The same change in other words does not wait twice."""
        bench = making(review="all")
        learned(bench, "I like chess")
        assert len(learned(bench, "Hello", "I like chess", thread="u")) == 1

    def test_an_edited_value(self, making: Making) -> None:
        """A person may put it otherwise; it rests on the same words."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        bench.verbs.approve(proposal.id, value="chess, on Mondays")
        assert bench.interests("will") == ["chess, on Mondays"]
        assert len(bench.verbs.why("will", "interests")) == 1
        assert bench.verbs.history("will")[0].changes[0].edited

    def test_nothing_to_edit(self, making: Making) -> None:
        """What only takes away puts in nothing that one could edit."""
        bench = making(review="all")
        bench.verbs.edit("will", {"interests": ["chess"]}, by="will")
        bench.clock.advance(1)
        (proposal,) = learned(bench, "I gave up chess")
        with pytest.raises(InvalidInput, match="edit"):
            bench.verbs.approve(proposal.id, value="go")
        assert bench.verbs.approve(proposal.id).revision is not None
        assert bench.interests("will") == []

    def test_a_value_that_the_schema_refuses(self, making: Making) -> None:
        """It is refused with its reason, and the proposal waits on."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        made = bench.verbs.approve(proposal.id, value={"no": "text"})
        assert made.revision is None
        assert [one.reason for one in made.rejections] == ["wrong_type"]
        assert bench.verbs.proposals() == [proposal]

    def test_out_is_not_in(self, making: Making) -> None:
        """Words that were declined as taking something out may still put it in."""
        bench = making(review="all")
        bench.verbs.edit("will", {"interests": ["chess"]}, by="will")
        bench.clock.advance(1)
        said = ["Well, chess"]
        out = Change("interests", "remove", "chess", said[0])
        assert bench.verbs.propose("will", "t", [out], said).waiting == 1
        bench.verbs.decline(bench.verbs.proposals("will")[0].id)
        (gone,) = learned(bench, "I gave up chess")
        assert bench.verbs.approve(gone.id).revision is not None
        assert bench.verbs.propose("will", "t", [replace(out, action="add")], said).waiting == 1

    def test_declined_words_are_counted_out(self, making: Making) -> None:
        """An outcome tells how many wait, and not how many would have."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        bench.verbs.decline(proposal.id)
        bench.verbs.remember("will", "again", ["I like chess"])
        (outcome,) = bench.verbs.trigger("will")
        assert outcome.waiting == 0

    def test_a_field_that_is_marked(self, making: Making) -> None:
        """Only what its field marks waits, whatever else the same answer holds."""
        bench = making(schema=Guarded)
        said = ["I like chess", "I live in Bergen"]
        changes = [
            Change("interests", "add", "chess", said[0]),
            Change("city", "set", "Bergen", said[1]),
        ]
        proposed = bench.verbs.propose("will", "t", changes, said, by="tool")
        assert (proposed.revision.number, proposed.waiting) == (1, 1)
        assert bench.verbs.recall("will").document == {"city": "Bergen", "interests": []}
        (proposal,) = bench.verbs.proposals("will")
        assert (proposal.by, proposal.changes[0].after) == ("tool", "chess")

    def test_another_users(self, making: Making) -> None:
        """Who may decide for one user cannot decide for another."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        with pytest.raises(Conflict):
            bench.verbs.approve(proposal.id, user_id="ana")
        with pytest.raises(Conflict):
            bench.verbs.decline(proposal.id, user_id="ana")
        assert bench.verbs.approve(proposal.id, user_id="will").revision is not None

    def test_erased_words(self, making: Making) -> None:
        """What rests on words that are erased goes with them, by value, message, thread or user."""
        bench = making(review="all")
        for text, thread in (
            ("I like chess", "value"),
            ("I like tea", "message"),
            ("I like fog", "thread"),
            ("I like jazz", "user"),
        ):
            learned(bench, text, thread=thread)
        bench.clock.advance(1)
        assert bench.verbs.forget("will", "interests", "chess", dry_run=True).proposals == 1
        assert bench.verbs.forget("will", "interests", "chess").proposals == 1
        assert bench.verbs.forget_message("will", "message", 1).proposals == 1
        assert bench.verbs.forget_thread("will", "thread").proposals == 1
        assert [one.thread_id for one in bench.verbs.proposals()] == ["user"]
        bench.verbs.forget_user("will")
        assert bench.verbs.proposals() == []
        for word in ("chess", "tea", "fog", "jazz"):
            assert bench.verbs.verify_erased("will", word).erased, word

    def test_the_bot_is_told(self, making: Making) -> None:
        """With ``tell_waiting`` a recall shows what waits, marked, in the same statement."""
        bench = making(review="all", tell_waiting=1)
        learned(bench, "I like chess", "I like tea")
        text = bench.verbs.recall("will").render()
        assert "not confirmed" in text
        assert ("chess" in text) + ("tea" in text) == 1
        assert "chess" not in bench.another(review="all").recall("will").render()

    def test_a_shared_profile(self, making: Making) -> None:
        """Every recall brings it beside the user's own, and nothing is learned into it."""
        bench = making(schema=Team)
        bench.verbs.edit("team", {"product": "Ropes", "hours": ["9 to 5"]}, by="owner")
        bench.clock.advance(1)
        bot = bench.another(shared="team")
        bot.remember("will", "t", ["I like chess"])
        bot.trigger("will")
        recalled = bot.recall("will")
        assert recalled.document["interests"] == ["chess"]
        assert recalled.shared == {"product": "Ropes", "hours": ["9 to 5"]}
        text = recalled.render()
        assert text.index("chess") < text.index("<shared_facts>") < text.index("Ropes")
        assert bot.recall("nobody").shared == recalled.shared
        assert bot.recall("team").shared == {}
        # What waited already when it became that is not read either.
        bench.verbs.remember("team", "t", ["I like fog"])
        bench.clock.advance(3_600)
        assert [one.status for one in bot.run_due()] == ["held"]
        assert [one.status for one in bot.trigger("team")] == ["held"]
        assert bot.jobs()[0].last_error.startswith("shared: ")
        assert bench.listener.texts == ["I like chess"]
        with pytest.raises(InvalidInput, match="shared"):
            bot.remember("team", "t", ["I like tea"])
        with pytest.raises(InvalidInput, match="shared"):
            bot.propose(
                "team", "t", [Change("interests", "add", "tea", "I like tea")], ["I like tea"]
            )

    @pytest.mark.parametrize("value", ["chess", None])
    def test_the_words_of_what_waits(self, making: Making, value: str | None) -> None:
        """Erasing what only waits takes its message too, and names the thread."""
        bench = making(review="all", keep_messages="forever")
        learned(bench, "I like chess")
        bench.clock.advance(1)
        done = bench.verbs.forget("will", "interests", value)
        assert (done.proposals, done.messages, done.threads) == (1, 1, ("t",))
        assert bench.verbs.search("will", "chess") == []
        assert bench.verbs.verify_erased("will", "like chess").erased

    def test_an_edited_value_that_is_known(self, making: Making) -> None:
        """It is refused, and the proposal waits on."""
        bench = making(review="all")
        chess, tea = learned(bench, "I like chess", "I like tea")
        bench.verbs.approve(chess.id)
        made = bench.verbs.approve(tea.id, value="Chess")
        assert [one.reason for one in made.rejections] == ["duplicate"]
        assert bench.verbs.proposals() == [tea]

    def test_declined_words_by_a_tool(self, making: Making) -> None:
        """Who proposes them again is told that nothing waits."""
        bench = making(review="all")
        said = ["I like chess"]
        change = Change("interests", "add", "chess", said[0])
        assert bench.verbs.propose("will", "t", [change], said).waiting == 1
        assert bench.verbs.propose("will", "u", [change], said).waiting == 1
        (proposal,) = bench.verbs.proposals()
        bench.verbs.decline(proposal.id)
        assert bench.verbs.propose("will", "t", [change], said).waiting == 0

    def test_it_expires(self, making: Making) -> None:
        """What nobody decides on ends, and its words are off the tables."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        bench.clock.advance(91 * 86_400)
        assert bench.verbs.proposals() == []
        with pytest.raises(Conflict):
            bench.verbs.approve(proposal.id)
        bench.verbs.clean()
        assert not any(
            place.found
            for place in bench.verbs.verify_erased("will", "chess").places
            if place.where.endswith("proposals")
        )

    def test_it_travels(self, making: Making) -> None:
        """Export and import take what waits along, and what was declined; the user reads it."""
        bench = making(review="all")
        first, second = learned(bench, "I like chess", "I like tea")
        bench.verbs.decline(first.id)
        readable = bench.verbs.export("will", for_user=True)
        assert readable["waiting"][0]["changes"][0]["after"] == "tea"
        taken = bench.verbs.export("will")
        bench.verbs.forget_user("will")
        bench.verbs.memory.import_("bill", taken)
        (there,) = bench.verbs.proposals("bill")
        assert (there.id, there.changes) == (second.id, second.changes)

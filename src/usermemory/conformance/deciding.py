"""What deciding late on changes that wait promises on every database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from usermemory.conformance.harness import Bench
from usermemory.conformance.reviewing import Guarded, learned
from usermemory.errors import InvalidInput
from usermemory.records import Change
from usermemory.schema import Remember

Making = Callable[..., Bench]


class Protected(BaseModel):
    """The same, later."""

    city: Annotated[str | None, Remember(protect=True)] = None
    interests: list[str] = []


class Home(BaseModel):
    """A part of `Everything`."""

    city: str | None = None


class Goal(BaseModel):
    """An item of `Everything`."""

    name: str
    state: str | None = None


class Everything(BaseModel):
    """A field of each kind."""

    city: str | None = None
    interests: list[str] = []
    family: dict[str, str] = {}
    home: Home = Home()
    goals: list[Goal] = []


class Deciding:
    """Tests of approve and decline where the profile has moved since."""

    def test_an_edit_beside_it(self, making: Making) -> None:
        """What somebody edits beside what waits is not in its way; what is known is not added."""
        bench = making(review="all")
        chess, tea = learned(bench, "I like chess", "I like tea")
        bench.verbs.edit("will", {"interests": ["Chess", "fog"]}, by="will")
        bench.clock.advance(1)
        assert [one.reason for one in bench.verbs.approve(chess.id).rejections] == ["duplicate"]
        assert bench.verbs.approve(tea.id).revision is not None
        assert bench.interests("will") == ["Chess", "fog", "tea"]

    def test_the_same_value_edited(self, making: Making) -> None:
        """What somebody wrote by hand since is not replaced by what was said before."""
        bench = making(schema=Guarded, review="all")
        said = ["I live in Bergen"]
        change = Change("city", "set", "Bergen", said[0])
        assert bench.verbs.propose("will", "t", [change], said).waiting == 1
        bench.clock.advance(1)
        bench.verbs.edit("will", {"city": "Oslo"}, by="will")
        bench.clock.advance(1)
        (proposal,) = bench.verbs.proposals("will")
        made = bench.verbs.approve(proposal.id)
        assert made.revision is None
        assert [one.reason for one in made.rejections] == ["edited_by_hand"]
        assert bench.verbs.recall("will").document["city"] == "Oslo"

    @pytest.mark.parametrize(
        ("older", "newer", "kept"),
        [
            (("city", "set", "Rome", None), ("city", "set", "Paris", None), "Paris"),
            (("family", "set", "Ann", "mum"), ("family", "set", "Eve", "mum"), {"mum": "Eve"}),
            (("home", "update", "Rome", "city"), ("home", "update", "Paris", "city"), "Paris"),
            (("goals", "add", {"name": "Run", "state": "open"}, None),
             ("goals", "add", {"name": "Run", "state": "done"}, None), "done"),
        ],
    )  # fmt: skip
    def test_older_words_are_approved_last(
        self, making: Making, older: Any, newer: Any, kept: Any
    ) -> None:
        """In whatever order a person approves, what the user said last stands."""
        bench = making(schema=Everything, review="all")
        for user, order, last in (("will", (0, 1), []), ("ana", (1, 0), ["outdated"])):
            for text, (field, action, value, key) in (("First", older), ("Then", newer)):
                bench.clock.advance(60)
                change = Change(field, action, value, text, key=key)
                assert bench.verbs.propose(user, "t", [change], [text]).waiting == 1
            found = bench.verbs.proposals(user)
            made = [bench.verbs.approve(found[place].id, user_id=user) for place in order]
            assert [[one.reason for one in each.rejections] for each in made] == [[], last]
            assert str(kept).strip("{}") in str(bench.verbs.recall(user).document)

    def test_said_again_since(self, making: Making) -> None:
        """What is to go is kept where the user says it again before a person approves."""
        bench = making(schema=Everything, review="all")
        for action in ("add", "remove"):
            bench.clock.advance(60)
            change = Change("interests", action, "chess", "Well, chess")
            bench.verbs.propose("will", "t", [change], ["Well, chess"])
            if action == "add":
                bench.verbs.approve(bench.verbs.proposals("will")[0].id)
        (gone,) = bench.verbs.proposals("will")
        bench.clock.advance(60)
        learned(bench, "I like chess", thread="again")
        made = bench.verbs.approve(gone.id)
        assert [one.reason for one in made.rejections] == ["outdated"]
        assert bench.interests("will") == ["chess"]

    def test_protected_since(self, making: Making) -> None:
        """What only a hand may change by now, no old words change."""
        bench = making(schema=Guarded, review="all")
        change = Change("city", "set", "Bergen", "I live in Bergen")
        bench.verbs.propose("will", "t", [change], ["I live in Bergen"])
        (proposal,) = bench.verbs.proposals("will")
        made = bench.another(schema=Protected, review="all").approve(proposal.id)
        assert [one.reason for one in made.rejections] == ["protected"]

    def test_a_copied_user(self, making: Making) -> None:
        """A proposal of two users who share its id is decided on for the one who is named."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        bench.verbs.memory.import_("bill", bench.verbs.export("will"))
        with pytest.raises(InvalidInput, match="'bill'"):
            bench.verbs.approve(proposal.id)
        assert bench.verbs.approve(proposal.id, user_id="bill").revision is not None
        assert (bench.interests("will"), bench.interests("bill")) == ([], ["chess"])
        bench.verbs.decline(proposal.id)
        assert bench.verbs.proposals() == []

    def test_put_otherwise(self, making: Making) -> None:
        """What a person put otherwise is not proposed again from the same words."""
        bench = making(review="all")
        (proposal,) = learned(bench, "I like chess")
        bench.verbs.approve(proposal.id, value="blitz chess")
        assert learned(bench, "I like chess", thread="again") == []

    def test_declined_without_words(self, making: Making) -> None:
        """Where changes rest on no quotes, other words may propose what was declined."""
        bench = making(review="all", evidence="off")
        change = Change("interests", "add", "chess", "")
        assert bench.verbs.propose("will", "t", [change], ["I may like chess"]).waiting == 1
        bench.verbs.decline(bench.verbs.proposals("will")[0].id)
        assert bench.verbs.propose("will", "u", [change], ["I may like chess!"]).waiting == 0
        assert bench.verbs.propose("will", "v", [change], ["I do like chess"]).waiting == 1

    def test_an_unlearned_conversation(self, making: Making) -> None:
        """What waits of it is declined; what waits of another one stays."""
        bench = making(review="all")
        learned(bench, "I like chess")
        learned(bench, "I like tea", thread="u")
        bench.verbs.undo_thread("will", "t", dry_run=True)
        assert len(bench.verbs.proposals()) == 2
        bench.verbs.undo_thread("will", "t")
        assert [one.thread_id for one in bench.verbs.proposals()] == ["u"]

    def test_what_has_expired(self, making: Making) -> None:
        """What expired, cleaned away or not, waits no longer: it is proposed anew, and erased."""
        bench = making(review="all")
        (old,) = learned(bench, "I like chess")
        bench.clock.advance(91 * 86_400)
        (new,) = learned(bench, "I like chess", thread="again")
        assert new.at > old.expires_at
        bench.clock.advance(91 * 86_400)
        bench.verbs.forget("will", "interests", "chess")
        assert bench.verbs.verify_erased("will", "chess").erased

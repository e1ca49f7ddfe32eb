"""What erasing promises on every database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from usermemory.conformance.correcting import learn
from usermemory.conformance.harness import Bench
from usermemory.errors import InvalidInput
from usermemory.records import Change, OtherItem
from usermemory.store.copying import everything

Making = Callable[..., Bench]


def kept(bench: Bench, user_id: str = "will") -> str:
    """All rows of a user as text."""
    return everything(bench.verbs.memory.driver, user_id)


class Sport(BaseModel):
    """One that somebody does."""

    name: str
    with_whom: str | None = None
    gear: list[str] = []
    often: bool = False


class Sporty(BaseModel):
    """A profile whose items have parts."""

    sports: list[Sport] = []
    clubs: dict[str, list[str]] = {}


class Forgetting:
    """Tests of forget, forget_message, forget_thread and forget_user."""

    def test_a_value_is_gone_everywhere(self, making: Making) -> None:
        """Profile, history, quotes, inbox and tail hold nothing of it; the rest stays."""
        bench = making()
        learn(bench, "chess", "bouldering")
        bench.verbs.remember("will", "u", ["I said Bouldering, and I like tea"])
        done = bench.verbs.forget("will", "interests", "bouldering")
        assert (done.values, done.changes, done.quotes, done.threads) == (1, 1, 1, ("t", "u"))
        assert "bouldering" not in kept(bench).casefold()
        assert bench.interests("will") == ["chess"]
        (said,) = bench.verbs.recall("will", tail=True).tail
        assert said.text == "I said [erased], and I like tea"
        (newest, second, _) = bench.verbs.history("will")
        assert (newest.by, newest.changes[0].erased, newest.changes[0].field) == (
            "forget",
            True,
            "interests",
        )
        assert (second.changes[0].erased, second.changes[0].evidence[0].erased) == (True, True)

    def test_a_whole_field(self, making: Making) -> None:
        """With no value named, the field goes with its history."""
        bench = making()
        learn(bench, "chess", "tea")
        bench.verbs.undo("will", 1)
        bench.verbs.forget("will", "interests")
        assert bench.interests("will") == []
        assert "chess" not in kept(bench)
        assert "tea" not in kept(bench)

    def test_by_pointer(self, making: Making) -> None:
        """A JSON pointer names the item that stands there now."""
        bench = making()
        learn(bench, "chess", "tea")
        bench.verbs.forget("will", "/interests/0")
        assert bench.interests("will") == ["tea"]
        with pytest.raises(InvalidInput, match="nowhere"):
            bench.verbs.forget("will", "/interests/5")
        with pytest.raises(InvalidInput, match="no field"):
            bench.verbs.forget("will", "hobbies")

    def test_by_a_pointer_into_an_item(self, making: Making) -> None:
        """The part that stands there goes, not its item; what is no value of its own stays."""
        bench = making(schema=Sporty)
        sports = [
            {"name": "running", "with_whom": "Leo", "gear": ["shoes", "watch"], "often": True},
            {"name": "rowing", "with_whom": "Ann", "often": True},
            {"name": "skiing", "with_whom": "Ann"},
        ]
        bench.verbs.edit("will", {"sports": sports, "clubs": {"skiing": ["north"]}}, by="app")
        parts: dict[str, dict[str, Any]] = {
            "/sports/0/with_whom": {"name": "running", "with_whom": None, "often": True},
            "/sports/0/gear/0": {"name": "running", "gear": ["watch"]},
        }
        for pointer, left in parts.items():
            assert bench.verbs.forget("will", pointer).values == 1
            now = bench.verbs.recall("will").document["sports"]
            assert [one["name"] for one in now] == ["running", "rowing", "skiing"]
            assert left.items() <= now[0].items()
        assert "Leo" not in kept(bench)
        for pointer in ("/sports/0/nothing", "/sports/0/gear/1", "/sports/-1", "/sports/0/name/0"):
            with pytest.raises(InvalidInput, match="nowhere"):
                bench.verbs.forget("will", pointer)
        for pointer in ("/sports/1/with_whom", "/sports/1/often", "/sports/0/with_whom"):
            with pytest.raises(InvalidInput, match="told from others"):
                bench.verbs.forget("will", pointer)
        bench.verbs.forget("will", "/clubs/skiing/0")
        now = bench.verbs.recall("will").document
        assert (now["clubs"], len(now["sports"])) == ({}, 3)

    def test_older_words_do_not_bring_it_back(self, making: Making) -> None:
        """What was received before teaches that field neither the value nor one like it."""
        bench = making()
        learn(bench, "the old harbour of Bergen")
        for text in [
            "I like the old harbours of Bergen",
            "I like Bergen's old harbour",
            "I like tea",
        ]:
            bench.verbs.remember("will", "u", [text])
        bench.clock.advance(1)
        bench.verbs.forget("will", "interests", "the old harbour of Bergen")
        (outcome,) = bench.verbs.trigger("will")
        assert [one.reason for one in outcome.rejections] == ["erased", "erased"]
        assert bench.interests("will") == ["tea"]

    def test_said_anew(self, making: Making) -> None:
        """The user may say it again afterwards, and it is learned."""
        bench = making()
        learn(bench, "chess")
        bench.verbs.forget("will", "interests", "chess")
        bench.clock.advance(1)
        learn(bench, "chess", thread_id="u")
        assert bench.interests("will") == ["chess"]

    def test_an_open_thread_passed_again(self, making: Making) -> None:
        """The whole conversation handed over once more is known, and teaches nothing anew."""
        bench = making()
        learn(bench, "chess")
        bench.verbs.forget("will", "interests", "chess")
        bench.clock.advance(1)
        assert bench.verbs.remember("will", "t", ["I like chess"]).new == 0
        assert bench.verbs.trigger("will") == []

    def test_forgotten_while_the_model_thinks(self, making: Making) -> None:
        """The running consolidation is discarded, read again, and brings nothing back."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess", "I like tea"])
        bench.clock.advance(1)
        bench.listener.meanwhile(lambda: bench.verbs.memory.forget("will", "interests", "chess"))
        outcomes = bench.verbs.trigger("will")
        assert [outcome.reason for outcome in outcomes] == ["forgotten", ""]
        assert bench.interests("will") == ["tea"]
        assert "chess" not in kept(bench)

    def test_a_message(self, making: Making) -> None:
        """Its text goes, and what rests on it alone; what rests on others too stays."""
        bench = making()
        for number, text in enumerate(["I like chess", "I like tea"]):
            said = {"role": "user", "content": text, "id": f"m{number}"}
            bench.verbs.remember("will", "t", [said])
            bench.verbs.trigger("will")
        bench.clock.advance(1)
        done = bench.verbs.forget_message("will", "t", "m0")
        assert (done.values, done.messages, done.threads) == (1, 1, ("t",))
        assert bench.interests("will") == ["tea"]
        assert "chess" not in kept(bench)
        assert "tea" in kept(bench)

    def test_a_thread(self, making: Making) -> None:
        """What a conversation taught is gone with its words, and is kept from coming back."""
        bench = making()
        learn(bench, "chess", thread_id="a")
        learn(bench, "tea", thread_id="b")
        bench.verbs.remember("will", "a", ["I like fog"])
        bench.verbs.remember("will", "b", ["I like chess"])
        bench.clock.advance(1)
        bench.verbs.forget_thread("will", "a")
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["tea"]
        assert "fog" not in kept(bench)

    def test_an_undone_value(self, making: Making) -> None:
        """What an undo put back goes with the thread that taught it."""
        bench = making()
        learn(bench, "chess", thread_id="a")
        bench.verbs.undo("will", bench.verbs.undo("will").revision.number)
        bench.verbs.forget_thread("will", "a")
        assert bench.interests("will") == []
        assert "chess" not in kept(bench)

    def test_a_user(self, making: Making) -> None:
        """Nothing is left but counters and marks: older words teach nothing, new ones do."""
        bench = making()
        learn(bench, "chess")
        bench.verbs.remember("will", "t", ["I like chess", "I like tea"])
        bench.verbs.remember("ana", "t", ["I like chess"])
        done = bench.verbs.forget_user("will")
        assert (done.values, done.threads) == (1, ("t",))
        assert not {word for word in ("chess", "tea") if word in kept(bench)}
        assert bench.verbs.history("will") == []
        assert bench.verbs.recall("will").revision == 0
        assert bench.verbs.remember("will", "t", ["I like chess", "I like tea"]).new == 0
        bench.clock.advance(1)
        learn(bench, "fog")
        assert bench.interests("will") == ["fog"]
        assert bench.verbs.history("will")[0].number == 3
        assert "chess" in kept(bench, "ana")

    def test_a_user_while_the_model_thinks(self, making: Making) -> None:
        """A worker that was still thinking restores nothing."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.listener.meanwhile(lambda: bench.verbs.memory.forget_user("will"))
        bench.verbs.trigger("will")
        assert bench.interests("will") == []
        assert "chess" not in kept(bench)

    def test_an_undo_restores_nothing_erased(self, making: Making) -> None:
        """A change whose values are erased cannot be taken back, and says so."""
        bench = making()
        bench.verbs.edit("will", {"name": "Bill"}, by="will")
        bench.verbs.edit("will", {"name": "Will"}, by="will")
        bench.verbs.forget("will", "name", "Bill")
        undone = bench.verbs.undo("will", 2)
        assert undone.revision is None
        assert [change.erased for change in undone.conflicts] == [True]
        assert bench.verbs.recall("will").document["name"] == "Will"
        assert "Bill" not in kept(bench)

    def test_a_value_that_is_not_there(self, making: Making) -> None:
        """Nothing is lost by it, and it is kept from being learned from older words."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess", "I like tea"])
        bench.clock.advance(1)
        assert bench.verbs.forget("will", "interests", "chess").values == 0
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["tea"]

    def test_what_is_no_item(self, making: Making) -> None:
        """What is no item is an error that lists the items, also where their quotes hold it."""
        bench = making()
        learn(bench, "bouldering", "ice climbing")
        for wrong in ("climbing", "ice", "chess", "like"):
            with pytest.raises(InvalidInput, match=r"no item of interests.*'ice climbing'"):
                bench.verbs.forget("will", "interests", wrong)
        assert bench.interests("will") == ["bouldering", "ice climbing"]
        assert [one.erased for one in bench.verbs.why("will", "interests")] == [False, False]
        assert bench.verbs.forget("will", "interests", "climbing", anywhere=True).quotes == 0
        assert bench.verbs.forget("will", "interests", "ice climbing").values == 1
        assert bench.verbs.forget("will", "interests", "ice climbing").values == 0

    def test_a_word_of_other_items_takes_nothing_from_them(self, making: Making) -> None:
        """A word that only stands in what items rest on is no item; unread it may be erased."""
        bench = making()
        learn(bench, "chess")
        (evidence,) = bench.verbs.why("will", "interests", "chess")
        word = evidence.quote.split()[1]
        with pytest.raises(InvalidInput, match="is no item"):
            bench.verbs.forget("will", "interests", word)
        bench.verbs.remember("will", "u", [f"Nobody should {word} golf"])
        bench.verbs.forget("will", "interests", word)
        assert bench.verbs.why("will", "interests", "chess") == [evidence]
        (said,) = bench.verbs.recall("will", tail=True).tail
        assert said.text == "Nobody should [erased] golf"

    def test_other_items_keep_their_words(self, making: Making) -> None:
        """What another item says more of is its own: value, quote and message stay."""
        bench = making()
        learn(bench, "table quoits", "quoits", "quoits rings")
        done = bench.verbs.forget("will", "interests", "quoits")
        assert (done.values, done.quotes, done.others) == (1, 1, ())
        assert bench.interests("will") == ["table quoits", "quoits rings"]
        said = {one.quote for one in bench.verbs.why("will", "interests")}
        assert said == {"I like quoits rings", "I like table quoits"}
        made = [one.changes[0].after for one in bench.verbs.history("will") if one.by == "model"]
        assert made == ["quoits rings", None, "table quoits"]
        assert bench.verbs.verify_erased("will", "quoits").erased
        assert not bench.verbs.verify_erased("will", "table quoits").erased

    def test_what_other_items_lose_is_listed(self, making: Making) -> None:
        """A quote that names the value goes from other items too, and a rehearsal says so."""
        bench = making()
        words = "I do golf and chess every Sunday"
        changes = [Change("interests", "add", what, words) for what in ("golf", "chess")]
        bench.verbs.propose("will", "t", changes, [("user", words)])
        rehearsed = bench.verbs.forget("will", "interests", "golf", dry_run=True)
        assert rehearsed.others == (OtherItem("interests", "chess", 1),)
        assert bench.verbs.forget("will", "interests", "golf").others == rehearsed.others
        assert bench.interests("will") == ["chess"]

    def test_other_fields_are_named(self, making: Making) -> None:
        """A value that another field mentions stays there, and is told."""
        bench = making()
        learn(bench, "chess")
        document = {"interests": ["chess"], "core_memories": ["Plays chess with Ana"]}
        bench.verbs.edit("will", document, by="will")
        assert bench.verbs.forget("will", "interests", "chess").elsewhere == ("core_memories",)
        assert bench.verbs.recall("will").document["core_memories"] == ["Plays chess with Ana"]

    def test_what_other_fields_said_before(self, making: Making) -> None:
        """What mentioned it once, and was replaced by what does not, is gone from the history."""
        bench = making()
        for name in ("Chess Will", "Will"):
            bench.verbs.edit("will", {"name": name, "interests": ["chess"]}, by="will")
        assert bench.verbs.forget("will", "interests", "chess").elsewhere == ()
        assert "chess" not in kept(bench).casefold()
        assert bench.verbs.recall("will").document["name"] == "Will"

    def test_it_is_clean_afterwards(self, making: Making) -> None:
        """With nobody reading, an erasure is complete when it returns."""
        bench = making()
        learn(bench, "chess")
        assert bench.verbs.forget("will", "interests", "chess").pending is False
        assert bench.verbs.clean() is True

    def test_a_rehearsed_erasure(self, making: Making) -> None:
        """What an erasure would reach can be asked for; it is the same, and nothing is done."""
        bench = making()
        learn(bench, "chess", "tea")
        bench.verbs.remember("will", "u", ["I said chess"])
        before = kept(bench)
        for verb, wanted in {
            "forget": ("interests", "chess"),
            "forget_message": ("t", 1),
            "forget_thread": ("t",),
            "forget_user": (),
        }.items():
            assert getattr(bench.verbs, verb)("will", *wanted, dry_run=True).values > 0
        assert kept(bench) == before
        tried = bench.verbs.forget("will", "interests", "chess", dry_run=True)
        assert bench.verbs.forget("will", "interests", "chess") == tried

    def test_a_thread_is_named_again(self, making: Making) -> None:
        """A thread of the user's is named even where nothing of it is left; another's is not."""
        bench = making()
        learn(bench, "chess", thread_id="a")
        assert bench.verbs.forget_thread("will", "a").threads == ("a",)
        assert bench.verbs.forget_thread("will", "a").threads == ("a",)
        assert bench.verbs.forget_thread("ana", "a").threads == ()

    def test_small_talk_of_other_threads(self, making: Making) -> None:
        """What is said in every conversation goes with none of them, nor does another thread."""
        bench = making()
        for thread in ("a", "b"):
            said = [("user", f"I like {thread}-minor"), ("assistant", "Nice!")]
            bench.verbs.remember("will", thread, said)
            bench.verbs.trigger("will")
        assert bench.verbs.forget_thread("will", "a").threads == ("a",)
        assert "Nice!" in kept(bench)

    def test_a_snapshot(self, making: Making) -> None:
        """Of what was erased, the profile as it was shows no more than that it was there."""
        bench = making()
        learn(bench, "chess", "tea")
        bench.verbs.forget("will", "interests", "chess")
        found = bench.verbs.snapshot("will", 2)
        assert sorted(found.document["interests"]) == ["[erased]", "tea"]
        assert found.erased == ("interests",)
        bench.verbs.forget_user("will")
        assert bench.verbs.snapshot("will").document["interests"] == []
        with pytest.raises(InvalidInput, match="erased as a whole"):
            bench.verbs.snapshot("will", 2)

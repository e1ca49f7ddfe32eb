"""What search promises on every database, and what keeping messages for it must not break."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from usermemory.conformance.forgetting import kept
from usermemory.conformance.harness import Bench
from usermemory.errors import InvalidInput
from usermemory.gate import Count
from usermemory.records import Author, Hit

Making = Callable[..., Bench]

DAY = 86_400.0


def texts(hits: list[Hit], kind: str | None = None) -> list[str]:
    """What was found, or what of one kind."""
    return [hit.text for hit in hits if kind in {None, hit.kind}]


def learn(bench: Bench, *said: str, thread: str = "t", user: str = "will") -> None:
    """Take these messages in, one after the other, and read them."""
    for text in said:
        bench.verbs.remember(user, thread, [text])
        bench.clock.advance(1)
    bench.verbs.trigger(user)


class Searching:
    """Tests of search and keep_messages."""

    def test_what_is_known_is_found(self, making: Making) -> None:
        """A value is found by its own words, with the words it rests on, thread and time."""
        bench = making()
        began = bench.clock.now()
        learn(bench, "I like chess", "I like opera")
        (hit,) = bench.verbs.search("will", "CHESS")
        assert (hit.kind, hit.field, hit.value, hit.holds) == ("item", "interests", "chess", True)
        assert [one.quote for one in hit.evidence] == ["I like chess"]
        assert (hit.thread_id, hit.at) == ("t", began)

    def test_what_held_before_is_found(self, making: Making) -> None:
        """A value that was taken back is found too, and said to hold no more."""
        bench = making()
        learn(bench, "I like chess")
        learn(bench, "I gave up chess")
        (hit,) = bench.verbs.search("will", "chess")
        assert (hit.kind, hit.value, hit.holds) == ("earlier", "chess", False)
        assert {one.quote for one in hit.evidence} == {"I like chess", "I gave up chess"}

    def test_what_an_edit_made_is_found(self, making: Making) -> None:
        """A value that no conversation taught is found by its own words."""
        bench = making()
        bench.verbs.edit("will", {"name": "Will", "interests": ["sailing"]}, by="eve")
        (hit,) = bench.verbs.search("will", "sail")
        assert (hit.value, hit.evidence, hit.author) == ("sailing", (), "eve")

    def test_messages_are_not_kept(self, making: Making) -> None:
        """Unless it is asked for, the text of a message is not searched."""
        bench = making()
        learn(bench, "Fog again", "I like chess")
        assert bench.verbs.search("will", "fog") == []

    def test_messages_that_are_kept(self, making: Making) -> None:
        """They are found long after they were read: who said what, when and in which thread."""
        bench = making(keep_messages=100 * DAY)
        began = bench.clock.now()
        said = [("user", "Fog again in Lisbon"), ("assistant", "Take a coat")]
        bench.verbs.remember("will", "t", said)
        bench.clock.advance(1)
        learn(bench, *(f"Hello {number}" for number in range(30)))
        (first, *_) = bench.verbs.search("will", "fog lisbon")
        assert (first.kind, first.text, first.author) == ("message", "Fog again in Lisbon", "user")
        assert (first.thread_id, first.at, first.seq) == ("t", began, 1)
        assert texts(bench.verbs.search("will", "coat"))[0] == "Take a coat"

    def test_neighbours_count(self, making: Making) -> None:
        """An answer is found by the words of the question beside it, in its own thread only."""
        bench = making(keep_messages="forever")
        bench.verbs.remember("will", "a", [("assistant", "Which instrument?"), ("user", "Oboe")])
        bench.verbs.remember("will", "b", ["Rain"])
        found = texts(bench.verbs.search("will", "instrument"))
        assert found == ["Which instrument?", "Oboe"]

    def test_kept_messages_expire(self, making: Making) -> None:
        """When their time is over nothing finds them, and the database has no trace of the text."""
        bench = making(keep_messages=DAY)
        learn(bench, "Marigolds are in bloom", *(f"Hello {number}" for number in range(30)))
        assert bench.verbs.search("will", "marigolds") != []
        bench.clock.advance(2 * DAY)
        assert bench.verbs.search("will", "marigolds") == []
        assert bench.verbs.clean()
        assert "arigold" not in kept(bench)

    def test_a_worker_keeps_what_the_application_asked_for(self, making: Making) -> None:
        """How long text stays is settled where it is taken in, whoever reads it."""
        bench = making(keep_messages=DAY)
        bench.verbs.remember("will", "t", ["Fog again", *(f"Hello {n}" for n in range(30))])
        worker = bench.another()
        worker.trigger("will")
        worker.clean()
        assert texts(worker.search("will", "fog"))[0] == "Fog again"

    def test_kept_messages_are_no_news(self, making: Making) -> None:
        """A thread that is passed again teaches nothing twice, and is kept once."""
        bench = making(keep_messages="forever")
        thread = ["I like chess", *(f"Hello {number}" for number in range(30))]
        bench.verbs.remember("will", "t", thread)
        bench.verbs.trigger("will")
        assert bench.verbs.remember("will", "t", thread).new == 0
        found = texts(bench.verbs.search("will", "chess"), "message")
        assert found.count("I like chess") == 1

    @pytest.mark.parametrize("what", ["value", "message", "thread", "user"])
    def test_erased_is_not_found(self, making: Making, what: str) -> None:
        """Each way to erase reaches kept messages: search, tables and proof find nothing."""
        bench = making(keep_messages="forever")
        said = [{"role": "user", "content": "I like bouldering", "id": "m"}]
        bench.verbs.remember("will", "t", said)
        learn(bench, *(f"Hello {number}" for number in range(30)), thread="t")
        erase = {
            "value": lambda: bench.verbs.forget("will", "interests", "bouldering"),
            "message": lambda: bench.verbs.forget_message("will", "t", "m"),
            "thread": lambda: bench.verbs.forget_thread("will", "t"),
            "user": lambda: bench.verbs.forget_user("will"),
        }
        assert bench.verbs.search("will", "bouldering") != []
        erase[what]()
        assert [t for t in texts(bench.verbs.search("will", "bouldering")) if "boulder" in t] == []
        assert "boulder" not in kept(bench)
        assert bench.verbs.verify_erased("will", "bouldering").erased

    def test_paused_is_not_kept(self, making: Making) -> None:
        """What is said in a pause, or off the record, is not kept for search either."""
        bench = making(keep_messages="forever")
        bench.verbs.pause("will")
        bench.verbs.remember("will", "t", ["Fog again"])
        bench.verbs.resume("will")
        bench.verbs.remember("will", "t", ["Snow again"], keep=False)
        assert bench.verbs.search("will", "fog snow") == []

    def test_secrets_are_masked_before(self, making: Making) -> None:
        """A kept message holds no secret."""
        bench = making(keep_messages="forever")
        secret = "sk-" + "Ab1" * 16
        learn(bench, f"My key is {secret} for the fog machine")
        assert secret not in texts(bench.verbs.search("will", "fog machine"))[0]

    def test_kept_messages_travel(self, making: Making) -> None:
        """An export takes them along; another user's import finds them."""
        bench = making(keep_messages="forever")
        learn(bench, "Fog again", *(f"Hello {number}" for number in range(30)))
        document = json.loads(json.dumps(bench.verbs.export("will")))
        bench.memories[0].import_("ana", document)
        assert texts(bench.verbs.search("ana", "fog"))[0] == "Fog again"

    def test_by_time(self, making: Making) -> None:
        """Arguments bound the time; a query may name it; an empty one brings all of it."""
        bench = making(keep_messages="forever")
        march = {"role": "user", "content": "Fog", "timestamp": 1_709_294_400.0, "id": "a"}  # 2024
        april = {"role": "user", "content": "Fog", "timestamp": 1_712_000_000.0, "id": "b"}
        bench.verbs.remember("will", "t", [march])
        bench.verbs.remember("will", "u", [april])
        search = bench.verbs.search
        assert search("will", "fog in March 2024")[0].thread_id == "t"
        assert search("will", "fog 2024-04")[0].thread_id == "u"
        assert [hit.thread_id for hit in search("will", "", since="2024-04-01")] == ["u"]
        assert [hit.thread_id for hit in search("will", "fog", until="2024-03-01")] == ["t"]
        assert search("will", "fog", until="2024-02-29") == []

    def test_only_some(self, making: Making) -> None:
        """Fields and threads narrow it; another user's thread holds nothing of this one."""
        bench = making(keep_messages="forever")
        learn(bench, "I like chess", thread="t")
        learn(bench, "I like chess clubs", thread="u", user="ana")
        (hit,) = bench.verbs.search("will", "chess", fields=["interests"])
        assert hit.kind == "item"
        assert bench.verbs.search("will", "chess", thread_id="u") == []

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"query": "  "}, "empty"),
            ({"query": "x", "since": "2026-02-01", "until": "2026-01-01"}, "ends before"),
            ({"query": None}, "it is a text"),
            ({"query": "x", "since": float("nan")}, "write a date"),
            ({"query": "x", "until": 10**400}, "write a date"),
            ({"query": "x", "since": "someday"}, "write a date as"),
            ({"query": "x", "fields": ["hobby"]}, "no field 'hobby'"),
            ({"query": "x", "limit": 0}, "1 to 1000"),
            ({"query": "x", "limit": "3"}, "1 to 1000"),
            ({"query": "x", "limit": 2.5}, "1 to 1000"),
        ],
    )
    def test_bad_input(self, making: Making, wrong: dict[str, object], told: str) -> None:
        """What cannot be searched for is an error that says what to change."""
        bench = making()
        with pytest.raises(InvalidInput, match=told):
            bench.verbs.search("will", **wrong)

    def test_the_last_day(self, making: Making) -> None:
        """The calendar's last date is one."""
        bench = making()
        learn(bench, "I like chess")
        assert texts(bench.verbs.search("will", "chess", until="9999-12-31")) == ["chess"]

    def test_what_no_database_stores(self, making: Making) -> None:
        """Lone surrogates and NUL in ids and names are stored as in messages, on every database."""
        bench = making(keep_messages="forever")
        for odd in ("\ud800", "a\0b", "xx\ud83dy"):
            bench.verbs.edit("will", {"name": f"Will {len(odd)}"}, by=f"eve {odd}")
            shown = {f"m{odd}": bench.verbs.recall("will", tail=True, thread_id=odd).shown}
            said = [{"role": "assistant", "content": "Fog", "id": f"m{odd}"}]
            bench.verbs.remember("will", "t", said, shown=shown)
            assert [one.field for one in bench.verbs.shown("will", f"m{odd}")] == ["name"]
            assert bench.verbs.history("will")[0].by.startswith("eve ")
            assert bench.verbs.forget_message("will", "t", f"m{odd}").messages == 1
            assert bench.verbs.profiles(odd) is not None
            assert bench.verbs.refused("will", odd) == []
        with pytest.raises(InvalidInput, match="about is None; it is a text"):
            bench.verbs.recall("will", about=None)
        with pytest.raises(InvalidInput, match="max_tokens is '5'; it is a whole number"):
            bench.verbs.recall("will").render("5")

    def test_a_long_query(self, making: Making) -> None:
        """Ten thousand characters are a query like any other, and nobody is found for nobody."""
        bench = making()
        learn(bench, "I like chess")
        assert texts(bench.verbs.search("will", "well " * 2_000 + "chess")) == ["chess"]
        assert bench.verbs.search("nobody", "chess") == []

    def test_kept_from_its_reading_on(self, making: Making) -> None:
        """A message is found while it waits, however long, and for the time after it was read."""
        bench = making(keep_messages=DAY, gate=Count(2))
        bench.verbs.remember("will", "t", ["Fog all day"])
        bench.clock.advance(3 * DAY)
        assert [one.status for one in bench.verbs.run_due()] == ["held"]
        assert texts(bench.verbs.search("will", "fog")) == ["Fog all day"]
        bench.verbs.trigger("will")
        bench.clock.advance(DAY / 2)
        assert texts(bench.verbs.search("will", "fog")) == ["Fog all day"]
        bench.clock.advance(DAY)
        assert bench.verbs.search("will", "fog") == []

    def test_run_due_cleans(self, making: Making) -> None:
        """Where no worker runs, run_due ends the text whose time is over."""
        bench = making(keep_messages=DAY)
        learn(bench, "Fog all day", *(f"Well, {number}" for number in range(12)))
        assert "Fog" in kept(bench)
        bench.clock.advance(2 * DAY)
        assert bench.verbs.run_due() == []
        assert "Fog" not in kept(bench)

    def test_an_edited_message(self, making: Making) -> None:
        """Edited after it was read, a message is found by what it says now alone."""
        bench = making(keep_messages="forever")
        for text in ("Fog all day", "Snow all day"):
            bench.verbs.remember("will", "t", [{"role": "user", "content": text, "id": "m"}])
            bench.verbs.trigger("will")
            bench.clock.advance(1)
        assert texts(bench.verbs.search("will", "all day")) == ["Snow all day"]

    def test_what_says_nothing_is_no_hit(self, making: Making) -> None:
        """Empty parts of an object are not found by its name."""

        class Address(BaseModel):
            city: str | None = None
            street: str | None = None
            tags: list[str] = []

        class Person(BaseModel):
            address: Address = Address()

        bench = making(schema=Person)
        bench.verbs.edit("will", {"address": {"city": "Lyon"}}, by="eve")
        assert [hit.key for hit in bench.verbs.search("will", "address")] == ["city"]

    def test_others_words_are_not_kept(self, making: Making) -> None:
        """What another person says in the thread, or a tool brings, is not kept with the user's."""
        bench = making(keep_messages="forever")
        said = [
            {"role": "user", "name": "bo", "content": "My code for the fog lamp is blue"},
            {"role": "tool", "content": "Fog until noon", "tool_call_id": "1"},
            ("assistant", "Fog it is"),
        ]

        def author(raw: Any) -> Author | None:
            return "other" if str(raw).startswith("{'role': 'user'") else None

        shared = bench.another(keep_messages="forever", author=author)
        shared.remember("will", "t", said)
        shared.trigger("will")
        assert texts(shared.search("will", "fog")) == ["Fog it is"]

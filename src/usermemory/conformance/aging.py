"""What is promised of how old a value is, on every database: marked, and erased when it is time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from usermemory.conformance.correcting import learn
from usermemory.conformance.forgetting import kept
from usermemory.conformance.harness import Bench
from usermemory.errors import ConfigurationError, InvalidInput
from usermemory.records import Change, Dated
from usermemory.schema import Remember

Making = Callable[..., Bench]

DAY = 86_400.0


class Aging(BaseModel):
    """A profile of which some grows old."""

    name: str | None = None
    city: Annotated[str | None, Remember(stale_after=365)] = None
    interests: Annotated[list[str], Remember(stale_after=100)] = []
    scores: Annotated[dict[str, int], Remember(stale_after=100)] = {}


def dates(bench: Bench) -> Mapping[tuple[str, Any], Dated]:
    """When each value was heard of."""
    return {(one.field, one.item): one for one in bench.verbs.recall("will").dates}


def old(bench: Bench) -> list[Any]:
    """Which values are old."""
    return [one.item or one.field for one in bench.verbs.recall("will").dates if one.stale]


class GrowingOld:
    """Tests of dates, stale_after and retention."""

    def test_each_item_has_its_times(self, making: Making) -> None:
        """Each knows when it was said, said again and set by hand, whatever its neighbours do."""
        bench = making(schema=Aging)
        first = bench.clock.now()
        learn(bench, "chess")
        bench.clock.advance(DAY)
        learn(bench, "tea")
        bench.clock.advance(DAY)
        learn(bench, "chess", thread_id="u")
        bench.clock.advance(DAY)
        edit = [{"op": "add", "path": "/interests/-", "value": "fog"}]
        bench.verbs.edit("will", edit, by="eve")
        found = dates(bench)
        chess, tea, fog = (found["interests", one] for one in ("chess", "tea", "fog"))
        assert (chess.learned, chess.confirmed, chess.edited) == (first, first + 2 * DAY + 2, None)
        assert (tea.learned, tea.confirmed) == (first + DAY + 1, None)
        assert (fog.learned, fog.edited) == (None, first + 3 * DAY + 3)
        assert all(one.exact for one in found.values())

    def test_what_is_old_is_marked(self, making: Making) -> None:
        """After so many days an item is told with its month, and stays; said again, it is not."""
        bench = making(schema=Aging)
        learn(bench, "chess", "tea")
        bench.clock.advance(100 * DAY)
        learn(bench, "tea", thread_id="u")
        assert old(bench) == []
        text = bench.verbs.recall("will").render()
        assert "out of date" not in text
        bench.clock.advance(DAY)
        assert old(bench) == ["chess"]
        assert bench.interests("will") == ["chess", "tea"]
        text = bench.verbs.recall("will").render()
        assert "  - chess (in January 2026)\n  - tea\n" in text
        assert "it may be out of date" in text
        learn(bench, "chess", thread_id="v")
        assert old(bench) == []

    def test_a_single_value_and_a_map(self, making: Making) -> None:
        """They grow old as items do; a field without the setting never does."""
        bench = making(schema=Aging)
        bench.verbs.edit("will", {"name": "Will", "city": "Lyon", "scores": {"go": 1}}, by="eve")
        bench.clock.advance(101 * DAY)
        assert old(bench) == ["go"]
        set_go = Change("scores", "set", 2, "2 in go", key="go")
        bench.verbs.propose("will", "t", [set_go], ["2 in go"])
        assert old(bench) == []
        bench.clock.advance(300 * DAY)
        assert old(bench) == ["city", "go"]
        assert "- city: Lyon (in January 2026)\n" in bench.verbs.recall("will").render()

    def test_the_text_is_the_same_all_day(self, making: Making) -> None:
        """What is old changes at midnight (UTC), so that a provider's cache holds for the day."""
        bench = making(schema=Aging)
        learn(bench, "chess")
        bench.clock.advance(101 * DAY - bench.clock.now() % DAY)
        texts = set[str]()
        for _ in range(4):
            bench.clock.advance(DAY / 5)
            texts.add(bench.verbs.recall("will").render())
        assert len(texts) == 1

    def test_an_item_that_went_leaves_no_times(self, making: Making) -> None:
        """Removed or forgotten, nothing is left of it in the stamps; put back, it is as new."""
        bench = making(schema=Aging)
        learn(bench, "chess", "tea")

        def marks() -> int:
            rows = map(json.loads, kept(bench).splitlines())
            stamps = next(json.loads(row["stamps"]) for row in rows if "stamps" in row)
            return sum("/" in name for name in stamps["interests"])

        assert marks() == 2
        bench.verbs.remember("will", "t", ["I gave up tea"])
        bench.verbs.trigger("will")
        assert marks() == 1
        bench.verbs.forget("will", "interests", "chess")
        assert marks() == 0

    def test_what_was_stored_before(self, making: Making) -> None:
        """Of an item without times of its own its field's are told: it is that old at least."""
        bench = making(schema=Aging)
        learn(bench, "chess", "tea")
        document = json.loads(json.dumps(bench.verbs.export("will")))
        times = document["profile"]["stamps"]["interests"]
        document["profile"]["stamps"]["interests"] = {
            name: at for name, at in times.items() if "/" not in name
        }
        bench.verbs.forget_user("will")
        bench.memories[0].import_("eve", document)
        bench.clock.advance(101 * DAY)
        recalled = bench.verbs.recall("eve")
        assert [(one.item, one.exact, one.stale) for one in recalled.dates] == [
            ("chess", False, True),
            ("tea", False, True),
        ]
        assert "  - chess (by January 2026)\n" in recalled.render()

    def test_what_has_had_its_time_is_erased(self, making: Making) -> None:
        """Each item by itself, with its words and its past; what was said again since stays."""
        bench = making(retention=100, keep_messages="forever")
        learn(bench, "chess", "tea", "fog")
        bench.verbs.edit("will", {"name": "Robert", "interests": ["chess", "tea"]}, by="eve")
        bench.clock.advance(1)
        learn(bench, "snow", "rain")
        bench.verbs.undo("will")
        bench.clock.advance(90 * DAY)
        learn(bench, "tea", thread_id="u")
        bench.clock.advance(11 * DAY)
        rehearsed = bench.verbs.retain(dry_run=True)
        assert bench.interests("will") == ["chess", "tea", "snow"]
        assert [(one.field, one.item, one.holds) for one in rehearsed] == [
            ("name", "Robert", True),
            ("interests", "chess", True),
            ("interests", "snow", True),
            ("interests", "rain", False),
            ("interests", "fog", False),
        ]
        done = bench.verbs.retain()
        assert [(one.field, one.item) for one in done] == [
            (one.field, one.item) for one in rehearsed
        ]
        assert bench.verbs.recall("will").document["name"] is None
        assert bench.interests("will") == ["tea"]
        for word in ("chess", "Robert", "fog", "rain", "snow"):
            assert word not in kept(bench)
            assert bench.verbs.verify_erased("will", word).erased
        assert bench.verbs.retain() == []

    def test_a_field_of_which_all_is_old_goes_in_one_step(self, making: Making) -> None:
        """One revision does it, whatever it has and had; where one value is newer, that stays."""
        bench = making(retention=100)
        things = [f"thing {number}" for number in range(50)]
        for user in ("will", "ana"):
            bench.verbs.edit(user, {"interests": [*things, "fog"]}, by="eve")
            bench.verbs.edit(user, {"interests": things}, by="eve")
        bench.clock.advance(101 * DAY)
        bench.verbs.remember("ana", "t", ["I like tea"])
        bench.verbs.trigger("ana")
        before = len(bench.verbs.history("will"))
        done = bench.verbs.retain("will")
        assert sorted(one.item for one in done) == sorted([*things, "fog"])
        assert len(bench.verbs.history("will")) == before + 1
        assert bench.interests("will") == []
        assert "thing" not in kept(bench)
        assert len(bench.verbs.retain("ana")) == len(things) + 1
        assert bench.interests("ana") == ["tea"]

    def test_many_of_a_long_list_go_in_one_step(self, making: Making) -> None:
        """One revision, whose cost is that of one erasure; what is newer stays with its words."""
        bench = making(retention=100, keep_messages="forever")
        for first in range(0, 300, 50):
            things = [f"thing{first + number}" for number in range(50)]
            said = [f"I like {one}" for one in things]
            changes = [
                Change("interests", "add", one, quote)
                for one, quote in zip(things, said, strict=True)
            ]
            bench.verbs.propose("will", f"t{first}", changes, [". ".join(said)])
            bench.clock.advance(30 * DAY)
        before = len(bench.verbs.history("will"))
        rehearsed = bench.verbs.retain(dry_run=True)
        done = bench.verbs.retain()
        assert [one.item for one in done] == [one.item for one in rehearsed]
        assert len(done) == 150
        assert len(bench.verbs.history("will")) == before + 1
        assert bench.interests("will") == [f"thing{number}" for number in range(150, 300)]
        assert not re.search(r"thing(\d\d?|1[0-4]\d)\b", kept(bench))
        assert bench.verbs.why("will", "interests", "thing150")[0].quote == "I like thing150."

    def test_what_comes_while_it_is_worked_out(self, making: Making) -> None:
        """A message that names the value, come just before the lock, loses it too."""
        bench = making(keep_messages="forever")
        learn(bench, "chess", "tea")
        bench.clock.advance(101 * DAY)
        other = bench.another(keep_messages="forever").memory
        came: list[str] = []

        def look(when: str, flow: str, statement: str) -> None:
            if (when, flow, statement) == ("after", "_work", "proposals_stored"):
                came.append(statement)
                if len(came) == 2:  # behind the last that is read
                    other.remember("will", "late", ["They play Chess there"])

        bench.memories[0].driver.hook = look
        done = bench.verbs.retain(days=100)
        bench.memories[0].driver.hook = None
        assert (len(done), len(came)) == (2, 2)
        assert "chess" not in kept(bench).casefold()

    def test_a_field_that_the_schema_lost(self, making: Making) -> None:
        """What it holds, and what was set aside for want of room, has its time as all has."""

        class Before(BaseModel):
            name: str | None = None
            hobbies: list[str] = []
            city: list[str] = []

        class After(BaseModel):
            name: str | None = None
            city: str | None = None

        bench = making(schema=Before, retention=100)
        held = {"name": "Will", "hobbies": ["golf", "chess"], "city": ["Lyon"]}
        bench.verbs.edit("will", held, by="eve")
        bench.verbs.edit("will", {**held, "hobbies": ["golf"]}, by="eve")
        bench.clock.advance(101 * DAY)
        today = bench.another(schema=After, retention=100)
        today.edit("will", {"name": "Will", "city": "Oslo"}, by="eve")
        assert [(one.field, one.item) for one in today.retain(dry_run=True)] == [
            ("name", "Will"),
            ("city", ["Lyon"]),
            ("hobbies", "golf"),
            ("hobbies", "chess"),
        ]
        assert today.retain() != []
        assert today.retain() == []
        assert today.recall("will").document["city"] == "Oslo"
        assert today.misfits("will") == []
        for word in ("golf", "chess", "Lyon"):
            assert today.verify_erased("will", word).erased

    def test_each_field_may_say_for_how_long(self, making: Making) -> None:
        """A field's own days go before the memory's; for ever is for ever, and a default stays."""

        class Kept(BaseModel):
            name: Annotated[str | None, Remember(retention="forever")] = None
            city: str | None = None
            language: str = "en"
            interests: Annotated[list[str], Remember(retention=10)] = []

        bench = making(schema=Kept, retention=100)
        bench.verbs.edit("will", {"name": "Will", "city": "Lyon", "interests": ["tea"]}, by="eve")
        bench.clock.advance(11 * DAY)
        assert [one.item for one in bench.verbs.retain("will")] == ["tea"]
        bench.clock.advance(90 * DAY)
        assert [one.item for one in bench.verbs.retain("will")] == ["Lyon"]
        bench.clock.advance(900 * DAY)
        assert bench.verbs.retain("will") == []
        assert bench.verbs.recall("will").document["name"] == "Will"

    def test_said_again_at_the_last_moment(self, making: Making) -> None:
        """What is confirmed while others are erased is not: its time is looked at once more."""
        bench = making()
        bench.verbs.edit("will", {"name": "Robert"}, by="eve")
        learn(bench, "chess", "tea")
        bench.clock.advance(101 * DAY)
        learn(bench, "fog")
        said: list[Any] = []

        def again(one: Any) -> None:
            if not said:
                said.append(one)
                bench.memories[0].remember("will", "v", ["I like tea"])
                bench.memories[0].trigger("will")

        done = bench.verbs.retain(days=100, done=again)
        assert [one.item for one in done] == ["Robert", "chess"]
        assert bench.interests("will") == ["tea", "fog"]

    def test_it_goes_on_where_it_stopped(self, making: Making) -> None:
        """Stopped in the middle, what was erased is, and the next call erases the rest."""
        bench = making()
        learn(bench, "chess", "tea", "fog")
        bench.verbs.remember("ana", "t", ["I like cats"])
        bench.verbs.trigger("ana")
        bench.clock.advance(101 * DAY)

        def stop(_: Any) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            bench.memories[0].retain(days=100, done=stop)
        assert sum(len(bench.interests(user)) for user in ("will", "ana")) == 3
        assert len(bench.verbs.retain(days=100)) == 3
        assert bench.interests("will") == bench.interests("ana") == []

    def test_without_times_of_its_own(self, making: Making) -> None:
        """Of an item that was stored before, the history says when it was learned."""
        bench = making()
        learn(bench, "chess")
        bench.clock.advance(50 * DAY)
        learn(bench, "tea")
        document = json.loads(json.dumps(bench.verbs.export("will")))
        times = document["profile"]["stamps"]["interests"]
        document["profile"]["stamps"]["interests"] = {
            name: at for name, at in times.items() if "/" not in name
        }
        bench.memories[0].import_("eve", document)
        bench.clock.advance(51 * DAY)
        assert [one.item for one in bench.verbs.retain("eve", days=100)] == ["chess"]
        assert bench.interests("eve") == ["tea"]
        assert bench.interests("will") == ["chess", "tea"]

    def test_nothing_says_how_long(self, making: Making) -> None:
        """Then nothing is erased, and an error says what to set; as of a senseless setting."""
        bench = making()
        learn(bench, "chess")
        with pytest.raises(InvalidInput, match="retention="):
            bench.verbs.retain()
        with pytest.raises(ConfigurationError, match="days"):
            bench.verbs.retain(days=-1)
        with pytest.raises(ConfigurationError, match="days"):
            bench.another(retention="2 years")

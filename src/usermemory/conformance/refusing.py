"""What the list of refused changes promises on every database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from usermemory.conformance.forgetting import kept
from usermemory.conformance.harness import Bench
from usermemory.extract import Extraction, Request
from usermemory.messages import read_messages
from usermemory.records import Change, Refused
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows.amend import Amendment
from usermemory.store.flows.propose import propose, record, start

Making = Callable[..., Bench]


class Proposer:
    """Proposes what a test wants for the next batch, whatever was said."""

    def __init__(self) -> None:
        self.changes: Sequence[Change] = ()

    def extract(self, request: Request) -> Extraction:  # noqa: ARG002 - as extractors are called
        """What the test wants."""
        return Extraction(tuple(self.changes), model="proposer")


def unfit(value: object, quote: str, field: str = "hobby") -> Change:
    """A change of a field that the profile does not have."""
    return Change(field, "add", value, quote)


class Refusing:
    """Tests of refused."""

    def proposing(self, making: Making, **settings: object) -> tuple[Bench, Proposer]:
        """A memory whose model proposes what the test says."""
        proposer = Proposer()
        return making(model=proposer, **settings), proposer

    def read(
        self, bench: Bench, proposer: Proposer, text: object, *changes: Change, thread: str = "t"
    ) -> None:
        """One message, or several, read with these changes proposed; a second goes by."""
        proposer.changes = changes
        bench.verbs.remember("will", thread, text if isinstance(text, list) else [text])
        bench.verbs.trigger("will")
        bench.clock.advance(1)

    def test_the_newest_first(self, making: Making) -> None:
        """What was proposed and not made is listed with reason, thread and time, newest first."""
        bench, proposer = self.proposing(making)
        began = bench.clock.now()
        tea = Change("interests", "add", "tea", "I like tea")
        self.read(bench, proposer, "I like tea", tea, unfit("tea", "I like tea"), thread="a")
        self.read(bench, proposer, "Yes, I like tea!", tea, thread="b")
        newest, oldest = bench.verbs.refused("will")
        assert (newest.reason, newest.thread_id, newest.at) == ("duplicate", "b", began + 1)
        assert newest.change == tea
        assert (oldest.reason, oldest.thread_id, oldest.at) == ("unknown_field", "a", began)
        assert oldest.change == unfit("tea", "I like tea")
        assert bench.verbs.refused("will", limit=1) == [newest]
        assert bench.verbs.refused("will", "hobby", 1) == [oldest]
        assert bench.verbs.refused("will", "hob") == []
        assert bench.verbs.refused("ana") == []

    def test_a_field_among_many(self, making: Making) -> None:
        """A field that is refused rarely is found behind many others; its name alone counts."""
        bench, proposer = self.proposing(making)
        self.read(bench, proposer, "I like tea", unfit("tea", "I like tea", "drink"))
        for _ in range(4):
            mention = unfit({"field": "drink"}, "I like tea")
            self.read(bench, proposer, f"I like tea {_}", mention)
        (found,) = bench.verbs.refused("will", "drink", limit=1)
        assert found.change.field == "drink"

    def test_words_of_others_are_not_kept(self, making: Making) -> None:
        """Neither as a quote nor as a value, whoever said them; the field and the reason are."""
        bench, proposer = self.proposing(making)
        said = [
            {"role": "user", "name": "ana", "content": "Zymurgy is my whole life"},
            {"role": "user", "name": "will", "content": "Good for you, I like tea"},
        ]
        self.read(
            bench,
            proposer,
            said,
            Change("interests", "add", "zymurgy", "Zymurgy is my whole life"),
            Change("core_memories", "add", "Zymurgy", "nobody said zymurgy"),
            unfit("Zymurgy is my whole life", "I like tea"),
            unfit("zymurgy", "I like tea", "zymurgy is my whole life"),
        )
        found = bench.verbs.refused("will")
        assert [(one.change.field, one.reason) for one in found] == [
            ("interests", "not_the_users_words"),
            ("core_memories", "quote_not_found"),
            ("hobby", "unknown_field"),
            ("", "unknown_field"),
        ]
        assert {one.change.value for one in found} == {None}
        rows = [row for row in kept(bench).splitlines() if '"rejections"' in row]
        assert "zymurgy" not in "".join(rows).casefold()

    def test_of_one_batch_fifty(self, making: Making) -> None:
        """Of a batch that refuses more, the last one says how many more there were."""
        bench, proposer = self.proposing(making)
        many = [unfit(number, "I like tea") for number in range(60)]
        self.read(bench, proposer, "I like tea", *many)
        found = bench.verbs.refused("will")
        assert len(found) == 50
        assert "10 more were refused" in found[-1].detail
        assert "more" not in found[0].detail

    @pytest.mark.parametrize("proposed", [False, True], ids=["read", "proposed"])
    def test_the_newest_batches(
        self, making: Making, monkeypatch: pytest.MonkeyPatch, *, proposed: bool
    ) -> None:
        """Only those of the newest batches and proposals are kept."""
        for module in ("commit", "propose"):
            monkeypatch.setattr(f"usermemory.store.flows.{module}.BATCHES", 3)
        bench, proposer = self.proposing(making)
        for number in range(6):
            change = unfit(number, f"I like {number}")
            if proposed:
                self.propose(bench, Refused(change, "unknown_field"), f"I like {number}")
                bench.clock.advance(1)
            else:
                self.read(bench, proposer, f"I like {number}", change)
        assert [one.change.value for one in bench.verbs.refused("will")] == [5, 4, 3]
        text = kept(bench)
        assert text.count("hobby") == 3
        assert text.count('"proposed"') == (3 if proposed else 0)

    def propose(self, bench: Bench, refused: Refused, text: str, thread: str = "t") -> None:
        """Have a proposal refused, as `propose` records it."""
        driver, now = bench.verbs.memory.driver, bench.clock.now()
        begun = driver.read(start, "will", thread, read_messages([text], "will"), now)
        driver.write(record, "will", thread, begun, [refused])

    def test_what_a_program_proposes(self, making: Making) -> None:
        """It is listed with the rest by time, and is no consolidation."""
        bench, proposer = self.proposing(making)
        tea, chess = unfit("tea", "I like tea"), unfit("chess", "I like chess")
        self.propose(bench, Refused(tea, "unknown_field"), "I like tea", thread="a")
        self.propose(bench, Refused(chess, "unknown_field"), "I like chess", thread="b")
        bench.clock.advance(1)
        self.read(bench, proposer, "I like fog", unfit("fog", "I like fog"))
        found = bench.verbs.refused("will")
        assert [one.change.value for one in found] == ["fog", "chess", "tea"]
        assert [one.thread_id for one in found] == ["t", "b", "a"]

    def test_what_a_program_proposes_beside(self, making: Making) -> None:
        """What is refused beside a change that is made is written in its transaction."""
        bench, _ = self.proposing(making)
        driver = bench.verbs.memory.driver
        said = read_messages(["I like tea"], "will")
        begun = driver.read(start, "will", "t", said, bench.clock.now())
        made = Amendment({"interests": ["tea"]}, (), "tool", "", thread_id="t")
        refused = Refused(unfit("tea", "I like tea"), "unknown_field")
        revision = driver.write(propose, "will", "t", begun, made, (), [refused])
        assert revision
        (found,) = bench.verbs.refused("will")
        assert (found.change, found.thread_id) == (refused.change, "t")
        # The profile has moved on, so that a second proposal from there has to begin again.
        assert not driver.write(propose, "will", "t", begun, made, (), [refused])
        assert bench.verbs.refused("will") == [found]

    def test_a_paused_user(self, making: Making) -> None:
        """Of what is proposed while a user is paused nothing is kept."""
        bench, _ = self.proposing(making)
        bench.verbs.pause("will")
        before = kept(bench)
        self.propose(bench, Refused(unfit("tea", "I like tea"), "paused"), "I like tea")
        assert kept(bench) == before
        assert bench.verbs.refused("will") == []

    def test_judged_before_an_erasure(self, making: Making) -> None:
        """What a proposal found before an erasure is kept without its words."""
        bench, _ = self.proposing(making)
        driver = bench.verbs.memory.driver
        said = read_messages(["I like tea"], "will")
        begun = driver.read(start, "will", "t", said, bench.clock.now())
        bench.verbs.forget("will", "interests", "tea", anywhere=True)
        refused = Refused(unfit("tea", "I like tea"), "unknown_field", "not tea")
        driver.write(record, "will", "t", begun, [refused])
        (found,) = bench.verbs.refused("will")
        assert found.change == Change("hobby", "add")
        assert "tea" not in kept(bench)

    def test_forgotten_with_a_value(self, making: Making) -> None:
        """A refused change that holds an erased value loses its words; another keeps them."""
        bench, proposer = self.proposing(making)
        tea = Change("interests", "add", "tea", "I like tea")
        said = "I like tea. I like fog"
        self.read(
            bench, proposer, said, tea, unfit("tea", "I like tea"), unfit("fog", "I like fog")
        )
        bench.verbs.forget("will", "interests", "tea", anywhere=True)
        assert [one.change for one in bench.verbs.refused("will")] == [
            Change("hobby", "add"),
            unfit("fog", "I like fog"),
        ]
        assert "tea" not in kept(bench)

    def test_forgotten_with_a_field(self, making: Making) -> None:
        """With a whole field goes what was refused for it, also what the profile never held."""
        bench, proposer = self.proposing(making)
        long = Change("interests", "update", "sea", "I like the sea")
        self.read(bench, proposer, "I like the sea", long, unfit("sea", "I like the sea"))
        assert bench.verbs.refused("will")[0].change == long
        bench.verbs.forget("will", "interests")
        cleared, stays = bench.verbs.refused("will")
        assert cleared.change == Change("interests", "update")
        assert stays.change.value == "sea"

    @pytest.mark.parametrize("proposed", [False, True], ids=["read", "proposed"])
    def test_forgotten_with_its_message(self, making: Making, *, proposed: bool) -> None:
        """What was read from a message goes with it, long after its own text is gone."""
        bench, proposer = self.proposing(making)
        said = {"role": "user", "content": "I like tea", "id": "m1"}
        tea = unfit("tea", "I like tea")
        if proposed:
            self.propose(bench, Refused(tea, "unknown_field"), "I like tea")
            bench.verbs.remember("will", "t", [said])
        self.read(bench, proposer, said, *([] if proposed else [tea]))
        for number in range(8):
            self.read(bench, proposer, f"And {number}")
        self.read(bench, proposer, "I like fog", unfit("fog", "I like fog"), thread="u")
        assert kept(bench).count("I like tea") == 1
        bench.verbs.forget_message("will", "t", "m1")
        assert "I like tea" not in kept(bench)
        fog, gone = bench.verbs.refused("will")
        assert (fog.change.value, gone.change) == ("fog", Change("hobby", "add"))

    def test_forgotten_with_its_thread(self, making: Making) -> None:
        """What was refused in a thread goes with it, and nothing of another."""
        bench, proposer = self.proposing(making)
        for thread, thing in (("a", "tea"), ("b", "fog")):
            change = unfit(thing, f"I like {thing}")
            self.read(bench, proposer, f"I like {thing}", change, thread=thread)
            for number in range(8):
                self.read(bench, proposer, f"And {number}", thread=thread)
        bench.verbs.forget_thread("will", "a")
        assert [one.change.value for one in bench.verbs.refused("will")] == ["fog", None]
        assert "tea" not in kept(bench)

    def test_forgotten_with_the_user(self, making: Making) -> None:
        """Nothing is left of a user who is erased, what programs proposed included."""
        bench, proposer = self.proposing(making)
        self.read(bench, proposer, "I like tea", unfit("tea", "I like tea"))
        self.propose(bench, Refused(unfit("tea", "I like tea"), "unknown_field"), "I like tea")
        assert len(bench.verbs.refused("will")) == 2
        bench.verbs.forget_user("will")
        assert bench.verbs.refused("will") == []
        assert "tea" not in kept(bench)

    def test_what_was_erased_is_not_kept_again(self, making: Making) -> None:
        """Proposed again from words of before, an erased value is refused without being stored."""
        bench, proposer = self.proposing(making)
        bench.verbs.remember("will", "t", ["I like strong tea"])
        bench.clock.advance(1)
        bench.verbs.forget("will", "interests", "green tea from Kyoto", anywhere=True)
        words = "strong tea, green, from Kyoto"
        proposer.changes = [
            Change("interests", "add", words, "I like strong tea"),
            Change("interests", "update", words, "I like strong tea"),
        ]
        bench.verbs.trigger("will")
        assert [one.change.value for one in bench.verbs.refused("will")] == [None, None]
        assert "Kyoto" not in kept(bench)

    def test_of_an_earlier_version(self, making: Making) -> None:
        """What it stored is listed without words that the user did not say, and can be erased."""
        bench, _ = self.proposing(making)
        stored: list[Refused] = [
            Refused(Change("name", "set", "Ana", "I'm Ana"), "not_the_users_words", "by Ana"),
            Refused(Change("name", "rename", "Bo", "I'm Bo"), "unfit_action"),  # type: ignore[arg-type]
            Refused(Change("name", "set", "Cy", "I'm Cy"), "of_a_later_version"),  # type: ignore[arg-type]
        ]

        def store() -> Flow[None]:
            yield "lock_user", {"user_id": "will", "salt": "s"}
            row = {"rejections": codec.refusals(stored), "usage": "{}"}
            yield "add_refusals", {"user_id": "will", "thread_id": "t", **row}

        bench.verbs.memory.driver.write(store)
        found = bench.verbs.refused("will")
        assert [one.change.value for one in found] == [None, "Bo", "Cy"]
        assert (found[0].detail, found[2].reason) == ("", "of_a_later_version")
        bench.verbs.forget("will", "name")
        assert [one.change.value for one in bench.verbs.refused("will")] == [None, None, None]
        assert "Ana" not in kept(bench)

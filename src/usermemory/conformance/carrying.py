"""What export, import and the proof of an erasure promise on every database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from usermemory.conformance.correcting import learn
from usermemory.conformance.harness import Bench
from usermemory.errors import Conflict, InvalidInput
from usermemory.records import Change, Imported, Refused
from usermemory.store.flows.propose import record, start

Making = Callable[..., Bench]


class Carrying:
    """Tests of export, import_ and verify_erased."""

    def test_there_and_back(self, making: Making) -> None:
        """An export is JSON; imported after the user was erased, everything is as it was."""
        bench = making()
        learn(bench, "chess", "tea")
        bench.verbs.forget("will", "interests", "tea")
        bench.verbs.remember("will", "u", ["I like fog"])
        text = json.dumps(bench.verbs.export("will"))
        assert "tea" not in text
        before = bench.verbs.recall("will"), bench.verbs.history("will"), bench.verbs.jobs()
        copied = self._import(bench, "copy", text)
        assert copied.written is True
        after = bench.verbs.recall("copy"), bench.verbs.history("copy"), bench.verbs.jobs()
        assert after[:2] == before[:2]
        assert len(after[2]) == 2
        bench.verbs.trigger("copy")
        assert bench.interests("copy") == ["chess", "fog"]

    def test_again_changes_nothing(self, making: Making) -> None:
        """The same import a second time writes nothing."""
        bench = making()
        learn(bench, "chess")
        text = json.dumps(bench.verbs.export("will"))
        assert self._import(bench, "copy", text).written is True
        assert self._import(bench, "copy", text).written is False
        assert self._import(bench, "will", text).written is False

    def test_a_user_who_has_moved_on(self, making: Making) -> None:
        """What the memory knows beyond the export is not overwritten, nor is somebody else."""
        bench = making()
        learn(bench, "chess")
        text = json.dumps(bench.verbs.export("will"))
        learn(bench, "tea")
        with pytest.raises(Conflict, match="will"):
            self._import(bench, "will", text)
        bench.verbs.remember("ana", "t", ["I like cats"])
        with pytest.raises(Conflict, match="another"):
            self._import(bench, "ana", text)
        assert bench.interests("will") == ["chess", "tea"]

    def test_no_export(self, making: Making) -> None:
        """What is none, is damaged, or comes from a later version is a clear error."""
        bench = making()
        learn(bench, "chess")
        good = bench.verbs.export("will")
        odd = {**good["revisions"][0]["changes"][0], "action": "odd"}
        texts = ["proposal_id", "kind", "subject", "why", "author", "thread_id", "model"]
        numbers = {"revision": 0, "at": 0.0, "expires_at": 9e9}
        waits = {**dict.fromkeys(texts, "x"), **numbers, "state": "waiting"}
        wrongs: list[tuple[Any, str]] = [
            ("text", "document"),
            ({**good, "version": 2}, "version 2"),
            ({**good, "user": {**good["user"], "token": "x"}}, "user/token"),
            ({**good, "profile": {"document": 1}}, "profile"),
            ({**good, "proposals": [{**waits, "changes": [odd]}]}, "changes/0/action: 'odd'"),
        ]
        for wrong, told in wrongs:
            with pytest.raises(InvalidInput, match=told):
                bench.verbs.memory.import_("copy", wrong)
        with pytest.raises(InvalidInput, match="nobody"):
            bench.verbs.export("nobody")

    def test_written_meanwhile(self, making: Making) -> None:
        """An export is of one moment, whatever is written while it is taken."""
        bench = making()
        learn(bench, "chess")
        other = bench.another()
        edits = iter(["Eve", "Ann"])

        def meanwhile(when: str, flow: str, statement: str) -> None:
            written = statement in {"copy_read_profiles", "copy_read_threads"}
            if when == "before" and flow == "take_out" and written and (name := next(edits, "")):
                other.memory.edit("will", {"name": name}, by="will")
                other.memory.remember("will", "t", [f"I am {name}"])

        bench.memories[0].driver.hook = meanwhile
        taken = bench.memories[0].export("will")
        bench.memories[0].driver.hook = None
        assert next(edits, "") == ""
        assert taken["profile"]["revision"] == taken["user"]["revision"] == 1
        assert [one["next_seq"] for one in taken["threads"]] == [len(taken["messages"]) + 1]
        self._import(bench, "copy", json.dumps(taken))
        bench.verbs.edit("copy", {"name": "Bob"}, by="bob")
        bench.verbs.remember("copy", "t", ["I like fog"])

    def test_counters_that_are_behind(self, making: Making) -> None:
        """A user whose export counts too little goes on; of two moments none is made."""
        bench = making()
        learn(bench, "chess")
        good = bench.verbs.export("will")
        behind = {
            **good,
            "user": {**good["user"], "revision": 0, "token": 0},
            "threads": [{**one, "next_seq": 1} for one in good["threads"]],
        }
        bench.verbs.memory.import_("copy", behind)
        bench.verbs.edit("copy", {"name": "Bob", "interests": ["chess"]}, by="bob")
        bench.clock.advance(1)
        bench.verbs.remember("copy", "t", ["I like fog"])
        bench.verbs.trigger("copy")
        assert bench.verbs.recall("copy").document["interests"] == ["chess", "fog"]
        old = {**good, "profile": {**good["profile"], "revision": 0}}
        with pytest.raises(InvalidInput, match="different times"):
            bench.verbs.memory.import_("other", old)

    @pytest.mark.parametrize(
        ("path", "wrong"),
        [
            (("profile", "stamps", "interests"), None),
            (("profile", "document", "name"), "\ud800"),
            (("revisions", 0, "changes", 0, "index"), 1e300),
            (("revisions", 0, "changes", 0, "evidence", 0, "seq"), 1e300),
            (("user", "epoch"), 1e300),
        ],
    )
    def test_what_could_not_be_read_again(
        self, making: Making, path: tuple[Any, ...], wrong: Any
    ) -> None:
        """An export that was spoiled by hand is an error, and nothing of it is stored."""
        bench = making()
        learn(bench, "chess")
        spoiled = json.loads(json.dumps(bench.verbs.export("will")))
        place = spoiled
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = wrong
        with pytest.raises(InvalidInput):
            bench.verbs.memory.import_("copy", spoiled)
        assert bench.verbs.recall("copy").revision == 0

    def test_what_was_erased_stays_so(self, making: Making) -> None:
        """Tombstones come along: older words do not teach the value on the other side either."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.clock.advance(1)
        bench.verbs.forget("will", "interests", "chess")
        self._import(bench, "copy", json.dumps(bench.verbs.export("will")))
        bench.verbs.trigger("copy")
        assert bench.interests("copy") == []
        bench.clock.advance(1)
        bench.verbs.remember("copy", "u", ["I like chess"])
        bench.verbs.trigger("copy")
        assert bench.interests("copy") == ["chess"]  # said anew

    def test_what_was_refused(self, making: Making) -> None:
        """Refused changes come along, those that programs proposed too."""
        bench = making()
        for thread_id in ("t", "u"):
            learn(bench, "chess", thread_id=thread_id)
        begun = bench.verbs.memory.driver.read(start, "will", "t", [], bench.clock.now())
        refused = Refused(Change("hobby", "set"), "unknown_field")
        bench.verbs.memory.driver.write(record, "will", "t", begun, [refused])
        found = bench.verbs.refused("will")
        assert {one.reason for one in found} == {"duplicate", "unknown_field"}
        self._import(bench, "copy", json.dumps(bench.verbs.export("will")))
        assert bench.verbs.refused("copy") == found

    def test_the_proof(self, making: Making) -> None:
        """Before an erasure the proof names where the text stands, afterwards it stands nowhere."""
        bench = making()
        learn(bench, "crème brûlée")
        bench.verbs.remember("ana", "t", ["I like tea"])
        proof = bench.verbs.verify_erased("will", "Crème Brûlée")
        assert proof.erased is False
        assert sum(place.of_user for place in proof.places) >= 3
        bench.verbs.forget("will", "interests", "crème brûlée")
        proof = bench.verbs.verify_erased("will", "crème brûlée")
        assert (proof.erased, proof.pending, {place.found for place in proof.places}) == (
            True,
            False,
            {0},
        )
        assert len(proof.places) >= 8
        bench.verbs.remember("will", "t", ["I like tea"])
        assert not bench.verbs.verify_erased("will", ["crème brûlée", "tea"]).erased
        for short in ("x", ["tea", "x"], []):
            with pytest.raises(InvalidInput, match="too short"):
                bench.verbs.verify_erased("will", short)

    def test_what_others_said(self, making: Making) -> None:
        """What stands in other users' memory is theirs, and told apart."""
        bench = making()
        learn(bench, "gooseberries")
        bench.verbs.remember("ana", "t", ["I like gooseberries"])
        bench.verbs.forget("will", "interests", "gooseberries")
        proof = bench.verbs.verify_erased("will", "gooseberries")
        assert proof.erased is True
        assert sum(place.of_others for place in proof.places) == 1

    def _import(self, bench: Bench, user_id: str, text: str) -> Imported:
        verbs = bench.verbs
        name = "import_" if bench.colour == "sync" else "import"
        done: Imported = getattr(verbs, name)(user_id, json.loads(text))
        return done

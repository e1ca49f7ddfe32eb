"""What editing and undoing promise on every database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from usermemory.conformance.harness import Bench
from usermemory.errors import Conflict, InvalidDocument, InvalidInput

Making = Callable[..., Bench]
LIKES = ["interests", "interests"]


def learn(bench: Bench, *things: str, thread_id: str = "t") -> None:
    """One revision for each thing that is liked."""
    for thing in things:
        bench.verbs.remember("will", thread_id, [f"I like {thing}"])
        bench.verbs.trigger("will")
        bench.clock.advance(1)


class Correcting:
    """Tests of edit, undo and undo_thread."""

    def test_edit_by_patch(self, making: Making) -> None:
        """A patch is one revision in the editor's name, which says what changed by value."""
        bench = making()
        learn(bench, "chess")
        patch = [{"op": "replace", "path": "/name", "value": "Will"}]
        revision = bench.verbs.edit("will", patch, by="support")
        assert (revision.number, revision.by, revision.changes[0].after) == (2, "support", "Will")
        assert bench.verbs.history("will")[0] == revision
        assert bench.verbs.recall("will").document["name"] == "Will"

    def test_edit_by_document(self, making: Making) -> None:
        """A whole document empties what is not in it; the same document again changes nothing."""
        bench = making()
        learn(bench, "chess", "tea")
        whole = {"name": "Will", "interests": ["tea"]}
        assert bench.verbs.edit("will", whole, by="will").number == 3
        assert bench.interests("will") == ["tea"]
        assert bench.verbs.edit("will", whole, by="will") is None

    def test_edit_of_a_new_user(self, making: Making) -> None:
        """A profile can be written before anything was said."""
        bench = making()
        assert bench.verbs.edit("new", {"age": 31}, by="import").number == 1
        assert bench.verbs.recall("new").document["age"] == 31

    def test_compare_and_set(self, making: Making) -> None:
        """An edit of a revision that is not the newest is a conflict, and changes nothing."""
        bench = making()
        learn(bench, "chess", "tea")
        with pytest.raises(Conflict, match="revision 2"):
            bench.verbs.edit("will", {"name": "Will"}, by="will", revision=1)
        assert bench.interests("will") == ["chess", "tea"]
        assert bench.verbs.edit("will", {"name": "Will"}, by="will", revision=2).number == 3

    def test_edits_that_cannot_be(self, making: Making) -> None:
        """What the schema refuses, what does not apply, and nobody's edit are clear errors."""
        bench = making()
        with pytest.raises(InvalidDocument, match="age"):
            bench.verbs.edit("will", {"age": "old"}, by="will")
        with pytest.raises(InvalidInput, match="does not apply"):
            bench.verbs.edit("will", [{"op": "remove", "path": "/interests/7"}], by="will")
        patch = [{"op": "test", "path": "/name", "value": "Bo"}]
        with pytest.raises(Conflict, match="tests for"):
            bench.verbs.edit("will", patch, by="will")
        with pytest.raises(InvalidInput, match="whole document"):
            bench.verbs.edit("will", "name: Will", by="will")
        for nobody in (" ", "model", "undo", "forget"):
            with pytest.raises(InvalidInput, match="by="):
                bench.verbs.edit("will", {"age": 31}, by=nobody)
        assert bench.verbs.history("will") == []

    def test_an_edit_stands_against_older_words(self, making: Making) -> None:
        """A field edited by hand changes afterwards only by words received after the edit."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.clock.advance(1)
        bench.verbs.edit("will", {"interests": ["tea"]}, by="will")
        (outcome,) = bench.verbs.trigger("will")
        assert [rejection.reason for rejection in outcome.rejections] == ["edited_by_hand"]
        bench.clock.advance(1)
        # A caller's time cannot make old words out of new ones, nor new ones out of old.
        said = {"role": "user", "content": "I like cats", "timestamp": bench.clock.now() - 1e6}
        bench.verbs.remember("will", "t", [said])
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["tea", "cats"]

    def test_an_edit_while_the_model_thinks(self, making: Making) -> None:
        """The same changes are checked and applied again to the edited profile: one call."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.listener.meanwhile(
            lambda: bench.verbs.memory.edit("will", {"name": "Will"}, by="will")
        )
        bench.clock.advance(1)
        bench.verbs.trigger("will")
        document = bench.verbs.recall("will").document
        assert (document["name"], len(bench.listener.read)) == ("Will", 1)

    def test_undo(self, making: Making) -> None:
        """Undo takes the newest revision back, then the one before; its own number restores it."""
        bench = making()
        learn(bench, "chess", "tea", "cats")
        first = bench.verbs.undo("will")
        assert (bench.interests("will"), first.revision.undoes) == (["chess", "tea"], (3,))
        bench.verbs.undo("will")
        assert bench.interests("will") == ["chess"]
        bench.verbs.undo("will", first.revision.number)
        assert bench.interests("will") == ["chess", "cats"]
        (evidence,) = bench.verbs.why("will", "interests", "cats")
        assert evidence.quote == "I like cats"

    def test_undo_of_any_revision(self, making: Making) -> None:
        """One from the middle goes by itself; what came later beside it stays."""
        bench = making()
        learn(bench, "chess", "tea", "cats")
        bench.verbs.undo("will", 2)
        assert bench.interests("will") == ["chess", "cats"]
        assert bench.verbs.undo("will", 2).revision is None
        with pytest.raises(InvalidInput, match="no revision 9"):
            bench.verbs.undo("will", 9)

    def test_an_undo_that_collides(self, making: Making) -> None:
        """What was changed again since stays, and the conflict is shown."""
        bench = making()
        bench.verbs.edit("will", {"name": "Bill"}, by="will")
        bench.verbs.edit("will", {"name": "Will", "age": 31}, by="will")
        bench.verbs.edit("will", {"name": "Willow", "age": 31}, by="will")
        undone = bench.verbs.undo("will", 2)
        assert [(c.field, c.after) for c in undone.conflicts] == [("name", "Will")]
        document = bench.verbs.recall("will").document
        assert (document["name"], document["age"]) == ("Willow", None)

    def test_unlearn_a_conversation(self, making: Making) -> None:
        """All that a thread taught is taken back at once, and nothing else."""
        bench = making()
        learn(bench, "chess", "tea", thread_id="a")
        learn(bench, "cats", thread_id="b")
        learn(bench, "fog", thread_id="a")
        undone = bench.verbs.undo_thread("will", "a")
        assert (bench.interests("will"), undone.conflicts) == (["cats"], ())
        assert sorted(undone.revision.undoes) == [1, 2, 4]
        assert bench.verbs.undo_thread("will", "a").revision is None

    def test_nothing_to_undo(self, making: Making) -> None:
        """Nobody's profile has nothing to take back."""
        assert making().verbs.undo("nobody").revision is None

    def test_a_rehearsal(self, making: Making) -> None:
        """An edit or undo can be tried: it says what it would change, and changes nothing."""
        bench = making()
        learn(bench, "chess", "tea")
        edit = bench.verbs.edit("will", {"name": "Will"}, by="will", revision=2, dry_run=True)
        assert (edit.number, [change.field for change in edit.changes]) == (3, ["name", *LIKES])
        undone = bench.verbs.undo("will", dry_run=True).revision
        assert (undone.undoes, undone.changes[0].before) == ((2,), "tea")
        assert len(bench.verbs.undo_thread("will", "t", dry_run=True).revision.changes) == 2
        assert [one.number for one in bench.verbs.history("will")] == [2, 1]
        assert bench.interests("will") == ["chess", "tea"]

    def test_snapshots(self, making: Making) -> None:
        """The profile can be seen as each revision left it, in the present one by default."""
        bench = making()
        learn(bench, "chess", "tea")
        bench.verbs.undo("will", 1)
        seen = [bench.verbs.snapshot("will", number).document["interests"] for number in range(4)]
        assert seen == [[], ["chess"], ["chess", "tea"], ["tea"]]
        assert bench.verbs.snapshot("will").revision == 3
        assert bench.verbs.snapshot("will", 1).at == bench.verbs.history("will")[-1].at
        assert bench.verbs.snapshot("nobody").document["interests"] == []
        with pytest.raises(InvalidInput, match="the newest is 3"):
            bench.verbs.snapshot("will", 4)

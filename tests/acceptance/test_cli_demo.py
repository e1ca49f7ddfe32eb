"""``usermemory demo``: the main job, seen from outside."""

from __future__ import annotations

from pathlib import Path

import jsonpatch
from tests.support.command_line import data, run

from usermemory.schema import UserProfile, schema_of


def test_demo_tells_the_story(tmp_path: Path) -> None:
    """It shows what was learned, from which words, as which patch, and a thread that uses it."""
    database = ("--db", str(tmp_path / "memory.db"))
    done = run("demo", "--delay", "0.5", *database)
    assert (done.returncode, done.stderr) == (0, "")
    before, _, after = done.stdout.partition("thread convo 2")
    for words in ("I'm will”", '{"op": "replace", "path": "/name", "value": "Will"}', "quiet"):
        assert words in before
    assert "building long term memory" in after.split("guess what i'm working on?")[1]
    again = run("demo", *database)
    assert (again.returncode, again.stdout) == (1, "")
    assert "knows 'will' already" in again.stderr
    assert "Will" in run("profile", "show", "will", *database).stdout


def test_demo_as_data() -> None:
    """As JSON it is the same story, and its patch makes an empty profile into the learned one."""
    scenes = data("demo", "--user", "bill")
    kinds = [scene["scene"] for scene in scenes if scene["scene"] != "turn"]
    assert kinds == ["opened", "begun", "quiet", "learned", "begun", "begun"]
    learned = next(scene for scene in scenes if scene["scene"] == "learned")
    assert len(learned["revisions"]) == 1
    assert learned["profile"]["name"] == "Will"
    empty = schema_of(UserProfile).empty()
    assert jsonpatch.apply_patch(empty, learned["patch"]) == learned["profile"]
    assert {scene["user_id"] for scene in scenes if scene["scene"] == "turn"} == {"bill"}

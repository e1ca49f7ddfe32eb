"""``usermemory doctor``, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command_line import run
from tests.support.provider_server import ProviderServer, status, text, tool

LEARNED = {
    "changes": [
        {
            "quote": "my name is Ada",
            "who": "user",
            "field": "name",
            "action": "set",
            "value": "Ada",
        }
    ]
}


def test_findings(tmp_path: Path) -> None:
    """Each finding is a line with what to do below it; exit code 0 if nothing fails."""
    (tmp_path / "m.db").touch()
    with ProviderServer() as server:
        server.reply(text("ready"), tool(LEARNED), text("It rains."))
        done = run(
            "doctor", f"--db={tmp_path}/m.db", "--model", "test", "--base-url", server.openai_url
        )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok   python: Python 3.")
    for line in ("warn database: ", "     → first use makes them", "ok   structured output: "):
        assert any(said.startswith(line) for said in lines), done.stdout
    assert "learned name: Ada" in done.stdout


def test_a_failure(tmp_path: Path) -> None:
    """Something that fails is exit code 1, and with --json the same findings are data."""
    with ProviderServer() as server:
        server.always(status(401, message="no such key"))
        done = run(
            "doctor",
            f"--db={tmp_path}/m.db",
            "--model=test",
            f"--base-url={server.openai_url}",
            "--json",
        )
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert told["findings"][-1]["name"] == "answer"
    assert told["findings"][-1]["state"] == "fail"
    assert "key" in told["findings"][-1]["todo"]

"""agno's memory manager, in an environment that has it: prints what it did as JSON.

One call of ``create_user_memories`` for each session with all of its messages, as if it were
debounced. A loopback server answers for the model: a call of ``add_memory`` for each fact.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agno.memory import MemoryManager
from agno.models.message import Message
from bench.cost.counting import FRAME, Tokens, compact
from bench.cost.dialogues import load
from bench.cost.reader import Reader
from bench.cost.run import Cost, Run
from bench.full.life_agno import Provider, adding, database_in, model_of


class Counting(Provider):
    """Answers with the facts of the session that stands in a request, and counts.

    Args:
        reader: Knows the sessions.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.costs: list[tuple[int, int]] = []
        self._reader = reader
        self._tokens = Tokens()

    def answer(self, sent: dict[str, Any], before: Callable[[], bool]) -> tuple[bool, Any]:
        """The facts, as calls of a tool; then that it is done."""
        texts = [str(one["content"] or "") for one in sent["messages"]]
        texts += [compact(one["tool_calls"]) for one in sent["messages"] if one.get("tool_calls")]
        prompt = sum(FRAME + self._tokens.of(text) for text in texts)
        prompt += self._tokens.of_json(sent.get("tools") or [])
        if sent["messages"][-1]["role"] == "tool":
            answers, message = super().answer(sent, before)
        else:
            session = self._reader.session(" ".join(" ".join(texts).split()))
            answers, message = True, adding([fact.text for fact in session.facts])
        arguments = [one["function"]["arguments"] for one in message.get("tool_calls") or ()]
        self.costs.append((prompt, self._tokens.of(message["content"] or "".join(arguments))))
        return answers, message


def main() -> None:
    """Read the dialogues named on the command line."""
    path, *only = sys.argv[1:]
    run = Run("agno")
    for number, sessions in enumerate(load(Path(path), only)):
        provider = Counting(Reader(sessions))
        user = f"user-{number}"
        with tempfile.TemporaryDirectory() as folder:
            database = database_in(Path(folder), "cost")
            for session in sessions:
                manager = MemoryManager(model=model_of(provider), db=database)
                asked = len(provider.costs)
                said = [
                    Message(
                        role="user" if turn.speaker == session.user else "assistant",
                        content=turn.text,
                    )
                    for turn in session.turns
                ]
                manager.create_user_memories(messages=said, user_id=user)
                run.costs += [
                    Cost(session.number, prompt, output, first=at == 0)
                    for at, (prompt, output) in enumerate(provider.costs[asked:])
                ]
            found = MemoryManager(db=database).get_user_memories(user_id=user) or ()
            run.look(sessions, [one.memory for one in found])
    print(json.dumps(run.as_json()))


if __name__ == "__main__":
    main()

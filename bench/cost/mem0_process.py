"""mem0, in an environment that has it: prints what it did as JSON.

One ``add`` for each session with all of its messages, as if it were debounced. A loopback server
answers for the model, and for the embeddings, which are counted as no tokens.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.cost.counting import FRAME, Tokens, compact
from bench.cost.dialogues import load
from bench.cost.reader import Reader
from bench.cost.run import Cost, Run
from bench.full.life_mem0 import Provider, memory_in


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

    def notes(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The facts, in the form that mem0 asks for."""
        texts = [str(one["content"]) for one in sent["messages"]]
        session = self._reader.session(" ".join(" ".join(texts).split()))
        found = [{"id": str(at), "text": fact.text} for at, fact in enumerate(session.facts)]
        answer = compact({"memory": found})
        prompt = sum(FRAME + self._tokens.of(text) for text in texts)
        self.costs.append((prompt, self._tokens.of(answer)))
        return self.completed(answer)


def main() -> None:
    """Read the dialogues named on the command line."""
    path, *only = sys.argv[1:]
    run = Run("mem0")
    for number, sessions in enumerate(load(Path(path), only)):
        provider = Counting(Reader(sessions))
        user = f"user-{number}"
        with tempfile.TemporaryDirectory() as folder:
            memory = memory_in(Path(folder), "cost", provider)
            for session in sessions:
                asked = len(provider.costs)
                said = [
                    {
                        "role": "user" if turn.speaker == session.user else "assistant",
                        "content": turn.text,
                    }
                    for turn in session.turns
                ]
                memory.add(said, user_id=user)
                run.costs += [
                    Cost(session.number, prompt, output, first=at == 0)
                    for at, (prompt, output) in enumerate(provider.costs[asked:])
                ]
            found = memory.get_all(filters={"user_id": user}, top_k=100_000)
            run.look(sessions, [one["memory"] for one in found["results"]])
    print(json.dumps(run.as_json()))


if __name__ == "__main__":
    main()

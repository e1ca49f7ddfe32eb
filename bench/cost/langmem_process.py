"""LangMem's profile, in an environment that has langmem: prints what it did as JSON.

One call for each session, as if its debounce worked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.cost.counting import CountingModel
from bench.cost.dialogues import load
from bench.cost.profile import UserProfile
from bench.cost.reader import LIST, Reader
from bench.cost.run import Cost, Run
from bench.cost.threads import messages
from langmem import create_memory_manager


def main() -> None:
    """Read the dialogues named on the command line."""
    path, *only = sys.argv[1:]
    run = Run("LangMem")
    for sessions in load(Path(path), only):
        model = CountingModel(answer=Reader(sessions).patches)
        manager = create_memory_manager(model, schemas=[UserProfile], enable_inserts=False)
        existing: list[tuple[str, str, dict[str, object]]] = []
        for session in sessions:
            asked = len(model.calls)
            found = manager.invoke({"messages": messages(session), "existing": existing})
            # As its store keeps them: the kind of a memory and its content.
            existing = [
                (one.id, "UserProfile", one.content.model_dump(mode="json")) for one in found
            ]
            run.costs += [
                Cost(session.number, call.prompt, call.output, first=at == 0)
                for at, call in enumerate(model.calls[asked:])
            ]
        run.look(sessions, existing[0][2][LIST])
    print(json.dumps(run.as_json()))


if __name__ == "__main__":
    main()

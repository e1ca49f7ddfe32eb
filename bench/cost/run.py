"""What one system did with the dialogues: its calls, and the facts that its profile holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.cost.dialogues import Session

OUTPUT_WEIGHT = 8
"""What a token of an answer costs beside one of a prompt; several providers charge so."""


@dataclass(frozen=True)
class Cost:
    """One call.

    Attributes:
        session: The number of its session in the dialogue.
        prompt: Tokens of all that was sent.
        output: Tokens of the answer.
        first: Whether it is the first call for its messages: no repair, no second look.
    """

    session: int
    prompt: int
    output: int
    first: bool = True


@dataclass
class Run:
    """All calls of one system.

    Attributes:
        name: The system.
        costs: Its calls.
        kept: How many of the annotated facts stand in the profile at the end.
        of: How many there are.
    """

    name: str
    costs: list[Cost] = field(default_factory=list)
    kept: int = 0
    of: int = 0

    def look(self, sessions: Sequence[Session], items: Iterable[str]) -> None:
        """Count which facts of a dialogue stand in its user's profile."""
        held = {" ".join(item.split()) for item in items}
        facts = [" ".join(fact.text.split()) for one in sessions for fact in one.facts]
        self.kept += sum(fact in held for fact in facts)
        self.of += len(facts)

    def prompt(self, until: int | None = None) -> int:
        """Tokens of the prompts, of all sessions or of the first so many of each dialogue."""
        return sum(one.prompt for one in self.costs if until is None or one.session <= until)

    @property
    def output(self) -> int:
        """Tokens of the answers."""
        return sum(one.output for one in self.costs)

    @property
    def weight(self) -> int:
        """What all of it costs, in tokens of a prompt."""
        return self.prompt() + OUTPUT_WEIGHT * self.output

    def as_json(self) -> dict[str, Any]:
        """For another process to read."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Run:
        """What `as_json` gave."""
        return cls(**{**data, "costs": [Cost(**one) for one in data["costs"]]})

"""Where the tokens of a prompt go, read off the request as it was sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

from bench.cost.counting import FRAME, Call, Tokens
from bench.cost.dialogues import Session
from langchain_core.messages import SystemMessage


@dataclass(frozen=True)
class Shares:
    """Tokens of one request.

    Attributes:
        rules: What says how to decide, and frames the messages; the same for every request.
        fields: The lines that list the fields.
        form: The definition of the answer.
        profile: What is known already, and whatever else stands beside the transcript.
        transcript: What was said, with who said it and when.
        said: Of the transcript, what was said alone.
        output: The answer.
        facts: How many facts are to be learned.
        values: Of the answer, the facts alone.
    """

    rules: float
    fields: float
    form: float
    profile: float
    transcript: float
    said: float
    output: float
    facts: float
    values: float


def shares(call: Call, session: Session, names: Collection[str], tokens: Tokens) -> Shares:
    """The shares of one first call.

    Args:
        call: The call.
        session: What it was about.
        names: The profile's fields.
        tokens: Counts.
    """
    system = "\n".join(one.text for one in call.messages if isinstance(one, SystemMessage))
    asked = "\n".join(one.text for one in call.messages if not isinstance(one, SystemMessage))
    described = "\n".join(line for line in system.splitlines() if _is_field(line, names))
    begin, end = _transcript(asked, session)
    values = [one.get("value") for one in call.answer.get("changes", ())]
    return Shares(
        rules=tokens.of(system) - tokens.of(described) + FRAME * len(call.messages),
        fields=tokens.of(described),
        form=tokens.of_json(call.tools),
        profile=tokens.of(asked) - tokens.of(asked[begin:end]),
        transcript=tokens.of(asked[begin:end]),
        said=sum(tokens.of(turn.text) for turn in session.turns),
        output=call.output,
        facts=len(session.facts),
        values=sum(tokens.of(str(value)) for value in values),
    )


def average(found: Sequence[Shares]) -> Shares:
    """The mean of each share."""
    names = [one.name for one in fields(Shares)]
    return Shares(*(sum(getattr(one, name) for one in found) / len(found) for name in names))


def _is_field(line: str, names: Collection[str]) -> bool:
    """Whether a line of the rules describes a field: it begins with the name of one."""
    named = re.match(r"\W*(\w+)\b *[:(]", line)
    return named is not None and named.group(1) in names


def _transcript(asked: str, session: Session) -> tuple[int, int]:
    """From the line of the first turn that is found to the end of the line of the last one."""
    found = [
        (at, at + len(part)) for part in _first_lines(session) if (at := asked.find(part)) >= 0
    ]
    if not found:
        return 0, 0
    begin = asked.rfind("\n", 0, found[0][0]) + 1
    end = asked.find("\n", found[-1][1])
    return begin, len(asked) if end < 0 else end


def _first_lines(session: Session) -> list[str]:
    return [turn.text.strip().partition("\n")[0] for turn in session.turns if turn.text.strip()]

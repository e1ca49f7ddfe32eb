"""The perfect reader: notes the annotated facts of the session that it finds in a request.

It runs in LangMem's environment too, so it imports nothing of this project.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.cost.counting import Reply
from bench.cost.dialogues import Fact, Session
from langchain_core.messages import BaseMessage

LIST = "core_memories"
"""The field of the profile that all facts go to."""

_NUMBERED = re.compile(r"^\W*(?:change )?(\d+)\b", re.MULTILINE | re.IGNORECASE)


class Reader:
    """Answers for every system; each answers in the form that it is asked for.

    Args:
        sessions: All that may be asked about, of one user, in order.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._sessions = sessions
        self._said = [
            [_flat(turn.text) for turn in one.turns if turn.speaker == one.user] for one in sessions
        ]

    def changes(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """The list of changes, or the verdicts, that usermemory asks for.

        To a request that shows refused changes the answer is that there are none: whoever knows
        the truth has nothing better to say.
        """
        form, asked = tools[0]["function"]["parameters"], text_of(messages)
        if "verdicts" in form["properties"]:
            said = "\n".join(message.text for message in messages)
            return Reply({"verdicts": verdicts(form["properties"]["verdicts"], said)})
        session = self.session(asked)
        end = max(asked.rfind(_flat(turn.text)) for turn in session.turns)
        if any(_flat(fact.text) in asked[end:] for fact in session.facts):
            return Reply({"changes": []})
        # Of a long thread a request may show a part, behind a profile with what was read before.
        places = [asked.find(_flat(turn.text)) for turn in session.turns]
        transcript = asked[min(at for at in places if at >= 0) :]
        shown = [fact for fact in session.facts if _flat(fact.quote) in transcript]
        return Reply({"changes": [change(fact, form) for fact in shown]})

    def profile(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """The whole profile anew."""
        del tools
        return Reply(self._whole(self.session(text_of(messages))))

    def patches(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """What trustcall asks for: the profile at first, JSON patches of it from then on."""
        asked = text_of(messages)
        session = self.session(asked)
        name = tools[0]["function"]["name"]
        if name != "PatchDoc":
            return Reply(self._whole(session), name)
        document = re.search(r"<instance id=(\S+)", asked)
        if document is None:
            raise LookupError("trustcall shows no document to patch")
        return Reply(
            {
                "json_doc_id": document.group(1),
                "planned_edits": f"Append the new facts to {LIST}.",
                "patches": [
                    {"op": "add", "path": f"/{LIST}/-", "value": fact.text}
                    for fact in session.facts
                ],
            },
            name,
        )

    def session(self, asked: str) -> Session:
        """The session whose user's words stand in a request.

        Raises:
            LookupError: None of them does.
        """
        found = [sum(words in asked for words in said) / len(said) for said in self._said]
        best = max(range(len(found)), key=lambda at: found[at])
        if not found[best]:
            raise LookupError("no session stands in the request")
        return self._sessions[best]

    def _whole(self, session: Session) -> dict[str, Any]:
        known = [fact.text for one in self._sessions[: session.number] for fact in one.facts]
        return {"name": None, "age": None, "interests": [], LIST: list(dict.fromkeys(known))}


def text_of(messages: Iterable[BaseMessage]) -> str:
    """All that was sent, on one line; words that were fenced or indented are found in it."""
    return _flat("\n".join(message.text for message in messages))


def change(fact: Fact, form: Mapping[str, Any]) -> dict[str, Any]:
    """One fact as a change, in the form that is asked for: of today's, or with "field" apart."""
    choices = form["properties"]["changes"]["items"]
    branches = choices.get("anyOf", [choices])
    apart = {"field": LIST, "action": "add"}
    joined = {"action": f"add {LIST}"}
    for branch in branches:
        parts = branch["properties"]
        for named in (apart, joined):
            if all(value in parts.get(name, {}).get("enum", ()) for name, value in named.items()):
                said = {"quote": fact.quote, "who": "user", "value": fact.text, **named}
                return {name: said[name] for name in parts}
    raise LookupError(f"the form has no way to add to {LIST}")


def verdicts(schema: Mapping[str, Any], asked: str) -> list[Any]:
    """The verdict "said", for each change of which a second look asks."""
    count = schema.get("minItems") or _numbered(asked)
    return [_verdict(schema["items"], number) for number in range(1, count + 1)]


def _verdict(schema: Mapping[str, Any], number: int) -> Any:
    if "properties" in schema:
        return {name: _verdict(part, number) for name, part in schema["properties"].items()}
    if "enum" in schema:
        return "said" if "said" in schema["enum"] else schema["enum"][0]
    return number if schema.get("type") in {"integer", "number"} else str(number)


def _numbered(asked: str) -> int:
    """How many numbers stand in a row at the beginnings of lines, from 1."""
    found = {int(number) for number in _NUMBERED.findall(asked)}
    return next(number for number in range(1, len(found) + 2) if number not in found) - 1


def _flat(text: str) -> str:
    return " ".join(text.split())

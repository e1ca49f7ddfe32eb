"""LangGraph's how-to of 2024: after each thread the whole profile is written anew.

Its prompt is read from the text of the page, which whoever runs this has: two templates, found in
the page's code by their places. Nothing of the page is run.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cost.counting import CountingModel
from bench.cost.dialogues import Session
from bench.cost.profile import UserProfile
from bench.cost.reader import LIST, Reader
from bench.cost.run import Cost, Run
from bench.cost.threads import messages
from langchain_core.prompts import ChatPromptTemplate

_PROMPT = re.compile(
    r"^prompt = ChatPromptTemplate\.from_messages\(\s*(\[.*?\])\s*^\)$", re.MULTILINE | re.DOTALL
)
_STATE = re.compile(r'^_CURRENT_STATE_TEMPLATE = (""".*?""")$', re.MULTILINE | re.DOTALL)


class NoPrompt(ValueError):
    """The page does not hold what is looked for."""


@dataclass(frozen=True)
class Page:
    """What is taken from the page: the prompt, and what shows the present profile in it."""

    prompt: ChatPromptTemplate
    state: str


def page(path: Path) -> Page:
    """The templates of the page.

    Raises:
        NoPrompt: One of them is not there.
    """
    text = path.read_text("utf-8")
    found = [pattern.search(text) for pattern in (_PROMPT, _STATE)]
    if not all(found):
        raise NoPrompt(f"{path} holds no prompt and no template of the current profile")
    parts: list[Any] = [ast.literal_eval(one.group(1)) for one in found if one]
    return Page(ChatPromptTemplate.from_messages(parts[0]), parts[1])


def read(dialogues: Sequence[Sequence[Session]], templates: Page) -> Run:
    """Read all dialogues as the page does."""
    run = Run("the how-to")
    for sessions in dialogues:
        model = CountingModel(answer=Reader(sessions).profile)
        chain = templates.prompt | model.with_structured_output(UserProfile)
        stored = ""
        for session in sessions:
            asked = {
                "user_id": session.user,
                "messages": messages(session),
                "current_user_state": _state(templates, stored),
            }
            stored = chain.invoke(asked).model_dump_json()
            run.costs.append(Cost(session.number, model.calls[-1].prompt, model.calls[-1].output))
        run.look(sessions, json.loads(stored)[LIST])
    return run


def _state(templates: Page, stored: str) -> str:
    if not stored:
        return ""
    return templates.state.format(current_user_state=json.dumps(json.loads(stored)))

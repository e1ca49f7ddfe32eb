"""A session as the LangChain messages that a chatbot would have in its thread."""

from __future__ import annotations

from bench.cost.dialogues import Session
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage


def messages(session: Session) -> list[BaseMessage]:
    """The user's turns as the user's messages, the other's as the assistant's, with the time."""
    return [
        (HumanMessage if turn.speaker == session.user else AIMessage)(
            turn.text, id=turn.id, additional_kwargs={"timestamp": session.at}
        )
        for turn in session.turns
    ]

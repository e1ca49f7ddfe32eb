"""An extractor and a chat bot without a model: what people say of themselves, by rules, in English.

For the demo, for tests, and for running without a key. It learns less than a language model and
is meant to: what no rule names is not learned, so that what it learns is what was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.extract import Extraction, Request
from usermemory.offline.clauses import clauses, sincere, statements
from usermemory.offline.draft import Draft
from usermemory.offline.readers import Found, greets, read

if TYPE_CHECKING:
    from usermemory.offline.chat_model import OfflineChatModel

__all__ = ["OfflineChatModel", "OfflineExtractor"]


class OfflineExtractor:
    """Finds first-person statements and turns them into changes, each with its quote.

    It fills name, age, city, job, diet, interests and core memories, as far as the schema has
    fields for them (`usermemory.offline.draft.FIELDS`); what has none becomes a core memory.
    """

    def extract(self, request: Request) -> Extraction:
        """The changes that the batch calls for; asks nobody and costs nothing.

        Args:
            request: The schema, the profile and the messages.

        Returns:
            The changes in the order they were said; none where nothing was learned.
        """
        draft = Draft(request)
        known = len(request.context)
        for message, before in sincere((*request.context, *request.batch), skip=known):
            greeted = greets(message.text)
            for clause in clauses(message.text):
                for kind, value in statements(clause.text):
                    read(kind, draft, Found(value, clause, greeted, before))
        return Extraction(changes=tuple(draft.changes), model="offline", prompt="offline-1")


def __getattr__(name: str) -> Any:
    """The chat model, imported once asked for: learning needs nothing of LangChain."""
    if name == "OfflineChatModel":
        from usermemory.offline.chat_model import OfflineChatModel

        return OfflineChatModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

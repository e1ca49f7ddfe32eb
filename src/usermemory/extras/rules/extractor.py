"""An extractor without a model: what people say of themselves, by rules, in English."""

from __future__ import annotations

from usermemory.extract import Extraction, Request
from usermemory.extras.rules.clauses import clauses, sincere, statements
from usermemory.extras.rules.draft import Draft
from usermemory.extras.rules.readers import Found, greets, read


class OfflineExtractor:
    """Finds first-person statements and turns them into changes, each with its quote.

    It fills name, age, city, job, diet, interests and core memories, as far as the schema has
    fields for them (`usermemory.extras.rules.draft.FIELDS`); what has none becomes a core memory.
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

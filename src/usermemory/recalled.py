"""What a recall gives: a profile under today's names, able to load and render itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.dates import dated
from usermemory.records import Dated, Recalled, Revision
from usermemory.render import Rendered, render
from usermemory.schema.renames import renamed, renamed_revision, renamed_stamps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.records import Applied, Said
    from usermemory.schema import Schema


class SchemaView:
    """What a schema makes of what is stored: a `Recalled`, its value, its text and its dates.

    Args:
        schema: Today's.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._fields = dict.fromkeys(schema.fields)

    def recalled(  # noqa: PLR0913, PLR0917 - what a recall brings
        self,
        document: Mapping[str, Any],
        stamps: Mapping[str, Any],
        revision: int,
        updated_at: float | None,
        pending: int = 0,
        at: float | None = None,
        tail: tuple[Said, ...] = (),
        earlier: tuple[Revision, ...] = (),
        waiting: tuple[Applied, ...] = (),
        shared: Mapping[str, Any] | None = None,
        about: str = "",
    ) -> Recalled:
        """What was recalled, under today's names.

        In the schema's order, with the fields that it got since the profile was saved.
        """
        schema = self._schema
        known = renamed(schema, document) if schema.renames else document
        complete = self._fields if known.keys() >= self._fields.keys() else schema.empty()
        if schema.renames:
            earlier = tuple(renamed_revision(schema, one) for one in earlier)
            waiting = renamed_revision(schema, Revision(0, 0.0, "", waiting)).changes
        return Recalled(
            {**complete, **known},
            revision,
            updated_at,
            pending,
            tail,
            earlier,
            waiting,
            shared or {},
            renamed_stamps(schema, stamps),
            about,
            at,
            self,
        )

    def load(self, document: Mapping[str, Any]) -> Any:
        """A document as an instance of the schema's own type."""
        return self._schema.load(document)

    def text(self, one: Recalled, max_tokens: int) -> Rendered:
        """The profile as text for a prompt, with what it shows."""
        return render(one, self._schema, max_tokens)

    def dates(self, one: Recalled) -> list[Dated]:
        """Each value with its times."""
        return dated(one.document, one.times, self._schema, one.at or 0.0)

"""One person: the profile with the words behind it, timeline, what was refused, search, export."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from usermemory.errors import ConfigurationError, InvalidInput
from usermemory.past import evidence_of
from usermemory.records import Job, Proposal, Revision
from usermemory.schema.renames import renamed_history
from usermemory.serve.pages.controls import Input, inputs
from usermemory.serve.pages.values import (
    SHOWN,
    Origins,
    Section,
    Spot,
    changes_of,
    misfits_of,
    proposed_spot,
    section,
    sections,
    spot,
)
from usermemory.serve.pages.words import steps_of
from usermemory.settings import checked_user
from usermemory.store.flows import load_profile
from usermemory.store.flows import recall as recalls

if TYPE_CHECKING:
    from starlette.routing import Route

    from usermemory.schema.document import Reading
    from usermemory.serve.pages.frame import Ask, Frame

_TURN = 25
"""Revisions on one page of a timeline."""

_LOOKED_AT = 5_000
"""Revisions that a filter looks through before it says how far it came."""

DONE = {
    "saved": "Saved. What the user said before this changes it no more.",
    "same": "Nothing changed: the profile says so already.",
    "undone": "Taken back.",
    "kept": "Nothing was taken back: the same was changed again since, or erased.",
    "partly": "Taken back, but for what was changed again since, or erased.",
    "paused": "Paused: nothing more is learned, and what is said meanwhile never will be.",
    "resumed": "Learning again, from what is said from now on.",
    "read": "Read.",
    "failed": "It could not be read; the reason stands below.",
    "approved": "Approved.",
    "declined": "Declined.",
    "tidied": "Looked over: what is proposed waits below.",
    "tidy": "Looked over: nothing is proposed.",
}
"""What a page says after something was done."""


@dataclass(frozen=True, slots=True)
class Known:
    """A user as the database has them.

    Attributes:
        revision: Of the profile.
        reading: The profile under today's schema.
        stamps: When each field was learned, confirmed and edited.
        jobs: Threads with unread messages.
        paused: Whether nothing is learned.
    """

    revision: int
    reading: Reading
    stamps: Any
    jobs: Sequence[Job]
    paused: bool

    @property
    def waiting(self) -> int:
        """How many messages wait to be read."""
        return sum(job.unread for job in self.jobs)


class Person:
    """The pages of one user, for whoever runs the bot and for the user.

    Args:
        frame: What renders and guards them.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._memory = frame.memory

    def routes(self) -> list[Route]:
        """Where they are."""
        route = self._frame.route
        both = [("", self.profile), ("/list", self.more), ("/value", self.value)]
        both += [("/export.json", self.export), ("/export.txt", self.export_text)]
        mine = [("/timeline", self.timeline), ("/refused", self.refused), ("/search", self.search)]
        return [
            *(route(f"{base}{path}", one) for base in ("/person", "/own") for path, one in both),
            *(route(f"/person{path}", one) for path, one in mine),
        ]

    def known(self, ask: Ask) -> Known:
        """The user of a request; an empty one for a user nobody knows."""
        user_id = checked_user(ask.user_id)
        memory = self._memory
        profile = memory.driver.read(load_profile, user_id)
        reading = memory.schema.read(profile.document or {})
        paused = memory.driver.read(recalls.is_paused, user_id)
        return Known(
            profile.revision, reading, profile.stamps, memory.jobs(user_id=user_id), paused
        )

    def history(self, ask: Ask) -> list[Revision]:
        """The user's revisions, the newest first, under today's names."""
        return self._memory.history(ask.user_id)

    def profile(self, ask: Ask) -> Response:
        """What is known."""
        known = self.known(ask)
        found = sections(known.reading, self._memory.schema, Origins(self.history(ask)))
        return self._frame.page(
            ask,
            "person.html",
            known=known,
            sections=[one for one in found if one.total],
            empty=[one for one in found if not one.total],
            misfits=misfits_of(known.reading, self._memory.schema),
            done=_done(ask),
            proposals=[] if ask.own else self._proposals(ask.user_id),
            tidies=self._has_model(),
        )

    def _has_model(self) -> bool:
        """Whether there is a language model that could look a profile over."""
        try:
            model = getattr(self._memory.consolidator.extractor(), "model", None)
        except ConfigurationError:
            return False
        return model is not None and not isinstance(model, str)

    def _proposals(self, user_id: str) -> list[tuple[Proposal, list[Input]]]:
        """What waits for a person, each with the form that edits it, where it can be edited."""
        found: list[tuple[Proposal, list[Input]]] = []
        for one in self._memory.proposals(user_id):
            place = proposed_spot(one, self._memory.schema)
            found.append((one, inputs(place) if place else []))
        return found

    def more(self, ask: Ask) -> Response:
        """More values of a long field."""
        self._memory.schema.check_name(ask.get("field"), {})
        field = self._memory.schema.fields[ask.get("field")]
        known = self.known(ask)
        origins = Origins(self.history(ask))
        found = section(known.reading, field, origins, ask.number("begin"), 5 * SHOWN)
        return self._frame.page(ask, "list.html", section=found, known=known)

    def value(self, ask: Ask) -> Response:
        """One value: the words behind it, its history, and forms to change and forget it."""
        known, place = self.place(ask)
        return self.panel(ask, known, place)

    def place(self, ask: Ask) -> tuple[Known, Spot]:
        """The place of the profile that a request names.

        Raises:
            InvalidInput: Nothing stands there any more.
        """
        known = self.known(ask)
        found = spot(known.reading, self._memory.schema, ask.get("path"))
        if found is None:
            raise InvalidInput(
                "This is not there any more: it was changed or erased since the page was loaded. "
                "Reload the page to see what is known now."
            )
        return known, found

    def panel(
        self, ask: Ask, known: Known, place: Spot, told: str = "", status: int = 200
    ) -> Response:
        """The panel of a value, after a form could not be saved too."""
        history = self.history(ask)
        document = {**known.reading.document, **known.reading.stored}
        evidence = []
        if not place.new:
            evidence = evidence_of(history, document, place.field.name, place.item)
        return self._frame.page(
            ask,
            "value.html",
            status,
            known=known,
            place=place,
            evidence=evidence,
            changes=changes_of(history, place) if not place.new else [],
            undone={number for one in history for number in one.undoes},
            inputs=inputs(place),
            typed={name: text for name, text in ask.fields.items() if told},
            told=told,
            times=known.stamps.get(place.field.name, {}),
        )

    def timeline(self, ask: Ask) -> Response:
        """The revisions as a readable diff, some at a time, by field, maker and thread."""
        user_id = checked_user(ask.user_id)
        wanted = {name: ask.get(name) for name in ("field", "by", "thread")}
        before = ask.number("before") or (1 << 62)
        found: list[Revision] = []
        looked, end = 0, False
        while len(found) <= _TURN and looked < _LOOKED_AT and not end:
            count = _TURN + 1 if not any(wanted.values()) else 200
            part = self._memory.driver.read(recalls.history, user_id, count, before)
            looked, end = looked + len(part), len(part) < count
            before = part[-1].number if part else 0
            renamed = renamed_history(self._memory.schema, part)
            found += [one for one in renamed if _is_wanted(one, wanted)]
        more = found[_TURN - 1].number if len(found) > _TURN else 0
        return self._frame.page(
            ask,
            "timeline.html",
            known=self.known(ask),
            revisions=found[:_TURN],
            more=more or (before if not end else 0),
            wanted=wanted,
            undone={number for one in self.history(ask) for number in one.undoes},
        )

    def refused(self, ask: Ask) -> Response:
        """What was proposed and not made, and what the schema does not take."""
        found = self._memory.refused(ask.user_id, None, 200)
        return self._frame.page(ask, "refusals.html", known=self.known(ask), refused=found)

    def search(self, ask: Ask) -> Response:
        """What the user told, by words and time."""
        hits = None
        asked = {"since": ask.get("since") or None, "until": ask.get("until") or None}
        if ask.get("q").strip() or any(asked.values()):
            hits = self._memory.search(ask.user_id, ask.get("q"), **asked, limit=50)
        return self._frame.page(ask, "search.html", known=self.known(ask), hits=hits)

    def export(self, ask: Ask) -> Response:
        """All that is kept, for programs; without secrets and hashes where the user asks."""
        data = self._memory.export(ask.user_id, for_user=ask.own)
        text = json.dumps(data, ensure_ascii=False, indent=1)
        return Response(text, media_type="application/json", headers=_download("profile.json"))

    def export_text(self, ask: Ask) -> Response:
        """What is known, as a text to read."""
        known, origins = self.known(ask), Origins(self.history(ask))
        lines = [f"What is known about {ask.user_id}", ""]
        for field in self._memory.schema.fields.values():
            found = section(known.reading, field, origins, 0, 1 << 30)
            lines += _text_of(found)
        text = "\n".join(lines if len(lines) > 2 else [*lines, "Nothing."]) + "\n"
        headers = _download("profile.txt")
        return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


def _done(ask: Ask) -> str:
    told = DONE.get(ask.get("done"), "")
    return told.replace("the user said", "you said") if ask.own else told


def _is_wanted(revision: Revision, wanted: dict[str, str]) -> bool:
    if wanted["thread"] and revision.thread_id != wanted["thread"]:
        return False
    if wanted["field"] and all(change.field != wanted["field"] for change in revision.changes):
        return False
    kind = "model" if revision.by == "model" else revision.by
    hand = kind not in {"model", "undo", "forget", "migration"}
    return wanted["by"] in {"", kind} or (wanted["by"] == "hand" and hand)


def _text_of(found: Section) -> list[str]:
    if not found.total:
        return []
    lines = [found.label]
    for row in found.rows:
        quote = f"   (in your words: “{row.quote.quote}”)" if row.quote else ""
        lines.append(f"  - {f'{row.name}: ' if row.name else ''}{row.text}{quote}")
    return [*lines, ""]


def _download(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


def field_of_path(path: str) -> str:
    """The field that a JSON pointer begins with."""
    return next(iter(steps_of(path)), "")

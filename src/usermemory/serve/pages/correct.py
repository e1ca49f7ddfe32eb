"""Putting a profile right: edit, take back, forget with its proof, unlearn, pause, erase all."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from usermemory.errors import ConfigurationError, Conflict, InvalidInput
from usermemory.records import Proof
from usermemory.refused import in_words
from usermemory.schema.shape import is_object
from usermemory.serve.pages.controls import edited, inputs, is_untouched, operation
from usermemory.serve.pages.person import DONE, field_of_path
from usermemory.serve.pages.values import proposed_spot
from usermemory.store.flows import recall as recalls
from usermemory.text import is_nothing, leaves, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.routing import Route

    from usermemory.records import Forgotten, Place, Undone
    from usermemory.serve.pages.frame import Ask, Frame
    from usermemory.serve.pages.person import Known, Person
    from usermemory.serve.pages.values import Spot

_GONE = "This waits no more: it was approved, declined or erased meanwhile, or has expired."

_NAMED = 20
"""Conversations that the page after an erasure names."""

_SHORT = 3
"""Characters of a text from which on a proof looks for it: shorter ones stand everywhere."""

_LOOKED_FOR = 50
"""Texts that a proof looks for, the longest."""


class Corrections:
    """What the forms of a person's page do.

    Args:
        frame: What renders and guards them.
        person: The pages they stand on.
    """

    def __init__(self, frame: Frame, person: Person) -> None:
        self._frame = frame
        self._memory = frame.memory
        self._person = person

    def routes(self) -> list[Route]:
        """Where they are."""
        route = self._frame.route
        both = [("/edit", self.edit), ("/remove", self.remove), ("/forget", self.forget)]
        both += [("/pause", self.pause), ("/resume", self.resume), ("/erase", self.erase)]
        mine = [("/undo", self.undo), ("/unlearn", self.unlearn), ("/read", self.read)]
        mine += [("/decide", self.decide), ("/tidy", self.tidy)]
        asked = [("/undo", self.ask_undo), ("/unlearn", self.ask_unlearn)]
        made = [route(f"/person{path}", one, writes=True) for path, one in mine]
        made += [route(f"/person{path}", one, asks=True) for path, one in asked]
        for base in ("/person", "/own"):
            made += [route(f"{base}{path}", one, writes=True) for path, one in both]
            made += [route(f"{base}/erase", self.ask_erase, asks=True)]
            made += [route(f"{base}/forgotten", self.forgotten)]
            made += [route(f"{base}/forgotten", self.delete_conversations, writes=True)]
        return made

    def edit(self, ask: Ask) -> Response:
        """Give a place a value; what the schema says against it stands in the form."""
        known, place = self._person.place(ask)
        try:
            return self._patch(ask, known, place, operation(place, inputs(place), ask.fields))
        except Conflict:
            told = "Somebody changed this meanwhile. Look at it again before you save."
        except InvalidInput as error:
            told = self._frame.titles.told(error)
        return self._person.panel(ask, known, place, told, 422)

    def remove(self, ask: Ask) -> Response:
        """Take an item out, or empty a field; the history keeps it."""
        known, place = self._person.place(ask)
        of_list = place.field.kind in {"list", "objects", "map"} and place.item is not None
        op: dict[str, Any] = {"op": "remove", "path": place.path}
        if not of_list and place.field.name in self._memory.schema.fields:
            empty = place.shape.default if place.shape else None
            op = {"op": "replace", "path": place.path, "value": empty}
        return self._patch(ask, known, place, op)

    def _patch(self, ask: Ask, known: Known, place: Spot, op: dict[str, Any]) -> Response:
        """Edit a place; what changed elsewhere since the page was loaded is no obstacle.

        Raises:
            Conflict: Another value stands there than the form was made for.
        """
        if ask.get("was", place.seen) != place.seen:
            raise Conflict("the value is another one by now")
        made = self._memory.edit(ask.user_id, [op], by=ask.editor, revision=known.revision)
        anchor = f"field-{field_of_path(ask.get('path'))}"
        return self._back(ask, "same" if made is None else "saved", anchor)

    def undo(self, ask: Ask) -> Response:
        """Take a revision back; of several changes once it is confirmed."""
        number = ask.number("revision")
        if ask.get("sure") != "yes":
            found = self._memory.undo(ask.user_id, number, dry_run=True).revision
            if found is not None and len(found.changes) > 1:
                return RedirectResponse(ask.of_user("/undo", revision=number), 303)
        return self._back(ask, _undone(self._memory.undo(ask.user_id, number)))

    def ask_undo(self, ask: Ask) -> Response:
        """What would be taken back with a revision, and what stays."""
        number = ask.number("revision")
        undone = self._memory.undo(ask.user_id, number, dry_run=True)
        return self._frame.page(ask, "undo.html", undone=undone, number=number)

    def ask_unlearn(self, ask: Ask) -> Response:
        """What would be taken back, or erased, of what a conversation taught."""
        thread = ask.get("thread")
        undone = self._memory.undo_thread(ask.user_id, thread, dry_run=True)
        reach = self._memory.forget_thread(ask.user_id, thread, dry_run=True)
        held = self._frame.talk.own_threads(ask.user_id).held([thread])
        return self._frame.page(
            ask, "unlearn.html", undone=undone, reach=reach, thread=thread, held=held
        )

    def unlearn(self, ask: Ask) -> Response:
        """Take back what a conversation taught, or erase it, once it is confirmed."""
        thread = ask.get("thread")
        if ask.get("sure") != "yes":
            return RedirectResponse(ask.of_user("/unlearn", thread=thread), 303)
        if ask.get("words") == "yes":
            return self._forgotten(ask, partial(self._memory.forget_thread, ask.user_id, thread))
        return self._back(ask, _undone(self._memory.undo_thread(ask.user_id, thread)))

    def forget(self, ask: Ask) -> Response:
        """Erase a value: first what goes and what stays, then for good, with the proof."""
        field, item = ask.get("field"), ask.get("item")
        try:
            value = json.loads(item) if item else None
        except (ValueError, RecursionError) as error:
            raise InvalidInput("This value cannot be read.") from error
        if not ask.get("sure"):
            reach = self._memory.forget(ask.user_id, field, value, dry_run=True)
            reading = self._person.known(ask).reading
            stored = {**reading.document, **reading.stored}.get(field)
            return self._frame.page(
                ask,
                "forget.html",
                reach=reach,
                held=self._frame.talk.own_threads(ask.user_id).held(reach.threads),
                field=self._memory.schema.fields.get(field),
                name=field,
                value=value,
                part=stored.get(value) if is_object(stored) and isinstance(value, str) else None,
                item=item,
            )
        return self._forgotten(ask, partial(self._memory.forget, ask.user_id, field, value))

    def ask_erase(self, ask: Ask) -> Response:
        """What goes with all that is kept of the user."""
        reach = self._memory.forget_user(ask.user_id, dry_run=True)
        held = self._frame.talk.own_threads(ask.user_id).held(reach.threads)
        return self._frame.page(ask, "erase.html", reach=reach, held=held)

    def erase(self, ask: Ask) -> Response:
        """Erase all that is kept of the user, once it is confirmed."""
        if ask.get("sure") != "yes":
            return RedirectResponse(ask.of_user("/erase"), 303)
        return self._forgotten(ask, partial(self._memory.forget_user, ask.user_id))

    def _forgotten(self, ask: Ask, erase: Callable[..., Forgotten]) -> Response:
        """Erase, with the conversations if they were ticked, and look for what went.

        The page that says so has an address of its own, which holds numbers and no text.
        """
        user_id, memory = ask.user_id, self._memory
        threads = self._frame.talk.own_threads(user_id)
        mine, before = memory.forget_user(user_id, dry_run=True).threads, self._texts(user_id)
        done = erase(checkpointer=threads if ask.get("conversations") == "yes" else None)
        gone = sorted(before - self._texts(user_id), key=len, reverse=True)
        wanted = [text for text in gone if len(text) >= _SHORT][:_LOOKED_FOR]
        found = memory.verify_erased(user_id, wanted) if wanted else Proof(())
        there = {thread for place in found.places for thread in place.threads}
        # Other memories may share the checkpointer: what they hold of a user of that id is theirs.
        still = threads.held(one for one in mine if one in there or one in done.threads)
        left = [one for one in done.threads if one not in {*still, *threads.deleted}]
        note = {
            **{name: getattr(done, name) for name in ("values", "changes", "quotes", "messages")},
            "pending": done.pending,
            "proof": self._told_proof(ask, found, threads.owners) if found.places else None,
            "gone": len(threads.deleted),
            "deleted": False,
            "still": still[:_NAMED],
            "left": [] if ask.own else left[:_NAMED],
            "more": max(0, len(left) - _NAMED),
        }
        return self._noted(ask, note)

    def _texts(self, user_id: str) -> set[str]:
        """The texts of a profile and its history, with the words that they rest on."""
        profile, history = self._memory.driver.read(recalls.profile_and_history, user_id)
        changes = [change for revision in history for change in revision.changes]
        sides = [side for change in changes for side in (change.before, change.after)]
        quotes = (one.quote.strip() for change in changes for one in change.evidence)
        values = leaves([profile.document, sides])
        found = {value.strip() for value in values if isinstance(value, str)}
        return found | {quote for quote in quotes if len(words(quote)) > 1}  # not "Yes"

    def _told_proof(
        self, ask: Ask, found: Proof, owners: Callable[[Iterable[str]], Mapping[str, str | None]]
    ) -> dict[str, Any]:
        """A proof as its page tells it: what stands in conversations of others is theirs."""
        if ask.own:  # how much there is of others is nothing for the user
            return {"of_user": sum(one.of_user for one in found.places)}
        places: list[Place] = []
        for one in found.places:
            speakers = set(owners(one.threads).values())
            theirs = speakers and speakers.isdisjoint({None, ask.user_id})
            places.append(replace(one, of_others=one.unknown, unknown=0) if theirs else one)
        return {
            "erased": Proof(tuple(places)).erased,
            "kept": any(one.kept for one in places),
            "places": [(one.where, one.size, one.of_user + one.unknown) for one in places],
        }

    def _noted(self, ask: Ask, note: Mapping[str, Any]) -> Response:
        sealed = self._frame.sessions.note(ask.user_id, note)
        return RedirectResponse(ask.of_user("/forgotten", note=sealed), 303)

    def _of_note(self, ask: Ask) -> dict[str, Any]:
        done: dict[str, Any] | None = self._frame.sessions.of_note(ask.user_id, ask.get("note"))
        if done is None:
            raise HTTPException(404, "This page was there for an hour after something was erased.")
        return done

    def forgotten(self, ask: Ask) -> Response:
        """What was erased, in numbers, and the proof."""
        return self._frame.page(ask, "forgotten.html", done=self._of_note(ask))

    def delete_conversations(self, ask: Ask) -> Response:
        """Delete the conversations in which it was still found; its text is not known any more."""
        done, threads = self._of_note(ask), self._frame.talk.own_threads(ask.user_id)
        for thread in done["still"]:
            threads.delete_thread(thread)
        cleaned = self._memory.driver.clean()
        gone = done["gone"] + len(threads.deleted)
        still = threads.held(done["still"])
        changed = {"gone": gone, "deleted": True, "still": still, "pending": not cleaned}
        return self._noted(ask, {**done, **changed, "proof": None})

    def pause(self, ask: Ask) -> Response:
        """Learn nothing until resumed."""
        self._memory.pause(ask.user_id)
        return self._back(ask, "paused")

    def resume(self, ask: Ask) -> Response:
        """Learn again."""
        self._memory.resume(ask.user_id)
        return self._back(ask, "resumed")

    def read(self, ask: Ask) -> Response:
        """Read what waits, now."""
        outcomes = self._memory.trigger(ask.user_id)
        failed = any(one.status == "failed" for one in outcomes)
        return self._back(ask, "failed" if failed else "read")

    def decide(self, ask: Ask) -> Response:
        """Approve a proposal, as it is or edited, or decline it."""
        memory, wanted = self._memory, ask.get("proposal")
        try:
            if ask.get("decline"):
                memory.decline(wanted, user_id=ask.user_id)
                return self._back(ask, "declined")
            value = self._edited(ask, wanted)
            done = memory.approve(wanted, value=value, by=ask.editor, user_id=ask.user_id)
        except Conflict as error:
            raise HTTPException(409, _GONE) from error
        if done.rejections:
            raise InvalidInput(f"It cannot be made: {in_words(done.rejections[0])}.")
        return self._back(ask, "approved")

    def _edited(self, ask: Ask, wanted: str) -> Any:
        """What a person wrote in place of a proposal's value; None where it is left as it is."""
        waiting = self._memory.proposals(ask.user_id)
        found = next((one for one in waiting if one.id == wanted), None)
        place = proposed_spot(found, self._memory.schema) if found else None
        controls = inputs(place) if place else []
        if place is None or is_untouched(controls, ask.fields):
            return None
        value = edited(place, controls, ask.fields)
        if is_nothing(value):
            raise InvalidInput("It is empty. To leave it out, decline it.")
        return value

    def tidy(self, ask: Ask) -> Response:
        """Have a model look for what to merge, shorten and end; a person decides."""
        try:
            found = self._memory.tidy(ask.user_id)
        except ConfigurationError as error:
            raise InvalidInput("There is no language model here to look it over.") from error
        return self._back(ask, "tidied" if found else "tidy")

    def _back(self, ask: Ask, done: str, anchor: str = "main") -> Response:
        """To the page of the user, saying what was done; in a talk the word stands on the spot."""
        if ask.is_fragment and urlsplit(ask.request.headers.get("hx-current-url", "")).path == (
            ask.url("/talk")
        ):
            heard = {"hx-trigger": "said"}
            return self._frame.page(ask, "done.html", headers=heard, done=DONE.get(done, ""))
        where = ask.of_user(done=done, at=self._memory.recall(ask.user_id).revision)
        if ask.is_fragment:
            return Response(status_code=204, headers={"hx-redirect": f"{where}#{anchor}"})
        return RedirectResponse(f"{where}#{anchor}", 303)


def _undone(done: Undone) -> str:
    if done.revision is None:
        return "kept"
    return "partly" if done.conflicts else "undone"

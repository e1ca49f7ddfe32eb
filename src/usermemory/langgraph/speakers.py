"""Whose words the messages of a thread are, where several users talk in it.

A saver knows threads, not users: whoever names the same thread id goes on with the same
conversation, and finds the others' messages in it. What a message says of its author (a name, a
signature, an id used again) is its sender's to choose, so it decides nothing: a message is that
user's in whose run it arrived. `Speakers` finds that out once and keeps it while the process lives;
in an inbox it stays as it was stored.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from langchain_core.messages import AnyMessage

from usermemory.langgraph.arrivals import Arrival, Look, given_to, in_earlier_turns, in_newest_turn
from usermemory.langgraph.identity import (
    copied,
    id_of,
    is_human,
    keys_of,
    name_of,
    signature,
    signed_as,
    text_hash,
    without_tools,
)
from usermemory.langgraph.lookups import Known, Settling, alook_up, look_up
from usermemory.messages import Attributed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langchain_core.runnables import RunnableConfig

    from usermemory.langgraph.identity import Run
    from usermemory.memory import UserMemory

logger = logging.getLogger("usermemory")

_NOBODY = "unknown speaker"

_RECENT = 64
"""Human messages from a thread's end whose speaker is looked for; earlier ones are nobody's, unless
the inbox has them. The backfill reads old threads."""

_THREADS = 1_000
_MESSAGES = 256


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is known of a human message.

    Attributes:
        text: A hash of what it says.
        name: The name that it bears.
        speaker: In whose run it arrived; empty for another's whose name is not known here, None
            where nobody can tell.
        instead: Whether another text stood under its id before.
        repeats: Whether it says again, in an inner graph, what the user said in the outer one.
    """

    text: bytes
    name: str
    speaker: str | None
    instead: bool = False
    repeats: bool = False


class Speakers:
    """Who said what in the threads of one memory; the newest threads and messages of them."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, OrderedDict[str, Spoken]] = OrderedDict()
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def settle(self, messages: Sequence[Any], config: RunnableConfig, run: Run) -> Settling:
        """Find out who said what is not known yet."""
        self._say_traced(run)
        known = self._known(run)
        keyed = _keyed(messages, run)
        recent = keyed[-_RECENT:] if run.saved else keyed
        wanted = {
            key: one
            for key, one in recent
            if key and not (key in known and known[key].text == text_hash(one))
        }
        if not wanted:
            return
        if run.nested:
            self._keep(wanted, (yield from self._inside(wanted, config, run)), run)
            return
        if not run.saved:
            self._keep(wanted, dict.fromkeys(wanted, run.user_id), run)
            return
        came = yield from in_newest_turn(config, run, wanted)
        handed = {one for one, how in came.items() if how.handed}
        self._keep(wanted, {one: run.user_id for one, how in came.items() if how.own}, run, handed)
        settled: dict[str, str | None] = {}
        unsure = {one: one for one in wanted if one not in came or not came[one].own}
        asked: dict[str, Any] = {}
        for one in [*unsure]:
            how = came.get(one)
            key, message = (how and how.was) or (one, wanted[one])
            unsure[one], said = key, known.get(key)
            if said is not None and said.text == text_hash(message):
                settled[one] = said.speaker
            else:
                asked[key] = message
        changed: set[str] = set()
        if asked:
            told = {one: how for one, how in came.items() if one in asked and how.was is None}
            found, changed = yield from self._looked_up(asked, told, config, run)
            settled |= {one: found[unsure[one]] for one in unsure if one not in settled}
        earlier = {one for one in settled if one not in came or came[one].was is not None}
        self._keep(wanted, settled, run, earlier | handed, changed)

    def _looked_up(
        self,
        asked: Mapping[str, Any],
        came: Mapping[str, Arrival],
        config: RunnableConfig,
        run: Run,
    ) -> Generator[Look | Known, Any, tuple[dict[str, str | None], set[str]]]:
        """Who said what another run left: by what the memory has of it, then by its checkpoint.

        Args:
            asked: The messages, by their keys.
            came: How those of the newest turn came.
            config: The run's.
            run: Whose run asks.

        Returns:
            The speakers, and the keys under which the user's inbox has another text.
        """
        waited = frozenset(one for one, how in came.items() if how.waited)
        own, others = yield Known(dict(asked), waited)
        found: dict[str, str | None] = {
            **others,
            **{one: run.user_id if by == "user" else "" for one, by in own.items() if by},
        }
        left = {one: asked[one] for one in asked if one not in found}
        found |= {one: came[one].speaker for one in left if one in came}
        if older := {one: left[one] for one in left if one not in came}:
            found |= yield from in_earlier_turns(config, run, older)
        return found, {one for one in left if one in own}

    def heard(self, messages: Iterable[Any], run: Run, author: Any = None) -> list[Any]:
        """The messages as this user's memory takes them: other people's are under their name.

        Calls of the memory's own tools and what they answer are left out. They repeat the user's
        words, which are no less the user's for it, and after an erasure the words that were to go.

        Args:
            messages: A thread.
            run: Whose run it is.
            author: The application's own policy; what it decides is left as it is.
        """
        heard = Attributed(without_tools(messages))
        settled = frozenset(
            at for at, one in enumerate(heard) if is_human(one) and not (author and author(one))
        )
        known, keys = self._known(run), _keys(heard, run)
        # Of what no checkpointer keeps, one name alone is the user's own too.
        names = {name_of(heard[at]) for at in settled if not keys[at]}
        for at in settled:
            own = bool(keys[at]) or len(names) == 1
            heard[at] = _as_heard(heard[at], keys[at], known, run, own_name=own)
        heard.settled, heard.asked = settled, run.asked
        return heard

    def hears(self, messages: Iterable[Any], run: Run) -> bool:
        """Whether anything of this is the user's own."""
        known = self._known(run)
        keyed = _keyed(messages, run)
        return any(_speaker(one, key, known, run) == run.user_id for key, one in keyed)

    def signed(self, messages: Iterable[AnyMessage], run: Run) -> list[AnyMessage]:
        """Copies, to replace them by id, of human messages that are not signed by their speaker.

        The signature is for a backfill of the thread. It proves nothing here.
        """
        known = self._known(run)
        keyed = _keyed(messages, run)
        speakers = ((one, _speaker(one, key, known, run)) for key, one in keyed if id_of(one))
        return [signed_as(one, by) for one, by in speakers if by and signature(one) != by]

    def without_repeats(self, messages: Iterable[Any], run: Run) -> list[Any]:
        """Without the user's words that a graph was given under another id than they have."""
        known = self._known(run)
        messages = list(messages)
        return [
            one
            for key, one in zip(_keys(messages, run), messages, strict=True)
            if not (is_human(one) and key in known and known[key].repeats)
        ]

    def _say_nobodys(self, run: Run) -> None:
        if (run.thread_id, run.user_id) in self._told or len(self._told) > _THREADS:
            return
        self._told.add((run.thread_id, run.user_id))
        logger.warning(
            "messages of user=%s thread=%s are nobody's and not learned from: it is not known in "
            "whose run they came, or several names stand on what one run brought. Name the user in "
            "the runs' configurable; UserMemory(author=…) can say whose they are",
            run.user_id,
            run.thread_id,
        )

    def _say_traced(self, run: Run) -> None:
        """Say that a run's checkpoints do not name its user."""
        if not (run.traced and run.saved) or ("", "metadata") in self._told:
            return
        self._told.add(("", "metadata"))
        logger.warning(
            "the metadata of a run of user=%s thread=%s names another user, and its checkpoints do "
            "too: another process may not be able to tell whose words its messages are. Give what "
            "is there for tracing under a name of its own",
            run.user_id,
            run.thread_id,
        )

    def say_once(self, messages: Iterable[Any], run: Run) -> None:
        """Say that a graph inside another one hears no user, once for each place."""
        if not any(map(is_human, messages)):
            return
        place = "|".join(level.partition(":")[0] for level in run.graph.split("|"))
        if (place, run.user_id) in self._told or len(self._told) > _THREADS:
            return
        self._told.add((place, run.user_id))
        logger.warning(
            "a memory inside the node %r of another graph remembers nothing: its messages are not "
            "known to be the words of user=%s. If they are, say hears_user=True where the memory "
            "was given, or put a remember_node into the outer graph, before that node",
            place,
            run.user_id,
        )

    def _known(self, run: Run) -> dict[str, Spoken]:
        with self._lock:
            return dict(self._threads.get(run.thread_id, {}))

    def _inside(
        self, wanted: dict[str, Any], config: RunnableConfig, run: Run
    ) -> Generator[Look | Known, Any, dict[str, str | None]]:
        """Who speaks to a graph inside another one: the user, if that one was given the words."""
        if run.hears is not None:
            return dict.fromkeys(wanted, run.user_id) if run.hears else {}
        if run.saved:
            found = yield from given_to(config, run, wanted)
            if found and not run.usual:  # the run may have been another's before
                found |= (yield Known({one: wanted[one] for one in found}))[1]
        else:
            found = dict.fromkeys(wanted, run.user_id) if run.called else {}
        mine = [one.text for one in self._known(run).values() if one.speaker == run.user_id]
        repeated = [one for one, message in wanted.items() if text_hash(message) in mine]
        return {**found, **dict.fromkeys(repeated, run.user_id)}

    def _keep(
        self,
        wanted: dict[str, Any],
        found: dict[str, str | None],
        run: Run,
        handed: Iterable[str] = (),
        changed: Iterable[str] = (),
    ) -> None:
        """Keep the answers.

        A display name on the user's own messages is theirs; of several names it is not known which.

        Args:
            wanted: The messages, by their keys.
            found: Their speakers.
            run: Whose run it is.
            handed: Those that the run itself was given: names of before say nothing of them.
            changed: Those whose id had another text before.
        """
        with self._lock:
            thread = self._threads.setdefault(run.thread_id, OrderedDict())
            self._threads.move_to_end(run.thread_id)
            mine = [one for one, by in found.items() if by == run.user_id]
            fresh = {name_of(wanted[one]) for one in mine}
            before = {one.name for one in thread.values() if one.speaker == run.user_id}
            for one, by in found.items():
                speaker, text, name = by, text_hash(wanted[one]), name_of(wanted[one])
                names = fresh if one in handed else fresh | before
                if speaker == run.user_id and name not in {"", run.user_id} and len(names) > 1:
                    speaker = None
                other = one in changed or (one in thread and thread[one].text != text)
                repeats = run.nested and any(
                    each.speaker == run.user_id and each.text == text for each in thread.values()
                )
                thread[one] = Spoken(text, name, speaker, other, repeats)
                thread.move_to_end(one)
            if None in [thread[one].speaker for one in found] and not run.nested:
                self._say_nobodys(run)
            while len(thread) > _MESSAGES:
                thread.popitem(last=False)
            while len(self._threads) > _THREADS:
                self._threads.popitem(last=False)


def _speaker(message: Any, key: str, known: Mapping[str, Spoken], run: Run) -> str | None:
    """Who said a human message: a user, or None for nobody."""
    said = known.get(key)
    if said is not None and said.text == text_hash(message):
        return said.speaker
    # Without a checkpointer a message comes with the run each time.
    alone = run.hears if run.nested else not (key and run.saved)
    return run.user_id if alone else None


def _as_heard(
    message: Any, key: str, known: Mapping[str, Spoken], run: Run, *, own_name: bool
) -> Any:
    speaker = _speaker(message, key, known, run)
    if speaker == run.user_id:
        return copied(message, name=None) if own_name and name_of(message) else message
    said = known.get(key)
    bears, own = name_of(message), id_of(message)
    name = speaker or (bears if bears != run.user_id else "") or _NOBODY
    if own and said and (said.instead or own != key):
        # The user's own message stays what it was.
        return copied(message, name=name, id=f"{key} of {name}")
    return copied(message, name=name)


def _keys(messages: Sequence[Any], run: Run) -> list[str]:
    """By what each message is known again, if a checkpointer keeps it; else by its id alone."""
    return keys_of(messages) if run.saved else [id_of(one) for one in messages]


def _keyed(messages: Iterable[Any], run: Run) -> list[tuple[str, Any]]:
    """The human messages, each with what it is known by."""
    messages = list(messages)
    keyed = zip(_keys(messages, run), messages, strict=True)
    return [(key, one) for key, one in keyed if is_human(one)]


_speakers: WeakKeyDictionary[UserMemory, Speakers] = WeakKeyDictionary()


def speakers_of(memory: UserMemory) -> Speakers:
    """What is known of the speakers in a memory's threads."""
    return _speakers.setdefault(memory, Speakers())


def settle(memory: UserMemory, messages: Sequence[Any], config: RunnableConfig, run: Run) -> None:
    """Find out who said what, before `Speakers.heard` is asked."""
    look_up(memory, speakers_of(memory).settle(messages, config, run), config, run)


async def asettle(
    memory: UserMemory, messages: Sequence[Any], config: RunnableConfig, run: Run
) -> None:
    """As `settle`."""
    await alook_up(memory, speakers_of(memory).settle(messages, config, run), config, run)

"""What `remember` promises on every database."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import pytest

from usermemory.conformance.harness import Bench
from usermemory.errors import IdentityError, InvalidInput

Making = Callable[..., Bench]

CHAT = [
    ("user", "I like chess"),
    ("assistant", "Nice"),
    ("user", "ok"),
    ("assistant", "What else?"),
    ("user", "ok"),
    ("user", "I like tea"),
]


def with_ids(messages: list[tuple[str, str]], prefix: str = "m") -> list[dict[str, Any]]:
    """The same messages as dicts with ids that last."""
    return [
        {"role": role, "content": text, "id": f"{prefix}{number}"}
        for number, (role, text) in enumerate(messages)
    ]


def turns(style: str) -> list[list[Any]]:
    """What a caller passes, turn by turn, in one of the styles people use."""
    whole = with_ids(CHAT)
    passed: list[list[Any]] = []
    for end in range(1, len(CHAT) + 1):
        if style == "whole":
            passed.append(whole[:end])
        elif style == "new":
            passed.append(whole[end - 1 : end])
        elif style == "window":
            passed.append(whole[max(0, end - 3) : end])
        else:
            passed.append(with_ids(CHAT[:end], prefix=f"turn{end}-"))
    return passed


class Remembering:
    """Tests of remember."""

    @pytest.mark.parametrize("style", ["whole", "new", "window", "fresh ids"])
    def test_each_message_is_read_once(self, making: Making, style: str) -> None:
        """However a caller passes a thread, each of its messages is read exactly once, in order."""
        bench = making()
        for messages in turns(style):
            bench.verbs.remember("will", "t", messages)
        bench.verbs.trigger("will")
        assert bench.listener.texts == [text for _, text in CHAT]

    def test_across_consolidations(self, making: Making) -> None:
        """Messages that were read are not read again when the whole thread is passed again."""
        bench = making()
        for messages in turns("whole"):
            bench.verbs.remember("will", "t", messages)
            bench.verbs.trigger("will")
        assert bench.listener.texts == [text for role, text in CHAT if role == "user"]
        assert bench.verbs.recall("will").pending == 0

    def test_new_messages_reset_the_delay(self, making: Making) -> None:
        """A thread is due when it has been quiet for the delay, counted from its last message."""
        bench = making(delay=60.0)
        bench.verbs.remember("will", "t", ["I like chess"])
        bench.clock.advance(59)
        bench.verbs.remember("will", "t", [("assistant", "Nice")])
        bench.clock.advance(59)
        assert bench.verbs.run_due() == []
        bench.clock.advance(1)
        assert [outcome.status for outcome in bench.verbs.run_due()] == ["changed"]

    def test_a_repetition_does_not_reset_the_delay(self, making: Making) -> None:
        """Passing a thread again without anything new leaves its due time alone."""
        bench = making(delay=60.0)
        first = bench.verbs.remember("will", "t", with_ids(CHAT))
        bench.clock.advance(30)
        again = bench.verbs.remember("will", "t", with_ids(CHAT))
        assert (again.new, again.due_at) == (0, first.due_at)

    def test_max_wait(self, making: Making) -> None:
        """A chat that never goes quiet is due `max_wait` after its first unread message."""
        bench = making(delay=60.0, max_wait=150.0)
        for number in range(4):
            bench.verbs.remember("will", "t", [f"I like number {number}"])
            bench.clock.advance(50)
        assert [outcome.messages for outcome in bench.verbs.run_due()] == [4]

    def test_delay_zero_means_now(self, making: Making) -> None:
        """With ``delay=0`` a thread is due at once, not after some default."""
        bench = making(delay=60.0)
        scheduled = bench.verbs.remember("will", "t", ["I like chess"], delay=0)
        assert scheduled.due_at == bench.clock.now()
        assert len(bench.verbs.run_due()) == 1

    def test_delay_zero_without_news(self, making: Making) -> None:
        """``delay=0`` makes what waits due now, even if the call brings nothing new."""
        bench = making(delay=60.0)
        bench.verbs.remember("will", "t", with_ids(CHAT))
        bench.verbs.remember("will", "t", with_ids(CHAT), delay=0)
        assert len(bench.verbs.run_due()) == 1

    def test_edited_before_it_was_read(self, making: Making) -> None:
        """A message edited before anybody read it is read once, as it is now, where it stood."""
        bench = making()
        bench.verbs.remember("will", "t", with_ids([("user", "I like tee"), ("assistant", "Tee?")]))
        edited = with_ids([("user", "I like tea"), ("assistant", "Tee?")])
        bench.verbs.remember("will", "t", edited)
        bench.verbs.trigger("will")
        assert bench.listener.texts == ["I like tea", "Tee?"]

    def test_ids_that_begin_anew(self, making: Making) -> None:
        """A message under the id of an unread one, which it has nothing in common with, is new."""
        bench = making()
        bench.verbs.remember("will", "t", with_ids([("user", "I like chess"), ("assistant", "Ok")]))
        again = with_ids([("user", "My name is Will"), ("assistant", "Hello")])
        bench.verbs.remember("will", "t", again)
        bench.verbs.remember("will", "t", again)
        bench.verbs.trigger("will")
        assert bench.listener.texts == ["I like chess", "Ok", "My name is Will", "Hello"]

    @pytest.mark.parametrize(
        ("style", "ids"),
        [
            ("whole", "turns"),
            ("growing", "turns"),
            ("new", "turns"),
            ("whole", "x"),
            ("growing", "x"),
        ],
    )
    def test_one_id_for_several(self, making: Making, style: str, ids: str) -> None:
        """Where question and answer share an id, or all messages do, none of them is lost."""
        bench = making()
        said = [("user", "I like chess"), ("assistant", "Ok"), ("user", "I like tea")]
        whole = [
            {"role": role, "content": text, "id": str(number // 2) if ids == "turns" else ids}
            for number, (role, text) in enumerate(said)
        ]
        ends = range(1, len(whole) + 1)
        ways = {
            "whole": [whole],
            "growing": [whole[:end] for end in ends],
            "new": [whole[end - 1 : end] for end in ends],
        }
        found = [bench.verbs.remember("will", "t", call) for call in [*ways[style], whole]]
        assert [one.new for one in found] == [3, 0] if style == "whole" else [1, 1, 1, 0]
        bench.verbs.trigger("will")
        assert bench.listener.texts == [text for _, text in said]

    def test_something_in_front(self, making: Making) -> None:
        """What is put in front of a known thread makes nothing new, after an erasure neither."""
        bench = making()
        said = [("user", "I like tea"), ("assistant", "Ok"), ("user", "I like golf")]
        bench.verbs.remember("will", "t", said)
        bench.verbs.trigger("will")
        assert bench.verbs.remember("will", "t", [("user", "hello"), *said]).new == 0
        bench.verbs.forget_user("will")
        found = bench.verbs.remember(
            "will", "t", [("assistant", "Welcome"), *said, ("user", "bye")]
        )
        assert (found.new, found.by_user) == (1, 1)

    def test_edited_after_it_was_read(self, making: Making) -> None:
        """A message edited after it was read is read as a new one."""
        bench = making()
        bench.verbs.remember("will", "t", with_ids([("user", "I like tee")]))
        bench.verbs.trigger("will")
        bench.verbs.remember("will", "t", with_ids([("user", "I like tea")]))
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["tee", "tea"]

    def test_edited_while_it_is_read(self, making: Making) -> None:
        """A message edited while its old text is with the model is read again as it is now."""
        bench = making()
        bench.verbs.remember("will", "t", with_ids([("user", "I like tee")]))
        other = bench.another()
        edited = with_ids([("user", "I like tea")])
        bench.listener.meanwhile(lambda: other.memory.remember("will", "t", edited))
        bench.verbs.trigger("will", "t")
        bench.verbs.trigger("will", "t")
        assert bench.listener.texts == ["I like tee", "I like tea"]

    def test_whose_words(self, making: Making) -> None:
        """What is scheduled says how many of the new messages hold the user's own words."""
        bench = making()
        messages = [
            {"role": "user", "content": "I like chess"},
            {"role": "assistant", "content": "I like tea"},
            {"role": "user", "name": "Ana", "content": "I like cats"},
            {"role": "tool", "content": "I like tools", "tool_call_id": "1"},
            {"role": "system", "content": "I like rules"},
        ]
        scheduled = bench.verbs.remember("will", "t", messages)
        assert (scheduled.new, scheduled.by_user) == (4, 1)
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["chess"]

    def test_one_thread_id_of_two_users(self, making: Making) -> None:
        """Two users may use the same thread id, and neither sees or loses anything."""
        bench = making()
        bench.verbs.remember("will", "1", with_ids([("user", "I like chess")]))
        bench.verbs.remember("ana", "1", with_ids([("user", "I like tea")]))
        bench.verbs.trigger_all()
        assert (bench.interests("will"), bench.interests("ana")) == (["chess"], ["tea"])

    def test_a_huge_message(self, making: Making) -> None:
        """Of a message of a megabyte nothing is dropped, and it counts as one message."""
        bench = making()
        text = "I like long walks. " * 55_000
        scheduled = bench.verbs.remember(
            "will", "t", [{"role": "user", "content": text, "id": "x"}]
        )
        again = bench.verbs.remember("will", "t", [{"role": "user", "content": text, "id": "x"}])
        bench.verbs.trigger("will")
        assert (scheduled.new, again.new) == (1, 0)
        assert "".join(bench.listener.texts) == text

    @pytest.mark.parametrize(
        "text",
        [
            "I like 🧗‍♀️ and 👩🏽‍💻",
            "I like مطالعة",
            "I like \u202eevil\u202c text",
            "I like \ud800 halves",
            "I like \x00\x07 bells",
        ],
    )
    def test_odd_text(self, making: Making, text: str) -> None:
        """Emoji, right-to-left text, lone surrogates and control characters do no harm."""
        bench = making()
        assert bench.verbs.remember("will", "t", [text]).new == 1
        assert bench.verbs.remember("will", "t", [text]).new == 0
        bench.verbs.trigger("will")
        assert len(bench.listener.texts) == 1

    @pytest.mark.parametrize(
        "user_id",
        [
            *("", "  ", None, 7.0, True, b"will", 1 << 600, "x" * 600),
            *("a\x00b", "\ud800", "a\u202eb", "a\nb", "\u200d"),
        ],
    )
    def test_bad_user_id(self, making: Making, user_id: Any) -> None:
        """A user id that is missing, empty or unusable is refused, and nothing is stored."""
        bench = making()
        with pytest.raises(IdentityError, match="user_id"):
            bench.verbs.remember(user_id, "t", ["I like chess"])
        assert bench.verbs.jobs() == []

    @pytest.mark.parametrize(
        "name",
        [
            *("O'Neil %_", "Zoë\xa0Ångström", "山田\u3000太郎", "علی\u200cرضا"),
            *("👩\u200d🚀", "🏴\U000e0067\U000e0062\U000e007f", "\U0001fae9"),
        ],
    )
    def test_a_display_name_as_id(self, making: Making, name: str) -> None:
        """Whatever people call themselves names one user, and one thread."""
        bench = making()
        bench.verbs.remember(name, name, ["I like chess"])
        bench.verbs.trigger(name)
        assert bench.interests(name) == ["chess"]
        assert [user for user, _ in bench.verbs.profiles()] == [name]

    @pytest.mark.parametrize(("first", "last"), [("!", "~"), ("一", "鿿"), ("🌀", "🗿")])
    def test_the_longest_ids(self, making: Making, first: str, last: str) -> None:
        """As long as ids may be, they fit into every index; a message's may be of any length."""
        bench = making(keep_messages="forever")
        draw = Random(1)  # noqa: S311 - what repeats itself an index holds anyway

        def drawn(size: int) -> str:
            return "".join(chr(draw.randint(ord(first), ord(last))) for _ in range(size))

        most = min(512, 1_024 // len(last.encode()))
        user, thread, name, other = drawn(most), drawn(most), drawn(5_000), drawn(5_000)
        said = [{"role": "user", "content": "I like chess", "id": name}]
        more = [*said, {"role": "assistant", "content": "Good.", "id": other}]
        assert bench.verbs.remember(user, thread, said).new == 1
        assert bench.verbs.remember(user, thread, said).new == 0
        bench.verbs.trigger(user)
        shown = {other: bench.verbs.recall(user).shown}
        assert bench.verbs.remember(user, thread, more, shown=shown).new == 1
        assert [one.value for one in bench.verbs.shown(user, other)] == ["chess"]
        hits = {one.message_id for one in bench.verbs.search(user, "chess") if one.message_id}
        ((evidence,),) = [one.evidence for one in bench.verbs.history(user)[0].changes]
        assert name.startswith(str(evidence.message_id).partition("~")[0])
        assert bench.verbs.forget_message(user, thread, name).messages == 1
        assert evidence.message_id in hits
        assert bench.interests(user) == []
        assert bench.verbs.remember(user, thread, more).new == 0
        with pytest.raises(IdentityError, match=r"thread_id .* as UTF-8, 1024 at most"):
            bench.verbs.remember(user, "鿿" * 342, said)
        with pytest.raises(IdentityError, match="user_id"):
            bench.verbs.edit("鿿" * 342, {"name": "Will"}, by="will")
        assert bench.verbs.recall("鿿" * 512).document["interests"] == []

    @pytest.mark.parametrize("user_id", [42, UUID(int=42)])
    def test_a_number_is_its_text(self, making: Making, user_id: Any) -> None:
        """An integer or a UUID is the same user, and the same thread, as its text, in any verb."""
        bench = making()
        name = str(user_id)
        bench.verbs.remember(user_id, user_id, ["I like chess"])
        assert bench.verbs.remember(name, name, ["I like chess"]).new == 0
        assert [(job.user_id, job.thread_id) for job in bench.verbs.jobs(None, user_id)] == [
            (name, name)
        ]
        bench.verbs.edit(user_id, {"name": "Will"}, by="test")
        assert bench.verbs.recall(name).document["name"] == "Will"
        assert bench.verbs.history(user_id) == bench.verbs.history(name) != []
        assert bench.verbs.drop(user_id, user_id) == 1
        assert not bench.verbs.retry(user_id, user_id)
        bench.verbs.forget_user(user_id)
        assert bench.verbs.recall(name).document["name"] is None

    def test_bad_thread_id(self, making: Making) -> None:
        """A missing thread id is refused."""
        bench = making()
        with pytest.raises(IdentityError, match="thread_id"):
            bench.verbs.remember("will", "", ["I like chess"])

    def test_what_came_first_decides_whose_it_is(self, making: Making) -> None:
        """A message that later looks like another's is no edit: what was stored of it stays."""
        bench = making()
        mine = {"role": "user", "content": "I like chess", "id": "1", "name": "Will"}
        bobs = {"role": "user", "content": "I like tea", "id": "2", "name": "Bob"}
        bench.verbs.remember("will", "t", [mine])
        assert bench.verbs.remember("will", "t", [mine, bobs]).new == 1
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["chess"]

    def test_bad_message(self, making: Making) -> None:
        """A message of no known form is refused by index and type, and nothing is stored."""
        bench = making()
        with pytest.raises(InvalidInput, match=r"message 1.*object"):
            bench.verbs.remember("will", "t", ["I like chess", object()])
        assert bench.verbs.jobs() == []

    def test_keep_false(self, making: Making) -> None:
        """What is said in a run with ``keep=False`` is never learned, even if passed again."""
        bench = making()
        bench.verbs.remember("will", "t", with_ids(CHAT[:2]), keep=False)
        bench.verbs.remember("will", "t", with_ids(CHAT))
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["tea"]

    def test_pause(self, making: Making) -> None:
        """While a user is paused nothing is learned, and what was said meanwhile never is."""
        bench = making()
        bench.verbs.pause("will")
        bench.verbs.remember("will", "t", with_ids(CHAT[:2]))
        assert bench.verbs.trigger("will") == []
        bench.verbs.resume("will")
        bench.verbs.remember("will", "t", with_ids(CHAT))
        bench.verbs.trigger("will")
        assert bench.interests("will") == ["tea"]

    def test_pause_keeps_what_waits(self, making: Making) -> None:
        """What waited when a user was paused is read after the user is resumed, not before."""
        bench = making()
        bench.verbs.remember("will", "t", ["I like chess"], delay=0)
        bench.verbs.pause("will")
        assert bench.verbs.run_due() == []
        assert bench.verbs.trigger("will") == []
        bench.verbs.resume("will")
        assert len(bench.verbs.run_due()) == 1

"""What a doctor finds about a language model, by asking it three small things."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from usermemory.choice import OFFLINE, Choice, choose
from usermemory.cli.checkup import Finding
from usermemory.errors import ConfigurationError, ExtractionError
from usermemory.retry import TooLong, in_time

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from usermemory.records import Outcome

_CONVERSATION = "Hi, my name is Ada and I love playing chess."
_REMEDIES = {
    "unauthorized": "set the right key; it has to allow this model",
    "not_found": "see which models the provider lists, and where: --model, --base-url",
    "rate_limited": "wait, or raise the account's limit",
    "connection": "is the server running and reachable from here? proxies and firewalls count",
    "timeout": "is the server overloaded? --patience waits longer",
    "unavailable": "try again later; the provider's status page may say more",
    "truncated": "give the model more tokens for its answer (max_tokens)",
    "rejected_request": "ask it in another way: LanguageModelExtractor(name, method=…)",
    "unusable": "take a stronger model, or another method: LanguageModelExtractor(name, method=…)",
}


def model(name: str | None, base_url: str | None, patience: float) -> Iterator[Finding]:
    """Package, key, an answer, a round trip through a memory of its own, and tool calls.

    Args:
        name: As for ``--model``; without one and without a key nothing is called.
        base_url: As for ``--base-url``.
        patience: Seconds for each answer.
    """
    try:
        chosen = choose(name, base_url, look=True)
        bot = chosen.bot()
    except ConfigurationError as error:
        yield Finding("model", "fail", str(error), "then run this again")
        return
    uncalled = _not_called(chosen, named=bool(name))
    if uncalled:
        yield uncalled
        if not name:
            yield from _running()
        return
    yield _asked_how(chosen, bot)
    for looking in (_answered, _round_trip, _tool_call):
        found = _within(patience, bot, looking)
        yield from found
        if any(finding.state == "fail" for finding in found):
            return


def _not_called(chosen: Choice, *, named: bool) -> Finding | None:
    if chosen.model == OFFLINE and named:
        return Finding("model", "skip", "offline, as you said: rules instead of a model; no call")
    if chosen.model == OFFLINE:
        told = "no model is named and no key set: none was called"
        return Finding("model", "warn", told, chosen.notice)
    if not named and str(chosen.model).startswith("ollama:"):
        todo = f"to try it: usermemory doctor --model {chosen.model}"
        return Finding("model", "skip", f"{chosen.notice} It was not called", todo)
    return None


def _running() -> Iterator[Finding]:
    """Servers of models on this machine that nobody has named."""
    from usermemory.running import servers

    for one in servers():
        told = (
            f"what speaks OpenAI's protocol runs at {one.base_url}, as {one.kind} does: {one.model}"
        )
        todo = f"usermemory doctor --model {one.model} --base-url {one.base_url}"
        yield Finding("server", "skip", f"{told}. It was not called", f"to try it: {todo}")


def _asked_how(chosen: Choice, bot: BaseChatModel) -> Finding:
    from usermemory.extract.manner import manner_of

    manner = manner_of(bot)
    package = type(bot).__module__.partition(".")[0]
    strict = ", strict" if manner.strict else ""
    told = f"{chosen.name}: {package.replace('_', '-')} {version(package)}, asked by"
    return Finding("model", "ok", f"{told} {manner.method}{strict}")


def _answered(bot: BaseChatModel) -> list[Finding]:
    from usermemory.extract.answer import usage
    from usermemory.extract.provider_errors import ProviderErrors

    begun = time.monotonic()
    try:
        with ProviderErrors():
            message = bot.invoke("Answer with the one word: ready")
    except ExtractionError as error:
        return [_failed("answer", error.reason, str(error))]
    cost = usage(cast("Any", message))
    told = f"in {time.monotonic() - begun:.1f} s, {cost.input_tokens} + {cost.output_tokens} tokens"
    if not message.text.strip():
        return [Finding("answer", "warn", f"empty, {told}", "does this model talk at all?")]
    return [Finding("answer", "ok", told)]


def _round_trip(bot: BaseChatModel) -> list[Finding]:
    """Say something to a memory of its own, and see what is learned: the way of every message."""
    from usermemory import UserMemory
    from usermemory.extract.language_model import LanguageModelExtractor

    extractor = LanguageModelExtractor(bot, repair=False)
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "doctor.db")
        with UserMemory(path, model=extractor, worker=False) as memory:
            memory.remember("doctor", "checkup", [_CONVERSATION])
            (outcome,) = memory.trigger("doctor")
    if outcome.status == "failed":
        return [_failed("structured output", outcome.reason, outcome.error)]
    used = f"{outcome.usage.input_tokens} + {outcome.usage.output_tokens} tokens"
    return [Finding("structured output", "ok", f"a change list, {used}"), _learned(outcome)]


def _learned(outcome: Outcome) -> Finding:
    from usermemory.cli.show import changes_line

    changes = outcome.revision.changes if outcome.revision else ()
    refused = f"{len(outcome.rejections)} refused" if outcome.rejections else ""
    told = "; ".join(filter(None, [changes_line(changes) if changes else "nothing", refused]))
    if {change.field for change in changes} >= {"name", "interests"}:
        return Finding("round trip", "ok", f"of “{_CONVERSATION}” it learned {told}")
    todo = "a stronger model learns more; what it does learn is checked all the same"
    return Finding("round trip", "warn", f"of “{_CONVERSATION}” it learned {told}", todo)


def _tool_call(bot: BaseChatModel) -> list[Finding]:
    from usermemory.extract.provider_errors import ProviderErrors

    def weather(city: str) -> str:
        """The weather in a city, now."""
        return city

    todo = "only bots with tools need them; remembering does not"
    try:
        with ProviderErrors():
            message = bot.bind_tools([weather]).invoke("What is the weather in Oslo right now?")
    except ExtractionError as error:
        return [Finding("tool calls", "warn", str(error), todo)]
    calls = [call["name"] for call in message.tool_calls]
    if calls[:1] == ["weather"]:
        return [Finding("tool calls", "ok", "it was offered a tool and called it")]
    return [Finding("tool calls", "warn", "it was offered a tool and did not call it", todo)]


def _failed(name: str, reason: str, said: str) -> Finding:
    return Finding(name, "fail", said, _REMEDIES.get(reason, "see what the provider says of it"))


def _within(
    seconds: float, bot: BaseChatModel, look: Callable[[BaseChatModel], list[Finding]]
) -> list[Finding]:
    """The findings of a look that may never end: not every provider's class has a time-out."""
    try:
        return in_time(lambda: look(bot), seconds)
    except TooLong as error:
        return [_failed("answer", "timeout", str(error))]

"""Secrets in what is imported go as they do in messages: PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from usermemory.extras.importing.fitting import Found, LeftOut
from usermemory.messages import is_mapping, is_sequence
from usermemory.messages.secrets import Secret, SecretPolicy, secrets_in

KEPT_OUT = "it holds what is kept out of the memory (secrets=)"

_GONE = object()


def without_secrets(found: Found, policy: SecretPolicy) -> Found:
    """What was found, as it may be stored and listed.

    Args:
        found: What a source says about a user.
        policy: ``mask`` the secrets, ``refuse`` each value that holds one, or ``keep`` all.
    """
    if policy == "keep":
        return found
    screen = _Screen(policy)
    unreadable = [replace(one, value=screen.masked(one.value)) for one in found.unreadable]
    parts = [screen.part(part) for part in found.parts]
    notes = [screen.value("", "", note) for note in found.notes]
    kept = [number for number, note in enumerate(notes) if note is not _GONE]
    dates = found.note_dates
    return replace(
        found,
        parts=parts,
        notes=[notes[number] for number in kept],
        note_dates=[dates[number] for number in kept] if dates else dates,
        unreadable=[*unreadable, *screen.left_out],
    )


class _Screen:
    """Looks through values, and notes what is left out of them."""

    def __init__(self, policy: SecretPolicy) -> None:
        self._policy = policy
        self.left_out: list[LeftOut] = []

    def part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """The values of fields that may be stored."""
        screened = ((name, self.value(name, name, value)) for name, value in part.items())
        return {name: value for name, value in screened if value is not _GONE}

    def value(self, field: str, label: str, value: Any) -> Any:
        """A value that stands in a field, under a label: what is called a password is one."""
        if is_mapping(value):
            entries = ((name, self.value(field, name, one)) for name, one in value.items())
            return {name: one for name, one in entries if one is not _GONE}
        if is_sequence(value):
            return [
                one for one in (self.value(field, label, one) for one in value) if one is not _GONE
            ]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return value
        text, found = str(value), _secrets_under(label, str(value))
        if not found:
            return value
        clear = _cleared(text, found)
        self.left_out.append(LeftOut(field, clear, KEPT_OUT))
        nothing_else = not any(map(str.isalnum, _cleared(text, found, mark="")))
        return _GONE if self._policy == "refuse" or nothing_else else clear

    def masked(self, value: Any, label: str = "") -> Any:
        """A value as it may be shown."""
        if is_mapping(value):
            return {name: self.masked(one, name) for name, one in value.items()}
        if is_sequence(value):
            return [self.masked(one, label) for one in value]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return value
        found = _secrets_under(label, str(value))
        return _cleared(str(value), found) if found else value


def _secrets_under(label: str, text: str) -> list[Secret]:
    """The secrets in a text that stands under a label."""
    beginning = f"{label}: " if label else ""
    return [
        secret._replace(start=secret.start - len(beginning), end=secret.end - len(beginning))
        for secret in secrets_in(beginning + text)
        if secret.start >= len(beginning)
    ]


def _cleared(text: str, found: list[Secret], mark: str = "[{} removed]") -> str:
    def pieces() -> Iterator[str]:
        end = 0
        for secret in found:
            yield text[end : secret.start]
            yield mark.format(secret.kind)
            end = secret.end
        yield text[end:]

    return "".join(pieces())

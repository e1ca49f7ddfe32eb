"""Everything that can go wrong, as one tree.

::

    UserMemoryError
    ├── ConfigurationError      what was passed when the memory was built cannot work
    │   ├── SchemaError         this schema, or this field of it, cannot be used
    │   │   └── SchemaMismatch  what is stored was learned with another schema
    │   └── ModelUnavailable    the package or the key of this model is missing
    ├── InvalidInput            what was passed to a verb cannot work
    │   ├── IdentityError       no user id, or two that disagree
    │   └── InvalidDocument     a document that the schema refuses
    ├── Conflict                the profile has moved on since it was read
    ├── StoreError              the database did not do what it was asked
    │   ├── StoreBusy           locked by somebody else for longer than the time-out
    │   ├── StoreFull           no room on the disk
    │   ├── StoreReadOnly       the file or its folder cannot be written
    │   ├── NotADatabase        the file is something else, or damaged
    │   ├── SchemaTooNew        written by a later version, which this one cannot serve
    │   ├── MemoryClosed        used after ``close()``
    │   └── ForkedProcess       opened before a fork, used after it
    ├── ExtractionError         the model's answer could not be used
    │   └── ProviderError       the model could not be asked; says when to try again
    └── RealModelForbidden      a real model was about to be called in a test
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal

ExtractionReason = Literal[
    "refused",
    "filtered",
    "truncated",
    "unusable",
    "rejected_request",
    "too_many",
    "removes_too_much",
]
"""Why an answer is unusable; all of these are the batch's (or the model's) own doing."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like a wrong one, as a question in brackets; else empty."""
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


class UserMemoryError(Exception):
    """Root of all errors raised by this package."""


class ConfigurationError(UserMemoryError):
    """What was passed when the memory was built cannot work."""


class SchemaError(ConfigurationError):
    """This schema, or this field of it, cannot be used."""


class SchemaMismatch(SchemaError):
    """What is stored was learned with another schema: nothing is read with this one."""


class ModelUnavailable(ConfigurationError):
    """The package or the key of this model is missing; the text says what to install or set."""


class InvalidInput(UserMemoryError, ValueError):
    """What was passed to a verb cannot work."""


class IdentityError(InvalidInput):
    """No user id, or two that disagree."""


class InvalidDocument(InvalidInput):
    """A document that the schema refuses."""


class Conflict(UserMemoryError):
    """The profile has moved on since it was read."""


class StoreError(UserMemoryError):
    """The database did not do what it was asked; the driver's own error is the cause."""


class StoreBusy(StoreError):
    """The database was locked by somebody else for longer than the time-out."""


class StoreFull(StoreError):
    """There is no room on the disk."""


class StoreReadOnly(StoreError):
    """The file or its folder cannot be written."""


class NotADatabase(StoreError):
    """The file is something else than our database, or damaged."""


class SchemaTooNew(StoreError):
    """The tables were written by a later version, which this one cannot serve."""


class MemoryClosed(StoreError):
    """The memory was used after ``close()``."""


class ForkedProcess(StoreError):
    """The memory was opened before a fork and used after it."""


class ExtractionError(UserMemoryError):
    """The model answered, and its answer could not be used.

    Args:
        message: What happened, without any text of the conversation.
        reason: Which kind of failure; it becomes the outcome's reason.

    Attributes:
        model: The name of the model that answered so, or could not be asked, where it is known.
    """

    model = ""

    def __init__(self, message: str, reason: ExtractionReason = "unusable") -> None:
        super().__init__(message)
        self.reason: str = reason


class ProviderError(ExtractionError):
    """The model could not be asked; the messages are not to blame.

    Args:
        message: What happened, without any text of the conversation.
        reason: ``rate_limited``, ``unauthorized``, ``not_found``, ``unavailable``, ``timeout``
            or ``connection``.
        retry_after: Seconds that the provider asked to wait, if it did.
    """

    def __init__(
        self, message: str, reason: str = "unavailable", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class RealModelForbidden(UserMemoryError):
    """A real model was about to be called while ``usermemory.testing`` forbids it."""

"""How changes are found in what people said: the two methods an extractor may have.

The language model's extractor, the offline one and a user's own are all of this kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from usermemory.batch import Batch
from usermemory.errors import ExtractionError, ExtractionReason
from usermemory.records import Change, Refused, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Extraction", "Extractor", "Repairing", "Request", "UnusableAnswer"]


Request = Batch
"""What an extractor is asked: one batch of one thread, and what is known already."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extractor answers.

    Attributes:
        changes: The proposed changes, in order; none when there is nothing to learn.
        usage: What the answer cost.
        model: The name of the model or extractor, for the revision.
        prompt: The version of the prompt, for the revision; empty without one.
        rejections: Proposals that never became changes, such as those beyond the cap.
    """

    changes: tuple[Change, ...] = ()
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    prompt: str = ""
    rejections: tuple[Refused, ...] = ()


class UnusableAnswer(ExtractionError):
    """The model answered, its answer could not be used, and it cost something all the same.

    Args:
        message: What happened, without any text of the conversation.
        reason: Which kind of failure.
        usage: What the answer cost.
    """

    def __init__(
        self, message: str, reason: ExtractionReason = "unusable", usage: Usage | None = None
    ) -> None:
        super().__init__(message, reason)
        self.usage = usage or Usage()


@runtime_checkable
class Extractor(Protocol):
    """Finds changes in a batch of messages. ``extract`` is all that it needs."""

    def extract(self, request: Request) -> Extraction:
        """Propose changes.

        Args:
            request: The batch, the profile and the schema.

        Returns:
            The proposed changes and what they cost; code checks and applies them.

        Raises:
            ExtractionError: The answer could not be used: the batch's or the model's doing.
            ProviderError: The model could not be asked; the batch is not to blame.
        """
        ...


@runtime_checkable
class Repairing(Extractor, Protocol):
    """An extractor that can be asked once more about changes whose form was wrong."""

    def repair(self, request: Request, rejected: Sequence[Refused]) -> Extraction:
        """Propose the same changes in a form that their fields take.

        Args:
            request: The same request, with the profile as it is after the good changes.
            rejected: The changes whose form was wrong, and why.

        Returns:
            Only changes that replace rejected ones; possibly none.

        Raises:
            ExtractionError: As for `extract`.
            ProviderError: As for `extract`.
        """
        ...

"""Texts and what is read in them, each once: many changes are judged by the same few messages."""

from __future__ import annotations

from functools import cache, cached_property, partial

from usermemory.checks.claim import Claim, numbers_in
from usermemory.checks.clauses import clauses
from usermemory.checks.languages import Language, spoken
from usermemory.checks.pasted import without_pasted
from usermemory.checks.polarity import turned
from usermemory.checks.reported import answers, own_words
from usermemory.checks.words import Vocabulary, Word, words


class Text:
    """One text; whatever is read in it is kept from the first time on.

    Attributes:
        plain: The text itself.
        numbers: Its numbers in some languages, as digits.
        claim: What it says as a value in some languages.
        clauses: Its clauses in one language.
        turned: For each of these, whether it says the opposite of its words.
    """

    def __init__(self, plain: str) -> None:
        self.plain = plain
        self.numbers = cache(self._numbers)
        self.claim = cache(partial(Claim.of, plain))
        self.clauses = cache(partial(clauses, plain))
        self.turned = cache(self._turned)

    @cached_property
    def unpasted(self) -> str:
        """Without what is pasted, every other character where it was."""
        return without_pasted(self.plain)

    @cached_property
    def own(self) -> str:
        """Without what only repeats the bot either."""
        return own_words(self.unpasted)

    @cached_property
    def answered(self) -> str:
        """What may take something out: what the user repeats of the bot and then denies, too."""
        return self.unpasted if answers(self.own) else self.own

    @cached_property
    def words(self) -> list[Word]:
        """Its words, in order."""
        return words(self.plain)

    @cached_property
    def folded(self) -> list[str]:
        """Its folded words, in order."""
        return [word.folded for word in self.words]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Its folded words, to look for one."""
        return Vocabulary(self.folded)

    @cached_property
    def languages(self) -> frozenset[Language]:
        """The languages that it may be in; none if unknown."""
        return frozenset(spoken(self.folded))

    def _numbers(self, languages: frozenset[Language]) -> frozenset[str]:
        return numbers_in(self.words, languages)

    def _turned(self, language: Language) -> list[bool]:
        return turned(self.clauses(language), language)


class Texts(dict[str, Text]):
    """Texts by what they say, each read when it is first asked for.

    It lives as long as one batch is judged: what was said is kept no longer.
    """

    def __missing__(self, plain: str) -> Text:
        self[plain] = Text(plain)
        return self[plain]

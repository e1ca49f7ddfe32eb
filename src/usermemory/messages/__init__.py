"""What callers pass as messages, read into the one form that the memory works with."""

from usermemory.messages.content import is_list, is_mapping
from usermemory.messages.read import (
    Attributed,
    AuthorPolicy,
    digest,
    moment,
    newest_first,
    read_messages,
)
from usermemory.messages.text import clean, parts, tokens

__all__ = [
    "Attributed",
    "AuthorPolicy",
    "clean",
    "digest",
    "is_list",
    "is_mapping",
    "moment",
    "newest_first",
    "parts",
    "read_messages",
    "tokens",
]

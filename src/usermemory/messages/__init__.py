"""What callers pass as messages, read into the one form that the memory works with."""

from usermemory.messages.content import is_list, is_mapping
from usermemory.messages.read import (
    Attributed,
    AuthorPolicy,
    digest,
    guarded_author,
    moment,
    newest_first,
    read_messages,
    role_of,
)
from usermemory.messages.text import clean, parts, tokens

__all__ = [
    "Attributed",
    "AuthorPolicy",
    "clean",
    "digest",
    "guarded_author",
    "is_list",
    "is_mapping",
    "moment",
    "newest_first",
    "parts",
    "read_messages",
    "role_of",
    "tokens",
]

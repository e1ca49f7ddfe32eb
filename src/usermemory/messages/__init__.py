"""What callers pass as messages, read into the one form that the memory works with."""

from usermemory.messages.content import is_mapping, is_sequence
from usermemory.messages.policy import Asked, Attributed, AuthorPolicy, guarded_author
from usermemory.messages.read import (
    digest,
    moment,
    newest_first,
    read_messages,
    role_of,
)

__all__ = [
    "Asked",
    "Attributed",
    "AuthorPolicy",
    "digest",
    "guarded_author",
    "is_mapping",
    "is_sequence",
    "moment",
    "newest_first",
    "read_messages",
    "role_of",
]

"""User ids as labels of a LangGraph namespace, and back.

A label may hold neither a period nor a NUL, and ``*`` stands for any label where namespaces are
matched. So these and the per cent sign itself are written as in URLs: ``%2E``, ``%2A``, ``%25``.
All else stays, so that most ids are their own label. Each user has exactly one label.
"""

from __future__ import annotations

from urllib.parse import unquote

_ESCAPED = {ord(sign): f"%{ord(sign):02X}" for sign in "%.*\0"}


def label_of(user_id: str) -> str:
    """The label under which a user stands: ``will.smith`` is ``will%2Esmith``."""
    return user_id.translate(_ESCAPED)


def user_of(label: str) -> str | None:
    """The user behind a label; None if it is nobody's."""
    user_id = unquote(label, errors="replace")
    return user_id if label_of(user_id) == label else None

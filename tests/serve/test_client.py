"""The TypeScript client in the repository is the one that is made from the API."""

from __future__ import annotations

from tools import openapi


def test_the_document_is_the_apis() -> None:
    """``make client`` was run after the last change of the API."""
    assert openapi.DOCUMENT.read_text(encoding="utf-8") == openapi.document()


def test_the_types_are_the_documents() -> None:
    """And its types were generated from that document."""
    assert openapi.TYPES.read_text(encoding="utf-8").startswith(openapi.stamp())

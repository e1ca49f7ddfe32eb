"""An HTTP API over one memory: an ASGI app, to run or to mount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.errors import ConfigurationError

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

__all__ = ["app"]


def app(memory: UserMemory, *, body_limit: int = 1_000_000) -> Any:
    """The ASGI app of a memory, by itself or mounted under a prefix; it needs no lifespan.

    Args:
        memory: Whose profiles it serves; it stays the caller's to close.
        body_limit: Bytes that a request may hold.

    Raises:
        ConfigurationError: The extra ``serve`` is not installed.
    """
    try:
        from usermemory.serve.asgi import asgi_app
    except ImportError as error:
        raise ConfigurationError(
            f"serving needs a package that is missing ({error}): pip install 'usermemory[serve]'"
        ) from error
    return asgi_app(memory, body_limit)

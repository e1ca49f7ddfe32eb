"""An HTTP API, MCP and pages over one memory: ``usermemory serve``, or an ASGI app to mount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.errors import ConfigurationError

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

__all__ = ["app"]


def app(memory: UserMemory, **settings: Any) -> Any:
    """The ASGI app of a memory, by itself or mounted under a prefix; it needs no lifespan.

    Args:
        memory: Whose profiles it serves; it stays the caller's to close.
        settings: The attributes of `usermemory.serve.state.Settings`, by name.

    Raises:
        ConfigurationError: The extra ``serve`` is not installed, or a setting is unknown.
    """
    try:
        from usermemory.serve.asgi import asgi_app
    except ImportError as error:
        raise ConfigurationError(
            f"serving needs a package that is missing ({error}): pip install 'usermemory[serve]'"
        ) from error
    return asgi_app(memory, **settings)

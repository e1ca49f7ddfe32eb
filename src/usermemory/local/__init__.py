"""A language model that runs in this process: weights in a GGUF file, without server or key."""

from __future__ import annotations

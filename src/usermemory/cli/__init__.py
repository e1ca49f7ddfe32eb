"""The command line. ``usermemory --help`` is where to begin."""

from usermemory.cli.app import main

__all__ = ["main"]

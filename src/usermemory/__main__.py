"""``python -m usermemory``: the command line, where its script is not on the path."""

from usermemory.cli import main

if __name__ == "__main__":
    main()

"""Whether `make test-deep` runs: more examples and more places of the same kinds."""

import os

DEEP = bool(os.environ.get("USERMEMORY_TEST_DEEP"))

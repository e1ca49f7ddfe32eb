"""Profiles that another memory kept, brought into this one: each as one revision.

    done = import_origin(memory, "old.db", dry_run=True)
    done.left_out       # what the schema has no place for

`import_json` does the same for lists of facts as mem0 and others export them,
`usermemory.langgraph.import_langmem` for LangMem's.
"""

from usermemory.extras.importing.fitting import Found, LeftOut
from usermemory.extras.importing.profiles import Imported, ImportedUser, import_profiles
from usermemory.extras.importing.sources import import_json, import_origin, read_json

__all__ = [
    "Found",
    "Imported",
    "ImportedUser",
    "LeftOut",
    "import_json",
    "import_origin",
    "import_profiles",
    "read_json",
]

"""Profiles that another memory kept, brought into this one: each as one revision.

    done = import_origin(memory, "old.db", dry_run=True)
    done.left_out       # what the schema has no place for

`usermemory.langgraph.import_langmem` does the same for LangMem's.
"""

from usermemory.importing.fitting import Found, LeftOut
from usermemory.importing.origin import import_origin
from usermemory.importing.profiles import Imported, ImportedUser, import_profiles

__all__ = [
    "Found",
    "Imported",
    "ImportedUser",
    "LeftOut",
    "import_origin",
    "import_profiles",
]

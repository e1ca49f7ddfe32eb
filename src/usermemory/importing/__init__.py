"""Profiles that another memory kept, brought into this one: each as one revision.

    done = import_origin(memory, "old.db", dry_run=True)
    done.left_out       # what the schema has no place for

`import_json` does the same for lists of facts as mem0 and others export them,
`usermemory.langgraph.import_langmem` for LangMem's.
"""

from usermemory.importing.fitting import Found, LeftOut
from usermemory.importing.from_json import import_json
from usermemory.importing.json_file import read_json
from usermemory.importing.origin import import_origin
from usermemory.importing.profiles import Imported, ImportedUser, import_profiles

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

"""What a model is asked about a case, and a digest that tells two such requests apart.

An answer belongs to the exact words, profile and form that it answered: after any change of the
prompt it is an answer to something else, and must be recorded anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bench.faithfulness.cases import SCHEMA, Case

from usermemory.extract import Request
from usermemory.extract.overwrite import form
from usermemory.prompt import Prompt, overwriting, rewriting
from usermemory.records import Refused

Strategy = Literal["patch", "overwrite"]


def request(case: Case, document: Mapping[str, Any] | None = None) -> Request:
    """A case as an extractor is given it; with another profile, where it has changed since."""
    known = case.profile if document is None else document
    return Request(SCHEMA, known, case.messages, now=case.messages[-1].at or 0.0)


def digest(strategy: Strategy, wanted: Request, rejected: Sequence[Refused] = ()) -> str:
    """Differs wherever a model would be given another text or another form."""
    schema, document, batch = wanted.schema, wanted.document, wanted.batch
    parts: list[Any]
    if strategy == "patch":
        prompt = Prompt()
        asked = prompt.asked(schema, document, batch, wanted.context, rejected)
        parts = [prompt.stable(schema), asked, schema.change_schema()]
    else:
        asked = rewriting(schema, document, batch, wanted.context)
        parts = [overwriting(schema), asked, form(schema)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

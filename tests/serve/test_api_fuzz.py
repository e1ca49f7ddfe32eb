"""Whatever is sent to the HTTP API is answered as its OpenAPI document says, and never with 5xx."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.support.deep import DEEP

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens

EXAMPLES = 1_000 if DEEP else 20

WORDS = st.sampled_from(
    [
        *("will", "ann", "nobody", "a/b", "a%2Fb", " ", "..", "\0", "x\0y", "\u202e", "\ue000"),
        *("x" * 10_000, "é", "\U0001f600", "t", "m1", "1", "0", "-1", "9" * 400, "1e999", "NaN"),
        *("name", "age", "interests", "/name", "/interests/0", "/interests/-", "~2", "user"),
        *("assistant", "system", "add", "remove", "replace", "test", "move", "copy", "chess"),
        *("2026-05-01", "9999-12-31", "0001-01-01", "2026-05-01T00:00:00+99:00", "true", ""),
    ]
)
TEXTS = WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ANY_TEXT = TEXTS | st.sampled_from(["\ud800", "a\udfffb"])
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, 1, -1, 2**63, 10**400, 1e308])
LEAVES = st.none() | st.booleans() | NUMBERS | ANY_TEXT
NAMES = ANY_TEXT | st.sampled_from(
    [
        *("role", "content", "id", "type", "text", "timestamp", "created_at", "name", "op", "path"),
        *("value", "from", "profile", "document", "revisions", "format", "version", "author"),
    ]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"role": TEXTS | st.just("user"), "content": JSON},
    optional={"id": LEAVES, "name": LEAVES, "timestamp": LEAVES, "additional_kwargs": JSON},
)
PATCH = st.fixed_dictionaries({"op": TEXTS, "path": TEXTS}, optional={"value": JSON, "from": TEXTS})
LIKELY = {"messages": st.lists(MESSAGE, max_size=3), "patch": st.lists(PATCH, max_size=3)}
RAW = st.sampled_from(
    [b"", b"{", b"null", b"[" * 100_000, b'{"a":' * 5_000, b"\xff\xfe", b'"\xed"']
)


@dataclass(frozen=True)
class Served:
    """The API, its document and what a request to it needs."""

    client: httpx.AsyncClient
    runner: asyncio.Runner
    document: dict[str, Any]

    def send(self, *what: Any, **more: Any) -> httpx.Response:
        """The answer to a request."""
        return self.runner.run(self.client.request(*what, **more))

    def form(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema that a validator can follow."""
        return {**schema, "components": self.document["components"]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    file = tmp_path_factory.mktemp("fuzz") / "memory.db"
    with UserMemory(file, model="offline", worker=False) as memory, asyncio.Runner() as runner:
        memory.remember("will", "t", [{"role": "user", "content": "Hi, I'm Will", "id": "m1"}])
        memory.trigger("will")
        memory.edit("will", {"name": "Will", "interests": ["chess"]}, by="test")
        token, _ = Tokens(memory).create()
        made = app(memory, rate_limit=None)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(made),
            base_url="http://test",
            headers={"authorization": f"Bearer {token}"},
        )
        yield Served(client, runner, made.openapi())
        runner.run(client.aclose())


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, itself where it is only named."""
    name = schema.get("$ref")
    return document["components"]["schemas"][name.rpartition("/")[2]] if name else schema


def a_body(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    """Bodies that are nearly right, and some that are nothing."""
    if "requestBody" not in operation:
        return st.none()
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = resolved(document, schema).get("properties", {})
    some = {name: LIKELY.get(name, JSON) | JSON for name in names}
    likely = {name: LIKELY.get(name, LEAVES) for name in names}
    made = st.fixed_dictionaries({}, optional=likely) | st.fixed_dictionaries({}, optional=some)
    return RAW | (made | JSON).map(lambda value: json.dumps(value).encode())


def check(served: Served, operation: dict[str, Any], answer: httpx.Response) -> None:
    """The answer is one that the document names, in the form that it names."""
    status = str(answer.status_code)
    assert status in operation["responses"], answer.text[:300]
    assert status < "500"
    kind = answer.headers["content-type"]
    (wanted, content), *_ = operation["responses"][status]["content"].items()
    assert kind == wanted
    validator = Draft202012Validator(served.form(content["schema"]))
    validator.validate(answer.json())


@pytest.mark.parametrize("number", range(40))
def test_every_answer_is_documented(served: Served, number: int) -> None:
    """No request, however wrong, is answered with 5xx, an unknown status or another form."""
    every = [
        (method, path, operation)
        for path, them in served.document["paths"].items()
        for method, operation in them.items()
    ]
    assert len(every) <= 40
    if number >= len(every):
        return
    method, path, operation = every[number]
    given_in = [one for one in operation.get("parameters", ()) if one["in"] != "header"]

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.data())
    def sent(data: st.DataObject) -> None:
        address, query = path, []
        for one in given_in:
            if one["in"] == "path":
                value = data.draw(TEXTS.filter(lambda text: text not in {"", ".", ".."}))
                address = address.replace(f"{{{one['name']}}}", quote(value, safe=""))
            elif one["required"] or data.draw(st.booleans()):
                value = data.draw(TEXTS | NUMBERS.map(str))
                query.append(f"{quote(one['name'])}={quote(value)}")
        body = data.draw(a_body(served.document, operation))
        headers = {"content-type": "application/json"} if body is not None else {}
        key = data.draw(st.none() | st.sampled_from(["a", "b", "x" * 300, "\x7f"]))
        if key is not None:
            headers["idempotency-key"] = key
        url = f"http://test{address}?{'&'.join(query)}"
        check(served, operation, served.send(method, url, content=body, headers=headers))

    sent()

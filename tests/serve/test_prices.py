"""Money beside tokens, by prices that the owner gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from tests.serve.browsing import signed_in
from tests.support.command_line import run
from tests.support.provider_server import ProviderServer, text

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.errors import ConfigurationError
from usermemory.records import Usage
from usermemory.serve import app
from usermemory.serve.prices import Prices, money, read_prices

MILLIONS = Usage(3, 2_000_000, 500_000)


class Costly:
    """Answers in the name of a model, each reading at the same tokens."""

    def __init__(self, *, lost: bool = False) -> None:
        self.model = "gpt-5-mini-2025-08-07"
        self.lost = lost

    def extract(self, _: Request) -> Extraction:
        drinks = ("tea", "coffee") if self.lost else ("tea",)
        changes = tuple(Change("interests", "add", one, f"I like {one}") for one in drinks)
        return Extraction(changes, model=self.model, usage=MILLIONS)


async def test_operations_show_money_where_prices_are_given(tmp_path: Path) -> None:
    """By day, by model and in all; a model without a price is named, and in no sum."""
    extractor = Costly()
    with UserMemory(tmp_path / "m.db", model=extractor, worker=False, verify="off") as memory:
        for number, name in enumerate([extractor.model, "<i>home-made</i>"]):
            extractor.model = name
            memory.remember("will", str(number), ["I like tea"])
            memory.trigger("will")
        async with signed_in(app(memory, prices={"gpt-5-mini": (0.25, 2.0)})) as browser:
            page = (await browser.get("/operations")).text
        assert "<strong>1.50</strong>cost in 30 days" in page
        assert '<td class="n">1.50</td>' in page
        assert ">no price<" in page
        assert "&lt;i&gt;home-made" in page
        assert "Cost a day" in page
        async with signed_in(app(memory)) as browser:
            page = (await browser.get("/operations")).text
        assert "5,000,000</strong>tokens" in page
        assert "--price MODEL=IN/OUT" in page
        assert "cost in 30 days" not in page
        assert "Cost a day" not in page


@pytest.mark.parametrize("strategy", ["patch", "overwrite"])
async def test_an_answer_that_cannot_be_used_has_its_models_price(
    tmp_path: Path, strategy: Any
) -> None:
    """What is no answer, and what is too much of one, was paid for as well."""
    with ProviderServer() as provider:
        provider.always(text("I had rather talk about rowing."))
        model = ChatOpenAI(model="gpt-test", base_url=provider.openai_url, api_key=SecretStr("x"))
        made = {"model": model, "worker": False, "strategy": strategy}
        with UserMemory(tmp_path / "m.db", **made) as memory:
            memory.remember("will", "t", ["I like tea"])
            assert [one.status for one in memory.trigger("will")] == ["failed"]
            page = await operations(memory, {"gpt-test": (1_000.0, 1_000.0)})
    limited = UserMemory(tmp_path / "n.db", model=Costly(lost=True), worker=False, max_changes=1)
    with limited as memory:
        memory.remember("will", "t", ["I like tea. I like coffee."])
        assert [one.status for one in memory.trigger("will")] == ["failed"]
        page += await operations(memory, {"gpt-5-mini": (0.25, 2.0)})
    assert ">no price<" not in page
    assert ">unknown<" not in page
    assert page.count("<strong>0.00</strong>cost") == 0


async def operations(memory: UserMemory, prices: Any) -> str:
    async with signed_in(app(memory, prices=prices)) as browser:
        return (await browser.get("/operations")).text


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("gpt-5", 4.5),
        ("gpt-5-2025-08-07", 4.5),
        ("gpt-5-mini", 1.5),
        ("gpt-5-mini-latest", 1.5),
        ("gpt-5-nano", None),
        ("my-gpt-5", None),
        ("", None),
    ],
)
def test_a_price_is_its_models_alone(model: str, cost: float | None) -> None:
    """It holds for dated releases, not for other models whose names begin alike."""
    prices = Prices({"gpt-5": (1.0, 5.0), "gpt-5-mini": (0.25, 2.0)})
    assert prices.of(model, MILLIONS) == cost


@pytest.mark.parametrize("wrong", [(1.0,), "1/2", (1.0, -2.0), (1.0, float("nan")), None, (1, "2")])
def test_what_is_no_price_is_refused(tmp_path: Path, wrong: Any) -> None:
    """With the model's name."""
    with (
        UserMemory(tmp_path / "m.db", model="offline", worker=False) as memory,
        pytest.raises(ConfigurationError, match="no price of 'big'"),
    ):
        app(memory, prices={"big": wrong})


def test_prices_on_the_command_line(tmp_path: Path) -> None:
    """A name may hold any sign; what is no price ends the command with what to write."""
    assert read_prices(["ollama:a/b=c=0/0", "gpt-5=1.25/10"]) == {
        "ollama:a/b=c": (0.0, 0.0),
        "gpt-5": (1.25, 10.0),
    }
    for wrong in ("gpt-5", "=1/2", "gpt-5=1", "gpt-5=a/b", "gpt-5=1/2/3"):
        with pytest.raises(ConfigurationError, match="is no price"):
            read_prices([wrong])
    done = run("serve", "--price", "gpt-5=1", "--db", str(tmp_path / "m.db"), "--port", "0")
    assert done.returncode != 0
    assert "gpt-5-mini=0.25/2" in done.stderr


def test_amounts() -> None:
    """Small ones keep their digits."""
    assert [money(one) for one in (None, 0.0, 0.00123, 1234.5)] == [
        "",
        "0.00",
        "0.0012",
        "1,234.50",
    ]

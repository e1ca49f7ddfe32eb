"""Bearer tokens and signed links, against real databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import postgres
from tests.support.command_line import run

from usermemory import UserMemory
from usermemory.errors import InvalidInput
from usermemory.serve.tokens import Tokens
from usermemory.store.copying import everything
from usermemory.store.flows import access
from usermemory.testing import FakeClock


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/memory.db"
    else:
        with postgres.fresh() as made:
            yield made


@pytest.fixture
def memory(url: str) -> Iterator[UserMemory]:
    with UserMemory(url, model="offline", worker=False, clock=FakeClock()) as made:
        yield made


def later(memory: UserMemory, seconds: float) -> None:
    assert isinstance(memory.clock, FakeClock)
    memory.clock.advance(seconds)


def test_a_token_says_what_it_allows(memory: UserMemory) -> None:
    """A token is known again with its scope, and by other objects over the same database."""
    text, made = Tokens(memory).create("bot", user_id="will", read_only=True)
    assert Tokens(memory).check(text) == made
    assert (made.scope, made.user_id, made.read_only) == ("user", "will", True)
    everybody, _ = Tokens(memory).create("app")
    found = Tokens(memory).check(everybody)
    assert found is not None
    assert (found.scope, found.user_id, found.read_only) == ("application", None, False)


def test_a_token_is_stored_hashed(memory: UserMemory) -> None:
    """Neither a list of tokens nor any table or file holds the secret."""
    tokens = Tokens(memory)
    text, made = tokens.create("bot")
    secret = text.split("_", 2)[2]
    assert [one.token_id for one in tokens.all()] == [made.token_id]
    assert secret not in repr(tokens.all())
    assert not any(place.found for place in memory.driver.search("will", [secret]))


@pytest.mark.parametrize(
    "text",
    ["", "um", "um__", "um_0_x", "um_\u0661_x", "x" * 10_000, "\ud800", "um_a_\x00", "Bearer"],
)
def test_what_is_no_token_is_refused(memory: UserMemory, text: str) -> None:
    """Nonsense in place of a token is answered with no, and raises nothing."""
    tokens = Tokens(memory)
    assert tokens.check(text) is None
    assert tokens.check_link(text) is None


def test_a_token_of_another_secret_is_refused(memory: UserMemory) -> None:
    """The public part of a token opens nothing, nor does another token's secret."""
    tokens = Tokens(memory)
    one, other = tokens.create()[0].split("_", 2), tokens.create()[0].split("_", 2)
    assert tokens.check("_".join([*one[:2], other[2]])) is None
    assert tokens.check("_".join([*one[:2], ""])) is None


def test_a_token_ends(memory: UserMemory) -> None:
    """A revoked token is void at once, an expired one in its last second."""
    tokens = Tokens(memory)
    revoked, made = tokens.create()
    assert tokens.revoke(made.token_id)
    assert not tokens.revoke(made.token_id)
    assert tokens.check(revoked) is None
    short, _ = tokens.create(lifetime=60.0)
    later(memory, 59.0)
    assert tokens.check(short)
    later(memory, 1.0)
    assert tokens.check(short) is None
    with pytest.raises(InvalidInput, match="expired at once"):
        tokens.create(lifetime=0)


def test_a_link_opens_one_users_memory_until_it_expires(memory: UserMemory) -> None:
    """A link names its user under a signature, which any change of it breaks."""
    tokens = Tokens(memory)
    assert tokens.check_link("e30.e30") is None
    link = tokens.link("zoë", 60.0, read_only=True)
    found = Tokens(memory).check_link(link)
    assert found is not None
    assert (found.user_id, found.read_only) == ("zoë", True)
    body, _, signature = tokens.link("will", 60.0).partition(".")
    assert tokens.check_link(f"{body}.{link.partition('.')[2]}") is None
    assert tokens.check_link(f"{body}A.{signature}") is None
    assert tokens.check(link) is None
    later(memory, 60.0)
    assert tokens.check_link(link) is None


def test_all_links_can_be_revoked(memory: UserMemory) -> None:
    """After that old links are void, and new ones are signed with another key."""
    tokens = Tokens(memory)
    old = tokens.link("will")
    tokens.revoke_links()
    new = tokens.link("will")
    assert tokens.check_link(old) is None
    assert tokens.check_link(new)


def test_one_link_can_be_revoked(memory: UserMemory) -> None:
    """By its text or the address that it is in; other links of the same user stay."""
    tokens = Tokens(memory)
    one, other = tokens.link("will", 60.0), tokens.link("will", 90.0)
    assert tokens.revoke_link(f"https://app.example.com/memory/own?link={one}")
    assert tokens.check_link(one) is None
    assert tokens.check_link(other)
    assert not tokens.revoke_link(one)
    assert not tokens.revoke_link("nonsense")
    assert tokens.revoke_link(other)
    assert tokens.check_link(other) is None
    assert tokens.check_link(tokens.link("will"))


def test_the_links_of_one_user_can_be_revoked(memory: UserMemory) -> None:
    """Those made before are void, others' and later ones are not; as often as it is needed."""
    tokens = Tokens(memory)
    before, others = tokens.link("will"), tokens.link("ann")
    for _ in range(2):
        tokens.revoke_links("will")
        assert tokens.check_link(before) is None
        after = tokens.link("will", read_only=True)
        found = Tokens(memory).check_link(after)
        assert found is not None
        assert (found.user_id, found.read_only) == ("will", True)
        before = after
    assert tokens.check_link(others)
    memory.forget_user("will")
    tokens.revoke_links("will")
    assert tokens.check_link(before) is None
    tokens.revoke_links()
    assert tokens.check_link(others) is None
    assert tokens.check_link(tokens.link("will"))


def test_tokens_are_no_part_of_a_users_memory(memory: UserMemory) -> None:
    """What is exported and copied of a user holds no token of theirs."""
    memory.remember("will", "t", ["I like chess"])
    _, made = Tokens(memory).create("phone", user_id="will")
    assert made.token_id not in everything(memory.driver, "will")
    assert made.token_id not in repr(memory.export("will"))


@pytest.mark.parametrize("lifetime", [float("inf"), float("nan"), 1e300, -1.0, True])
def test_a_lifetime_is_a_span_of_time(memory: UserMemory, lifetime: float) -> None:
    """For ever is None; what no calendar holds is refused, for tokens and for links."""
    tokens = Tokens(memory)
    with pytest.raises(InvalidInput, match="number of seconds"):
        tokens.create(lifetime=lifetime)
    with pytest.raises(InvalidInput, match="number of seconds"):
        tokens.link("will", lifetime)


def test_a_token_that_ends_beyond_all_calendars_is_listed(tmp_path: Path) -> None:
    """What an earlier version stored counts as without an end."""
    file = tmp_path / "memory.db"
    with UserMemory(file, model="offline", worker=False) as memory:
        for number, end in enumerate((1e300, float("inf"))):
            memory.driver.write(
                access.add_token, f"a{number}", "-", "", "", read_only=False, expires_at=end
            )
        assert [one.expires_at for one in Tokens(memory).all()] == [None, None]
    assert run("token", "list", "--db", str(file)).returncode == 0
    made = run("token", "create", "--days", "inf", "--db", str(file))
    assert (made.returncode, made.stdout) == (1, "")
    assert "number of seconds" in made.stderr

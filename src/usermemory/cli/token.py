"""Tokens of the HTTP API: ``usermemory token``."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Argument, Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    Database,
    command,
    group,
    open_existing,
    open_memory,
    print_json,
    say,
    table,
    when,
)
from usermemory.errors import InvalidInput
from usermemory.serve.tokens import Tokens

token_commands = group("Tokens for the HTTP API.")

_DAY = 86_400.0

ReadOnly = Annotated[bool, Option("--read-only", help="It may change nothing.")]


@command(token_commands, "create")
def create_token(
    name: Annotated[str, Argument(help="What the list calls it.")] = "",
    *,
    user: Annotated[str | None, Option(help="The only user whom it reaches.")] = None,
    read_only: ReadOnly = False,
    days: Annotated[float | None, Option(min=0.001, help="Days until it expires.")] = None,
    db: Database = DATABASE,
) -> None:
    """Make a token and print it: this once, since only a digest of it is stored.

    Without --user it is an application's, and reaches every user. A database that is not there yet
    is made.

    Examples:
        usermemory token create billing --read-only
        usermemory token create will-app --user will --days 30
    """
    lifetime = None if days is None else days * _DAY
    with open_memory(db, worker=False) as memory:
        text, _ = Tokens(memory).create(name, user_id=user, read_only=read_only, lifetime=lifetime)
    typer.echo(text)


@command(token_commands, "link")
def link_user(
    user: Annotated[str, Argument(help="Whose own page.")],
    *,
    url: Annotated[
        str, Option(metavar="URL", help="Where the pages are served, with the prefix.")
    ] = "http://127.0.0.1:8765",
    days: Annotated[float, Option(min=0.001, help="Days until it expires.")] = 7.0,
    read_only: ReadOnly = False,
    db: Database = DATABASE,
) -> None:
    """Print a signed link to one user's own page: to read, correct, erase, download and pause.

    It reaches nothing else. Nothing is stored of it: it is valid until it expires, or until
    `usermemory token revoke` is told it, or its user.

    Examples:
        usermemory token link will
        usermemory token link will --days 1 --url https://app.example.com/memory
    """
    with open_existing(db) as memory:
        text = Tokens(memory).link(user, days * _DAY, read_only=read_only)
    typer.echo(f"{url.rstrip('/')}/own?link={text}")


@command(token_commands, "list")
def list_tokens(*, db: Database = DATABASE, json: AsJson = False) -> None:
    """List the tokens, the oldest first; never their secrets.

    Examples:
        usermemory token list
    """
    with open_existing(db) as memory:
        tokens = Tokens(memory).all()
    if json:
        print_json(tokens)
        return
    rows = table("token", "name", "reaches", "may", "made", "expires")
    for one in tokens:
        may = "read" if one.read_only else "read and write"
        whose = "everybody" if one.user_id is None else one.user_id
        rows.add_row(one.token_id, one.name, whose, may, when(one.created_at), when(one.expires_at))
    say(rows if tokens else "There are no tokens.")


@command(token_commands, "revoke")
def revoke_token(
    token: Annotated[
        str, Argument(help="As token list names it; or a link, or the address that it is in.")
    ] = "",
    *,
    links_of: Annotated[
        str | None, Option(metavar="USER", help="All links to this user's own page.")
    ] = None,
    db: Database = DATABASE,
) -> None:
    """Make a token or a link void at once, or all links of one user.

    Examples:
        usermemory token revoke 5f2d90ab13c4
        usermemory token revoke --links-of will
    """
    if bool(token) == (links_of is not None):
        raise InvalidInput("name a token or a link, or --links-of USER")
    with open_existing(db) as memory:
        tokens = Tokens(memory)
        if links_of is not None:
            tokens.revoke_links(links_of)
        elif not (tokens.revoke(token) or tokens.revoke_link(token)):
            raise InvalidInput(f"there is no token or link {token!r}; see usermemory token list")
    say("Revoked.")

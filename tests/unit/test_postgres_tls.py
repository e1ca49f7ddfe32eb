"""TLS, as a URL asks for it: certificates are made here, and libpq checks them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import trustme
from tests.support.postgres import fresh
from tests.support.tls import TLS

from usermemory import UserMemory
from usermemory.errors import StoreError


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """The certificate of whoever has signed the server's, which is for ``localhost``."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued = made.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def tls(url: str, authority: Path) -> Iterator[TLS]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.with_name("server.pem"))
    tls = TLS(urlsplit(url).port or 5432, context)
    yield tls
    tls.close()


def encrypted(url: str, tls: TLS, authority: Path, host: str = "localhost") -> str:
    """The URL that trusts nobody else, and wants this host's certificate."""
    through = urlsplit(url)._replace(netloc=f"postgres@{host}:{tls.port}").geturl()
    return f"{through}&sslmode=verify-full&sslrootcert={quote(str(authority), safe='')}"


def test_an_encrypted_database(url: str, tls: TLS, authority: Path) -> None:
    """A URL with ``sslmode=verify-full`` is served over TLS only."""
    with UserMemory(encrypted(url, tls, authority), model="offline", delay=0.0) as memory:
        memory.remember("will", "t", ["I like chess"])
        memory.trigger("will")
        assert memory.recall("will").document["interests"] == ["chess"]
    assert tls.served >= 2


def test_a_stranger_with_a_certificate(url: str, tls: TLS, authority: Path) -> None:
    """A server whose certificate another has signed, or with another's name, is refused."""
    other = authority.with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(str(other))
    for wrong in (encrypted(url, tls, other), encrypted(url, tls, authority, "127.0.0.1")):
        memory = UserMemory(wrong, model="offline", worker=False)
        with pytest.raises(StoreError, match="certificate"):
            memory.recall("will")
        memory.close()
    assert tls.served == 0

"""Contexts and channel bindings: files that are not what they must be are told, and what binds is RFC 5929's."""

import contextlib
import hashlib
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from doorward.errors import ConfigError
from doorward.gateway.dial import parse_place
from doorward.gateway.tls import (
    bind_end_point,
    make_listener_context,
    make_upstream_context,
    name_of_certificate,
)
from tests_support.certificates import Authority, Pair


@pytest.fixture(name="authority")
def authority_fixture(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "city", "city")


def test_a_listener_speaks_tls_1_2_or_later_and_asks_for_no_certificate(authority: Authority) -> None:
    pair = authority.issue("listener", hosts=("localhost",))
    context = make_listener_context(pair.certificate, pair.key)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE


def test_people_may_show_a_certificate_where_their_authority_is_named(authority: Authority) -> None:
    pair = authority.issue("listener")
    assert make_listener_context(pair.certificate, pair.key, authority.root).verify_mode is ssl.CERT_OPTIONAL


def test_a_key_that_others_may_read_is_refused(authority: Authority) -> None:
    pair = authority.issue("listener")
    pair.key.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read the key"):
        make_listener_context(pair.certificate, pair.key)


def test_files_that_do_not_fit_are_told(authority: Authority, tmp_path: Path) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    with pytest.raises(ConfigError, match="are not a pair"):
        make_listener_context(one.certificate, other.key)
    with pytest.raises(ConfigError, match="are not a pair"):
        make_listener_context(tmp_path / "nothing.crt", one.key)
    with pytest.raises(ConfigError, match="no certificate of an authority"):
        make_listener_context(one.certificate, one.key, tmp_path / "nothing.crt")
    with pytest.raises(ConfigError, match="holds no certificate"):
        bind_end_point(one.key)


def test_the_end_point_is_the_hash_of_the_certificate(authority: Authority) -> None:
    pair = authority.issue("listener")
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text(encoding="ascii"))
    assert bind_end_point(pair.certificate) == hashlib.sha256(der).digest()
    assert name_of_certificate(der) == "listener"
    assert name_of_certificate(None) is None


@pytest.mark.parametrize("mode", ["require", "prefer", "allow", "nonsense"])
def test_a_mode_that_trusts_whoever_answers_is_refused(mode: str) -> None:
    with pytest.raises(ConfigError, match="pass for it"):
        make_upstream_context({"sslmode": mode})


def test_the_server_is_verified_without_being_asked_to() -> None:
    context = make_upstream_context({})
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    without_name = make_upstream_context({"sslmode": "verify-ca"})
    assert without_name is not None
    assert not without_name.check_hostname


@pytest.mark.parametrize(
    "conninfo", ["host=a,b dbname=x", "dbname=x", "host=a", "host=a port=1,2 dbname=x", "what is this"]
)
def test_one_place_is_named_and_no_less(conninfo: str) -> None:
    with pytest.raises(ConfigError):
        parse_place(conninfo)


def test_a_socket_needs_no_tls() -> None:
    place = parse_place("host=/run/postgresql dbname=clear")
    assert (place.is_local, place.tls, place.port) == (True, None, 5432)


def shake(server: ssl.SSLContext, authority: Authority, card: Pair) -> None:
    """Let a client with a certificate and a listener shake hands, in memory."""
    client = ssl.create_default_context(cafile=str(authority.root))
    client.load_cert_chain(card.certificate, card.key)
    client.minimum_version = client.maximum_version = (
        ssl.TLSVersion.TLSv1_2
    )  # the client learns it in the handshake
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for side in sides:
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()


def test_a_certificate_that_was_taken_back_is_none(authority: Authority) -> None:
    listener = authority.issue("listener", hosts=("localhost",))
    good, stolen = authority.issue("Carol Card"), authority.issue("Stolen Card")
    files = (listener.certificate, listener.key, authority.root)
    context = make_listener_context(*files, authority.revoke(stolen))
    shake(context, authority, good)
    with pytest.raises(ssl.SSLError, match="certificate revoked"):
        shake(context, authority, stolen)
    shake(make_listener_context(*files), authority, stolen)  # without the list nobody knows


def test_a_list_that_has_run_out_lets_nobody_in(authority: Authority) -> None:
    listener = authority.issue("listener", hosts=("localhost",))
    old = authority.revoke(next_update=timedelta(hours=-1))
    context = make_listener_context(listener.certificate, listener.key, authority.root, old)
    with pytest.raises(ssl.SSLError, match="CRL has expired"):
        shake(context, authority, authority.issue("Carol Card"))


def test_a_file_that_is_no_list_is_told(authority: Authority) -> None:
    listener = authority.issue("listener")
    with pytest.raises(ConfigError, match="no list of revoked certificates"):
        make_listener_context(listener.certificate, listener.key, authority.root, authority.root)

"""Which protocol version a client is told, before anything is known of it: PostgreSQL's own answers."""

from struct import pack

import pytest

from doorward.errors import RemoteProtocolError
from doorward.gateway.handshake import Handshake
from doorward.pgwire.messages import (
    NegotiateProtocolVersion,
    StartupMessage,
    format_negotiation,
    format_startup,
)

THREE = 3 << 16
USER = ("user", "dana")


def opened(version: int, *options: tuple[str, str]) -> bytes:
    handshake = Handshake(find_credentials=lambda _login: None, server_secret=b"s" * 32, nonce="n" * 18)
    return handshake.feed(format_startup(StartupMessage(version, (USER, *options)))).to_client


def test_protocol_3_0_without_options_is_answered_with_authentication_at_once() -> None:
    assert opened(THREE).startswith(b"R")


@pytest.mark.parametrize("minor", [1, 2, 9999], ids=["3.1", "3.2", "3.9999 (grease)"])
def test_a_newer_minor_version_is_answered_with_3_0_and_then_authentication(minor: int) -> None:
    expected = format_negotiation(NegotiateProtocolVersion(THREE, ()))
    answer = opened(THREE + minor)
    assert answer.startswith(expected)
    assert answer[len(expected) :] == opened(THREE)


def test_an_option_of_the_protocol_is_named_back_and_no_other_parameter_is() -> None:
    option = ("_pq_.test_protocol_negotiation", "")
    expected = format_negotiation(NegotiateProtocolVersion(THREE, (b"_pq_.test_protocol_negotiation",)))
    for version in (THREE, THREE + 9999):
        assert opened(version, option, ("application_name", "x")).startswith(expected)


@pytest.mark.parametrize("version", [(1 << 16), (2 << 16), (4 << 16), (4 << 16) + 1], ids=str)
def test_another_major_version_is_refused_as_a_feature_that_is_not_there(version: int) -> None:
    with pytest.raises(RemoteProtocolError, match="protocol 3 was expected") as refused:
        opened(version)
    assert refused.value.sqlstate_hint == "0A000"


@pytest.mark.parametrize("value", ["database", "true", "T", "yes", "y", "1", "on", "", "maybe"])
def test_replication_is_refused_in_every_spelling_that_is_not_a_plain_no(value: str) -> None:
    with pytest.raises(RemoteProtocolError, match="replication") as refused:
        opened(THREE, ("replication", value))
    assert refused.value.sqlstate_hint == "0A000"


@pytest.mark.parametrize("value", ["false", "off", "no", "0"])
def test_a_plain_no_to_replication_is_an_ordinary_session(value: str) -> None:
    assert opened(THREE, ("replication", value)).startswith(b"R")


def test_an_option_that_begins_like_a_request_for_tls_is_refused() -> None:
    handshake = Handshake(find_credentials=lambda _login: None, server_secret=b"s" * 32, nonce="n" * 18)
    with pytest.raises(RemoteProtocolError):
        handshake.feed(pack(">II", 12, 80877103) + b"more")

"""The packets that open a connection: round trips, what is refused, and version negotiation."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.limits import MAX_STARTUP_PARAMETERS
from doorward.pgwire.messages import (
    PROTOCOL_3_0,
    CancelRequest,
    GSSENCRequest,
    NegotiateProtocolVersion,
    Opening,
    SSLRequest,
    StartupMessage,
    format_cancel,
    format_negotiation,
    format_opening,
    format_startup,
    is_replication,
    negotiate,
    parse_negotiation,
    parse_opening,
)

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
NAME = TEXT.filter(bool)
PARAMETERS = st.dictionaries(NAME, TEXT, max_size=8).map(lambda found: tuple(found.items()))
VERSIONS = st.integers(3 << 16, (3 << 16) + 0xFFFF)
OPENINGS = st.one_of(
    st.builds(StartupMessage, VERSIONS, PARAMETERS),
    st.just(SSLRequest()),
    st.just(GSSENCRequest()),
    st.builds(CancelRequest, st.integers(0, 2**32 - 1), st.binary(min_size=4, max_size=256)),
)

# A startup packet of psql 15.
PSQL = bytes.fromhex(
    "0003000075736572006d61726961006461746162617365"
    "00636c656172006170706c69636174696f6e5f6e616d65007073716c00636c69656e745f656e636f64696e67005554463800"
    "00"
)


def startup(*parameters: tuple[str, str], version: int = PROTOCOL_3_0) -> StartupMessage:
    return StartupMessage(version, parameters)


def test_a_startup_packet_of_psql_is_read() -> None:
    expected = startup(
        ("user", "maria"), ("database", "clear"), ("application_name", "psql"), ("client_encoding", "UTF8")
    )
    assert parse_opening(PSQL) == expected
    assert format_startup(expected)[4:] == PSQL


@given(OPENINGS)
def test_an_opening_is_read_as_it_was_written(message: Opening) -> None:
    packet = format_opening(message)
    assert struct.unpack(">I", packet[:4]) == (len(packet),)
    assert parse_opening(packet[4:]) == message


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda rest: b"\0\3\0\0" + rest)))
def test_bytes_that_are_read_are_written_again_and_others_are_refused(packet: bytes) -> None:
    try:
        message = parse_opening(packet)
    except RemoteProtocolError:
        return
    assert format_opening(message)[4:] == packet


@given(message=OPENINGS, at=st.integers(0), byte=st.integers(0, 255))
def test_a_changed_byte_gives_an_opening_or_the_one_error(message: Opening, at: int, byte: int) -> None:
    packet = bytearray(format_opening(message)[4:])
    packet[at % len(packet)] = byte
    with contextlib.suppress(RemoteProtocolError):
        parse_opening(bytes(packet))


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "ends too soon"),
        (b"\0\3\0", "ends too soon"),
        (b"\0\3\0\0", "without an end"),
        (b"\0\3\0\0user\0maria\0", "without an end"),
        (b"\0\3\0\0user\0", "without an end"),
        (b"\0\3\0\0user", "without an end"),
        (b"\0\3\0\0user\0maria\0\0x", "1 bytes behind its end"),
        (b"\0\3\0\0user\0maria\0user\0root\0\0", "`user` was sent twice"),
        (b"\0\3\0\0us\xffer\0maria\0\0", "must be UTF-8"),
        (b"\0\3\0\0user\0mar\xffia\0\0", "must be UTF-8"),
        (b"\0\2\0\0user\0maria\0\0", "protocol 3 was expected and 2.0 asked for"),
        (b"\0\4\0\1", "4.1 asked for"),
        (b"\xff\xff\xff\xff", "65535.65535 asked for"),
        (format_opening(SSLRequest())[4:] + b"\0", "1 bytes behind its end"),
        (format_opening(GSSENCRequest())[4:] + b"GET /", "5 bytes behind its end"),
        (
            format_cancel(CancelRequest(1, b"key!"))[4:-1],
            "cancel key of 4 to 256 bytes was expected and one of 3",
        ),
        (format_cancel(CancelRequest(1, bytes(257)))[4:], "and one of 257 sent"),
    ],
)
def test_a_packet_that_is_not_one_is_refused_with_what_is_wrong(packet: bytes, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        parse_opening(packet)


def test_as_many_parameters_as_the_bound_are_taken_and_no_more() -> None:
    most = tuple((f"name{number}", "") for number in range(MAX_STARTUP_PARAMETERS))
    assert parse_opening(format_startup(startup(*most))[4:]) == startup(*most)
    with pytest.raises(RemoteProtocolError, match="at most 64"):
        parse_opening(format_startup(startup(*most, ("one", "more")))[4:])


@pytest.mark.parametrize(
    "parameters",
    [(("", "x"),), (("a", "x"), ("a", "y")), (("a\0", "x"),), (("a", "\ud800"),), (("a", "x" * 10_000),)],
)
def test_what_a_server_would_not_take_is_not_written(parameters: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(LocalProtocolError):
        format_startup(startup(*parameters))


@pytest.mark.parametrize("value", ["database", "true", "1", "on", "ye", "t", "", "nonsense"])
def test_replication_is_seen_in_any_spelling(value: str) -> None:
    assert is_replication(startup(("user", "maria"), ("replication", value)))


@pytest.mark.parametrize("value", ["false", "off", "no", "0", "FALSE"])
def test_a_plain_no_to_replication_is_none(value: str) -> None:
    assert not is_replication(startup(("replication", value)))
    assert not is_replication(startup(("user", "maria")))


def test_only_a_client_that_asks_for_more_than_3_0_is_answered() -> None:
    assert negotiate(startup(("user", "maria"))) is None
    newer = startup(("user", "maria"), ("_pq_.zip", "1"), ("_pq_.", ""), version=PROTOCOL_3_0 + 2)
    assert negotiate(newer) == NegotiateProtocolVersion(PROTOCOL_3_0, (b"_pq_.zip", b"_pq_."))
    assert negotiate(startup(version=PROTOCOL_3_0 + 9999)) == NegotiateProtocolVersion(PROTOCOL_3_0, ())
    assert negotiate(startup(("_pq_.x", "1"))) == NegotiateProtocolVersion(PROTOCOL_3_0, (b"_pq_.x",))


def test_a_version_negotiation_is_written_as_postgresql_writes_it() -> None:
    message = NegotiateProtocolVersion(PROTOCOL_3_0, (b"_pq_.zip",))
    written = format_negotiation(message)
    assert written == b"v\0\0\0\x15\0\3\0\0\0\0\0\1_pq_.zip\0"
    assert parse_negotiation(written[5:]) == message


@pytest.mark.parametrize(
    "payload", [b"", b"\0\3\0\0\0\0\0\1", b"\0\3\0\0\0\0\0\0x", b"\0\3\0\0\xff\xff\xff\xff"]
)
def test_a_version_negotiation_that_is_not_one_is_refused(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_negotiation(payload)

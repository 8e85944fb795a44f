"""The opening of a session, byte by byte, without a socket."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import RemoteProtocolError
from doorward.gateway.handshake import (
    Channel,
    Credentials,
    Failed,
    Handshake,
    HandshakePhase,
    Opened,
    Step,
)
from doorward.pgwire.messages import (
    CancelRequest,
    StartupMessage,
    format_cancel,
    format_frame,
    format_startup,
)
from doorward.pgwire.scram import ScramClient, make_verifier
from tests_support.scram_client import client_final, client_first

SECRET = b"s" * 32
DANA = make_verifier("right", salt=b"0123456789abcdef", iterations=16)
STARTUP = StartupMessage(
    3 << 16, (("user", "dana"), ("database", "clear"), ("options", "-c doorward.purpose=audit"))
)
SSL = pack(">II", 8, 80877103)
GSS = pack(">II", 8, 80877104)


def find(login: str) -> Credentials | None:
    return Credentials(DANA) if login == "dana" else None


def begin() -> Handshake:
    return Handshake(find_credentials=find, server_secret=SECRET, nonce="serverserverserver")


def log_in(login: str, password: str) -> tuple[Handshake, bytes, Opened | Failed | CancelRequest | None]:
    handshake = begin()
    handshake.feed(format_startup(StartupMessage(3 << 16, (("user", login), ("database", "clear")))))
    answer = handshake.feed(client_first()).to_client
    step = handshake.feed(client_final(answer[9:], password))
    return handshake, step.to_client, step.result


def test_the_right_password_opens_with_all_parameters() -> None:
    handshake = begin()
    assert handshake.feed(format_startup(STARTUP)).to_client.startswith(b"R")
    answer = handshake.feed(client_first()).to_client
    result = handshake.feed(client_final(answer[9:], "right")).result
    assert result == Opened("dana", "clear", {"options": "-c doorward.purpose=audit"})


def test_a_wrong_password_and_an_unknown_login_are_answered_alike() -> None:
    _, wrong, result = log_in("dana", "wrong")
    _, unknown, other = log_in("erin", "wrong")
    assert isinstance(result, Failed)
    assert isinstance(other, Failed)
    assert wrong.replace(b"dana", b"erin") == unknown
    assert b"28P01" in wrong


def test_an_unknown_login_gets_the_same_salt_each_time() -> None:
    answers = set()
    for _ in range(2):
        handshake = begin()
        handshake.feed(format_startup(StartupMessage(3 << 16, (("user", "erin"),))))
        answers.add(handshake.feed(client_first()).to_client)
    assert len(answers) == 1


def test_the_database_is_not_told_apart_before_the_password() -> None:
    handshake = begin()
    other = StartupMessage(3 << 16, (("user", "dana"), ("database", "nosuch")))
    assert handshake.feed(format_startup(other)).to_client == begin().feed(format_startup(STARTUP)).to_client


def test_encryption_is_answered_no_and_the_startup_may_follow() -> None:
    handshake = begin()
    assert handshake.feed(GSS).to_client == b"N"
    assert handshake.feed(SSL).to_client == b"N"
    assert handshake.feed(format_startup(STARTUP)).to_client.startswith(b"R")


def test_bytes_stuffed_behind_an_encryption_request_are_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        begin().feed(SSL + format_startup(STARTUP))


def test_encryption_cannot_be_asked_for_without_end() -> None:
    handshake = begin()
    handshake.feed(SSL)
    handshake.feed(SSL)
    with pytest.raises(RemoteProtocolError):
        handshake.feed(SSL)


@pytest.mark.parametrize("value", ["database", "true", "1", "on"])
def test_replication_is_refused(value: str) -> None:
    message = StartupMessage(3 << 16, (("user", "dana"), ("replication", value)))
    with pytest.raises(RemoteProtocolError, match="replication"):
        begin().feed(format_startup(message))


@pytest.mark.parametrize(
    "packet",
    [
        pack(">I", 0x7FFFFFFF),
        pack(">I", 10_005),
        pack(">I", 3),
        b"GET / HTTP/1.1\r\n\r\n",
        pack(">II", 8, 2 << 16),
    ],
    ids=["2 GB", "too long", "too short", "another protocol", "protocol 2"],
)
def test_startup_garbage_is_refused_from_its_head(packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        begin().feed(packet)


def test_a_cancel_request_is_passed_on() -> None:
    request = CancelRequest(7, b"abcd")
    assert begin().feed(format_cancel(request)).result == request


def test_a_newer_minor_version_is_answered_with_ours() -> None:
    message = StartupMessage((3 << 16) + 2, (("user", "dana"), ("_pq_.future", "1")))
    assert (
        begin()
        .feed(format_startup(message))
        .to_client.startswith(b"v" + pack(">I", 24) + pack(">I", 3 << 16))
    )


def test_a_first_message_that_asks_for_channel_binding_is_refused() -> None:
    handshake = begin()
    handshake.feed(format_startup(STARTUP))
    data = b"p=tls-server-end-point,,n=,r=clientclient"
    with pytest.raises(RemoteProtocolError):
        handshake.feed(format_frame(b"p", b"SCRAM-SHA-256\0" + pack(">I", len(data)) + data))


def test_a_query_before_the_password_is_refused() -> None:
    handshake = begin()
    handshake.feed(format_startup(STARTUP))
    with pytest.raises(RemoteProtocolError):
        handshake.feed(format_frame(b"Q", b"SELECT 1\0"))


def test_byte_by_byte_is_the_same_as_whole() -> None:
    whole, bytewise = begin(), begin()
    expected = whole.feed(format_startup(STARTUP)).to_client
    assert b"".join(bytewise.feed(bytes([byte])).to_client for byte in format_startup(STARTUP)) == expected
    assert bytewise.phase is HandshakePhase.FIRST


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_whatever_comes_ends_in_a_step_or_one_kind_of_error(chunks: list[bytes]) -> None:
    handshake = begin()
    try:
        for chunk in chunks:
            result = handshake.feed(chunk).result
            assert not isinstance(result, Opened)
    except RemoteProtocolError:
        pass


@given(st.binary(max_size=300))
def test_no_proof_but_the_right_one_opens(garbage: bytes) -> None:
    handshake = begin()
    handshake.feed(format_startup(STARTUP))
    handshake.feed(client_first())
    try:
        result = handshake.feed(format_frame(b"p", garbage)).result
    except RemoteProtocolError:
        return
    assert isinstance(result, Failed)


class TestEncrypted:
    """What changes with TLS around the bytes: a bound exchange, a certificate, and no second request for it."""

    CHANNEL = Channel(encrypted=True, binding=b"b" * 32, certificate="Dana Card")

    def begin(self, *, certificate: str | None = None, channel: Channel = CHANNEL) -> Handshake:
        return Handshake(
            find_credentials=lambda login: Credentials(DANA, certificate) if login == "dana" else None,
            server_secret=SECRET, nonce="serverserverserver", channel=channel,
        )  # fmt: skip

    def exchange(self, client: ScramClient, mechanism: bytes) -> Step:
        handshake = self.begin()
        handshake.feed(format_startup(STARTUP))
        first = client.first()
        answer = handshake.feed(
            format_frame(b"p", mechanism + b"\0" + pack(">I", len(first)) + first)
        ).to_client
        return handshake.feed(format_frame(b"p", client.final(answer[9:])))

    def test_both_mechanisms_are_offered_the_bound_one_first(self) -> None:
        offered = self.begin().feed(format_startup(STARTUP)).to_client
        assert offered[9:] == b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"

    def test_a_bound_exchange_holds_on_this_channel_and_on_no_other(self) -> None:
        here = ScramClient("right", nonce="clientclientclient", binding=b"b" * 32)
        assert isinstance(self.exchange(here, b"SCRAM-SHA-256-PLUS").result, Opened)
        elsewhere = ScramClient("right", nonce="clientclientclient", binding=b"x" * 32)
        assert isinstance(self.exchange(elsewhere, b"SCRAM-SHA-256-PLUS").result, Failed)

    def test_a_client_that_was_told_of_no_binding_was_lied_to(self) -> None:
        handshake = self.begin()
        handshake.feed(format_startup(STARTUP))
        first = b"y,,n=,r=clientclientclient"
        with pytest.raises(RemoteProtocolError, match="told that it is not"):
            handshake.feed(format_frame(b"p", b"SCRAM-SHA-256\0" + pack(">I", len(first)) + first))

    def test_the_bound_mechanism_is_none_without_tls(self) -> None:
        handshake = self.begin(channel=Channel())
        handshake.feed(format_startup(STARTUP))
        first = b"p=tls-server-end-point,,n=,r=clientclientclient"
        with pytest.raises(RemoteProtocolError):
            handshake.feed(format_frame(b"p", b"SCRAM-SHA-256-PLUS\0" + pack(">I", len(first)) + first))

    def test_the_persons_own_certificate_needs_no_password(self) -> None:
        step = self.begin(certificate="Dana Card").feed(format_startup(STARTUP))
        assert isinstance(step.result, Opened)

    @pytest.mark.parametrize("certificate", ["Somebody Else", None, "", "dana card"])
    def test_another_certificate_is_asked_for_the_password(self, certificate: str | None) -> None:
        step = self.begin(certificate=certificate).feed(format_startup(STARTUP))
        assert step.result is None
        assert step.to_client.startswith(b"R")

    def test_a_login_that_nobody_has_is_asked_alike(self) -> None:
        unknown = StartupMessage(3 << 16, (("user", "erin"), ("database", "clear")))
        assert self.begin().feed(format_startup(unknown)) == self.begin().feed(format_startup(STARTUP))

    def test_no_certificate_is_nobodys(self) -> None:
        bare = Channel(encrypted=True, binding=b"b" * 32, certificate=None)
        assert self.begin(certificate=None, channel=bare).feed(format_startup(STARTUP)).result is None

    @pytest.mark.parametrize("request_", [SSL, GSS], ids=["SSL", "GSS"])
    def test_encryption_inside_of_encryption_is_refused(self, request_: bytes) -> None:
        with pytest.raises(RemoteProtocolError, match="inside of encryption"):
            self.begin().feed(request_)

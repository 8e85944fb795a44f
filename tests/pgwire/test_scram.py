"""SCRAM-SHA-256: RFC 7677's vector, both sides against each other, what is refused, and PostgreSQL's own verifiers."""

import base64
import contextlib
import hashlib
import hmac
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from doorward.pgwire.frames import Frame, FrameHop
from doorward.pgwire.messages import (
    AUTHENTICATION_OK,
    AUTHENTICATION_SASL,
    AUTHENTICATION_SASL_CONTINUE,
    AUTHENTICATION_SASL_FINAL,
    PROTOCOL_3_0,
    Authentication,
    SaslInitialResponse,
    StartupMessage,
    format_sasl_initial,
    format_sasl_response,
    format_startup,
    parse_authentication,
    parse_mechanisms,
)
from doorward.pgwire.saslprep import prepare_password
from doorward.pgwire.scram import (
    MAX_ITERATIONS,
    MECHANISM,
    ScramClient,
    ScramServer,
    Verifier,
    format_verifier,
    make_verifier,
    mock_verifier,
    parse_verifier,
)

# RFC 7677, section 3.
RFC_CLIENT_NONCE = b"rOprNGfwEbeRWgbNEkqO"
RFC_SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
RFC_FIRST = b"n,,n=user,r=" + RFC_CLIENT_NONCE
RFC_SERVER_FIRST = (
    b"r=" + RFC_CLIENT_NONCE + RFC_SERVER_NONCE.encode() + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
RFC_WITHOUT_PROOF = b"c=biws,r=" + RFC_CLIENT_NONCE + RFC_SERVER_NONCE.encode()
RFC_FINAL = RFC_WITHOUT_PROOF + b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
RFC_SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
RFC_VERIFIER = make_verifier("pencil", salt=RFC_SALT, iterations=4096)

SERVER_NONCE = "server-nonce-server"
CLIENT_NONCE = "client-nonce-client"
VERIFIER = make_verifier("a password", salt=b"0123456789abcdef", iterations=2)
BINDING = b"hash of a certificate"


def rfc_server(*, is_known: bool = True, verifier: Verifier = RFC_VERIFIER) -> ScramServer:
    return ScramServer(verifier, is_known=is_known, nonce=RFC_SERVER_NONCE)


def server(binding: bytes | None = None) -> ScramServer:
    return ScramServer(VERIFIER, is_known=True, nonce=SERVER_NONCE, binding=binding)


def test_the_example_of_the_rfc_is_played_as_it_stands_there() -> None:
    exchange = rfc_server()
    assert exchange.first(RFC_FIRST) == RFC_SERVER_FIRST
    assert exchange.final(RFC_FINAL) == RFC_SERVER_FINAL


def test_an_unknown_user_with_the_right_proof_is_refused_at_the_end_only() -> None:
    exchange = rfc_server(is_known=False)
    assert exchange.first(RFC_FIRST) == RFC_SERVER_FIRST
    assert exchange.final(RFC_FINAL) is None


@given(at=st.integers(0), bit=st.integers(0, 7))
def test_no_other_proof_holds(at: int, bit: int) -> None:
    proof = bytearray(base64.b64decode(RFC_FINAL[-44:]))
    proof[at % 32] ^= 1 << bit
    exchange = rfc_server()
    exchange.first(RFC_FIRST)
    assert exchange.final(RFC_FINAL[:-44] + base64.b64encode(bytes(proof))) is None


def signed_final(without_proof: bytes, first: bytes = RFC_FIRST) -> bytes:
    """A last message whose proof is right for whatever it says."""
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", RFC_SALT, 4096)
    key = hmac.digest(salted, b"Client Key", "sha256")
    signed = b",".join([first[first.index(b"n=", 2) :], RFC_SERVER_FIRST, without_proof])
    signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    return (
        without_proof + b",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True)))
    )


def test_a_right_proof_over_another_nonce_or_binding_does_not_hold() -> None:
    for without_proof in (
        RFC_WITHOUT_PROOF[:-1] + b"X",
        RFC_WITHOUT_PROOF + b"X",
        RFC_WITHOUT_PROOF.replace(b"biws", base64.b64encode(b"y,,")),
        RFC_WITHOUT_PROOF.replace(b"biws", base64.b64encode(b"n,,more")),
    ):
        exchange = rfc_server()
        exchange.first(RFC_FIRST)
        assert exchange.final(signed_final(without_proof)) is None
    exchange = rfc_server()
    exchange.first(RFC_FIRST)
    assert exchange.final(signed_final(RFC_WITHOUT_PROOF + b",x=an extension")) is not None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,n=,r=short",
        b"n,,n=,r=has a blank in it",
        b"n,,n=,r=" + b"x" * 257,
        b"n,a=admin,n=,r=" + RFC_CLIENT_NONCE,
        b"n,,m=must,n=,r=" + RFC_CLIENT_NONCE,
        b"n,,n=,r=" + RFC_CLIENT_NONCE + b",m=must",
        b"n,,n=,r=" + RFC_CLIENT_NONCE + b"\n",
        b"n,,n=\0,r=" + RFC_CLIENT_NONCE,
        b"x,,n=,r=" + RFC_CLIENT_NONCE,
        b"p=tls-server-end-point,,n=,r=" + RFC_CLIENT_NONCE,
    ],
)
def test_a_first_message_that_is_not_one_is_refused(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        rfc_server().first(message)


@pytest.mark.parametrize(
    "first", [b"y,,n=,r=" + RFC_CLIENT_NONCE, b"n,,n=,r=" + RFC_CLIENT_NONCE + b",x=,y=1=2"]
)
def test_a_client_that_could_bind_and_one_with_extensions_are_taken_where_nothing_is_offered(
    first: bytes,
) -> None:
    exchange = rfc_server()
    assert exchange.first(first) == RFC_SERVER_FIRST
    bound = base64.b64encode(first[:3])
    assert exchange.final(signed_final(RFC_WITHOUT_PROOF.replace(b"biws", bound), first)) is not None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        RFC_WITHOUT_PROOF,
        RFC_FINAL + b"\n",
        RFC_FINAL[:-1],
        RFC_FINAL.replace(b"c=biws", b"c=bi-ws"),
        RFC_FINAL.replace(b"c=biws", b"c=biw"),
        RFC_FINAL[:-44] + b"=" * 44,
        RFC_WITHOUT_PROOF + b",m=must" + RFC_FINAL[-47:],
        RFC_FINAL + b",x=behind",
    ],
)
def test_a_last_message_that_is_not_one_is_refused(message: bytes) -> None:
    exchange = rfc_server()
    exchange.first(RFC_FIRST)
    with pytest.raises(RemoteProtocolError):
        exchange.final(message)


@given(first=st.binary(max_size=60), last=st.binary(max_size=60))
def test_any_bytes_give_a_verdict_or_the_one_error(first: bytes, last: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        server().first(first)
    exchange = server()
    exchange.first(ScramClient("x", nonce=CLIENT_NONCE).first())
    with contextlib.suppress(RemoteProtocolError):
        assert exchange.final(last) is None
    with contextlib.suppress(RemoteProtocolError):
        ScramClient("x", nonce=CLIENT_NONCE).final(first)


def test_each_step_is_taken_once_and_in_order() -> None:
    exchange = rfc_server()
    with pytest.raises(LocalProtocolError):
        exchange.final(RFC_FINAL)
    exchange.first(RFC_FIRST)
    with pytest.raises(LocalProtocolError):
        exchange.first(RFC_FIRST)
    exchange.final(RFC_FINAL)
    with pytest.raises(LocalProtocolError):
        exchange.final(RFC_FINAL)
    with pytest.raises(LocalProtocolError):
        ScramClient("x", nonce=CLIENT_NONCE).verify_server(b"v=")


@pytest.mark.parametrize(
    "nonce", ["", "short", "x" * 257, "with,a,comma,in-it-x", "with a blank in it x", "ünprintable-nonce-x"]
)
def test_a_nonce_that_is_weak_or_no_nonce_is_our_own_fault(nonce: str) -> None:
    with pytest.raises(LocalProtocolError):
        ScramServer(VERIFIER, is_known=True, nonce=nonce)
    with pytest.raises(LocalProtocolError):
        ScramClient("x", nonce=nonce)


def play(client: ScramClient, exchange: ScramServer, *, plus: bool = False) -> bool:
    """Play an exchange to its end and return whether the client got in."""
    answer = exchange.final(client.final(exchange.first(client.first(), plus=plus)))
    if answer is None:
        return False
    client.verify_server(answer)
    return True


def test_our_client_gets_into_our_server_with_the_password_and_with_no_other() -> None:
    assert play(ScramClient("a password", nonce=CLIENT_NONCE), server())
    assert not play(ScramClient("another", nonce=CLIENT_NONCE), server())


def test_a_bound_exchange_holds_for_the_same_certificate_only() -> None:
    bound = ScramClient("a password", nonce=CLIENT_NONCE, binding=BINDING)
    assert play(bound, server(BINDING), plus=True)
    assert not play(bound, server(b"another certificate"), plus=True)


def test_a_client_that_does_not_bind_may_come_in_where_binding_is_offered() -> None:
    assert play(ScramClient("a password", nonce=CLIENT_NONCE), server(BINDING))


@pytest.mark.parametrize(
    ("header", "offered", "plus"),
    [
        (b"y,,", BINDING, False),  # told by somebody between that nothing is offered
        (b"n,,", BINDING, True),
        (b"y,,", BINDING, True),
        (b"p=tls-server-end-point,,", BINDING, False),
        (b"p=tls-server-end-point,,", None, True),
        (b"p=tls-unique,,", BINDING, True),
        (b"p=,,", BINDING, True),
    ],
)
def test_a_channel_binding_that_is_not_what_was_offered_is_refused(
    header: bytes, offered: bytes | None, *, plus: bool
) -> None:
    with pytest.raises(RemoteProtocolError):
        server(offered).first(header + b"n=,r=" + RFC_CLIENT_NONCE, plus=plus)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"r=another-nonce-than-ours,s=c2FsdA==,i=2",
        b"r=" + CLIENT_NONCE.encode() + b",s=c2FsdA==,i=2",
        b"r=" + CLIENT_NONCE.encode() + b"x,s=c2Fsd,i=2",
        b"r=" + CLIENT_NONCE.encode() + b"x,s=c2FsdA==,i=0",
        b"r=" + CLIENT_NONCE.encode() + b"x,s=c2FsdA==,i=%d" % (MAX_ITERATIONS + 1),
        b"e=other-error",
    ],
)
def test_a_servers_first_message_that_is_not_one_is_refused(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        ScramClient("x", nonce=CLIENT_NONCE).final(message)


@pytest.mark.parametrize(
    "message", [b"", b"v=" + base64.b64encode(bytes(32)), b"e=invalid-proof", b"v=" + b"=" * 44]
)
def test_a_server_that_does_not_know_the_password_is_found_out(message: bytes) -> None:
    client = ScramClient("a password", nonce=CLIENT_NONCE)
    client.final(server().first(client.first()))
    with pytest.raises(RemoteProtocolError):
        client.verify_server(message)


@given(
    st.builds(
        Verifier,
        st.integers(1, MAX_ITERATIONS),
        st.binary(min_size=1, max_size=40),
        st.binary(min_size=32, max_size=32),
        st.binary(min_size=32, max_size=32),
    )
)
def test_a_verifier_is_read_as_it_was_written(verifier: Verifier) -> None:
    assert parse_verifier(format_verifier(verifier)) == verifier
    assert str(verifier) == format_verifier(verifier)


GOOD = format_verifier(VERIFIER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "\n",
        GOOD.replace("SHA-256", "SHA-1"),
        GOOD.replace("$2:", "$0:"),
        GOOD.replace("$2:", "$1000001:"),
        GOOD.replace("$2:", "$-2:"),
        GOOD.replace("$2:", "$\u0662:"),
        GOOD[:-1] + "A",
        GOOD[:-44] + "=" * 44,
        "SCRAM-SHA-256$2:====$" + GOOD.split("$")[2],
        "md5" + "0" * 32,
    ],
)
def test_a_text_that_is_no_verifier_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_verifier(text)
    assert "$2:" not in str(caught.value)


@given(st.text("$:=0123456789abcSHAR-M+/", max_size=150))
def test_any_text_is_a_verifier_or_the_one_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert format_verifier(parse_verifier(text)) == text


@pytest.mark.parametrize(("salt", "iterations"), [(b"", 2), (b"salt", 0), (b"salt", MAX_ITERATIONS + 1)])
def test_a_verifier_without_salt_or_work_is_not_made(salt: bytes, iterations: int) -> None:
    with pytest.raises(ConfigError):
        make_verifier("x", salt=salt, iterations=iterations)


def test_no_key_stands_in_a_representation() -> None:
    assert repr(VERIFIER) == "Verifier(iterations=2, salt=b'0123456789abcdef')"


def test_an_unknown_login_always_has_the_same_salt_and_others_have_others() -> None:
    first = mock_verifier(b"secret", "maria", iterations=4096)
    assert first == mock_verifier(b"secret", "maria", iterations=4096)
    others = [
        mock_verifier(b"secret", "mario", iterations=4096),
        mock_verifier(b"other", "maria", iterations=4096),
    ]
    assert len({first.salt, *(other.salt for other in others)}) == 3
    assert len(first.salt) == 16
    assert mock_verifier(b"secret", "\ud800", iterations=1) != first


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("pencil", b"pencil"),
        ("", b""),
        ("\x07", b"\x07"),
        ("I\u00adX", b"IX"),  # RFC 4013's examples; PostgreSQL takes the bytes where it prohibits
        ("\u00aa", b"a"),
        ("\u2168", b"IX"),
        ("a\u00a0b", b"a b"),
        ("\u200b", b" "),  # a space and mapped to nothing: PostgreSQL looks for spaces first
        ("\u00ad", b"\xc2\xad"),
        ("\u06271", b"\xd8\xa71"),
        ("\u0627a\u0627", "\u0627a\u0627".encode()),
        ("\u06271\u0627", "\u06271\u0627".encode()),
        ("e\u0301", "é".encode()),
        ("\ue000", "\ue000".encode()),
        ("\U0001f600", "\U0001f600".encode()),
        ("\ud800", b"\xed\xa0\x80"),
    ],
)
def test_a_password_is_prepared_as_postgresql_does(password: str, prepared: bytes) -> None:
    assert prepare_password(password) == prepared


LETTERS = st.one_of(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    st.sampled_from(
        "aZ1 \u00ad\u200b\u00a0\u00aa\u2168\u0627\u05d0\u0661\ufb01\u1100\u0301\u3000\ufffd\u2000"
    ),
)


@pytest.fixture(scope="module")
def admin(server_socket: Path) -> Iterator[psycopg.Connection[tuple[str]]]:
    folder, port = str(server_socket.parent), int(server_socket.suffix[1:])
    with psycopg.connect(
        host=folder, port=port, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        yield connection


@pytest.mark.pg
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.text(LETTERS, min_size=1, max_size=6))
def test_a_password_has_the_verifier_that_a_real_server_gives_it(
    admin: psycopg.Connection[tuple[str]], password: str
) -> None:
    admin.execute("set scram_iterations = 1")
    admin.execute("drop role if exists w")
    admin.execute(psycopg.sql.SQL("create role w login password {}").format(password))
    row = admin.execute("select rolpassword from pg_authid where rolname = 'w'").fetchone()
    assert row is not None
    theirs = parse_verifier(row[0])
    assert format_verifier(theirs) == row[0]
    assert make_verifier(password, salt=theirs.salt, iterations=theirs.iterations) == theirs


@pytest.mark.pg
@pytest.mark.parametrize("password", ["a password", "pass\u00adword\u2168", "\u0627\u06271", " "])
def test_a_real_server_lets_libpq_and_our_client_in_by_a_verifier_of_ours(
    admin: psycopg.Connection[tuple[str]], server_socket: Path, password: str
) -> None:
    verifier = make_verifier(password, salt=b"0123456789abcdef", iterations=4096)
    admin.execute("drop role if exists v")
    admin.execute(psycopg.sql.SQL("create role v login password {}").format(format_verifier(verifier)))
    folder, port = str(server_socket.parent), int(server_socket.suffix[1:])
    psycopg.connect(host=folder, port=port, user="v", password=password, dbname="postgres").close()
    assert logs_in(server_socket, "v", password)
    assert not logs_in(server_socket, "v", password + "x")


def logs_in(path: Path, user: str, password: str) -> bool:
    client = ScramClient(password, nonce=CLIENT_NONCE)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(path))
        line.sendall(format_startup(StartupMessage(PROTOCOL_3_0, (("user", user), ("database", "postgres")))))
        hop = FrameHop()
        while True:
            for item in hop.hop(line.recv(65536)):
                assert isinstance(item, Frame)
                if item.kind == ord("E"):
                    return False
                if item.kind != ord("R"):
                    continue
                request = parse_authentication(item.payload)
                if request.code == AUTHENTICATION_OK:
                    return True
                line.sendall(answer(client, request))


def answer(client: ScramClient, request: Authentication) -> bytes:
    if request.code == AUTHENTICATION_SASL:
        assert MECHANISM in parse_mechanisms(request.data)
        return format_sasl_initial(SaslInitialResponse(MECHANISM, client.first()))
    if request.code == AUTHENTICATION_SASL_CONTINUE:
        return format_sasl_response(client.final(request.data))
    assert request.code == AUTHENTICATION_SASL_FINAL
    client.verify_server(request.data)
    return b""

"""A register over HTTPS, real TLS on both sides: what it is asked, and that nothing but the protocol is an answer."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, MalformedError, UpstreamError
from doorward.grants.register_https import (
    HttpsCaseRegister,
    HttpsPlace,
    parse_address,
    parse_word,
)
from doorward.grants.registers import Question
from tests_support.certificates import Authority, Pair
from tests_support.https_server import Behaviour, answer, drips, https_server, is_silent, says

YES = b'{"open": true, "assigned": true, "kind": "criminal"}'
QUESTION = Question("JH123456", "detective")
SERVE = Path(__file__).resolve().parents[2] / "examples/case-register/serve.py"


@pytest.fixture(scope="module", name="authority")
def authority_fixture(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("register"), "city")


@pytest.fixture(scope="module", name="pair")
def pair_fixture(authority: Authority) -> Pair:
    return authority.issue("register", hosts=("127.0.0.1", "localhost"))


@pytest.fixture(scope="module", name="token")
def token_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("token") / "token"
    file.touch(mode=0o600)
    file.write_text("a-secret-word\n")
    return file


def ask(port: int, authority: Authority, token: Path, *, host: str = "127.0.0.1", seconds: float = 5) -> bool:
    place = HttpsPlace(host, port, "/cases", authority.root, token_file=token)
    return HttpsCaseRegister(place, seconds=seconds).is_open_and_assigned(QUESTION)


def heard(behaviour: Behaviour, authority: Authority, pair: Pair, token: Path) -> bool:
    with https_server(pair, behaviour) as server:
        return ask(server.port, authority, token)


def test_a_yes_is_a_yes_and_the_question_stands_in_the_body_only(
    authority: Authority, pair: Pair, token: Path
) -> None:
    with https_server(pair, says(answer(YES))) as server:
        assert ask(server.port, authority, token)
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /cases HTTP/1.1\r\n")
    assert b"JH123456" not in head
    assert b"detective" not in head
    assert b"authorization: bearer a-secret-word" in head.lower()
    assert json.loads(body) == {"case": "JH123456", "login": "detective"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"open": false, "assigned": true, "kind": "criminal"}',
        b'{"open": true, "assigned": false, "kind": "criminal"}',
        b'{"open": true, "assigned": true, "kind": "civil"}',
    ],
)
def test_a_no_is_a_no(authority: Authority, pair: Pair, token: Path, body: bytes) -> None:
    assert not heard(says(answer(body)), authority, pair, token)


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"<html>true</html>"),
        answer(b"true"),
        answer(b'{"open": "true", "assigned": true, "kind": "criminal"}'),
        answer(b'{"open": 1, "assigned": true, "kind": "criminal"}'),
        answer(b'{"open": true, "assigned": true, "kind": "criminal", "sure": true}'),
        answer(b'{"open": true, "assigned": true}'),
        answer(b'{"open": false, "open": true, "assigned": true, "kind": "criminal"}'),
        answer(b"[" * 1000),
        answer(b"\xff\xfe"),
        answer(YES, kind="text/html"),
        answer(YES, status="500 Internal Server Error"),
        answer(YES, status="204 No Content"),
        answer(YES, status="302 Found", more="Location: https://127.0.0.1:1/cases\r\n"),
        answer(YES, more="Content-Encoding: gzip\r\n"),
        answer(YES + b" " * 2000),
        answer(YES + b" " * 500)[:-400],
    ],
)
def test_what_is_not_the_protocol_is_no_answer(
    authority: Authority, pair: Pair, token: Path, raw: bytes
) -> None:
    with https_server(pair, says(raw)) as server, pytest.raises(MalformedError):
        ask(server.port, authority, token)
    assert len(server.asked) == 1  # no redirect was followed


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-none\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000,
    ],
)
def test_what_is_no_http_is_no_answer(authority: Authority, pair: Pair, token: Path, raw: bytes) -> None:
    with pytest.raises(UpstreamError) as failed:
        heard(says(raw), authority, pair, token)
    assert "JH123456" not in str(failed.value)


def endless(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        client.sendall(b" " * 65536)


def test_an_endless_answer_is_read_to_its_bound_only(authority: Authority, pair: Pair, token: Path) -> None:
    with pytest.raises(MalformedError, match="larger than"):
        heard(endless, authority, pair, token)


@pytest.mark.parametrize(
    "behaviour",
    [is_silent, drips(answer(YES) * 5), drips(b"HTTP/1.1 200 OK\r\nA" * 50)],
    ids=["silent", "a dripped answer", "dripped headers"],
)
def test_a_peer_that_drips_or_says_nothing_is_cut_off(
    authority: Authority, pair: Pair, token: Path, behaviour: Behaviour
) -> None:
    with https_server(pair, behaviour) as server, pytest.raises(UpstreamError, match="in time"):
        ask(server.port, authority, token, seconds=0.5)


def test_a_peer_that_never_ends_its_handshake_is_cut_off(authority: Authority, token: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with closing(client):
                try:
                    client.sendall(
                        b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
                    )  # a long ServerHello, byte by byte
                    while True:
                        client.sendall(b"\0")
                        time.sleep(0.05)
                except OSError:
                    return

        peer = threading.Thread(target=drip)
        peer.start()
        with pytest.raises(UpstreamError):
            ask(listener.getsockname()[1], authority, token, seconds=0.5)
        peer.join()


def test_another_authority_or_another_name_is_not_the_register(
    authority: Authority, token: Path, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "somebody else")
    stranger = other.issue("register", hosts=("127.0.0.1",))
    named = authority.issue("elsewhere", hosts=("elsewhere.example",))
    for served in (stranger, named):
        with https_server(served, says(answer(YES))) as server, pytest.raises(UpstreamError):
            ask(server.port, authority, token)
        assert server.asked == []  # nobody was told a case


def test_the_door_shows_its_certificate_where_it_has_one(
    authority: Authority, pair: Pair, token: Path
) -> None:
    own = authority.issue("doorward-gateway")
    with https_server(pair, says(answer(YES)), people=authority.root) as server:
        place = HttpsPlace("127.0.0.1", server.port, "/", authority.root, own.certificate, own.key)
        assert HttpsCaseRegister(place, seconds=5).is_open_and_assigned(QUESTION)
        with pytest.raises(UpstreamError):
            ask(server.port, authority, token)


def test_nobody_listens(authority: Authority, token: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(UpstreamError):
        ask(port, authority, token)


def test_a_token_is_read_anew_and_must_be_private(authority: Authority, pair: Pair, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("first")
    with https_server(pair, says(answer(YES))) as server:
        register = HttpsCaseRegister(
            HttpsPlace("127.0.0.1", server.port, "/", authority.root, token_file=token), seconds=5
        )
        assert register.is_open_and_assigned(QUESTION)
        token.write_text("second")
        assert register.is_open_and_assigned(QUESTION)
        token.chmod(0o644)
        with pytest.raises(UpstreamError):
            register.is_open_and_assigned(QUESTION)
    assert [b"Bearer first" in server.asked[0], b"Bearer second" in server.asked[1]] == [True, True]
    with pytest.raises(ConfigError, match="readable by others"):
        HttpsCaseRegister(HttpsPlace("127.0.0.1", 1, "/", authority.root, token_file=token), seconds=5)


@pytest.mark.parametrize(
    "url",
    [
        "http://register.example/cases",
        "https:///cases",
        "https://door:secret@register.example/",
        "https://register.example/cases?login=",
        "https://register.example/#here",
        "register.example",
        "https://register.example:99999/",
        "",
    ],
)
def test_an_address_holds_a_host_and_a_path_and_nothing_else(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_address(url)
    assert "secret" not in str(refused.value)


def test_an_address_is_taken_apart() -> None:
    assert parse_address("https://register.example/cases") == ("register.example", 443, "/cases")
    assert parse_address("https://[::1]:8443") == ("::1", 8443, "/")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_word_or_one_documented_error(raw: bytes) -> None:
    with suppress(MalformedError):
        assert parse_word(raw, criminal="criminal") in {True, False}


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.dictionaries(st.sampled_from(["open", "assigned", "kind", "sure"]), json_values))
def test_only_the_one_object_is_a_yes(found: dict[str, object]) -> None:
    try:
        said = parse_word(json.dumps(found).encode(), criminal="criminal")
    except MalformedError:
        return
    assert said == (found == {"open": True, "assigned": True, "kind": "criminal"})


@pytest.fixture(name="example")
def example_fixture(pair: Pair, token: Path, tmp_path: Path) -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = int(probe.getsockname()[1])
    cases = tmp_path / "cases.csv"
    cases.write_text(
        "case,status,kind,assigned_to\nJH123456,open,criminal,detective\nJH200002,closed,criminal,detective\n"
        "JH300003,open,criminal,other.detective\nJH400004,open,civil,detective\n"
    )
    arguments = [str(port), str(pair.certificate), str(pair.key), str(token), str(cases)]
    with subprocess.Popen([sys.executable, str(SERVE), *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield port
        process.terminate()


def test_the_example_speaks_the_protocol(
    authority: Authority, token: Path, example: int, tmp_path: Path
) -> None:
    place = HttpsPlace("localhost", example, "/", authority.root, token_file=token)
    register = HttpsCaseRegister(place, seconds=10)
    found = {
        case: register.is_open_and_assigned(Question(case, "detective"))
        for case in ("JH123456", "JH200002", "JH300003", "JH400004", "JH999999", "")
    }
    assert [case for case, says_yes in found.items() if says_yes] == ["JH123456"]
    other = tmp_path / "other-token"
    other.touch(mode=0o600)
    other.write_text("a-wrong-word")
    with pytest.raises(MalformedError):
        ask(example, authority, other)

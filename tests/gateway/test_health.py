"""What watches the door: a strict answer to three questions, figures that name nobody, one word a check."""

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import DoorwardError
from doorward.gateway.exposition import check_all, format_figures, is_ready
from doorward.gateway.figures import Figures
from doorward.gateway.health import Health, format_response, parse_request
from doorward.gateway.health_address import HealthAddress
from doorward.record.entry import Draft, Field, Kind

SESSION = b"s" * 16


def state(worker: int = 0, **checks: str) -> dict[str, Any]:
    good = {"order": "ok", "spool": "ok", "publisher": "ok", "database": "ok"}
    return {
        "worker": worker, "sessions": 3, "spool_bytes": 10, "waiting_leaves": 0, "waiting_seconds": 0.0,
        "checks": good | checks, "figures": Figures().as_json(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "/healthz"),
        (b"GET /readyz HTTP/1.0\r\n\r\n", "/readyz"),
        (b"GET /metrics HTTP/1.1\r\nhost: a\r\nAccept: */*\r\n\r\n", "/metrics"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /healthz?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"POST /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /healthz HTTP/2\r\nHost: a\r\n\r\n", 400),
        ("GET /héalthz HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400),
        (b"", 400),
    ],
)
def test_a_request_is_read_strictly(head: bytes, answer: str | int) -> None:
    assert parse_request(head) == answer


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_known_path_or_a_status(head: bytes) -> None:
    assert parse_request(head) in {"/healthz", "/readyz", "/metrics", 400, 404, 405}


def test_an_answer_says_its_length_and_closes() -> None:
    answer = format_response(503, "order other\n")
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"Content-Length: 12" in head
    assert b"Connection: close" in head
    assert body == b"order other\n"
    assert b"Allow: GET" in format_response(405, "")


def test_each_check_is_the_first_word_that_is_wrong() -> None:
    assert check_all([state(), state(1)]) == {
        "order": "ok", "spool": "ok", "publisher": "ok", "database": "ok", "workers": "ok",
    }  # fmt: skip
    assert check_all([state(), state(1, database="unreachable")])["database"] == "unreachable"


def test_the_door_is_ready_with_some_workers_and_not_with_none_or_a_false_check() -> None:
    assert is_ready(check_all([state(), None]))
    assert not is_ready(check_all([None, None]))
    assert not is_ready(check_all([state(), state(1, publisher="stalled")]))


def test_figures_are_what_was_recorded() -> None:
    figures = Figures()
    figures.note(
        [
            Draft(
                Kind.CONNECT, SESSION, 0, ((Field.LOGIN, b"j.doe"), (Field.OUTCOME, b"authentication failed"))
            ),
            Draft(Kind.DECISION, SESSION, 0, ((Field.OUTCOME, b"permit"), (Field.SCOPE, b"a"))),
            Draft(Kind.DECISION, SESSION, 0, ((Field.OUTCOME, b"deny"),)),
            Draft(Kind.DECISION, SESSION, 0, ((Field.OUTCOME, b"a word that nobody knows"),)),
            Draft(Kind.REQUEST, SESSION, 1, ((Field.MESSAGE, b"Query"), (Field.TEXT, b"SELECT 1"))),
            Draft(Kind.REQUEST, SESSION, 2, ((Field.MESSAGE, b"Parse"),)),
            Draft(Kind.COMPLETION, SESSION, 1, ((Field.ROWS, b"7"), (Field.BYTES, b"90"))),
            Draft(Kind.CUT, SESSION, 0, ((Field.UNTIL, b""), (Field.REASON, b"x"))),
            Draft(Kind.CUT, SESSION, 1, ((Field.ROWS, b"2"),)),
        ]
    )
    assert (figures.failed_logins, figures.refusals, figures.statements) == (1, 2, 1)
    assert (figures.rows, figures.sent_bytes, figures.cuts) == (7, 90, 1)
    assert figures.decisions == {"permit": 1, "deny": 1, "refer": 0, "outside": 0, "not decided": 1}


@given(st.lists(st.floats(0, 100), max_size=30))
def test_a_histogram_has_everything_in_its_last_bucket(seconds: list[float]) -> None:
    figures = Figures()
    for value in seconds:
        figures.deciding.note(value)
    told = state() | {"figures": figures.as_json()}
    text = format_figures([told]).decode()
    found = re.findall(r'doorward_decision_seconds_bucket\{le="([^"]+)",worker="0"\} (\S+)', text)
    counts = [float(count) for _, count in found]
    assert counts == sorted(counts)
    assert (found[-1][0], counts[-1]) == ("+Inf", len(seconds))
    assert counts[0] == sum(value <= 0.005 for value in seconds)


def test_no_figure_has_a_label_that_names_anybody() -> None:
    text = format_figures([state(), None]).decode()
    labels = {name for names in re.findall(r"\{([^}]*)\}", text) for name in re.findall(r"(\w+)=", names)}
    assert labels == {"worker", "outcome", "le", "check", "answers"}
    assert 'doorward_workers{answers="no"} 1.0' in text


async def ask(address: HealthAddress, request: bytes) -> bytes:
    async def gather() -> list[dict[str, Any] | None]:
        return [state()]

    server = await Health(gather).serve(address)
    async with server:
        if address.path is not None:
            reader, writer = await asyncio.open_unix_connection(address.path)
        else:
            reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


def test_a_socket_is_answered_on_and_its_user_and_group_may_ask(tmp_path: Path) -> None:
    path = tmp_path / "health.sock"
    for _ in range(2):  # the second finds the first one's file
        answer = asyncio.run(ask(HealthAddress(path=path), b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 200 OK")
    assert path.stat().st_mode & 0o777 == 0o660


def test_a_head_without_an_end_is_refused(tmp_path: Path) -> None:
    answer = asyncio.run(ask(HealthAddress(path=tmp_path / "s"), b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 2000))
    assert answer.startswith(b"HTTP/1.1 431")


def test_an_address_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = HealthAddress("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(DoorwardError, match=r"cannot serve health on 127\.0\.0\.1"):
            asyncio.run(ask(address, b""))

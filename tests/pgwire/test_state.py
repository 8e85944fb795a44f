"""The tables of what may come next: closed under their own steps, and refusing everything else."""

from collections.abc import Mapping
from typing import Any

import pytest

from doorward.errors import RemoteProtocolError
from doorward.pgwire.state import (
    ANSWERS,
    ASYNCHRONOUS,
    CLIENT,
    SERVER,
    ClientKind,
    ClientPhase,
    Sent,
    ServerKind,
    ServerPhase,
    Step,
    next_phase,
    show_kind,
)


def walk(table: Mapping[Any, Mapping[int, Any]], start: Any, kinds: bytes) -> Any:
    phase = start
    for kind in kinds:
        phase = next_phase(table, phase, kind)
    return phase


@pytest.mark.parametrize("table", [CLIENT, SERVER, *ANSWERS.values()])
def test_every_step_leads_into_its_own_table(table: Mapping[Any, Mapping[int, Any]]) -> None:
    reached = {following for row in table.values() for following in row.values()}
    assert reached <= {*table, Step.DONE}


@pytest.mark.parametrize("table", [CLIENT, SERVER])
def test_a_closed_side_says_nothing_more(table: Mapping[Any, Mapping[int, Any]]) -> None:
    closed = ClientPhase.CLOSED if table is CLIENT else ServerPhase.CLOSED
    for kind in range(256):
        with pytest.raises(RemoteProtocolError):
            next_phase(table, closed, kind)


@pytest.mark.parametrize("phase", ClientPhase)
@pytest.mark.parametrize("kind", [ord("V"), 0, ord("z"), 255])
def test_unknown_messages_are_refused_everywhere(phase: ClientPhase, kind: int) -> None:
    with pytest.raises(RemoteProtocolError, match="has no place here"):
        next_phase(CLIENT, phase, kind)


@pytest.mark.parametrize("sent", Sent)
@pytest.mark.parametrize("kind", b"WVRKv?\0")
def test_replication_function_results_and_a_second_start_answer_nothing(sent: Sent, kind: int) -> None:
    assert not any(kind in row for row in ANSWERS[sent].values())
    assert kind not in ASYNCHRONOUS


@pytest.mark.parametrize(
    "kind", [kind for kind in ClientKind if kind not in {ClientKind.PASSWORD, ClientKind.TERMINATE}]
)
def test_nothing_but_a_password_is_heard_before_authentication(kind: ClientKind) -> None:
    with pytest.raises(RemoteProtocolError):
        next_phase(CLIENT, ClientPhase.AUTHENTICATING, kind)


def test_a_password_is_not_heard_behind_authentication() -> None:
    for phase in (ClientPhase.READY, ClientPhase.EXTENDED, ClientPhase.COPY_IN):
        with pytest.raises(RemoteProtocolError):
            next_phase(CLIENT, phase, ClientKind.PASSWORD)


@pytest.mark.parametrize(
    ("start", "said", "end"),
    [
        (ClientPhase.AUTHENTICATING, b"ppX", ClientPhase.CLOSED),
        (ClientPhase.READY, b"QQS", ClientPhase.READY),
        (ClientPhase.READY, b"PBDECH", ClientPhase.EXTENDED),
        (ClientPhase.READY, b"PBES", ClientPhase.READY),
        (ClientPhase.READY, b"PBEQ", ClientPhase.READY),
        (ClientPhase.READY, b"dcf", ClientPhase.READY),
        (ClientPhase.EXTENDED, b"dcf", ClientPhase.EXTENDED),
        (ClientPhase.COPY_IN, b"ddHSd", ClientPhase.COPY_IN),
        (ClientPhase.COPY_IN, b"dc", ClientPhase.READY),
        (ClientPhase.COPY_IN, b"fPX", ClientPhase.CLOSED),
    ],
)
def test_what_a_client_may_say_leads_where_the_protocol_says(
    start: ClientPhase, said: bytes, end: ClientPhase
) -> None:
    assert walk(CLIENT, start, said) is end


@pytest.mark.parametrize("kind", b"QPBEDCF")
def test_a_client_in_copy_says_nothing_that_would_break_its_session(kind: int) -> None:
    with pytest.raises(RemoteProtocolError):
        next_phase(CLIENT, ClientPhase.COPY_IN, kind)


def test_a_server_opens_in_order() -> None:
    assert walk(SERVER, ServerPhase.AUTHENTICATING, b"vNRR") is ServerPhase.AUTHENTICATING
    assert walk(SERVER, ServerPhase.STARTING, b"SSKNSZ") is ServerPhase.SERVING
    assert walk(SERVER, ServerPhase.AUTHENTICATING, b"E") is ServerPhase.CLOSED
    for early in b"ZKSD":
        with pytest.raises(RemoteProtocolError):
            next_phase(SERVER, ServerPhase.AUTHENTICATING, early)


def done(sent: Sent, answers: bytes) -> bool:
    return walk(ANSWERS[sent], Step.FIRST, answers) is Step.DONE


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (Sent.QUERY, b"TDDCZ"),
        (Sent.QUERY, b"IZ"),
        (Sent.QUERY, b"CTDCEZ"),
        (Sent.QUERY, b"HddcCZ"),
        (Sent.QUERY, b"HdEZ"),
        (Sent.QUERY, b"HdcEZ"),
        (Sent.QUERY, b"GCCZ"),
        (Sent.QUERY, b"GEZ"),
        (Sent.QUERY, b"TDTDCZ"),
        (Sent.PARSE, b"1"),
        (Sent.PARSE, b"E"),
        (Sent.BIND, b"2"),
        (Sent.CLOSE, b"3"),
        (Sent.OWN_CLOSE, b"3"),
        (Sent.DESCRIBE, b"tT"),
        (Sent.DESCRIBE, b"tn"),
        (Sent.DESCRIBE, b"T"),
        (Sent.DESCRIBE, b"n"),
        (Sent.OWN_DESCRIBE, b"tT"),
        (Sent.OWN_DESCRIBE, b"tE"),
        (Sent.EXECUTE, b"DDC"),
        (Sent.EXECUTE, b"Ds"),
        (Sent.EXECUTE, b"s"),
        (Sent.EXECUTE, b"I"),
        (Sent.EXECUTE, b"DE"),
        (Sent.EXECUTE, b"HdcC"),
        (Sent.EXECUTE, b"GE"),
        (Sent.SYNC, b"Z"),
        (Sent.SYNC, b"EZ"),
        (Sent.FUNCTION_CALL, b"EZ"),
    ],
)
def test_a_whole_answer_is_taken(sent: Sent, answers: bytes) -> None:
    assert done(sent, answers)


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (Sent.QUERY, b"Z"),  # a statement's end is missing
        (Sent.QUERY, b"D"),  # rows without a description
        (Sent.QUERY, b"CD"),
        (Sent.QUERY, b"TZ"),
        (Sent.QUERY, b"Ts"),
        (Sent.QUERY, b"HC"),  # the copy's end is missing
        (Sent.QUERY, b"HD"),
        (Sent.QUERY, b"ED"),
        (Sent.QUERY, b"EC"),
        (Sent.PARSE, b"2"),
        (Sent.OWN_DESCRIBE, b"T"),  # the parameters are missing
        (Sent.DESCRIBE, b"tt"),
        (Sent.EXECUTE, b"T"),
        (Sent.EXECUTE, b"Z"),
        (Sent.EXECUTE, b"DI"),
        (Sent.SYNC, b"EE"),
        (Sent.COPY_END, b"C"),
    ],
)
def test_an_answer_out_of_order_is_refused(sent: Sent, answers: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        done(sent, answers)


def test_a_refused_kind_is_shown_as_a_letter_where_it_is_one() -> None:
    assert [show_kind(kind) for kind in b"F2\n\xe9"] == ["F", "2", "0x0a", "0xe9"]


def test_the_kinds_are_those_of_the_documentation() -> None:
    assert bytes(ClientKind).decode() == "BCdcfDEHFPpQSX"
    assert bytes(ServerKind).decode() == "RK23CdcGHDIEvnNAtS1sZT"

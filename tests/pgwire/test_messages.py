"""Every message: read as it was written, written as it was read, refused with bytes behind it, total on garbage."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire import messages
from doorward.pgwire.messages import (
    COPY_DONE,
    FLUSH,
    SYNC,
    TERMINATE,
    Authentication,
    Bind,
    BindValues,
    CancelKey,
    CopyResponse,
    Execute,
    FunctionCall,
    Notification,
    ParameterStatus,
    Parse,
    RowField,
    SaslInitialResponse,
    Target,
    format_authentication,
    format_bind,
    format_bind_values,
    format_close,
    format_copy_data,
    format_copy_fail,
    format_copy_response,
    format_describe,
    format_describe_statement,
    format_execute,
    format_frame,
    format_function_call,
    format_key,
    format_notification,
    format_parameter_description,
    format_parameter_status,
    format_parse,
    format_query,
    format_ready,
    format_row_description,
    format_sasl_initial,
    format_sasl_response,
    format_tag,
    is_plan,
    pack_mechanisms,
    parse_authentication,
    parse_bind,
    parse_bind_values,
    parse_copy_fail,
    parse_copy_response,
    parse_empty,
    parse_execute,
    parse_function_call,
    parse_key,
    parse_mechanisms,
    parse_notification,
    parse_parameter_description,
    parse_parameter_status,
    parse_parse,
    parse_query,
    parse_ready,
    parse_row_description,
    parse_sasl_initial,
    parse_tag,
    parse_target,
    tag_rows,
)

TEXT = st.binary(max_size=30).map(lambda data: data.replace(b"\0", b""))
NAME = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=63).map(str.encode)
OID = st.integers(0, 2**32 - 1)
SHORT = st.integers(0, 2**16 - 1)
SIGNED_SHORT = st.integers(-(2**15), 2**15 - 1)
SIGNED = st.integers(-(2**31), 2**31 - 1)
BINARY = st.binary(max_size=40)
SHORTS = st.lists(SHORT, max_size=5).map(tuple)
BIND_VALUES = st.builds(BindValues, SHORTS, st.lists(st.none() | BINARY, max_size=5).map(tuple), SHORTS)
# The values of a FunctionCall stand as those of a Bind, with one format of a result and no count of formats.
FUNCTION_VALUES = BIND_VALUES.map(
    lambda bind: format_bind_values(replace(bind, result_formats=()))[:-2] + b"\0\1"
)


@dataclass(frozen=True)
class Case:
    """A kind of message: how it is read and written, and values of it."""

    kind: bytes
    parse: Callable[[bytes], Any]
    format: Callable[[Any], bytes]
    values: st.SearchStrategy[Any]

    def payload(self, value: object) -> bytes:
        written = self.format(value)
        assert written[:1] == self.kind
        assert format_frame(self.kind, written[5:]) == written
        return written[5:]


def starred(function: Callable[..., bytes]) -> Callable[[Any], bytes]:
    return lambda value: function(*value)


CASES = {
    "Query": Case(b"Q", parse_query, format_query, TEXT),
    "Parse": Case(
        b"P", parse_parse, format_parse, st.builds(Parse, NAME, TEXT, st.lists(OID, max_size=5).map(tuple))
    ),
    "Bind": Case(
        b"B", parse_bind, format_bind, st.builds(Bind, NAME, NAME, BIND_VALUES.map(format_bind_values))
    ),
    "FunctionCall": Case(
        b"F",
        parse_function_call,
        format_function_call,
        st.builds(FunctionCall, OID, FUNCTION_VALUES),
    ),
    "Execute": Case(b"E", parse_execute, format_execute, st.builds(Execute, NAME, SIGNED)),
    "Describe": Case(
        b"D", parse_target, format_describe, st.builds(Target, st.sampled_from([b"S", b"P"]), NAME)
    ),
    "Close": Case(b"C", parse_target, format_close, st.builds(Target, st.sampled_from([b"S", b"P"]), NAME)),
    "CopyFail": Case(b"f", parse_copy_fail, format_copy_fail, TEXT),
    "SASLInitialResponse": Case(
        b"p", parse_sasl_initial, format_sasl_initial, st.builds(SaslInitialResponse, TEXT, BINARY)
    ),
    "Authentication": Case(
        b"R",
        parse_authentication,
        starred(format_authentication),
        st.just(Authentication(0, b"")) | st.builds(Authentication, st.integers(1, 2**32 - 1), BINARY),
    ),
    "BackendKeyData": Case(
        b"K",
        parse_key,
        starred(format_key),
        st.builds(CancelKey, OID, st.binary(min_size=4, max_size=256)),
    ),
    "ParameterStatus": Case(
        b"S", parse_parameter_status, starred(format_parameter_status), st.builds(ParameterStatus, TEXT, TEXT)
    ),
    "ReadyForQuery": Case(b"Z", parse_ready, format_ready, st.sampled_from([b"I", b"T", b"E"])),
    "RowDescription": Case(
        b"T",
        parse_row_description,
        format_row_description,
        st.lists(
            st.builds(RowField, TEXT, OID, SIGNED_SHORT, OID, SIGNED_SHORT, SIGNED, SIGNED_SHORT), max_size=4
        ).map(tuple),
    ),
    "ParameterDescription": Case(
        b"t", parse_parameter_description, format_parameter_description, st.lists(OID, max_size=5).map(tuple)
    ),
    "CommandComplete": Case(b"C", parse_tag, format_tag, TEXT),
    "CopyOutResponse": Case(
        b"H",
        parse_copy_response,
        lambda value: format_copy_response(b"H", value),
        st.builds(CopyResponse, st.integers(0, 255), SHORTS),
    ),
    "NotificationResponse": Case(
        b"A", parse_notification, format_notification, st.builds(Notification, OID, TEXT, TEXT)
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
@given(data=st.data())
def test_a_message_is_read_as_it_was_written(case: Case, data: st.DataObject) -> None:
    value = data.draw(case.values)
    assert case.parse(case.payload(value)) == value


@every_case
@given(data=st.data())
def test_a_payload_that_is_read_is_written_again(case: Case, data: st.DataObject) -> None:
    payload = data.draw(st.binary(max_size=60) | case.values.map(case.payload))
    with contextlib.suppress(RemoteProtocolError):
        assert case.payload(case.parse(payload)) == payload


@every_case
@given(data=st.data())
def test_a_changed_cut_or_longer_payload_gives_a_value_or_the_one_error(
    case: Case, data: st.DataObject
) -> None:
    payload = bytearray(case.payload(data.draw(case.values)))
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, len(payload)))
    payload[start:end] = data.draw(st.binary(max_size=6))
    with contextlib.suppress(RemoteProtocolError):
        case.parse(bytes(payload))


@every_case
@given(data=st.data())
def test_bytes_behind_a_message_are_refused(case: Case, data: st.DataObject) -> None:
    value = data.draw(case.values)
    payload = case.payload(value)
    if case.parse in {parse_authentication, parse_key} and payload != bytes(4):
        return  # their data has no end of its own
    with pytest.raises(RemoteProtocolError):
        case.parse(payload + b"\0")


@every_case
@given(data=st.data())
def test_a_message_that_is_cut_short_is_refused(case: Case, data: st.DataObject) -> None:
    payload = case.payload(data.draw(case.values))
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    if case.parse in {parse_authentication, parse_key} and len(cut) >= (8 if case.parse is parse_key else 4):
        return
    with pytest.raises(RemoteProtocolError):
        case.parse(cut)


@given(BIND_VALUES)
def test_the_values_of_a_bind_are_read_as_they_were_written(values: BindValues) -> None:
    assert parse_bind_values(format_bind_values(values)) == values


@given(st.binary(max_size=40))
def test_a_bind_is_taken_exactly_where_its_values_are_whole(values: bytes) -> None:
    try:
        assert format_bind_values(parse_bind_values(values)) == values
    except RemoteProtocolError:
        with pytest.raises(RemoteProtocolError):
            parse_bind(b"\0\0" + values)
    else:
        assert parse_bind(b"\0\0" + values) == Bind(b"", b"", values)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ("0000 0000 0000 00", "does not end where its counts say"),
        ("0000 0001 fffffffe 0000", "has a value of -2 bytes"),
        ("0000 0001 00000005 6161 0000", "ends too soon"),
        ("0002 0000 0000 0000", "ends too soon"),
        ("0000 ffff 00000000", "ends too soon"),
        ("0000 0001 ffffffff", "ends too soon"),
        ("0000 0000 0001", "does not end where its counts say"),
        ("", "ends too soon"),
    ],
)
def test_a_bind_whose_counts_lie_is_refused(values: str, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        parse_bind(b"\0\0" + bytes.fromhex(values))


@given(st.lists(TEXT.filter(bool), max_size=4).map(tuple))
def test_mechanisms_are_read_as_they_were_offered(mechanisms: tuple[bytes, ...]) -> None:
    assert parse_mechanisms(pack_mechanisms(mechanisms)) == mechanisms


@given(st.binary(max_size=30))
def test_mechanisms_that_are_no_list_are_refused(data: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        assert pack_mechanisms(parse_mechanisms(data)) == data


@pytest.mark.parametrize("name", [b"a" * 64, "naïve".encode(), b"\x81\x40"])
@pytest.mark.parametrize(
    "payload",
    [
        b"%b\0select 1\0\0\0",
        b"%b\0\0\0\0\0\0\0\0",
        b"\0%b\0\0\0\0\0\0\0",
        b"%b\0\0\0\0\0",
        b"S%b\0",
        b"P%b\0",
    ],
)
def test_a_name_that_postgresql_may_take_for_another_is_refused(name: bytes, payload: bytes) -> None:
    parser = {b"S": parse_target, b"P": parse_target}.get(
        payload[:1],
        parse_parse if b"select" in payload else parse_bind if len(payload) > 7 else parse_execute,
    )
    with pytest.raises(RemoteProtocolError, match="must be ASCII and at most 63") as caught:
        parser(payload.replace(b"%b", name))
    assert caught.value.sqlstate_hint == "42602"


@pytest.mark.parametrize("message", [SYNC, FLUSH, TERMINATE, COPY_DONE])
def test_messages_without_a_payload_have_none(message: bytes) -> None:
    parse_empty(message[5:])
    with pytest.raises(RemoteProtocolError, match="1 bytes behind its end"):
        parse_empty(message[5:] + b"\0")


def test_messages_whose_payload_is_data_are_only_framed() -> None:
    assert format_copy_data(b"1\t2\n") == b"d\0\0\0\x081\t2\n"
    assert format_sasl_response(b"c=biws") == b"p\0\0\0\x0ac=biws"


def test_a_describe_of_ours_is_of_a_statement() -> None:
    assert format_describe_statement(b"s1") == b"D\0\0\0\x08Ss1\0"
    with pytest.raises(RemoteProtocolError, match="`S` or `P`"):
        parse_target(b"Xs1\0")
    with pytest.raises(LocalProtocolError):
        format_close(Target(b"X", b"s1"))


def test_what_would_break_a_frame_is_not_written() -> None:
    with pytest.raises(LocalProtocolError):
        format_query(b"select 1\0; drop")
    with pytest.raises(LocalProtocolError):
        format_ready(b"X")


def test_a_sasl_response_without_its_first_message_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        parse_sasl_initial(b"SCRAM-SHA-256\0\xff\xff\xff\xff")


PLAN = RowField(b"QUERY PLAN", 0)


@pytest.mark.parametrize(
    ("fields", "plan"),
    [
        ([PLAN], True),
        ([RowField(b"QUERY PLAN", 0, 0, 114, -1, -1, 1)], True),
        ([RowField(b"QUERY PLAN", 16385)], False),
        ([RowField(b"QUERY PLAN2", 0)], False),
        ([RowField(b"query plan", 0)], False),
        ([PLAN, PLAN], False),
        ([], False),
    ],
)
def test_a_plan_is_one_column_of_that_name_and_of_no_table(fields: list[RowField], *, plan: bool) -> None:
    assert is_plan(format_row_description(fields)[5:]) is plan


@given(st.binary(max_size=20))
def test_nothing_behind_a_plans_name_hides_it(rest: bytes) -> None:
    assert is_plan(b"\0\1QUERY PLAN\0\0\0\0\0" + rest)


@pytest.mark.parametrize(
    ("tag", "rows"),
    [
        (b"SELECT 5", 5),
        (b"INSERT 0 3", 3),
        (b"FETCH 0", 0),
        (b"COPY 12", 12),
        (b"MERGE 1", 1),
        (b"BEGIN", None),
        (b"CREATE TABLE", None),
        (b"SELECT", None),
        (b"SELECT 5 ", None),
        (b"SELECT 99999999999999999999999", None),
        (b"DROP 5", None),
    ],
)
def test_a_tag_says_how_many_rows(tag: bytes, rows: int | None) -> None:
    assert tag_rows(tag) == rows


def test_what_is_exported_exists_and_is_everything_that_parses_or_formats() -> None:
    assert all(hasattr(messages, name) for name in messages.__all__)
    assert {name for name in vars(messages) if name.startswith(("parse_", "format_"))} <= set(
        messages.__all__
    )

"""Errors and notices: the ordered list of fields, both ways, and the lines that doorward writes itself."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.messages import ends_session, format_error, format_fields, format_notice, parse_fields

CODES = st.integers(1, 255).map(chr)
VALUES = st.binary(max_size=20).map(lambda data: data.replace(b"\0", b""))


@given(st.dictionaries(CODES, VALUES, max_size=6))
def test_fields_are_read_as_they_were_written_in_their_order(fields: dict[str, bytes]) -> None:
    written = format_fields(b"E", fields)
    assert written[:1] == b"E"
    assert list(parse_fields(written[5:]).items()) == list(fields.items())


@given(st.binary(max_size=40))
def test_bytes_that_are_fields_are_written_again_and_others_are_refused(payload: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        assert format_fields(b"N", parse_fields(payload))[5:] == payload


@pytest.mark.parametrize("payload", [b"", b"SERROR\0", b"SERROR\0\0x", b"SERROR\0\0\0", b"SERROR"])
def test_fields_that_are_not_whole_are_refused(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_fields(payload)


def test_a_field_that_stands_twice_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="a field twice"):
        parse_fields(b"SERROR\0SFATAL\0\0")


@pytest.mark.parametrize("fields", [{"": b"x"}, {"SS": b"x"}, {"\0": b"x"}, {"\u0100": b"x"}, {"S": b"\0"}])
def test_what_is_no_field_is_not_written(fields: dict[str, bytes]) -> None:
    with pytest.raises(LocalProtocolError):
        format_fields(b"E", fields)


def test_an_error_of_ours_is_one_line_in_postgresqls_fields() -> None:
    written = format_error(
        "FATAL", "28000", "refused:\n the order\0 says\tno", detail="clause C20", hint="ask"
    )
    assert parse_fields(written[5:]) == {
        "S": b"FATAL",
        "V": b"FATAL",
        "C": b"28000",
        "M": b"refused: the order says no",
        "D": b"clause C20",
        "H": b"ask",
    }


def test_a_notice_of_ours_has_no_more_fields_than_it_needs() -> None:
    written = format_notice("rows may be withheld \ud800")
    assert written[:1] == b"N"
    assert list(parse_fields(written[5:])) == ["S", "V", "C", "M"]


def test_a_field_is_replaced_in_its_place_or_added_at_the_end() -> None:
    fields = parse_fields(format_error("ERROR", "42809", "cannot copy")[5:])
    changed = fields | {"M": b"cannot copy this", "H": b"copy its query"}
    assert list(parse_fields(format_fields(b"E", changed)[5:]).items())[3:] == [
        ("M", b"cannot copy this"),
        ("H", b"copy its query"),
    ]


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({"S": b"FATAL", "V": b"FATAL"}, True),
        ({"S": b"PANIK", "V": b"PANIC"}, True),
        ({"S": b"FATAL"}, True),
        ({"S": b"FATAL", "V": b"ERROR"}, False),
        ({"S": b"ERROR", "V": b"ERROR"}, False),
        ({}, False),
    ],
)
def test_the_severity_that_is_not_translated_says_whether_the_session_ends(
    fields: dict[str, bytes], *, ends: bool
) -> None:
    assert ends_session(fields) is ends

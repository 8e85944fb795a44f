"""The first bytes of a connection: what each kind is answered, whatever else stands there."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.gateway.knock import Knocked, answer_knock

SSL, GSS, CANCEL = (pack(">II", size, code) for size, code in ((8, 80877103), (8, 80877104), (16, 80877102)))
STARTUP = pack(">II", 40, 3 << 16)


@pytest.mark.parametrize(
    ("first", "has_tls", "takes_plain", "knocked"),
    [
        (SSL, True, False, Knocked.ENCRYPT),
        (SSL, True, True, Knocked.ENCRYPT),
        (SSL, False, True, Knocked.NOT_THAT),
        (GSS, True, False, Knocked.NOT_THAT),
        (STARTUP, True, True, Knocked.OPEN),
        (STARTUP, True, False, Knocked.REFUSE),
        (CANCEL, True, False, Knocked.OPEN),
        (pack(">II", 9, 80877103), True, False, Knocked.REFUSE),
        (b"GET / HT", True, False, Knocked.REFUSE),
    ],
)
def test_each_opening_has_one_answer(
    *, first: bytes, has_tls: bool, takes_plain: bool, knocked: Knocked
) -> None:
    assert answer_knock(first, has_tls=has_tls, takes_plain=takes_plain) is knocked


@given(st.binary(min_size=8, max_size=8))
def test_nothing_but_a_cancel_request_is_heard_in_plain_text_where_tls_is_asked_for(first: bytes) -> None:
    knocked = answer_knock(first, has_tls=True, takes_plain=False)
    assert knocked is not Knocked.OPEN or first[4:] == pack(">I", 80877102)

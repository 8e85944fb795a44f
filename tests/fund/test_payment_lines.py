"""Payment files as lines: what is kept, what is dropped, and what refuses a file without a word of it being told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.fund.grantee.cells import MAX_BYTES
from doorward.fund.payments.lines import LineRefusal, parse_line, read_payments
from doorward.orders.fund_payments import read_payment_form
from tests_support.payments import FORM, FORM_TEXT, file_of, form, row

GOOD = row("P1", "c-1", "250.00")
FIXED = form(
    FORM_TEXT.replace('"csv"', '"fixed"').replace('"dollars"', '"cents"').replace('"iso"', '"compact"')
    .replace('number = "Payment"', "number = [1, 6]").replace('line = "Line"\n', "")
    .replace('voucher = "Voucher"', "voucher = [7, 16]").replace('payee = "Vendor"', "payee = [17, 20]")
    .replace('amount = "Amount"', "amount = [21, 32]").replace('day = "Paid On"', "day = [33, 40]")
    .replace('kind = "Status"', "kind = [41, 44]").replace('reverses = "Reverses"\n', "")
)  # fmt: skip


def refusals(raw: bytes) -> list[str]:
    found, refused = read_payments(raw, FORM)
    assert (found is None) == bool(refused)
    return [f"{one.row}{one.column} {one.kind}" for one in refused]


def test_a_line_is_what_the_form_names_and_nothing_else() -> None:
    raw = file_of(row("P1", "c-1, c-2", "1,250.05", line="1", name="Somebody Synthetic"), row("P2", "x", "1.00", vendor="V9"),
                  row("P3", "c-3", "1.00", status="HELD"), row("P1", "c-1", "1.00", status="VOID", line="2"))  # fmt: skip
    found, _ = read_payments(raw, FORM)
    assert found is not None
    (_, paid), (_, back) = found.lines
    assert (paid.cents, paid.vouchers, paid.grantee, paid.kind) == (
        1_250_05,
        ("c-1", "c-2"),
        "grantee-of-north",
        "paid",
    )
    assert (back.kind, back.reverses, [place for place, _ in found.lines]) == ("reversed", "P1", [2, 5])
    assert (found.others, found.passed) == (1, 1)
    assert "Synthetic" not in paid.text
    assert parse_line(paid.text) == paid


def test_a_file_of_fixed_width_says_the_same() -> None:
    text = "P1    c-1       V1  000000025000" + "20260310" + "PAID\r\n"
    found, refused = read_payments(text.encode(), FIXED)
    assert refused == ()
    assert found is not None
    csv, _ = read_payments(file_of(GOOD), FORM)
    assert csv is not None
    assert [line for _, line in found.lines] == [line for _, line in csv.lines]
    _, refused = read_payments(text.encode()[:30], FIXED)
    assert refused == (LineRefusal(1, "", "short"),)
    _, refused = read_payments(text.replace("c-1 ", "c-1\x00").encode(), FIXED)
    assert refused == (LineRefusal(1, "10", "control"),)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", ["0 empty-file"]),
        (b"x" * (MAX_BYTES + 1), ["0 size"]),
        ("é".encode("latin-1"), ["0 bytes"]),
        (file_of(GOOD).decode().encode("utf-16"), ["0 bytes"]),
        (file_of(row("P\x001", "c-1", "1.00")), ["2A control"]),
        (file_of(row("P1", "c-1", "1.00", name="=1+1")), ["2I formula"]),
        (file_of(row("P1", "c-1", "1.00", name=" @SUM(A1)")), ["2I formula"]),
        (file_of(row("P1", "c-1", "1.00", name="+cmd")), ["2I formula"]),
        (file_of(row("-P1", "c-1", "1.00")), ["2A formula"]),
        (file_of(GOOD, row("", "c-1", "1.00")), ["3A missing"]),
        (file_of(row("P1", "", "1.00")), ["2C missing"]),
        (file_of(row("P1", "A123456789", "1.00")), ["2C a-number"]),
        (file_of(row("P1", "c_1", "1.00")), ["2C number"]),
        (file_of(row("P1", "c-1", "1.0")), ["2E amount"]),
        (file_of(row("P1", "c-1", "0.00")), ["2E amount"]),
        (file_of(row("P1", "c-1", "-5.00")), ["2E amount"]),
        (file_of(row("P1", "c-1", "12,50.00")), ["2E amount"]),
        (file_of(row("P1", "c-1", "999999999999.99")), []),
        (file_of(row("P1", "c-1", "9999999999999.99")), ["2E amount"]),
        (file_of(row("P1", "c-1", "٣.00")), ["2E amount"]),
        (file_of(row("P1", "c-1", "1.00", day="2026-02-30")), ["2F day"]),
        (file_of(row("P1", "c-1", "1.00", day="1999-02-03")), ["2F day"]),
        (file_of(row("P1", "c-1", "1.00", status="")), ["2G kind"]),
        (file_of(row("P1", "c-1", "1.00", vendor="")), ["2D missing"]),
        (file_of((*GOOD, "more")), ["2J outside"]),
        (file_of(GOOD).replace(b"Vendor", b"Payment"), ["1 heading"]),
        (file_of(GOOD).replace(b"Vendor", b"vendor"), ["1 heading"]),
        (b'Payment,"Line\n', ["1 quotes"]),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_by_line_and_column(raw: bytes, expected: list[str]) -> None:
    assert refusals(raw) == expected


@given(st.binary(max_size=300), st.lists(st.text(max_size=12), min_size=9, max_size=10))
def test_no_bytes_raise_and_no_refusal_holds_a_text_of_the_file(raw: bytes, cells: list[str]) -> None:
    read_payments(raw, FORM)
    read_payments(raw, FIXED)
    marked = [f"{cell}zqxj" for cell in cells]
    _, refused = read_payments(file_of(GOOD, marked), FORM)
    assert not any("zqxj" in str(one) for one in refused)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"csv"', '"xml"', "no `format`"),
        ('"utf-8"', '"utf-7"', "no `encoding`"),
        ('number = "Payment"\n', "", "a column `number`"),
        ('payee = "Vendor"', 'payee = "Voucher"', "the same one"),
        ('voucher = "Voucher"', "voucher = [1, 2]", "is a heading"),
        ('paid = ["PAID"]', 'paid = ["VOID"]', "one meaning"),
        ('V1 = "grantee-of-north"', 'V1 = "North Legal"', "a payee is"),
        ('says = "for tests"', "", "`says`"),
        ('kind = "Status"\n', "", "there is none"),
    ],
)
def test_a_form_that_does_not_hold_is_refused_with_its_place(old: str, new: str, says: str) -> None:
    found, findings = read_payment_form(FORM_TEXT.replace(old, new, 1))
    assert found is None
    assert any(says in one.message for one in findings)
    assert all(one.span is not None for one in findings)

"""A ledger with approved claims, and payment files of it, for tests."""

import csv
import io
from collections.abc import Sequence

from doorward.fund.ledger.operations import Appropriate, Approve, Part, Post, Submission
from doorward.orders.fund_payments import PaymentForm, read_payment_form
from tests_support.fund import agree, invoice, open_year, submission

HEAD = ("Payment", "Line", "Voucher", "Vendor", "Amount", "Paid On", "Status", "Reverses", "Name")
FORM_TEXT = """
evidence = "sample"
standing = "needs-counsel"
says = "for tests"
format = "csv"
encoding = "utf-8"
amount = "dollars"
day = "iso"
[column]
number = "Payment"
line = "Line"
voucher = "Voucher"
payee = "Vendor"
amount = "Amount"
day = "Paid On"
kind = "Status"
reverses = "Reverses"
[word]
paid = ["PAID"]
reversed = ["VOID"]
passed = ["HELD"]
[payee]
V1 = "grantee-of-north"
V2 = "grantee-of-south"
"""


def form(text: str = FORM_TEXT) -> PaymentForm:
    found, findings = read_payment_form(text)
    assert found is not None, findings
    return found


FORM = form()


def row(
    number: str, voucher: str, amount: str, *, vendor: str = "V1", day: str = "2026-03-10", status: str = "PAID",
    line: str = "", reverses: str = "", name: str = "",
) -> tuple[str, ...]:  # fmt: skip
    return number, line, voucher, vendor, amount, day, status, reverses, name


def file_of(*rows: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([HEAD, *rows])
    return out.getvalue().encode()


def approved(claims: dict[str, tuple[str, int]]) -> list[Submission]:
    """Return what leads to approved claims: their agreements, `north` or `south`, and cents."""
    found = [
        submission(open_year(2026)),
        submission(Appropriate(2026, "general", 10_000_00, "ordinance", "SO-1")),
    ]
    for name in ("north", "south"):
        found += [
            submission(agree(name, Part(2026, "general", 4_000_00))),
            submission(Post(name), "director"),
        ]
    for claim, (agreement, cents) in claims.items():
        part = Part(2026, "general", cents, "screening")
        found += [
            submission(invoice(claim, agreement, part), "clerk"),
            submission(Approve(claim), "manager"),
            submission(Approve(claim), "director"),
        ]
    return found

"""fund.toml: what Chicago's says, and every fault with its place."""

from dataclasses import replace
from datetime import date

import pytest

from doorward.fund.ledger.accounts import MAX_CENTS
from doorward.fund.rules import make_rules
from doorward.orders.fund import read_fund
from doorward.orders.load import SHIPPED, load_fund, load_pack, load_payment_form
from doorward.orders.paperwork import check_paperwork

TEXT = (SHIPPED / "chicago" / "fund.toml").read_text(encoding="utf-8")


def test_the_sample_has_its_bond_line_off_and_nothing_of_it_is_adopted() -> None:
    words = load_fund(load_pack("chicago"))
    assert not words.lines["bond"].enabled
    assert make_rules(words).approvals == 2
    assert words.days_of(2026) == (date(2026, 1, 1), date(2026, 12, 31))
    bases = list(words.bases.values())
    bases += [one.basis for one in words.lines.values()] + [one.basis for one in words.services.values()]
    assert {basis.standing for basis in bases} == {"needs-counsel"}
    assert MAX_CENTS > 130_000_000


def test_a_fiscal_year_has_the_number_of_the_year_in_which_it_ends() -> None:
    words, _ = read_fund(TEXT.replace('begins = "01-01"', 'begins = "07-01"'))
    assert words is not None
    assert words.days_of(2027) == (date(2026, 7, 1), date(2027, 6, 30))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("approvals = 2", "approvals = 1", "from 2 to 9"),
        ("approvals = 2", "approvals = true", "from 2 to 9"),
        ('begins = "01-01"', 'begins = "02-29"', "a month and a day"),
        ('begins = "01-01"', 'begins = "02-31"', "a month and a day"),
        ("enabled = false", 'enabled = "no"', "true or false"),
        ("enabled = false\n", "", "true or false"),
        ('services = ["bond-payment"]', 'services = ["bond"]', "is no service"),
        ('services = ["bond-payment"]', "services = []", "buys a service"),
        ("[line.bond]", '[line."Bond Line"]', "is no word"),
        ('evidence = "press"', 'evidence = "rumour"', "is no evidence"),
        ('standing = "needs-counsel"', 'standing = "confirmed"', "not confirmed"),
        ("carries = false", "carry = false", "unknown key"),
        ("cites = []\n", "", "must be a list"),
        ('cites = ["S114"]', "cites = []", "cites it"),
        ('cites = ["S114"]', 'cites = ["s 114"]', "lists ids"),
        ('cites = ["S114", "S32"]', 'cites = ["S114", "S114"]', "each once"),
        ('standing = "needs-counsel"', 'standing = "adopted"', "cites nothing"),
    ],
)
def test_a_fault_has_its_place(before: str, after: str, says: str) -> None:
    words, findings = read_fund(TEXT.replace(before, after, 1))
    assert words is None
    (found, *_) = [one for one in findings if says in one.message]
    assert found.span is not None
    assert found.span.line > 1


def test_a_clause_that_the_order_does_not_have_is_found_by_its_check() -> None:
    pack = load_pack("chicago")
    assert not [one for one in check_paperwork(pack) if one.span and one.span.file == "fund.toml"]
    text = TEXT.replace('cites = ["S115"]', 'cites = ["S115", "X99"]')
    (found,) = check_paperwork(replace(pack, files={**pack.files, "fund.toml": text}))
    assert "`X99` is no clause" in found.message
    assert found.span is not None
    assert found.span.line > 50


def test_the_samples_payment_form_is_read() -> None:
    form = load_payment_form(load_pack("chicago"))
    assert form.payees["V1001"] == "north-legal"

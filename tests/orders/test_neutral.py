"""Neutral machinery: three orders check, and no word of one of them stands in code."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import doorward
from doorward.orders.check import check_pack
from doorward.orders.load import find_pack, load_pack, read_files, shipped_orders
from doorward.policy.decision import Addressee, Posture

ORDERS = shipped_orders()
CODE = Path(doorward.__file__).parent
# What every order has: nobody but the person concerned, what is not known, and the words of the outcome rule.
EVERY_ORDERS = {"none", "unknown", *Addressee, *Posture}


def test_there_are_three_orders_and_one_is_about_something_else() -> None:
    assert ORDERS == ("chicago", "hospital-records", "oregon")
    hospital = load_pack("hospital-records")
    told = " ".join(f"{clause.cite} {clause.says}" for clause in hospital.clauses.values()).lower()
    assert "immigration" not in told


@pytest.mark.parametrize("order", ORDERS)
def test_a_shipped_order_checks_and_each_policy_decides_a_case(order: str) -> None:
    report = check_pack(read_files(find_pack(order)), cases={}, now=datetime(2026, 3, 1, tzinfo=UTC))
    assert report.findings == ()
    assert report.warnings == ()
    assert report.unshown == ()


@pytest.mark.parametrize("order", ORDERS)
def test_no_office_that_exists_is_said_to_have_adopted_a_sample(order: str) -> None:
    pack = load_pack(order)
    assert {clause.adopted_by for clause in pack.clauses.values()} <= {None, "sample"}
    assert pack.is_sample
    assert ".invalid" in pack.contacts.law_department


def texts_in(package: str) -> Iterator[tuple[Path, str]]:
    for file in sorted((CODE / package).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield file, node.value


@pytest.mark.parametrize("package", ["cedar", "policy", "orders", "notes"])
def test_no_word_of_an_order_stands_in_code(package: str) -> None:
    words = set[str]()
    for order in ORDERS:
        pack = load_pack(order)
        words |= {*pack.purposes, *pack.agencies, *pack.roles, *pack.clauses, *pack.collections, order}
    words -= EVERY_ORDERS
    assert [(file.name, text) for file, text in texts_in(package) if text in words] == []

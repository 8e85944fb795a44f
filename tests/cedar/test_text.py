"""Expressions as text: what is written is parsed by Cedar to the tree that was written."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cedarpy
import pytest
from hypothesis import given

from doorward.cedar.corpus import Case
from doorward.cedar.est import read_rules
from doorward.cedar.ir import Rule
from doorward.cedar.scan import scan
from doorward.cedar.text import format_expression, quote
from tests_support.cedar_cases import cases
from tests_support.corpus import read_some


def conditions(text: str) -> Any:
    """What Cedar's own parser makes of a text, or an empty list where it has no condition."""
    (policy,) = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
    return policy["conditions"]


def check(rule: Rule) -> None:
    if rule.condition is None:
        return
    written = format_expression(rule.condition)
    assert "\n" not in written
    text = f"permit (principal, action, resource) when {{ {written} }};"
    (again,) = read_rules(scan("again", text))
    assert again.condition is not None
    assert format_expression(again.condition) == written
    (body,) = conditions(text)
    assert body["kind"] == "when"


@given(cases())
def test_a_generated_condition_is_read_back(case: Case) -> None:
    for rule in read_rules(scan("case", case.policies)):
        check(rule)


@pytest.mark.parametrize(
    "text",
    [
        "(true || false) && !(1 < 2) == false",
        "1 - (2 - 3) == -(4) * (5 + 6)",
        "-9223372036854775808 < -(-5)",
        '(if true then 1 else 2) == 1 || context has "a b" && context["a b"].c',
        'context.x like "a\\*b*\\u{1f600}\\"" && principal is User::Admin',
        '[1, [true], {"a": 1, "if": "x\\n"}].contains(ip("::1").isInRange(ip("::/0")))',
        'principal in [User::"a\\\\b", User::"c"] && !(resource.getTag("t") == decimal("1.0"))',
        "!!context.ok && (context.a && (context.b || context.c))",
        "(context.a == context.b) == context.c",
    ],
)  # fmt: skip
def test_the_tree_is_the_same_for_cedars_own_parser(text: str) -> None:
    policy = f"permit (principal, action, resource) when {{ {text} }};"
    (rule,) = read_rules(scan("x", policy))
    assert rule.condition is not None
    written = format_expression(rule.condition)
    assert conditions(f"permit (principal, action, resource) when {{ {written} }};") == conditions(policy)


def read_back(found: Iterable[Case]) -> int:
    """Return how many rules cases have; the condition of each is read back."""
    rules = [rule for case in found for rule in read_rules(scan(case.name, case.policies))]
    for rule in rules:
        check(rule)
    return len(rules)


@pytest.mark.shared
def test_every_condition_of_some_of_the_corpus_is_read_back(shared: Path) -> None:
    assert read_back(read_some(shared, every=12)) > 300


@pytest.mark.shared
@pytest.mark.long
def test_every_condition_of_the_corpus_is_read_back(shared: Path) -> None:
    assert read_back(read_some(shared, every=1)) > 1000


def test_a_quoted_text_is_one_printable_line() -> None:
    assert quote('a"\\\n\x1b[31m\u202e') == '"a\\"\\\\\\n\\u{1b}[31m\\u{202e}"'

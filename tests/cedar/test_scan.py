"""Places in Cedar text: syntax errors are found at the token at fault, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cedar.scan import scan
from doorward.errors import PolicySyntaxError
from doorward.policy.parse import parse_policies

GOOD = """// a comment; with "signs"
@id("one") @clauses("C; D")
permit (principal in Role::"d", action == Action::"query", resource)
when { resource.sealed == false && ["a", "b"].contains(context.purpose) };

@id("two")
forbid (principal, action, resource) unless { context.process };
"""


@pytest.mark.parametrize(
    ("broken", "instead", "line", "column"),
    [
        ("when {", "whenzz {", 4, 1),
        ('Role::"d"', 'Role::"d', 3, 51),
        ("context.process", "context..process", 7, 55),
        ("== false", "= false", 4, 24),
        ('("two")', '("two"', 7, 1),
        ("unless { context.process }", "unless { nobody }", 7, 47),
    ],
)
def test_a_syntax_error_is_named_with_its_line_and_column(
    broken: str, instead: str, line: int, column: int
) -> None:
    assert broken in GOOD
    with pytest.raises(PolicySyntaxError) as caught:
        parse_policies({"x.cedar": GOOD.replace(broken, instead)}, clauses={"C": True})
    assert caught.value.span is not None
    assert (caught.value.span.file, caught.value.span.line, caught.value.span.column) == (
        "x.cedar",
        line,
        column,
    )
    assert str(caught.value).startswith(f"x.cedar:{line}:{column}: this is no Cedar: ")


def test_policies_are_told_apart_by_semicolons_outside_of_strings_and_comments() -> None:
    source = scan("x.cedar", GOOD)
    assert [tokens[2].text for tokens in source.policies] == ["(", "("]
    assert str(source.find(1, ["context", ".", "process"])) == "x.cedar:7:55"
    assert str(source.find(0, [".", "contains"])) == "x.cedar:4:47"
    assert str(source.find(0, ["nowhere"])) == "x.cedar:2:1"


@given(st.text(max_size=200))
def test_scanning_is_total(text: str) -> None:
    source = scan("x", text)
    for policy in source.policies:
        for token in policy:
            assert text[token.start : token.end] == token.text


@given(st.integers(0, len(GOOD)), st.text(max_size=6), st.integers(0, 12))
def test_a_mutated_text_is_policies_or_a_syntax_error(at: int, added: str, removed: int) -> None:
    text = GOOD[:at] + added + GOOD[at + removed :]
    found = None
    try:
        parse_policies({"x.cedar": text}, clauses={"C;": True, "D": True})
    except PolicySyntaxError as error:
        found = error.span
    assert found is None or found.line <= text.count("\n") + 1

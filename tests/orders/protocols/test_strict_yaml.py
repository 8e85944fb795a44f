"""What of YAML is taken, and where each refusal points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import PolicyCheckError
from doorward.orders.protocols.strict_yaml import MAX_BYTES, Items, Scalar, Table, parse_yaml


def refused(text: str) -> str:
    with pytest.raises(PolicyCheckError) as caught:
        parse_yaml("a.yaml", text)
    (finding,) = caught.value.findings
    return str(finding)


def test_a_plain_word_stays_the_text_that_stands_there() -> None:
    table = parse_yaml("a.yaml", "a: no\nb: 2026-01-01\nc: 012\nd: ~\n")
    texts = [node.text for node in table.entries.values() if isinstance(node, Scalar)]
    assert texts == ["no", "2026-01-01", "012", "~"]


def test_quotes_are_told_from_plain_words() -> None:
    table = parse_yaml("a.yaml", 'a: true\nb: "true"\n')
    plain = [node.plain for node in table.entries.values() if isinstance(node, Scalar)]
    assert plain == [True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.yaml:1:1: the file is empty"),
        ("# nothing\n", "a.yaml:1:1: the file is empty"),
        ("- a\n", "a.yaml:1:1: the file must be a mapping of keys"),
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: the key `a` stands twice, first in line 1"),
        ("x:\n  - {a: 1, a: 2}\n", "a.yaml:2:12: the key `a` stands twice, first in line 2"),
        ("a: &x 1\nb: *x\n", "a.yaml:1:4: an anchor (`&`)"),
        ("a: 1\nb: *x\n", "a.yaml:2:4: an alias (`*`)"),
        ("a: !!python/name:os.system x\n", "a.yaml:1:4: a tag (`!`)"),
        ("a: !x {b: 1}\n", "a.yaml:1:4: a tag (`!`)"),
        ("b: 1\n<<: {a: 1}\n", "a.yaml:2:1: a merge key (`<<`)"),
        ("? [a, b]\n: 1\n", "a.yaml:1:3: a key that is no text"),
        ("a: 1\n---\nb: 1\n", "a.yaml:2:1: a second document in one file"),
    ],
)
def test_what_a_reviewer_would_not_see_is_refused_with_its_place(text: str, said: str) -> None:
    assert refused(text) == said


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: [1\n", "a.yaml:3:1"),
        ("a: 1\n b: 2\n", "a.yaml:2:3"),
        ("a:\n\t- b\n", "a.yaml:2:1"),
        ("a: 1\nbc: \x07\n", "a.yaml:2:5"),
        ('a: "x\n', "a.yaml:2:1"),
    ],
)
def test_what_is_no_yaml_is_refused_where_it_breaks(text: str, place: str) -> None:
    assert refused(text).startswith(f"{place}: this is no YAML: ")


def test_a_file_that_is_too_large_too_deep_or_too_full_is_refused() -> None:
    assert "larger than" in refused("a: " + "x" * MAX_BYTES)
    assert "deep" in refused("a: " + "[" * 50_000)
    assert "deep" in refused("a: " + "{a: " * 200 + "1" + "}" * 200)
    assert "more than" in refused("a: [" + "x," * 30_000 + "x]")


def test_an_explosion_of_aliases_does_not_begin() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    assert refused("\n".join(lines)) == "a.yaml:1:5: an anchor (`&`)"


def depth(node: object) -> int:
    if isinstance(node, Table):
        return 1 + max(map(depth, node.entries.values()), default=0)
    if isinstance(node, Items):
        return 1 + max(map(depth, node.items), default=0)
    return 0


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"#,% \n\t<", max_size=60) | st.text(max_size=40))
def test_any_text_is_a_mapping_or_one_finding_with_a_place(text: str) -> None:
    try:
        table = parse_yaml("a.yaml", text)
    except PolicyCheckError as error:
        (finding,) = error.findings
        assert finding.span is not None
        assert finding.span.line >= 1
        assert finding.span.column >= 1
    else:
        assert isinstance(table, Table)
        assert depth(table) < 20

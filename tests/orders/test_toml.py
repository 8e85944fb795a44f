"""A pack's TOML: strict, and with the line and column of each key."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import PolicyCheckError
from doorward.orders.toml import Toml

TEXT = """# words
name = "x"
[contacts]
  law = "a"   # "quoted"
[fact."principal.role"]
says = "b"
[[rule]]
match = "1"
[[rule]]
match = "2"
"""


def test_every_key_has_its_place() -> None:
    file = Toml("f.toml", TEXT)
    assert str(file.span("name")) == "f.toml:2:1"
    assert str(file.span("contacts", "law")) == "f.toml:4:3"
    assert str(file.span("fact", "principal.role", "says")) == "f.toml:6:1"
    assert str(file.span("rule", "1", "match")) == "f.toml:10:1"
    assert str(file.span("fact", "principal.role", "missing")) == "f.toml:5:2"
    assert str(file.span("nothing")) == "f.toml:1:1"


def test_a_text_that_is_no_toml_is_refused_with_line_and_column() -> None:
    with pytest.raises(PolicyCheckError) as caught:
        Toml("f.toml", "a = 1\nb = = 2\n")
    assert str(caught.value.findings[0].span) == "f.toml:2:5"
    with pytest.raises(PolicyCheckError) as caught:
        Toml("f.toml", 'a = 1\nb = "')
    assert str(caught.value.findings[0].span).startswith("f.toml:2:")


def test_a_value_of_another_kind_is_noted_and_replaced_by_nothing() -> None:
    file = Toml("f.toml", 'name = 3\nwhen = "x"\nempty = ""\n')
    assert file.get(str, "name") == ""
    assert file.get(date, "when") == date(1970, 1, 1)
    assert file.get(str, "empty") == ""
    assert file.get(dict, "table", default={}) == {}
    assert [str(finding) for finding in file.findings] == [
        "f.toml:1:1: `name` must be a text; it is something else",
        "f.toml:2:1: `when` must be a date; it is something else",
        "f.toml:3:1: `empty` is empty",
    ]


def test_a_key_that_nobody_asked_for_is_noted() -> None:
    file = Toml("f.toml", TEXT)
    file.refuse_others(("name", "contacts", "fact"))
    file.refuse_others(("lawyer",), "contacts")
    assert [str(finding) for finding in file.findings] == [
        "f.toml:7:3: unknown key `rule`",
        "f.toml:4:3: unknown key `law` in `contacts`",
    ]


@given(st.text(max_size=120))
def test_any_text_is_toml_or_refused(text: str) -> None:
    try:
        assert isinstance(Toml("f.toml", text).data, dict)
    except PolicyCheckError:
        return

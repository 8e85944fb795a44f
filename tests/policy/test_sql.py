"""Predicates as SQL text: quoting, precedence, one text for one meaning."""

import pytest

from doorward.errors import PolicyError
from doorward.policy.hierarchy import Hierarchy, Uid
from doorward.policy.sql import SqlColumn, format_predicate, quote_name, quote_value
from doorward.policy.terms import Terms

COLUMNS = {
    "sealed": SqlColumn("sealed"),
    "kind": SqlColumn('Kind of "row"'),
    "unit": SqlColumn("unit", null_as=""),
    "level": SqlColumn("level"),
}


@pytest.fixture
def terms() -> Terms:
    return Terms(Hierarchy({}))


def test_names_and_values_are_quoted() -> None:
    assert quote_name('a"b') == '"a""b"'
    assert quote_value("it's") == "'it''s'"
    assert quote_value("a\\b'") == "E'a\\\\b'''"
    assert (quote_value(value=True), quote_value(-5), quote_value(5)) == ("true", "(-5)", "5")


def test_a_text_that_no_column_can_hold_is_refused() -> None:
    with pytest.raises(PolicyError, match="NUL"):
        quote_value("a\0b")


def test_columns_stand_before_parameters_and_these_before_constants(terms: Terms) -> None:
    kind, case = terms.fact("resource.kind", "str"), terms.fact("context.grant.case_no", "str")
    constant = terms.value("x")
    assert format_predicate(terms, terms.same(constant, kind), COLUMNS) == '"Kind of ""row""" = \'x\''
    assert (
        format_predicate(terms, terms.same(case, kind), COLUMNS)
        == '"Kind of ""row""" = (SELECT "case_no" FROM doorward.my_grant)'
    )
    assert (
        format_predicate(terms, terms.negate(terms.same(constant, case)), COLUMNS)
        == "(SELECT \"case_no\" FROM doorward.my_grant) <> 'x'"
    )


def test_what_null_stands_for_is_written_into_the_text(terms: Terms) -> None:
    unit = terms.fact("resource.unit", "str")
    wanted = [terms.value("a"), terms.value("b")]
    assert (
        format_predicate(terms, terms.member(unit, wanted), COLUMNS) == "coalesce(\"unit\", '') IN ('a', 'b')"
    )


def test_connectives_are_parenthesised(terms: Terms) -> None:
    sealed, level = terms.fact("resource.sealed", "bool"), terms.fact("resource.level", "int")
    low = terms.less(level, terms.value(3), or_same=True)
    either = terms.disjoin((terms.conjoin((sealed, low)), terms.negate(terms.same(sealed, low))))
    text = format_predicate(terms, either, COLUMNS)
    assert text == '"sealed" <> (3 >= "level") OR ("sealed" AND 3 >= "level")'


def test_a_fact_that_is_no_column_is_never_written(terms: Terms) -> None:
    for path in ("context.purpose", "resource.nowhere"):
        with pytest.raises(PolicyError, match="no column"):
            format_predicate(terms, terms.fact(path, "str"), COLUMNS)
    with pytest.raises(PolicyError, match="entities"):
        format_predicate(terms, terms.within(terms.fact("x", "Agency"), [Uid("Group", "g")]), COLUMNS)

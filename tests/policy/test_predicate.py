"""Predicates as SQL text: quoting, precedence, one text for one meaning."""

import pytest

from doorward.cedar.dialects import POSTGRESQL
from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.terms import Terms
from doorward.cedar.types import BOOL, DATETIME, LONG, STRING, EntityType
from doorward.cedar.values import Datetime, Uid
from doorward.errors import PolicyError
from doorward.policy.predicate import CLOCK, find_leaks, format_predicate
from doorward.policy.tables import SqlColumn

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
    assert POSTGRESQL.identifier('a"b') == '"a""b"'
    assert POSTGRESQL.literal("it's") == "'it''s'"
    assert POSTGRESQL.literal("a\\b'") == "E'a\\\\b'''"
    assert (POSTGRESQL.literal(value=True), POSTGRESQL.literal(-5), POSTGRESQL.literal(5)) == (
        "true",
        "(-5)",
        "5",
    )


def test_a_text_that_no_column_can_hold_is_refused() -> None:
    with pytest.raises(PolicyError, match="NUL"):
        POSTGRESQL.literal("a\0b")


def test_columns_stand_before_parameters_and_these_before_constants(terms: Terms) -> None:
    kind, case = terms.fact("resource.kind", STRING), terms.fact("context.grant.case_no", STRING)
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
    unit = terms.fact("resource.unit", STRING)
    wanted = [terms.value("a"), terms.value("b")]
    assert (
        format_predicate(terms, terms.member(unit, wanted), COLUMNS) == "coalesce(\"unit\", '') IN ('a', 'b')"
    )


def test_connectives_are_parenthesised(terms: Terms) -> None:
    sealed, level = terms.fact("resource.sealed", BOOL), terms.fact("resource.level", LONG)
    low = terms.less(level, terms.value(3), or_same=True)
    either = terms.disjoin((terms.conjoin((sealed, low)), terms.negate(terms.same(sealed, low))))
    text = format_predicate(terms, either, COLUMNS)
    assert text == '"sealed" <> (3 >= "level") OR ("sealed" AND 3 >= "level")'


def test_a_fact_that_is_no_column_is_never_written(terms: Terms) -> None:
    for path in ("context.purpose", "resource.nowhere"):
        with pytest.raises(PolicyError, match="no column"):
            format_predicate(terms, terms.fact(path, STRING), COLUMNS)
    entity = terms.fact("x", EntityType("Agency"))
    with pytest.raises(PolicyError, match="no column"):
        format_predicate(terms, terms.within(entity, [Uid("Group", "g")]), COLUMNS)


def test_the_time_is_the_statements(terms: Terms) -> None:
    late = terms.less(terms.fact("context.now", DATETIME), terms.value(Datetime(5)))
    assert format_predicate(terms, late, COLUMNS) == f"{CLOCK} < 5"
    assert "statement_timestamp()" in CLOCK


def test_what_keeps_an_index_from_serving_is_named(terms: Terms) -> None:
    kind, unit = terms.fact("resource.kind", STRING), terms.fact("resource.unit", STRING)
    plain = terms.same(kind, terms.value("x"))
    assert find_leaks(terms, plain, COLUMNS) == []
    assert find_leaks(terms, terms.same(unit, terms.value("x")), COLUMNS) == [
        "`unit` stands inside of coalesce, so no index on it serves"
    ]
    (found,) = find_leaks(terms, terms.like(kind, ("a", None)), COLUMNS)
    assert found.endswith("is read by an operator that is not leakproof (like)")

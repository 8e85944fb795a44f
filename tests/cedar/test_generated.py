"""One meaning: random sets of policies, decided by each target as Cedar's engine decides them."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings

from doorward.cedar.conformance import Tally, run
from doorward.cedar.corpus import Case
from doorward.cedar.dialects import DUCKDB
from doorward.cedar.targets import Python, Smt, Sql
from tests_support.cedar_cases import cases

REFUSED = {"a record with optional fields inside of a set", "a set of parts whose kind is not known"}


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def differences(tally: Tally, case: Case) -> str:
    return "\n".join([*tally.shown, case.policies]) if tally.differences else ""


@given(case=cases())
def test_compiled_python_decides_as_the_engine(case: Case) -> None:
    (tally,) = run([case], [Python()])
    assert differences(tally, case) == ""
    assert tally.refused.total() == 0


@given(case=cases())
def test_sql_decides_as_the_engine(duck: duckdb.DuckDBPyConnection, case: Case) -> None:
    (tally,) = run([case], [Sql(DUCKDB, lambda query: duck.execute(query).fetchall())])
    assert differences(tally, case) == ""
    assert set(tally.refused) <= REFUSED


@settings(deadline=None)
@given(case=cases(policies=3, requests=2))
def test_z3_decides_as_the_engine(case: Case) -> None:
    (tally,) = run([case], [Smt()])
    assert differences(tally, case) == ""
    assert set(tally.refused) <= REFUSED

"""What is known of an access by its day: whether its searcher had declared. And that the rows are never held whole."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.lookback.accesses import KEY, Declared, prepare_accesses, write_accesses
from doorward.lookback.cells import CELLS, row_columns
from doorward.lookback.folder import AuditFolder
from doorward.lookback.queries import fill_query, quote_text
from tests_support.examples import examples

DAY = date(2026, 4, 1)
SEARCHERS = ("Sample A", "Sample B", "Sample C")
Interval = tuple[int | None, date, date | None]


def write_audit(connection: duckdb.DuckDBPyConnection, folder: AuditFolder, days: int) -> Path:
    """Write the tables of an audit of one source: each searcher once at noon of each day, and once without a time."""
    folder.rows.mkdir(parents=True)
    said = {
        "file": "0", "sheet": "''", "row": "row_number() OVER ()", "searcher": "searcher", "at": "moment",
        "at_state": "CASE WHEN moment IS NULL THEN 'masked' ELSE 'value' END", "searcher_state": "'value'",
        "reason_state": "'blank'",
    }  # fmt: skip
    states = {cell.state: "'not-exported'" for cell in CELLS} | said
    columns = ", ".join(
        f'CAST({states.get(name, "NULL")} AS {kind}) AS "{name}"' for name, kind in row_columns()
    )
    moments = f"SELECT TIMESTAMP '{DAY} 12:00:00' + to_days(CAST(n AS INTEGER)) FROM range({days}) t(n)"
    rows = folder.rows / "0000.parquet"
    connection.execute(
        f"COPY (SELECT {columns} FROM unnest(?) s(searcher), ({moments} UNION ALL SELECT NULL) m(moment)) "
        f"TO '{rows}' (FORMAT parquet)",
        [list(SEARCHERS)],
    )
    words = ", ".join(f"{name}, {name}_state" for name in ("reason", "offense", "filters", "prompt"))
    connection.execute(
        f"COPY (SELECT 1 AS phrase, {words}, NULL::VARCHAR AS case_in_reason FROM '{rows}' LIMIT 1) "
        f"TO '{folder.phrases}' (FORMAT parquet)"
    )
    connection.execute(
        "COPY (SELECT unnest([0, 1, 2]) AS searcher_no, false AS participating, NULL::DATE AS participating_since, "
        f"NULL::DATE AS participating_as_of) TO '{folder.searchers}' (FORMAT parquet)"
    )
    connection.execute(
        "COPY (SELECT 0 AS file, '' AS sheet, 1::BIGINT AS row, 'x' AS kind WHERE false) "
        f"TO '{folder.root}/data/duplicates.parquet' (FORMAT parquet)"
    )
    return rows


def prepare(
    connection: duckdb.DuckDBPyConnection,
    folder: AuditFolder,
    intervals: Sequence[Interval],
    known: frozenset[int],
) -> None:
    keys = [(0, name, "value", number) for number, name in enumerate(SEARCHERS)]
    prepare_accesses(connection, folder, keys, Declared(intervals, known))


def declared_on(intervals: Sequence[Interval], known: frozenset[int], number: int, day: date) -> bool | None:
    """Return what the register says, one interval after the other."""
    if number not in known:
        return None
    within = {one for one, since, until in intervals if since <= day and (until is None or day < until)}
    return True if number in within else None if None in within else False


offsets = st.integers(-3, 12)
intervals = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, None]),
        offsets.map(lambda n: DAY + timedelta(n)),
        st.one_of(st.none(), offsets.map(lambda n: DAY + timedelta(n))),
    ),
    max_size=8,
)


@settings(
    max_examples=examples(15, deep=150),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(intervals, st.frozensets(st.integers(0, 2)))
def test_a_declaration_holds_on_its_days_and_a_paper_of_nobody_leaves_them_open(
    tmp_path_factory: pytest.TempPathFactory, given: list[Interval], known: frozenset[int]
) -> None:
    folder = AuditFolder(tmp_path_factory.mktemp("audit"))
    with duckdb.connect() as connection:
        rows = write_audit(connection, folder, 10)
        prepare(connection, folder, given, known)
        target = folder.accesses / "0000.parquet"
        write_accesses(connection, rows, target)
        found = connection.execute(
            f"SELECT searcher_no, \"at\", declared FROM read_parquet('{target}')"
        ).fetchall()
    assert len(found) == 3 * 11
    for number, at, declared in found:
        assert at is None or isinstance(at, datetime)
        expected = None if at is None else declared_on(given, known, number, at.date())
        assert declared is expected, (number, at)


def test_no_step_towards_accesses_holds_the_rows(tmp_path: Path) -> None:
    folder = AuditFolder(tmp_path)
    with duckdb.connect() as connection:
        rows = write_audit(connection, folder, 10)
        prepare(connection, folder, [(0, DAY, None), (None, DAY, None)], frozenset({0, 1}))
        query = fill_query("accesses", rows=quote_text(rows), key=KEY.format("r"), same="true")
        ((_, plan),) = connection.execute(f"EXPLAIN {query}").fetchall()
    # A subquery about each row becomes a join with all rows at once, kept under this name.
    assert "delim" not in plan.lower()
    assert "READ_PARQUET" in plan

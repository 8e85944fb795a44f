"""Numbers of a large log: what chance gives is worked out without an overflow."""

from pathlib import Path

from doorward.lookback.engine import open_engine
from doorward.lookback.leads.tables import fill_sql


def test_a_burst_of_thousands_has_an_expectation(tmp_path: Path) -> None:
    with open_engine(tmp_path / "engine") as connection:
        connection.execute(
            "CREATE TABLE searches AS SELECT 1 AS unit_no, 'a' AS account, n * 100000 AS at_us FROM range(9000) t(n)"
        )
        # The limit is a 32-bit number, as the table of limits has it: its cube is none.
        connection.execute(
            "CREATE TABLE limits AS SELECT 1 AS unit_no, 4125 AS least, 30222.0 AS ln_factorial"
        )
        query = fill_sql("lead_burst_expected", searches="searches", window_us=3_600_000_000)
        ((unit, expected),) = connection.execute(query).fetchall()
    assert unit == 1
    assert expected >= 0

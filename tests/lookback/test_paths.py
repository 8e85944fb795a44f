"""Front, back and side door, named by hand and then compared with the SQL on every case."""

from importlib.resources import files
from itertools import product

import duckdb
import pytest

from doorward.lookback.agencies.paths import Path, Way, find_path


@pytest.mark.parametrize(
    ("way", "path"),
    [
        (Way(own=True, immigration=False, for_immigration=False), "own"),
        (Way(own=True, immigration=False, for_immigration=True), "side"),
        (Way(own=False, immigration=False, for_immigration=True), "side"),
        (Way(own=False, immigration=False, for_immigration=False), "other"),
        (Way(own=False, immigration=True, for_immigration=False, one_to_one=True, networks=1), "front"),
        (Way(own=False, immigration=True, for_immigration=None, one_to_one=True), "front"),
        (Way(own=False, immigration=True, for_immigration=False, one_to_one=False, networks=6000), "back"),
        # Open cells: nothing is guessed.
        (
            Way(own=False, immigration=True, for_immigration=False, one_to_one=None, networks=6000),
            "cannot-tell",
        ),
        (
            Way(own=False, immigration=True, for_immigration=False, one_to_one=False, networks=None),
            "cannot-tell",
        ),
        (
            Way(own=False, immigration=True, for_immigration=False, one_to_one=False, networks=1),
            "cannot-tell",
        ),
        (Way(own=True, immigration=False, for_immigration=None), "cannot-tell"),
        (Way(own=None, immigration=False, for_immigration=True), "cannot-tell"),
        (Way(own=False, immigration=None, for_immigration=True), "cannot-tell"),
    ],
)
def test_the_way_is_named(way: Way, path: str) -> None:
    assert find_path(way) == path


def test_the_sql_says_the_same_in_every_case() -> None:
    sql = files("doorward.lookback").joinpath("sql/path.sql").read_text(encoding="utf-8")
    truth = (None, True, False)
    cases = list(product(truth, truth, truth, truth, (None, 0, 1, 2)))
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE ways (own BOOLEAN, immigration BOOLEAN, for_immigration BOOLEAN, one_to_one BOOLEAN, "
            "networks BIGINT)"
        )
        connection.executemany("INSERT INTO ways VALUES (?, ?, ?, ?, ?)", cases)
        found = connection.execute(f"SELECT *, {sql} FROM ways").fetchall()
    assert len(found) == len(cases)
    for *case, path in found:
        assert find_path(Way(*case)) == Path(path)

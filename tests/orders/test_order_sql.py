"""`doorward order sql`: what it prints runs, and gives each row the order's answer."""

import duckdb
import pytest
from typer.testing import CliRunner

from doorward.cedar.dialects import DUCKDB
from doorward.cli.main import app
from doorward.orders.load import load_pack

RUNNER = CliRunner()
COMMON = ("order", "sql", "oregon", "--action", "respond", "--resource", "Place")


def test_the_query_runs_over_a_table_with_a_column_for_each_fact() -> None:
    pack = load_pack("oregon")
    specs = {p: s for p, s in pack.requests.specs("Place").items() if s.definition is None}
    done = RUNNER.invoke(app, [*COMMON, "--keep", "id"])
    assert done.exit_code == 0
    with duckdb.connect() as connection:
        plain = {path: spec.unknown for path, spec in specs.items() if isinstance(spec.unknown, str | bool)}
        columns = ", ".join(f'{DUCKDB.literal(value)} AS "{path}"' for path, value in plain.items())
        connection.execute(f"CREATE TABLE requests AS SELECT 7 AS id, {columns}")
        assert connection.execute(done.stdout).fetchall() == [(7, "permit", "respond-to-danger")]
        unsure = RUNNER.invoke(app, [*COMMON, "--unsure"])
        assert connection.execute(unsure.stdout).fetchall() == [("permit", "permit")]


def test_columns_and_constants_take_the_place_of_facts() -> None:
    done = RUNNER.invoke(
        app,
        [*COMMON, "--table", "calls", "--column", 'context.purpose="why"', "--value", "context.finding=other",
         "--no-policies", "--dialect", "postgresql"],
    )  # fmt: skip
    assert done.exit_code == 0
    assert "context.finding" not in done.stdout
    assert "FROM calls" in done.stdout
    assert "policies" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dialect", "sqlite"), "`sqlite` is no dialect"),
        (("--action", "query"), "`query` is not asked of a `Place`"),
        (("--column", "context.purpose"), "must be path=SQL"),
        (("--column", "context.nothing=x"), "`context.nothing` is no fact"),
        (("--value", "context.finding=zebra"), "`context.finding` takes a text, one of its words"),
    ],
)
def test_what_cannot_be_written_is_said(arguments: tuple[str, str], said: str) -> None:
    done = RUNNER.invoke(app, [*COMMON, *arguments])
    assert done.exit_code != 0
    assert said in str(done.exception)

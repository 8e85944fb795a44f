"""Desktop tools at the door: their catalog queries are answered or refused, and show no withheld value."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

pytestmark = pytest.mark.pg

OPENING = Path(__file__).parent / "clients" / "dbeaver_opening.sql"
SENTINEL = "Withheldia"  # stands in so many withheld rows that statistics would hold it


class Asked(NamedTuple):
    """A statement of a tool, and the SQLSTATE of its refusal, or an empty text."""

    statement: str
    refused: str


def read_opening() -> list[Asked]:
    found = []
    for piece in re.split(r";\n", OPENING.read_text(encoding="utf-8")):
        lines = piece.splitlines()
        refused = next(
            (line.removeprefix("-- refused ") for line in lines if line.startswith("-- refused ")), ""
        )
        statement = "\n".join(line for line in lines if not line.startswith("--")).strip()
        if statement:
            found.append(Asked(statement, refused))
    return found


@pytest.fixture
def withheld(up: Any) -> Iterator[None]:
    """Rows that no detective sees, as common as can be, with statistics about them."""
    with up.city() as dba:
        columns = (
            "last_name, first_name, birth_date, sex, height_cm, birthplace, street_address, phone, email"
        )
        dba.execute(
            f"INSERT INTO public.persons (person_id, {columns}, case_no, unit, sealed, juvenile, updated_at)"
            f" SELECT -g, '{SENTINEL}', '{SENTINEL}', birth_date, sex, height_cm, '{SENTINEL}', street_address, phone,"
            " email, 'none', 'nowhere', true, true, updated_at FROM public.persons, generate_series(1, 2000) g"
            " WHERE person_id = (SELECT min(person_id) FROM public.persons)"
        )
        dba.execute("ANALYZE public.persons")
        yield
        dba.execute("DELETE FROM public.persons WHERE person_id < 0")
        dba.execute("ANALYZE public.persons")


def test_there_is_something_to_show(up: Any, withheld: None) -> None:
    assert withheld is None
    common = "SELECT count(*) FROM pg_stats WHERE tablename = 'persons' AND most_common_vals::text LIKE %s"
    with up.city() as dba, up.connect() as session:
        assert dba.execute(common, [f"%{SENTINEL}%"]).fetchone() != (0,)
        found = "SELECT count(*) FROM persons WHERE last_name = %s"
        assert session.execute(found, [SENTINEL]).fetchone() == (0,)


@pytest.mark.parametrize("schema", ["public", "own"])
def test_what_dbeaver_and_pgadmin_ask_first_is_answered_or_refused_and_shows_nothing_withheld(
    up: Any, withheld: None, schema: str
) -> None:
    assert withheld is None
    asked = read_opening()
    assert len(asked) > 60
    named = "split_part(current_setting('search_path'), ',', 1)" if schema == "own" else "'public'"
    with up.connect() as session:
        # Their driver binds values on the server and keeps statements: the extended protocol.
        row = session.execute(
            "SELECT n.oid::int8, c.oid::int8 FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
            f" WHERE n.nspname = btrim({named}, '\"') AND c.relname = 'persons'"
        ).fetchone()
        values = {"database": "clear", "schema": row[0], "table": row[1]}
        for statement, refused in asked:
            said, shown = ask(session, statement, values)
            assert said == refused, statement
            assert SENTINEL not in shown, statement
            assert session.execute("SELECT 1").fetchone() == (1,), statement


def ask(session: psycopg.Connection[Any], statement: str, values: dict[str, Any]) -> tuple[str, str]:
    """Return the SQLSTATE of a refusal, and everything that was shown."""
    with session.cursor() as cursor:
        try:
            cursor.execute(statement.encode(), values, prepare=True)
        except psycopg.errors.Error as error:
            return error.sqlstate or "lost", str(error)
        return "", "" if cursor.description is None else repr(cursor.fetchall())


PSQL_COMMANDS = [
    r"\d", r"\d+", r"\d+ persons", r"\d+ public.persons", r"\dp", r"\dp public.*", r"\df", r"\df doorward.*", r"\dn+",
    r"\du", r"\dt *.*", r"\dv+", r"\sv persons", r"\dT", r"\dx", r"\dL", r"\db", r"\dy", r"\des", r"\ddp", r"\drds",
    r"\lo_list", r"\z", r"\conninfo", r"\encoding", r"\timing",
]  # fmt: skip


def test_what_psql_asks_for_its_commands_is_answered_and_shows_nothing_withheld(
    up: Any, withheld: None
) -> None:
    assert withheld is None
    for command in PSQL_COMMANDS:
        done = up.psql("-c", command)
        assert "ERROR" not in done.stderr, (command, done.stderr)
        assert SENTINEL not in done.stdout, command
    listed = up.psql("-c", r"\d")
    assert "|persons|view|" in listed.stdout


def test_the_list_of_databases_is_answered_as_the_server_would(up: Any) -> None:
    version = subprocess.run(["psql", "--version"], capture_output=True, text=True, check=True).stdout
    done = up.psql("-c", r"\l")
    if re.search(r"\) 1[56]\.", version):
        # An older psql names a column that PostgreSQL 17 has not: its own error, in one message.
        assert done.stderr.count("ERROR:  column d.daticulocale does not exist") <= 1
    else:
        assert "clear|" in done.stdout

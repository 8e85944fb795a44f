"""The stops of the tour: what each visitor asks of the running gateway, and what came.

Real clients only: psycopg and psql. Each stop connects under an application name of its own, by which its
entries are found in the record afterwards.
"""

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from doorward.cli.sample import CASE, CIVIL, DATABASE, OTHERS, PEOPLE, SamplePerson
from doorward.errors import DoorwardError

TABLES = ("persons", "incidents", "arrests", "field_contacts", "plate_reads", "cases")
CLIENT_SECONDS = 30
PERMITTED, REFUSED, WRONG_PASSWORD = "permit", "28000", "28P01"
REFUSAL_WORDS = ("refused:", "referred,", "state the purpose", "the purpose stated")
READ_WRITE = "SET default_transaction_read_only = off"  # anybody may; it must open nothing

# Each with what PostgreSQL or the gateway answers; SECURITY.md lists more of them with their tests.
ESCAPES = (
    ("SET ROLE to the door's own role", "SET ROLE doorward_admin", "42501"),
    ("set_config of the role", "SELECT set_config('role', 'postgres', false)", "42501"),
    ("SET SESSION AUTHORIZATION", "SET SESSION AUTHORIZATION postgres", "42501"),
    ("the base table, around the view", "SELECT count(*) FROM public.persons", "42501"),
    ("the birthplace column", "SELECT birthplace FROM persons LIMIT 1", "42703"),
    ("EXPLAIN ANALYZE", "EXPLAIN (ANALYZE) SELECT * FROM persons WHERE person_id = 1", "42501"),
    ("DO, to carry EXPLAIN inside", "DO $$ BEGIN PERFORM 1; END $$", "42501"),
    ("DROP OWNED", "DROP OWNED BY CURRENT_USER", "42501"),
    ("a temporary table", "CREATE TEMP TABLE t (a int)", "42501"),
    ("a write", "UPDATE persons SET phone = ''", "42501"),
    ("row_security off", "SET row_security = off; SELECT count(*) FROM persons", "42501"),
    ("the grants of others", "SELECT * FROM doorward.session_grant", "42501"),
    ("COPY to a program", "COPY (SELECT 1) TO PROGRAM 'cat'", "42501"),
    ("a large object", "SELECT lo_create(0)", "42501"),
    ("counts by statistics", "SELECT pg_stat_get_xact_tuples_fetched(1)", "42501"),
)


@dataclass(frozen=True, slots=True)
class Stop:
    """One line of the tour: who asked what, what the order says of it, and what came.

    ``clauses`` and ``entry`` are read from the record: the decision's, or None where it was not found there.
    """

    name: str
    who: str
    for_agency: str
    purpose: str
    asked: str
    expected: str
    came: str
    rows: str
    said: str
    clauses: str = ""
    entry: int | None = None

    @property
    def holds(self) -> bool:
        """True where the door did as the order says and the record has it."""
        return self.came == self.expected and self.entry is not None


class Visitors:
    """Everybody who comes to the door in one tour.

    Args:
        port: Of the gateway, on 127.0.0.1.
        tour: A word that stands in the application name of every stop.
    """

    def __init__(self, port: int, tour: str) -> None:
        self._port = port
        self._tour = tour
        self._count = 0

    def visit(self) -> Iterator[Stop]:
        """Yield each stop as it is played."""
        expected = (PERMITTED, PERMITTED, PERMITTED, REFUSED, REFUSED)
        for person, wanted in zip(PEOPLE, expected, strict=True):
            yield self._count_rows(person, wanted)
        detective = PEOPLE[0]
        for says, changed in (
            ("no purpose", {"purpose": ""}),
            ("a purpose that is no word", {"purpose": "curiosity"}),
            ("a closed case", {"case_no": "JH200002"}),
            ("a case of somebody else", {"case_no": "JH300003"}),
            ("an unknown case", {"case_no": "JH999999"}),
            ("a civil purpose", {"purpose": CIVIL}),
        ):
            person = dataclasses.replace(detective, **changed, says=f"the detective, {says}")
            yield self._count_rows(person, REFUSED)
        yield self._count_rows(OTHERS[0], REFUSED)
        stranger = dataclasses.replace(detective, password="wrong", says="a wrong password")  # noqa: S106  # wrong on purpose
        yield self._count_rows(stranger, WRONG_PASSWORD)
        for says, statement, wanted in ESCAPES:
            yield self._escape(says, statement, wanted)
        yield self._with_psql()

    def _next(self) -> str:
        self._count += 1
        return f"{self._tour}-{self._count}"

    def _connect(self, person: SamplePerson, name: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._port,
            user=person.login,
            password=person.password,
            dbname=DATABASE,
            options=person.options(),
            application_name=name,
            connect_timeout=CLIENT_SECONDS,
            sslmode="disable",
            autocommit=True,
        )

    def _count_rows(self, person: SamplePerson, expected: str) -> Stop:
        name = self._next()
        try:
            with self._connect(person, name) as connection:
                counts = []
                for table in TABLES:
                    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608  # our own list
                    counts.append(str(row[0] if row else 0))
            came, rows, said = PERMITTED, " ".join(counts), ""
        except psycopg.Error as error:
            came, said = _refusal(error)
            rows = "none"
        return self._stop(name, person, "all six tables", expected, came, rows=rows, said=said)

    def _escape(self, says: str, statement: str, expected: str) -> Stop:
        name, detective = self._next(), PEOPLE[0]
        try:
            with self._connect(detective, name) as connection:
                connection.execute(READ_WRITE)
                connection.execute(statement.encode())
            came, said = PERMITTED, ""
        except psycopg.Error as error:
            came, said = _refusal(error)
        escaping = dataclasses.replace(detective, says="the detective, escaping")
        return self._stop(name, escaping, says, expected, came, rows="none", said=said)

    def _with_psql(self) -> Stop:
        name, detective = self._next(), PEOPLE[0]
        command = [
            "psql",
            "-XAtq",
            "-h",
            "127.0.0.1",
            "-p",
            str(self._port),
            "-U",
            detective.login,
            "-d",
            DATABASE,
        ]
        stated = {"PGPASSWORD": detective.password, "PGOPTIONS": detective.options(), "PGAPPNAME": name}
        try:
            done = subprocess.run(  # noqa: S603  # the client that the panel names
                [*command, "-c", f"SELECT case_no FROM cases WHERE case_no = '{CASE}'"],  # noqa: S608  # our own number
                env={**os.environ, **stated, "PGSSLMODE": "disable"},
                capture_output=True,
                text=True,
                timeout=CLIENT_SECONDS,
                check=False,
            )
            came = PERMITTED if done.stdout.strip() == CASE else "?"
            said = " ".join(done.stderr.split()) if came == "?" else ""
        except FileNotFoundError:
            came, said = "?", "psql is not on this machine"
        except subprocess.TimeoutExpired as error:
            raise DoorwardError("psql got no answer in time") from error
        return self._stop(name, detective, "the own case, with psql", PERMITTED, came, rows="1", said=said)

    def _stop(
        self, name: str, person: SamplePerson, asked: str, expected: str, came: str, *, rows: str, said: str
    ) -> Stop:  # fmt: skip
        return Stop(name, person.says, person.for_agency, person.purpose, asked, expected, came, rows, said)


def _refusal(error: psycopg.Error) -> tuple[str, str]:
    text = " ".join(str(error).split())
    said = (
        text.rsplit("FATAL: ", 1)[-1]
        .strip()
        .split(" DETAIL:", 1)[0]
        .split(" HINT:", 1)[0]
        .split(" LINE 1:", 1)[0]
        .split(" CONTEXT:", 1)[0]
    )
    if error.sqlstate:
        return error.sqlstate, said
    # libpq keeps no SQLSTATE of a refused connection apart, so the gateway's own words tell which it was.
    if said.startswith("password authentication failed"):
        return WRONG_PASSWORD, said
    return (REFUSED if said.startswith(REFUSAL_WORDS) else "?"), said

"""An export by real clients: what the order says of it, at COPY and at volume, and what is recorded of it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from doorward.cli.sample import PEOPLE, SamplePerson
from doorward.gateway.exports import parse_export
from doorward.notes.note import Signer, format_verifier, parse_note, parse_verifier_key, verify_note
from doorward.record.entry import Field, Kind
from tests_support.plain_city import PlainCity, plain_city

pytestmark = pytest.mark.pg
DETECTIVE, CLERK, FBI = PEOPLE[:3]
COPY = "COPY (SELECT person_id, last_name FROM persons ORDER BY 1) TO STDOUT WITH (FORMAT csv)"
LIMITS = ("rows", "bytes", "statements_a_minute", "statement_seconds", "session_seconds", "export_rows")
NO_LIMITS = "".join(f"{name} = 0\n" for name in LIMITS)
FEW = NO_LIMITS.replace("export_rows = 0", "export_rows = 500")


@pytest.fixture(scope="module", name="city")
def city_fixture() -> Iterator[PlainCity]:
    with plain_city() as city:
        yield city


def copied(session: psycopg.Connection[tuple[object, ...]], question: str = COPY) -> bytes:
    with session.cursor() as cursor, cursor.copy(question) as copy:
        return b"".join(copy)


def copied_in_a_transaction(session: psycopg.Connection[tuple[object, ...]]) -> None:
    with session.transaction():
        session.execute("SELECT 1")
        copied(session)


class TestCopy:
    def test_a_federal_agent_may_query_and_is_refused_a_copy_with_the_public_sentence(
        self, city: PlainCity
    ) -> None:
        with city.limited(NO_LIMITS), city.connect(FBI) as session:
            assert session.execute("SELECT count(*) FROM persons").fetchone() is not None
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="an export is referred") as caught:
                copied(session)
            assert "law department" in (caught.value.diag.message_hint or "")
            assert session.execute("SELECT 1").fetchone() == (1,)  # the session goes on
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                copied_in_a_transaction(session)
            assert session.execute("SELECT 1").fetchone() == (1,)
            done = city.psql("-c", "\\copy (SELECT * FROM persons) TO '/dev/null'", person=FBI)
        assert (done.returncode, "an export is referred" in done.stderr) == (1, True)
        limits = [entry.get(Field.LIMIT) for entry in city.entries(Kind.COMPLETION)]
        assert limits.count(b"copy without export") == 3
        assert not city.entries(Kind.EXPORT)

    def test_a_city_login_copies_and_the_gateway_signs_what_left(self, city: PlainCity) -> None:
        with city.limited(NO_LIMITS), city.connect(CLERK) as session:
            data = copied(session)
            note = session.pgconn.parameter_status(b"doorward_export")
            told = session.pgconn.parameter_status(b"doorward_session")
            order = session.pgconn.parameter_status(b"doorward_order")
        verifier = parse_verifier_key(city.folders.export_verifier.read_text().strip())
        assert note is not None
        text = verify_note(parse_note(note), [verifier])
        facts = parse_export(text)
        assert facts["sha256"] == sha256(data).hexdigest()
        assert (facts["bytes"], facts["rows"], facts["columns"]) == (len(data), data.count(b"\n"), 2)
        assert (facts["login"], facts["purpose"]) == ("clerk", "records-service")
        assert facts["session"].encode() == told
        assert facts["order"].encode() == order
        assert any("withheld" in said for said in facts["withheld"])
        begun, ended = city.entries(Kind.EXPORT)
        assert (begun.get(Field.OUTCOME), begun.get(Field.CLAUSES)) == (b"outside", b"N0")
        assert ended.get(Field.MANIFEST) == sha256(text).hexdigest().encode()
        assert ended.session.hex() == facts["session"]
        assert ended.request == facts["request"]

    @pytest.mark.parametrize("form", ["text", "csv", "binary"])
    def test_each_format_is_signed_as_it_came(self, city: PlainCity, form: str) -> None:
        question = f"COPY (SELECT generate_series(1, 3000), 'a,\"b') TO STDOUT WITH (FORMAT {form})"
        with city.limited(NO_LIMITS), city.connect() as session:
            data = copied(session, question)
            facts = parse_export(parse_note(session.pgconn.parameter_status(b"doorward_export") or b"").text)
        assert facts["sha256"] == sha256(data).hexdigest()
        assert facts["rows"] == 3000
        assert facts["format"] == ("binary" if form == "binary" else "text")

    def test_psql_copies_a_query_into_a_file(self, city: PlainCity, tmp_path: Path) -> None:
        target = tmp_path / "out.csv"
        with city.limited(NO_LIMITS):
            done = city.psql("-c", f"\\copy (SELECT case_no FROM cases LIMIT 7) TO '{target}' csv")
        assert (done.returncode, "ERROR" in done.stderr) == (0, False)
        assert len(target.read_text().splitlines()) == 7

    def test_a_copy_of_the_extended_protocol_is_refused_and_the_rest_of_its_batch_skipped(
        self, city: PlainCity
    ) -> None:
        with city.limited(NO_LIMITS), city.connect(FBI) as session:
            session.pgconn.send_query_params(COPY.encode(), None)
            result = session.pgconn.get_result()
            while result is None:
                result = session.pgconn.get_result()
            assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"42501"
            while session.pgconn.get_result() is not None:
                pass
            assert session.execute("SELECT 1").fetchone() == (1,)


class TestVolume:
    def test_rows_beyond_the_threshold_need_what_an_export_needs(self, city: PlainCity) -> None:
        with city.limited(FEW), city.connect(FBI) as session:
            assert len(session.execute("SELECT generate_series(1, 500)").fetchall()) == 500
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="an export is referred"):
                session.execute("SELECT 1").fetchall()
        limits = [entry.get(Field.LIMIT) for entry in city.entries(Kind.COMPLETION)]
        assert limits.count(b"rows of a day without export") == 1

    def test_a_select_that_crosses_it_ends_at_the_last_row_that_is_no_export(self, city: PlainCity) -> None:
        refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with city.limited(FEW), city.connect(FBI) as session, refused:
            session.execute("SELECT generate_series(1, 100000)").fetchall()
        ended = [entry for entry in city.entries(Kind.COMPLETION) if entry.get(Field.LIMIT)][-1]
        assert ended.get(Field.ROWS) == b"500"

    def test_a_city_login_goes_on_and_the_record_says_that_an_export_began(self, city: PlainCity) -> None:
        with city.limited(FEW), city.connect() as session:
            assert len(session.execute("SELECT generate_series(1, 5000)").fetchall()) == 5000
            session.execute("SELECT generate_series(1, 10)").fetchall()
        assert [entry.get(Field.REASON) for entry in city.entries(Kind.EXPORT)] == [b"rows of a day"]


UNTIL = "2099-12-31"
ALL_TYPES = """
SELECT 1::int2 AS small, 2::int4 AS whole, 3::int8 AS large, 1.5::float8 AS "real one", 12.30::numeric(6,2) AS money,
  123456789012345678901234567890.5::numeric AS digits, true AS yes, date '2026-03-04' AS day,
  timestamp '2026-03-04 05:06:07.5' AS moment, timestamptz '2026-03-04 05:06:07+02' AS instant,
  'a,"b
c' AS words, '' AS empty, NULL::text AS nothing, NULL::int4 AS no_number, '\\xdead00'::bytea AS raw,
  ARRAY[1,2] AS list, 'c0ffee00-0000-4000-8000-000000000001'::uuid AS id -- with a comment
"""


def command(
    city: PlainCity, *arguments: str, sql: str = "", person: SamplePerson = CLERK
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "doorward", "export", *arguments],
        env=city.environment(person), capture_output=True, text=True, check=False, timeout=120, input=sql,
    )  # fmt: skip


def asked(city: PlainCity, out: Path, person: SamplePerson = CLERK) -> list[str]:
    stated = [("purpose", person.purpose), ("case", person.case_no), ("for", person.for_agency)]
    claims = [word for name, value in stated if value for word in (f"--{name}", value)]
    return [
        "--config", str(city.config), "--user", person.login, *claims, "--sql", "-", "--out", str(out),
        "--until", UNTIL,
    ]  # fmt: skip


@pytest.fixture(scope="class", name="door")
def door_fixture(city: PlainCity) -> Iterator[PlainCity]:
    with city.limited(NO_LIMITS) as running:
        yield running


class TestCommand:
    def test_a_csv_is_the_data_that_the_gateway_signed(self, door: PlainCity, tmp_path: Path) -> None:
        out = tmp_path / "out.csv"
        done = command(door, *asked(door, out), sql="SELECT person_id, last_name FROM persons ORDER BY 1;")
        assert done.returncode == 0, done.stderr
        rows = list(csv.reader(out.read_text().splitlines()))
        assert rows[0] == ["person_id", "last_name"]
        assert f"exported: {len(rows) - 1} rows" in done.stdout
        assert "withheld: persons: rows may be withheld" in done.stdout
        assert [file.name for file in sorted(tmp_path.iterdir())] == ["out.csv", "out.csv.manifest.json"]
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
        held = command(door, "verify", str(out), "--config", str(door.config))
        assert held.returncode == 0, held.stderr
        assert "this file, byte by byte" in held.stdout
        assert f"keep until {UNTIL}" in held.stdout
        again = command(door, *asked(door, out), sql="SELECT 1")
        assert (again.returncode, "is there already" in again.stderr) == (2, True)

    def test_parquet_has_the_types_of_the_server(self, door: PlainCity, tmp_path: Path) -> None:
        import duckdb

        out = tmp_path / "out.parquet"
        done = command(door, *asked(door, out), sql=ALL_TYPES)
        assert done.returncode == 0, done.stderr
        with duckdb.connect() as connection:
            read = connection.read_parquet(str(out))
            assert dict(zip(read.columns, map(str, read.types), strict=True)) == {
                "small": "SMALLINT", "whole": "INTEGER", "large": "BIGINT", "real one": "DOUBLE",
                "money": "DECIMAL(6,2)", "digits": "VARCHAR", "yes": "BOOLEAN", "day": "DATE",
                "moment": "TIMESTAMP", "instant": "TIMESTAMP WITH TIME ZONE", "words": "VARCHAR",
                "empty": "VARCHAR", "nothing": "VARCHAR", "no_number": "INTEGER", "raw": "BLOB", "list": "VARCHAR",
                "id": "UUID",
            }  # fmt: skip
            row = dict(zip(read.columns, read.fetchall()[0], strict=True))
        assert (row["money"], row["digits"]) == (Decimal("12.30"), "123456789012345678901234567890.5")
        assert (row["day"], row["instant"]) == (
            date(2026, 3, 4), datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC),
        )  # fmt: skip
        assert (row["words"], row["empty"], row["nothing"], row["no_number"]) == ('a,"b\nc', "", None, None)
        assert (row["raw"], row["list"]) == (b"\xde\xad\x00", "{1,2}")
        columns = json.loads((tmp_path / "out.parquet.manifest.json").read_text())["columns"]
        assert {"name": "money", "type": "numeric(6,2)"} in columns
        held = command(door, "verify", str(out), "--config", str(door.config))
        assert (held.returncode, "the rows that this file was made from" in held.stdout) == (0, True)

    @pytest.mark.parametrize("part", ["file", "until", "statement", "note", "key", "columns"])
    def test_what_was_changed_afterwards_does_not_verify(
        self, door: PlainCity, tmp_path: Path, part: str
    ) -> None:
        out = tmp_path / "out.csv"
        assert command(door, *asked(door, out), sql="SELECT 1 AS one").returncode == 0
        manifest = tmp_path / "out.csv.manifest.json"
        found = json.loads(manifest.read_text())
        key = ["--config", str(door.config)]
        if part == "file":
            out.write_text("one\n2\n")
            found["file"]["sha256"] = sha256(out.read_bytes()).hexdigest()
        elif part == "until":
            found["statement"] = found["statement"].replace(UNTIL, "2999-12-31")
        elif part == "statement":
            found["statement"] = found["statement"].replace("SELECT 1", "SELECT 2")
        elif part == "note":
            found["note"] = found["note"].replace('"clerk"', '"nobody"')
        elif part == "columns":
            found["columns"] *= 2
        else:
            own = parse_verifier_key(door.folders.export_verifier.read_text().strip())
            key = [
                "--key",
                format_verifier(replace(own, public_key=Signer.make("x", b"k" * 32).verifier.public_key)),
            ]
        manifest.write_text(json.dumps(found))
        done = command(door, "verify", str(out), *key)
        assert done.returncode == 1, (done.stdout, done.stderr)

    def test_the_door_says_no_with_its_own_words_and_nothing_is_left(
        self, door: PlainCity, tmp_path: Path
    ) -> None:
        done = command(door, *asked(door, tmp_path / "out.csv", FBI), sql="SELECT 1", person=FBI)
        assert done.returncode == 1
        assert "an export is referred" in done.stderr
        wrong = [*asked(door, tmp_path / "out.csv"), "--purpose", "curiosity"]
        done = command(door, *wrong, sql="SELECT 1")
        assert (done.returncode, "no word of the order" in done.stderr) == (1, True)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            (["--out", "x.xlsx"], "must end in"),
            (["--until", "soon"], "takes a day"),
            (["--until", "2020-01-01"], "is over"),
            (["--dsn", "host=localhost password=secret"], "a password in an argument"),
            (["--out", "/nowhere/at/all.csv"], "there is no folder"),
        ],
    )
    def test_a_wrong_argument_is_told(
        self, door: PlainCity, tmp_path: Path, changed: list[str], said: str
    ) -> None:
        done = command(door, *asked(door, tmp_path / "out.csv"), *changed, sql="SELECT 1")
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert "secret" not in done.stderr

    @pytest.mark.parametrize("sql", ["SELECT nonsense", "SELECT 1; SELECT 2", "SET timezone = 'UTC'", ""])
    def test_what_is_no_query_is_told(self, door: PlainCity, tmp_path: Path, sql: str) -> None:
        done = command(door, *asked(door, tmp_path / "out.csv"), sql=sql)
        assert done.returncode == 2, done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_killed_in_the_middle_no_file_bears_the_name(self, door: PlainCity, tmp_path: Path) -> None:
        out = tmp_path / "out.csv"
        child = subprocess.Popen(
            [sys.executable, "-m", "doorward", "export", *asked(door, out)],
            env=door.environment(CLERK), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert child.stdin is not None
        child.stdin.write(b"SELECT repeat('x', 500) FROM generate_series(1, 100000000)")
        child.stdin.close()
        draft = tmp_path / "out.csv.partial"
        while not (draft.exists() and draft.stat().st_size > 1_000_000):
            assert child.poll() is None
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert not out.exists()
        assert command(door, *asked(door, out), sql="SELECT 1").returncode == 0
        assert [file.name for file in sorted(tmp_path.iterdir())] == ["out.csv", "out.csv.manifest.json"]

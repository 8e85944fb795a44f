"""Five people with ordinary clients, and what each sees or reads in the refusal."""

import dataclasses
import re
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import CASE, CIVIL, OTHERS, PEOPLE, SamplePerson

pytestmark = pytest.mark.pg

DETECTIVE, CLERK, FBI, ERO, SIDE_DOOR = PEOPLE
TABLES = ("persons", "incidents", "arrests", "field_contacts", "plate_reads", "cases")


def refused(up: Any, person: SamplePerson, **changed: Any) -> str:
    """The whole text that a refused client reads, by psql, since that is what people see."""
    done = up.psql("-c", "SELECT 1", person=dataclasses.replace(person, **changed))
    assert done.returncode == 2, done.stdout
    assert "FATAL" in done.stderr
    return str(done.stderr)


def columns(session: psycopg.Connection[Any], table: str) -> set[str]:
    cursor = session.execute(f"SELECT * FROM {table} LIMIT 0".encode())
    return {column.name for column in cursor.description or []}


def test_a_detective_sees_the_columns_of_the_order_and_birthplace_is_not_among_them(up: Any) -> None:
    with up.connect(DETECTIVE) as session:
        seen = columns(session, "persons")
    assert {"last_name", "phone", "street_address"} <= seen
    assert "birthplace" not in seen


def test_a_detective_sees_sealed_rows_of_the_own_case_only(up: Any) -> None:
    with up.connect(DETECTIVE) as session:
        found = session.execute("SELECT DISTINCT case_no FROM incidents WHERE sealed").fetchall()
    assert found == [(CASE,)]


def test_a_records_clerk_sees_fewer_columns_and_a_masked_one(up: Any) -> None:
    with up.connect(DETECTIVE) as session:
        wide = columns(session, "persons")
    with up.connect(CLERK) as session:
        narrow = columns(session, "persons")
        born = session.execute("SELECT DISTINCT birth_date::text FROM persons LIMIT 50").fetchall()
    assert narrow < wide
    assert not {"phone", "email", "street_address", "birthplace"} & narrow
    assert all(re.fullmatch(r"\d{4}(-01-01)?", text) for (text,) in born)


def test_an_fbi_agent_sees_what_the_order_leaves_open(up: Any) -> None:
    with up.connect(FBI) as session:
        assert session.execute("SELECT count(*) > 0 FROM incidents").fetchone() == (True,)
        assert session.execute("SELECT count(*) FROM incidents WHERE case_no = '' AND false").fetchone() == (
            0,
        )
        assert not {"phone", "birthplace"} & columns(session, "persons")


def test_an_agency_without_an_agreement_is_referred_and_learns_nothing_of_the_register(up: Any) -> None:
    said = refused(up, OTHERS[0])
    assert "referred" in said
    assert "law department" in said
    assert "agreement" not in said
    assert OTHERS[0].case_no not in said


def test_an_ice_ero_officer_is_refused_with_a_public_clause_and_a_contact(up: Any) -> None:
    said = refused(up, ERO)
    assert re.search(r"clause [A-Z]\w+", said)
    assert "law department" in said


def test_the_side_door_is_refused_with_clause_and_sentence(up: Any) -> None:
    said = refused(up, SIDE_DOOR)
    assert "C20a0" in said
    assert "refused:" in said


@pytest.mark.parametrize("purpose", ["", "curiosity"])
def test_without_a_purpose_the_option_and_the_page_are_named_and_no_purpose_is_proposed(
    up: Any, purpose: str
) -> None:
    said = refused(up, DETECTIVE, purpose=purpose)
    assert "doorward.purpose" in said
    assert "order-chicago" in said
    for word in ("criminal-investigation", "records-service", CIVIL):
        assert word not in said


def test_a_case_unknown_closed_or_of_another_is_refused_with_one_text(up: Any) -> None:
    said = {refused(up, DETECTIVE, case_no=case_no) for case_no in ("JH999999", "JH200002", "JH300003", "")}
    assert len(said) == 1


def test_the_sqlstate_of_a_refusal_is_28000(up: Any) -> None:
    done = up.psql("-v", "VERBOSITY=verbose", "-c", "SELECT 1", person=ERO)
    connection = psycopg.pq.PGconn.connect_start(
        f"host=127.0.0.1 port={up.port} user={ERO.login} password={ERO.password} dbname=clear sslmode=disable"
        f" options='{ERO.options()}'".encode()
    )
    while connection.connect_poll() not in {psycopg.pq.PollingStatus.FAILED, psycopg.pq.PollingStatus.OK}:
        pass
    assert b"refused" in connection.error_message
    assert done.returncode == 2


def test_a_notice_a_table_says_what_may_be_withheld_and_never_how_many(up: Any) -> None:
    done = up.psql("-c", "SELECT 1", person=CLERK)
    notices = [line for line in done.stderr.splitlines() if line.startswith("NOTICE")]
    assert len(notices) >= 5
    assert all("withheld under" in line or "closed under" in line for line in notices)
    assert not any(re.search(r"\b\d+ rows", line) for line in notices)


class TestClients:
    def test_star_and_table_and_whole_rows_work(self, up: Any) -> None:
        with up.connect() as session:
            for text in (
                "SELECT * FROM cases LIMIT 1",
                "TABLE cases LIMIT 1",
                "SELECT cases FROM cases LIMIT 1",
            ):
                assert session.execute(text).fetchone()

    def test_describing_and_listing_in_psql_work(self, up: Any) -> None:
        done = up.psql("-c", "\\d", "-c", "\\d persons", "-c", "\\d+ incidents")
        assert done.returncode == 0
        assert "last_name" in done.stdout

    def test_tab_completion_finds_the_tables(self, up: Any) -> None:
        with up.connect() as session:
            found = session.execute(
                "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relkind IN ('v', 'r')"
                " AND pg_catalog.pg_table_is_visible(c.oid) AND c.relname LIKE 'pers%'"
            ).fetchall()
        assert ("persons",) in found

    def test_copy_of_a_query_works(self, up: Any) -> None:
        question = "COPY (SELECT case_no FROM cases LIMIT 7) TO STDOUT"
        with up.connect() as session, session.cursor() as cursor, cursor.copy(question) as copy:
            assert len(list(copy.rows())) == 7

    def test_copy_of_a_view_fails_with_the_hint_that_names_what_works(self, up: Any) -> None:
        done = up.psql("-c", "\\copy persons TO '/dev/null'")
        assert "\\copy (SELECT * FROM name)" in done.stderr

    def test_a_pipeline_and_a_server_side_cursor_work(self, up: Any) -> None:
        with up.connect(autocommit=False) as session:
            with session.pipeline():
                results = [session.execute("SELECT %s::int", [number]) for number in range(200)]
            assert [result.fetchone()[0] for result in results] == list(range(200))
            with session.cursor("c") as cursor:
                cursor.execute("SELECT read_id FROM plate_reads")
                assert len(cursor.fetchmany(10)) == 10

    def test_a_new_purpose_is_a_new_connection_in_psql(self, up: Any) -> None:
        again = "\\c -reuse-previous=on \"options='-c doorward.purpose=records-service'\""
        done = up.psql("-c", again)
        assert "refused" in done.stderr or "referred" in done.stderr

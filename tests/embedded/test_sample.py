"""The sample database: the same each time, whole or absent, and what the tour builds on is in it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.sample import (
    APPLICATION,
    DATABASE,
    UNFINISHED,
    SampleSizes,
    create_sample,
    sample_digest,
)
from doorward.embedded.synthetic import SampleRows
from doorward.errors import ClusterError, ConfigError

pytestmark = pytest.mark.pg

SMALL = SampleSizes(2000, 3000, 2000, 1500, 4000, 500)
# Changing the generator changes every worked figure that was shown to anybody: do it knowingly.
SMALL_DIGEST = "4381d560b24b9867c1f113fdfec73a30a9be6d621586d5ca1ffa4b5c63723221"
PASSWORD = "not-a-secret-of-anybody"
TABLES = ("persons", "incidents", "arrests", "field_contacts", "plate_reads", "cases")
FLAGGED = ("persons", "incidents", "arrests", "field_contacts")


@pytest.fixture(scope="module")
def small(folders: Callable[[], Path], new_port: Callable[[], int]) -> Iterator[Cluster]:
    """A server of its own, because some tests drop the database."""
    cluster = Cluster(city_spec(folders() / "data", new_port()))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def fresh(small: Cluster) -> Cluster:
    """The server without the sample."""
    with psycopg.connect(admin(small), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"DROP DATABASE IF EXISTS {UNFINISHED} WITH (FORCE)")
    return small


@pytest.fixture(scope="module")
def full(city: Cluster) -> Cluster:
    """The server with the sample in its full size."""
    begun, cpu = time.monotonic(), time.process_time()
    create_sample(admin(city), app_password=PASSWORD)
    print(f"sample: {time.monotonic() - begun:.2f} s, {time.process_time() - cpu:.2f} s of it our own CPU")
    return city


def admin(cluster: Cluster) -> str:
    return cluster.dsn(user="postgres", dbname="postgres")


def rows(cluster: Cluster, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(cluster.dsn(user="postgres", dbname=DATABASE)) as connection:
        return connection.execute(statement).fetchall()


def databases(cluster: Cluster) -> set[str]:
    with psycopg.connect(admin(cluster)) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.parametrize(
    ("table", "count"),
    list(zip(TABLES, (40_000, 100_000, 50_000, 30_000, 200_000, 4_000), strict=True)),
)
def test_each_table_has_its_rows(full: Cluster, table: str, count: int) -> None:
    assert rows(full, f"SELECT count(*) FROM {table}") == [(count,)]


def test_the_cases_of_the_tour(full: Cluster) -> None:
    fixed = rows(
        full,
        "SELECT case_no, kind, status, assigned_to, unit FROM cases "
        "WHERE case_no IN ('JH123456', 'JH200002', 'JH300003', 'JH999999') ORDER BY case_no",
    )
    assert fixed == [
        ("JH123456", "criminal", "open", "detective", "area-1"),
        ("JH200002", "criminal", "closed", "detective", "area-1"),
        ("JH300003", "criminal", "open", "other.detective", "area-1"),
    ]


@pytest.mark.parametrize("table", FLAGGED)
def test_some_rows_of_the_open_case_are_sealed_and_some_juvenile(full: Cluster, table: str) -> None:
    ((plain, sealed, juvenile, both),) = rows(
        full,
        f"SELECT count(*) FILTER (WHERE NOT sealed AND NOT juvenile), count(*) FILTER (WHERE sealed), "
        f"count(*) FILTER (WHERE juvenile), count(*) FILTER (WHERE sealed AND juvenile) "
        f"FROM {table} WHERE case_no = 'JH123456'",
    )
    assert isinstance(plain, int)
    assert plain >= 8
    assert isinstance(sealed, int)
    assert 4 <= sealed <= 12
    assert isinstance(juvenile, int)
    assert 4 <= juvenile <= 12
    assert both


@pytest.mark.parametrize("table", FLAGGED)
def test_the_shares_of_sealed_and_juvenile_rows(full: Cluster, table: str) -> None:
    ((sealed, juvenile),) = rows(
        full, f"SELECT avg(sealed::int)::float, avg(juvenile::int)::float FROM {table}"
    )
    assert sealed == pytest.approx(0.03, abs=0.005)
    assert juvenile == pytest.approx(0.04, abs=0.005)


@pytest.mark.parametrize(
    ("nothing", "statement"),
    [
        (
            "orphaned reporter",
            "incidents i LEFT JOIN persons p ON p.person_id = reporting_person_id WHERE p IS NULL",
        ),
        ("orphaned arrest", "arrests a LEFT JOIN persons p USING (person_id) WHERE p IS NULL"),
        ("arrest without incident", "arrests a LEFT JOIN incidents i USING (incident_id) WHERE i IS NULL"),
        ("contact of nobody", "field_contacts c LEFT JOIN persons p USING (person_id) WHERE p IS NULL"),
        (
            "arrest of another case",
            "arrests a JOIN incidents i USING (incident_id) WHERE a.case_no <> i.case_no",
        ),
        (
            "juvenile arrest of an adult",
            "arrests a JOIN persons p USING (person_id) WHERE a.juvenile <> p.juvenile",
        ),
        ("grown juvenile", "persons WHERE juvenile AND birth_date + interval '18 years' <= '2025-12-31'"),
        ("young adult", "persons WHERE NOT juvenile AND birth_date + interval '18 years' > '2021-01-01'"),
        ("real-looking name", "persons WHERE last_name !~ '^[A-Z][a-z]+-[A-Z][a-z]+$'"),
        ("real telephone", "persons WHERE phone !~ '^555-01[0-9]{2}$'"),
        ("real mailbox", "persons WHERE email !~ '@example[.]org$'"),
        ("real plate", "plate_reads WHERE plate !~ '^SMPL-[0-9]{5}$'"),
        ("camera on land", "plate_reads WHERE longitude < -87.46 OR longitude > -87.32"),
        ("wrong lower name", "persons WHERE name_lower <> lower(last_name || ', ' || first_name)"),
        ("release before arrest", "arrests WHERE released_at < arrested_at"),
        (
            "case number of no case",
            "incidents LEFT JOIN cases c USING (case_no) WHERE case_no <> '' AND c IS NULL",
        ),
    ],
)
def test_no_row_is(full: Cluster, nothing: str, statement: str) -> None:
    assert rows(full, f"SELECT count(*) FROM {statement}") == [(0,)], nothing


def test_birthplace_is_there_and_sometimes_null(full: Cluster) -> None:
    ((share,),) = rows(full, "SELECT avg((birthplace IS NULL)::int)::float FROM persons")
    assert share == pytest.approx(0.7, abs=0.02)


def test_the_foreign_keys_hold_for_whoever_writes(full: Cluster) -> None:
    with psycopg.connect(full.dsn(user="postgres", dbname=DATABASE)) as connection:
        for statement in (
            "UPDATE arrests SET person_id = 9999999 WHERE arrest_id = 1",
            "UPDATE arrests SET incident_id = 9999999 WHERE arrest_id = 1",
            "UPDATE incidents SET reporting_person_id = 9999999 WHERE incident_id = 1",
            "UPDATE field_contacts SET person_id = 9999999 WHERE contact_id = 1",
        ):
            with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
                connection.execute(statement)


def test_every_column_but_the_few_named_is_not_null(full: Cluster) -> None:
    nullable = rows(
        full,
        "SELECT table_name || '.' || column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND is_nullable = 'YES' ORDER BY 1",
    )
    assert nullable == [("arrests.released_at",), ("cases.closed_at",), ("persons.birthplace",)]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("persons", {"person_id", "name_lower", "case_no", "unit", "updated_at"}),
        ("incidents", {"incident_id", "case_no", "unit", "occurred_at"}),
        ("arrests", {"arrest_id", "case_no", "unit", "arrested_at", "released_at"}),
        ("field_contacts", {"contact_id", "case_no", "unit", "contacted_at"}),
        ("plate_reads", {"read_id", "plate", "case_no", "unit", "read_at"}),
        ("cases", {"case_no", "unit", "opened_at", "closed_at"}),
    ],
)
def test_the_columns_that_are_searched_have_an_index(full: Cluster, table: str, columns: set[str]) -> None:
    indexed = rows(
        full,
        f"SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
        f"WHERE indrelid = '{table}'::regclass",
    )
    assert columns <= {str(row[0]) for row in indexed}


def test_the_application_reads_and_writes_and_the_group_reads(full: Cluster) -> None:
    rights = rows(
        full,
        "SELECT grantee, string_agg(DISTINCT privilege_type, ' ' ORDER BY privilege_type), count(DISTINCT table_name) "
        "FROM information_schema.role_table_grants WHERE table_schema = 'public' GROUP BY grantee ORDER BY grantee",
    )
    assert rights == [
        ("analyst_ro", "SELECT", 6),
        ("clear_owner", "DELETE INSERT REFERENCES SELECT TRIGGER TRUNCATE UPDATE", 6),
        ("records_app", "INSERT SELECT UPDATE", 6),
    ]
    attributes = rows(
        full,
        "SELECT rolname, rolcanlogin, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles "
        "WHERE rolname IN ('clear_owner', 'records_app', 'analyst_ro') ORDER BY 1",
    )
    assert attributes == [
        ("analyst_ro", False, False),
        ("clear_owner", False, False),
        ("records_app", True, False),
    ]
    dsn = full.dsn(user=APPLICATION, dbname=DATABASE)
    with psycopg.connect(dsn, password=PASSWORD) as connection:
        changed = connection.execute("UPDATE persons SET unit = unit WHERE person_id = 1")
        assert changed.rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM persons WHERE person_id = 1")


def test_what_postgresql_grants_to_public_is_as_it_was(full: Cluster) -> None:
    ((database, schema, language),) = rows(
        full,
        "SELECT (SELECT datacl::text FROM pg_database WHERE datname = 'clear'), "
        "(SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'), "
        "(SELECT lanacl::text FROM pg_language WHERE lanname = 'plpgsql')",
    )
    assert database is None
    assert schema == "{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}"
    assert language is None


def test_a_second_run_changes_only_the_password(full: Cluster) -> None:
    before = rows(
        full, "SELECT oid, pg_current_wal_insert_lsn() > '0/0' FROM pg_database WHERE datname = 'clear'"
    )
    create_sample(admin(full), app_password="another-one")
    assert rows(full, "SELECT oid, true FROM pg_database WHERE datname = 'clear'") == before
    with psycopg.connect(full.dsn(user=APPLICATION, dbname=DATABASE), password="another-one"):
        pass
    create_sample(admin(full), app_password=PASSWORD)


def test_the_same_seed_gives_the_same_bytes(fresh: Cluster) -> None:
    create_sample(admin(fresh), rows=SMALL)
    digest = sample_digest(fresh.dsn(user="postgres", dbname=DATABASE))
    assert digest == SMALL_DIGEST


def test_another_seed_gives_other_bytes() -> None:
    def everything(seed: int) -> bytes:
        return b"".join(data for table in SampleRows(seed, SMALL).tables() for _, data in table.chunks)

    assert everything(1) == everything(1) != everything(2)


def test_a_changed_value_changes_the_digest(fresh: Cluster) -> None:
    create_sample(admin(fresh), rows=SMALL)
    dsn = fresh.dsn(user="postgres", dbname=DATABASE)
    before = sample_digest(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE plate_reads SET hit = NOT hit WHERE read_id = 4000")
    assert sample_digest(dsn) != before


def test_progress_ends_with_every_table_whole(fresh: Cluster) -> None:
    seen: dict[str, tuple[int, int]] = {}

    def note(table: str, done: int, total: int) -> None:
        assert done > seen.get(table, (0, 0))[0]
        seen[table] = (done, total)

    create_sample(admin(fresh), rows=SMALL, progress=note)
    assert set(seen) == set(TABLES)
    assert all(done == total for done, total in seen.values())


@pytest.mark.parametrize("moment", ["persons", "plate_reads"])
def test_a_run_killed_in_the_middle_leaves_no_database_and_the_next_makes_it(
    fresh: Cluster, moment: str
) -> None:
    script = """
import sys, time
from doorward.embedded.sample import SampleSizes, create_sample
def note(table, done, total):
    if table == sys.argv[2] and done == total:
        print("here", flush=True)
        time.sleep(600)
create_sample(sys.argv[1], rows=SampleSizes(2000, 3000, 2000, 1500, 4000, 500), progress=note)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, admin(fresh), moment], stdout=subprocess.PIPE, text=True
    ) as builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "here\n"
        builder.send_signal(signal.SIGKILL)
    assert DATABASE not in databases(fresh)
    assert UNFINISHED in databases(fresh)
    create_sample(admin(fresh), rows=SMALL)
    assert sample_digest(fresh.dsn(user="postgres", dbname=DATABASE)) == SMALL_DIGEST
    assert UNFINISHED not in databases(fresh)


def test_a_size_below_the_fixed_rows_is_refused(city: Cluster) -> None:
    with pytest.raises(ConfigError, match="table `arrests` of the sample needs at least 100 rows"):
        create_sample(admin(city), rows=SampleSizes(arrests=99))


def test_a_server_that_refuses_is_a_named_error(fresh: Cluster) -> None:
    with psycopg.connect(admin(fresh), autocommit=True) as connection:
        connection.execute("CREATE ROLE weak LOGIN PASSWORD 'not-a-secret'")
    with pytest.raises(ClusterError, match="PostgreSQL said 42501"):
        create_sample(fresh.dsn(user="weak", dbname="postgres") + " password=not-a-secret", rows=SMALL)
    with pytest.raises(ClusterError, match="could not be read"):
        sample_digest(admin(fresh))

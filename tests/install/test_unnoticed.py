"""The city's own programs while an order is installed and afterwards: none notices, or the install said so first."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import errors

from doorward.embedded.launcher import Cluster, find_binaries
from doorward.errors import InstallError
from doorward.install.install import Terms, install, plan_install
from doorward.install.keepers import find_unkept
from doorward.install.stops import Declared, Mode
from doorward.install.uninstall import uninstall
from doorward.orders.load import Pack
from doorward.policy.scopes import ScopeBook

pytestmark = pytest.mark.pg
Connection = psycopg.Connection[Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SAME = (
    b"SELECT count(*), min(assigned_to), max(case_no) FROM cases",
    b"SELECT count(*), count(*) FILTER (WHERE sealed) FROM persons",
)
DECLARED = Declared(neither=("records_app",))


def put(city: Connection, pack: Pack, book: ScopeBook, **terms: Any) -> None:
    install(
        city, pack, book, Terms(terms.pop("declared", DECLARED), **({"lock_seconds": 20} | terms)), now=NOW
    )


@contextmanager
def role(city: Connection, name: str, *statements: str) -> Iterator[None]:
    """A role of the city, gone at the end."""
    city.execute(f"CREATE ROLE {name} LOGIN".encode())
    try:
        for statement in statements:
            city.execute(statement.encode())
        yield
    finally:
        uninstall(city)
        city.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}".encode())


def as_role(city: Connection, name: str, statement: str) -> Any:
    city.execute(f"SET ROLE {name}".encode())
    try:
        cursor = city.execute(statement.encode())
        return cursor.fetchone() if cursor.description else cursor.statusmessage
    finally:
        city.execute("RESET ROLE")


def every_person(city: Connection) -> Any:
    return city.execute("SELECT count(*) FROM persons").fetchone()


class TestWhileItRuns:
    def test_a_writer_at_work_loses_nothing(
        self, cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        stop, waits, failures = threading.Event(), [], []

        def write() -> None:
            with psycopg.connect(cluster.dsn(user="postgres", dbname="clear"), autocommit=True) as app:
                app.execute("SET SESSION AUTHORIZATION records_app")
                number = 0
                while not stop.is_set():
                    started = time.monotonic()
                    try:
                        with app.transaction():
                            app.execute(
                                "UPDATE persons SET phone = %s WHERE person_id = 7", [f"555-{number}"]
                            )
                            seen = app.execute("SELECT phone FROM persons WHERE person_id = 7").fetchone()
                            if seen != (f"555-{number}",):
                                failures.append(str(seen))
                    except psycopg.Error as error:
                        failures.append(str(error))
                    waits.append(time.monotonic() - started)
                    number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            put(city, pack, book)
        finally:
            stop.set()
            writer.join(20)
        assert failures == []
        assert len(waits) > 20

    @pytest.mark.usefixtures("city")
    def test_an_open_transaction_is_waited_for_in_short_turns_and_others_pass(
        self, cluster: Cluster, pack: Pack, book: ScopeBook
    ) -> None:
        done: list[Any] = []
        with psycopg.connect(cluster.dsn(user="postgres", dbname="clear")) as reader:
            reader.execute("SELECT count(*) FROM persons")

            def work() -> None:
                with psycopg.connect(cluster.dsn(user="postgres", dbname="clear"), autocommit=True) as dba:
                    put(dba, pack, book)
                    done.append(True)

            installer = threading.Thread(target=work)
            installer.start()
            time.sleep(1.5)
            with psycopg.connect(cluster.dsn(user="postgres", dbname="clear"), autocommit=True) as other:
                other.execute("SET statement_timeout = '3s'")
                for _ in range(20):
                    other.execute("SELECT count(*) FROM persons")
                    time.sleep(0.02)
            assert not done
            reader.rollback()
        installer.join(30)
        assert done == [True]

    def test_a_table_that_is_never_free_is_named_with_who_holds_it(
        self, cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        with psycopg.connect(cluster.dsn(user="postgres", dbname="clear")) as reader:
            reader.execute("SELECT count(*) FROM persons")
            with pytest.raises(InstallError, match=r"persons stayed locked for 1 s: held by pid \d+ of `pos"):
                put(city, pack, book, lock_seconds=1)
            reader.rollback()
        put(city, pack, book)

    def test_two_installs_at_once_are_one(
        self, cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        with psycopg.connect(cluster.dsn(user="postgres", dbname="clear"), autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(%s)", [0x646F6F72])
            with pytest.raises(InstallError, match="another install"):
                put(city, pack, book)
            other.execute("SELECT pg_advisory_unlock(%s)", [0x646F6F72])
        put(city, pack, book)

    def test_a_subscriber_gets_every_row_and_every_change(
        self, cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        with role(
            city, "replicator", "ALTER ROLE replicator REPLICATION", "GRANT SELECT ON cases TO replicator"
        ):
            city.execute("CREATE PUBLICATION everything FOR TABLE cases")
            city.execute("SELECT pg_create_logical_replication_slot('copied', 'pgoutput')")
            city.execute("CREATE DATABASE copied TEMPLATE pristine")
            with psycopg.connect(cluster.dsn(user="postgres", dbname="copied"), autocommit=True) as copied:
                copied.execute("TRUNCATE cases")
                source = (
                    f"host={cluster.spec.socket_dir} port={cluster.spec.port} dbname=clear user=replicator"
                )
                copied.execute(
                    f"CREATE SUBSCRIPTION copied CONNECTION '{source}' PUBLICATION everything"
                    " WITH (create_slot = false)".encode()
                )
                put(city, pack, book)
                city.execute(
                    "UPDATE cases SET assigned_to = 'changed' WHERE case_no = (SELECT min(case_no) FROM cases)"
                )
                # A second table after the install: its first copy runs as the replicator under row security.
                city.execute(
                    "GRANT SELECT ON persons TO replicator; ALTER PUBLICATION everything ADD TABLE persons"
                )
                copied.execute("TRUNCATE persons CASCADE")
                copied.execute("ALTER SUBSCRIPTION copied REFRESH PUBLICATION")
                try:
                    wanted = [city.execute(q).fetchone() for q in SAME]
                    deadline = time.monotonic() + 30
                    while [
                        copied.execute(q).fetchone() for q in SAME
                    ] != wanted and time.monotonic() < deadline:
                        time.sleep(0.05)
                    assert [copied.execute(q).fetchone() for q in SAME] == wanted
                finally:
                    copied.execute("DROP SUBSCRIPTION copied")
            city.execute("DROP DATABASE copied WITH (FORCE)")
            city.execute("DROP PUBLICATION everything")


class TestAfterwards:
    def test_the_owner_reads_writes_and_is_dumped(
        self, cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        put(city, pack, book)
        assert as_role(city, "clear_owner", "SELECT count(*) FROM persons") == every_person(city)
        city.execute("ALTER ROLE clear_owner LOGIN")
        try:
            done = subprocess.run(
                [str(find_binaries() / "pg_dump"), "-a", "-t", "public.persons", "--role", "clear_owner", "-d",
                 cluster.dsn(user="postgres", dbname="clear")],
                capture_output=True, text=True, check=True, timeout=60,
            )  # fmt: skip
        finally:
            city.execute("ALTER ROLE clear_owner NOLOGIN")
        rows = done.stdout.split("COPY public.persons", 1)[1].splitlines()[1:]
        assert (rows.index("\\."),) == every_person(city)

    def test_a_role_that_is_made_and_granted_afterwards_keeps_every_row(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        put(city, pack, book)
        with role(city, "newcomer", "GRANT SELECT ON persons TO newcomer"):
            assert as_role(city, "newcomer", "SELECT count(*) FROM persons") == every_person(city)
            # What was moved away from PUBLIC is there for it as well.
            assert as_role(city, "newcomer", "DO 'BEGIN NULL; END'") == "DO"
            assert as_role(city, "newcomer", "CREATE TEMP TABLE mine (x int)") == "CREATE TABLE"

    def test_a_grant_in_a_transaction_that_is_undone_leaves_no_trace(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        put(city, pack, book)
        before = city.execute(
            "SELECT polroles::text FROM pg_policy WHERE polname = 'doorward_keep'"
        ).fetchall()
        with role(city, "nearly"):
            with city.transaction(force_rollback=True):
                city.execute("GRANT SELECT ON persons TO nearly")
                assert as_role(city, "nearly", "SELECT count(*) FROM persons") == every_person(city)
            now = city.execute(
                "SELECT polroles::text FROM pg_policy WHERE polname = 'doorward_keep'"
            ).fetchall()
            assert now == before

    def test_a_member_of_a_group_and_one_of_pg_read_all_data_keep_every_row(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        put(city, pack, book)
        with role(city, "member", "GRANT analyst_ro TO member"):
            assert as_role(city, "member", "SELECT count(*) FROM persons") == every_person(city)
        put(city, pack, book)
        with role(city, "reader", "GRANT pg_read_all_data TO reader"):
            assert as_role(city, "reader", "SELECT count(*) FROM persons") == every_person(city)

    def test_a_column_grant_and_a_later_one_keep_every_row(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        with role(city, "narrow", "GRANT SELECT (person_id) ON persons TO narrow"):
            put(city, pack, book)
            assert as_role(city, "narrow", "SELECT count(person_id) FROM persons") == every_person(city)
            city.execute("GRANT SELECT (unit) ON incidents TO narrow")
            there = city.execute("SELECT count(*) FROM incidents").fetchone()
            assert as_role(city, "narrow", "SELECT count(unit) FROM incidents") == there

    def test_a_new_owner_and_the_old_one_keep_every_row(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        with role(city, "new_owner"):
            put(city, pack, book)
            city.execute("ALTER TABLE persons OWNER TO new_owner; GRANT SELECT ON persons TO clear_owner")
            for name in ("new_owner", "clear_owner"):
                assert as_role(city, name, "SELECT count(*) FROM persons") == every_person(city)
            assert find_unkept(city, "public.persons") == []
            city.execute("ALTER TABLE persons OWNER TO clear_owner")

    def test_a_role_whose_rights_are_revoked_can_be_dropped_as_before(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        put(city, pack, book)
        city.execute("CREATE ROLE passing LOGIN; GRANT SELECT ON persons TO passing")
        city.execute("DROP OWNED BY passing; DROP ROLE passing")
        assert city.execute("SELECT to_regrole('passing')").fetchone() == (None,)

    def test_a_role_without_inheritance_is_let_through_by_set_role_as_before(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        put(city, pack, book)
        with role(city, "careful", "GRANT analyst_ro TO careful WITH INHERIT FALSE, SET TRUE"):
            with pytest.raises(errors.InsufficientPrivilege):
                as_role(city, "careful", "SELECT count(*) FROM persons")
            with psycopg.connect(city.info.dsn, user="postgres", autocommit=True) as session:
                session.execute("SET SESSION AUTHORIZATION careful; SET ROLE analyst_ro")
                assert session.execute("SELECT count(*) FROM persons").fetchone() == every_person(city)

    def test_writes_with_check_triggers_and_keys_are_as_before(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        put(city, pack, book)
        inserted = as_role(
            city, "records_app",
            "INSERT INTO arrests SELECT 900001, person_id, incident_id, case_no, arrested_at, unit, charge, statute,"
            " booking_no, released_at, bond_cents, sealed, juvenile FROM arrests LIMIT 1",
        )  # fmt: skip
        assert inserted == "INSERT 0 1"
        with pytest.raises(errors.ForeignKeyViolation):
            as_role(city, "records_app", "UPDATE arrests SET person_id = -1 WHERE arrest_id = 900001")


class TestWhatPostgresqlCannotKeep:
    """COPY FROM and pg_dump by others than the owner: said first, and then really so."""

    def test_copy_from_by_a_declared_liar_fails_as_was_said(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        plan = plan_install(city, pack, book, Terms())
        assert any(
            "`records_app` inserts into public.arrests, " in stop and "COPY FROM" in stop
            for stop in plan.stops
        )
        put(city, pack, book)
        city.execute("SET ROLE records_app")
        with pytest.raises(errors.FeatureNotSupported), city.cursor().copy("COPY persons FROM STDIN") as copy:
            copy.write_row(("1",))
        city.execute("RESET ROLE")

    def test_a_role_with_bypassrls_copies_in_as_before(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        with role(city, "loader", "ALTER ROLE loader BYPASSRLS", "GRANT INSERT, SELECT ON cases TO loader"):
            put(city, pack, book)
            city.execute("SET ROLE loader")
            with city.cursor().copy(
                "COPY cases (case_no, kind, status, unit, assigned_to, opened_at) FROM STDIN"
            ):
                pass
            city.execute("RESET ROLE")

    def test_who_dumps_and_is_not_the_owner_stops_it(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        terms = Terms(Declared(neither=("records_app",), dumps=("analyst_ro",)))
        plan = plan_install(city, pack, book, terms)
        assert any("`analyst_ro` dumps public.arrests, " in stop for stop in plan.stops)

    def test_bypassrls_is_no_way_out_where_it_would_open_another_table(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        city.execute(
            "CREATE TABLE hr (x int); ALTER TABLE hr ENABLE ROW LEVEL SECURITY; GRANT SELECT ON hr TO records_app"
        )
        plan = plan_install(city, pack, book, Terms())
        assert any("BYPASSRLS would also lift the row security of hr" in stop for stop in plan.stops)
        assert not any(
            "`records_app`" in s for s in plan_install(city, pack, book, Terms(mode=Mode.VIEWS)).stops
        )

    def test_a_declared_role_that_does_not_exist_is_a_typing_error(
        self, city: Connection, pack: Pack, book: ScopeBook
    ) -> None:
        plan = plan_install(city, pack, book, Terms(Declared(neither=("record_app",))))
        assert any("`record_app` was declared and does not exist" in stop for stop in plan.stops)


def test_a_warehouse_whose_roles_begin_with_dw_keeps_every_row(
    city: Connection, pack: Pack, book: ScopeBook
) -> None:
    with role(city, "dw_reader", "GRANT SELECT ON persons TO dw_reader"):
        put(city, pack, book)
        assert as_role(city, "dw_reader", "SELECT count(*) FROM persons") == every_person(city)


def test_a_restrictive_policy_that_sleeps_is_not_woken(city: Connection, pack: Pack, book: ScopeBook) -> None:
    city.execute("CREATE POLICY asleep ON cases AS RESTRICTIVE TO analyst_ro USING (false)")
    with pytest.raises(InstallError, match=r"`asleep` on public\.cases restricts and sleeps"):
        put(city, pack, book)

"""Installing into a real database: what stops it, what it leaves unchanged, what it calls a hole."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from doorward.embedded.launcher import Cluster
from doorward.errors import InstallError, UpstreamError
from doorward.gateway.answer import GrantBinding
from doorward.gateway.logins import AdminConnections, Logins, Share
from doorward.grants.ends import End
from doorward.install.drift import find_drift
from doorward.install.install import Installed, Terms, install, is_installed
from doorward.install.names import scope_schema
from doorward.install.stops import Declared
from doorward.install.uninstall import uninstall
from doorward.orders.load import Pack, load_pack
from doorward.policy.scopes import ScopeBook
from tests_support.catalogs import differences, read_everything

pytestmark = pytest.mark.pg

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Connection = psycopg.Connection[Any]


def put(
    city: Connection, pack: Pack, book: ScopeBook, *, neither: tuple[str, ...] = ("records_app",)
) -> Installed:
    terms = Terms(Declared(neither=neither), lock_seconds=1)
    return install(city, pack, book, terms, now=NOW)


def rights(city: Connection, role: str) -> list[Any]:
    """What a role of the city may do and sees, counted as that role."""
    city.execute(f"SET ROLE {role}".encode())
    try:
        counts = [city.execute(f"SELECT count(*) FROM {t}".encode()).fetchone() for t in ("persons", "cases")]
        plans = city.execute("EXPLAIN SELECT * FROM persons WHERE name_lower = 'x'").fetchall()
        return [*counts, [line.split("(cost")[0] for (line,) in plans]]
    finally:
        city.execute("RESET ROLE")


def test_existing_roles_keep_rows_and_plans(city: Connection, pack: Pack, book: ScopeBook) -> None:
    roles = ("records_app", "analyst_ro", "clear_owner")
    before = {role: rights(city, role) for role in roles}
    done = put(city, pack, book)
    assert done.scopes == len(book.scopes) == len(done.created)
    assert {role: rights(city, role) for role in roles} == before


def test_a_second_install_changes_nothing(city: Connection, pack: Pack, book: ScopeBook) -> None:
    put(city, pack, book)
    again = put(city, pack, book)
    assert (again.created, again.dropped, again.moved_from_public) == ((), (), ())
    assert is_installed(city, order_digest=pack.digest, book=book)


def test_an_order_with_other_scopes_takes_the_old_ones_away(
    city: Connection, pack: Pack, book: ScopeBook
) -> None:
    put(city, pack, book)
    (kept, *rest) = book.scopes
    fewer = ScopeBook({kept: book.scopes[kept]})
    assert set(put(city, pack, fewer).dropped) == set(rest)
    policies = city.execute("SELECT DISTINCT polname FROM pg_policy WHERE polname ~ '^dw_'").fetchall()
    assert policies == [(scope_schema(kept),)]


@pytest.mark.parametrize(
    ("preparation", "said"),
    [
        ("GRANT SELECT ON persons TO PUBLIC", "PUBLIC holds SELECT on public.persons"),
        ("GRANT SELECT (phone) ON persons TO PUBLIC", "PUBLIC holds SELECT (phone)"),
        ("CREATE POLICY open ON arrests USING (true)", "policy `open` on public.arrests is open to PUBLIC"),
        ("ALTER TABLE incidents ALTER sealed DROP NOT NULL", "may be NULL"),
        ('ALTER TABLE incidents ALTER unit TYPE varchar(9) COLLATE "C"', ""),
        ("DROP TABLE plate_reads", "no table `public.plate_reads`"),
    ],
    ids=["public", "public column", "public policy", "nullable", "varchar", "no table"],
)
def test_what_would_make_the_order_untrue_stops_it_before_any_table_changes(
    city: Connection, pack: Pack, book: ScopeBook, preparation: str, said: str
) -> None:
    city.execute(preparation.encode())
    if not said:
        put(city, pack, book)
        return
    with pytest.raises(InstallError) as stopped:
        put(city, pack, book)
    assert said in str(stopped.value)
    assert city.execute("SELECT count(*) FROM pg_class WHERE relrowsecurity").fetchone() == (0,)


def test_a_role_that_copies_in_stops_it_until_it_is_declared(
    city: Connection, pack: Pack, book: ScopeBook
) -> None:
    with pytest.raises(InstallError, match="records_app"):
        put(city, pack, book, neither=())


@pytest.mark.parametrize(
    "hole",
    [
        "CREATE VIEW leak AS SELECT * FROM persons; GRANT SELECT ON leak TO PUBLIC",
        "CREATE MATERIALIZED VIEW leak AS SELECT * FROM persons; GRANT SELECT ON leak TO PUBLIC",
        "CREATE FUNCTION leak() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM persons'",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
    ],
    ids=["view", "materialized view", "security definer", "create"],
)
def test_whatever_a_scope_reaches_beside_its_views_is_a_hole_and_takes_it_back(
    city: Connection, pack: Pack, book: ScopeBook, hole: str
) -> None:
    city.execute(hole.encode())
    with pytest.raises(InstallError, match="PUBLIC reaches"):
        put(city, pack, book)
    assert not is_installed(city, order_digest=pack.digest, book=book)
    assert city.execute("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^dw_'").fetchone() == (0,)


def test_a_table_that_stays_locked_ends_with_a_hint_and_nobody_waits_behind_it(
    cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
) -> None:
    with psycopg.connect(cluster.dsn(user="postgres", dbname="clear")) as reader:
        reader.execute("SELECT count(*) FROM persons")
        with pytest.raises(InstallError, match="stayed locked"):
            put(city, pack, book)
        reader.rollback()
    put(city, pack, book)


class TestLogins:
    @pytest.fixture
    def logins(self, cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook) -> Iterator[Logins]:
        put(city, pack, book)
        count = iter(range(1000))
        admin = AdminConnections(
            lambda: psycopg.connect(cluster.dsn(user="doorward_admin", dbname="clear"), autocommit=True)
        )
        yield Logins(
            admin, order_digest=pack.digest, random=lambda size: next(count).to_bytes(size), share=Share(1, 2)
        )
        admin.close()

    @pytest.fixture
    def binding(self, book: ScopeBook) -> GrantBinding:
        scope = next(s for s in book.scopes.values() if any("my_grant" in t.predicate for t in s.tables))
        return GrantBinding(scope.id, "JH123456", "area-1", "", End(datetime.now(UTC) + timedelta(hours=1)))  # noqa: TID251  # the server's clock ends it

    def enter(self, cluster: Cluster, login: str, binding: GrantBinding) -> Connection:
        options = f"-c search_path={scope_schema(binding.scope_id)}"
        return psycopg.connect(cluster.dsn(user=login, dbname="clear"), options=options, autocommit=True)

    def test_a_login_without_a_grant_reads_no_row(
        self, cluster: Cluster, city: Connection, logins: Logins, binding: GrantBinding
    ) -> None:
        login = logins.bind(binding)
        with self.enter(cluster, login, binding) as session:
            assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)
            city.execute("DELETE FROM doorward.session_grant")
            assert session.execute("SELECT count(*) FROM persons").fetchone() == (0,)

    def test_a_grant_that_is_over_reads_no_row_at_the_next_statement(
        self, cluster: Cluster, city: Connection, logins: Logins, binding: GrantBinding
    ) -> None:
        with self.enter(cluster, logins.bind(binding), binding) as session:
            city.execute("UPDATE doorward.session_grant SET until = statement_timestamp()")
            assert session.execute("SELECT count(*) FROM persons").fetchone() == (0,)

    def test_a_released_login_is_used_again_and_its_session_is_gone(
        self, cluster: Cluster, logins: Logins, binding: GrantBinding
    ) -> None:
        login = logins.bind(binding)
        session = self.enter(cluster, login, binding)
        logins.release(login, binding.scope_id)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        assert logins.bind(binding) == login

    def test_a_login_that_owns_something_is_dropped_and_never_used_again(
        self, city: Connection, logins: Logins, binding: GrantBinding
    ) -> None:
        login = logins.bind(binding)
        city.execute(f'CREATE SCHEMA trap AUTHORIZATION "{login}"'.encode())
        logins.release(login, binding.scope_id)
        assert logins.bind(binding) != login
        assert city.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [login]).fetchone() == (0,)

    def test_the_next_gateway_takes_over_what_the_last_one_left(
        self, cluster: Cluster, city: Connection, logins: Logins, binding: GrantBinding
    ) -> None:
        login = logins.bind(binding)
        session = self.enter(cluster, login, binding)
        assert logins.recover() == 1
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        assert city.execute("SELECT count(*) FROM doorward.session_grant").fetchone() == (0,)
        assert logins.bind(binding) == login

    def test_a_sibling_takes_over_nothing(
        self, cluster: Cluster, city: Connection, logins: Logins, pack: Pack, binding: GrantBinding
    ) -> None:
        login = logins.bind(binding)
        admin = AdminConnections(
            lambda: psycopg.connect(cluster.dsn(user="doorward_admin", dbname="clear"), autocommit=True)
        )
        sibling = Logins(admin, order_digest=pack.digest, random=os.urandom, share=Share(0, 2))
        with self.enter(cluster, login, binding) as session:
            assert sibling.recover() == 0
            assert session.execute("SELECT 1").fetchone() == (1,)
            other = sibling.bind(binding)
            assert logins.recover() == 1
        admin.close()
        rows = city.execute("SELECT login FROM doorward.session_grant").fetchall()
        assert rows == [(other,)]

    def test_nobody_is_bound_once_another_order_is_installed(
        self, city: Connection, logins: Logins, binding: GrantBinding
    ) -> None:
        city.execute("UPDATE doorward.installation SET order_digest = 'another'")
        for _ in range(2):
            with pytest.raises(UpstreamError, match="another order"):
                logins.bind(binding)
        assert city.execute("SELECT count(*) FROM doorward.session_grant").fetchone() == (0,)


def test_names_that_need_quotes_are_names_like_others(city: Connection, pack: Pack, tmp_path: Path) -> None:
    uninstall(city)
    raw = "Odd\"Schema.Per;sons'' --"
    text = pack.files["collections.toml"].replace('table = "public.persons"', f'table = """{raw}"""')
    schema, table = raw.split(".")
    city.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    city.execute(sql.SQL("ALTER TABLE persons SET SCHEMA {}").format(sql.Identifier(schema)))
    city.execute(
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(
            sql.Identifier(schema, "persons"), sql.Identifier(table)
        )
    )
    file = tmp_path / "collections.toml"
    file.write_text(text, encoding="utf-8")
    odd = load_pack("chicago", collections=file)
    before = read_everything(city)
    put(city, odd, odd.scope_book())
    assert find_drift(city) == []
    uninstall(city)
    assert differences(before, read_everything(city)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP FUNCTION doorward.refuse_ddl() CASCADE",
        "CREATE OR REPLACE FUNCTION doorward.is_own(role name) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE FUNCTION doorward.other() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "INSERT INTO doorward.moved_right VALUES ('pg_read_all_data', 'pg_proc', 1)",
        "INSERT INTO doorward.covered VALUES (1, 'x', false)",
        "UPDATE doorward.installation SET order_digest = ''",
        "DROP TABLE doorward.covered",
        "ALTER SCHEMA doorward RENAME TO other",
        "SELECT count(*) FROM persons",
    ],
)
def test_the_gateways_own_role_can_replace_nothing_that_a_superuser_runs(
    cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook, statement: str
) -> None:
    put(city, pack, book)
    admin = psycopg.connect(cluster.dsn(user="doorward_admin", dbname="clear"), autocommit=True)
    with admin, pytest.raises(psycopg.errors.InsufficientPrivilege):
        admin.execute(statement.encode())

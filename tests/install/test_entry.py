"""The way in: lines that are exact, and a proof that fails where the lines are not there or do not stand first."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.embedded.launcher import Cluster
from doorward.embedded.owner import our_name
from doorward.errors import ConfigError, InstallError
from doorward.install.entry import Entry, entry_lines, prove_entry
from doorward.install.install import Terms, install
from doorward.install.stops import Declared
from doorward.install.uninstall import uninstall
from doorward.orders.load import Pack
from doorward.policy.scopes import ScopeBook

Connection = psycopg.Connection[Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_lines_for_a_gateway_on_another_host() -> None:
    lines = entry_lines(Entry("10.1.2.3", "gateway.city.example"))
    assert lines.hba == (
        "hostssl all doorward_admin 10.1.2.3/32 cert map=doorward",
        "hostssl all +dw_sessions 10.1.2.3/32 cert map=doorward",
        "host    all doorward_admin all reject",
        "host    all +dw_sessions all reject",
        "local   all doorward_admin reject",
        "local   all +dw_sessions reject",
    )
    assert lines.ident == (
        'doorward "gateway.city.example" doorward_admin',
        'doorward "gateway.city.example" +dw_sessions',
    )


def test_lines_for_a_gateway_on_the_same_host() -> None:
    assert entry_lines(Entry(None, "doorward")).hba == (
        "local   all doorward_admin peer map=doorward",
        "local   all +dw_sessions peer map=doorward",
        "host    all doorward_admin all reject",
        "host    all +dw_sessions all reject",
    )


@pytest.mark.parametrize(
    "entry",
    [
        Entry("10.1.2", "g"),
        Entry("0.0.0.0/0\nhost all all all trust", "g"),
        Entry(None, 'a" b'),
        Entry(None, ""),
    ],
)
def test_what_the_files_would_read_otherwise_is_refused(entry: Entry) -> None:
    with pytest.raises(ConfigError):
        entry_lines(entry)


@pytest.mark.pg
class TestProof:
    @pytest.fixture(name="installed")
    def installed_fixture(self, city: Connection, pack: Pack, book: ScopeBook) -> Connection:
        install(city, pack, book, Terms(Declared(neither=("records_app",)), lock_seconds=5), now=NOW)
        return city

    def gateway(self, cluster: Cluster, **more: Any) -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(cluster.spec.socket_dir), port=cluster.spec.port, dbname="clear", **more
        )

    def prove(self, cluster: Cluster, city: Connection) -> list[str]:
        return prove_entry(city, gateway=self.gateway(cluster), random=os.urandom)

    def test_printed_lines_are_proved(self, cluster: Cluster, installed: Connection) -> None:
        """The embedded server's own lines let its user in as a superuser too; those of a city's server do not."""
        assert self.prove(cluster, installed) == ["the gateway's way also lets the superuser `postgres` in"]

    def test_the_probe_is_gone_afterwards(self, cluster: Cluster, installed: Connection) -> None:
        self.prove(cluster, installed)
        assert installed.execute("SELECT count(*) FROM pg_roles WHERE rolname ~ '^dw_g_'").fetchone() == (0,)

    def test_a_gateway_that_does_not_get_in_is_told(self, cluster: Cluster, installed: Connection) -> None:
        away = psycopg.conninfo.make_conninfo(host="127.0.0.1", port=cluster.spec.port, dbname="clear")
        found = prove_entry(installed, gateway=away, random=os.urandom)
        assert any("the gateway does not get in" in wrong for wrong in found)

    def test_lines_that_do_not_stand_first_are_found_by_a_password(
        self, cluster: Cluster, installed: Connection
    ) -> None:
        hba = Path(str((installed.execute("SHOW hba_file").fetchone() or [""])[0]))
        before = hba.read_text(encoding="utf-8")
        try:
            hba.write_text("host all all 127.0.0.1/32 scram-sha-256\n" + before, encoding="utf-8")
            installed.execute("SELECT pg_reload_conf()")
            assert any("gets in with a password" in wrong for wrong in self.wait_for(cluster, installed))
        finally:
            hba.write_text(before, encoding="utf-8")
            installed.execute("SELECT pg_reload_conf()")

    def wait_for(self, cluster: Cluster, city: Connection) -> list[str]:
        # A reload is read by the next session at the latest a moment later.
        found: list[str] = []
        for _ in range(20):
            found = self.prove(cluster, city)
            if len(found) > 1:
                break
        return found

    def test_what_a_session_reaches_is_listed_from_inside(
        self, cluster: Cluster, installed: Connection
    ) -> None:
        installed.execute("CREATE VIEW leak AS SELECT * FROM persons; GRANT SELECT ON leak TO PUBLIC")
        assert "inside, a session reaches view public.leak" in self.prove(cluster, installed)

    def test_without_an_order_there_is_nothing_to_prove(self, cluster: Cluster, city: Connection) -> None:
        uninstall(city)
        with pytest.raises(InstallError, match="no order is in force"):
            self.prove(cluster, city)

    def test_our_name_is_what_the_peer_map_wants(self) -> None:
        assert our_name() in entry_lines(Entry(None, our_name())).ident[0]

"""A fund on a real PostgreSQL: one server a worker, a database of its own for each test that asks."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from doorward.fund.database import install, make_database
from doorward.fund.place import DATABASE, ROLE
from doorward.fund.store import Store
from doorward.record.entry import NO_SESSION, Entry, Fields, Kind
from fund_reports import UNITS
from tests_support.clusters import never_syncing
from tests_support.fund import RULES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class MemoryRecord:
    """A recorder that keeps entries in memory."""

    entries: list[Entry] = field(default_factory=list)
    turn: Lock = field(default_factory=Lock)

    def record(self, drafts: Sequence[tuple[Kind, Fields]], *, now: datetime) -> int:
        del now
        with self.turn:
            for kind, fields in drafts:
                at = len(self.entries)
                self.entries.append(Entry(kind, at, 0, NO_SESSION, 0, bytes(16), fields))
            return len(self.entries) - 1


@dataclass
class Fund:
    """A fund that is installed."""

    cluster: Cluster
    record: MemoryRecord = field(default_factory=MemoryRecord)
    stores: list[Store] = field(default_factory=list)

    def conninfo(self, user: str = ROLE) -> str:
        spec = self.cluster.spec
        return make_conninfo(host=str(spec.socket_dir), port=spec.port, user=user, dbname=DATABASE)

    def store(self, **more: Any) -> Store:
        self.stores.append(Store(self.conninfo(), more.pop("recorder", self.record), **more))
        return self.stores[-1]

    def connect(self, user: str = ROLE) -> psycopg.Connection[Any]:
        """Connect as the application does, or as the superuser."""
        return psycopg.connect(self.conninfo(user), autocommit=True)


@pytest.fixture(scope="session")
def fund_cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="doorward-fund-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Cluster(never_syncing(record_spec(folder)))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def fund(fund_cluster: Cluster) -> Iterator[Fund]:
    """A fund without a year, in a database that is made anew."""
    superuser = fund_cluster.dsn(user="postgres", dbname="postgres")
    found = Fund(fund_cluster)
    with psycopg.connect(superuser, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = 'fund_template'").fetchone() is None:
            connection.execute("DROP DATABASE IF EXISTS doorward_fund WITH (FORCE)")
            make_database(superuser)
            with found.connect("postgres") as fresh:
                assert install(fresh, RULES, reasons=UNITS.reasons).made
            connection.execute("ALTER DATABASE doorward_fund RENAME TO fund_template")
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE))
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE fund_template").format(sql.Identifier(DATABASE))
        )
    make_database(superuser)
    yield found
    for store in found.stores:
        store.close()

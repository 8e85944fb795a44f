"""A city's own server with a database as the city left it, anew for each test."""

import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.sample import SampleSizes, create_sample
from doorward.orders.load import Pack, load_pack
from doorward.policy.scopes import ScopeBook

FEW = SampleSizes(200, 200, 200, 200, 200, 100)
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="doorward-install-") as folder, socket.socket() as probe:
        Path(folder).chmod(0o755)
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        spec = city_spec(Path(folder) / "data", port)
        # A city replicates; the sample does not.
        logical = {"wal_level": "logical", "max_wal_senders": "8", "max_logical_replication_workers": "4"}
        running = Cluster(
            replace(
                spec, hba=("local all replicator trust", *spec.hba), settings={**spec.settings, **logical}
            )
        )
        running.start()
        create_sample(running.dsn(user="postgres", dbname="postgres"), app_password="app", rows=FEW)
        with psycopg.connect(running.dsn(user="postgres", dbname="postgres"), autocommit=True) as dba:
            dba.execute("ALTER DATABASE clear RENAME TO pristine")
        yield running
        running.stop()


@pytest.fixture
def city(cluster: Cluster) -> Iterator[Connection]:
    """A database as the city left it, anew for each test; the roles of the last install are left over, as they are."""
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as dba:
        dba.execute("CREATE DATABASE clear TEMPLATE pristine")
        with psycopg.connect(cluster.dsn(user="postgres", dbname="clear"), autocommit=True) as connection:
            yield connection
        dba.execute("DROP DATABASE clear WITH (FORCE)")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack("chicago")


@pytest.fixture(scope="module")
def book(pack: Pack) -> ScopeBook:
    return pack.scope_book()

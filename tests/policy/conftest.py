"""A real PostgreSQL for compiled predicates, and the order of Chicago."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.embedded.launcher import Cluster, ClusterSpec
from doorward.orders.load import Pack, load_pack
from doorward.policy.request import Fact, Request, Resource

CLEAR = Resource("Collection", "clear")
# What the gateway installs, cut down: one grant, read as the views read it.
GRANT = """
CREATE SCHEMA doorward;
CREATE TABLE doorward.one_grant (case_no text NOT NULL, unit text NOT NULL, place text NOT NULL);
INSERT INTO doorward.one_grant VALUES ('', '', '');
CREATE VIEW doorward.my_grant WITH (security_barrier) AS SELECT case_no, unit, place FROM doorward.one_grant;
"""


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack("chicago")


@pytest.fixture(scope="module")
def postgres() -> Iterator[psycopg.Connection[Any]]:
    home = Path(tempfile.mkdtemp(prefix="dw-"))  # pytest's own folders are closed to the server's user
    home.chmod(0o755)
    cluster = Cluster(
        ClusterSpec(
            name="rows",
            data_dir=home / "rows",
            socket_dir=home / "socket",
            port=5432,
            tcp=False,
            hba=("local all all trust",),
            ident=(),
            settings={"fsync": "off", "max_connections": "10"},
        )
    )
    cluster.start()
    try:
        with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
            connection.execute(GRANT.encode())
            yield connection
    finally:
        cluster.stop()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def detective(pack: Pack, now: datetime) -> Request:
    """A detective of the department with an open case, as the database door asks at connect."""
    facts: dict[str, Fact] = {
        "principal.role": "detective",
        "principal.agency": "CPD",
        "context.requester.agency": "CPD",
        "context.requester.identified": "verified",
        "context.initiative": "own-motion",
        "context.for_agency": "CPD",
        "context.purpose": "criminal-investigation",
        "context.task_force.member": False,
        "context.register.kind": "criminal",
        "context.register.standing": "verified",
        "context.channel": "database",
        "context.grant.case_no": "JH123456",
        "context.grant.unit": "area-1",
    }
    return pack.request(facts, resource=CLEAR, now=now, login="detective")

"""Folders for the record, and one PostgreSQL server for the disclosures."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from doorward.notes.note import Signer
from doorward.record.disclosures import DATABASE, ROLE, prepare_server
from doorward.record.keys import make_log_key
from doorward.record.openings import MemoryDisclosures
from record.place import Place, make_place
from record.samples import World
from tests_support.clusters import never_syncing


def check_handle(handle: int) -> None:
    """Raise what a sync of no file raises."""
    os.fstat(handle)


@pytest.fixture(scope="module", autouse=True)
def no_wait() -> Iterator[None]:
    """Syncs of this process do not wait for the disk; what they promise is tested where a call is failed or counted."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, check_handle)
        yield


@pytest.fixture
def spool_dir(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_log_key(tmp_path / "log.key", origin="doorward.example/test")


@pytest.fixture
def world(tmp_path: Path, signer: Signer) -> World:
    """An empty one, with disclosures in memory."""
    return World(tmp_path, signer, MemoryDisclosures())


@pytest.fixture(scope="session")
def record_server() -> Iterator[str]:
    """The owner's conninfo of a running, prepared server for disclosures."""
    from doorward.embedded.clusters import record_spec
    from doorward.embedded.launcher import Cluster

    folder = Path(tempfile.mkdtemp(prefix="dw-record-"))
    folder.chmod(0o755)  # the server's own user passes through
    cluster = Cluster(never_syncing(record_spec(folder / "data")))
    cluster.start()
    try:
        owner = cluster.dsn(user="postgres", dbname="postgres")
        prepare_server(owner)
        yield make_conninfo(owner, dbname=DATABASE)
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture
def owner_conninfo(record_server: str) -> str:
    """The owner's conninfo, after emptying the tables."""
    with psycopg.connect(record_server, autocommit=True) as connection:
        connection.execute("TRUNCATE record.blocks, record.entries")
    return record_server


@pytest.fixture
def recorder_conninfo(owner_conninfo: str) -> str:
    """The recorder's conninfo, to empty tables."""
    return make_conninfo(owner_conninfo, user=ROLE)


@pytest.fixture
def place(tmp_path: Path, recorder_conninfo: str) -> Iterator[Place]:
    """A data folder with a published record, its disclosures at hand; people get keys by `official`."""
    with make_place(tmp_path, recorder_conninfo) as made:
        yield made

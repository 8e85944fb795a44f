"""A real PostgreSQL on a unix socket for the tests that speak the protocol to it, and how bytes are cut up."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.embedded.launcher import Cluster, ClusterSpec, socket_dir_for


@pytest.fixture(scope="session")
def server_socket() -> Iterator[Path]:
    """The unix socket of a server that lets anybody in as postgres, and others by SCRAM; gone when the tests are."""
    folder = Path(tempfile.mkdtemp(prefix="dw-wire-"))  # pytest's own folders are closed to the server's user
    folder.chmod(0o755)
    data_dir = folder / "pgdata"
    spec = ClusterSpec(
        name="wire",
        data_dir=data_dir,
        socket_dir=socket_dir_for(data_dir),
        port=54329,
        tcp=False,
        hba=("local all postgres trust", "local all all scram-sha-256"),
        ident=(),
        settings={"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"},
    )
    cluster = Cluster(spec)
    try:
        cluster.start()
        yield spec.socket_dir / f".s.PGSQL.{spec.port}"
    finally:
        cluster.stop()
        shutil.rmtree(folder)

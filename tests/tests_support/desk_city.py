"""A doorward.toml with a desk whose database is there and empty, and `doorward account` with it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from doorward.desk.database import DATABASE, ROLE, make_database
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from tests_support.clusters import never_syncing


@contextmanager
def make_city() -> Iterator[Path]:
    """Give the path of the file while its database runs."""
    with tempfile.TemporaryDirectory(prefix="doorward-city-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Cluster(never_syncing(record_spec(folder)))
        cluster.start()
        try:
            make_database(cluster.dsn(user="postgres", dbname="postgres"))
            spec = cluster.spec
            conninfo = make_conninfo(host=str(spec.socket_dir), port=spec.port, user=ROLE, dbname=DATABASE)
            file = folder / "doorward.toml"
            file.write_text(
                f"""
order = "chicago"
production = false
data = "data"
[database]
conninfo = "host=nowhere.invalid dbname=clear"
[listen]
host = "127.0.0.1"
port = 6432
plain = true
[record]
conninfo = "host=nowhere.invalid"
[desk]
conninfo = "{conninfo}"
origins = ["https://desk.example"]
""",
                encoding="utf-8",
            )
            yield file
        finally:
            cluster.stop()


def account(city: Path, *arguments: str, given: str = "") -> Any:
    command = [sys.executable, "-m", "doorward", "account", *arguments, "--config", str(city)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DOORWARD_", "DJANGO_"))
    }
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=120, check=False, env=environment
    )

"""The door with the JDBC driver: both protocols, portals with a row limit, metadata, cancel, what is refused."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from doorward.cli.sample import PEOPLE, SamplePerson

DRIVER = Path("/usr/share/java/postgresql.jar")  # Debian's libpostgresql-jdbc-java
SOURCE = Path(__file__).parent / "clients" / "Door.java"
pytestmark = [
    pytest.mark.pg,
    pytest.mark.skipif(
        not DRIVER.exists() or shutil.which("java") is None,
        reason="java or Debian's libpostgresql-jdbc-java is missing",
    ),
]


def run(up: Any, *settings: str, person: SamplePerson = PEOPLE[0], **changed: str) -> list[str]:
    """Return what the client said, a line a step; settings are the driver's, as `name=value`."""
    url = f"jdbc:postgresql://127.0.0.1:{up.port}/clear"
    done = subprocess.run(
        ["java", "-cp", str(DRIVER), str(SOURCE), url, person.login, changed.get("options", person.options()),
         *settings],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PGPASSWORD": changed.get("password", person.password)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("preferQueryMode=simple",),
        ("preferQueryMode=extendedCacheEverything",),
        ("prepareThreshold=1", "binaryTransfer=true", "defaultRowFetchSize=3"),
        ("reWriteBatchedInserts=true", "adaptiveFetch=true", "defaultRowFetchSize=5"),
    ],
    ids=lambda settings: " ".join(settings) or "as it comes",
)
def test_a_detective_works_with_it(up: Any, settings: tuple[str, ...]) -> None:
    assert run(up, *settings) == [
        "connected: PostgreSQL",
        "counted: true",
        "prepared: true",
        "fetched in pieces: true",
        "views: 6",
        "columns: true",
        "keys: true",
        "written: SQLSTATE 42501",
        "batch: SQLSTATE 42501",
        "copied in: SQLSTATE 42501",
        "large object: SQLSTATE 0A000",
        "explained: SQLSTATE 42501",
        "timed out: SQLSTATE 57014",
        "still there: 1",
    ]


def test_a_refusal_reads_as_one(up: Any) -> None:
    civil = run(up, person=PEOPLE[3])
    assert civil[0].startswith("refused 28000 FATAL: refused: ")
    assert run(up, password="wrong")[0].startswith("refused 28P01")

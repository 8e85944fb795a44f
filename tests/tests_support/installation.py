"""A city's installation on this machine: its server, the record's own, an order in force, people, and doorward.toml."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg

from doorward.cli.folders import Folders
from doorward.cli.sample import PEOPLE, as_people
from doorward.embedded.clusters import city_spec, record_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.sample import SampleSizes
from doorward.grants.people import Agreement, save_agreements, save_people
from doorward.pgwire.scram import make_verifier
from doorward.record.disclosures import prepare_server
from tests_support.certificates import Authority
from tests_support.city import is_well
from tests_support.ready_city import place_ready_city

FEW = SampleSizes(200, 200, 200, 200, 200, 100)
DETECTIVE = PEOPLE[0]
WAIT_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], bool]) -> bool:
    """Return whether something came to be so; looks until then, and not for ever."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (came := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return came


@dataclass
class Installation:
    """One installation; `gateway` and `publisher` run once `start` was called."""

    folder: Path
    city: Cluster
    record: Cluster
    authority: Authority
    config: Path
    port: int
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def folders(self) -> Folders:
        return Folders(self.folder / "doorward")

    @property
    def dsn(self) -> str:
        """The DBA's connection string."""
        return self.city.dsn(user="postgres", dbname="clear")

    def doorward(self, *arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments, "--config", str(config or self.config)],
            capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "COLUMNS": "300"},
        )  # fmt: skip

    def doorward_at(self, folders: Folders, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command that takes a data folder."""
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments, "--data", str(folders.data)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    @contextmanager
    def dba(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            yield connection

    def start(self, name: str, config: Path | None = None) -> None:
        """Start the gateway or the publisher."""
        process = subprocess.Popen(
            [sys.executable, "-m", "doorward", name, "--config", str(config or self.config)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.processes[name] = process
        if name == "gateway":
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate(timeout=10)

    def stop(self, name: str) -> tuple[int, str]:
        """End the gateway or the publisher, and return its exit code and what it said beside that all is well."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=WAIT_SECONDS)
        return process.returncode, "".join(
            line for line in errors.splitlines(keepends=True) if not is_well(line)
        )

    def connect(self, **changed: Any) -> psycopg.Connection[Any]:
        parameters: dict[str, Any] = {
            "host": "localhost", "port": self.port, "user": DETECTIVE.login, "password": DETECTIVE.password,
            "dbname": "clear", "options": DETECTIVE.options(), "sslmode": "verify-full",
            "sslrootcert": str(self.authority.root), "autocommit": True, "connect_timeout": 20,
        }  # fmt: skip
        return psycopg.connect(**(parameters | changed))

    def ask(self, times: int = 1) -> None:
        """Be the detective, and ask so often."""
        with self.connect() as session:
            for _ in range(times):
                assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)

    def leaves(self, folders: Folders | None = None) -> int:
        """Return the size of the log."""
        return int((folders or self.folders).log.joinpath("checkpoint").read_text().splitlines()[1])

    def write_config(
        self, file: Path, *, data: Path, record: Cluster, port: int | None = None, workers: int = 1
    ) -> None:
        """Write a doorward.toml before this city's server."""
        spec, recorder = self.city.spec, record.spec
        listener = self.folder / "authority" / "listener"
        file.write_text(
            f"""
order = "chicago"
production = false
data = "{data}"

[database]
conninfo = "host={spec.socket_dir} port={spec.port} dbname=clear"

[listen]
host = "127.0.0.1"
port = {port or self.port}
certificate = "{listener}.crt"
key = "{listener}.key"
workers = {workers}

[record]
conninfo = "host={recorder.socket_dir} port={recorder.port}"

[register]
table = "public.cases"
case = "case_no"
status = "status"
kind = "kind"
assigned_to = "assigned_to"
""",
            encoding="utf-8",
        )


def start_record(folder: Path) -> Cluster:
    """Start a server for the disclosures, with its tables and its recorder."""
    spec = record_spec(folder)
    cluster = Cluster(replace(spec, hba=("local all postgres,doorward_recorder peer map=dwadmin",)))
    cluster.start()
    prepare_server(cluster.dsn(user="postgres", dbname="postgres"))
    return cluster


def write_people(data: Path) -> None:
    folders = Folders(data)
    folders.make()
    salt = b"0123456789abcdef"
    verifiers = {p.login: str(make_verifier(p.password, salt=salt, iterations=4096)) for p in PEOPLE}
    verifiers |= dict.fromkeys(("atf.agent", "other.detective"), verifiers["detective"])
    today = datetime.now(UTC).date().isoformat()  # noqa: TID251  # a login lapses by the day
    save_people([replace(person, attested_on=today) for person in as_people(verifiers)], folders.people)
    save_agreements([Agreement("FBI", "sample-agreement-1", date(2040, 1, 1))], folders.agreements)


@contextmanager
def installed(workers: int = 1) -> Iterator[Installation]:
    """Yield an installation whose gateway and publisher run; ends all of it."""
    name = tempfile.mkdtemp(prefix="dw-")
    folder = Path(name)
    folder.chmod(0o755)
    city, record = Cluster(city_spec(folder / "c", free_port())), None
    place_ready_city(city.spec, FEW)
    try:
        city.start()
        record = start_record(folder / "r")
        authority = Authority(folder / "authority", "city")
        authority.issue("listener", hosts=("localhost", "127.0.0.1"))
        place = Installation(folder, city, record, authority, folder / "doorward.toml", free_port())
        place.write_config(place.config, data=folder / "doorward", record=record, workers=workers)
        write_people(folder / "doorward")
        place.start("publisher")
        place.start("gateway")
        try:
            yield place
        finally:
            for process in place.processes.values():
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=WAIT_SECONDS)
    finally:
        if record is not None:
            record.stop()
        city.stop()
        shutil.rmtree(folder)

"""A city's own server on a socket, with the order in force, and a gateway before it that a test can set and restart."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg

from doorward.cli.folders import MARK, Folders
from doorward.cli.sample import PEOPLE, SamplePerson, as_people
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.sample import SampleSizes
from doorward.grants.people import Agreement, save_agreements, save_people
from doorward.pgwire.scram import make_verifier
from doorward.record.entry import Entry, Kind
from doorward.record.segments import read_spool
from tests_support.city import NO_PUBLISHER, is_well
from tests_support.ready_city import place_ready_city

SIZES = SampleSizes(2000, 2000, 2000, 2000, 12_000, 200)
SETTINGS = """
order = "chicago"
production = false
data = "{data}"

[database]
conninfo = "host={socket} port={city_port} dbname=clear"

[listen]
host = "127.0.0.1"
port = {port}
plain = true

{operation}
[record]
conninfo = "host=localhost dbname=disclosures"

[register]
table = "public.cases"
case = "case_no"
status = "status"
kind = "kind"
assigned_to = "assigned_to"

{more}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class PlainCity:
    """The city's server and the place of its gateway."""

    folder: Path
    server: Cluster
    port: int
    gateway: subprocess.Popen[str] | None = None
    seen: int = 0  # entries of the record that are of earlier tests

    @property
    def folders(self) -> Folders:
        return Folders(self.folder / "doorward")

    @property
    def config(self) -> Path:
        return self.folder / "doorward.toml"

    def settings(self, more: str) -> None:
        """Write doorward.toml with these tables at its end."""
        spec = self.server.spec
        text = SETTINGS.format(
            data=self.folders.data,
            socket=spec.socket_dir,
            city_port=spec.port,
            port=self.port,
            more=more,
            operation=NO_PUBLISHER,
        )
        self.config.write_text(text, encoding="utf-8")

    def start(self, limits: str = "") -> None:
        """Start the gateway with these limits; it is ready on return."""
        self.settings(f"[limits]\n{limits}")
        self.gateway = subprocess.Popen(
            [sys.executable, "-m", "doorward", "gateway", "--config", str(self.config)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.gateway.stdout is not None
        if self.gateway.stdout.readline() != "ready\n":
            raise AssertionError(self.gateway.communicate()[1])

    def stop(self, *, how: int = signal.SIGTERM) -> None:
        """Stop the gateway; it must end as it was asked to, and say nothing."""
        if self.gateway is None:
            return
        gateway, self.gateway = self.gateway, None
        gateway.send_signal(how)
        _, errors = gateway.communicate(timeout=30)
        faults = [line for line in errors.splitlines() if not is_well(line)]
        assert faults == [], faults
        assert gateway.returncode == (0 if how == signal.SIGTERM else -how)

    @contextmanager
    def limited(self, limits: str) -> Iterator["PlainCity"]:
        """Yield it with a gateway of these limits, whose counts begin anew."""
        for file in self.folders.run.glob("limits-*.map"):
            file.unlink()
        self.seen += len(self.entries(*Kind)) if self.folders.spool.exists() else 0
        self.start(limits)
        try:
            yield self
        finally:
            self.stop()

    def connect(self, person: SamplePerson = PEOPLE[0], **changed: Any) -> psycopg.Connection[Any]:
        parameters: dict[str, Any] = {
            "host": "127.0.0.1", "port": self.port, "user": person.login, "password": person.password,
            "dbname": "clear", "options": person.options(), "sslmode": "disable", "autocommit": True,
            "connect_timeout": 20,
        }  # fmt: skip
        return psycopg.connect(**(parameters | changed))

    def server_connection(self) -> psycopg.Connection[Any]:
        """Connect around the gateway, as the DBA does."""
        return psycopg.connect(self.server.dsn(user="postgres", dbname="clear"), autocommit=True)

    def environment(self, person: SamplePerson = PEOPLE[0]) -> dict[str, str]:
        return {
            **os.environ, "PGPASSWORD": person.password, "PGOPTIONS": person.options(), "PGSSLMODE": "disable",
            "COLUMNS": "300",
        }  # fmt: skip

    def psql(self, *arguments: str, person: SamplePerson = PEOPLE[0]) -> subprocess.CompletedProcess[str]:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", person.login, "-d", "clear"]
        return subprocess.run(
            ["psql", "-XAt", *where, *arguments],
            env=self.environment(person), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def entries(self, *kinds: Kind) -> list[Entry]:
        """Return what the gateway, stopped by now, has recorded of these kinds since `limited` began."""
        entries = [one for one in read_spool(self.folders.spool) if isinstance(one, Entry)]
        return [entry for entry in entries[self.seen :] if entry.kind in kinds]


@contextmanager
def plain_city() -> Iterator[PlainCity]:
    with tempfile.TemporaryDirectory(prefix="doorward-plain-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Cluster(city_spec(folder / "data", free_port()))
        place_ready_city(server.spec, SIZES)
        try:
            server.start()
            city = PlainCity(folder, server, free_port())
            save_the_people(city.folders.data)
            yield city
            with suppress(AssertionError):
                city.stop()
        finally:
            server.stop()


def save_the_people(data: Path) -> None:
    data.mkdir()
    (data / "DOORWARD").write_text(MARK)
    salt = b"0123456789abcdef"
    verifiers = {p.login: str(make_verifier(p.password, salt=salt, iterations=4096)) for p in PEOPLE}
    verifiers |= dict.fromkeys(("atf.agent", "other.detective"), verifiers["detective"])
    save_people(as_people(verifiers), data / "people.json")
    today = datetime.now(UTC).date().isoformat()  # noqa: TID251  # a login lapses by the day
    people = json.loads((data / "people.json").read_text())
    for person in people:
        person["attested_on"] = today
    (data / "people.json").write_text(json.dumps(people))
    save_agreements([Agreement("FBI", "sample-agreement-1", date(2030, 1, 1))], data / "agencies.json")

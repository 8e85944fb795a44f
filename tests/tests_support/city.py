"""A city's own server with TLS and certificates, and the settings of a gateway before it, for tests."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg

from doorward.cli.sample import PEOPLE, as_people
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.owner import server_owner
from doorward.embedded.sample import SampleSizes
from doorward.grants.people import Agreement, Person, save_agreements, save_people
from doorward.install.entry import Entry, entry_lines
from doorward.pgwire.scram import make_verifier
from tests_support.certificates import Authority, Pair
from tests_support.ready_city import REGISTER, place_ready_city

__all__ = ["NO_PUBLISHER", "REGISTER", "City", "free_port", "from_address", "is_well", "start_city"]

# Nothing is published here, which is no alarm for as long as a slow machine may need for a file of tests.
NO_PUBLISHER = """[operation]
stalled_seconds = 86000
stalled_closes_seconds = 86400
"""
FEW = SampleSizes(400, 400, 400, 400, 400, 200)
GATEWAY = "doorward-gateway"
DETECTIVE = PEOPLE[0]


@dataclass
class City:
    """The city's server, its certificates, and a gateway before it."""

    folder: Path
    server: Cluster
    authority: Authority
    people: Authority
    config: Path
    port: int
    gateway: subprocess.Popen[str] | None = None
    token_port: int = 0

    def doorward(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments],
            capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "COLUMNS": "300"},
        )  # fmt: skip

    def start_gateway(self, *arguments: str) -> None:
        """Start a gateway with these settings and wait until it is ready."""
        self.gateway = subprocess.Popen(
            [sys.executable, "-m", "doorward", "gateway", "--config", str(self.config), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.gateway.stdout is not None
        assert self.gateway.stdout.readline() == "ready\n", self.gateway.communicate(timeout=30)

    def stop_gateway(self) -> tuple[int, str, str]:
        """Ask it to stop, and return its exit code and what it said beside that all is well."""
        assert self.gateway is not None
        self.gateway.send_signal(signal.SIGTERM)
        said, errors = self.gateway.communicate(timeout=30)
        code, self.gateway = self.gateway.returncode, None
        return code, said, "".join(line for line in errors.splitlines(keepends=True) if not is_well(line))

    def upstream(self, pair: Pair) -> str:
        return psycopg.conninfo.make_conninfo(
            host="localhost", port=self.server.spec.port, dbname="clear", sslmode="verify-full",
            sslrootcert=str(self.authority.root), sslcert=str(pair.certificate), sslkey=str(pair.key),
        )  # fmt: skip

    def connect(self, **changed: Any) -> psycopg.Connection[Any]:
        parameters: dict[str, Any] = {
            "host": "localhost", "port": self.port, "user": DETECTIVE.login, "password": DETECTIVE.password,
            "dbname": "clear", "options": DETECTIVE.options(), "sslmode": "verify-full",
            "sslrootcert": str(self.authority.root), "autocommit": True, "connect_timeout": 20,
        }  # fmt: skip
        return psycopg.connect(**(parameters | changed))


@contextmanager
def from_address(address: str, port: int) -> Iterator[int]:
    """Yield a port whose connections reach the gateway from another address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    server = socket.create_connection(("127.0.0.1", port), source_address=(address, 0))
                    for one, other in ((client, server), (server, client)):
                        threading.Thread(target=pump, args=(one, other), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
    source.close()


def is_well(line: str) -> bool:
    """Return True for a line of the logbook that tells of no fault."""
    return line.startswith("{") and json.loads(line)["level"] == "info"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(folder: Path, pair: Pair, root: Path, *, collections: str) -> Cluster:
    """Start a city's server with TLS, entered by the printed lines."""
    owner = server_owner()
    place = folder / "server-tls"
    place.mkdir()
    place.chmod(0o755)
    for source, name in ((pair.certificate, "server.crt"), (pair.key, "server.key"), (root, "root.crt")):
        shutil.copy(source, place / name)
        os.chown(place / name, owner.uid, owner.gid)
        (place / name).chmod(0o600)
    spec = city_spec(folder / "data", free_port())
    lines = entry_lines(Entry("127.0.0.1", GATEWAY))
    tls = {
        "ssl": "on", "ssl_cert_file": str(place / "server.crt"), "ssl_key_file": str(place / "server.key"),
        "ssl_ca_file": str(place / "root.crt"),
    }  # fmt: skip
    place_ready_city(spec, FEW, collections=collections)
    kept = tuple(line for line in spec.hba if "+dw_sessions" not in line and "doorward_admin" not in line)
    cluster = Cluster(
        replace(
            spec,
            hba=(*lines.hba, *kept),
            ident=(*lines.ident, *spec.ident),
            settings={**spec.settings, **tls},
        )
    )
    cluster.start()
    return cluster


@contextmanager
def start_city(*, cji: Sequence[str] = ()) -> Iterator[City]:
    """Yield a sample city's own server with the order installed, certificates, people, and settings of a gateway."""
    with tempfile.TemporaryDirectory(prefix="doorward-city-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority, people = Authority(folder / "authority", "city"), Authority(folder / "people", "people")
        collections = _mark_cji(cji) if cji else ""
        pair = authority.issue("server", hosts=("localhost", "127.0.0.1"))
        server = serve(folder, pair, authority.root, collections=collections)
        listener = authority.issue("listener", hosts=("localhost", "127.0.0.1"))
        city = City(folder, server, authority, people, folder / "doorward.toml", free_port())
        data = folder / "doorward"
        city.config.write_text(
            f"""
order = "chicago"
production = false
data = "{data}"

[database]
conninfo = "{city.upstream(authority.issue(GATEWAY))}"

[listen]
host = "127.0.0.1"
port = {city.port}
certificate = "{listener.certificate}"
key = "{listener.key}"
people_authority = "{people.root}"

{NO_PUBLISHER}
[record]
conninfo = "host=localhost dbname=disclosures"

[register]
table = "public.cases"
case = "case_no"
status = "status"
kind = "kind"
assigned_to = "assigned_to"
""",
            encoding="utf-8",
        )
        if cji:
            (folder / "collections.toml").write_text(collections, encoding="utf-8")
            settings = city.config.read_text(encoding="utf-8")
            city.config.write_text('collections = "collections.toml"\n' + settings.lstrip(), encoding="utf-8")
        write_people(data)
        try:
            yield city
        finally:
            if city.gateway is not None:
                city.gateway.kill()
                city.gateway.communicate()
            server.stop()


def _mark_cji(tables: Sequence[str]) -> str:
    """Return the sample's collections, saying of some tables that they hold criminal justice information."""
    text = files("doorward.orders.chicago").joinpath("collections.toml").read_text(encoding="utf-8")
    for table in tables:
        text = text.replace(f'[table."{table}"]\n', f'[table."{table}"]\ncji = true\n', 1)
    return text


def write_people(data: Path) -> None:
    data.mkdir(exist_ok=True)
    (data / "DOORWARD").write_text("this folder belongs to doorward; `doorward reset` removes it\n")
    salt = b"0123456789abcdef"
    verifiers = {p.login: str(make_verifier(p.password, salt=salt, iterations=4096)) for p in PEOPLE}
    verifiers |= dict.fromkeys(("atf.agent", "other.detective"), verifiers["detective"])
    people = as_people(verifiers)
    people.append(Person("carol.card", "", "records-clerk", "CPD", "records", certificate="Carol Card"))
    today = datetime.now(UTC).date().isoformat()  # noqa: TID251  # a login lapses by the day
    people = [replace(person, attested_on=today) for person in people]
    people.append(replace(people[0], login="lapsed.lee", attested_on="2020-01-01"))
    save_people(people, data / "people.json")
    save_agreements([Agreement("FBI", "sample-agreement-1", date(2030, 1, 1))], data / "agencies.json")

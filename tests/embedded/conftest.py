"""Folders that a server's user can reach, and the check that no test leaves a process behind."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from tests_support import templates

DEADLINE_SECONDS = 30.0


@pytest.fixture(scope="module", autouse=True)
def real_servers() -> Iterator[None]:
    """Here each server is made and kept as doorward does it."""
    with templates.real_servers():
        yield


@pytest.fixture(scope="module")
def folders() -> Iterator[Callable[[], Path]]:
    """Makes new folders that every user may pass through, as pytest's own are not."""
    made: list[Path] = []

    def make() -> Path:
        folder = Path(tempfile.mkdtemp(prefix="dw-"))
        folder.chmod(0o755)
        made.append(folder)
        return folder

    yield make
    left = [process for folder in made for process in wait_until_gone(folder)]
    for folder in made:
        shutil.rmtree(folder)
    assert not left, f"processes were left behind: {left}"


@pytest.fixture
def data(folders: Callable[[], Path]) -> Path:
    return folders() / "data"


@pytest.fixture(scope="module")
def city(folders: Callable[[], Path]) -> Iterator[Cluster]:
    """One running server for all tests of a module."""
    cluster = Cluster(city_spec(folders() / "data", free_port()))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def new_port() -> Callable[[], int]:
    return free_port


@pytest.fixture(name="free_port")
def free_port_fixture() -> int:
    return free_port()


@pytest.fixture(scope="module")
def until() -> Callable[[Callable[[], bool]], None]:
    """Waits for a condition, and fails at a deadline."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass in time"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="module")
def processes() -> Callable[[Path], dict[int, str]]:
    return processes_of


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processes_of(folder: Path) -> dict[int, str]:
    """Every process whose command line names a folder or that works in it, but this one."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            place = str((entry / "cwd").readlink()) if os.geteuid() == 0 else ""
        except OSError:
            continue
        if str(folder) in command or place.startswith(str(folder)):
            found[int(entry.name)] = command
    return found


def wait_until_gone(folder: Path) -> dict[int, str]:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left

"""What many tests begin with, made once in a run of all its processes and copied: an empty server, a city's."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from doorward.embedded.launcher import Cluster
from doorward.embedded.owner import ServerOwner

FOLDER: Final = "DOORWARD_TEST_TEMPLATES"
Initialise: TypeAlias = Callable[[Cluster, Path, ServerOwner, Path], None]
Command: TypeAlias = Callable[[Cluster, Path, tuple[Path, Path]], list[str]]
_RUN_INITDB: Final[Initialise] = Cluster._run_initdb
_MAKE_COMMAND: Final[Command] = Cluster._command


@contextmanager
def folder_of_the_run() -> Iterator[None]:
    """Have one folder for this process and those that it starts; removed at the end."""
    if FOLDER in os.environ:  # a process of xdist: who started it has it
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="doorward-templates-"))
    folder.chmod(0o755)
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder)


def template(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that is made by the first process of the run which asks for it; nobody changes it."""
    place = Path(os.environ[FOLDER], name)
    with place.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            making = place.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(mode=0o755)
            make(making)
            making.rename(place)
    return place


def copy_into(source: Path, target: Path) -> None:
    """Copy what is in a folder into another one, with owners and rights."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", f"{source}/.", str(target)], check=True)


def _copy_initialised(cluster: Cluster, binaries: Path, owner: ServerOwner, folder: Path) -> None:
    def make(place: Path) -> None:
        os.chown(place, owner.uid, owner.gid)
        _RUN_INITDB(cluster, binaries, owner, place)

    # One for each name of a server: by their identifiers, which copies share, the record is told from the city.
    which = sha256(f"{binaries} {cluster.spec.name}".encode()).hexdigest()[:8]
    name = f"pgdata-{owner.uid}-{which}"
    copy_into(template(name, make), folder)


def _command_without_sync(cluster: Cluster, binaries: Path, rules: tuple[Path, Path]) -> list[str]:
    return [*_MAKE_COMMAND(cluster, binaries, rules), "-c", "fsync=off"]


@contextmanager
def _servers(initialise: Initialise, command: Command) -> Iterator[None]:
    before = Cluster._run_initdb, Cluster._command
    Cluster._run_initdb, Cluster._command = initialise, command  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        setattr(Cluster, "_run_initdb", before[0])  # noqa: B010
        setattr(Cluster, "_command", before[1])  # noqa: B010


def quick_servers() -> AbstractContextManager[None]:
    """Start servers of this process from a copy of what initdb made once, and without waiting for the disk.

    A test that kills processes loses nothing by it: what is not synced is lost with the machine alone.
    """
    return _servers(_copy_initialised, _command_without_sync)


def real_servers() -> AbstractContextManager[None]:
    """Start servers as doorward does."""
    return _servers(_RUN_INITDB, _MAKE_COMMAND)

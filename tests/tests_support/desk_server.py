"""A desk that is served by a process of its own over HTTPS, from the database of the test's desk."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests_support.certificates import Authority
from tests_support.ports import free_port

CODE = """
import sys
from doorward.desk.configuration import current
from doorward.desk.serve import prepare, serve
prepare()
serve(current(), addresses=sys.argv[3:], certificate=(sys.argv[1], sys.argv[2]))
"""


@dataclass(frozen=True)
class Served:
    """Where it is, and by whose word it is itself."""

    url: str
    port: int
    folder: Path
    root: Path
    certificate: Path


@contextmanager
def serving(folder: Path, *, port: int = 0, trusting: Path | None = None, **more: Any) -> Iterator[Served]:
    """Serve the desk of this process's database as a city's, at `https://localhost`.

    Args:
        trusting: The root of an authority that the desk itself trusts, as of its provider.
        more: Of its configuration, where that is another than of a city without a provider.
    """
    from doorward.desk.configuration import VARIABLE, DeskConfiguration

    made = DeskConfiguration.load(Path(os.environ[VARIABLE]))
    port = port or free_port()
    url = f"https://localhost:{port}"
    authority = Authority(folder / "authority", "tests")
    pair = authority.issue("desk", hosts=("localhost", "127.0.0.1"))
    here = replace(made, **{"origins": (url,), "sample": False, "data": folder / "data", **more})
    (folder / "data").mkdir(exist_ok=True)
    files = (str(pair.certificate), str(pair.key))
    with serving_files(here, folder, (f"localhost:{port}",), files, trusting=trusting):
        yield Served(url, port, folder, authority.root, pair.certificate)


@contextmanager
def serving_files(
    made: Any, folder: Path, addresses: Sequence[str], pair: tuple[str, str], *, trusting: Path | None = None
) -> Iterator[None]:
    """Serve a desk that is configured, at addresses, with a certificate."""
    from doorward.desk.configuration import VARIABLE

    file, errors = folder / "served.json", folder / "served.err"
    file.write_text(made.format(), encoding="utf-8")
    environment = {**os.environ, VARIABLE: str(file)}
    if trusting is not None:
        environment["REQUESTS_CA_BUNDLE"] = str(trusting)
    with (
        errors.open("wb") as sink,
        subprocess.Popen(
            [sys.executable, "-c", CODE, *pair, *addresses],
            stdout=subprocess.PIPE,
            stderr=sink,
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", errors.read_text()
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0


def beside(act: Callable[[], object]) -> None:
    """Do something with the database in a thread of its own: a browser's loop lets this one ask none."""

    def run() -> None:
        from django.db import connections

        act()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def change_session(key: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what stands in a session."""

    def act() -> None:
        from django.contrib.sessions.backends.db import SessionStore

        held = SessionStore(key)
        held.load()
        change(held)
        held.save()

    beside(act)

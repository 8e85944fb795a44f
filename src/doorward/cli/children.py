"""The gateway and the publisher as processes of their own, started, watched and stopped by `doorward up`."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from doorward.cli.folders import Folders
from doorward.errors import DoorwardError

STOP_SECONDS = 15.0
READY = "ready"


@dataclass
class Child:
    """One process of ours; its standard error goes to a file in the run folder."""

    name: str
    process: subprocess.Popen[bytes]
    errors: Path

    def stop(self) -> None:
        """Ask the process to stop, then insist; a second call does nothing."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def last_words(self) -> str:
        """Return the last line that the process wrote to its standard error, or how it ended."""
        try:
            lines = self.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:  # somebody took the data folder away
            lines = []
        return lines[-1][:300] if lines else f"it ended with code {self.process.returncode}"


def start_child(name: str, folders: Folders, *arguments: str, wait_seconds: float = 0) -> Child:
    """Return a started `doorward NAME`; with ``wait_seconds``, only after it said that it is ready.

    Raises:
        DoorwardError: It ended, or did not get ready in time.
    """
    errors = folders.run / f"{name}.err"
    with errors.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "doorward", name, "--data", str(folders.data), *arguments],
            stdin=subprocess.PIPE,  # stays open as long as we live; see stop_with_parent
            stdout=subprocess.PIPE,
            stderr=sink,
            # Its own session: Ctrl-C in the terminal reaches `doorward up` alone, which stops all in order.
            start_new_session=True,
        )
    child = Child(name, process, errors)
    if wait_seconds and not _said_ready(process.stdout, wait_seconds):
        child.stop()
        raise DoorwardError(f"the {name} did not start: {child.last_words()}")
    return child


def _said_ready(output: IO[bytes] | None, seconds: float) -> bool:
    if output is None:
        return False
    readable, _, _ = select.select([output], [], [], seconds)
    return bool(readable) and output.readline().strip() == READY.encode()


def stop_with_parent() -> None:
    """Ask this process to stop once `doorward up`, which holds the other end of our standard input, is gone.

    A kill -9 of `doorward up` leaves nobody to stop its children; the closed pipe does.
    """

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def wait_for_end(children: list[Child]) -> Child | None:
    """Return the first child that ends by itself, or None when a signal asks us to stop."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: asked.append(got))
    while not asked:
        for child in children:
            if child.process.poll() is not None:
                return child
        time.sleep(0.2)
    return None

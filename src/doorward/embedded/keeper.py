"""A small parent for a server: bounds its log, and stops it when whoever asked for it is gone.

Runs as a process of its own (`python -I -S keeper.py ...`, standard library only), in its own session, so
that Ctrl-C or Ctrl-Z in a terminal reach neither it nor the server. Its standard input is a pipe that nobody
writes to: the end of that pipe means *stop*, whether the launcher closed it or was killed. So the ordinary
stop and the launcher's death take the same way, and the way is tested at every stop.

Stopping escalates: SIGINT (PostgreSQL's fast shutdown), SIGQUIT (immediate), SIGKILL.

It decides nothing about data folders; see `pgdata` and `postmaster` for those.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the process itself runs without our package
    from doorward.embedded.owner import ServerOwner

# Two files of this size a server. A warning is about 100 bytes: enough for the last 40,000 of them.
LOG_BYTES = 4 * 1024 * 1024
STOP_SIGNALS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
STOP_SECONDS = sum(seconds for _, seconds in STOP_SIGNALS)
CHUNK_BYTES = 65536


def start(
    command: Sequence[str], *, owner: "ServerOwner", log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Return a keeper that runs a command as a server's owner; closing its `stdin` stops the command.

    Its exit status is the command's, as a shell would give it (128 + n after signal n).

    Raises:
        OSError: The keeper's own process could not be started.
    """
    identity = f"{owner.uid}:{owner.gid}" if owner.is_other else "-"
    return subprocess.Popen(  # noqa: S603  # our own file, our own arguments
        [sys.executable, "-I", "-S", __file__, str(log), identity, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env=dict(environment),
    )


class BoundedLog:
    """A log file that turns into `<name>.1` when it is full; at most twice `limit` bytes on disk."""

    def __init__(self, path: Path, *, limit: int = LOG_BYTES) -> None:
        self._path = path
        self._limit = limit
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._size = os.fstat(self._file).st_size

    def write(self, data: bytes) -> None:
        """Append; a log that cannot be written is lost, for the server must not stop for it."""
        try:
            if self._size + len(data) > self._limit:
                self._turn()
            self._size += os.write(self._file, data)
        except OSError:
            return

    def _turn(self) -> None:
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._size = 0


def keep(command: Sequence[str], *, user: int | None, group: int | None, log: BoundedLog) -> int:
    """Run a command until it ends by itself or standard input ends; return its exit status."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    # A handler must stand for the wake-up to be written. The other three are not for us: whoever ends a
    # session or a machine ends the launcher too, and its end is our sign. A handler, unlike SIG_IGN, is not
    # inherited.
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(  # noqa: S603  # the launcher's own command
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        umask=0o077,
        user=user,
        group=group,
        extra_groups=None if user is None else [],
    )
    assert child.stdout is not None
    os.set_blocking(child.stdout.fileno(), False)
    selector = selectors.DefaultSelector()
    for source in (sys.stdin.fileno(), child.stdout.fileno(), wake_read):
        selector.register(source, selectors.EVENT_READ)
    steps = iter(STOP_SIGNALS)
    deadline: float | None = None
    while child.poll() is None:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = {key.fd for key, _ in selector.select(wait)}
        for source in ready:
            data = os.read(source, CHUNK_BYTES)
            if source == child.stdout.fileno():
                log.write(data)
            if not data:
                selector.unregister(source)
        asked_to_stop = deadline is None and sys.stdin.fileno() not in selector.get_map()
        if asked_to_stop or (deadline is not None and time.monotonic() >= deadline):
            step, seconds = next(steps, (signal.SIGKILL, STOP_SECONDS))
            child.send_signal(step)
            deadline = time.monotonic() + seconds
    _drain(child.stdout.fileno(), log)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _drain(source: int, log: BoundedLog) -> None:
    # What the command said last. Orphans of a killed server may still hold the pipe, so never wait for its
    # end.
    while True:
        try:
            data = os.read(source, CHUNK_BYTES)
        except BlockingIOError:
            return
        if not data:
            return
        log.write(data)


def main(arguments: Sequence[str]) -> int:
    """Run `keep` with the arguments that `start` composed."""
    log, identity, *command = arguments
    user, group = (None, None) if identity == "-" else map(int, identity.split(":"))
    try:
        return keep(command, user=user, group=group, log=BoundedLog(Path(log)))
    except OSError:
        return 127  # as a shell says of a command that it could not run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

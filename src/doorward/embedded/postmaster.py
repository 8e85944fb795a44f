"""What a data folder says about a server that runs on it, and how that server is stopped.

PostgreSQL writes `postmaster.pid` (pid, folder, start time, port, socket folder, address, shared memory,
status), and a server that was killed leaves it behind. So a pid in it proves nothing. A server of this
folder is a live process called postgres that was started with `-D` and this folder, or that works in it:
every PostgreSQL process keeps the folder as its working directory for its life, the backends that a killed
server leaves for a moment too.

Where the process is another user's, as it is when we are root without the right to trace (a container),
the system does not tell us its working directory. It tells that user, so we ask as that user.

INVARIANT (one-server): a stale pid file is removed here only when no process of PostgreSQL works in the
folder. Otherwise PostgreSQL's own check (the pid and the shared memory that the file names) stays in force.
"""

import contextlib
import itertools
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from doorward.embedded.keeper import STOP_SIGNALS
from doorward.embedded.owner import ServerOwner, ask_as
from doorward.errors import ClusterError

PID_FILE = "postmaster.pid"
PID_FILE_BYTES = 4096
POLL_SECONDS = 0.005
PROC = Path("/proc")
PS_SECONDS = 10.0

# Prints which of the processes $2, $3, ... work in the folder $1.
WORKING_IN = 'd=$1; shift; for p; do [ "/proc/$p/cwd" -ef "$d" ] && echo "$p"; done; exit 0'


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live server: its process, where it listens, and whether it lets sessions in."""

    pid: int
    port: int
    socket_dir: Path
    ready: bool


def find_postmaster(data_dir: Path) -> Postmaster | None:
    """Return the server that runs on a data folder, or None.

    Raises:
        ClusterError: The system would not say what the process of the pid file is.
    """
    lines = _read_pid_file(data_dir)
    if lines is None:
        return None
    pid = int(lines[0])
    if not (_was_started_on(data_dir, pid) or _of_those_working_in(data_dir, [pid])):
        return None
    port = int(lines[3]) if len(lines) > 3 and lines[3].isdecimal() else 0
    socket_dir = Path(lines[4]) if len(lines) > 4 else Path()
    return Postmaster(pid, port, socket_dir, len(lines) > 7 and lines[7].strip() == "ready")


def processes_in(data_dir: Path) -> list[int]:
    """Return every process of PostgreSQL that works in a data folder (without /proc: the server alone).

    Raises:
        ClusterError: The system would not say.
    """
    if PROC.is_dir():
        return _of_those_working_in(data_dir, [int(e.name) for e in PROC.iterdir() if e.name.isdecimal()])
    found = find_postmaster(data_dir)
    return [found.pid] if found else []


def stop_postmaster(data_dir: Path) -> None:
    """Stop whatever server runs on a data folder and return when all of its processes are gone.

    For servers that no keeper of ours holds any more. Escalates as the keeper does.

    Raises:
        ClusterError: A process outlived every signal.
    """
    for number, seconds in STOP_SIGNALS:
        found = find_postmaster(data_dir)
        if found is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, number)
        if _wait_until_empty(data_dir, seconds):
            return
    left = processes_in(data_dir)
    if left:
        raise ClusterError(
            f"a server on `{data_dir}` did not stop (process {left[0]})",
            hint="end that process, then start again",
        )


def clear_stale_pid_file(data_dir: Path) -> None:
    """Remove a pid file that hinders a start though no server is there.

    Either its number now belongs to some other program, as small numbers do after a reboot or in a new
    container, or a crash of the machine left it empty. A number that nobody has is left to PostgreSQL.

    Raises:
        ClusterError: The system would not say what runs in the folder.
    """
    lines = _read_pid_file(data_dir)
    hinders = lines is None or (PROC / lines[0]).exists()
    if PROC.is_dir() and hinders and not processes_in(data_dir):
        (data_dir / PID_FILE).unlink(missing_ok=True)


def _wait_until_empty(data_dir: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while processes_in(data_dir):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _read_pid_file(data_dir: Path) -> list[str] | None:
    # The folder belongs to the server's user: we follow no link there and read no more than a pid file has.
    try:
        handle = os.open(data_dir / PID_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        text = os.read(handle, PID_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(handle)
    lines = text.splitlines()
    # One that is still being written, or of a standalone backend (negative), names no server.
    return lines if lines and lines[0].isascii() and lines[0].isdecimal() else None


def _was_started_on(data_dir: Path, pid: int) -> bool:
    if not PROC.is_dir():
        return _was_started_on_says_ps(data_dir, pid)
    if not _is_postgres(pid):
        return False
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return (b"-D", os.fsencode(data_dir)) in itertools.pairwise(words)


def _was_started_on_says_ps(data_dir: Path, pid: int) -> bool:
    try:
        shown = subprocess.run(  # noqa: S603  # a fixed command and a number
            ["/bin/ps", "-ww", "-p", str(pid), "-o", "command="],
            capture_output=True,
            check=False,
            timeout=PS_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ClusterError(f"could not ask what process {pid} of `{data_dir / PID_FILE}` is") from error
    command = os.fsdecode(shown.stdout)
    return "postgres" in command and f"-D {data_dir}" in command


def _of_those_working_in(data_dir: Path, pids: list[int]) -> list[int]:
    found, hidden = [], []
    for pid in filter(_is_postgres, pids):
        try:
            if (PROC / str(pid) / "cwd").samefile(data_dir):
                found.append(pid)
        except PermissionError:
            hidden.append(str(pid))
        except OSError:
            continue  # gone meanwhile, or no such folder
    if hidden and os.geteuid() == 0:
        # Only root can have started a server as somebody else; another user's servers are not on our folders.
        folder = data_dir.stat()
        asked = ask_as(
            ServerOwner("server", folder.st_uid, folder.st_gid), WORKING_IN, str(data_dir), *hidden
        )
        found += [int(line) for line in asked.stdout.split()]
    return found


def _is_postgres(pid: int) -> bool:
    """Whether a process is a live one called postgres; anyone may read this of any process."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    head, _, rest = stat.rpartition(")")
    return head.endswith("(postgres") and rest.split()[0] not in {"Z", "X"}

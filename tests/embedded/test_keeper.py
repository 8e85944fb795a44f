"""The small parent process: its log's bound, its exit status, and the end of the pipe."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.embedded import keeper
from doorward.embedded.keeper import BoundedLog
from doorward.embedded.owner import ServerOwner

US = ServerOwner("us", os.geteuid(), os.getegid())


def keep(log: Path, script: str) -> subprocess.Popen[bytes]:
    return keeper.start([sys.executable, "-c", script], owner=US, log=log, environment={})


def end(kept: subprocess.Popen[bytes]) -> int:
    assert kept.stdin is not None
    kept.stdin.close()
    return kept.wait(30)


def test_a_log_never_takes_more_than_twice_its_limit(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log", limit=1000)
    for number in range(500):
        log.write(b"line %03d\n" % number)
        assert sum(entry.stat().st_size for entry in tmp_path.iterdir()) <= 2000
    assert {entry.name for entry in tmp_path.iterdir()} == {"log", "log.1"}
    assert (tmp_path / "log").read_bytes().endswith(b"line 499\n")
    assert (tmp_path / "log.1").read_bytes().endswith(b"\n")


def test_a_log_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    BoundedLog(tmp_path / "log", limit=20).write(b"0123456789\n")
    BoundedLog(tmp_path / "log", limit=20).write(b"0123456789\n")
    assert (tmp_path / "log.1").read_bytes() == (tmp_path / "log").read_bytes() == b"0123456789\n"


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log", limit=10)
    (tmp_path / "log.1").mkdir()
    (tmp_path / "log.1" / "in the way").touch()
    for _ in range(3):
        log.write(b"0123456789\n")


def test_a_link_in_the_place_of_the_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic link"):
        BoundedLog(tmp_path / "log")


@pytest.mark.parametrize(
    ("script", "status"),
    [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 128 + 9), ("print('said')", 0)],
)
def test_gives_the_commands_status_and_words(tmp_path: Path, script: str, status: int) -> None:
    kept = keep(tmp_path / "log", script)
    assert kept.wait(30) == status
    end(kept)
    assert ("said" in (tmp_path / "log").read_text()) == (status == 0)


def test_a_command_that_cannot_be_run_gives_127(tmp_path: Path) -> None:
    kept = keeper.start([str(tmp_path / "absent")], owner=US, log=tmp_path / "log", environment={})
    assert kept.wait(30) == 127
    end(kept)


def test_the_end_of_the_pipe_interrupts_the_command(
    tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    script = """
import signal, sys, time
def stop(number, frame):
    print("stopped by", number, flush=True)
    sys.exit(0)
signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
time.sleep(600)
"""
    log = tmp_path / "log"
    kept = keep(log, script)
    until(lambda: log.exists() and "ready" in log.read_text())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        kept.send_signal(number)  # what a closing session sends to all; none of them is for the keeper
    assert "stopped" not in log.read_text()
    assert end(kept) == 0
    assert log.read_text().endswith(f"stopped by {int(signal.SIGINT)}\n")


def test_a_command_that_ignores_the_interrupt_is_stopped_harder(
    tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    # The keeper's own patience is half a minute; here the file runs with less.
    script = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
    hurried = f"""
import signal, sys
sys.argv = ["keeper"]
from doorward.embedded import keeper
from pathlib import Path
keeper.STOP_SIGNALS = ((signal.SIGINT, 0.05), (signal.SIGQUIT, 25.0), (signal.SIGKILL, 5.0))
sys.exit(keeper.main([{str(tmp_path / "log")!r}, "-", sys.executable, "-c", {script!r}]))
"""
    kept = subprocess.Popen([sys.executable, "-c", hurried], stdin=subprocess.PIPE)
    until(lambda: (tmp_path / "log").exists() and "ready" in (tmp_path / "log").read_text())
    assert end(kept) == 128 + signal.SIGQUIT

"""`doorward up` as a whole: the panel's lines, the second start, the stop, and a kill."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.panel import psql_line
from doorward.cli.sample import PEOPLE

pytestmark = pytest.mark.pg

GONE_SECONDS = 30


def processes_of(data: Path) -> list[str]:
    """Command lines of everything that still runs for a data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(data) in line and str(os.getpid()) != entry.name:
                found.append(line)
    return found


def wait_until_gone(data: Path) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while left := processes_of(data):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("person", "code"), list(zip(PEOPLE, (0, 0, 0, 2, 2), strict=True)), ids=lambda value: str(value)[:40]
)
def test_the_lines_of_the_panel_behave_as_printed(up: Any, person: Any, code: int) -> None:
    printed = (up.folders.data.parent / f"{up.folders.data.name}.out").read_text()
    line = psql_line(person, up.port)
    assert line in printed
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr


def test_the_panel_says_how_to_verify_the_record(up: Any) -> None:
    printed = (up.folders.data.parent / f"{up.folders.data.name}.out").read_text()
    (line,) = [line for line in printed.splitlines() if line.startswith("verify the record:")]
    command = shlex.split(line.split(":", 1)[1])
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tour_holds(up: Any) -> None:
    command = [sys.executable, "-m", "doorward", "tour", "--data", str(up.folders.data), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_citys_own_application_notices_nothing(up: Any) -> None:
    password = (up.folders.keys / "records_app.password").read_text()
    with psycopg.connect(
        host="127.0.0.1",
        port=up.city_port,
        user="records_app",
        password=password,
        dbname="clear",
        autocommit=True,
    ) as application:
        assert application.execute("SELECT count(*) FROM persons").fetchone() == (40_000,)
        assert application.execute("SELECT count(birthplace) > 0 FROM persons").fetchone() == (True,)
        with application.transaction(force_rollback=True):
            application.execute("UPDATE persons SET phone = '555-0100' WHERE person_id = 1")
            application.execute("CREATE TEMP TABLE t (a int)")
            application.execute("DO $$ BEGIN PERFORM 1; END $$")


def test_a_second_gateway_on_the_same_folder_is_refused_and_cuts_nobody(up: Any) -> None:
    with up.connect() as session:
        second = subprocess.Popen(
            [sys.executable, "-m", "doorward", "gateway", "--data", str(up.folders.data), "--port", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        _, said = second.communicate(timeout=60) if second.wait(60) else ("", "it was let in")
        assert "another process writes to the spool" in said
        assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)


def test_ctrl_c_stops_all_and_a_second_start_keeps_the_data(
    own_up: Any, start: Callable[[Path], Any]
) -> None:
    data = own_up.folders.data
    with own_up.connect() as session:
        session.execute("SELECT 'kept'")
    assert own_up.stop() == 0
    wait_until_gone(data)
    again = start(data)
    try:
        printed = (data.parent / f"{data.name}.out").read_text()
        assert "five people" not in printed  # the tour is played once, after the first start
        with again.connect() as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
    finally:
        assert again.stop() == 0
    wait_until_gone(data)


def test_a_kill_of_up_leaves_nothing_running_and_the_next_start_works(
    own_up: Any, start: Callable[[Path], Any]
) -> None:
    data = own_up.folders.data
    own_up.process.send_signal(signal.SIGKILL)
    own_up.process.wait()
    wait_until_gone(data)
    again = start(data)
    with again.connect() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert again.stop() == 0

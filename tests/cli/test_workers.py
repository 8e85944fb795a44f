"""The parent of several workers: successors, a stop that reaches all, and an end where a worker keeps failing."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.cli import workers as module
from doorward.cli.workers import Workers, run_workers
from doorward.errors import ConfigError, DoorwardError
from doorward.gateway.logbook import Logbook

GOOD = "import sys, time; print('ready', flush=True); time.sleep(60)"


def make(folder: Path, script: str, count: int = 2) -> Workers:
    return Workers((sys.executable, "-c", script), count, folder, None, Logbook("gateway"))


async def run(workers: Workers) -> None:
    async with asyncio.timeout(60):
        await workers.run_until_stopped()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what is waited for is a process, which sets no event
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)


def test_a_worker_that_does_not_start_ends_all_with_its_words_and_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "import sys; sys.stderr.write('doorward: the people are not there\\n'); sys.exit(2)"
    with pytest.raises(ConfigError, match="worker 0 ended: the people are not there"):
        asyncio.run(run(make(tmp_path, script)))
    assert capsys.readouterr().out == ""


def test_a_worker_that_fails_again_and_again_ends_all(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    script = (
        f"import sys, pathlib, time; number = sys.argv[-1]; print('ready', flush=True)\n"
        f"with open({str(mark)!r} + number, 'a') as file: file.write('x')\n"
        "if number == '1': sys.stderr.write('doorward: the disk is full\\n'); sys.exit(3)\n"
        "time.sleep(60)"
    )
    with pytest.raises(DoorwardError, match="worker 1 ended 5 times at once: the disk is full"):
        asyncio.run(run(make(tmp_path, script)))
    assert (tmp_path / "started1").read_text() == "x" * module.MAX_FAILURES
    assert (tmp_path / "started0").read_text() == "x"


def test_a_killed_worker_gets_a_successor_and_a_stop_reaches_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = make(tmp_path, GOOD)

    async def scene() -> None:
        running = asyncio.ensure_future(run(workers))
        await until(lambda: workers.is_ready)
        first = workers.children[1].process
        first.kill()
        await until(lambda: workers.children[1].process is not first)
        os.kill(os.getpid(), signal.SIGTERM)
        await running

    asyncio.run(scene())
    told = capsys.readouterr()
    assert told.err.count("worker died worker=1 code=-9") == 1
    assert all(child.process.returncode is not None for child in workers.children.values())


def test_a_worker_that_will_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + GOOD
    workers = make(tmp_path, script, 1)

    async def scene() -> None:
        running = asyncio.ensure_future(run(workers))
        await until(lambda: workers.is_ready)
        workers.stopped.set()
        await running

    with pytest.raises(DoorwardError, match="worker 0 ended: it ended with code -9"):
        asyncio.run(scene())


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    workers = Workers(("/nowhere/doorward",), 2, tmp_path, None, Logbook("gateway"))
    with pytest.raises(DoorwardError, match="could not be started"):
        asyncio.run(run(workers))


def test_words_come_whole_however_long_they_are(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = "import sys; sys.stderr.write('a' * 200_000 + '\\ndoorward: the last\\n'); sys.exit(3)"
    with pytest.raises(DoorwardError, match="the last"):
        asyncio.run(run(make(tmp_path, script, 1)))
    assert capfd.readouterr().err.replace("\n", "").count("a") >= 200_000


def test_the_command_of_a_worker_is_this_one_with_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DoorwardError, match="worker 0 ended"):
        run_workers(
            tmp_path / "doorward.toml", count=2, run=tmp_path, health=None, logbook=Logbook("gateway")
        )

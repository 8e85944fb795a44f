"""A reader of a hostile file, in a process of its own with hard bounds on memory, time, files and output.

Workbooks and PDFs are read by native code (calamine, pdfium) and come from strangers. That code runs in a child that
may use so much memory and processor time and no more, leaves no core file, and gives back only texts: lines of CSV or
JSON in a folder of the parent. If it dies, the parent has one line to say, and goes on. A cell in the last corner of
a sheet makes calamine ask for half a terabyte and abort: two cells, a file of 2 KB (ADR 23).
"""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError, DoorwardError, MalformedError, StoreError

MIB: Final = 1 << 20
LEAST_MEMORY: Final = 512 * MIB  # of address space; with less the smallest workbook is not read
WALL_FACTOR: Final = 10  # how much longer than its processor time a child may take by the clock
MAX_ANSWER_BYTES: Final = 4 * MIB
JOBS: Final[Mapping[str, str]] = {
    "workbook": "doorward.lookback.reading.workbook_job",
    "pdf": "doorward.lookback.reading.pdf_job",
}
KEPT: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")  # no secret of ours goes to a child


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use.

    Args:
        memory_bytes: Of address space, the interpreter's own 50 MiB included.
        cpu_seconds: Of processor time; by the clock ten times as much.
        output_bytes: The largest file that it may write.
    """

    memory_bytes: int
    cpu_seconds: int
    output_bytes: int


def within(limits: Limits, memory_bytes: int) -> Limits:
    """Return limits for a machine that has so much memory for it; below `LEAST_MEMORY` no reader starts.

    The engine waits while a child reads, so that the two are not added.
    """
    return replace(limits, memory_bytes=max(LEAST_MEMORY, memory_bytes))


def run_confined(
    job: str, file: Path, folder: Path, limits: Limits, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a job answered; its tables lie in `folder`.

    Args:
        job: A key of `JOBS`.
        file: Read by the child; whatever its bytes.
        folder: Exists, and belongs to this call.
        options: JSON, for the job.

    Raises:
        ConfigError: What the job needs is not installed.
        MalformedError: The file is broken, encrypted or hostile, or no such file at all; one line says which.
        StoreError: The file cannot be read, or the folder is full.
    """
    order = {
        "job": job,
        "file": str(file.absolute()),
        "folder": str(folder.absolute()),
        "memory": limits.memory_bytes,
        "cpu": limits.cpu_seconds,
        "output": limits.output_bytes,
        "options": dict(options),
    }
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "doorward.lookback.reading.confined"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=folder,
        start_new_session=True,
    )
    try:
        raw, _ = process.communicate(
            json.dumps(order).encode(), timeout=60 + WALL_FACTOR * limits.cpu_seconds
        )
    except subprocess.TimeoutExpired:
        raise MalformedError(
            f"`{file.name}` was not read within its time: damaged or made to stall"
        ) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return _answer(limits, process.returncode, raw)


def _answer(limits: Limits, code: int, raw: bytes) -> dict[str, Any]:
    memory = f"{limits.memory_bytes // MIB:,} MiB"
    output = f"it unpacks to more than {limits.output_bytes // MIB:,} MiB of text"
    if code < 0:
        why = {
            -24: f"reading takes more than {limits.cpu_seconds:,} seconds of processor time",  # SIGXCPU
            -9: f"reading takes more than {limits.cpu_seconds:,} seconds of processor time",
            -6: f"reading needs more than {memory}, or it is damaged",  # SIGABRT: an allocation that failed
        }.get(code, f"its reader ended with signal {-code}: it is damaged or hostile")
        raise MalformedError(why, hint="save it as CSV with the program that made it")
    try:
        answer = json.loads(raw) if len(raw) <= MAX_ANSWER_BYTES else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise MalformedError(
            f"its reader gave no answer (code {code}): it is damaged or hostile",
            hint="save it as CSV with the program that made it",
        )
    failed = answer.get("failed")
    if failed is None:
        return dict(answer)
    kind = {"ConfigError": ConfigError, "StoreError": StoreError}.get(failed, MalformedError)
    said = {"memory": f"reading needs more than {memory}", "output": output}
    message = said.get(str(failed)) or str(answer.get("message", ""))
    raise kind(
        message,
        hint=answer.get("hint") or ("save it as CSV, or split it" if failed in said else None),
    )


def _confine(order: Mapping[str, Any]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (order["memory"], order["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu"], order["cpu"] + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["output"], order["output"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _main() -> None:
    order = json.loads(sys.stdin.buffer.read())
    _confine(order)
    try:
        job: Callable[..., dict[str, Any]] = import_module(JOBS[order["job"]]).run
        answer = job(Path(order["file"]), Path(order["folder"]), order["options"])
    except DoorwardError as error:
        answer = {"failed": type(error).__name__, "message": str(error), "hint": error.hint}
    except MemoryError:
        answer = {"failed": "memory"}
    except OSError as error:
        kind = "output" if error.errno == errno.EFBIG else "StoreError"
        answer = {"failed": kind, "message": f"it cannot be read: {error.strerror or 'the disk said no'}"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _main()

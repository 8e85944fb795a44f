"""The engine that looks back: DuckDB, bounded in memory, without extensions from elsewhere."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError, DoorwardError

if TYPE_CHECKING:
    import duckdb

MEMORY: Final = "800MB"  # of a process that stays below 1 GB
_UNITS: Final = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


@contextmanager
def open_engine(
    scratch: Path, *, memory: str = MEMORY, threads: int | None = None
) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Yield a connection to an engine that holds nothing yet, and remove what it spilled.

    Args:
        scratch: A folder of its own; it is made, and removed at the end.
        memory: Beyond this it spills, as DuckDB writes it: `800MB`, `4GB`.
        threads: At most so many; None is one a core.

    Raises:
        ConfigError: DuckDB is not installed, or `memory` is no amount.
        DoorwardError: What was done with it needed more memory than `memory`, or more than the disk has.
    """
    try:
        import duckdb
    except ImportError as error:
        raise ConfigError("looking back needs DuckDB", hint="pip install 'doorward[lookback]'") from error
    scratch.mkdir(parents=True, exist_ok=True)
    settings = {
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if threads is not None:
        settings["threads"] = str(threads)
    connection = duckdb.connect(config=settings)  # type: ignore[arg-type]  # it takes texts
    try:
        try:
            connection.execute("SET memory_limit = ?", [memory])
        except duckdb.Error as error:
            raise ConfigError(
                f"`--memory {memory[:20]}` is no amount of memory", hint="write `800MB` or `4GB`"
            ) from error
        connection.execute("SET TimeZone = 'UTC'")
        with _told(memory):
            yield connection
    finally:
        connection.close()
        rmtree(scratch, ignore_errors=True)


@contextmanager
def _told(memory: str) -> Iterator[None]:
    """Turn what the engine says when memory or disk run out into a line for a clerk; tables were whole or not there."""
    import duckdb

    again = "a second run goes on with the files that are read"
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        if "max_temp_directory_size" in str(error):
            raise _full(again) from error
        raise DoorwardError(
            f"`--memory {memory[:20]}` is not enough for this",
            hint=f"give it more, or `--threads 1`; {again}",
        ) from error
    except (duckdb.IOException, OSError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
            raise _full(again) from error
        raise


def _full(again: str) -> DoorwardError:
    return DoorwardError("the disk of `--out` is full", hint=f"make room, or take another folder; {again}")


def memory_of(connection: "duckdb.DuckDBPyConnection") -> int:
    """Return how many bytes an engine may take before it spills, as it understood what it was told."""
    (text,) = connection.execute("SELECT current_setting('memory_limit')").fetchone() or ("0 bytes",)
    number, unit = str(text).split()
    return int(float(number) * _UNITS[unit])

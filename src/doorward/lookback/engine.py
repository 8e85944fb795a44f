"""The engine that looks back: DuckDB, bounded in memory, without extensions from elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

MEMORY: Final = "1GB"


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
        yield connection
    finally:
        connection.close()
        rmtree(scratch, ignore_errors=True)

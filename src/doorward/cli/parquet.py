"""A CSV that PostgreSQL wrote, as Parquet with PostgreSQL's types; DuckDB streams it, so that memory is bounded."""

from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, DoorwardError

MEMORY: Final = "512MB"
BYTEA: Final = 17
NUMERIC: Final = 1700
MAX_DIGITS: Final = 38  # of DuckDB's and Parquet's DECIMAL
# By the numbers of pg_type, which never change. What is not listed stays text.
TYPES: Final = {
    16: "BOOLEAN", 21: "SMALLINT", 23: "INTEGER", 20: "BIGINT", 700: "FLOAT", 701: "DOUBLE", 1082: "DATE",
    1083: "TIME", 1114: "TIMESTAMP", 1184: "TIMESTAMPTZ", 2950: "UUID",
}  # fmt: skip


def parquet_type(oid: int, modifier: int) -> str:
    """Return the type that a column of this PostgreSQL type gets; a numeric without a bound stays text."""
    if oid == NUMERIC and modifier >= 0:
        digits, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
        if digits <= MAX_DIGITS and scale <= digits:
            return f"DECIMAL({digits},{scale})"
    return TYPES.get(oid, "VARCHAR")


def write_parquet(source: Path, target: Path, columns: list[tuple[str, int, int]]) -> None:
    """Write a CSV with a header as Parquet.

    Args:
        columns: Name, type and modifier, as PostgreSQL describes them.

    Raises:
        ConfigError: DuckDB is not installed, or two columns have one name.
        DoorwardError: A value does not fit its type, or the file cannot be written.
    """
    try:
        import duckdb
    except ImportError as error:
        raise ConfigError(
            "Parquet needs DuckDB", hint="pip install 'doorward[lookback]', or write .csv"
        ) from error
    names = [name for name, _, _ in columns]
    if len(set(names)) != len(names):
        raise ConfigError("two columns have the same name", hint="name each with AS, or write .csv")
    read = {f"c{at}": parquet_type(oid, modifier) for at, (_, oid, modifier) in enumerate(columns)}
    shown = [
        f"{f'from_hex(substr(c{at}, 3))' if oid == BYTEA else f'c{at}'} AS {_quoted(name)}"
        for at, (name, oid, _) in enumerate(columns)
    ]
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection:
        connection.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
        try:
            connection.read_csv(
                str(source), header=True, sep=",", quotechar='"', escapechar='"', na_values=[""], columns=read,
                allow_quoted_nulls=False, parallel=False,
            ).project(", ".join(shown)).write_parquet(str(target), compression="zstd")  # fmt: skip
        except duckdb.Error as error:
            raise DoorwardError(
                "a value does not fit the type of its column in Parquet, or the file cannot be written",
                hint="write .csv, which keeps every value as PostgreSQL shows it",
            ) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

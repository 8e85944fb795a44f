"""The queries of an audit on Spark, over the Parquet that reading has left: for logs beyond one machine.

Reading stays with DuckDB: Spark's reader of CSV takes a newline within quotes for the end of a record, silently. What
an order says is decided once for each distinct set of facts, on one machine; Spark does what grows with the log: it
collects the sets, counts, and finds. The text of each query is the one that DuckDB runs, carried over by sqlglot.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doorward.errors import ConfigError
from doorward.lookback.queries import quote_text

if TYPE_CHECKING:
    import duckdb


def carry_to_spark(query: str) -> str:
    """Return a query of DuckDB as Spark runs it; raises ConfigError where sqlglot is not installed."""
    try:
        import sqlglot
    except ImportError as error:
        raise _missing() from error
    return sqlglot.transpile(query, read="duckdb", write="spark")[0]


class Spark:
    """A session of Spark that holds nothing yet; `open_spark` makes one."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401  # pyspark has no types
        self._session = session

    def view(self, name: str, files: Sequence[Path]) -> None:
        """Name what Parquet files hold."""
        self._session.read.parquet(*map(str, files)).createOrReplaceTempView(name)

    def share(self, connection: "duckdb.DuckDBPyConnection", tables: Sequence[str], scratch: Path) -> None:
        """Name what small tables of DuckDB hold: each is written to a file of the scratch folder."""
        scratch.mkdir(parents=True, exist_ok=True)
        for table in tables:
            path = scratch / f"{table}.parquet"
            connection.execute(f"COPY (SELECT * FROM {table}) TO {quote_text(path)} (FORMAT parquet)")  # noqa: S608  # names of our own
            self.view(table, [path])

    def define(self, name: str, query: str) -> None:
        """Name what a query of DuckDB's gives."""
        self._session.sql(carry_to_spark(query)).createOrReplaceTempView(name)

    def collect(self, connection: "duckdb.DuckDBPyConnection", query: str, table: str, scratch: Path) -> None:
        """Make a table of DuckDB of what a query of DuckDB's gives on Spark."""
        self.write(query, scratch / table)
        parts = quote_text(scratch / table / "*.parquet")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM read_parquet({parts})")  # noqa: S608  # as above

    def write(self, query: str, folder: Path) -> None:
        """Write what a query of DuckDB's gives on Spark: a folder of Parquet files."""
        self._session.sql(carry_to_spark(query)).write.mode("overwrite").parquet(str(folder))


@contextmanager
def open_spark(*, memory: str, threads: int | None, master: str | None = None) -> Iterator[Spark]:
    """Yield a session of Spark.

    Args:
        memory: Of the driver, as DuckDB writes it: `800MB`, `4GB`.
        threads: Of the local mode.
        master: A cluster, as Spark names it; None is this machine.

    Raises:
        ConfigError: Spark or sqlglot is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise _missing() from error
    where = master or f"local[{threads or '*'}]"
    builder = SparkSession.builder.master(where).appName("doorward audit")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.memory": memory.upper().removesuffix("B").lower(),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",  # what does not fit is an error, as with DuckDB, and no NULL
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield Spark(session)
    finally:
        session.stop()


def _missing() -> ConfigError:
    return ConfigError(
        "`--engine spark` needs Spark and sqlglot", hint="pip install 'doorward[spark]', and Java 17"
    )

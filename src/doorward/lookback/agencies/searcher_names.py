"""The names of organisations that stand in files, and how often: for the review of matches, before any audit is run.

CSV by the name of its column, a text with a name a line, the folder of an audit, and any other log as an audit reads
it.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.read import read_sources
from doorward.lookback.reading.readers import make_readers

# Header names of the layouts that have one, in small letters: vendor's network audits, and our own table.
HEADERS: Final = ("org name", "searcher", "organization name", "organisation", "organization", "agency name")
MAX_CHARACTERS: Final = 1 << 20  # of a cell


def count_searchers(file: Path, scratch: Path) -> Counter[str]:
    """Return the names of one file, and in how many rows each stands; rows without one are not counted.

    Args:
        scratch: A folder that the engine may make and remove, used for Parquet.

    Raises:
        ConfigError: It cannot be read, or has no column for the organisation.
    """
    try:
        if file.is_dir():
            return _count_folder(AuditFolder(file), scratch)
        if file.suffix.lower() not in {".csv", ".txt"}:
            return _count_log(file, scratch)
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            if file.suffix.lower() == ".txt":
                return Counter(name for line in lines if (name := line.strip()))
            return Counter(_read_csv(file.name, csv.reader(lines)))
    except (OSError, csv.Error) as error:
        raise ConfigError(
            f"`{file.name}` cannot be read: expected a log, a text or the folder of an audit"
        ) from error


def _read_csv(name: str, rows: "Iterator[list[str]]") -> Iterator[str]:
    before = csv.field_size_limit(MAX_CHARACTERS)
    try:
        head = [cell.strip().lower() for cell in next(rows, [])]
        at = next((head.index(one) for one in HEADERS if one in head), None)
        if at is None:
            raise ConfigError(
                f"`{name}` has no column for the organisation that searched",
                hint=f"one of {', '.join(f'`{one}`' for one in HEADERS)}; a portal's export has none, and needs none",
            )
        for row in rows:
            cell = row[at].strip() if at < len(row) else ""
            if cell and cell.lower() != head[at]:  # a header may be repeated
                yield cell
    finally:
        csv.field_size_limit(before)


def _count_folder(folder: AuditFolder, scratch: Path) -> Counter[str]:
    tables = sorted(folder.rows.glob("*.parquet"))
    if not tables:
        raise ConfigError(
            f"no audit is in `{folder.root.name}`",
            hint="doorward audit FILE… --out it first, or name its files",
        )
    return sum((_count_parquet(table, scratch) for table in tables), Counter())


def _count_log(file: Path, scratch: Path) -> Counter[str]:
    """Return the names of any log: a table of an audit's rows as it stands, else as an audit reads the file."""
    if file.suffix.lower() == ".parquet" and _has_states(file, scratch):
        return _count_parquet(file, scratch)
    with TemporaryDirectory(dir=scratch.parent) as name:
        folder = AuditFolder(Path(name))
        with open_engine(folder.scratch) as connection:
            (report,) = read_sources(connection, [file], folder, readers=make_readers(connection))
        if "searcher" not in report.used:
            raise ConfigError(
                f"`{file.name}` has no column for the organisation that searched",
                hint="a portal's export has none, and needs none",
            )
        return _count_folder(folder, scratch)


def _has_states(file: Path, scratch: Path) -> bool:
    import duckdb

    with open_engine(scratch) as connection:
        try:
            connection.execute("SELECT searcher, searcher_state FROM read_parquet(?) LIMIT 0", [str(file)])
        except duckdb.Error:
            return False
    return True


def _count_parquet(file: Path, scratch: Path) -> Counter[str]:
    import duckdb

    with open_engine(scratch) as connection:
        try:
            rows = connection.execute(
                "SELECT searcher, count(*) FROM read_parquet(?) WHERE searcher_state = 'value' GROUP BY ALL",
                [str(file)],
            ).fetchall()
        except duckdb.Error as error:
            raise ConfigError(
                f"`{file.name}` is no table of an audit's rows: expected the column `searcher`"
            ) from error
    return Counter({str(name): int(count) for name, count in rows})

"""What the tests of reading share: an engine, and one call that reads files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.accounting import SourceReport
from doorward.lookback.reading.opening import ReadOptions
from doorward.lookback.reading.raw import quote_path
from doorward.lookback.reading.read import read_sources

Read = Callable[..., list[SourceReport]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine(tmp_path / "engine", threads=1) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> AuditFolder:
    return AuditFolder(tmp_path / "out")


@pytest.fixture
def read(engine: duckdb.DuckDBPyConnection, folder: AuditFolder) -> Read:
    def call(*paths: Path, readers: Any = None, progress: Any = None, **options: Any) -> list[SourceReport]:
        made = ReadOptions(**options)
        return read_sources(engine, paths, folder, made, readers=readers, progress=progress)

    return call


@pytest.fixture
def rows(engine: duckdb.DuckDBPyConnection, folder: AuditFolder) -> Callable[..., list[tuple[Any, ...]]]:
    def call(columns: str, file: int = 0) -> list[tuple[Any, ...]]:
        path = quote_path(folder.rows / f"{file:04d}.parquet")
        return engine.execute(f"SELECT {columns} FROM read_parquet('{path}') ORDER BY sheet, row").fetchall()

    return call

"""`doorward audit detect`: what a log looks like, and a map file for it."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from doorward.lookback.engine import open_engine
from doorward.lookback.reading.detect import Detected, detect
from doorward.lookback.reading.opening import ReadOptions
from doorward.lookback.reading.readers import make_readers


def detect_file(
    file: Annotated[
        Path, typer.Argument(help="CSV (plain, gzip, zstd), JSON, Parquet, XLSX, PDF, a database's log.")
    ],
    *,
    form: Annotated[str, typer.Option(help="The form of the file, where its bytes do not tell.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Say which layout a log has, and propose a map file; samples are shown as shapes, never as values."""
    with TemporaryDirectory(prefix="doorward-") as folder, open_engine(Path(folder) / "engine") as connection:
        found = detect(
            connection, file, Path(folder) / "detect", ReadOptions(form=form), make_readers(connection)
        )
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        _show(one)


def _show(one: Detected) -> None:
    sheet = f", sheet {one.sheet}" if one.sheet else ""
    typer.echo(f"{one.form}{sheet}: {f'layout {one.layout}' if one.layout else one.problem}")
    width = max((len(column.name) for column in one.columns), default=0)
    for column in one.columns:
        reading = f"{column.cell} ({column.parser}, {column.confidence:.0%})" if column.cell else "not used"
        typer.echo(f"  {column.name:<{min(width, 40)}}  {reading:<28}  {'  '.join(column.shapes)}".rstrip())
    if one.map_file:
        typer.echo("\n# a map file that reads it: save it, correct it, give it to --map")
        typer.echo(one.map_file)

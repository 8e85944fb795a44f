"""`doorward policy conformance`: a Cedar corpus put to every target that decides requests.

Exit codes: 0 no difference, 1 a difference, 2 there is no such corpus, 3 it cannot be read.
"""

import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from doorward.cedar.conformance import Tally, Target, lines, run
from doorward.cedar.corpus import read_cases
from doorward.cedar.dialects import DUCKDB, POSTGRESQL
from doorward.errors import ConfigError, StoreError

app = typer.Typer(no_args_is_help=True)
MAX_BYTES = 2 * 1024**3  # the whole public corpus takes 60 MB
TARGETS = ("cedarpy", "python", "sql", "smt")


@app.callback()
def policy() -> None:
    """Check the compilers of Cedar."""


@app.command()
def conformance(
    corpus: Annotated[
        Path,
        typer.Argument(
            help="a folder or tar archive in the layout of cedar-integration-tests; archives in a folder count"
        ),
    ],
    target: Annotated[
        list[str] | None, typer.Option(help=f"only this target, one of {', '.join(TARGETS)}; may be repeated")
    ] = None,
    dsn: Annotated[
        str | None, typer.Option(help="run SQL on this PostgreSQL, in its own dialect, in place of DuckDB")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Put every request of a Cedar corpus to each target, and count where it differs from Cedar's engine."""
    wanted = tuple(target or TARGETS)
    for name in wanted:
        if name not in TARGETS:
            raise ConfigError(f"`{name[:40]}` is no target", hint=f"one of {', '.join(TARGETS)}")
    cases = [case for files in read_corpus(corpus) for case in read_cases(files)]
    if not cases:
        raise ConfigError(f"`{corpus}` holds no case of a Cedar corpus")
    made, validate = _targets(wanted, dsn)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("cases", total=len(cases))
        tallies = run(cases, made, validate=validate, progress=lambda: progress.advance(bar))
    if as_json:
        typer.echo(json.dumps(_as_json(tallies), indent=1, ensure_ascii=False))
    else:
        for line in lines(tallies):
            typer.echo(line)
    if any(tally.differences for tally in tallies):
        raise typer.Exit(1)


def read_corpus(path: Path) -> Iterator[Mapping[str, bytes]]:
    """Yield the files of a folder, of a tar archive, or of each archive in a folder, by path.

    Raises:
        ConfigError: There is no such folder or archive, or it is too large.
        StoreError: A file cannot be read.
    """
    try:
        if path.is_dir():
            archives = sorted(
                file for file in path.iterdir() if ".tar" in file.suffixes or file.suffix == ".tgz"
            )
            for archive in archives:
                yield _read_archive(archive)
            yield _bounded(
                (file.relative_to(path).as_posix(), file)
                for file in sorted(path.rglob("*"))
                if file.is_file() and file not in archives
            )
        elif path.is_file():
            yield _read_archive(path)
        else:
            raise ConfigError(f"`{path}` is neither a folder nor an archive")
    except OSError as error:
        raise StoreError(f"cannot read the corpus: {error.strerror}") from error


def _bounded(files: Iterator[tuple[str, Path]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    for name, file in files:
        total += file.stat().st_size
        _refuse_size(total)
        found[name] = file.read_bytes()
    return found


def _read_archive(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if not member.isfile():
                    continue  # nothing is unpacked; links lead nowhere
                total += member.size
                _refuse_size(total)
                content = archive.extractfile(member)
                if content is not None:
                    found[member.name.removeprefix("./")] = content.read()
    except (tarfile.TarError, EOFError) as error:
        raise ConfigError(f"`{path.name}` is no tar archive") from error
    return found


def _refuse_size(total: int) -> None:
    if total > MAX_BYTES:
        raise ConfigError(f"the corpus is larger than {MAX_BYTES} bytes")


def _targets(wanted: Sequence[str], dsn: str | None) -> tuple[list[Target], Any]:
    try:
        from doorward.cedar.targets import Engine, Python, Smt, Sql
    except ImportError as error:
        raise ConfigError("z3 is not installed", hint="pip install 'doorward[prove]'") from error
    engine = Engine()
    made: list[Target] = []
    for name in wanted:
        match name:
            case "cedarpy":
                made.append(engine)
            case "python":
                made.append(Python())
            case "sql":
                made.append(Sql(DUCKDB, _duckdb()) if dsn is None else Sql(POSTGRESQL, _postgresql(dsn)))
            case _:
                made.append(Smt())
    return made, engine.validates if "cedarpy" in wanted else None


def _duckdb() -> Callable[[str], Sequence[tuple[Any, ...]]]:
    try:
        import duckdb
    except ImportError as error:
        raise ConfigError("DuckDB is not installed", hint="pip install 'doorward[lookback]'") from error
    connection = duckdb.connect(config={"threads": 1})
    return lambda query: connection.execute(query).fetchall()


def _postgresql(dsn: str) -> Callable[[str], Sequence[tuple[Any, ...]]]:
    import psycopg

    try:
        connection = psycopg.connect(dsn, autocommit=True)
    except psycopg.Error as error:
        raise StoreError("the PostgreSQL server of `--dsn` does not answer") from error
    return lambda query: connection.execute(query.encode()).fetchall()


def _as_json(tallies: Sequence[Tally]) -> list[dict[str, Any]]:
    return [
        {
            "target": tally.target,
            "requests": tally.requests,
            "differences": {
                "decision": tally.decisions,
                "reasons": tally.reasons,
                "errors": tally.errors,
                "validation": tally.validations,
            },
            "refused": dict(tally.refused),
            "shown": tally.shown,
        }
        for tally in tallies
    ]

"""`doorward audit FILE…`: logs of accesses that already happened, put to an order, or each owner to its own words.

Exit codes: 0 done, 2 a file, an order or an option is wrong, 3 the audit could not be finished, or with
--keep-going not every file could be read.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from errno import EACCES, ENAMETOOLONG, ENOTDIR, EPERM, EROFS
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from doorward.cli import audit_options as options
from doorward.cli.audit_agencies import load_matcher
from doorward.cli.audit_rank import write_estimates
from doorward.cli.audit_record import read_record
from doorward.cli.audit_sharing import load_lists
from doorward.errors import ConfigError, DoorwardError
from doorward.lookback.audit import Audit, Plan, audit
from doorward.lookback.engine import MEMORY, memory_of, open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.labels.file import load_labels
from doorward.lookback.labels.labels import LabelSet
from doorward.lookback.labels.rank_phrases import rank_phrases
from doorward.lookback.leads.options import parse_marks, parse_zones
from doorward.lookback.published.rows import PolicyRow, parse_rows
from doorward.lookback.reading.confined import within
from doorward.lookback.reading.map_file import parse_map
from doorward.lookback.reading.opening import Reader, ReadOptions
from doorward.lookback.reading.portable import LIMITS as PDF
from doorward.lookback.reading.raw import RawTable
from doorward.lookback.reading.read import Progress as Reading
from doorward.lookback.reading.readers import make_readers
from doorward.lookback.reading.spreadsheet import LIMITS as WORKBOOK
from doorward.lookback.reading.supplied import Supplied
from doorward.lookback.report.write import write_report
from doorward.lookback.spark import open_spark
from doorward.orders.load import load_pack

MAX_BYTES = 256 * 1024 * 1024
ENGINES = ("duckdb", "spark")
COULD_NOT_TELL = 3


def run(  # noqa: PLR0913, PLR0917  # options of a command
    out: options.Out,
    files: options.Files = None,
    record: options.Record = None,
    config: options.Config = None,
    form: options.Form = "",
    order: options.Orders = None,
    policies: options.Policies = None,
    map_file: options.MapFile = None,
    owner: options.Owner = "",
    agencies: options.Agencies = None,
    matches: options.Matches = None,
    participating: options.Participating = None,
    pending: options.Pending = None,
    declarations: options.Declarations = None,
    shared: options.Shared = None,
    timezone: options.Timezone = "",
    memory: options.Memory = "",
    threads: options.Threads = None,
    engine: options.Engine = "duckdb",
    labels: options.Labels = None,
    zone: options.Zone = None,
    mark: options.MarkDay = None,
    keep_going: options.KeepGoing = False,  # noqa: FBT002  # a command-line flag
    report: options.Report = True,  # noqa: FBT002  # as above
    anew: options.Anew = False,  # noqa: FBT002  # as above
    as_json: options.AsJson = False,  # noqa: FBT002  # as above
) -> None:
    """Look back over logs: what is inconsistent with an order on its face, what is not, and what cannot be told."""
    asked = options.RunOptions(
        out, tuple(files or ()), record, config, form, tuple(order or ()), policies, map_file, owner, agencies,
        matches, participating, pending, declarations, tuple(shared or ()), timezone, memory, threads, engine,
        tuple(labels or ()), tuple(zone or ()), tuple(mark or ()), keep_going, report, anew, as_json,
    )  # fmt: skip
    _check(asked)
    manifest, note = _audit(asked)
    if as_json:
        typer.echo(json.dumps(manifest, ensure_ascii=False, sort_keys=True))
    else:
        for line in (*_lines(manifest, out), *([note] if note else [])):
            typer.echo(line)
    if manifest["refused"]:
        raise typer.Exit(COULD_NOT_TELL)


def _check(asked: options.RunOptions) -> None:
    if not asked.orders and asked.policies is None:
        raise ConfigError("nothing says what the logs are put to", hint="--order chicago, or --policies FILE")
    if not asked.files and asked.record is None and asked.config is None:
        raise ConfigError("no log is named", hint="name files, or --record DATA for the door's own record")
    if asked.engine not in ENGINES:
        raise ConfigError(f"`--engine {asked.engine[:20]}` is none", hint=f"one of {', '.join(ENGINES)}")


def _plan(asked: options.RunOptions) -> Plan:
    packs = [load_pack(name) for name in asked.orders]
    mapped = parse_map(asked.map_file.name, _text(asked.map_file)) if asked.map_file is not None else None
    return Plan(
        orders=packs,
        policies=_policies(asked.policies),
        matcher=load_matcher(
            asked.agencies, asked.matches, "", asked.participating, asked.pending, asked.declarations
        ),
        reading=ReadOptions(layout=mapped, timezone=asked.timezone, form=asked.form, resume=not asked.anew),
        owner=asked.owner,
        keep_going=asked.keep_going,
        zones=parse_zones(asked.zones),
        marks=parse_marks(asked.marks),
        shared=[one for file in asked.shared for one in load_lists(file, asked.owner or None, None)],
        command={"timezone": asked.timezone, "owner": asked.owner, "orders": [pack.name for pack in packs]},
    )


def _audit(asked: options.RunOptions) -> tuple[dict[str, Any], str]:
    """Return the manifest of an audit, and why no ranking could be made, if none could."""
    plan, folder = _plan(asked), AuditFolder(asked.out)
    given = load_labels(asked.labels)[0] if asked.labels else LabelSet()
    memory = asked.memory or MEMORY
    with told_plainly(asked.out), ExitStack() as stack:
        asked.out.mkdir(mode=0o700, parents=True, exist_ok=True)  # accounts and plates are in it
        show = stack.enter_context(_progress())
        connection = stack.enter_context(open_engine(folder.scratch, memory=memory, threads=asked.threads))
        plan = replace(
            plan,
            readers=_readers(connection, bounded=bool(asked.memory)),
            supplied=_supplied(connection, asked.record, asked.config),
        )
        spark = None
        if asked.engine == "spark":
            spark = stack.enter_context(open_spark(memory=memory, threads=asked.threads))
        manifest = audit(Audit(connection, folder, plan, show, spark), asked.files, show.reading)
        show("ranking what no pattern caught", 0, 1)
        note = _rank(folder, given)
        if asked.report:
            show("writing the reports", 0, 1)
            write_report(connection, folder)
    return manifest, note


def _rank(folder: AuditFolder, labels: LabelSet) -> str:
    """Write the ranking, and estimates where a sample was drawn; return why one of them could not be made."""
    try:
        rank_phrases(folder, labels)
        write_estimates(folder, labels)
    except ConfigError as error:
        return f"no ranking: {error}"
    return ""


def _readers(connection: Any, *, bounded: bool) -> Mapping[str, Reader]:  # noqa: ANN401  # DuckDB is imported late
    """Return the readers of other forms; where the memory was named, no child of theirs takes more."""
    if not bounded:
        return make_readers(connection)
    most = memory_of(connection)
    return make_readers(connection, workbook=within(WORKBOOK, most), pdf=within(PDF, most))


def _supplied(connection: Any, record: Path | None, config: Path | None) -> tuple[Supplied, ...]:  # noqa: ANN401  # as above
    """Return the door's own record as a source, where it is asked for."""
    if record is None and config is None:
        return ()

    def make(scratch: Path) -> RawTable:
        return read_record(connection, scratch / "record.parquet", config=config, data=record)

    return (Supplied("the door's own record", "record", make),)


@contextmanager
def told_plainly(out: Path) -> Iterator[None]:
    """Say what a machine refuses as a line for a clerk, beside what `open_engine` says; a row's value is never in it.

    Raises:
        ConfigError: `out` is no folder, or none that may be written.
        DoorwardError: Something cannot be read or written, or the engine stopped.
    """
    import duckdb

    if out.exists() and not out.is_dir():
        raise ConfigError(f"`--out {out}` is a file", hint="name a folder; it is made where there is none")
    try:
        yield
    except OSError as error:
        if error.errno in {EACCES, EPERM, EROFS, ENOTDIR, ENAMETOOLONG}:
            raise ConfigError(
                f"`{out}` cannot be written: {error.strerror}", hint="name a folder that you may write"
            ) from error
        raise DoorwardError(f"the audit could not be finished: {error.strerror}", hint=_AGAIN) from error
    except duckdb.IOException as error:
        raise DoorwardError(
            f"the audit could not be finished: the engine cannot read or write below `{out}`", hint=_AGAIN
        ) from error
    except duckdb.Error as error:
        raise DoorwardError(
            f"the audit could not be finished: the engine stopped ({error.__class__.__name__})", hint=_AGAIN
        ) from error


_AGAIN = "see that the disk has room and the folder stays there; the same command goes on where it stopped"


def _policies(file: Path | None) -> tuple[PolicyRow, ...]:
    return () if file is None else parse_rows(_text(file), file=file.name)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"`{file.name}` is larger than {MAX_BYTES} bytes")
    return raw.decode("utf-8-sig", errors="replace")


class Shown:
    """Shows how far each stage is: a bar on a terminal, nothing elsewhere."""

    def __init__(self, bars: Progress | None) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show a stage."""
        if self._bars is None:
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total, rate="")
        self._bars.update(self._tasks[stage], completed=done, total=total)

    def reading(self, at: Reading) -> None:
        """Show how far reading is."""
        if self._bars is None:
            return
        if "reading" not in self._tasks:
            self._tasks["reading"] = self._bars.add_task("reading", total=at.all_bytes, rate="")
        task = self._tasks["reading"]
        self._bars.update(
            task, completed=at.done_bytes, total=at.all_bytes, rate=f"{at.rows:,} rows, {at.rate:,.0f}/s"
        )


@contextmanager
def _progress() -> Iterator[Shown]:
    if not sys.stderr.isatty():
        yield Shown(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Shown(bars)


def _lines(manifest: dict[str, Any], out: Path) -> Iterator[str]:
    totals = manifest["totals"]
    yield (
        f"{totals['files']} files, {totals['read']:,} rows read, {totals['rejected']:,} rejected, "
        f"{sum(totals['duplicates'].values()):,} duplicates; {totals['kept']:,} accesses"
    )
    for rules in manifest["rules"]:
        found = manifest["results"].get(rules["name"], {})
        said = ", ".join(
            f"{found[name]:,} {name}"
            for name in ("inconsistent", "referred", "consistent", "cannot-tell")
            if name in found
        )
        yield f"{rules['name']}: {said or 'no access of a kind that it speaks of'}"
    for one in manifest["refused"]:
        yield f"NOT READ {one['says']}"
    yield "at least so many in the logs supplied; absence is not evidence"
    yield f"tables: {out}"

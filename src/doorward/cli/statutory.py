"""`doorward statutory`: the reports that statutes ask for, from a file of what the desk holds.

Exit codes: 0 the report is written, shown or verified, 1 it does not leave (a gap, or a cell that could be a person) or
is not what was signed, 2 usage or a file that is none.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.desk_files import day_of, make_document, open_desk, read_file, save_folder
from doorward.cli.order_sign import read_keys
from doorward.desk.deadlines.calendar import make_calendar
from doorward.desk.deadlines.periods import parse_period, report_due
from doorward.desk.statutory.custody import CustodyImport, RowState, import_custody
from doorward.desk.statutory.held import Held
from doorward.desk.statutory.held_file import parse_held
from doorward.desk.statutory.make import MAKERS, Setting, transfer_agencies
from doorward.desk.statutory.report import (
    STATEMENT,
    Report,
    check_files,
    files_of,
    format_release,
    preview,
    verify_release,
)
from doorward.errors import ConfigError, MalformedError
from doorward.notes.key_files import load_key
from doorward.notes.note import parse_note, sign_note
from doorward.orders.load import load_deadlines, load_pack, load_statutory

app = typer.Typer(no_args_is_help=True)
Period = Annotated[str, typer.Argument(help="a year such as 2026, or a quarter such as 2026-Q3")]
Events = Annotated[Path | None, typer.Option(help="what the desk holds, a JSON file")]
FromDesk = Annotated[
    Path | None,
    typer.Option("--desk", help="the desk's configuration: with --preview, from its own database"),
]
Custody = Annotated[Path | None, typer.Option(help="custody events, a CSV file, imported on top")]
Out = Annotated[Path | None, typer.Option(help="the new folder of the report")]
Preview = Annotated[
    bool, typer.Option("--preview", help="show each number with the rows behind it, write nothing")
]
Key = Annotated[Path | None, typer.Option(help="the secret key of the official who signs")]
Order = Annotated[str, typer.Option(help="a shipped order such as `chicago`, or the folder of one")]
AsJson = Annotated[bool, typer.Option("--json", help="with --preview: one JSON document")]
On = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day of the report; today")]


@app.callback()
def statutory() -> None:
    """Make the reports that statutes ask for."""


@app.command()
def quarterly(  # noqa: PLR0913, PLR0917  # flags of a command
    period: Period,
    events: Events = None,
    custody: Custody = None,
    out: Out = None,
    key: Key = None,
    order: Order = "chicago",
    on: On = None,
    show: Preview = False,  # noqa: FBT002  # a command-line flag
    as_json: AsJson = False,  # noqa: FBT002  # as above
    desk: FromDesk = None,
) -> None:
    """Report to the Mayor and the Inspector General on a quarter (MCC 2-173-069)."""
    asked = _Asked(events, custody, out, key, order, on, show=show, as_json=as_json)
    _report("quarterly", period, asked, desk)


@app.command()
def trust(  # noqa: PLR0913, PLR0917  # as above
    period: Period,
    events: Events = None,
    custody: Custody = None,
    out: Out = None,
    key: Key = None,
    order: Order = "chicago",
    on: On = None,
    show: Preview = False,  # noqa: FBT002  # as above
    as_json: AsJson = False,  # noqa: FBT002  # as above
    desk: FromDesk = None,
) -> None:
    """Report to the Attorney General on a year (5 ILCS 805/25)."""
    asked = _Asked(events, custody, out, key, order, on, show=show, as_json=as_json)
    _report("trust", period, asked, desk)


@app.command()
def voices(  # noqa: PLR0913, PLR0917  # as above
    period: Period,
    events: Events = None,
    out: Out = None,
    key: Key = None,
    order: Order = "chicago",
    on: On = None,
    show: Preview = False,  # noqa: FBT002  # as above
    as_json: AsJson = False,  # noqa: FBT002  # as above
    desk: FromDesk = None,
) -> None:
    """Report to the Attorney General on certification requests of a year (5 ILCS 825/20)."""
    asked = _Asked(events, None, out, key, order, on, show=show, as_json=as_json)
    _report("voices", period, asked, desk)


@app.command()
def sign(
    folder: Annotated[Path, typer.Argument(help="the folder of a report, unpacked, with its statement")],
    key: Annotated[Path, typer.Option(help="the secret key of the official who signs")],
) -> None:
    """Sign a report that the desk made, on a machine of the official's own; prints the note that the desk takes in."""
    try:
        files = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith(".note")}
    except OSError as error:
        raise ConfigError(f"cannot read `{folder}`: {error.strerror}") from error
    statement = files.pop(STATEMENT, None)
    if statement is None:
        raise ConfigError(
            f"the folder has no `{STATEMENT}`", hint="unpack the folder that the desk's page gives"
        )
    try:
        found = check_files(statement, files)
    except MalformedError as error:
        raise ConfigError(f"`{STATEMENT}`: {error}") from error
    note = sign_note(statement, load_key(key))
    name = f"{found.replace(' ', '-')}.note"
    try:
        (folder / name).write_bytes(note)
    except OSError as error:
        raise ConfigError(f"cannot write `{folder / name}`: {error.strerror}") from error
    for file in sorted(files):
        if file.endswith("-none.txt"):
            typer.echo(f"certifies: {files[file].decode().strip()}", err=True)
    typer.echo(f"{found}: signed over {len(files)} files; {folder / name}", err=True)
    typer.echo(note.decode(), nl=False)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="the folder of a signed report")],
    keys: Annotated[Path, typer.Option(help="the officials' public keys, one a line")],
) -> None:
    """Say whether a known official signed a report, and whether these are its files."""
    try:
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
    except OSError as error:
        raise ConfigError(f"cannot read `{folder}`: {error.strerror}") from error
    notes = [name for name in files if name.endswith(".note")]
    if len(notes) != 1:
        raise ConfigError(
            f"expected a folder with one note, got {len(notes)}", hint="a report without --key has none"
        )
    try:
        note = parse_note(files.pop(notes[0]))
        found = verify_release(note, tuple(read_keys(keys)), files)
    except MalformedError as error:
        raise ConfigError(f"`{notes[0]}`: {error}") from error
    count = len(files.keys() - {STATEMENT})
    typer.echo(f"{found}: signed, and its {count} files are as they were signed")


class _Asked:
    """The options of one call."""

    def __init__(  # noqa: PLR0917  # as the commands
        self, events: Path | None, custody: Path | None, out: Path | None, key: Path | None, order: str,
        on: datetime | None, *, show: bool, as_json: bool,
    ) -> None:  # fmt: skip
        if show == (out is not None):
            raise ConfigError("expected --preview or --out, one of them")
        self.events, self.custody, self.out, self.key, self.order = events, custody, out, key, order
        self.show, self.as_json = show, as_json
        self.on = on


def _report(name: str, period: str, asked: _Asked, desk: Path | None) -> None:
    if (desk is None) == (asked.events is None):
        raise ConfigError("expected --events or --desk, one of them")
    if desk is not None:
        _from_desk(name, period, asked, desk)
        return
    assert asked.events is not None
    pack = load_pack(asked.order)
    words, clocks = load_statutory(pack), load_deadlines(pack)
    # The command line is where the clock is read.
    today = day_of(asked.on, datetime.now(UTC), clocks.zone)  # noqa: TID251  # as it says
    held = read_file(asked.events, parse_held)
    if asked.custody is not None:
        agencies = transfer_agencies(words, pack.agencies)
        found = read_file(
            asked.custody,
            lambda text: import_custody(text, held=held.custody, papers=held.papers, agencies=agencies),
        )
        held = _imported(held, found, quiet=asked.as_json)
    report = MAKERS[name](held, parse_period(period), Setting(words, pack.agencies, clocks.zone, today))
    rule = clocks.reports.get(name)
    if rule is not None and not asked.as_json:
        due = report_due(rule, report.period, make_calendar(clocks.calendars[rule.calendar]))
        typer.echo(f"{name} {report.period}: due {due}; {rule.basis.cite}; {rule.basis.standing}")
    if asked.show:
        _show(report, as_json=asked.as_json)
    else:
        _leave(report, asked, today, pack.digest, is_sample=pack.is_sample)


def _from_desk(name: str, period: str, asked: _Asked, desk: Path) -> None:
    """Show a report from the desk's own database, as its page shows it."""
    if not asked.show or asked.custody or asked.on:
        raise ConfigError(
            "--desk takes --preview, and neither --custody nor --on",
            hint="the desk's page makes a report: there it gets its version and its entry in the record",
        )
    open_desk(desk)
    from doorward.desk.reporting.gather import report_now

    now = datetime.now(UTC)  # noqa: TID251  # as above
    report, gathered = report_now(name, parse_period(period), now)
    left_out = [(one.number, one.why) for one in gathered.left_out_of(report.period)]
    _show(report, as_json=asked.as_json, left_out=left_out)
    if not asked.as_json:
        for number, why in left_out:
            typer.echo(f"in no table: {why}  [{number}]")


def _imported(held: Held, found: CustodyImport, *, quiet: bool) -> Held:
    if not quiet:
        typer.echo(
            "custody events: " + ", ".join(f"{state} {count}" for state, count in found.account.items())
        )
        for row in found.rows:
            if row.state == RowState.REFUSED:
                typer.echo(f"  line {row.line} refused: {row.why}")
    return replace(held, custody=found.events)


def _show(report: Report, *, as_json: bool, left_out: Sequence[tuple[str, str]] | None = None) -> None:
    if as_json:
        said: dict[str, Any] = {
            "report": report.id,
            "period": str(report.period),
            "lines": [{"table": table, "says": says, "rows": rows} for table, says, rows in preview(report)],
            "gaps": [{"says": gap.says, "rows": gap.behind, "blocks": gap.blocks} for gap in report.gaps],
            "refused": [str(hit) for hit in report.hits()],
        }
        if left_out is not None:
            said["left_out"] = [{"row": number, "says": why} for number, why in left_out]
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
        return
    for table, says, rows in preview(report):
        typer.echo(f"{table}: {says}  [{' '.join(rows)}]")
    _gaps(report)


def _gaps(report: Report) -> None:
    for gap in report.gaps:
        typer.echo(f"{'stops the report' if gap.blocks else 'look at'}: {gap.says}  [{' '.join(gap.behind)}]")
    for hit in report.hits():
        typer.echo(f"stops the report: {hit}")


def _leave(report: Report, asked: _Asked, today: date, digest: str, *, is_sample: bool) -> None:
    assert asked.out is not None
    _gaps(report)
    if report.hits() or any(gap.blocks for gap in report.gaps):
        typer.echo("nothing was written")
        raise typer.Exit(1)
    files = files_of(report)
    facts = (("period", str(report.period)), ("order", digest))
    tables = [
        (one.caption, one.head, tuple(row.cells for row in one.rows), one.none) for one in report.tables
    ]
    raw = make_document(
        report.title, tables, day=today, office=f"To: {report.to}", facts=facts, is_sample=is_sample
    )
    if raw is not None:
        files[f"{report.id}-{report.period}.pdf"] = raw
    release = format_release(report, files, digest)
    if asked.key is not None:
        files[f"{report.id}-{report.period}.note"] = sign_note(release, load_key(asked.key))
    save_folder(asked.out, files)
    for file in sorted(files):
        typer.echo(f"{asked.out / file}")
    for line in report.certifies():
        typer.echo(f"certifies: {line}")
    if asked.key is None:
        typer.echo("not signed: --key signs it")
    if is_sample:
        typer.echo("the office `sample` adopted a clause: this is no report of a city")

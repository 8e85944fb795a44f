"""`doorward fund publish` and `doorward fund published …`: months that everybody may see, made, shown and checked."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from doorward.cli.fund_link import AsJson, By, Config, Data, Database, Link, echo, read_clock
from doorward.cli.fund_record import fund_recorder
from doorward.cli.fund_show import read_holdings
from doorward.cli.report_observe import SPOOL_ALONE, find_disclosures, read_entries
from doorward.errors import ConfigError, MalformedError, StoreError, VerificationError
from doorward.fund.archive import Archive
from doorward.fund.published.check import Kept, check_editions, check_recorded, check_remade
from doorward.fund.published.counted import Accepted
from doorward.fund.published.files import DOCUMENT, NAMES, TABLES, TOTALS, check_file, digest, parse_totals
from doorward.fund.published.history import format_history, history_rows
from doorward.fund.published.reports_file import parse_reports
from doorward.fund.publishing import Holdings, due_months, next_day, publish_due, remake
from doorward.orders.load import load_fund, load_fund_history, load_fund_published, load_fund_units, load_pack
from doorward.orders.pack import Pack
from doorward.record.entry import Kind

published = typer.Typer(no_args_is_help=True, help="Show and check the months that are published.")
Order = Annotated[str | None, typer.Option(help="whose words; those of section `fund`, or the sample's")]
ReportsFile = Annotated[
    Path | None,
    typer.Option(help="accepted reports as JSON, in place of those of the fund's database"),
]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="where the months are; `fund-public` of the data folder")
]
NoLedger = Annotated[
    bool, typer.Option("--no-ledger", help="there is no ledger: services and outcomes alone")
]
FromLedger = Annotated[
    bool, typer.Option("--ledger", help="make every month again from the ledger and compare the bytes")
]
Zone = Annotated[
    str | None, typer.Option(help="the city's time zone, by which a day begins; that of section `desk`")
]


@published.callback()
def _published() -> None:
    """Show and check the months that are published."""


def publish(  # noqa: PLR0913, PLR0917  # flags of a command
    by: By,
    order: Order = None,
    reports: ReportsFile = None,
    folder: Folder = None,
    zone: Zone = None,
    no_ledger: NoLedger = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # as above
) -> None:
    """Publish every month whose day has come: recorded first, then shown. A second run publishes nothing."""
    link, now = Link(config, data, database), read_clock()
    pack = load_pack(order or link.order)
    archive, words = Archive(folder or link.folders.fund_public), load_fund_published(pack)
    today = now.astimezone(_zone(zone, link)).date()
    done: list[str] = []
    if due_months(archive, words, today):  # the record is taken only where something is written
        with fund_recorder(link.folders, now=now) as recorder:
            made = publish_due(
                archive, lambda: _holdings(link, pack, reports, has_ledger=not no_ledger), words, recorder,
                by=by, today=today, now=now,
            )  # fmt: skip
        done = [str(month) for month in made]
    following, day = next_day(archive, words)
    if as_json:
        totals = {month: digest(archive.read(month, TOTALS).files[TOTALS]) for month in done}
        echo({"published": totals, "next": str(following), "on": day.isoformat()})
        return
    for month in done:
        typer.echo(f"{month}: published; totals {digest(archive.read(month, TOTALS).files[TOTALS])}")
    typer.echo(f"next is {following}, on {day}")


def _zone(said: str | None, link: Link) -> ZoneInfo:
    if not said:
        return link.zone
    try:
        return ZoneInfo(said)
    except (KeyError, ValueError) as error:
        raise ConfigError(f"`{said[:40]}` is no time zone", hint="such as America/Chicago") from error


def _holdings(link: Link, pack: Pack, file: Path | None, *, has_ledger: bool) -> Holdings:
    written, kept, filing = read_holdings(link) if has_ledger else ([], None, 0)
    reports = kept if file is None else _read_reports(file)
    return Holdings(
        written, reports, load_fund_published(pack), load_fund(pack), load_fund_units(pack), filing
    )


def _read_reports(file: Path) -> tuple[Accepted, ...]:
    try:
        return parse_reports(file.read_bytes())
    except OSError as error:
        raise StoreError(f"the reports cannot be read: {error.strerror}") from error
    except MalformedError as error:
        raise ConfigError(f"the reports: {error}") from error


def history(
    order: Order = None, config: Config = None, data: Data = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Show what others published of the fund before its ledger was kept here, as CSV; a gap is a row of its own."""
    found = load_fund_history(load_pack(order or Link(config, data, None).order))
    if as_json:
        echo([asdict(row) for row in history_rows(found)])
    else:
        typer.echo(format_history(found), nl=False)


@published.command()
def show(
    folder: Folder = None, config: Config = None, data: Data = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """List the months that are published, with the digest of each one's totals."""
    archive = Archive(folder or Link(config, data, None).folders.fund_public)
    found = {month: archive.read(month, TOTALS).files.get(TOTALS, b"") for month in archive.months()}
    if as_json:
        echo([{"totals": digest(raw), **_said(raw)} for raw in found.values()])
        return
    for month, raw in found.items():
        said = _said(raw)
        typer.echo(
            f"{month}  {digest(raw)}  appropriated {said.get('appropriated')}, paid {said.get('paid')}"
        )


def _said(raw: bytes) -> dict[str, str]:
    try:
        return parse_totals(raw)
    except MalformedError:
        return {}


@published.command()
def verify(  # noqa: PLR0913, PLR0917  # flags of a command
    files: Annotated[
        Path | None,
        typer.Argument(
            help="a folder of downloaded months, or of one month's files; nothing else is asked then"
        ),
    ] = None,
    ledger: FromLedger = False,  # noqa: FBT002  # a command-line flag
    order: Order = None,
    reports: ReportsFile = None,
    folder: Folder = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Check published months: by their files alone, or at the City against the record, and with `--ledger` the ledger.

    Exit codes: 0 they hold, 1 something is not what it says, 2 usage, 3 it could not be told.
    """
    if files is not None:
        if not files.is_dir():
            raise ConfigError(f"`{files}` is no folder")
        if (files / TOTALS).exists():
            _end(_check_one(files), 1, as_json=as_json, against=("files",))
            return
        kept = Archive(files).read_all()
        if not kept:
            raise ConfigError(
                f"`{files}` has no published month", hint=f"a folder with {TOTALS}, or one such a month"
            )
        _end(check_editions(kept), len(kept), as_json=as_json, against=("files",))
        return
    link = Link(config, data, database)
    kept = Archive(folder or link.folders.fund_public).read_all()
    disclosures = find_disclosures(link.folders, "" if link.settings is None else link.settings.record)
    begins, ends = datetime(1970, 1, 2, tzinfo=UTC), read_clock() + timedelta(days=1)
    entries = read_entries(link.folders, disclosures, begins=begins, ends=ends, kinds=(Kind.FUND,))
    wrong = [*check_editions(kept), *check_recorded(kept, entries)]
    if ledger:
        wrong += check_remade(
            kept, remake(kept, _holdings(link, load_pack(order or link.order), reports, has_ledger=True))
        )
    if not disclosures:
        typer.echo(SPOOL_ALONE, err=True)
    _end(wrong, len(kept), as_json=as_json, against=("files", "record", *(("ledger",) if ledger else ())))


def _check_one(folder: Path) -> list[str]:
    """Check the files of one month that somebody downloaded, all or some of them."""
    read = {name: (folder / name).read_bytes() for name in NAMES if (folder / name).is_file()}
    totals = read.pop(TOTALS)
    if not read:
        raise ConfigError(f"`{folder}` has nothing beside {TOTALS}", hint=", ".join((*TABLES, DOCUMENT)))
    wrong = []
    for name, raw in read.items():
        try:
            check_file(totals, name, raw)
        except MalformedError as error:
            raise ConfigError(f"`{TOTALS}`: {error}") from error
        except VerificationError as error:
            wrong.append(str(error))
    if len(read) == len(NAMES) - 1:
        alone = check_editions([Kept(parse_totals(totals)["month"], {**read, TOTALS: totals})])
        wrong += [
            one for one in alone if "behind the month before" not in one
        ]  # which one folder does not have
    return wrong


def _end(wrong: Sequence[str], months: int, *, as_json: bool, against: tuple[str, ...]) -> None:
    if as_json:
        echo({"months": months, "against": list(against), "wrong": list(wrong)})
    else:
        for one in wrong:
            typer.echo(one)
        typer.echo(f"{months} months against {', '.join(against)}: {len(wrong)} differences")
    if wrong:
        raise typer.Exit(1)

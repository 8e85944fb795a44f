"""`doorward report observe`: what observed clauses would have refused, to whom, by which clause.

Read from the disclosures, and from the spool what they do not hold yet; `doorward log verify` says whether the record
is whole. For the people who answer for the order, and not for publication: counts may be small, and with `--people` a
login is a person.

Exit codes: 0 it was read, 2 a time or folder is not what it must be, 3 the record cannot be read.
"""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer
from psycopg.conninfo import make_conninfo

from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.seals import disclosures_of
from doorward.cli.settings import read_settings
from doorward.cli.site import Site
from doorward.errors import ConfigError
from doorward.grants.observed_report import (
    WHAT,
    ObservedReport,
    as_rows,
    clause_lines,
    headline,
    read_observed,
    show_time,
)
from doorward.grants.people import load_people
from doorward.record.check_spool import hold_segments
from doorward.record.disclosures import DATABASE, ROLE
from doorward.record.entry import Entry, Kind
from doorward.record.segments import read_spool
from doorward.record.workers import list_workers, worker_of

KINDS: Final = (Kind.CONNECT, Kind.DECISION)
OPENING: Final = timedelta(minutes=2)  # a connection stands before its decision by less
FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
COLUMNS: Final = (
    "clause", "agency", "role", "unit", "login", "let_in", "shown_more", "closed_anyway", "first", "last",
)  # fmt: skip
SPOOL_ALONE: Final = (
    "INCOMPLETE: it is not known where the disclosures are (is doorward up?); "
    "only what is not published yet is counted"
)
INTERNAL: Final = "for those who answer for the order; not for publication"

People = Annotated[bool, typer.Option("--people", help="for the security officer: a line a login")]


def observe(  # noqa: PLR0917  # flags of a command
    since: Annotated[datetime | None, typer.Option("--from", formats=FORMATS, help="UTC")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=FORMATS, help="UTC, not included")] = None,
    people: People = False,  # noqa: FBT002  # a command-line flag
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # as above
    as_csv: Annotated[bool, typer.Option("--csv", help="one line a clause, agency, role and unit")] = False,  # noqa: FBT002  # as above
    config: Config = None,
    data: Data = None,
) -> None:
    """Say what clauses that are only observed would have refused: by clause, agency, role and unit."""
    if as_json and as_csv:
        raise ConfigError("`--json` and `--csv` are two forms of one report", hint="give one of them")
    folders = find_installation(config, data)
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    begins = since.replace(tzinfo=UTC) if since else datetime(1970, 1, 1, tzinfo=UTC)
    ends = until.replace(tzinfo=UTC) if until else now + timedelta(days=1)
    if ends <= begins:
        raise ConfigError("`--to` must be after `--from`")
    known = {person.login: person for person in load_people(folders.people)}
    settings = read_settings(config) if config is not None else None
    disclosures = find_disclosures(folders, settings.record if settings is not None else "")
    is_whole = bool(disclosures)
    report = read_observed(
        read_entries(folders, disclosures, begins=begins - OPENING, ends=ends),
        known,
        begins_us=_microseconds(begins),
        ends_us=_microseconds(ends),
        with_logins=people,
    )
    coverage = Site(folders, settings, "").coverage(today=now.date())
    says = [*([] if is_whole else [SPOOL_ALONE]), *headline(report), coverage]
    if as_json:
        told = {"says": says, "use": INTERNAL, "complete": is_whole, **_as_json(report)}
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        for line in says:
            sys.stdout.write(f"# {line}\n")
        writer.writeheader()
        writer.writerows(as_rows(report))
    else:
        for line in (*says, *_lines(report, people=people)):
            typer.echo(line)


def read_entries(
    folders: Folders,
    disclosures: str,
    *,
    begins: datetime,
    ends: datetime,
    kinds: tuple[Kind, ...] = KINDS,
) -> Iterator[Entry]:
    """Yield the connections and decisions of a time, each worker's in their order, and every observation before it.

    Args:
        disclosures: Conninfo of the disclosures, or empty: the spool alone is read.
        kinds: Of the entries; connections and decisions.

    Raises:
        StoreError: The disclosures' server or the spool cannot be read.
        MalformedError: A row or a record of the spool is none.
    """
    last: dict[int, int] = {}
    # The publisher removes what it has published, which could be between the one reading and the other.
    with hold_segments(folders.spool):
        if disclosures:
            with closing(disclosures_of(folders, disclosures)) as kept:
                window = {"begins_us": _microseconds(begins), "ends_us": _microseconds(ends)}
                for entry in kept.select(kinds, **window):
                    last[worker_of(entry.sequence)] = entry.sequence
                    yield entry
        for worker, folder in list_workers(folders.spool).items():
            if folder.exists():
                yield from _behind(read_spool(folder), last.get(worker, -1), kinds)


def find_disclosures(folders: Folders, record: str) -> str:
    """Return the conninfo of the disclosures: a city's by its settings, else of a sample that is up, or empty.

    Args:
        record: What doorward.toml says of their server, or empty. Role and database are doorward's, as the publisher's.
    """
    if record:
        return make_conninfo(record, user=ROLE, dbname=DATABASE)
    running = folders.run / "record.dsn"
    return running.read_text(encoding="utf-8").strip() if running.exists() else ""


def _behind(records: Iterable[object], last: int, kinds: tuple[Kind, ...]) -> Iterator[Entry]:
    # What is published may lie in the spool as well; what is not published lies only there.
    for record in records:
        if isinstance(record, Entry) and record.kind in kinds and record.sequence > last:
            yield record


def _as_json(report: ObservedReport) -> dict[str, Any]:
    return {
        "observations": [
            {
                "id": period.mode.observation,
                "clauses": list(period.mode.clauses),
                "policies": list(period.mode.policies),
                "from": show_time(period.begins_us),
                "until": period.until,
                "over": show_time(period.over_us) if period.over_us is not None else None,
                "signed": period.signers,
                "reason": period.reason,
            }
            for period in report.periods
        ],
        "decisions": report.decisions,
        "under_observation": report.under_observation,
        **{what.replace(" ", "_"): report.totals[what] for what in WHAT},
        "unreadable": report.unreadable,
        "clauses": {
            clause: {what.replace(" ", "_"): line.counts[what] for what in WHAT}
            for clause, line in sorted(clause_lines(report).items())
        },
        "rows": list(as_rows(report)),
    }


def _lines(report: ObservedReport, *, people: bool) -> Iterator[str]:
    yield f"({INTERNAL})"
    yield f"decisions: {report.decisions:,}, of them {report.under_observation:,} while clauses were observed"
    yield f"let in, and refused when enforced: {report.totals['let in']:,}"
    yield f"shown rows or columns that are withheld when enforced: {report.totals['shown more']:,}"
    yield f"closed anyway, by another clause or because nothing permits it: {report.totals['closed anyway']:,}"
    if report.unreadable:
        yield f"written by another version and not counted: {report.unreadable:,}"
    rows = list(as_rows(report))
    if not rows:
        return
    shown = [name for name in COLUMNS if people or name != "login"]
    table = [
        [name.replace("_", " ") for name in shown],
        *([str(row[name]) for name in shown] for row in rows),
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(shown))]
    yield ""
    for line in table:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
    yield ""
    yield "a decision counts once for each clause that would have closed it; units and roles are those of today's list"


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)

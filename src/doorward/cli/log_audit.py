"""`doorward log audit` and `audit-proof`: the public table made again from the disclosures, and that an auditor did.

The auditor's secret key is never here: they sign on a machine of their own (`doorward transparency sign`).
Exit codes: 0 the record gives this table, 1 it gives another, 2 usage.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, Order, load_installation
from doorward.cli.log_disclose import Public, make_exhibit
from doorward.cli.log_link import open_disclosures, record_entry, write_new
from doorward.desk.deadlines.periods import parse_period
from doorward.desk.recorder import WORKER as DESK
from doorward.desk.transparency.publication import Scheme
from doorward.desk.transparency.recount import Recount, compare, recount
from doorward.desk.transparency.release import check_table
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.cut_files import load_officers
from doorward.notes.note import find_signers, parse_note
from doorward.orders.load import load_deadlines, load_transparency
from doorward.orders.pack import Pack
from doorward.orders.transparency import Counted
from doorward.record.entry import Entry, Field, Kind
from doorward.record.keeping import AUDIT, audit_entry
from doorward.record.workers import worker_of

DIFFERS: Final = 1
SHOWN: Final = ("kind", "act", "scope", "digest")
"""What the public is shown of the entry that an auditor signed a table: no time, no number, no login."""
COUNTED: Final = (Kind.MATTER, Kind.ACT, Kind.VISIT)
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


def audit(  # noqa: PLR0917  # flags of a command
    totals: Annotated[Path, typer.Argument(help="the totals of the quarter, as the desk's page gives them")],
    table: Annotated[Path, typer.Option(help="the table of the quarter, a CSV file")],
    note: Annotated[Path | None, typer.Option(help="the totals as an auditor signed them; recorded")] = None,
    as_json: AsJson = False,  # noqa: FBT002  # a flag
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a quarter's table again from the disclosures, and compare; with a signed note, record its digest."""
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    text, rows = _read(totals), _read(table)
    quarter = check_table(text, rows)
    folders, pack = load_installation(config, data, order)
    words = load_transparency(pack)
    signer = _signer(folders, words, note, text) if note is not None else None
    mine = _recount(folders, config, pack, words, quarter)
    differences = compare(mine, rows, text, _rows(rows))
    if (sha256(mine.table).hexdigest(), sha256(mine.totals).hexdigest()) != (
        mine.said_table,
        mine.said_totals,
    ):
        differences.append("the entry of the quarter's making names other digests than the record gives")
    recorded = None
    if not differences and signer is not None:
        office, _, login = signer.partition("/")
        fields = audit_entry(
            quarter,
            login=login,
            office=office,
            table=sha256(rows).hexdigest(),
            totals=sha256(text).hexdigest(),
        )
        recorded = record_entry(folders, fields, now=now)
    _say(mine, quarter, differences, recorded, as_json=as_json)
    if differences:
        raise typer.Exit(DIFFERS)


def audit_proof(  # noqa: PLR0917  # flags of a command
    quarter: Annotated[str, typer.Argument(help="such as 2026-Q4")],
    to: Annotated[Path, typer.Option(help="the new file, to be published beside the note")],
    public: Public = None,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the exhibit that an auditor's table is in the log; it shows its digests, and no time or name."""
    folders, _ = load_installation(config, data, order)
    with open_disclosures(folders, config) as disclosures:
        kept = disclosures.select([Kind.KEEPING], begins_us=0, ends_us=2**62)
        found = [
            one.sequence for one in kept
            if one.get(Field.ACT) == AUDIT.encode() and one.get(Field.SCOPE) == quarter.encode()
        ]  # fmt: skip
    if not found:
        raise ConfigError(
            f"no audit of `{quarter[:20]}` is published yet",
            hint="doorward log audit --note; then the publisher's turn",
        )
    raw, shown, _ = make_exhibit(folders, config, found[-1], SHOWN, always=(), public=public)
    write_new(to, raw)
    to.chmod(0o644)  # it is for everybody
    typer.echo(f"{to}: {quarter}, leaf {shown.leaf_index} of {shown.tree_size}")


def _signer(folders: Folders, words: Counted, note: Path, text: bytes) -> str:
    try:
        signed = parse_note(_read(note))
    except MalformedError as error:
        raise ConfigError(f"`{note.name}`: {error}") from error
    if signed.text != text:
        raise VerificationError("the note is about other totals")
    mine = [one for one in load_officers(folders.officials) if one.name.partition("/")[0] == words.auditor]
    signers = find_signers(signed, mine)
    if not signers:
        raise VerificationError(
            f"expected the signature of a key of the office `{words.auditor}` that is on file"
        )
    return signers[0].name


def _recount(folders: Folders, config: Path | None, pack: Pack, words: Counted, quarter: str) -> Recount:
    scheme = Scheme(
        words.all_kinds, words.all_outcomes, parse_period(words.first), words.threshold, words.delay_days
    )
    with open_disclosures(folders, config) as disclosures:
        entries = disclosures.select(COUNTED, begins_us=0, ends_us=2**62)
        made = recount(_of_desk(entries), words, scheme, load_deadlines(pack).zone)
    mine = next((one for one in made if str(one.quarter) == quarter), None)
    if mine is None:
        raise VerificationError(
            f"the record does not say that {quarter} was made", hint="it may not be published yet"
        )
    return mine


def _of_desk(entries: Iterator[Entry]) -> Iterator[Entry]:
    return (one for one in entries if worker_of(one.sequence) == DESK)


def _rows(table: bytes) -> list[tuple[str, str, str, str]]:
    rows = list(csv.reader(io.StringIO(table.decode("utf-8", errors="replace"), newline="")))[1:]
    return [(row[0], row[1], row[2], row[3]) for row in rows if len(row) == 4]


def _say(mine: Recount, quarter: str, differences: list[str], recorded: int | None, *, as_json: bool) -> None:
    if as_json:
        document = {
            "quarter": quarter, "counted": mine.events, "agrees": not differences, "differences": differences,
            "recorded": recorded,
        }  # fmt: skip
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    typer.echo(f"{quarter}: {mine.events} entries counted in it, {len(mine.publication.figures)} numbers")
    for line in differences:
        typer.echo(f"FALSE: {line}")
    typer.echo(
        "the record gives another table: do not sign" if differences else "the record gives this table"
    )
    if recorded is not None:
        typer.echo(f"recorded as entry {recorded}; `doorward log audit-proof` once it is published")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error

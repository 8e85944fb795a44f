"""`doorward audit lead` and `case`: a lead of an audit, and its rows with accounts inside a case that was opened.

Without a case it is what everybody may read: the unit, the numbers, the digest. With one, two people of the inspector
general's office have signed which lead is opened, for what, until when.

Exit codes: 0 shown or signed by two; 1 a second signature is missing, or the note does not open this lead; 2 a file,
key or argument is not what it must be; 3 it could not be written down who opened it.
"""

import getpass
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doorward.cli.order_sign import Moment, read_file, read_keys, write_file
from doorward.errors import ConfigError, LogError, MalformedError, VerificationError
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.cases import Case, VerifiedCase, check_case, format_case, parse_case, verify_case
from doorward.lookback.leads.opening import KeptLead, load_lead, open_lead
from doorward.notes.key_files import load_key
from doorward.notes.note import cosign_note, parse_note, sign_note

if TYPE_CHECKING:
    import duckdb

Out = Annotated[Path, typer.Argument(help="the folder of the audit")]
Number = Annotated[int, typer.Argument(help="the number of the lead, as leads.parquet has it")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


def lead(  # flags of a command
    out: Out,
    number: Number,
    case: Annotated[Path | None, typer.Option(help="the note of the case that opens it")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="public keys of the inspector general's office, one a line")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Show a lead: its unit, numbers and digest; in a case also its rows with the accounts."""
    if (case is None) != (keys is None):
        raise ConfigError("`--case` goes with `--keys`: who may open a case at this office")
    folder = AuditFolder(out)
    with _engine() as connection:
        kept = load_lead(connection, folder, number)
        if case is None or keys is None:
            _show(kept, None, (), as_json=as_json)
            return
        now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
        opened = _verified(case, keys, kept, now)
        rows = open_lead(connection, folder, kept, opened, by=getpass.getuser(), now=now)
    _show(kept, opened, rows, as_json=as_json)


def case(  # noqa: PLR0917  # flags of a command
    out: Out,
    number: Number,
    note: Annotated[
        Path, typer.Option("--case", help="the note's file: made by the first, signed by the second")
    ],
    key: Annotated[Path, typer.Option(help="the secret key of the one who signs")],
    case_no: Annotated[str | None, typer.Option("--number", help="the case's number at the office")] = None,
    until: Moment = None,
    reason: Annotated[
        str | None, typer.Option(help="why, in one line; it stands in what is written down")
    ] = None,
) -> None:
    """Make the note that opens one lead for a case, or sign it second."""
    with _engine() as connection:
        kept = load_lead(connection, AuditFolder(out), number)
    signer = load_key(key)
    stated = any(value is not None for value in (case_no, until, reason))
    if note.exists():
        if stated:
            raise ConfigError(f"`{note}` exists, and its values are signed already", hint="sign it as it is")
        raw = read_file(note)
        try:
            found = parse_case(parse_note(raw).text)
            if (found.lead, found.digest) != (number, kept.digest):
                raise ConfigError(f"`{note}` opens another lead than {number} of `{out}`")
            raw = cosign_note(raw, signer)
        except MalformedError as error:
            raise ConfigError(f"`{note}`: {error}") from error
    else:
        if case_no is None or until is None or reason is None:
            raise ConfigError("a case has a `--number`, an end, `--until`, and a `--reason`")
        begins = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # as above
        try:
            found = check_case(Case(case_no, number, kept.digest, begins, until.replace(tzinfo=UTC), reason))
        except MalformedError as error:
            raise ConfigError(str(error)) from error
        raw = sign_note(format_case(found), signer)
    write_file(note, raw)
    signed = [line.name for line in parse_note(raw).signatures]
    typer.echo(
        f"case {found.case} opens lead {number} of {kept.public['unit']} until {found.until:%Y-%m-%d %H:%M} UTC"
    )
    typer.echo(f"signed by {', '.join(signed)}")
    if len(signed) < 2:
        typer.echo(f"a second person runs: doorward audit case {out} {number} --case {note} --key …")
        raise typer.Exit(1)


@contextmanager
def _engine() -> Iterator["duckdb.DuckDBPyConnection"]:
    # Not in the folder of the audit: that may be read by somebody who may not write there.
    with tempfile.TemporaryDirectory() as scratch, open_engine(Path(scratch) / "engine") as connection:
        yield connection


def _verified(case: Path, keys: Path, kept: KeptLead, now: datetime) -> VerifiedCase:
    verifiers = read_keys(keys)
    try:
        return verify_case(
            read_file(case), verifiers, lead=int(kept.public["lead"]), digest=kept.digest, now=now
        )
    except VerificationError as error:
        raise VerificationError(str(error), hint="nothing was opened") from error
    except LogError as error:
        raise ConfigError(f"`{case}`: {error}") from error


def _show(
    kept: KeptLead, opened: VerifiedCase | None, rows: "list[dict[str, Any]] | tuple[()]", *, as_json: bool
) -> None:
    if as_json:
        told: dict[str, Any] = {"lead": dict(kept.public), "digest": kept.digest}
        if opened is not None:
            told |= {"case": opened.case.case, "opened": rows}
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False, default=str))
        return
    public = kept.public
    typer.echo(f"lead       {public['lead']}, {public['kind']}: a lead, and no finding")
    typer.echo(f"unit       {public['unit']}, in the data of {public['owner']}")
    typer.echo(f"time       {public['first'] or 'none'} to {public['last'] or 'none'} UTC")
    typer.echo(f"says       {public['says']}")
    typer.echo(f"by chance  {public['expected']:g} expected, {public['n']} found")
    typer.echo(f"rows       {public['rows_n']}: {public['rows']}")
    typer.echo(f"digest     {kept.digest}")
    if opened is None:
        typer.echo("its accounts are read only in a case: doorward audit case --help")
        return
    typer.echo(
        f"case       {opened.case.case}, until {opened.case.until:%Y-%m-%d %H:%M} UTC; written to opened.jsonl"
    )
    for row in rows:
        place = f"{row['file']}:{row['sheet']}:{row['row']}"
        account = row["account"] if row["account"] is not None else f"({row['account_state']})"
        typer.echo(f"{place:<16} {row['at']}  {account}")

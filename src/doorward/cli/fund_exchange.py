"""`doorward fund journal-check` and `doorward fund openings …`: what comes back from, and in from, other programs.

Exit codes: 0 equal or posted, 1 it differs, is refused, or is not what was signed, 2 usage, 3 something cannot be read.
"""

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.fund_against import read_ledger
from doorward.cli.fund_booking import By, On, SignWith, Who, login_of, prove
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, echo, read_clock
from doorward.cli.order_sign import read_keys
from doorward.errors import ConfigError, MalformedError
from doorward.fund.grantee.cells import MAX_BYTES
from doorward.fund.ledger.journal import MAX_BYTES as MAX_JOURNAL
from doorward.fund.ledger.journal import check_journal, parse_journal
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.openings import Openings, check_opened, check_statement, format_statement, read_openings
from doorward.notes.key_files import load_key
from doorward.notes.note import parse_note, sign_note, verify_note

app = typer.Typer(no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="the opening balances, a CSV", show_default=False)]
Note = Annotated[Path, typer.Option(help="the signed statement of the file")]
Keys = Annotated[Path, typer.Option(help="the auditors' public keys, one a line")]


def journal_check(
    file: Annotated[Path, typer.Argument(help="the CSV as the finance system gives it back", show_default=False)],
    config: Config = None, data: Data = None, database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Hold journal lines that another program took in and gave out again against the ledger."""
    try:
        rows = parse_journal(_read(file, MAX_JOURNAL))
    except MalformedError as error:
        raise ConfigError(f"the journal: {error}") from error
    wrong = check_journal(rows, read_ledger(Link(config, data, database)).written())
    if as_json:
        echo({"lines": len(rows), "wrong": list(wrong)})
    else:
        for line in wrong:
            typer.echo(line)
        typer.echo(f"{len(rows)} lines, {len(wrong)} differences from the ledger")
    if wrong:
        raise typer.Exit(1)


@app.callback()
def openings() -> None:
    """Take over the balances of a fund that ran before, as an auditor signed them."""


@app.command()
def sign(file: File, key: Annotated[Path, typer.Option(help="the auditor's secret key")]) -> None:
    """Sign the statement of a file of opening balances, on your own machine; prints the note."""
    found = _openings(file)
    for name, cents in found.sums.items():
        typer.echo(f"{name}: {cents}", err=True)
    typer.echo(sign_note(format_statement(found), load_key(key)).decode(), nl=False)


@app.command()
def post(  # noqa: PLR0913, PLR0917  # flags of a command
    file: File, note: Note, keys: Keys, by: By = None, sign_with: SignWith = None, on: On = None,
    config: Config = None, data: Data = None, database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Post a signed file, a transaction a row; again, it goes on where it ended, with the same `--by` and `--on`."""
    found, now = _signed(file, note, keys), read_clock()
    link, posted, who = Link(config, data, database), 0, Who(by, sign_with)
    day = link.day(on, now)
    with link.open(now) as store:
        for place, one in enumerate(found.submissions(login_of(who), day), start=1):
            answer = store.submit(one, now=now, proof=prove(one, who, link)[1])
            if isinstance(answer, Refusal):
                says = {"row": place, "refused": answer.code, "says": answer.says, "posted": posted}
                echo(says) if as_json else typer.echo(f"row {place}: refused ({answer.code}): {answer.says}")
                raise typer.Exit(1)
            posted += 1
    _prove(found, link, as_json=as_json)


@app.command()
def check(  # noqa: PLR0917  # flags of a command
    file: File, note: Note, keys: Keys,
    config: Config = None, data: Data = None, database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Prove that the ledger's openings are those of the signed file, row by row and sum by sum."""
    _prove(_signed(file, note, keys), Link(config, data, database), as_json=as_json)


def _prove(found: Openings, link: Link, *, as_json: bool) -> None:
    wrong = check_opened(found, read_ledger(link).written())
    if as_json:
        echo({"file": found.digest, "rows": len(found.rows), **found.sums, "wrong": list(wrong)})
    else:
        for line in wrong:
            typer.echo(line)
        typer.echo(f"{len(found.rows)} rows, {len(wrong)} differences between the ledger and what was signed")
    if wrong:
        raise typer.Exit(1)


def _signed(file: Path, note: Path, keys: Path) -> Openings:
    found = _openings(file)
    try:
        check_statement(verify_note(parse_note(_read(note, MAX_BYTES)), tuple(read_keys(keys))), found)
    except MalformedError as error:
        raise ConfigError(f"`{note.name}`: {error}") from error
    return found


def _openings(file: Path) -> Openings:
    found, refusals = read_openings(_read(file, MAX_BYTES))
    if found is None:
        for one in refusals:
            typer.echo(f"refused: {one}")
        raise typer.Exit(1)
    return found


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}") from error

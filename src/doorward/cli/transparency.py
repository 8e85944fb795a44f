"""`doorward transparency`: the auditor signs a quarter of the public table, and anybody checks it.

Exit codes: 0 signed or verified, 1 it is not what was signed, 2 usage or a file that is none.
"""

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.order_sign import read_keys
from doorward.desk.transparency.release import check_table
from doorward.errors import ConfigError, MalformedError
from doorward.notes.key_files import load_key
from doorward.notes.note import parse_note, sign_note, verify_note

app = typer.Typer(no_args_is_help=True)
TableFile = Annotated[Path, typer.Option(help="the table of the quarter, a CSV file")]


@app.callback()
def transparency() -> None:
    """Sign and check the public table."""


@app.command()
def sign(
    totals: Annotated[Path, typer.Argument(help="the totals of the quarter, as the desk's page gives them")],
    table: TableFile,
    key: Annotated[Path, typer.Option(help="the auditor's secret key")],
) -> None:
    """Sign the totals of a quarter over its table; prints the note that the desk takes in."""
    text = _read(totals)
    quarter = _check(totals, text, _read(table))
    typer.echo(f"{quarter}: the table is the one that the totals name", err=True)
    typer.echo(sign_note(text, load_key(key)).decode(), nl=False)


@app.command()
def verify(
    note: Annotated[Path, typer.Argument(help="the signed totals, from the public page")],
    table: TableFile,
    keys: Annotated[Path, typer.Option(help="the auditors' public keys, one a line")],
) -> None:
    """Say whether a known auditor signed the totals of a quarter, and whether this is their table."""
    try:
        text = verify_note(parse_note(_read(note)), tuple(read_keys(keys)))
    except MalformedError as error:
        raise ConfigError(f"`{note.name}`: {error}") from error
    typer.echo(f"{_check(note, text, _read(table))}: signed, and the table is the one that was signed")


def _check(file: Path, totals: bytes, table: bytes) -> str:
    try:
        return check_table(totals, table)
    except MalformedError as error:
        raise ConfigError(f"`{file.name}`: {error}") from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error

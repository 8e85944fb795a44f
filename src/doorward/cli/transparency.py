"""`doorward transparency`: the auditor signs a quarter of the public table, and anybody checks it.

Exit codes: 0 signed or verified, 1 it is not what was signed, 2 usage or a file that is none.
"""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.order_sign import read_keys
from doorward.desk.transparency.release import check_table
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.notes.key_files import load_key
from doorward.notes.note import parse_note, sign_note, verify_note
from doorward.record.check_exhibit import check_exhibit, read_public_key
from doorward.record.entry import Kind
from doorward.record.keeping import AUDIT

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
def verify(  # noqa: PLR0917  # flags of a command
    note: Annotated[Path, typer.Argument(help="the signed totals, from the public page")],
    table: TableFile,
    keys: Annotated[Path, typer.Option(help="the auditors' public keys, one a line")],
    proof: Annotated[Path | None, typer.Option(help="the exhibit that the table is in the log")] = None,
    log_key: Annotated[
        str | None, typer.Option(metavar="VKEY", help="the log's verifier key, with --proof")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="a witness that must have signed; again for more")
    ] = None,
) -> None:
    """Say whether a known auditor signed the totals of a quarter, whether this is their table, and is in the log."""
    try:
        text = verify_note(parse_note(_read(note)), tuple(read_keys(keys)))
    except MalformedError as error:
        raise ConfigError(f"`{note.name}`: {error}") from error
    rows = _read(table)
    quarter = _check(note, text, rows)
    typer.echo(f"{quarter}: signed, and the table is the one that was signed")
    if proof is None:
        typer.echo("not checked: whether it is in the log (--proof and --log-key)")
    elif log_key is None:
        raise ConfigError(
            "`--proof` is checked with the log's key", hint="--log-key, got by a way that you trust"
        )
    else:
        _check_proof(_read(proof), log_key, witness or [], quarter, rows, text)


def _check_proof(  # noqa: PLR0917  # what is compared
    raw: bytes, log_key: str, witness: list[str], quarter: str, table: bytes, totals: bytes
) -> None:
    try:
        key, witnesses = read_public_key(log_key), [read_public_key(one) for one in witness]
    except ValueError as error:
        raise ConfigError(f"`--log-key` or `--witness`: {error}") from error
    shown = check_exhibit(raw, key, witnesses)
    wanted = {
        "kind": Kind.KEEPING.name.lower(), "act": AUDIT, "scope": quarter,
        "digest": f"table {sha256(table).hexdigest()} totals {sha256(totals).hexdigest()}",
    }  # fmt: skip
    faults = list(shown.faults)
    if not faults and {name: value.decode("utf-8", "replace") for name, value in shown.fields} != wanted:
        faults = ["it is about another table, or shows something else than that an auditor signed one"]
    if faults:
        raise VerificationError(f"the proof does not hold: {faults[0]}")
    typer.echo(f"in the log {shown.origin}: leaf {shown.leaf_index} of {shown.tree_size}")


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

"""`doorward order key`, `sign`, `verify`: two people of the law department put an order into force.

Exit codes: 0 done or verified, 1 not verified, 2 a file, key or value is not what it must be.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.errors import ConfigError, LogError, MalformedError, PolicyCheckError, StoreError
from doorward.notes.key_files import SEED_BYTES, load_key, write_key
from doorward.notes.note import (
    Signer,
    Verifier,
    cosign_note,
    format_verifier,
    parse_note,
    parse_verifier_key,
    sign_note,
)
from doorward.orders.assemble import COLLECTIONS, assemble_pack
from doorward.orders.check import check_pack
from doorward.orders.load import find_pack, read_files
from doorward.orders.pack import Pack
from doorward.orders.statement import (
    STATEMENT,
    Statement,
    Verified,
    check_statement,
    format_statement,
    parse_statement,
    verify_statement,
)

MAX_BYTES = 64 * 1024

PackName = Annotated[str, typer.Argument(help="a shipped order such as `chicago`, or the folder of one")]
StatementFile = Annotated[
    Path | None,
    typer.Option("--statement", help="the statement's file; signatures/statement.note of the pack"),
]
CollectionsFile = Annotated[
    Path | None,
    typer.Option("--collections", help="the city's own collections.toml, in place of the order's"),
]
Moment = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"], help="UTC")
]


def key(
    name: Annotated[str, typer.Argument(help="whose key it is, such as `law.sample.invalid/first`")],
    out: Annotated[Path, typer.Option(help="the new file of the secret key; only its owner reads it")],
) -> None:
    """Make a signing key, and print the public line that goes into the file of the law department's keys."""
    try:
        signer = Signer.make(name, os.urandom(SEED_BYTES))
    except MalformedError as error:
        raise ConfigError(str(error)) from error
    write_key(out, signer)
    typer.echo(format_verifier(signer.verifier))


def sign(  # noqa: PLR0917  # flags of a command
    pack: PackName,
    key_file: Annotated[Path, typer.Option("--key", help="the secret key of the one who signs")],
    effective: Moment = None,
    until: Moment = None,
    number: Annotated[int | None, typer.Option(help="of the statement; one more than the one before")] = None,
    replaces: Annotated[Path | None, typer.Option(help="the statement that is in force now")] = None,
    statement: StatementFile = None,
    collections: CollectionsFile = None,
) -> None:
    """Sign an order that checks: the first makes the statement, the second signs the same statement."""
    signer = load_key(key_file)
    folder = find_pack(pack)
    loaded = _checked(_files(folder, collections))
    file = statement or folder / STATEMENT
    stated = any(value is not None for value in (effective, until, number, replaces))
    if file.exists():
        if stated:
            raise ConfigError(
                f"`{file}` exists, and its values are signed already",
                hint="sign it as it is, or remove it first",
            )
        raw, text = _cosigned(file, signer, loaded)
    else:
        text = _new_statement(loaded, effective, until, number, replaces)
        raw = sign_note(format_statement(text), signer)
    write_file(file, raw)
    typer.echo(format_statement(text).decode(), nl=False)
    for line in parse_note(raw).signatures:
        typer.echo(f"signed by {line.name}")
    if text.is_sample:
        typer.echo("the office `sample` adopted a clause: this order is refused by --production")


def verify(  # noqa: PLR0917  # as above
    pack: PackName,
    keys: Annotated[Path, typer.Option(help="the law department's public keys, one a line")],
    at: Moment = None,
    last: Annotated[Path | None, typer.Option(help="the statement that was in force before")] = None,
    statement: StatementFile = None,
    collections: CollectionsFile = None,
    production: Annotated[bool, typer.Option("--production", help="refuse a sample order")] = False,  # noqa: FBT002  # a command-line flag
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # as above
) -> None:
    """Verify that two people of the law department put exactly this order into force, now or at a time."""
    folder = find_pack(pack)
    loaded = assemble_pack(_files(folder, collections))
    trusted = read_keys(keys)
    now = at.replace(tzinfo=UTC) if at else datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    before = _read_statement(last) if last else None
    raw = read_file(statement or folder / STATEMENT)
    try:
        found = verify_statement(raw, trusted, digest=loaded.digest, now=now, last=before)
    except LogError as error:
        _tell(
            {"verified": False, "reason": str(error), "hint": error.hint, "sample": loaded.is_sample},
            as_json=as_json,
        )
        raise typer.Exit(1) from error
    refused = production and loaded.is_sample
    _tell(_verified(found, refused=refused), as_json=as_json)
    if refused:
        raise typer.Exit(1)


def read_keys(file: Path) -> list[Verifier]:
    """Return the public keys of a file: one a line, empty lines and those that begin with `#` apart.

    Raises:
        ConfigError: A line is no key, or a key stands twice.
    """
    keys = []
    for number, line in enumerate(read_file(file).decode("utf-8", errors="replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            keys.append(parse_verifier_key(line.strip()))
        except MalformedError as error:
            raise ConfigError(
                f"{file}:{number}: {error}", hint="as `doorward order key` prints it"
            ) from error
    if len({found.public_key for found in keys}) < len(keys):
        raise ConfigError(f"`{file}` has a key twice", hint="two signatures are two people's")
    return keys


def _files(folder: Path, collections: Path | None) -> dict[str, bytes]:
    files = read_files(folder)
    return files if collections is None else files | {COLLECTIONS: read_file(collections)}


def _checked(files: dict[str, bytes]) -> Pack:
    now = datetime.now(UTC)  # noqa: TID251  # as above
    report = check_pack(files, cases={}, now=now)
    if report.pack is None or report.findings:
        raise PolicyCheckError(
            f"the order has {len(report.findings)} faults and is not signed: {report.findings[0]}",
            findings=report.findings,
            hint="`doorward order check` lists every fault with its place",
        )
    return report.pack


def _new_statement(
    pack: Pack, effective: datetime | None, until: datetime | None, number: int | None, replaces: Path | None
) -> Statement:
    before = _read_statement(replaces) if replaces else None
    if effective is None:
        raise ConfigError("`--effective` is missing", hint="from when the order is in force, in UTC")
    made = Statement(
        order=pack.name,
        digest=pack.digest,
        number=number or (before.number + 1 if before else 1),
        effective=effective.replace(tzinfo=UTC),
        until=until.replace(tzinfo=UTC) if until else None,
        replaces=before.digest if before else None,
        is_sample=pack.is_sample,
    )
    try:
        check_statement(made)
    except MalformedError as error:
        raise ConfigError(str(error)) from error
    return made


def _cosigned(file: Path, signer: Signer, pack: Pack) -> tuple[bytes, Statement]:
    raw = read_file(file)
    try:
        text = parse_statement(parse_note(raw).text)
        if (text.digest, text.is_sample) != (pack.digest, pack.is_sample):
            raise ConfigError(
                f"`{file}` is about another pack", hint="the pack was changed after it was signed"
            )
        return cosign_note(raw, signer), text
    except MalformedError as error:
        raise ConfigError(f"`{file}`: {error}") from error


def _read_statement(file: Path) -> Statement:
    try:
        return parse_statement(parse_note(read_file(file)).text)
    except MalformedError as error:
        raise ConfigError(f"`{file}`: {error}") from error


def read_file(file: Path) -> bytes:
    """Return a small file's bytes; raises ConfigError where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error


def write_file(file: Path, raw: bytes) -> None:
    """Write a file that is there whole, as it was or as it is to be; raises StoreError."""
    draft = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(exist_ok=True)
        draft.write_bytes(raw)
        draft.replace(file)
    except OSError as error:
        raise StoreError(f"cannot write `{file}`: {error.strerror}") from error


def _verified(found: Verified, *, refused: bool) -> dict[str, Any]:
    statement = found.statement
    return {
        "verified": not refused,
        "reason": "the office `sample` does not exist: no order for production" if refused else None,
        "order": statement.order,
        "digest": statement.digest,
        "number": statement.number,
        "effective": statement.effective.isoformat(),
        "until": statement.until.isoformat() if statement.until else None,
        "replaces": statement.replaces,
        "sample": statement.is_sample,
        "signers": list(found.signers),
    }


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for name, value in told.items():
        if value is None or value == []:
            continue
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        typer.echo(f"{name:<10} {', '.join(shown) if isinstance(shown, list) else shown}")

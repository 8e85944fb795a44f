"""The client's side of an export: connect as the person, describe the query, COPY it, and keep what the gateway signed.

Nothing bears its final name before it is whole.
"""

import getpass
import os
import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg
import typer

from doorward.cli.export_manifest import (
    Column,
    describe_file,
    format_manifest,
    make_statement,
    manifest_path,
)
from doorward.cli.parquet import write_parquet
from doorward.errors import ConfigError, DoorwardError, MalformedError, StoreError, VerificationError
from doorward.gateway.exports import parse_export
from doorward.notes.note import parse_note
from doorward.pgwire.sqlstate import (
    ADMIN_SHUTDOWN,
    CONFIGURATION_LIMIT_EXCEEDED,
    IDLE_SESSION_TIMEOUT,
    INSUFFICIENT_PRIVILEGE,
)

FORMATS: Final = {".csv": "csv", ".parquet": "parquet"}
REPORTED_BYTES: Final = 16 * 1024 * 1024
SETTINGS: Final = {"datestyle": "ISO", "timezone": "UTC", "intervalstyle": "iso_8601", "bytea_output": "hex"}
NOS: Final = frozenset(
    {INSUFFICIENT_PRIVILEGE, CONFIGURATION_LIMIT_EXCEEDED, ADMIN_SHUTDOWN, IDLE_SESSION_TIMEOUT}
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be exported, and on whose word."""

    question: str
    out: Path
    keep_until: date
    claims: dict[str, str]


def connect(conninfo: str, claims: dict[str, str]) -> psycopg.Connection[Any]:
    """Return a connection through the gateway; the password is libpq's, or asked for.

    Raises:
        typer.Exit: The door said no.
        ConfigError: It asks for a password, and nobody is there to type one.
        DoorwardError: It cannot be reached.
    """
    stated = {f"doorward.{name}": value for name, value in claims.items()} | SETTINGS
    options = " ".join(f"-c {name}={_escaped(value)}" for name, value in stated.items())
    more: dict[str, Any] = {
        "options": options,
        "application_name": "doorward export",
        "client_encoding": "UTF8",
    }
    try:
        return psycopg.connect(conninfo, autocommit=True, **more)
    except psycopg.OperationalError as error:
        if error.pgconn is None or not error.pgconn.needs_password:
            raise _not_let_in(error) from error
    try:
        return psycopg.connect(conninfo, autocommit=True, password=getpass.getpass(), **more)
    except psycopg.OperationalError as error:
        raise _not_let_in(error) from error
    except (EOFError, OSError) as error:
        raise ConfigError("the gateway asks for a password", hint="a password file: PGPASSFILE") from error


def _escaped(value: str) -> str:
    return "".join(f"\\{sign}" if sign == "\\" or sign.isspace() else sign for sign in value)


def _not_let_in(error: psycopg.OperationalError) -> Exception:
    lines = str(error).strip().splitlines()
    told = next((at for at, line in enumerate(lines) if "FATAL:" in line), None)
    if told is None:
        return DoorwardError(f"the gateway cannot be reached: {lines[0]}")
    said = [lines[told].partition("FATAL:")[2], *lines[told + 1 :]]
    return _no(*(line.strip() for line in said))


def _no(said: str, *more: str) -> typer.Exit:
    """Say that the door said no, and return the end with the exit code of a no."""
    typer.echo(f"doorward: nothing was exported: {said}", err=True)
    for line in more:
        typer.echo(f"  {line}", err=True)
    return typer.Exit(1)


def export_rows(connection: psycopg.Connection[Any], wish: Wish) -> dict[str, Any]:
    """Write the file and its manifest, under their names only once both are whole, and return what was signed.

    Raises:
        typer.Exit: The door said no.
        ConfigError: The query is none, or what answers is no gateway.
        VerificationError: What arrived is not what the gateway signed.
        StoreError: The disk refused.
        DoorwardError: The connection was lost, or a value does not fit Parquet.
    """
    if connection.pgconn.parameter_status(b"doorward_session") is None:
        raise ConfigError("what answers there is no gateway of doorward")
    manifest = manifest_path(wish.out)
    draft, made, beside = (
        path.with_name(path.name + ending)
        for path, ending in ((wish.out, ".partial"), (wish.out, ".made.partial"), (manifest, ".partial"))
    )
    try:
        columns, named = _describe(connection, wish.question)
        statement = make_statement(wish.question, wish.keep_until)
        _copy(connection, statement, draft)
        note = connection.pgconn.parameter_status(b"doorward_export") or b""
        facts = _check(note, draft)
        if FORMATS[wish.out.suffix] == "parquet":
            _make_private(made)
            write_parquet(draft, made, columns)
            made.replace(draft)
        file = replace(describe_file(draft, FORMATS[wish.out.suffix]), name=wish.out.name)
        _make_private(beside)
        beside.write_text(format_manifest(file, named, statement, note), encoding="utf-8")
        # The manifest first: one without its file is harmless, a file without its manifest is not.
        beside.replace(manifest)
        draft.replace(wish.out)
    except psycopg.Error as error:
        raise _refused(error) from error
    except OSError as error:
        raise StoreError(f"the file cannot be written: {error.strerror}") from error
    finally:
        for left in (draft, made, beside):
            left.unlink(missing_ok=True)
    return facts


def _describe(
    connection: psycopg.Connection[Any], question: str
) -> tuple[list[tuple[str, int, int]], list[Column]]:
    """Return the columns of a query as PostgreSQL describes them; nothing is run."""
    raw = connection.pgconn
    for result in (raw.prepare(b"", question.encode()), raw.describe_prepared(b"")):
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            said = result.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY) or b""
            raise ConfigError(f"the database does not take this query: {said.decode('utf-8', 'replace')}")
    count = result.nfields
    if not count:
        raise ConfigError("this statement gives no rows", hint="an export takes one SELECT")
    columns = [((result.fname(at) or b"").decode(), result.ftype(at), result.fmod(at)) for at in range(count)]
    kinds = connection.execute(
        "SELECT pg_catalog.format_type(oid, modifier) FROM unnest(%s::oid[], %s::int[])"
        " WITH ORDINALITY AS asked (oid, modifier, place) ORDER BY place",
        [[oid for _, oid, _ in columns], [modifier for _, _, modifier in columns]],
    ).fetchall()
    return columns, [Column(name, kind) for (name, _, _), (kind,) in zip(columns, kinds, strict=True)]


def _copy(connection: psycopg.Connection[Any], statement: str, draft: Path) -> None:
    size, reported, is_shown = 0, 0, sys.stderr.isatty()
    _make_private(draft)
    with draft.open("wb") as sink, connection.cursor() as cursor:
        with cursor.copy(statement.encode()) as copy:
            for piece in copy:
                sink.write(piece)
                size += len(piece)
                if is_shown and size - reported >= REPORTED_BYTES:
                    reported = size
                    sys.stderr.write(f"\r{size // 1_000_000} MB")
                    sys.stderr.flush()
        sink.flush()
        os.fsync(sink.fileno())
    if is_shown and reported:
        sys.stderr.write("\r\n")


def _check(note: bytes, draft: Path) -> dict[str, Any]:
    """Return what the gateway signed of this data; whether the signature holds is for `export verify`."""
    try:
        facts = parse_export(parse_note(note).text)
    except MalformedError as error:
        raise VerificationError("the gateway gave no note on what left") from error
    file = describe_file(draft, "csv")
    if (facts["sha256"], facts["bytes"]) != (file.sha256, file.bytes):
        raise VerificationError("what arrived is not what the gateway says has left")
    return facts


def _make_private(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    os.fchmod(handle, 0o600)
    os.close(handle)


def _refused(error: psycopg.Error) -> Exception:
    said = error.diag.message_primary
    more = [part for part in (error.diag.message_detail, error.diag.message_hint) if part]
    if said is None:
        return DoorwardError("nothing was exported: the connection was lost", hint="export again")
    if error.sqlstate in NOS:
        return _no(said, *more)
    return ConfigError(f"nothing was exported: {said}", hint="; ".join(more) or None)

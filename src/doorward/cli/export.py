"""`doorward export`: rows into a file, through the gateway, with a manifest of what left; and `export verify`.

A client like psql: it has no more rights than the person who runs it, and the gateway decides, counts and signs. The
password is libpq's (a password file, or asked for), never an argument.
"""

import getpass
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doorward.cli.assembly import DATABASE, read_run
from doorward.cli.export_manifest import (
    Column,
    describe_file,
    format_manifest,
    make_statement,
    manifest_path,
    verify_export,
)
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.parquet import write_parquet
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError, DoorwardError, MalformedError, StoreError, VerificationError
from doorward.gateway.exports import parse_export
from doorward.notes.note import Verifier, parse_note, parse_verifier_key
from doorward.pgwire.sqlstate import (
    ADMIN_SHUTDOWN,
    CONFIGURATION_LIMIT_EXCEEDED,
    IDLE_SESSION_TIMEOUT,
    INSUFFICIENT_PRIVILEGE,
)

MAX_SQL_BYTES: Final = 1024 * 1024
FORMATS: Final = {".csv": "csv", ".parquet": "parquet"}
REPORTED_BYTES: Final = 16 * 1024 * 1024
SETTINGS: Final = {"datestyle": "ISO", "timezone": "UTC", "intervalstyle": "iso_8601", "bytea_output": "hex"}
NOS: Final = frozenset(
    {INSUFFICIENT_PRIVILEGE, CONFIGURATION_LIMIT_EXCEEDED, ADMIN_SHUTDOWN, IDLE_SESSION_TIMEOUT}
)
ENDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # addresses that a listener takes and a client cannot name

app = typer.Typer(add_completion=False)
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="VKEY", help="the gateway's key for exports, got by a way you trust"),
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be exported, and on whose word."""

    question: str
    out: Path
    keep_until: date
    claims: dict[str, str]


@app.callback(invoke_without_command=True)
def export(  # noqa: PLR0913, PLR0917  # flags of a command
    context: typer.Context,
    user: Annotated[str, typer.Option(help="your login")] = "",
    purpose: Annotated[str, typer.Option(help="one of the order's purpose words")] = "",
    case: Annotated[str, typer.Option(help="the case number, where the work has one")] = "",
    for_agency: Annotated[str, typer.Option("--for", help="for whom")] = "",
    sql: Annotated[Path | None, typer.Option(help="a file with one query, or - for standard input")] = None,
    out: Annotated[Path | None, typer.Option(help="FILE.csv or FILE.parquet")] = None,
    until: Annotated[str, typer.Option(metavar="DATE", help="until when the file may be kept")] = "",
    dsn: Annotated[
        str, typer.Option(help="how to reach the gateway, as libpq has it, without a password")
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the rows of a query into a file through the gateway, with a manifest that the gateway signed."""
    if context.invoked_subcommand is not None:
        return
    if sql is None or out is None or not user or not until:
        raise ConfigError(
            "an export needs `--user`, `--sql`, `--out` and `--until`", hint="doorward export --help"
        )
    wish = Wish(
        _read_sql(sql),
        out,
        _read_day(until),
        {name: value for name, value in (("purpose", purpose), ("case", case), ("for", for_agency)) if value},
    )
    _check_out(out)
    where = conninfo_to_dict(_find_gateway(dsn, config, data))
    with _connect(make_conninfo("", **where, user=user), wish.claims) as connection:
        facts = _export(connection, wish)
    typer.echo(f"exported: {facts['rows']} rows, {facts['bytes']} bytes, until {wish.keep_until}")
    typer.echo(f"session {facts['session']}, request {facts['request']}; manifest {manifest_path(out)}")
    for said in facts["withheld"]:
        typer.echo(f"withheld: {said}")


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="an exported file; its manifest lies beside it")],
    key: Key = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Check a file against its manifest and the gateway's signature, offline; exit code 0 holds, 1 does not."""
    verifier = _find_verifier(key, config, data)
    try:
        found = verify_export(file, verifier)
    except MalformedError as error:
        raise VerificationError(str(error)) from error
    facts = found.facts
    typer.echo(f"{file.name}: {facts['rows']} rows, {facts['columns']} columns, {facts['bytes']} bytes left")
    typer.echo(f"by {facts['login']}, {facts['purpose']}, case {facts['case'] or '-'}, for {facts['for']}")
    typer.echo(
        f"decided: {facts['decision']} ({', '.join(facts['clauses']) or 'no clause'}), order {facts['order']}"
    )
    typer.echo(f"record: session {facts['session']}, request {facts['request']}, ended {facts['ended']}")
    for said in facts["withheld"]:
        typer.echo(f"withheld: {said}")
    today = datetime.now(UTC).date()  # noqa: TID251  # the command line may read the clock
    typer.echo(f"keep until {found.keep_until}{', WHICH HAS PASSED' if found.keep_until < today else ''}")
    typer.echo(
        f"signed by {verifier.name}: "
        + ("this file, byte by byte" if found.is_signed_whole else "the rows that this file was made from")
    )


@app.command("key")
def show_key(config: Config = None, data: Data = None) -> None:
    """Print the gateway's public key for exports, to be published beside the log's."""
    file = find_installation(config, data).export_verifier
    try:
        typer.echo(file.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise ConfigError(
            "there is no key for exports yet", hint="the gateway makes it at its first start"
        ) from error


def _read_sql(file: Path) -> str:
    try:
        raw = (sys.stdin.buffer if str(file) == "-" else file.open("rb")).read(MAX_SQL_BYTES + 1)
        text = raw.decode("utf-8").strip().removesuffix(";").rstrip()
    except OSError as error:
        raise ConfigError(f"`{file}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"`{file}` is no UTF-8 text") from error
    if len(raw) > MAX_SQL_BYTES or not text or "\0" in text:
        raise ConfigError(f"`{file}` must hold one query of at most {MAX_SQL_BYTES} bytes")
    return text


def _read_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"`--until` takes a day such as 2026-12-31, not `{text[:40]}`") from error
    if day < datetime.now(UTC).date():  # noqa: TID251  # the command line may read the clock
        raise ConfigError(f"`--until` is over: {day}")
    return day


def _check_out(out: Path) -> None:
    if out.suffix not in FORMATS:
        raise ConfigError(f"`{out.name}` must end in {' or '.join(FORMATS)}")
    for file in (out, manifest_path(out)):
        if file.exists():
            raise ConfigError(
                f"`{file}` is there already", hint="an export is not written over: choose another name"
            )
    if not out.parent.is_dir():
        raise ConfigError(f"there is no folder `{out.parent}`")


def _find_gateway(dsn: str, config: Path | None, data: Path | None) -> str:
    if dsn:
        try:
            parts = conninfo_to_dict(dsn)
        except psycopg.ProgrammingError as error:
            raise ConfigError("`--dsn` is no connection string") from error
        if parts.get("password"):
            raise ConfigError(
                "a password in an argument can be read by every user of this host", hint="PGPASSFILE"
            )
        return dsn
    if config is not None:
        settings = read_settings(config)
        listen, behind = settings.listen, conninfo_to_dict(settings.database)
        host = "localhost" if listen.host in ENDS else listen.host
        sslmode = "disable" if listen.plain else "verify-full"
        return make_conninfo("", host=host, port=listen.port, dbname=behind["dbname"], sslmode=sslmode)
    port = read_run(find_installation(None, data), "gateway")["port"]
    return make_conninfo("", host="127.0.0.1", port=port, dbname=DATABASE, sslmode="disable")


def _connect(conninfo: str, claims: dict[str, str]) -> psycopg.Connection[Any]:
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


def _export(connection: psycopg.Connection[Any], wish: Wish) -> dict[str, Any]:
    """Write the file and its manifest, under their names only once both are whole, and return what was signed."""
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


def _find_verifier(key: str | None, config: Path | None, data: Path | None) -> Verifier:
    text = key
    if text is None:
        file = find_installation(config, data).export_verifier
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                "whose signature it must bear is not known", hint="--key, as `doorward export key` prints it"
            ) from error
    try:
        return parse_verifier_key(text.strip())
    except MalformedError as error:
        raise ConfigError(f"this is no verifier key: {error}") from error

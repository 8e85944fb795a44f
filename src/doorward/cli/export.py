"""`doorward export`: rows into a file, through the gateway, with a manifest of what left; and `export verify`.

A client like psql: it has no more rights than the person who runs it, and the gateway decides, counts and signs. The
password is libpq's (a password file, or asked for), never an argument.
"""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doorward.cli.export_client import FORMATS, Wish, connect, export_rows
from doorward.cli.export_manifest import (
    manifest_path,
    verify_export,
)
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.running import DATABASE, read_run
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.notes.note import Verifier, parse_verifier_key

MAX_SQL_BYTES: Final = 1024 * 1024
ENDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # addresses that a listener takes and a client cannot name

app = typer.Typer(add_completion=False)
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="VKEY", help="the gateway's key for exports, got by a way you trust"),
]


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
    with connect(make_conninfo("", **where, user=user), wish.claims) as connection:
        facts = export_rows(connection, wish)
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

"""`doorward config check`: everything that doorward.toml names, looked at before anything is started.

Exit codes: 0 all is as it must be, 2 something is not; what cannot be reached is told and exits with 3.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from doorward.cli.assembly import check_in_force, check_stated, city_gateway, find_observing
from doorward.cli.enactment import describe
from doorward.cli.gateway import make_listening
from doorward.cli.observation import ENFORCED, load_observation
from doorward.cli.register_assembly import check_register
from doorward.cli.running import connect_admin
from doorward.cli.settings import read_settings
from doorward.errors import UpstreamError
from doorward.gateway.logins import AdminConnections
from doorward.grants.people import load_directory
from doorward.orders.load import load_fund, load_pack

app = typer.Typer(no_args_is_help=True)


@app.callback()
def config() -> None:
    """Check the settings of an installation."""


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="doorward.toml")],
    offline: Annotated[bool, typer.Option("--offline", help="do not connect to the database")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Check doorward.toml, the files that it names, the order and the way into the database."""
    settings = read_settings(file)
    typer.echo("settings: every key is known, and what must be there is there")
    make_listening(settings.listen)
    typer.echo(
        f"listener: {settings.listen.host}:{settings.listen.port}, {_encryption(settings.listen.plain)}, "
        f"{settings.listen.workers} worker{'s' if settings.listen.workers > 1 else ''}"
    )
    if settings.operation.health is not None:
        typer.echo(f"health: {settings.operation.health}")
    parts = city_gateway(settings)
    sample = ", a SAMPLE that no office adopted" if parts.pack.is_sample else ""
    typer.echo(
        f"order: {parts.pack.name}{sample}, {len(parts.book.scopes)} scopes, digest {parts.pack.digest}"
    )
    folders = parts.folders
    directory = load_directory(folders.people, folders.agreements, folders.applications)
    typer.echo(
        f"people: {len(directory.people)} logins, {len(directory.agreements)} agreements, "
        f"{len(directory.applications)} applications"
    )
    if settings.identity is not None and parts.provider is not None:
        at = f"{settings.identity.host}:{settings.identity.port}"
        provider = parts.provider.provider
        typer.echo(f"identity: tokens of {provider.issuer} on {at}, {len(provider.keys)} keys")
    for role, says in settings.workloads.items():
        typer.echo(f"workload: {role} reads around the door: {says}")
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    typer.echo(f"statement: {describe(check_stated(parts, now=now))}")
    found = load_observation(parts.folders, parts.pack, now=now)
    typer.echo(f"clauses: {ENFORCED if found is None else found.says()}")
    if settings.fund is not None:
        typer.echo(
            f"fund: worded by `{settings.fund.order}`, {len(load_fund(load_pack(settings.fund.order)).lines)} lines"
        )
        if not offline:
            typer.echo(f"fund: {_look_at_fund(settings.fund.conninfo)}")
    if not offline:
        admin = AdminConnections(lambda: connect_admin(parts.admin))
        check_in_force(admin, parts, find_observing(parts, now=now))
        typer.echo("database: lets the gateway in, and holds this order")
        if parts.register is not None:
            check_register(parts.register, parts.admin)
            typer.echo("register: answers")


def _look_at_fund(conninfo: str) -> str:
    """Return what the fund's ledger says of itself; raises UpstreamError where it does not let its role in."""
    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection:
            found = connection.execute("SELECT count(*) FROM fund.transaction").fetchone()
    except psycopg.Error as error:
        raise UpstreamError("the fund's ledger does not answer", hint="doorward fund install") from error
    return f"the ledger answers, with {found[0] if found else 0} transactions"


def _encryption(plain: bool) -> str:  # noqa: FBT001  # a setting
    return "plain text on the loopback address" if plain else "TLS only"

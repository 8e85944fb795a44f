"""What a DBA does around an install: `doorward order uninstall`, `entry`, `drift` and `scaffold`.

Exit codes: 0 done, or all is as it must be; 1 it is not; 2 an argument is wrong; 3 the server cannot be reached.
"""

import os
from typing import Annotated

import typer
from rich.console import Console

from doorward.cli.database import check_conninfo, open_database
from doorward.cli.order_install import ORDER, Dsn, Order, Seconds, progress
from doorward.errors import ConfigError, InstallError
from doorward.install.drift import find_drift
from doorward.install.entry import Entry, entry_lines, prove_entry
from doorward.install.uninstall import forget_role, uninstall
from doorward.orders.load import load_pack


def uninstall_order(
    dsn: Dsn,
    role: Annotated[str | None, typer.Option(help="take only this role out, before DROP ROLE")] = None,
    lock_seconds: Seconds = 60,
) -> None:
    """Take doorward out of a database: its catalog is then as it was before the install."""
    with open_database(dsn) as connection:
        if role is not None:
            forget_role(connection, role)
            typer.echo(f"`{role}` has nothing of ours: REVOKE what else it holds, then DROP ROLE")
            return
        with progress(Console(stderr=True)) as say:
            traces = uninstall(connection, lock_seconds=lock_seconds, say=say)
    if traces:
        raise InstallError("something of ours is left", findings=traces)
    typer.echo("uninstalled: nothing of doorward is left in this database, and rights are noted as they were")


def entry(
    dsn: Annotated[str | None, typer.Option(help="the DBA's connection string, to prove the lines")] = None,
    address: Annotated[
        str | None, typer.Option(help="of the gateway's host; without it, the database's own")
    ] = None,
    name: Annotated[
        str, typer.Option(help="the gateway's certificate name, or its user on this host")
    ] = "doorward",
    gateway: Annotated[
        str | None,
        typer.Option(help="the gateway's connection string, without a user: proves the lines by trying"),
    ] = None,
    accept: Annotated[list[str] | None, typer.Option(help="what PUBLIC may go on reaching")] = None,
) -> None:
    """Print the lines that let the gateway in and nobody else, or prove them by trying to get in."""
    if gateway is None:
        lines = entry_lines(Entry(address, name))
        for title, listed in (("pg_hba.conf", lines.hba), ("pg_ident.conf", lines.ident)):
            typer.echo(f"# at the head of {title}, on this server and on each standby")
            for line in listed:
                typer.echo(line)
        typer.echo("# then SELECT pg_reload_conf(), and: doorward order entry --dsn … --gateway …")
        return
    if dsn is None:
        raise ConfigError("--gateway proves the lines and needs --dsn as well")
    with open_database(dsn) as connection:
        wrong = prove_entry(
            connection, gateway=check_conninfo(gateway), random=os.urandom, accepted=accept or ()
        )
    if wrong:
        raise InstallError("the way in is not as it must be", findings=wrong)
    typer.echo("proved: the gateway gets in as a session and as no superuser; a password gets in nowhere")


def drift(dsn: Dsn) -> None:
    """Say what is no longer as the install left it."""
    with open_database(dsn) as connection:
        present = connection.execute("SELECT to_regclass('doorward.installation') IS NOT NULL").fetchone()
        if present != (True,):
            raise InstallError("no order is in force in this database", hint="doorward order install")
        found = find_drift(connection)
    if found:
        raise InstallError("the database is not what the install left", findings=found)
    typer.echo("no drift: roles, rights, policies, views and triggers are as the install left them")


def scaffold(
    dsn: Dsn,
    order: Order = ORDER,
    schema: Annotated[list[str] | None, typer.Option(help="only tables of this schema")] = None,
) -> None:
    """Propose a collections.toml for a city's own tables, from the names of their columns; reads no row."""
    from doorward.install.scaffold import propose_collections

    with open_database(dsn) as connection:
        typer.echo(propose_collections(connection, load_pack(order), schema or ()), nl=False)

"""`doorward inventory`: every store, account and vendor of the agency, and how far the order reaches each.

Exit codes: 0 as it is said; 1 something is said that is not so; 2 the file or an argument is wrong; 3 the database
could not be looked at.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from doorward.cli.installation import Config, Data, Order
from doorward.cli.site import Site, find_site
from doorward.doctor.line import one_line
from doorward.errors import ConfigError
from doorward.grants.application_files import load_applications
from doorward.grants.inventory import (
    Around,
    Behind,
    Coverage,
    Kind,
    Store,
    check_inventory,
    coverage_line,
    with_found,
)
from doorward.grants.inventory_files import add_store, load_inventory
from doorward.grants.people import load_people
from doorward.install.around import look_around

app = typer.Typer(no_args_is_help=True)
Offline = Annotated[bool, typer.Option("--offline", help="do not look into the database's catalog")]


@app.callback()
def inventory() -> None:
    """Say what is behind the door, and what is not."""


@app.command("list")
def list_stores(
    config: Config = None,
    data: Data = None,
    order: Order = "chicago",
    offline: Offline = False,  # noqa: FBT002  # a command-line flag
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # as above
) -> None:
    """List the inventory, with the tables and roles that the database's own catalog shows beside the door."""
    site = find_site(config, data, order)
    written = load_inventory(site.inventory)
    stores, _ = _with_catalog(site, written or (), offline=offline)
    coverage = coverage_line(stores, is_written=written is not None, is_looked_at=not offline)
    if as_json:
        rows = [_row(store) for store in stores]
        typer.echo(json.dumps({"coverage": coverage, "stores": rows}, indent=1, ensure_ascii=False))
        return
    for store in stores:
        mark = "found in the catalog" if store.is_found else f"looked at {store.looked_at.isoformat()}"
        said = [store.state.value, store.kind.value, store.name, store.owner, mark, store.note]
        typer.echo(one_line("  ".join(text for text in said if text)))
    typer.echo(coverage)


@app.command("check")
def check(
    config: Config = None,
    data: Data = None,
    order: Order = "chicago",
    offline: Offline = False,  # noqa: FBT002  # as above
) -> None:
    """Compare what the inventory says with what this installation holds and what the catalog shows."""
    site = find_site(config, data, order)
    written = load_inventory(site.inventory)
    if written is None:
        raise ConfigError(f"`{site.inventory}` is not there", hint="doorward inventory add")
    stores, around = _with_catalog(site, written, offline=offline)
    logins = frozenset(
        (
            *(person.login for person in load_people(site.folders.people) if person.active),
            *(one.login for one in load_applications(site.folders.applications) if one.active),
        )
    )
    found = check_inventory(written, Behind(site.database, logins), around, today=_today())
    for finding in found:
        typer.echo(one_line(finding))
    for store in stores:
        if store.is_found:
            typer.echo(one_line(f"not in the inventory, and uncovered: {store.name}: {store.note}"))
    typer.echo(coverage_line(stores, is_written=True, is_looked_at=not offline))
    raise typer.Exit(1 if found else 0)


@app.command("add")
def add(  # noqa: PLR0913, PLR0917  # flags of a command
    name: Annotated[str, typer.Argument(help="of the store or account, in the words of its owner")],
    kind: Annotated[Kind, typer.Option(help="what it is")],
    state: Annotated[Coverage, typer.Option(help="how far the order reaches it")],
    owner: Annotated[str, typer.Option(help="the office that answers for it")],
    note: Annotated[str, typer.Option(help="one line")] = "",
    evidence: Annotated[str, typer.Option(help="what the state rests on")] = "",
    database: Annotated[str, typer.Option(help="the name of a database")] = "",
    table: Annotated[str, typer.Option(help="schema.table of it")] = "",
    account: Annotated[str, typer.Option(help="a login of the door, or a role of the database")] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Add a store, account or vendor, as looked at today."""
    site = find_site(config, data, "chicago")
    add_store(
        site.inventory,
        Store(name, kind, state, owner, _today(), note, evidence, database, table, account),
    )
    typer.echo(coverage_line(load_inventory(site.inventory) or (), is_written=True, is_looked_at=False))


def _with_catalog(
    site: Site, written: Sequence[Store], *, offline: bool
) -> tuple[Sequence[Store], Around | None]:
    around = None
    if not offline:
        _, book = site.load_order()
        covered = {table.table for scope in book.scopes.values() for table in scope.tables}
        with site.open_admin() as connection:
            around = look_around(connection, covered)
    return with_found(written, around, declared=site.workloads, today=_today()), around


def _row(store: Store) -> dict[str, object]:
    return {
        "name": store.name, "kind": store.kind.value, "state": store.state.value, "owner": store.owner,
        "looked_at": store.looked_at.isoformat(), "note": store.note, "evidence": store.evidence,
        "database": store.database, "table": store.table, "account": store.account, "found": store.is_found,
    }  # fmt: skip


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251  # the command line may read the clock

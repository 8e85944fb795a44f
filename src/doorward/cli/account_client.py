"""`doorward account client`: programs that file at the desk, and their tokens. A token is shown once, here.

Exit codes: 0 done, 2 an argument is wrong, 3 the database failed.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.desk_database import open_desk

app = typer.Typer(no_args_is_help=True)
Config = Annotated[Path, typer.Option(help="doorward.toml of the installation")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="small letters, digits, `.` and `-`")]
By = Annotated[str, typer.Option(help="the login of whoever decided it")]
PREFIX = "client:"  # of the logins of programs
DAYS = 90
OVERLAP_HOURS = 72


@app.callback()
def client() -> None:
    """Keep the programs that file at the desk."""


@app.command()
def add(  # noqa: PLR0913, PLR0917  # flags of a command
    name: Name,
    config: Config,
    kind: Annotated[list[str], typer.Option(help="a kind that it may file; again for each")],
    order_role: Annotated[str, typer.Option(help="what it files as, a role of the order")],
    agency: Annotated[str, typer.Option(help="for whose people it files, an agency of the order")],
    unit: Annotated[str, typer.Option(help="whose people see what it files")],
    by: By,
    tenant: Annotated[str, typer.Option(help="the city, or a sister agency that adopts rules")] = "city",
    days: Annotated[int, typer.Option(min=1, max=DAYS, help="until somebody looks again")] = DAYS,
) -> None:
    """Make a program's account, and print its first token; it is kept nowhere."""
    clients = _open(config)
    as_what = clients.FilesAs(order_role, agency, tenant, unit)
    typer.echo(clients.add_client(name, as_what, kind, days=days, by=by, now=_now()))
    typer.echo(f"`{name}` may file for {days} days; the token above is not shown again", err=True)


@app.command()
def rotate(  # as above
    name: Name,
    config: Config,
    by: By,
    days: Annotated[int, typer.Option(min=1, max=DAYS, help="until somebody looks again")] = DAYS,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=OVERLAP_HOURS, help="how long earlier tokens hold; 0 where one was lost")
    ] = 24,
) -> None:
    """Print a fresh token of a program, and begin its days anew."""
    clients = _open(config)
    overlap = timedelta(hours=overlap_hours)
    typer.echo(clients.rotate_client(name, days=days, overlap=overlap, by=by, now=_now()))
    typer.echo(
        f"`{name}` may file for {days} days; earlier tokens hold for {overlap_hours} h at most", err=True
    )


@app.command()
def end(name: Name, config: Config) -> None:
    """End a program at once and for good: its tokens, its assignment and its kinds."""
    clients = _open(config)
    typer.echo(f"`{name}` is out; {clients.end_client(name, now=_now())} tokens ended")


@app.command("list")
def list_clients(
    config: Config,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a flag
) -> None:
    """List the programs, what each files as, and until when its tokens hold."""
    rows: list[dict[str, Any]] = _open(config).list_clients(now=_now())
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        held = ", ".join(f"{one['id']} until {one['until'][:16]}" for one in row["tokens"]) or "out"
        typer.echo(f"{row['name']:<24} {row['order_role']} of {row['agency']}, {row['unit']}: {held}")
        if row["kinds"]:
            typer.echo(f"{'':<24} files {', '.join(row['kinds'])}")


def _open(config: Path) -> Any:  # noqa: ANN401  # a module of an app that is set up late
    open_desk(config)
    from doorward.desk.api import clients

    return clients


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock

"""`doorward application`: the applications that may ask for people, kept by the security officer.

A running gateway takes each change at once; who is taken out loses its sessions.

Exit codes: 0 done; 2 an argument is wrong.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.installation import Config, Data, Order, find_installation, load_installation
from doorward.errors import ConfigError
from doorward.grants.application_files import change_applications, load_applications
from doorward.grants.applications import Application, check_application, find_algorithm
from doorward.grants.people import load_people

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="the application's login")]


@app.callback()
def application() -> None:
    """Keep the applications that may ask for people."""


@app.command()
def add(  # noqa: PLR0917  # flags of a command
    name: Name,
    certificate: Annotated[str, typer.Option(help="the common name of its certificate")],
    key: Annotated[Path, typer.Option(help="the public key that its tokens are verified with, PEM")],
    agency: Annotated[
        list[str], typer.Option(help="an agency for whose people it may ask; may be given again")
    ],
    second_factor: Annotated[
        str, typer.Option(help="evidence that its people log in to it with a second factor")
    ] = "",
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Register an application, or register it anew."""
    folders, pack = load_installation(config, data, order)
    unknown = [one for one in agency if one not in pack.agencies]
    if unknown:
        raise ConfigError(f"`{unknown[0][:40]}` is no agency of the order")
    if folders.people.exists() and any(person.login == name for person in load_people(folders.people)):
        raise ConfigError(f"`{name}` is the login of a person")
    made = check_application(
        Application(name, certificate, _read(key), tuple(dict.fromkeys(agency)), second_factor.strip())
    )
    change_applications(
        folders.applications, lambda before: [*(one for one in before if one.login != name), made]
    )
    typer.echo(
        f"{name} asks for people of {', '.join(made.agencies)}, with tokens of {find_algorithm(made.key)[0]}"
    )


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """List the applications."""
    found = load_applications(find_installation(config, data).applications)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False))
        return
    for one in found:
        typer.echo("  ".join(str(value) for value in _row(one).values()))
    typer.echo(f"{len(found)} applications")


@app.command()
def close(name: Name, config: Config = None, data: Data = None) -> None:
    """Close an application: its sessions end, and it opens nothing more."""
    folders = find_installation(config, data)
    if not any(one.login == name for one in load_applications(folders.applications)):
        raise ConfigError(f"there is no application `{name[:40]}`", hint="doorward application list")

    def closed(before: Sequence[Application]) -> list[Application]:
        return [replace(one, active=False) if one.login == name else one for one in before]

    change_applications(folders.applications, closed)
    typer.echo(f"{name} is closed")


def _row(one: Application) -> dict[str, Any]:
    return {
        "login": one.login,
        "state": "open" if one.active else "closed",
        "certificate": one.certificate,
        "agencies": ",".join(one.agencies),
        "second_factor": one.second_factor or "one factor",
    }


def _read(key: Path) -> str:
    try:
        return key.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{key}` cannot be read as PEM") from error

"""`doorward places`: the register of places of an installation, checked and listed as the desk reads it.

Exit codes: 0 done; 1 of `check`, the register has a fault; 2 there is none, or an argument is wrong.
"""

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.desk_files import read_file
from doorward.cli.installation import Config, Data, Order, find_installation
from doorward.errors import ConfigError, PolicyCheckError
from doorward.grants.places import FILE, Place, read_places, words_of
from doorward.orders.load import load_pack

app = typer.Typer(no_args_is_help=True)
File = Annotated[Path | None, typer.Argument(help=f"without it `{FILE}` of the data folder")]


@app.callback()
def places() -> None:
    """See the register of places as the desk reads it."""


@app.command()
def check(file: File = None, order: Order = "chicago", config: Config = None, data: Data = None) -> None:
    """Say what is wrong with a register of places, each fault with its line."""
    try:
        found = _read(file, order, config, data)
    except PolicyCheckError as error:
        for finding in error.findings:
            typer.echo(str(finding))
        raise typer.Exit(1) from error
    areas = sum(len(place.areas) for place in found.values())
    typer.echo(f"{len(found)} places with {areas} parts, no fault")


@app.command("list")
def list_places(
    file: File = None, order: Order = "chicago", config: Config = None, data: Data = None
) -> None:
    """List every part of every place: what a form at the desk names it by, and whether it is ever public."""
    for place in _read(file, order, config, data).values():
        for area in place.areas.values():
            opens = "public in its hours" if area.hours else "never public"
            typer.echo(f"{place.id}/{area.id}\t{place.kind}\t{place.tenant}\t{opens}")


def _read(file: Path | None, order: str, config: Path | None, data: Path | None) -> dict[str, Place]:
    found = file or find_installation(config, data).places
    if not found.exists():
        raise ConfigError(
            f"there is no `{found.name}`", hint="docs/concepts/registers-at-the-desk.md shows one"
        )
    words = words_of(load_pack(order))
    return read_file(found, lambda text: read_places(text, words, file=found.name))

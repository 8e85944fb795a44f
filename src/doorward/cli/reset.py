"""`doorward reset`: asks, then removes the data folder and nothing else."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.folders import find_folders
from doorward.desk.configuration import FILE, DeskConfiguration
from doorward.errors import ConfigError


def reset(
    data: Annotated[Path | None, typer.Option(help="the data folder (default ./.doorward)")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Remove the sample city, its record and its keys."""
    folders = find_folders(data)
    if not folders.data.exists():
        typer.echo(f"nothing to remove at {folders.data}")
        return
    if not folders.mark.exists():
        raise ConfigError(
            f"`{folders.data}` was not made by doorward, so it stays",
            hint="choose the right folder with --data",
        )
    if _holds_papers(folders.data):
        raise ConfigError(
            f"`{folders.data}` holds papers that were served to a city, so it stays",
            hint="they go by the retention schedule, at the desk's page of disposals",
        )
    with folders.lock():
        if not yes and not typer.confirm(f"remove {folders.data} with its database, record and keys?"):
            typer.echo("nothing was removed")
            raise typer.Exit(1)
        # The mark goes last: a reset that is cut short can be said again.
        for part in folders.data.iterdir():
            if part != folders.mark:
                shutil.rmtree(part) if part.is_dir() else part.unlink()
        shutil.rmtree(folders.data)
    typer.echo(f"removed {folders.data}")


def _holds_papers(data: Path) -> bool:
    """Whether a city's papers are in there; those of a sample are invented."""
    if not any((data / "papers").glob("*.paper")):
        return False
    try:
        return not DeskConfiguration.load(data / "run" / FILE).sample
    except ConfigError:
        return True  # nobody knows whose they are

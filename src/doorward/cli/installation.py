"""Which installation a command is about: a city's, by its doorward.toml, or the sample's, by its data folder.

What reads either is imported when it is needed: a command on the sample's folder does not wait for the settings.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doorward.cli.folders import Folders, find_folders

if TYPE_CHECKING:
    from doorward.orders.pack import Pack

Config = Annotated[Path | None, typer.Option(help="doorward.toml of the installation")]
Data = Annotated[Path | None, typer.Option(help="the sample's data folder (default ./.doorward)")]
Order = Annotated[str, typer.Option(help="the order in force, without --config")]


def find_installation(config: Path | None, data: Path | None) -> Folders:
    """Return the folders of the installation."""
    if config is None:
        return find_folders(data)
    from doorward.cli.settings import read_settings

    return Folders(read_settings(config).data)


def load_installation(config: Path | None, data: Path | None, order: str) -> "tuple[Folders, Pack]":
    """Return the folders of the installation, and its order."""
    from doorward.orders.load import load_pack

    if config is None:
        return find_folders(data), load_pack(order)
    from doorward.cli.settings import read_settings

    settings = read_settings(config)
    pack = load_pack(settings.order, production=settings.production, collections=settings.collections)
    return Folders(settings.data), pack

"""`doorward gateway`: the door as a process; started by `doorward up`, not by hand."""

import asyncio
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.children import READY, stop_with_parent
from doorward.cli.folders import find_folders
from doorward.errors import DoorwardError

HOST = "127.0.0.1"


def gateway(
    data: Annotated[Path | None, typer.Option(help="the data folder")] = None,
    port: Annotated[int, typer.Option(help="the port to listen on")] = 6432,
    order: Annotated[str, typer.Option(help="the order in force: a name or a folder")] = "chicago",
) -> None:
    """Run the gateway in the foreground until it is told to stop."""
    from doorward.cli.assembly import assemble_gateway

    stop_with_parent()
    folders = find_folders(data)
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    with assemble_gateway(folders, order=order, now=now) as server:
        try:
            _run(server.run(host=HOST, port=port, ready=_say_ready))
        except OSError as error:
            raise DoorwardError(
                f"cannot listen on {HOST}:{port}: {error.strerror}", hint="choose another --port"
            ) from error


def _say_ready() -> None:
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()


def _run(main: Coroutine[None, None, None]) -> None:
    try:
        import uvloop
    except ImportError:  # the `speed` extra is optional
        asyncio.run(main)
    else:
        uvloop.run(main)

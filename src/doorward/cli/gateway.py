"""`doorward gateway`: the door as a process, before a city's own server or, started by `doorward up`, the sample's.

With `[listen] workers` above 1 the process is the parent of so many workers (`cli.workers`), each of them this command
with its number.
"""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.children import READY, stop_with_parent
from doorward.cli.folders import Folders, find_folders
from doorward.cli.host_logs import hold_doors
from doorward.cli.settings import ListenSettings, Settings, read_settings
from doorward.cli.workers import run_workers
from doorward.errors import ConfigError, DoorwardError
from doorward.gateway.listen import Listening
from doorward.gateway.logbook import Logbook
from doorward.gateway.tls import bind_end_point, make_listener_context
from doorward.record.workers import MAX_WORKERS

HOST = "127.0.0.1"


def gateway(
    config: Annotated[Path | None, typer.Option(help="doorward.toml, before a city's own server")] = None,
    data: Annotated[Path | None, typer.Option(help="the sample's data folder")] = None,
    port: Annotated[int, typer.Option(help="the sample's port")] = 6432,
    order: Annotated[str, typer.Option(help="the sample's order")] = "chicago",
    worker: Annotated[
        int | None,
        typer.Option(min=0, max=MAX_WORKERS - 1, help="this worker's number; given by the parent alone"),
    ] = None,
) -> None:
    """Run the gateway in the foreground until it is told to stop."""
    from doorward.cli.assembly import assemble_gateway, city_gateway, sample_gateway

    if config is not None:
        settings = read_settings(config)
        if worker is None and settings.listen.workers > 1:
            _run_parent(config, settings)
            return
        if worker is not None:
            _check_worker(worker, settings)
            stop_with_parent()
        parts, listening = city_gateway(settings, worker or 0), make_listening(settings.listen)
        places = [listening, *make_identity_listening(settings)]
    else:
        stop_with_parent()
        parts, listening = sample_gateway(find_folders(data), order), Listening(HOST, port)
        places = [listening]
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    with assemble_gateway(parts, now=now) as server:
        try:
            _run(server.run(*places, ready=_say_ready))
        except OSError as error:
            raise DoorwardError(
                f"cannot listen on {listening.host}:{listening.port}: {error.strerror}",
                hint="choose another port",
            ) from error


def _run_parent(config: Path, settings: Settings) -> None:
    folders = Folders(settings.data)
    folders.make()
    hold_doors(settings, folders)
    run_workers(
        config.absolute(),
        count=settings.listen.workers,
        run=folders.run,
        health=settings.operation.health,
        logbook=Logbook("gateway", settings.operation.log),
    )


def _check_worker(worker: int, settings: Settings) -> None:
    if worker >= settings.listen.workers:
        raise ConfigError(
            f"there is no worker {worker} of {settings.listen.workers}",
            hint="start `doorward gateway` without --worker; it starts its workers itself",
        )


def make_listening(listen: ListenSettings) -> Listening:
    """Return where and how to listen, with its certificate loaded.

    Raises:
        ConfigError: A certificate, key or authority is not what it must be.
    """
    if listen.certificate is None or listen.key is None:
        return Listening(listen.host, listen.port, shares_port=listen.workers > 1)
    return Listening(
        listen.host,
        listen.port,
        make_listener_context(listen.certificate, listen.key, listen.people_authority, listen.people_revoked),
        bind_end_point(listen.certificate),
        takes_plain=listen.plain,
        shares_port=listen.workers > 1,
    )


def make_identity_listening(settings: Settings) -> list[Listening]:
    """Return the listener for tokens of the identity provider, where the city has one."""
    identity = settings.identity
    if identity is None:
        return []
    listening = make_listening(settings.listen)
    return [replace(listening, host=identity.host, port=identity.port, takes_plain=False, takes_tokens=True)]


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

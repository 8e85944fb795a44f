"""`doorward log directory`: show and check the directory of a city's logs, and sign it as it stands.

Exit codes: 0 it holds; 1 it is false; 2 an argument is wrong; 3 could not tell.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.directory_change import change_directory
from doorward.cli.folders import Folders
from doorward.cli.host_logs import keep, office_keys
from doorward.cli.log_chain import directory_json, load_directory, log_json, print_head
from doorward.cli.log_outside import parse_option
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError, MalformedError
from doorward.notes.note import cosign_note, format_verifier
from doorward.record.directory_file import replace_file
from doorward.verifier.directory import Listed
from doorward.verifier.note import Key, parse_key


def show_directory(  # noqa: PLR0917  # flags of a command
    place: Annotated[
        str | None, typer.Argument(metavar="FILE|URL", help="the directory; without it, the settings' own")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="an office's key, got by a way that you trust; again for more"),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="a directory that you kept: this one must only add to it"),
    ] = None,
    sign: Annotated[
        Path | None, typer.Option(help="with --config: sign it too, with your secret key, as it stands")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a flag
    config: Annotated[
        Path | None, typer.Option(help="doorward.toml of an installation that names it")
    ] = None,
) -> None:
    """Show which logs a city has and had, how each ended and what follows; and check who says so."""
    if (place is None) != (config is not None) or (place is not None and not key) or (sign and place):
        raise ConfigError("name a FILE or URL with --key, or the installation with --config")
    keys = tuple(parse_option(one, "--key") for one in key or ())
    if config is not None:
        if sign is not None:
            _sign(config, sign)
        place, own = _of_settings(config)
        keys = keys or own
    assert place is not None
    found = load_directory(place, keys, since, as_json=as_json)
    if as_json:
        typer.echo(
            json.dumps(directory_json(found) | {"logs": [log_json(one) for one in found.logs]}, indent=2)
        )
        return
    print_head(found)
    for log in found.logs:
        _print_log(log)


def _of_settings(config: Path) -> tuple[str, tuple[Key, ...]]:
    settings = read_settings(config)
    if settings.keeping.directory is None:
        raise ConfigError("the settings name no directory", hint="`directory` in [record] of doorward.toml")
    keys = office_keys(settings, Folders(settings.data))
    return str(settings.keeping.directory), tuple(parse_key(format_verifier(one)) for one in keys)


def _sign(config: Path, key: Path) -> None:
    """Add a signature of somebody who may: before whoever signed last leaves, or where readers know another key."""
    settings = read_settings(config)
    folders, now = Folders(settings.data), datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    with change_directory(settings, folders, key, now=now) as change:
        if not change.raw or settings.keeping.directory is None:
            raise ConfigError("there is no directory yet", hint="doorward log begin makes it")
        try:
            raw = cosign_note(change.raw, change.person.signer)
        except MalformedError as error:
            raise ConfigError(str(error)) from error
        replace_file(settings.keeping.directory, raw)
        keep(folders, raw)


def _print_log(log: Listed) -> None:
    typer.echo(f"log {log.key.name}, on `{log.host}`, public files in `{log.folder}`")
    typer.echo(
        f"  listed {log.begun_at} with {log.begins[0]:,} leaves"
        + (f", follows {log.follows}" if log.follows else "")
    )
    if log.ends is None:
        typer.echo("  runs")
        return
    typer.echo(f"  ended {log.ended_at} ({log.how}): {log.reason}")
    typer.echo(f"  last known checkpoint: {log.ends[0]:,} leaves; provable to {log.provable:,}")
    if log.how == "lost":
        typer.echo("  what was recorded after its last known checkpoint is not provable")
    typer.echo(f"  then: {log.successor or 'nothing'}")

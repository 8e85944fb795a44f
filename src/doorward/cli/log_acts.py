"""What is done to a log by name: its key is held to its place, and moved by somebody who says so.

Exit codes of `doorward log move`: 0 moved, or in its place already; 2 an argument is wrong; 3 a file could not be
written, or the publisher runs.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.host_logs import refuse_ended, refuse_key
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError, StoreError, VerificationError
from doorward.gateway.logbook import Event, Logbook
from doorward.notes.key_files import load_key
from doorward.notes.note import Signer
from doorward.record.binding import BOUND, bind, differences, look_at, read_binding, verify_bound
from doorward.record.check_spool import is_held
from doorward.record.log_entries import Happened, draft_of, record_of_log
from doorward.record.log_files import CHECKPOINT
from doorward.record.segments import PUBLISHER_LOCK

MAX_WORDS: Final = 500


def hold_to_place(folders: Folders, signer: Signer, logbook: Logbook, *, now: datetime) -> None:
    """Return where the log's key may sign here; a key that was never bound is bound now, and the record says so.

    Raises:
        VerificationError: It is bound to another place.
        StoreError: A file cannot be read or written.
    """
    file = folders.keys / BOUND
    if verify_bound(file, signer.verifier) is not None:
        return
    if (folders.log / CHECKPOINT).exists():  # of a version that bound nothing, or the file was taken away
        said = draft_of(Happened.BOUND, reason="this key was bound to nothing")
        record_of_log(folders.spool, [said], now=now)
    bind(file, signer)
    logbook.say(Event.BOUND)


def rebind(
    folders: Folders, signer: Signer, happened: Happened, *, by: str, reason: str, now: datetime
) -> None:
    """Bind the key to where it is now; that it was done is in the record first.

    Raises:
        StoreError: A file cannot be written, or somebody writes the log's own entries right now.
    """
    checkpoint = folders.log / CHECKPOINT
    text = checkpoint.read_bytes() if checkpoint.exists() else b""
    record_of_log(folders.spool, [draft_of(happened, by=by, reason=reason, text=text)], now=now)
    bind(folders.keys / BOUND, signer)


def move(
    by: Annotated[str, typer.Option(help="the role of whoever decided it, such as `security officer`")],
    reason: Annotated[str, typer.Option(help="why this is the one place that goes on; it is in the record")],
    config: Annotated[Path, typer.Option(help="doorward.toml of the place that goes on")],
) -> None:
    """Let the log's key sign on this host and volume, and record that; the place before must sign no more."""
    if not by.strip() or not reason.strip() or len(by) + len(reason) > MAX_WORDS:
        raise ConfigError(f"say who and why, in at most {MAX_WORDS} signs")
    settings = read_settings(config)
    folders = Folders(settings.data)
    if is_held(folders.spool / PUBLISHER_LOCK):
        raise StoreError(
            "a publisher runs on this data folder", hint="stop it; it signs with the key that is moved"
        )
    refuse_ended(folders)
    signer = load_key(folders.keys / "log.key")
    refuse_key(settings, folders, signer.verifier)
    file = folders.keys / BOUND
    moved = ["no binding of this key"]
    try:
        bound = read_binding(file, signer.verifier)
        if bound is not None:
            moved = differences(bound, look_at(file))
    except VerificationError:
        pass  # it is no binding, and becomes one
    if not moved:
        typer.echo(f"the key of `{signer.name}` is bound to this place already; nothing was changed")
        return
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    rebind(folders, signer, Happened.MOVED, by=by.strip(), reason=reason.strip(), now=now)
    typer.echo(f"moved: `{signer.name}` signs here now, and the record says so ({', '.join(moved)})")
    typer.echo("the place before must sign no more: take its log.key away")

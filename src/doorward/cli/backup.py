"""`doorward backup` and `doorward restore`: a copy of an installation that can be gone on with, and going on with it.

Exit codes: 0 done; 1 the copy is not what it must be, or something newer was published: then nothing was put in place;
2 an argument is wrong; 3 a file or server could not be read or written.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.host_logs import refuse_key
from doorward.cli.installation import Config, Data
from doorward.cli.log_acts import rebind
from doorward.cli.settings import read_settings
from doorward.cli.site import Site, find_site
from doorward.errors import ConfigError, StoreError, VerificationError
from doorward.notes.key_files import load_key
from doorward.notes.note import MAX_NOTE_BYTES
from doorward.record.backup import (
    HELD,
    check_copy,
    check_newest,
    copy_log,
    copy_spool,
    hold_spool,
    release,
    write_private,
)
from doorward.record.disclosure_copy import copy_in, copy_out, snapshot
from doorward.record.log_entries import Happened
from doorward.record.segments import Torn

SUMS: Final = "SHA256SUMS"
# What is copied in an order of its own, what is made again, and what is worth nothing after a minute.
APART: Final = frozenset(
    {
        "log",
        "spool",
        "run",
        "order",
        "city",
        "record",
        "lock",
        "backup.done",
        "used-tokens",
        "papers.key",
        "seals",
    }
)
MAX_CHECKPOINT_BYTES: Final = MAX_NOTE_BYTES + 1
NothingNewer = Annotated[
    bool, typer.Option("--nothing-newer", help="say that nobody can have a newer one than this copy")
]


def backup(
    to: Annotated[Path, typer.Option(help="a new folder for the copy; it will hold secrets")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Copy the record, the keys, the people and the settings while the door is open."""
    site = find_site(config, data, "chicago")
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    try:
        to.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise ConfigError(f"`{to}` must be a new folder: {error.strerror}") from error
    try:
        leaves, cut = _copy(site, to)
        lines = "".join(f"{_digest(file)}  {file.relative_to(to)}\n" for file in _files(to))
        write_private(to / SUMS, lines.encode())
        mark = site.folders.backup.with_suffix(".partial")
        mark.write_text(now.isoformat(timespec="seconds") + "\n", encoding="ascii")
        mark.replace(site.folders.backup)
    except OSError as error:
        raise StoreError(f"the copy could not be made: {error.strerror}") from error
    typer.echo(f"copied {leaves} leaves of the log and all that was recorded behind them to `{to}`")
    for torn in cut:
        typer.echo(
            f"NOT COPIED: {torn.size} bytes at the end of `{torn.file}`, from offset {torn.offset}: no whole record. "
            "Where no door was recording then, `doorward log verify` says what they are"
        )
    typer.echo(
        "it holds keys and the record's contents: keep it as the data folder is kept, and away from it"
    )


def restore(
    source: Annotated[Path, typer.Option("--from", help="the folder that `doorward backup` made")],
    config: Annotated[Path, typer.Option(help="doorward.toml of the new place, whose data folder is empty")],
    newest: Annotated[
        Path | None,
        typer.Option(help="the newest checkpoint that anybody has: of a public copy, of whoever keeps them"),
    ] = None,
    nothing_newer: NothingNewer = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Put a copy in place, if nothing newer was published: a log that goes on from an older state has two histories."""
    settings = read_settings(config)
    folders = Folders(settings.data)
    if (newest is None) != nothing_newer:
        raise ConfigError("name the newest checkpoint with --newest, or say --nothing-newer")
    if folders.data.exists() and any(folders.data.iterdir()):
        raise ConfigError(f"`{folders.data}` is not empty", hint="move it away and keep it, then restore")
    site = Site(folders, settings, settings.order)
    try:
        _check_sums(source)
        copied = Folders(source / "data")
        refuse_key(settings, copied, load_key(copied.keys / "log.key").verifier)
        held = copied.log / HELD if newest is None else newest
        with held.open("rb") as file:
            checkpoint = check_newest(copied.log, file.read(MAX_CHECKPOINT_BYTES))
        drafted = folders.data.with_name(f"{folders.data.name}.restoring")
        if drafted.exists():
            shutil.rmtree(drafted)
        shutil.copytree(copied.data, drafted)
        amount = copy_in(site.record_conninfo(), source / "disclosures")
        if folders.data.exists():
            folders.data.rmdir()
        drafted.rename(folders.data)
    except OSError as error:
        raise StoreError(f"the copy could not be put in place: {error.strerror}") from error
    folders.make()
    signer = load_key(folders.keys / "log.key")
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    rebind(folders, signer, Happened.RESTORED, by="", reason="restored from a copy", now=now)
    release(folders.log)
    typer.echo(f"restored: {checkpoint.tree_size} leaves, {amount.entries} entries of the record")
    typer.echo("next: doorward publisher, doorward log verify, doorward doctor, then the gateway")
    typer.echo("people, cuts and answers are those of the copy: import the list and look at the cuts first")


def _copy(site: Site, to: Path) -> tuple[int, Sequence[Torn]]:
    folders, copy = site.folders, Folders(to / "data")
    copy.data.mkdir(mode=0o700)
    with ExitStack() as stack:
        with hold_spool(folders.spool):
            checkpoint = copy_log(folders.log, copy.log)
            connection, amount = stack.enter_context(snapshot(site.record_conninfo()))
            spool = copy_spool(folders.spool, copy.spool, checkpoint.tree_size)
        check_copy(checkpoint, spool, amount.last_leaf)
        copy_out(connection, to / "disclosures")
    for entry in sorted(folders.data.iterdir()):
        if entry.name in APART or entry.suffix in {".lock", ".partial"}:
            continue
        if entry.is_dir():
            shutil.copytree(entry, copy.data / entry.name)
        elif entry.is_file():
            shutil.copy2(entry, copy.data / entry.name)
    settings = to / "settings"
    settings.mkdir(mode=0o700)
    beside = [site.inventory]
    if site.settings is not None:
        beside.append(site.settings.file)
        beside += [site.settings.collections] if site.settings.collections is not None else []
    for file in beside:
        if file.exists():
            shutil.copy2(file, settings / file.name)
    return checkpoint.tree_size, spool.cut


def _check_sums(source: Path) -> None:
    try:
        lines = (source / SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise VerificationError(f"`{source}` has no {SUMS}: the copy is not whole") from error
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {str(file.relative_to(source)): _digest(file) for file in _files(source) if file.name != SUMS}
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        raise VerificationError(
            f"{len(wrong)} files of the copy are not as they were made, the first is `{wrong[0]}`",
            hint="take another copy",
        )


def _files(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(at) / name for name in sorted(names))


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        return file_digest(source, "sha256").hexdigest()

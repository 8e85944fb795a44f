"""The publisher's look at neighbouring logs, and `doorward log hold`, which holds a neighbour to what was kept of it.

Looking goes on in a thread of its own: a neighbour that does not answer holds up no pass. Exit codes of `log hold`: 0
the log is what was kept; 1 it was put back, has two histories or is not signed; 2 an argument is wrong; 3 could not
tell.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.report_observe import find_disclosures, read_entries
from doorward.cli.settings import Settings, read_settings
from doorward.cli.settings_record import Neighbour, RecordSettings
from doorward.errors import ConfigError, DoorwardError, LogError, StoreError
from doorward.gateway.logbook import Event, Logbook
from doorward.notes.note import MAX_NOTE_BYTES, Verifier, parse_verifier_key
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.entry import Field, Kind
from doorward.record.log_entries import Happened, draft_of, record_of_log
from doorward.record.log_files import CHECKPOINT, MAX_TILE_FILE_BYTES, LogFiles, cut_tile
from doorward.record.neighbours import Seen, check_kept, compare
from doorward.record.nodes import node_reader
from doorward.record.report import Report
from doorward.record.tiles import TileId
from doorward.verifier.check import open_source
from doorward.verifier.sources import Source

KEPT: Final = "neighbours"
MAX_CHECKPOINT_BYTES: Final = MAX_NOTE_BYTES
_SHOWN: Final = {
    # Only the second proves something by itself: an older checkpoint may come from a cache, or from a copy.
    Seen.BEHIND: (Happened.BEHIND, Event.NEIGHBOUR_BEHIND),
    Seen.FORK: (Happened.FORK, Event.NEIGHBOUR_FALSE),
}
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass
class Neighbours:
    """The neighbours of one log.

    Args:
        clock: Says the time of an entry.
    """

    settings: RecordSettings
    folders: Folders
    logbook: Logbook
    clock: Callable[[], datetime]
    _next: float = 0.0
    _reading: list[tuple[Neighbour, Future[bytes]]] = field(default_factory=list)
    _said: dict[str, tuple[int, bytes] | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="neighbour")

    def look(self, now: float) -> None:
        """Keep what neighbours showed since the last look, and look again where it is time.

        Args:
            now: Seconds of a clock that only goes forward.

        Raises:
            LogError: This log's own record cannot be written.
        """
        if not self._reading and now >= self._next:
            self._next = now + self.settings.neighbours_seconds
            self._reading = [
                (one, self._threads.submit(_read_checkpoint, one.place)) for one in self.settings.neighbours
            ]
        done = [one for one in self._reading if one[1].done()]
        self._reading = [one for one in self._reading if one not in done]
        for neighbour, reading in done:
            self._take(neighbour, reading)

    def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _take(self, neighbour: Neighbour, reading: "Future[bytes]") -> None:
        name = neighbour.key.name
        failed = reading.exception()
        if failed is not None:  # whatever it is: a neighbour is a stranger, and ends no publisher
            self._say_unread(
                name, str(failed) if isinstance(failed, DoorwardError) else type(failed).__name__
            )
            return
        raw = reading.result()
        try:
            seen = verify_checkpoint(parse_checkpoint(raw), neighbour.key)
            before, kept = self._load(neighbour.key)
        except DoorwardError as error:
            self._say_unread(name, str(error))
            return
        found = compare(kept, seen)
        if found is Seen.NEW:
            record_of_log(self.folders.spool, [draft_of(Happened.CHECKPOINT, text=raw)], now=self.clock())
            self._keep(neighbour.key, raw)
            self._said.pop(name, None)
        elif found in _SHOWN and self._said.get(name) != (seen.tree_size, seen.root):
            happened, event = _SHOWN[found]
            record_of_log(
                self.folders.spool, [draft_of(happened, text=before + b"\n" + raw)], now=self.clock()
            )
            self.logbook.say(event, log=name, leaves=seen.tree_size)
            self._said[name] = (seen.tree_size, seen.root)

    def _say_unread(self, name: str, why: str) -> None:
        if self._said.get(name) != why:
            self.logbook.say(Event.NEIGHBOUR_UNREAD, log=name, error=why)
        self._said[name] = why

    def _file(self, key: Verifier) -> str:
        return sha256(key.name.encode() + key.public_key).hexdigest()[:16]

    def _load(self, key: Verifier) -> tuple[bytes, Checkpoint | None]:
        """Return what was kept last, as it stands in its file and verified; nothing where nothing was."""
        raw = LogFiles(self.folders.data / KEPT).read(self._file(key))
        if raw is None:
            return b"", None
        try:
            return raw, verify_checkpoint(parse_checkpoint(raw), key)
        except LogError as error:
            raise StoreError(
                f"`{KEPT}/{self._file(key)}`, what was kept of it, is damaged: {error}"
            ) from error

    def _keep(self, key: Verifier, raw: bytes) -> None:
        files = LogFiles(self.folders.data / KEPT)
        files.make()
        files.replace(self._file(key), raw)


def _read_checkpoint(place: str) -> bytes:
    source = open_source(place)
    try:
        raw = source.read(CHECKPOINT, MAX_CHECKPOINT_BYTES)
    finally:
        source.close()
    if raw is None:
        raise StoreError("there is no checkpoint")
    return raw


@dataclass(frozen=True, slots=True)
class _Served:
    """The tiles of a log in a folder, a tar or at an address."""

    source: Source

    def read_tile(self, tile: TileId) -> bytes | None:
        """As `LogFiles.read_tile`."""
        raw = self.source.read(tile.path, MAX_TILE_FILE_BYTES)
        if raw is None and not tile.is_full:
            whole = TileId(tile.level, tile.index)
            full = self.source.read(whole.path, MAX_TILE_FILE_BYTES)
            return None if full is None else cut_tile(full, whole, tile.width)
        return raw


def hold(
    place: Annotated[
        str,
        typer.Argument(metavar="PATH|URL", help="the neighbour's public log: a folder, a tar or an address"),
    ],
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="the neighbour's verifier key, got by a way that you trust")
    ],
    config: Annotated[Path, typer.Option(help="doorward.toml of the installation that kept its checkpoints")],
) -> None:
    """Hold a neighbour's log to every checkpoint of it that this record keeps.

    Exit code 0 it is what was kept, 1 it is not, 2 usage, 3 could not tell.
    """
    try:
        verifier = parse_verifier_key(key.strip())
    except LogError as error:
        raise ConfigError(f"`--key` is no verifier key: {error}") from error
    settings, report = read_settings(config), Report()
    with closing(open_source(place)) as source:
        own = _read_own(source, verifier, place, report)
        if own is not None:
            kept = _read_kept(settings, verifier, report)
            check_kept(node_reader(_Served(source), own.tree_size), own, kept, report)
            typer.echo(
                f"log {own.origin}, {own.tree_size:,} leaves; {len(kept):,} checkpoints of it are kept here"
            )
        elif report.holds:
            kept = _read_kept(settings, verifier, report)
            largest = max((one.tree_size for _, one in kept), default=0)
            typer.echo(f"{len(kept):,} checkpoints of it are kept here, the largest of {largest:,} leaves")
    for finding in report.findings:
        typer.echo(f"FALSE: {finding}")
    for what in report.could_not_tell:
        typer.echo(f"could not tell: {what}")
    if report.holds and not report.could_not_tell:
        typer.echo("it is what was kept of it")
    raise typer.Exit(1 if report.findings else 3 if report.could_not_tell else 0)


def _read_own(source: Source, verifier: Verifier, place: str, report: Report) -> Checkpoint | None:
    """Return the checkpoint that a log shows, or None where the report says why not.

    Raises:
        ConfigError: There is no log in the folder or tar. What an address does not serve any more is no argument that
            is wrong.
    """
    try:
        raw = source.read(CHECKPOINT, MAX_CHECKPOINT_BYTES)
        if raw is not None:
            return verify_checkpoint(parse_checkpoint(raw), verifier)
    except StoreError as error:
        report.could_not_tell.append(str(error))
        return None
    except LogError as error:
        report.find(CHECKPOINT, str(error))
        return None
    if "://" in place:
        report.could_not_tell.append(
            f"there is no checkpoint at `{place}`: the log was taken off, or is elsewhere"
        )
        return None
    raise ConfigError(f"there is no log at `{place}`", hint="name the place of its checkpoint")


def _read_kept(settings: Settings, verifier: Verifier, report: Report) -> list[tuple[str, Checkpoint]]:
    """Return what is kept of a log, and where; what was not read, and what another key signed, could not be told."""
    kept: list[tuple[str, Checkpoint]] = []
    folders = Folders(settings.data)
    running = folders.run / "record.dsn"  # with the role and the database, as the publisher wrote it
    try:
        conninfo = (
            running.read_text(encoding="utf-8").strip()
            if running.exists()
            else find_disclosures(folders, settings.record)
        )
        for entry in read_entries(folders, conninfo, begins=_EARLIEST, ends=_LATEST, kinds=(Kind.LOG,)):
            if entry.get(Field.WHAT) != Happened.CHECKPOINT.encode():
                continue
            found = parse_checkpoint(entry.get(Field.TEXT) or b"")
            if found.origin != verifier.name:
                continue
            where = f"entry {entry.sequence}"
            try:
                kept.append((where, verify_checkpoint(found, verifier)))
            except LogError:
                report.could_not_tell.append(f"a checkpoint of this name that another key signed: {where}")
    except DoorwardError as error:
        report.could_not_tell.append(f"what is kept here: {error}")
        return kept
    if not kept:
        report.could_not_tell.append("whether it is what it was: nothing of it is kept here under this key")
    return kept

"""`doorward log begin`: a log of this host begins, in the city's directory and in its own first entry.

A log that runs here and is in no directory yet is listed. Otherwise a new one begins, under a new key and a name that
nobody used, in this order; a second run goes on where the first one stopped:

1. The new key, `next.key`.
2. The statement in the directory.
3. What is left of the log before goes aside, to `ended/`.
4. The key gets its place; the first entry names the directory and the last checkpoint of the log before, and is
   published.
5. The key is bound to its place, and the mark `log.ended` goes: doors may open.

Exit codes: 0 begun, or begun before; 1 something does not agree, so nothing begins; 2 an argument is wrong; 3 a file or
server could not be read or written.
"""

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.directory_change import Change, change_directory, refuse_running
from doorward.cli.folders import Folders
from doorward.cli.host_logs import KEY, MARK, keep
from doorward.cli.publisher import prepare_folders, read_conninfo
from doorward.cli.seals import disclosures_of
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError, StoreError, VerificationError
from doorward.notes.key_files import load_key
from doorward.notes.lines import format_lines
from doorward.notes.note import Signer, format_verifier
from doorward.record.binding import BOUND, bind, verify_bound
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.directory import NOBODY, Begun, ListedLog, next_folder
from doorward.record.hashes import EMPTY_ROOT, format_hash
from doorward.record.keys import make_log_key
from doorward.record.log import Publisher
from doorward.record.log_entries import Happened, draft_of, record_of_log
from doorward.record.log_files import CHECKPOINT, LogFiles, sync_folder
from doorward.record.workers import LOG_WRITER, worker_folder

NEXT: Final = "next.key"
ASIDE: Final = "ended"
BEGINNING: Final = "doorward-begun@v1"


def begin(
    key: Annotated[Path, typer.Option(help="your secret key, named by office and login")],
    config: Annotated[Path, typer.Option(help="doorward.toml of the host; it names the directory")],
    origin: Annotated[
        str | None, typer.Option(help="the first log of a host: its name (default: made of its key)")
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option(
            help="where its public files will lie, below the directory's address; `.` for beside it"
        ),
    ] = None,
) -> None:
    """List the log that runs here in the city's directory, or begin a new one where the last has ended."""
    settings = read_settings(config)
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    folders = prepare_folders(settings)
    with change_directory(settings, folders, key, now=now) as change:
        running = change.directory.running(change.host)
        present = _present(folders)
        if running is None and present is not None and change.directory.of_key(present.verifier) is None:
            _list_running(change, present, origin, folder)
            return
        refuse_running(folders)
        if (
            running is not None
            and present is not None
            and present.verifier == running.begun.key
            and _is_done(folders)
        ):
            keep(folders, change.raw)
            typer.echo(f"`{running.origin}` runs here and is listed; nothing was changed")
            return
        begun = _begin(change, running, origin, folder)
    typer.echo(
        f"begun: `{begun.origin}`, public files in `{begun.begun.folder}`; its first entry names the directory"
    )
    typer.echo(f"tell whoever verifies, witnesses and neighbours its key: {format_verifier(begun.begun.key)}")
    typer.echo("next: doorward publisher, then the gateway and the desk")


def _present(folders: Folders) -> Signer | None:
    """Return the key of the log that is here, where both are."""
    file = folders.keys / KEY
    if not file.exists() or not (folders.log / CHECKPOINT).exists() or (folders.data / MARK).exists():
        return None
    return load_key(file)


def _is_done(folders: Folders) -> bool:
    return (folders.keys / BOUND).exists() and not (folders.data / MARK).exists()


# a log that runs


def _list_running(change: Change, signer: Signer, origin: str | None, folder: str | None) -> None:
    if origin is not None and origin != signer.name:
        raise ConfigError(f"the log that runs here is `{signer.name}`, and keeps its name")
    verify_bound(change.folders.keys / BOUND, signer.verifier)
    raw = LogFiles(change.folders.log).read(CHECKPOINT)
    assert raw is not None
    now = verify_checkpoint(parse_checkpoint(raw), signer.verifier)
    listed = Begun(
        change.now, change.person.office, signer.verifier, change.host, folder or next_folder(change.directory),
        now.tree_size, now.root,
    )  # fmt: skip
    change.write(listed)
    _record(change, Checkpoint(NOBODY, 0, EMPTY_ROOT))
    typer.echo(f"listed: `{signer.name}`, which has {now.tree_size} leaves, in `{listed.folder}`")


def _record(change: Change, before: Checkpoint) -> None:
    text = format_lines(
        BEGINNING,
        [
            ("directory", change.directory.digest),
            ("follows", before.origin),
            ("size", str(before.tree_size)),
            ("root", format_hash(before.root)),
        ],
    )
    said = draft_of(Happened.BEGUN, by=change.person.office, text=text)
    record_of_log(change.folders.spool, [said], now=change.now)


# a new one


def _begin(change: Change, running: ListedLog | None, origin: str | None, folder: str | None) -> ListedLog:
    folders = change.folders
    draft, own = folders.keys / NEXT, folders.keys / KEY
    if running is None:
        _refuse_used(change)
        running = _state(change, _next_signer(change, draft, origin), folder)
    elif not any(_is_key(file, running) for file in (draft, own)):
        raise VerificationError(
            f"the directory says that `{running.origin}` runs on this host, and its key is not here",
            hint="a log that was lost is ended first: doorward log end lost",
        )
    if not _is_key(own, running):
        _put_aside(change, running)
        draft.rename(own)
        sync_folder(own.parent)
    signer = load_key(own)
    follows = change.directory.logs.get(running.begun.follows)
    _publish_first(change, signer, Checkpoint(NOBODY, 0, EMPTY_ROOT) if follows is None else follows.last)
    bind(folders.keys / BOUND, signer)
    keep(folders, change.raw)
    with suppress(FileNotFoundError):
        (folders.data / MARK).unlink()
        sync_folder(folders.data)
    return running


def _next_signer(change: Change, draft: Path, origin: str | None) -> Signer:
    """Return the key of the log that begins, under the name that the log before gave it."""
    latest = change.directory.latest(change.host)
    ended = latest.ended if latest is not None else None
    # A log that moved here was named by one of another host.
    named = ended.successor if ended is not None and ended.successor in change.directory.pending else None
    if named is not None and origin is not None and origin != named:
        raise ConfigError(f"the log before named `{named}` as what follows, and not `{origin[:60]}`")
    name = named or origin
    if draft.exists():
        made = load_key(draft)
        if name in {None, made.name}:
            return made
        draft.unlink()  # of a run that asked for another name, and said nothing yet
    return make_log_key(draft, origin=name)


def _state(change: Change, signer: Signer, folder: str | None) -> ListedLog:
    directory = change.directory
    begun = Begun(
        change.now, change.person.office, signer.verifier, change.host, folder or next_folder(directory),
        follows=directory.pending.get(signer.name, NOBODY),
    )  # fmt: skip
    change.write(begun)
    return change.directory.logs[signer.name]


def _refuse_used(change: Change) -> None:
    """Refuse where the disclosures hold another log's entries: a new log counts from the beginning."""
    with disclosures_of(change.folders, read_conninfo(change.folders)) as disclosures:
        entries = disclosures.totals().entries
    if entries:
        raise VerificationError(
            f"the disclosures hold {entries} entries of the log before, and a new log has its own",
            hint="keep that database under another name, then doorward log prepare (docs/howto/lost-volume.md)",
        )


def _is_key(file: Path, log: ListedLog) -> bool:
    return file.exists() and load_key(file).verifier == log.begun.key


def _put_aside(change: Change, running: ListedLog) -> None:
    """Move what is left of the log before, so that nothing of it is gone on with."""
    folders = change.folders
    number = [*change.directory.logs].index(running.origin) + 1
    target = folders.data / ASIDE / f"before-{number}"  # the same one for a second run
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (folders.log, folders.spool, folders.keys / KEY, folders.keys / BOUND):
            if path.exists() and not (target / path.name).exists():
                path.rename(target / path.name)
        folders.spool.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"what is left of the log before cannot be put aside: {error.strerror}") from error
    for changed in (folders.data, folders.keys, target.parent, target):
        sync_folder(changed)


def _publish_first(change: Change, signer: Signer, before: Checkpoint) -> None:
    if _publish(change.folders, signer):
        return  # an earlier run came so far
    # Nobody but this command has written here, and no whole entry is there: what is torn would stand before the first.
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(worker_folder(change.folders.spool, LOG_WRITER))
    except OSError as error:
        raise StoreError(f"a torn entry cannot be removed: {error.strerror}") from error
    _record(change, before)
    if not _publish(change.folders, signer):
        raise StoreError("the first entry was not published", hint="run it again")


def _publish(folders: Folders, signer: Signer) -> int:
    """Publish what is in the spool, and return the log's size."""
    with disclosures_of(folders, read_conninfo(folders)) as disclosures:
        log = Publisher.open(folders.log, folders.spool, signer, disclosures)
        try:
            while log.publish_once():
                pass
            return log.tree_size
        finally:
            log.close()

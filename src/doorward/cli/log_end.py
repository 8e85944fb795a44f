"""`doorward log end`: the log of this host ends, in the city's directory and, where it is still here, in its record.

A log that is here ends with an entry that says so, is published and released to the last leaf, and its key is
destroyed. Of one that was lost the directory says what is known. In this order, each step done again by a second run:

1. The mark `log.ended` in the data folder: from here on no door opens, and nobody records.
2. Everything in the spool is published; padding up to a whole slot of the public copy; the last entry; the public copy
   and its cosignatures.
3. The statement in the directory: from here on nobody signs, whatever is put back.
4. The key goes.

Exit codes: 0 ended, or ended before; 1 something is false, so nothing is said; 2 an argument is wrong; 3 a file or
server could not be read or written, or something still runs.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.directory_change import Change, change_directory, refuse_running
from doorward.cli.host_logs import KEY, MARK
from doorward.cli.log_known import Known, find_known
from doorward.cli.log_release import pad
from doorward.cli.publisher import prepare_folders, read_conninfo
from doorward.cli.seals import disclosures_of
from doorward.cli.settings import Settings, read_settings
from doorward.cli.witnesses import Witnesses
from doorward.errors import ConfigError, LogError, StoreError
from doorward.notes.key_files import load_key
from doorward.notes.lines import format_lines, is_line, parse_lines
from doorward.notes.note import Signer, Verifier, parse_verifier_key
from doorward.record.binding import BOUND, verify_bound
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.directory import (
    MAX_REASON,
    NOBODY,
    Begun,
    Ended,
    How,
    ListedLog,
    next_folder,
    next_origin,
    verify_may_sign,
)
from doorward.record.directory_file import read_note, replace_file
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Field, Kind
from doorward.record.log import Publisher
from doorward.record.log_entries import Happened, draft_of, record_of_log
from doorward.record.log_files import CHECKPOINT, LogFiles, sync_folder
from doorward.record.release import read_schedule, release

ENDING: Final = "doorward-ended@v1"
_MARKED: Final = ("how", "successor", "reason")


def end(  # noqa: PLR0913, PLR0917  # flags of a command
    how: Annotated[How, typer.Argument(help="`lost`: its volume or key is gone; else it is here, and whole")],
    key: Annotated[Path, typer.Option(help="your secret key, named by office and login")],
    reason: Annotated[str, typer.Option(help="why, in one line; it is public")],
    config: Annotated[Path, typer.Option(help="doorward.toml of the host; it names the directory")],
    successor: Annotated[
        str | None, typer.Option(help="the name of the log that will follow (default: the next number)")
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="no log will follow")] = False,  # noqa: FBT002  # a command-line flag
    kept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH|URL", help="lost: a copy of its files, or a checkpoint that anybody kept; again"
        ),
    ] = None,
    nothing: Annotated[bool, typer.Option("--nothing-kept", help="lost: nobody has any of it")] = False,  # noqa: FBT002  # as above
    vkey: Annotated[
        str | None, typer.Option(metavar="VKEY", help="lost: its verifier key, where it was never listed")
    ] = None,
    public: Annotated[
        Path | None, typer.Option(help="retired, moved: its released copy, brought to the end now")
    ] = None,
    unreleased: Annotated[bool, typer.Option("--unreleased", help="it has no released copy")] = False,  # noqa: FBT002  # as above
) -> None:
    """End the log of this host, and say so in the city's directory; nothing is signed under its name after that."""
    if not is_line(reason, MAX_REASON):
        raise ConfigError(f"`--reason` is one line of at most {MAX_REASON} characters")
    is_lost = how is How.LOST
    if is_lost != (bool(kept) or nothing) or (kept and nothing):
        raise ConfigError(
            "`lost` goes with --kept, again for each, or with --nothing-kept; the others with none"
        )
    if (
        (not is_lost and vkey is not None)
        or (is_lost and (public is not None or unreleased))
        or (last and successor is not None)
    ):
        raise ConfigError(
            "--vkey goes with `lost`, --public or --unreleased with the others, and --last without --successor"
        )
    settings = read_settings(config)
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    folders = prepare_folders(settings)
    with change_directory(settings, folders, key, now=now) as change:
        refuse_running(folders)
        latest = change.directory.latest(change.host)
        if latest is not None and latest.ended is not None and _is_over(change, latest, vkey):
            return
        if is_lost:
            ended = _end_lost(change, kept or [], vkey, reason, NOBODY if last else successor)
        else:
            copy = _public(settings, public, unreleased=unreleased)
            ended = _end_here(change, how, reason, NOBODY if last else successor, copy)
    follows = f"`{ended.successor}` follows" if ended.successor != NOBODY else "no log follows"
    typer.echo(
        f"ended ({how}): `{ended.origin}` at {ended.size} leaves, provable to {ended.provable}; {follows}"
    )
    if ended.successor != NOBODY:
        typer.echo("no door opens until: doorward log begin")


def _is_over(change: Change, latest: ListedLog, vkey: str | None) -> bool:
    """Finish what an earlier run of this left, and return whether there is nothing else to end."""
    ended, key = latest.ended, change.folders.keys / KEY
    here = load_key(key).verifier if key.exists() else None
    other = _parse(vkey) if vkey is not None else here
    if ended is None or (other is not None and change.directory.of_key(other) is None):
        return False
    if here is not None and here.name == ended.origin:
        _put_mark(change, ended.how, ended.successor, ended.reason)
        _destroy(key)
    typer.echo(f"`{ended.origin}` has ended ({ended.how}) at {ended.size} leaves; nothing was changed")
    return True


# a log that was lost


def _end_lost(change: Change, kept: list[str], vkey: str | None, reason: str, successor: str | None) -> Ended:
    listed = change.directory.running(change.host)
    log_key = _parse(vkey) if vkey is not None else listed.begun.key if listed is not None else None
    if log_key is None:
        raise ConfigError("no log of this host is listed", hint="--vkey names the one that was lost")
    if listed is not None and listed.begun.key != log_key:
        raise ConfigError(f"the log of this host is `{listed.origin}`, and --vkey is another one's")
    # What is left here counts too: the checkpoint may be newer than any copy.
    rest = change.folders.log / CHECKPOINT
    known = find_known([*kept, str(rest)] if rest.is_file() else kept, log_key)
    if listed is not None and known.size < listed.begun.size:
        begun = listed.begun
        known = Known(begun.size, begun.root, known.provable)
    statements: list[Begun | Ended] = []
    successor = successor or next_origin(change.directory, log_key.name)
    if listed is None:
        folder = next_folder(change.directory)
        statements.append(Begun(change.now, change.person.office, log_key, change.host, folder))
    ended = Ended(
        change.now, change.person.office, log_key.name, How.LOST, known.size, known.root, known.provable,
        successor, reason,
    )  # fmt: skip
    statements.append(ended)
    change.directory.add(*statements)  # whether it may be said, before anything is done
    _put_mark(change, How.LOST, successor, reason)
    change.write(*statements)
    _destroy_own(change, log_key)
    return ended


# a log that is here


def _end_here(change: Change, how: How, reason: str, successor: str | None, copy: LogFiles | None) -> Ended:
    folders, settings = change.folders, change.settings
    signer = load_key(folders.keys / KEY)
    verify_may_sign(change.directory, signer.verifier)
    verify_bound(folders.keys / BOUND, signer.verifier)
    begun = _read_mark(change)  # by a run that was stopped: its last entry may be in the record
    if begun is not None and (begun[0] != how or successor not in {None, begun[1]}):
        raise ConfigError(
            f"an earlier run began to end it as `{begun[0]}`, and `{begun[1]}` follows",
            hint="run it so again",
        )
    follower = begun[1] if begun is not None else successor or next_origin(change.directory, signer.name)
    reason = begun[2] if begun is not None else reason
    _check_sayable(change, signer, how, reason, follower)
    _ask_witnesses(settings, LogFiles(folders.log), signer)
    _put_mark(change, how, follower, reason)
    with disclosures_of(folders, read_conninfo(folders)) as disclosures:
        log = Publisher.open(folders.log, folders.spool, signer, disclosures)
        try:
            _publish(log)
            if not _says_end(disclosures, log.tree_size):
                _pad(change, log, copy)
                text = format_lines(ENDING, [("how", how.value), ("successor", follower)])
                said = draft_of(Happened.ENDED, by=change.person.office, reason=reason, text=text)
                record_of_log(folders.spool, [said], now=change.now)
                _publish(log)
        finally:
            log.close()
    if copy is not None:
        _release(change, copy, signer)
    _show(change, copy, signer)
    final = _checkpoint(LogFiles(folders.log), signer.verifier)
    ended = Ended(
        change.now, change.person.office, signer.name, how, final.tree_size, final.root, final.tree_size,
        follower, reason,
    )  # fmt: skip
    change.write(ended)
    _destroy(folders.keys / KEY)
    return ended


def _check_sayable(change: Change, signer: Signer, how: How, reason: str, follower: str) -> None:
    """Return where the statement could be made now, before anything is recorded that cannot be taken back."""
    present = _checkpoint(LogFiles(change.folders.log), signer.verifier)
    change.directory.add(
        Ended(
            change.now, change.person.office, signer.name, how, present.tree_size, present.root,
            present.tree_size, follower, reason,
        )
    )  # fmt: skip


def _public(settings: Settings, named: Path | None, *, unreleased: bool) -> LogFiles | None:
    own = settings.witnesses.public if settings.witnesses is not None else None
    place = named or own
    if unreleased == (place is not None):
        raise ConfigError(
            "name the log's released copy with --public, or say that it has none with --unreleased",
            hint="its key is destroyed at its end: what was not released then cannot be",
        )
    if place is None:
        return None
    copy = LogFiles(place)
    if read_schedule(copy) is None:
        raise ConfigError(f"`{copy.folder}` is no released copy of a log", hint="`log release` keeps one")
    return copy


def _ask_witnesses(settings: Settings, files: LogFiles, signer: Signer) -> None:
    if settings.witnesses is not None and (missing := Witnesses(settings.witnesses, files, signer).check()):
        raise StoreError(missing, hint="nothing is signed before their quorum has answered; run it again")


def _publish(log: Publisher) -> None:
    while log.publish_once():
        pass


def _says_end(disclosures: PostgresDisclosures, tree_size: int) -> bool:
    """Tell whether the log's last entry is that it ends: an earlier run came so far."""
    blocks = disclosures.read(tree_size - 1, 1) if tree_size else []
    if not blocks or len(blocks[0].entries) != 1 or blocks[0].entries[0].kind != Kind.LOG:
        return False
    return blocks[0].entries[0].decode().get(Field.WHAT) == Happened.ENDED.encode()


def _pad(change: Change, log: Publisher, copy: LogFiles | None) -> None:
    """Record what fills the public copy's slot, but for the last entry's own leaf."""
    schedule = read_schedule(copy) if copy is not None else None
    if schedule is None:
        return
    slots = -(-(log.tree_size + 1) // schedule.leaves)
    size = max(slots * schedule.leaves, schedule.size_at(int(change.now.timestamp())))
    pad(change.folders, size - log.tree_size - 1, now=change.now)
    _publish(log)


def _release(change: Change, copy: LogFiles, signer: Signer) -> None:
    schedule, files = read_schedule(copy), LogFiles(change.folders.log)
    assert schedule is not None
    size = _checkpoint(files, signer.verifier).tree_size
    if size % schedule.leaves:
        raise StoreError(
            f"the log ended at {size} leaves, which is no whole slot of its public copy",
            hint="an earlier run had no --public; run it without",
        )
    release(files, copy, signer, schedule, now=schedule.start + size // schedule.leaves * schedule.every)


def _show(change: Change, copy: LogFiles | None, signer: Signer) -> None:
    """Have the last checkpoint cosigned; who does not answer now is no reason to go on."""
    found, files = change.settings.witnesses, LogFiles(change.folders.log)
    if found is None or (
        found.public is not None and (copy is None or found.public.resolve() != copy.folder.resolve())
    ):
        return
    missing = Witnesses(found, files, signer).show(time.monotonic(), at_once=True)
    if missing:
        typer.echo(f"witnesses: {missing}")


def _checkpoint(files: LogFiles, key: Verifier) -> Checkpoint:
    raw = files.read(CHECKPOINT)
    if raw is None:
        raise ConfigError(f"there is no log at `{files.folder}`", hint="a log that is gone ends as `lost`")
    return verify_checkpoint(parse_checkpoint(raw), key)


# the data folder


def _put_mark(change: Change, how: How, successor: str, reason: str) -> None:
    pairs = zip(_MARKED, (how.value, successor, reason), strict=True)
    replace_file(change.folders.data / MARK, format_lines(ENDING, pairs))


def _read_mark(change: Change) -> tuple[str, ...] | None:
    raw = read_note(change.folders.data / MARK)
    return None if raw is None else parse_lines(raw, ENDING, _MARKED)


def _destroy_own(change: Change, log_key: Verifier) -> None:
    """Destroy the key of a log that was lost, where it is the one thing that was not."""
    file = change.folders.keys / KEY
    if file.exists() and load_key(file).verifier == log_key:
        _destroy(file)


def _destroy(key: Path) -> None:
    try:
        key.unlink()
    except OSError as error:
        raise StoreError(
            f"the log has ended, and its key `{key}` cannot be removed: {error.strerror}",
            hint="remove it: it signs nothing more",
        ) from error
    sync_folder(key.parent)


def _parse(text: str) -> Verifier:
    try:
        return parse_verifier_key(text.strip())
    except LogError as error:
        raise ConfigError(f"`--vkey` is no verifier key: {error}") from error

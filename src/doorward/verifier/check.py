"""The check of a public log by an outsider: from an address or a copy, a key, and perhaps a checkpoint that they kept.

It imports nothing of what writes the record; import-linter holds that (ADR 81).
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.verifier.findings import Kind, Verdict
from doorward.verifier.http_source import HttpSource
from doorward.verifier.layout import WIDTH
from doorward.verifier.note import MAX_NOTE_BYTES, FalseNoteError, Key, Signed, parse_key, read_checkpoint
from doorward.verifier.sources import FolderSource, Source, TarSource
from doorward.verifier.walk import Part, Walk, find_root, show

CHECKPOINT: Final = "checkpoint"
KEY_FILE: Final = "vkey"
MAX_KEY_BYTES: Final = 1024
_WAITING: Final = 2  # parts handed out ahead, for each process

Tree = tuple[int, bytes]
"""A size and the root of so many leaves."""

Progress = Callable[[int, int], None]
"""Is told how many leaves of how many were checked."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to check, and against what.

    Args:
        place: A folder, a tar, or an https or http address.
        key: The log's, got by a way that the caller trusts.
        since: A checkpoint of the log that the caller kept, or None.
        witnesses: Cosigners each of which must have signed the checkpoint.
        processes: How many share the work.
        said: Sizes and roots that somebody else said it had; it must go on from each.
        ends: Where it is said to have ended; it must not go on behind that. None while it runs.
    """

    place: str
    key: Key
    since: bytes | None = None
    witnesses: tuple[Key, ...] = ()
    processes: int = 1
    said: tuple[Tree, ...] = ()
    ends: int | None = None


def open_source(place: str) -> Source:
    """Return what reads a log.

    Args:
        place: A folder, a tar, or an https or http address.

    Raises:
        ConfigError: There is no such place.
        MalformedError: It is a tar that no log has.
        StoreError: It cannot be read.
    """
    if "://" in place:
        return HttpSource(place)
    path = Path(place)
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return TarSource(path)
    raise ConfigError(f"there is no log at `{place}`", hint="name its folder, a tar of it, or its address")


def find_key(source: Source) -> Key:
    """Return the key that lies beside a log, which proves only that the log agrees with itself.

    Raises:
        ConfigError: There is none.
        MalformedError: It is none.
        StoreError: It cannot be read.
    """
    raw = source.read(KEY_FILE, MAX_KEY_BYTES)
    if raw is None:
        raise ConfigError(f"the log has no `{KEY_FILE}`", hint="give the key with --key")
    try:
        return parse_key(raw.decode("utf-8").strip())
    except UnicodeDecodeError as error:
        raise MalformedError("expected a verifier key, which is text") from error


def check(task: Task, progress: Progress = lambda _done, _all: None) -> Verdict:
    """Return everything that is false in a log, and what was checked.

    Raises:
        ConfigError: There is no log at the place, or the kept checkpoint is none of this key.
    """
    verdict = Verdict()
    try:
        source = open_source(task.place)
    except MalformedError as error:
        verdict.find(Kind.FILE_MALFORMED, task.place, str(error))
        return verdict
    except StoreError as error:
        verdict.could_not_tell.append(str(error))
        return verdict
    try:
        _check(task, source, verdict, progress)
    except StoreError as error:
        verdict.could_not_tell.append(str(error))
    except BrokenProcessPool:
        verdict.could_not_tell.append("a process of the check ended before it was done")
    finally:
        source.close()
    return verdict


def _check(task: Task, source: Source, verdict: Verdict, progress: Progress) -> None:
    kept = _read_kept(task)
    signed = _read_signed(task, source, verdict)
    if signed is None:
        verdict.not_checked.append("everything else: there is no checkpoint to compare it with")
        return
    verdict.count("tree size", signed.size)
    if kept is not None:
        _compare_sizes(kept, signed, verdict)
    if task.ends is not None and signed.size > task.ends:
        verdict.find(
            Kind.AFTER_END,
            CHECKPOINT,
            "leaves were signed behind the end that the directory states",
            f"{task.ends} leaves",
            f"{signed.size} leaves",
        )
    walk = Walk(source, signed.size, verdict)
    edge = walk.edge(signed)
    walk.edge_bundle(edge[0] if edge else ())
    for part in _run(task, walk.parts(edge), source, signed.size):
        verdict.merge(part)
        progress(verdict.counts.get("leaves", 0), signed.size)
        if verdict.is_full:
            return
    if source.can_list:
        walk.others()
    else:
        verdict.not_checked.append("files that no log has: a web server does not list what it has")
    if kept is not None and kept.size <= signed.size:
        _compare_trees(kept, signed, walk, verdict)
    for size, root in task.said:
        if 0 < size <= signed.size:
            _compare_said(size, root, signed, walk, verdict)


def _read_kept(task: Task) -> Signed | None:
    if task.since is None:
        return None
    try:
        return read_checkpoint(task.since, task.key)
    except FalseNoteError as error:
        raise ConfigError(
            f"what `--since` names is no checkpoint that `{task.key.name}` signed: {error}",
            hint="keep what you verified once; a checkpoint of another log or key shows nothing about this one",
        ) from error


def _read_signed(task: Task, source: Source, verdict: Verdict) -> Signed | None:
    try:
        raw = source.read(CHECKPOINT, MAX_NOTE_BYTES)
        if raw is None:
            verdict.find(Kind.CHECKPOINT_MISSING, CHECKPOINT, "the file is missing")
            return None
        signed = read_checkpoint(raw, task.key, task.witnesses)
    except FalseNoteError as error:
        verdict.find(error.kind, CHECKPOINT, str(error))
        return None
    except MalformedError as error:
        verdict.find(Kind.CHECKPOINT_MALFORMED, CHECKPOINT, str(error))
        return None
    verdict.count("checkpoints")
    for name, seconds in signed.witnesses:
        when = datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**33 else None
        verdict.count("cosignatures")
        verdict.notes.append(
            f"cosigned by {name}" + (f" at {when:%Y-%m-%d %H:%M:%S} UTC" if when else ", no time")
        )
    verdict.could_not_tell += [
        f"whether {name} cosigned: its line is there, of ML-DSA-44, which the cryptography library here cannot check"
        for name in signed.unknown
    ]
    verdict.not_checked += [
        f"a line of {name!a}, as long as a cosignature of ML-DSA-44: its key was not given with --witness"
        for name in signed.unasked
    ]
    return signed


def _compare_sizes(kept: Signed, signed: Signed, verdict: Verdict) -> None:
    if kept.size > signed.size:
        verdict.find(
            Kind.ROLLBACK,
            CHECKPOINT,
            f"the log had {kept.size} leaves when it was kept and shows {signed.size} now: leaves are withheld or gone",
        )
    elif kept.size == signed.size and kept.root != signed.root:
        verdict.find(
            Kind.FORK,
            CHECKPOINT,
            f"the key signed two histories of {signed.size} leaves; keep both files, together they prove it",
            show(kept.root),
            show(signed.root),
        )


def _compare_trees(kept: Signed, signed: Signed, walk: Walk, verdict: Verdict) -> None:
    if not kept.size or (kept.size == signed.size and kept.root == signed.root):
        verdict.notes.append(f"the log is the one that was kept, with {signed.size - kept.size} leaves more")
    elif kept.size == signed.size:
        return
    elif not verdict.holds:
        verdict.not_checked.append(
            "whether the log goes on from the kept checkpoint: its own files are false"
        )
    elif (root := find_root(walk, kept.size, signed)) is None:
        verdict.could_not_tell.append(
            "whether the log goes on from the kept checkpoint: read again, its files do not come to the signed root"
        )
    elif root != kept.root:
        verdict.find(
            Kind.FORK,
            CHECKPOINT,
            f"the {kept.size} leaves that were signed before are not the first {kept.size} of this log; keep both "
            "files, together they prove that the key signed two histories",
            show(kept.root),
            show(root),
        )
    else:
        verdict.notes.append(f"the log is the one that was kept, with {signed.size - kept.size} leaves more")


def _compare_said(size: int, root: bytes, signed: Signed, walk: Walk, verdict: Verdict) -> None:
    if any(one.kind is not Kind.AFTER_END for one in verdict.findings):
        verdict.not_checked.append("whether it is the log that the directory lists: its own files are false")
        return
    found = signed.root if size == signed.size else find_root(walk, size, signed)
    if found is None:
        verdict.could_not_tell.append(f"whether its first {size} leaves are those that the directory lists")
    elif found != root:
        verdict.find(
            Kind.FORK,
            CHECKPOINT,
            f"its first {size} leaves are not those that the directory lists",
            show(root),
            show(found),
        )


# several processes


def _run(task: Task, parts: Iterator[Part], source: Source, size: int) -> Iterator[Verdict]:
    """Yield what each part's check found, in no particular order."""
    groups = _grouped(parts)
    if task.processes <= 1:
        for group in groups:
            yield _check_parts(source, size, group)
        return
    # `spawn`: nothing of the parent's connections and threads is in a child.
    with ProcessPoolExecutor(task.processes, get_context("spawn"), _begin, (task.place, size)) as pool:
        running: set[Future[Verdict]] = set()
        while True:
            room = task.processes * _WAITING - len(running)
            running.update(pool.submit(_check_in_child, group) for group in islice(groups, room))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _grouped(parts: Iterator[Part]) -> Iterator[Sequence[Part]]:
    """Yield parts one by one, and tiles of level 0, which are small, some together."""
    small: list[Part] = []
    for part in parts:
        if part.level:
            yield (part,)
            continue
        small.append(part)
        if len(small) == WIDTH // 4:
            yield tuple(small)
            small = []
    if small:
        yield tuple(small)


def _check_parts(source: Source, size: int, parts: Sequence[Part]) -> Verdict:
    verdict = Verdict()
    walk = Walk(source, size, verdict)
    try:
        for part in parts:
            walk.part(part)
    except StoreError as error:
        verdict.could_not_tell.append(str(error))
    return verdict


_child: tuple[Source, int] | None = None


def _begin(place: str, size: int) -> None:
    global _child  # noqa: PLW0603  # a child's own source, opened once
    _child = (open_source(place), size)


def _check_in_child(parts: Sequence[Part]) -> Verdict:
    assert _child is not None
    return _check_parts(*_child, parts)

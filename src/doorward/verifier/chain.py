"""All logs that a directory lists, each checked where its public files lie, and what is said of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from doorward.errors import ConfigError, MalformedError
from doorward.verifier.check import CHECKPOINT, Progress, Task, check
from doorward.verifier.directory import Listed, LogDirectory
from doorward.verifier.findings import Kind, Verdict
from doorward.verifier.note import FalseNoteError, Key, parse_note

MAX_NAME: Final = 200


class Standing(StrEnum):
    """What is said of one log."""

    VERIFIED = "verified"  # it runs, and all of it holds
    ENDED = "ended"  # it ended, and what the directory calls provable holds
    MISSING = "missing"  # its public files are not there
    FALSE = "false"
    UNKNOWN = "could not tell"


@dataclass(frozen=True, slots=True)
class Link:
    """One log of the chain.

    Args:
        provable: Up to which leaf it was verified here; 0 where it was not.
    """

    log: Listed
    standing: Standing
    provable: int
    verdict: Verdict

    @property
    def words(self) -> str:
        """The standing in a line."""
        if self.log.ends is None:
            return f"{self.standing}, {self.provable:,} leaves" if self.provable else str(self.standing)
        known = self.log.ends[0]
        said = f"{self.log.how} {self.log.ended_at}"
        if self.standing is not Standing.ENDED:
            return f"{self.standing} ({said}; {known:,} leaves were signed, as far as is known)"
        beyond = "" if known == self.provable else f"; {known:,} were signed, as far as is known"
        if self.log.how == "lost":
            beyond += "; what came after is not provable"
        return f"ended ({said}), provable to {self.provable:,} leaves{beyond}"


def place_of(root: str, log: Listed) -> str:
    """Return where a log's public files lie, below the address or folder of the directory."""
    return root if log.folder == "." else f"{root.rstrip('/')}/{log.folder}"


def check_chain(
    directory: LogDirectory,
    root: str,
    *,
    since: bytes | None = None,
    witnesses: Sequence[Key] = (),
    processes: int = 1,
    progress: Progress = lambda _done, _all: None,
) -> list[Link]:
    """Return what is said of each log of a directory, in its order.

    Args:
        root: A folder or an address, below which the logs lie.
        since: A checkpoint that the caller kept, of one of the logs.
        witnesses: Cosigners that must have signed each log that runs.

    Raises:
        ConfigError: The kept checkpoint is none of the log that it names.
    """
    links = []
    of = None if since is None else origin_of(since)
    for log in directory.logs:
        kept = since if of == log.key.name else None
        trees = (log.begins,) if log.ends is None else (log.begins, log.ends)
        task = Task(
            place_of(root, log),
            log.key,
            kept,
            tuple(witnesses) if log.ends is None else (),
            processes,
            trees,
            None if log.ends is None else log.ends[0],
        )
        try:
            verdict = check(task, progress)
        except ConfigError:
            if kept is not None or "://" in root:
                raise
            verdict = Verdict()  # there is no such folder
            verdict.find(Kind.CHECKPOINT_MISSING, CHECKPOINT, "the log's folder is missing")
        links.append(_link(log, verdict))
    return links


def origin_of(raw: bytes) -> str:
    """Return the name of the log that a kept checkpoint is of.

    Raises:
        ConfigError: It is no checkpoint.
    """
    try:
        return parse_note(raw).text.decode().split("\n")[0]
    except MalformedError as error:
        raise ConfigError(f"what `--since` names is no checkpoint: {error}") from error


def _link(log: Listed, verdict: Verdict) -> Link:
    size = verdict.counts.get("tree size", 0)
    least = log.begins[0] if log.ends is None else log.provable
    if verdict.could_not_tell and verdict.holds:
        return Link(log, Standing.UNKNOWN, 0, verdict)
    if {one.kind for one in verdict.findings} == {Kind.CHECKPOINT_MISSING}:
        if log.ends is not None and log.provable == 0:  # as the directory says: nothing of it is kept
            verdict.findings.clear()
            verdict.notes.append("its public files are not there, as the directory says")
        return Link(log, Standing.MISSING, 0, verdict)
    if verdict.holds and size < least:
        verdict.find(
            Kind.ROLLBACK,
            CHECKPOINT,
            "leaves are withheld or gone that the directory lists",
            f"at least {least} leaves",
            f"{size} leaves",
        )
    if not verdict.holds:
        return Link(log, Standing.FALSE, 0, verdict)
    return Link(log, Standing.VERIFIED if log.ends is None else Standing.ENDED, size, verdict)


def check_known(directory: LogDirectory, key: Key | None, since: bytes | None) -> list[str]:
    """Return what the caller knows of and the directory does not list: a log that was left out."""
    missing = []
    if key is not None and key not in [one.key for one in directory.logs]:
        missing.append(f"the log `{key.name}` of the given key is not listed")
    if since is not None and (name := origin_of(since)) not in [one.key.name for one in directory.logs]:
        missing.append(f"the log `{name[:MAX_NAME]}` of the kept checkpoint is not listed")
    return missing


__all__ = ["FalseNoteError", "Link", "Standing", "check_chain", "check_known", "place_of"]

"""The directory of a city's logs: which there were, how each began and ended, and what follows it. Pure.

A log that was lost cannot say so itself, and its key may be lost with it. So an office says it, in one public file: a
signed note (C2SP signed-note) whose text is a header and statements, each a few lines ``name: value`` in one order::

    doorward-directory@v1
    begin: ORIGIN
    before: SHA-256 of all of the text above this statement
    at, office, vkey, host, folder, size, root, follows
    end: ORIGIN
    before, at, office, how, size, root, provable, successor, reason

INVARIANT (only-added-to): a statement is never changed, and each names the digest of everything above it. So an older
directory is the beginning of a newer one, byte for byte, and the signature over the newest vouches for all.
INVARIANT (one-at-a-time): a host has one log that runs; an origin, a key and a folder are used once; a log follows the
one that named it.

``size`` and ``root`` of a begin are what the log had when it was listed; of an end, the last checkpoint that is known.
``provable`` is up to where the log's public files are there. The verifier has a parser of its own (ADR 81).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from itertools import count
from types import MappingProxyType
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import is_line
from doorward.notes.note import (
    Verifier,
    check_name,
    find_signers,
    format_verifier,
    parse_note,
    parse_verifier_key,
)
from doorward.record.checkpoint import MAX_TREE_SIZE, Checkpoint
from doorward.record.hashes import EMPTY_ROOT, Hash, format_hash, parse_hash

HEADER: Final = "doorward-directory@v1"
MAX_TEXT_BYTES: Final = 112 * 1024  # leaves room for signatures in a note of 128 KiB
MAX_ORIGIN_BYTES: Final = 200
MAX_REASON: Final = 200
NOBODY: Final = "-"
HERE: Final = "."
BEGIN: Final = ("begin", "before", "at", "office", "vkey", "host", "folder", "size", "root", "follows")
END: Final = ("end", "before", "at", "office", "how", "size", "root", "provable", "successor", "reason")
RESERVED: Final = frozenset({"tile", "archive"})
"""Folders of a log that lies at the address of the directory itself."""
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_OFFICE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class How(StrEnum):
    """How a log ended."""

    LOST = "lost"  # its volume or its key is gone; what came after the last known checkpoint cannot be proved
    RETIRED = "retired"  # its last entry says so
    MOVED = "moved"  # as retired; what follows runs on another host


@dataclass(frozen=True, slots=True)
class Begun:
    """The statement by which a log is listed.

    Args:
        at: To the second.
        office: Whose key signed the directory then.
        key: The log's; its name is the origin.
        host: One word for what runs there.
        folder: Where its public files lie, below the directory's own address.
        size: Leaves that it had when it was listed, under `root`.
        follows: The origin of the log that named it as its successor, or `NOBODY`.
    """

    at: datetime
    office: str
    key: Verifier
    host: str
    folder: str = HERE
    size: int = 0
    root: Hash = EMPTY_ROOT
    follows: str = NOBODY

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.key.name

    def pairs(self, before: str) -> list[tuple[str, str]]:
        """Return its lines, behind a text of this digest."""
        return list(
            zip(
                BEGIN,
                (
                    self.origin, before, f"{self.at:{_TIME}}", self.office, format_verifier(self.key), self.host,
                    self.folder, str(self.size), format_hash(self.root), self.follows,
                ),
                strict=True,
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """The statement by which a log ends.

    Args:
        size: Of the last checkpoint that is known, under `root`.
        provable: Up to where the log's public files are kept.
        successor: The origin of the log that follows, which may not have begun yet, or `NOBODY`.
        reason: For everybody, in one line.
    """

    at: datetime
    office: str
    origin: str
    how: How
    size: int
    root: Hash
    provable: int
    successor: str
    reason: str

    def pairs(self, before: str) -> list[tuple[str, str]]:
        """Return its lines, behind a text of this digest."""
        return list(
            zip(
                END,
                (
                    self.origin, before, f"{self.at:{_TIME}}", self.office, self.how.value, str(self.size),
                    format_hash(self.root), str(self.provable), self.successor, self.reason,
                ),
                strict=True,
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListedLog:
    """One log of a directory; `ended` is None while it runs."""

    begun: Begun
    ended: Ended | None = None

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.begun.origin

    @property
    def last(self) -> Checkpoint:
        """The last checkpoint that the directory knows of it."""
        said = self.ended or self.begun
        return Checkpoint(self.origin, said.size, said.root)


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory whose statements agree with each other; who signed it is for `verify_directory`.

    Args:
        text: As it is signed.
        logs: By origin, in the order in which they were listed.
    """

    text: bytes
    logs: Mapping[str, ListedLog]

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal digits: what names this version."""
        return sha256(self.text).hexdigest()

    @property
    def pending(self) -> Mapping[str, str]:
        """Origins that were named as successors and have not begun, each with the log that named it."""
        return {
            one.ended.successor: origin
            for origin, one in self.logs.items()
            if one.ended is not None
            and one.ended.successor != NOBODY
            and one.ended.successor not in self.logs
        }

    def running(self, host: str) -> ListedLog | None:
        """Return the log that runs on a host."""
        return next((one for one in self.logs.values() if one.begun.host == host and one.ended is None), None)

    def latest(self, host: str) -> ListedLog | None:
        """Return the log that was listed last for a host."""
        return next((one for one in reversed([*self.logs.values()]) if one.begun.host == host), None)

    def of_key(self, key: Verifier) -> ListedLog | None:
        """Return the log of a key, by its name or by the key itself: neither is ever used again."""
        return next(
            (
                one
                for one in self.logs.values()
                if one.origin == key.name or one.begun.key.public_key == key.public_key
            ),
            None,
        )

    def add(self, *statements: Begun | Ended) -> "Directory":
        """Return the next version, with these statements below the others.

        Raises:
            MalformedError: One is none, or the directory is full.
            VerificationError: One does not agree with those above it.
        """
        text = self.text
        for one in statements:
            text += format_statement(one, text)
        return parse_directory(text)


def format_statement(statement: Begun | Ended, above: bytes) -> bytes:
    """Return the lines of a statement below a text."""
    pairs = statement.pairs(sha256(above).hexdigest())
    return "".join(f"{name}: {value}\n" for name, value in pairs).encode()


EMPTY: Final = Directory(HEADER.encode() + b"\n", MappingProxyType({}))
"""The directory before its first statement; nobody signs it."""


def parse_directory(text: bytes) -> Directory:
    """Return the directory that a note's text is.

    Args:
        text: Of anybody.

    Raises:
        MalformedError: It is none.
        VerificationError: A statement names another text above it, or does not agree with the statements there.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise MalformedError(f"a directory has at most {MAX_TEXT_BYTES} bytes, got {len(text)}")
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError("a directory is UTF-8") from error
    if lines[0] != HEADER or lines[-1]:
        raise MalformedError(f"expected a directory that begins with `{HEADER}` and ends with a line")
    logs: dict[str, ListedLog] = {}
    at, above = 1, len(lines[0]) + 1
    last = datetime.min.replace(tzinfo=UTC)
    while at < len(lines) - 1:
        names = BEGIN if lines[at].startswith("begin: ") else END
        values = _values(lines[at : at + len(names)], names, at)
        if values[1] != sha256(text[:above]).hexdigest():
            raise VerificationError(f"line {at + 1} of the directory names another text above it")
        statement = _begun(values) if names is BEGIN else _ended(values)
        if statement.at < last:
            raise VerificationError(f"line {at + 1} of the directory is older than what stands above it")
        again = format_statement(statement, text[:above])
        if text[above : above + len(again)] != again:
            raise MalformedError(
                f"line {at + 1} of the directory: a value has one spelling, and this is another"
            )
        _take(logs, statement)
        last, at, above = statement.at, at + len(names), above + len(again)
    return Directory(text, MappingProxyType(logs))


def _values(lines: Sequence[str], names: Sequence[str], at: int) -> list[str]:
    found = [line.partition(": ") for line in lines]
    if [name for name, _, _ in found] != list(names) or not all(value for _, _, value in found):
        raise MalformedError(f"line {at + 1} of the directory begins no statement: {', '.join(names)}")
    return [value for _, _, value in found]


def _begun(values: Sequence[str]) -> Begun:
    origin, _, at, office, vkey, host, folder, size, root, follows = values
    key = parse_verifier_key(vkey)
    if key.name != _origin(origin) or not _WORD.fullmatch(host):
        raise MalformedError("a log begins under its key's name, on a host of one word")
    if folder != HERE and (not _WORD.fullmatch(folder) or folder in RESERVED):
        raise MalformedError(f"`{folder[:40]}` is no folder for a log's public files")
    return Begun(
        _moment(at), _office(office), key, host, folder, _size(size), _root(size, root), _other(follows)
    )


def _ended(values: Sequence[str]) -> Ended:
    origin, _, at, office, how, size, root, provable, successor, reason = values
    if how not in set(How):
        raise MalformedError(f"a log ends as {', '.join(How)}, got `{how[:20]}`")
    if not is_line(reason, MAX_REASON):
        raise MalformedError(f"a reason is one line of at most {MAX_REASON} characters")
    return Ended(
        _moment(at), _office(office), _origin(origin), How(how), _size(size), _root(size, root),
        _size(provable), _other(successor), reason,
    )  # fmt: skip


def _take(logs: dict[str, ListedLog], statement: Begun | Ended) -> None:
    """Add a statement to those above it, where it agrees with them."""
    if isinstance(statement, Ended):
        _take_end(logs, statement)
        return
    seen = Directory(b"", logs)
    latest = seen.latest(statement.host)
    named = seen.pending.get(statement.origin, NOBODY)
    for is_false, why in (
        (seen.of_key(statement.key) is not None, "its origin or its key was used before"),
        (any(one.begun.folder == statement.folder for one in logs.values()), "its folder was used before"),
        (seen.running(statement.host) is not None, "another log runs on its host"),
        (statement.follows != named, "it follows no log that named it, or another one"),
        (
            latest is not None
            and latest.ended is not None
            and latest.ended.successor in seen.pending
            and latest.ended.successor != statement.origin,
            "the log before it on its host named another one",
        ),
    ):
        if is_false:
            raise VerificationError(f"`{statement.origin}` cannot begin: {why}")
    logs[statement.origin] = ListedLog(statement)


def _take_end(logs: dict[str, ListedLog], end: Ended) -> None:
    log = logs.get(end.origin)
    if log is None or log.ended is not None:
        raise VerificationError(f"`{end.origin}` cannot end: it never began, or has ended")
    begun = log.begun
    for is_false, why in (
        (end.size < begun.size, "it had more leaves when it was listed"),
        (end.size == begun.size and end.root != begun.root, "it had another root when it was listed"),
        (end.provable > end.size, "more is provable than is known"),
        (end.how is not How.LOST and end.provable != end.size, "it was not lost, and all of it is provable"),
        (
            end.successor in logs or end.successor in Directory(b"", logs).pending,
            "its successor's name is another log's",
        ),
    ):
        if is_false:
            raise VerificationError(f"`{end.origin}` cannot end so: {why}")
    logs[end.origin] = ListedLog(begun, end)


def _origin(text: str) -> str:
    if len(text.encode()) > MAX_ORIGIN_BYTES or not text.isprintable() or text == NOBODY:
        raise MalformedError(f"an origin has at most {MAX_ORIGIN_BYTES} bytes, and is not `{NOBODY}`")
    return check_name(text)


def _other(text: str) -> str:
    return text if text == NOBODY else _origin(text)


def _office(text: str) -> str:
    if not _OFFICE.fullmatch(text):
        raise MalformedError(f"`{text[:40]!a}` is no office")
    return text


def _size(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > MAX_TREE_SIZE:
        raise MalformedError(f"a size is a whole number of at most {MAX_TREE_SIZE}")
    return int(text)


def _root(size: str, text: str) -> Hash:
    root = parse_hash(text)
    if size == "0" and root != EMPTY_ROOT:
        raise MalformedError("expected the empty root at size 0, got another")
    return root


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError("a statement says when, such as 2026-11-26T15:00:00Z") from error


# who signed it, and what it may be after another


def verify_directory(raw: bytes, offices: Sequence[Verifier]) -> Directory:
    """Return the directory that an office's key signed.

    Args:
        raw: The file; of anybody.
        offices: The keys of those who may, named by office and login.

    Raises:
        MalformedError: It is no note, or its text is no directory.
        VerificationError: None of them signed it, or it does not agree with itself.
    """
    note = parse_note(raw)
    if not find_signers(note, offices):
        raise VerificationError(
            "the directory is signed by none of the keys of the offices that may",
            hint="doorward log directory --sign, by a key that is known",
        )
    return parse_directory(note.text)


def verify_added(before: bytes, now: Directory) -> Directory:
    """Return a directory that only adds to an older one.

    Args:
        before: The older one's text.

    Raises:
        VerificationError: It leaves something out or says it otherwise.
    """
    if not now.text.startswith(before):
        older = before.startswith(now.text)
        raise VerificationError(
            "an older directory was put here: it lacks statements that were read before"
            if older
            else "the directory is no continuation of the one that was read before: there are two histories",
            hint="put the newest one back from a public copy; keep both files",
        )
    return now


def verify_may_sign(directory: Directory, key: Verifier) -> ListedLog:
    """Return the log that a key may sign.

    Raises:
        VerificationError: It is not listed, or it has ended. Nothing may be signed, whatever its folder says.
    """
    found = directory.of_key(key)
    if found is None:
        raise VerificationError(
            f"the log `{key.name}` is not in the directory; nothing was signed",
            hint="doorward log begin lists it (docs/howto/lost-volume.md)",
        )
    if found.ended is not None:
        raise VerificationError(
            f"the log `{found.origin}` has ended ({found.ended.how}) at {found.ended.size} leaves; nothing was signed",
            hint="an older copy was put here, or `doorward log begin` is still to be run",
        )
    if found.begun.key != key:
        raise VerificationError(
            f"the directory lists another key or name for the log `{found.origin}`; nothing was signed",
            hint="put back the key that is listed",
        )
    return found


def next_origin(directory: Directory, origin: str) -> str:
    """Return a name for what follows a log: its own with the next number that nobody used."""
    stem, _, number = origin.rpartition("/")
    stem, first = (stem, int(number) + 1) if number.isdecimal() and len(number) < 6 and stem else (origin, 2)
    used = {*directory.logs, *directory.pending}
    return next(name for at in count(first) if (name := f"{stem}/{at}") not in used)


def next_folder(directory: Directory) -> str:
    """Return a folder for the public files of the next log: the directory's own for the first one."""
    used = {one.begun.folder for one in directory.logs.values()}
    return next(name for name in (HERE, *map(str, range(2, len(used) + 3))) if name not in used)

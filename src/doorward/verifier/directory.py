"""The directory of a city's logs for somebody who only checks; pure, with a parser of its own (ADR 81).

1. The file is a signed note; one of the keys that the caller trusts signed it, and no line of such a key is false.
2. Each statement names the SHA-256 of all of the text above it, so nothing above it was changed since it was made.
3. A directory that the caller kept is the beginning of this one, byte for byte.
4. Names, keys and folders are used once; a host has one log that runs; who follows was named.

Source: docs/reference/log-directory.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError
from doorward.verifier.findings import Kind
from doorward.verifier.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from doorward.verifier.note import FalseNoteError, Key, decode_base64, parse_key, parse_note, verify_lines

NAME: Final = "directory"
MAX_DIRECTORY_BYTES: Final = 112 * 1024
_HEADER: Final = "doorward-directory@v1"
_FIELDS: Final = {
    "begin": ["begin", "before", "at", "office", "vkey", "host", "folder", "size", "root", "follows"],
    "end": ["end", "before", "at", "office", "how", "size", "root", "provable", "successor", "reason"],
}
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_OFFICE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_NOBODY: Final = "-"
_MOST_SIGNS: Final = 200


@dataclass(slots=True)
class Listed:
    """One log as the directory has it.

    Args:
        begins: Size and root when it was listed.
        ends: Size and root of its last known checkpoint, or None while it runs.
        how: How it ended, or empty.
        provable: Up to where its files are there.
        successor: The name of what follows, or empty.
    """

    key: Key
    host: str
    folder: str
    begins: tuple[int, bytes]
    begun_at: str
    follows: str = ""
    ends: tuple[int, bytes] | None = None
    how: str = ""
    provable: int = 0
    successor: str = ""
    reason: str = ""
    ended_at: str = ""


@dataclass(frozen=True, slots=True)
class LogDirectory:
    """What a directory says, once it agrees with itself.

    Args:
        digest: SHA-256 of its text, by which logs name this version.
        signers: Names of the trusted keys that signed it.
    """

    text: bytes
    digest: str
    signers: tuple[str, ...]
    logs: tuple[Listed, ...]


@dataclass(slots=True)
class _State:
    logs: dict[str, Listed] = field(default_factory=dict)
    publics: set[bytes] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)  # successors that have not begun, by whom
    newest: dict[str, str] = field(default_factory=dict)  # by host
    time: str = ""


def read_directory(raw: bytes, keys: Sequence[Key], kept: bytes | None = None) -> LogDirectory:
    """Return what the directory of a city's logs says.

    Args:
        raw: The file; of anybody.
        keys: Of the offices, got by a way that the caller trusts; one of them must have signed.
        kept: The text of a directory that the caller kept.

    Raises:
        FalseNoteError: It is no directory, none of the keys signed it, or it is no continuation of the kept one.
    """
    try:
        note = parse_note(raw)
        signers = tuple(
            key.name for key in keys if (key.name, key.id) in {(one.name, one.id) for one in note.lines}
        )
        if not signers:
            raise FalseNoteError(Kind.SIGNATURE_MISSING, "none of the given keys signed it")
        for key in keys:
            if key.name in signers:
                verify_lines(note, key)
        if kept is not None and not note.text.startswith(kept):
            kind, what = (
                (Kind.ROLLBACK, "it lacks statements that the kept one has")
                if kept.startswith(note.text)
                else (
                    Kind.FORK,
                    "it is no continuation of the kept one; keep both files, together they prove it",
                )
            )
            raise FalseNoteError(kind, what)
        return LogDirectory(note.text, sha256(note.text).hexdigest(), signers, _parse(note.text))
    except MalformedError as error:
        raise FalseNoteError(Kind.DIRECTORY_MALFORMED, str(error)) from error


def kept_text(raw: bytes) -> bytes:
    """Return the text of a directory that the caller verified and kept.

    Raises:
        MalformedError: It is none.
    """
    text = parse_note(raw).text
    _parse(text)
    return text


def _parse(text: bytes) -> tuple[Listed, ...]:
    if len(text) > MAX_DIRECTORY_BYTES:
        raise MalformedError(f"a directory has at most {MAX_DIRECTORY_BYTES} bytes")
    lines = text.split(b"\n")
    if lines[0].decode() != _HEADER or len(lines) < 3:
        raise MalformedError(f"expected `{_HEADER}` and statements below it")
    running, state = sha256(lines[0] + b"\n"), _State()
    rest = lines[1:-1]
    while rest:
        names = _FIELDS.get(rest[0].split(b":")[0].decode(), [])
        chunk, rest = rest[: len(names)], rest[len(names) :]
        values = dict(line.decode().partition(": ")[::2] for line in chunk)
        if not names or list(values) != names or not all(values.values()):
            raise MalformedError(f"expected a statement, {len(rest) + len(chunk)} lines before the end")
        if values["before"] != running.hexdigest():
            raise MalformedError(f"`{names[0]}` of `{values[names[0]]!a}` names another text above it")
        for line in chunk:
            running.update(line + b"\n")
        _check_common(values, state)
        (_begin if "begin" in values else _end)(values, state)
    return tuple(state.logs.values())


def _check_common(values: dict[str, str], state: _State) -> None:
    if not _is_time(values["at"]) or values["at"] < state.time:
        raise MalformedError("a statement says when it was made, no earlier than the one above it")
    if not _OFFICE.fullmatch(values["office"]):
        raise MalformedError("a statement says which office made it")
    state.time = values["at"]


def _is_time(text: str) -> bool:
    try:
        return bool(_TIME.fullmatch(text)) and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_name(text: str) -> bool:
    is_plain = text.isprintable() and "+" not in text and not any(map(str.isspace, text))
    return is_plain and len(text.encode()) <= _MOST_SIGNS


def _begin(values: dict[str, str], state: _State) -> None:
    origin, host, folder, follows = (values[name] for name in ("begin", "host", "folder", "follows"))
    key = parse_key(values["vkey"])
    wrong = (
        (
            key.algorithm != 1 or key.name != origin or origin == _NOBODY or not _is_name(origin),
            "its key is none",
        ),
        (origin in state.logs or key.public in state.publics, "its name or key was used before"),
        (not _WORD.fullmatch(host), "its host is no word"),
        (
            folder != "." and (not _WORD.fullmatch(folder) or folder in {"tile", "archive"}),
            "its folder is none",
        ),
        (folder in state.folders, "its folder was used before"),
        (follows != state.named.get(origin, _NOBODY), "what it follows did not name it"),
        (_blocks(state, host, origin), "another log runs on its host, or was to follow"),
    )
    for is_wrong, why in wrong:
        if is_wrong:
            raise MalformedError(f"`{origin!a}` cannot begin so: {why}")
    state.named.pop(origin, None)
    state.publics.add(key.public)
    state.folders.add(folder)
    state.newest[host] = origin
    followed = "" if follows == _NOBODY else follows
    state.logs[origin] = Listed(key, host, folder, _tree(values), values["at"], followed)


def _blocks(state: _State, host: str, origin: str) -> bool:
    before = state.logs.get(state.newest.get(host, ""))
    if before is None:
        return False
    return before.ends is None or (before.successor in state.named and before.successor != origin)


def _end(values: dict[str, str], state: _State) -> None:
    log = state.logs.get(values["end"])
    if log is None or log.ends is not None:
        raise MalformedError(f"`{values['end']!a}` cannot end: it does not run")
    size, root = _tree(values)
    provable, how, successor = _whole(values["provable"]), values["how"], values["successor"]
    reason = values["reason"]
    wrong = (
        (how not in {"lost", "retired", "moved"}, "how is unknown"),
        (
            size < log.begins[0] or (size == log.begins[0] and root != log.begins[1]),
            "it had other leaves before",
        ),
        (provable > size or (how != "lost" and provable != size), "what is provable is not what it was"),
        (successor in state.logs or successor in state.named, "its successor's name was used before"),
        (not _is_name(successor), "its successor's name is none"),
        (
            len(reason) > _MOST_SIGNS or not reason.strip() or not reason.isprintable(),
            "its reason is no line",
        ),
    )
    for is_wrong, why in wrong:
        if is_wrong:
            raise MalformedError(f"`{values['end']!a}` cannot end so: {why}")
    log.ends, log.how, log.provable, log.reason, log.ended_at = (
        (size, root),
        how,
        provable,
        reason,
        values["at"],
    )
    if successor != _NOBODY:
        log.successor = successor
        state.named[successor] = values["end"]


def _tree(values: dict[str, str]) -> tuple[int, bytes]:
    size, root = _whole(values["size"]), decode_base64(values["root"])
    if len(root) != HASH_BYTES or (size == 0 and root != EMPTY_ROOT):
        raise MalformedError("a root is one of a tree of that size")
    return size, root


def _whole(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise MalformedError("a size is a whole number")
    return int(text)

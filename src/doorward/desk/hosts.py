"""How each host of an installation says that it stands: what `doorward doctor --write` left in a folder of looks.

A gateway's host, a database's host and the desk's write a look each, every few minutes; who brings the others' files
here (rsync, a shared folder) is the city's. A look is believed as it stands, so the folder is written by nobody else.
A look that is old, or that cannot be read, is said as such: it is never read as "all is well".
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from doorward.errors import MalformedError

STALE: Final = timedelta(minutes=30)
AHEAD: Final = timedelta(minutes=5)  # clocks of two hosts differ
MAX_BYTES: Final = 256 * 1024
MAX_LINES: Final = 500
MAX_HOSTS: Final = 100
_STATES: Final = frozenset({"ok", "look", "broken", "unknown"})
_ALWAYS: Final = frozenset({"drift", "order in force", "spool"})  # said even where they are well


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a look; `state` is ok, look, broken or unknown."""

    name: str
    state: str
    found: str
    do: str

    @property
    def is_well(self) -> bool:
        """Whether it came out well; what could not be looked at did not."""
        return self.state == "ok"


@dataclass(frozen=True, slots=True)
class Look:
    """What a host said of itself at a moment.

    Args:
        coverage: Its sentence on what is behind the door there.
    """

    host: str
    at: datetime
    coverage: str
    checks: tuple[Check, ...]

    @property
    def shown(self) -> tuple[Check, ...]:
        """What somebody has to look at, and what is always said."""
        return tuple(one for one in self.checks if not one.is_well or one.name in _ALWAYS)

    def is_stale(self, now: datetime) -> bool:
        """Whether it is too old to go by, or of a clock that runs ahead."""
        return now - self.at > STALE or self.at - now > AHEAD

    def is_well(self, now: datetime) -> bool:
        """Whether it is fresh, and every check that could be made came out well."""
        return not self.is_stale(now) and all(one.is_well for one in self.checks)


@dataclass(frozen=True, slots=True)
class Unread:
    """A host's file that says nothing, and why."""

    host: str
    why: str


def read_looks(folder: Path) -> tuple[Look | Unread, ...]:
    """Return the look of each host, by name; none where the folder is not there.

    Args:
        folder: Of files `HOST.json`, at most `MAX_HOSTS`; others are left alone.

    Raises:
        OSError: The folder is there and cannot be listed.
    """
    if not folder.exists():
        return ()
    files = sorted(
        file for file in folder.iterdir() if file.suffix == ".json" and not file.name.startswith(".")
    )
    found = tuple(_read(file) for file in files[:MAX_HOSTS])
    more = len(files) - MAX_HOSTS
    return (
        (*found, Unread("others", f"{more} files more than the {MAX_HOSTS} that are read"))
        if more > 0
        else found
    )


def _read(file: Path) -> Look | Unread:
    host = _one_line(file.stem)[:80]
    try:
        with file.open("rb") as source:
            raw = source.read(MAX_BYTES + 1)
    except OSError as error:
        return Unread(host, error.strerror or "it cannot be read")
    try:
        return parse_look(host, raw)
    except MalformedError as error:
        return Unread(host, str(error))


def parse_look(host: str, raw: bytes) -> Look:
    """Return a look.

    Args:
        host: Whose it is, by the name of its file.
        raw: The file; untrusted.

    Raises:
        MalformedError: It is none.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"expected at most {MAX_BYTES:,} bytes")
    try:
        document = json.loads(raw)
        lines = document["lines"]
        if not isinstance(lines, list) or len(lines) > MAX_LINES:
            raise MalformedError(f"expected at most {MAX_LINES} lines")
        at = datetime.fromisoformat(document["looked_at"])
        look = Look(host, at, _text(document, "coverage"), tuple(_checks(lines)))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedError("it is no look of `doorward doctor --write`") from error
    if at.tzinfo is None:
        raise MalformedError("expected a time with its offset")
    return look


def _checks(lines: Iterable[Mapping[str, object]]) -> Iterable[Check]:
    for line in lines:
        state = _text(line, "state")
        if state not in _STATES:
            raise ValueError(state)
        yield Check(_text(line, "check"), state, _text(line, "found"), _text(line, "do"))


def _text(document: Mapping[str, object], key: str) -> str:
    value = document[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return _one_line(value)[:400]


def _one_line(text: str) -> str:
    """Return a text without what would begin another line: a role's name on some host may hold anything."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)

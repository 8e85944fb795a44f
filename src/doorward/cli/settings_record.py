"""How the record is kept, as doorward.toml says it beside where its server is."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from doorward.errors import MalformedError
from doorward.notes.note import Verifier, parse_verifier_key
from doorward.orders.toml import Toml
from doorward.record.entry import Kind

RECORD_KEYS: Final = (
    "durable_kinds",
    "durable_purposes",
    "neighbours",
    "neighbours_seconds",
    "directory",
    "host",
)
MAX_NEIGHBOURS: Final = 32
MAX_SECONDS: Final = 86_400
_HOST: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_KINDS: Final = {kind.name.lower(): kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another log.

    Args:
        key: What its checkpoints are signed with.
        place: Its public files: a folder or an address.
    """

    key: Verifier
    place: str


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """What is on the disk before it is acknowledged, or nothing (ADR 6, ADR 79); and whose logs are kept.

    Args:
        kinds: Entries of these kinds.
        purposes: Everything of a session for one of these purposes.
        neighbours: Logs of other hosts, whose checkpoints this record keeps.
        neighbours_seconds: How often they are looked at.
        directory: The file that lists the city's logs; None where a log is in none.
        host: What this installation is called there.
    """

    kinds: frozenset[Kind] = frozenset()
    purposes: frozenset[str] = frozenset()
    neighbours: tuple[Neighbour, ...] = ()
    neighbours_seconds: int = 600
    directory: Path | None = None
    host: str = "main"

    @property
    def durable(self) -> frozenset[Kind] | None:
        """What `Spool.open` is told."""
        return self.kinds if self.kinds or self.purposes else None


def read_record(toml: Toml, base: Path) -> RecordSettings:
    """Return what `[record]` says of keeping; what is wrong is noted."""
    kinds = _words(toml, "durable_kinds")
    for word in sorted(kinds - _KINDS.keys()):
        toml.note(
            f"`record.durable_kinds` has `{word}`, which is no kind of entry",
            "record",
            "durable_kinds",
            hint=f"one of {', '.join(_KINDS)}",
        )
    seconds = toml.get(int, "record", "neighbours_seconds", default=600)
    if type(seconds) is not int or not 1 <= seconds <= MAX_SECONDS:
        toml.note(
            f"`record.neighbours_seconds` is a whole number from 1 to {MAX_SECONDS}",
            "record",
            "neighbours_seconds",
        )
        seconds = 600
    return RecordSettings(
        frozenset(_KINDS[word] for word in kinds & _KINDS.keys()),
        _words(toml, "durable_purposes"),
        _neighbours(toml, base),
        seconds,
        *_directory(toml, base),
    )


def _directory(toml: Toml, base: Path) -> tuple[Path | None, str]:
    name, host = (
        toml.get(str, "record", "directory", default=""),
        toml.get(str, "record", "host", default="main"),
    )
    if not _HOST.fullmatch(host):
        toml.note("`record.host` is one word, such as `main`", "record", "host")
        host = "main"
    data = toml.get(str, "data", default="")
    file = base / name if name else None
    if file is not None and data and file.resolve().is_relative_to((base / data).resolve()):
        toml.note(
            "`record.directory` lies in the data folder",
            "record",
            "directory",
            hint="another volume: it has to outlive this one, and what is put back with it",
        )
    return file, host


def _neighbours(toml: Toml, base: Path) -> tuple[Neighbour, ...]:
    tables: list[Any] = toml.get(list, "record", "neighbours", default=[])
    found = []
    for table in tables[:MAX_NEIGHBOURS]:
        text, place = (table.get("key"), table.get("place")) if isinstance(table, dict) else (None, None)
        if (
            not isinstance(text, str) or not isinstance(place, str) or not place or len(table) != 2
        ):  # these two
            toml.note("`record.neighbours` has `key` and `place` for each log", "record", "neighbours")
            continue
        try:
            key = parse_verifier_key(text.strip())
        except MalformedError as error:
            toml.note(f"`record.neighbours` has a key that is none: {error}", "record", "neighbours")
            continue
        is_address = place.startswith(("http://", "https://"))
        found.append(Neighbour(key, place if is_address else str(base / place)))
    if len({one.key.name for one in found}) != len(found) or len(tables) > MAX_NEIGHBOURS:
        toml.note(
            f"`record.neighbours` names each log once, and at most {MAX_NEIGHBOURS}", "record", "neighbours"
        )
    return tuple(found)


def _words(toml: Toml, key: str) -> frozenset[str]:
    found = toml.get(list, "record", key, default=[])
    if not all(isinstance(word, str) for word in found):
        toml.note(f"`record.{key}` is a list of words", "record", key)
        return frozenset()
    return frozenset(found)

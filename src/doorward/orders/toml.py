"""One TOML file of a pack, read strictly, with the line of every key for messages."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from doorward.errors import Finding, PolicyCheckError, Span

T = TypeVar("T")

_HEADER = re.compile(r"^\s*\[\[?(?P<path>[^\[\]]+)\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"""^\s*(?P<path>(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|[A-Za-z0-9_-]+))*)\s*="""
)
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_KINDS: Mapping[type, str] = {
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
    date: "a date",
}


class Toml:
    """One parsed file.

    Args:
        file: Its name as messages show it.
        text: Its whole text.

    Raises:
        PolicyCheckError: The text is no TOML; names line and column.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = _PLACE.search(str(error))
            line, column = (place.group(1), place.group(2)) if place else (None, None)
            last = text.count("\n") + 1
            span = Span(file, int(line) if line else last, int(column) if column else 1)
            finding = Finding(f"this is no TOML: {_PLACE.sub('', str(error)).lower()}", span)
            raise PolicyCheckError(finding.message, findings=[finding]) from error
        self._places = dict(_find_places(text))

    def span(self, *path: str) -> Span:
        """Return where a key stands; the nearest one above it that is known; else the head of the file."""
        for length in range(len(path), 0, -1):
            place = self._places.get(path[:length])
            if place is not None:
                return Span(self.file, *place)
        return Span(self.file, 1, 1)

    def note(self, message: str, *path: str, hint: str | None = None) -> None:
        """Add a fault at a key."""
        self.findings.append(Finding(message, self.span(*path), hint))

    def table(self, *path: str) -> dict[str, Any]:
        """Return a table, or an empty one where it is missing or something else; that is a fault."""
        at: Any = self.data
        for name in path:
            at = at.get(name) if isinstance(at, dict) else None
        if isinstance(at, dict):
            return at
        self.note(f"`{'.'.join(path)}` must be a table", *path)
        return {}

    def get(self, kind: type[T], *path: str, default: T | None = None) -> T:
        """Return a value of one kind.

        Args:
            kind: ``str``, ``bool``, ``list``, ``dict`` or ``date``.
            path: The key, by table names.
            default: For a key that may be missing; where it is None the key is required.
        """
        *tables, key = path
        at: Any = self.data
        for name in tables:
            at = at.get(name, {}) if isinstance(at, dict) else {}
        value = at.get(key) if isinstance(at, dict) else None
        if value is None and default is not None:
            return default
        if not isinstance(value, kind):
            got = "it is missing" if value is None else "it is something else"
            self.note(f"`{'.'.join(path)}` must be {_KINDS[kind]}; {got}", *path)
            return date(1970, 1, 1) if kind is date else kind()  # type: ignore[return-value]  # of that very kind
        checked: T = value
        if value == "":
            self.note(f"`{'.'.join(path)}` is empty", *path)
        return checked

    def refuse_others(self, allowed: tuple[str, ...], *path: str) -> None:
        """Note every key of a table that is none of the allowed ones: a misspelt key must not be skipped."""
        at: Any = self.data
        for name in path:
            at = at.get(name, {}) if isinstance(at, dict) else {}
        for key in at if isinstance(at, dict) else ():
            if key not in allowed:
                where = f" in `{'.'.join(path)}`" if path else ""
                self.note(f"unknown key `{key}`{where}", *path, key, hint=f"one of {', '.join(allowed)}")


def _find_places(text: str) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """Yield the line and column of each header and key; a small scan for messages, not a parser."""
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}  # entries so far of each list of tables
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        key = _KEY.match(line)
        if header is not None:
            table = _split(header.group("path"))
            if line.lstrip().startswith("[["):
                counts[table] = counts.get(table, -1) + 1
                if counts[table] == 0:
                    yield table, (number, header.start("path") + 1)
                table = (*table, str(counts[table]))
            yield table, (number, header.start("path") + 1)
        elif key is not None:
            yield (*table, *_split(key.group("path"))), (number, key.start("path") + 1)


def _split(path: str) -> tuple[str, ...]:
    try:
        at: Any = tomllib.loads(f"{path.strip()} = 0")
    except tomllib.TOMLDecodeError:
        return (path.strip(),)
    names = []
    while isinstance(at, dict) and at:
        name, at = next(iter(at.items()))
        names.append(name)
    return tuple(names)

"""JSON as a table of texts: one object a line, or an array of objects; each key of the top is a column.

Numbers stay as they are written, a nested value stays JSON, `null` is an empty cell. A line counts as a row: its number
is that of the line, so that an editor finds it; in an array it is that of the element. An array is read piece by piece,
and one that breaks off is refused: what is missing from it nobody can count.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO

from doorward.errors import ConfigError
from doorward.lookback.reading.layouts import SAMPLE
from doorward.lookback.reading.raw import MAX_COLUMNS, MAX_LISTED, RawTable, Reject, write_raw
from doorward.lookback.reading.survey import MAX_LINE

if TYPE_CHECKING:
    import duckdb

SPARE: Final = 64  # columns for keys that turn up later than the sample
TOO_LONG: Final = "longer than 4 MiB"
NO_OBJECT: Final = "no JSON object on its line"
ASK_AGAIN: Final = "ask for the file again"
NO_ELEMENT: Final = "no JSON object in its place"
PIECE: Final = 1 << 20
_BLANK: Final = " \t\r\n"


class _Reader:
    def __init__(self, text: Path, *, array: bool = False) -> None:
        self.text, self.array = text, array
        self.places: dict[str, int] = {}
        self.limit = MAX_COLUMNS
        self.rejects: list[Reject] = []
        self.rejected_by: dict[str, int] = {}
        self.blank = self.left_out = 0

    def _lines(self) -> Iterator[tuple[int, str]]:
        with self.text.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    while line and not line.endswith("\n"):
                        line = file.readline(MAX_LINE)
                    self._reject(number, TOO_LONG)
                elif not line.strip():
                    self.blank += 1
                else:
                    yield number, line

    def _reject(self, line: int, reason: str) -> None:
        self.rejected_by[reason] = self.rejected_by.get(reason, 0) + 1
        if len(self.rejects) < MAX_LISTED:
            self.rejects.append(Reject("", line, reason))

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self.array:
            for number, found in enumerate(_elements(self.text), start=1):
                if isinstance(found, dict):
                    yield number, found
                else:
                    self._reject(number, NO_ELEMENT)
            return
        for number, line in self._lines():
            try:
                found = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, dict):
                yield number, found
            else:
                self._reject(number, NO_OBJECT)

    def rows(self) -> Iterator[tuple[str, int, Sequence[str | None]]]:
        for number, found in self.objects():
            cells: list[str | None] = [None] * len(self.places)
            for key, value in found.items():
                place = self._place(key)
                if place is None:
                    continue
                if place >= len(cells):
                    cells.extend([None] * (place + 1 - len(cells)))
                cells[place] = _as_text(value)
            yield "", number, cells

    def _place(self, key: str) -> int | None:
        place = self.places.get(key)
        if place is None:
            if len(self.places) >= self.limit:
                self.left_out += 1
                return None
            place = self.places[key] = len(self.places)
        return place


class _Pieces:
    """The text of a file, a piece at a time; `at` is where the next sign stands in what is held."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.held, self.at = file, "", 0

    def more(self) -> bool:
        piece = self.file.read(PIECE)
        self.held, self.at = self.held[self.at :] + piece, 0
        return bool(piece)

    def next_sign(self) -> str:
        """Return the next sign that is no blank, without taking it; empty at the end."""
        while True:
            while self.at < len(self.held) and self.held[self.at] in _BLANK:
                self.at += 1
            if self.at < len(self.held):
                return self.held[self.at]
            if not self.more():
                return ""


def _elements(text: Path) -> Iterator[Any]:
    """Yield each element of an array.

    Raises:
        ConfigError: It is empty, breaks off, is damaged, or has an element beyond the limit.
    """
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    with text.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        pieces, done = _Pieces(file), 0
        pieces.next_sign()
        pieces.at += 1  # the bracket, by which the form was found
        while (sign := pieces.next_sign()) != "]" or done:
            if done:
                pieces.at += 1
                if sign == "]":
                    break
                if sign != ",":
                    _broken(done, ended=not sign)
                sign = pieces.next_sign()
            if not sign:
                _broken(done, ended=True)
            yield _element(decoder, pieces, done)
            done += 1
        if not done:
            raise ConfigError("the JSON array is empty")
        if pieces.next_sign():
            raise ConfigError("something stands behind the JSON array", hint=ASK_AGAIN)


def _element(decoder: json.JSONDecoder, pieces: _Pieces, done: int) -> Any:  # noqa: ANN401  # a value of JSON
    while True:
        try:
            found, end = decoder.raw_decode(pieces.held, pieces.at)
        except (ValueError, RecursionError):
            if len(pieces.held) - pieces.at > MAX_LINE:
                raise ConfigError(
                    "an element of the JSON array is longer than 4 MiB, or damaged", hint=ASK_AGAIN
                ) from None
            if not pieces.more():
                _broken(done, ended=True)
            continue
        if end == len(pieces.held) and pieces.more():
            continue  # a number may go on in the next piece
        pieces.at = end
        return found


def _broken(done: int, *, ended: bool) -> NoReturn:
    what = "breaks off" if ended else "is damaged"
    raise ConfigError(f"the JSON array {what} after element {done}", hint=ASK_AGAIN)


def _as_text(value: Any) -> str | None:  # noqa: ANN401  # a value of JSON
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, sort_keys=False)


def read_json_lines(
    connection: "duckdb.DuckDBPyConnection", text: Path, scratch: Path, *, array: bool = False
) -> RawTable:
    """Return the table of a file of JSON lines, or of an array of objects.

    Raises:
        ConfigError: No line of it is an object, or the array is damaged.
    """
    sample = _Reader(text, array=array)
    for number, (_line, found) in enumerate(sample.objects()):
        for key in found:
            sample._place(key)  # noqa: SLF001  # its own
        if number >= SAMPLE:
            break
    if not sample.places:
        what = "no element of the JSON array has a key" if array else "no line is a JSON object"
        raise ConfigError(what, hint="write one object a line, or an array of objects")
    reader = _Reader(text, array=array)
    reader.places = dict(sample.places)
    width = min(len(sample.places) + SPARE, MAX_COLUMNS)
    reader.limit = width
    path = write_raw(connection, scratch / "json.parquet", width, reader.rows())
    notes = (
        (f"{reader.left_out} values of keys beyond {width} columns are not used",) if reader.left_out else ()
    )
    return RawTable(
        path, tuple(reader.places), "", "", tuple(reader.rejects), reader.rejected_by, reader.blank, 0, notes
    )  # fmt: skip

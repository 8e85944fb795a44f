"""Rows out of a printed table: pieces of text with their places, anchored on the ids of the records. Pure.

A released PDF is a print of a table. The order of its text is no order of its cells (where a page was edited, reasons
pile up behind the last row), so nothing here looks at it: a piece belongs to the column that it stands under and to
the row whose id it stands beside. The header is found by its labels, columns part where least text crosses, and what
can be given to no record is counted, never guessed.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from statistics import median
from typing import Final

from doorward.lookback.reading.headings import KNOWN, count_known, is_header, normalise_label

WORD_GAP: Final = 0.45  # of the height of a letter: pieces nearer than that are words of one cell
SAME_LINE: Final = 0.5
LOOK_AT_PAGES: Final = 50  # for columns and the way rows are set
HEADER_LINES: Final = 3
MAX_WORDS: Final = 12  # of labels that touch each other
FAR: Final = 1.6  # of the usual distance of two lines: below the last row, what is further is no part of it
MOSTLY: Final = 0.95  # of the rows with more lines; a print has one setting, a damaged line or two another
OFTEN: Final = 0.6  # a line at the same place of so many pages belongs to the page, and to no record
APART: Final = 2.2  # heights of a letter: a line of the same cell is 1.2 to 1.6 away
MARGIN_LINES: Final = 4
MAX_FURNITURE: Final = 100_000
NOT_ANCHORED: Final = "a line that stands beside no id"
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ID_BEGINS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]*", re.IGNORECASE)
_ID_GOES_ON: Final = re.compile(r"[0-9a-f-]+", re.IGNORECASE)
_ID_LENGTH: Final = 36


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text; distances in points from the upper left corner of its page."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page and its pieces, in any order."""

    number: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces side by side, from left to right."""

    runs: tuple[Run, ...]

    @property
    def middle(self) -> float:
        """Where it stands on its page."""
        return sum(run.top + run.bottom for run in self.runs) / (2 * len(self.runs))

    @property
    def height(self) -> float:
        """Of its tallest letter."""
        return max(1.0, *(run.bottom - run.top for run in self.runs))

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(run.text.strip() for run in self.runs)


class Setting(Enum):
    """How the cells of a row stand beside each other."""

    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the table of a document is set.

    Args:
        header: Labels from left to right.
        edges: Where each column but the first begins.
        id_column: Which one holds the ids.
        setting: How the lines of a cell stand beside its id.
        pitch: The usual distance of two lines of a cell.
        furniture: Lines that belong to the page: digits as `#`, and the place.
    """

    header: tuple[str, ...]
    edges: tuple[float, ...]
    id_column: int
    setting: Setting = Setting.TOP
    pitch: float = 12.0
    furniture: frozenset[tuple[str, int]] = frozenset()


@dataclass(slots=True)
class Record:
    """One record: the page of its id, its number there from 1, and its cells."""

    page: int
    number: int
    cells: list[str]


@dataclass(slots=True)
class Account:
    """What was no record.

    Attributes:
        loose: Page and line of each line that stands beside no id; at most a hundred.
        loose_lines: How many there were.
        furniture: Lines of titles, page numbers and the like.
        headers: How often the header was said.
        carried: Lines that go on with a record of the page before.
    """

    loose: list[tuple[int, int]] = field(default_factory=list)
    loose_lines: int = 0
    furniture: int = 0
    headers: int = 0
    carried: int = 0

    def leave(self, page: int, line: int) -> None:
        """Count a line that no record takes."""
        self.loose_lines += 1
        if len(self.loose) < 100:  # as many as are listed
            self.loose.append((page, line))


def lines_of(page: Page) -> list[Line]:
    """Return the lines of a page from top to bottom."""
    lines: list[list[Run]] = []
    middle = 0.0
    for run in sorted(page.runs, key=lambda one: (one.top + one.bottom, one.left)):
        here, height = (run.top + run.bottom) / 2, run.bottom - run.top
        if lines and abs(here - middle) <= SAME_LINE * max(height, 1.0):
            lines[-1].append(run)
        else:
            lines.append([run])
            middle = here
    return [Line(tuple(sorted(line, key=lambda one: one.left))) for line in lines]


def find_shape(pages: Iterable[Page], known: Collection[str] = KNOWN) -> Shape | None:
    """Return how the table of a document is set, or None where no line is a header.

    Args:
        pages: All of them, read once; what is kept does not grow beyond the first ones and a bounded count.
    """
    first: list[tuple[list[Line], tuple[int, int] | None]] = []  # without their margins
    cells: list[Run] = []
    seen: Counter[tuple[str, int]] = Counter()
    count = 0
    for page in pages:
        lines = lines_of(page)
        count += 1
        at = _find_header(lines, known)
        if len(seen) < MAX_FURNITURE:
            seen.update({_mark(lines[number]) for number in _margins(lines, at)})
        if len(first) < LOOK_AT_PAGES:
            if at is not None and not cells:
                cells = _header_cells(lines[at[0] : at[1]], known)
            if cells:
                low = min(
                    (number for number in _margins(lines, at) if at is None or number >= at[1]),
                    default=len(lines),
                )
                first.append((lines[: max(low, 1)] if at else lines, at))
    if not cells:
        return None
    body = [line for lines, at in first for line in (lines[at[1] :] if at else lines)]
    header = tuple(cell.text for cell in cells)
    edges = _find_edges(cells, [run for line in body for run in line.runs])
    furniture = {mark for mark, times in seen.items() if times > 1 and times >= OFTEN * count}
    plain = Shape(header, edges, _find_id_column(body, edges), furniture=frozenset(furniture))
    return _with_setting(plain, [lines[at[1] :] if at else lines for lines, at in first])


def read_rows(
    pages: Iterable[Page], shape: Shape, account: Account, known: Collection[str] = KNOWN
) -> Iterator[Record]:
    """Yield the records of a print in the order of their ids on its pages.

    Every line is accounted for: it is part of a record, of a header, of the page, or in `account.loose`.

    Args:
        pages: In their order.
        account: Is added to.
    """
    open_record: Record | None = None
    for page in pages:
        lines = lines_of(page)
        at = _find_header(lines, known)
        begin = 0
        if at is not None and _says_header(lines[at[0] : at[1]], shape, known):
            account.headers += 1
            account.furniture += at[0]
            begin = at[1]
        body = []
        margins = _margins(lines, at)
        for number, line in enumerate(lines[begin:], begin + 1):
            if number - 1 in margins and _mark(line) in shape.furniture:
                account.furniture += 1
            else:
                body.append((number, line))
        records, carried = _read_page(page.number, body, shape, account, has_open=open_record is not None)
        if carried and open_record is not None:
            account.carried += len(carried)
            _fill(open_record, carried, shape)
        if records:
            if open_record is not None:
                yield open_record
            yield from records[:-1]
            open_record = records[-1]
    if open_record is not None:
        yield open_record


def _mark(line: Line) -> tuple[str, int]:
    return re.sub(r"[0-9]+", "#", line.text)[:200], round(line.middle / 4)


def _margins(lines: Sequence[Line], header: tuple[int, int] | None) -> set[int]:
    """Return which of the outermost lines of a page stand apart: titles above, page numbers below."""
    far = [
        below.middle - above.middle > APART * max(below.height, above.height)
        for above, below in pairwise(lines)
    ]
    bottom = next(
        (at + 1 for at in range(max(len(lines) - MARGIN_LINES - 1, 0), len(far)) if far[at]), len(lines)
    )
    top = next((at + 1 for at in range(min(MARGIN_LINES, len(far)) - 1, -1, -1) if far[at]), 0)
    if header is not None:
        top, bottom = header[0], max(bottom, header[1])
    found = {*range(top), *range(bottom, len(lines))}
    return {number for number in found if not _holds_id(lines[number])}


def _holds_id(line: Line) -> bool:
    return any(_ID_BEGINS.match(run.text.strip()) for run in line.runs)


def _cells(line: Line) -> list[Run]:
    """Return the pieces of a line with the words of a cell joined."""
    cells: list[Run] = []
    for run in line.runs:
        before = cells[-1] if cells else None
        if before is not None and run.left - before.right < WORD_GAP * (run.bottom - run.top):
            cells[-1] = Run(before.left, before.top, run.right, run.bottom, _join(before.text, run.text))
        else:
            cells.append(run)
    return [Run(c.left, c.top, c.right, c.bottom, c.text.strip()) for c in cells]


def _merge(lines: Sequence[Line]) -> list[Run]:
    """Return the cells of a header that takes more than one line, from left to right."""
    cells: list[Run] = []
    for line in lines:
        for run in _cells(line):
            for number, cell in enumerate(cells):
                if run.left < cell.right and cell.left < run.right:
                    cells[number] = Run(
                        min(cell.left, run.left), cell.top, max(cell.right, run.right), run.bottom,
                        _join(cell.text, run.text),
                    )  # fmt: skip
                    break
            else:
                cells.append(run)
    return sorted(cells, key=lambda cell: cell.left)


def _header_cells(lines: Sequence[Line], known: Collection[str]) -> list[Run]:
    """Return the labels of a header; two that touch are parted where both are known."""
    return [part for cell in _merge(lines) for part in _parted(cell, known)]


def _parted(cell: Run, known: Collection[str]) -> list[Run]:
    words = cell.text.split(" ")
    if len(words) > MAX_WORDS or normalise_label(cell.text) in known:
        return [cell]
    for size in range(len(words) - 1, 0, -1):
        label, rest = " ".join(words[:size]), " ".join(words[size:])
        if normalise_label(label) not in known:
            continue
        width = (cell.right - cell.left) / max(len(cell.text), 1)
        begins = cell.left + width * (len(label) + 1)
        parts = _parted(Run(begins, cell.top, cell.right, cell.bottom, rest), known)
        if all(normalise_label(part.text) in known for part in parts):
            return [Run(cell.left, cell.top, cell.left + width * len(label), cell.bottom, label), *parts]
    return [cell]


def _find_header(lines: Sequence[Line], known: Collection[str]) -> tuple[int, int] | None:
    """Return the first and the line after the last of the best header of a page."""
    best: tuple[int, int, tuple[int, int]] | None = None
    for begin in range(len(lines)):
        if _holds_id(lines[begin]):
            break
        for size in range(1, HEADER_LINES + 1):
            window = lines[begin : begin + size]
            if len(window) < size or _holds_id(window[-1]):
                break
            labels = [cell.text for cell in _header_cells(window, known)]
            if is_header(labels, known):
                found = (count_known(labels, known), -size, (begin, begin + size))
                best = found if best is None or found[:2] > best[:2] else best
    return best[2] if best else None


def _says_header(lines: Sequence[Line], shape: Shape, known: Collection[str]) -> bool:
    labels = [normalise_label(cell.text) for cell in _header_cells(lines, known)]
    return labels == [normalise_label(label) for label in shape.header]


def _find_edges(cells: Sequence[Run], runs: Sequence[Run]) -> tuple[float, ...]:
    """Return where columns part: between two labels, at the widest strip that the least text crosses."""
    edges = []
    for left, right in pairwise(cells):
        low, high = left.right, right.left
        ends = {low, high}
        for run in runs:
            ends.update(side for side in (run.left, run.right) if low < side < high)
        sides = sorted(ends)
        best = (len(runs) + 1, 0.0, high)
        for begin, end in pairwise(sides):
            middle = (begin + end) / 2
            crossing = sum(1 for run in runs if run.left < middle < run.right)
            best = min(best, (crossing, begin - end, middle))
        edges.append(best[2] if best[0] <= len(runs) else (low + high) / 2)
    return tuple(edges)


def _find_id_column(lines: Sequence[Line], edges: Sequence[float]) -> int:
    counts: Counter[int] = Counter()
    for line in lines:
        for column, run in _placed(line, edges):
            counts[column] += bool(_ID_BEGINS.match(run.text.strip()))
    # An account may be a UUID as well: the id of a record stands to its left.
    most = max(counts.values(), default=0)
    return min((column for column, count in counts.items() if count * 2 > most), default=0)


def _placed(line: Line, edges: Sequence[float]) -> Iterator[tuple[int, Run]]:
    """Yield the pieces of a line with their columns; one that stands in two is parted at the blank between."""
    for run in line.runs:
        rest = run
        while True:
            column = sum(1 for edge in edges if rest.left >= edge - 0.5)
            edge = edges[column] if column < len(edges) else None
            if edge is None or rest.right <= edge + 2.0 or (cut := _blank_near(rest, edge)) is None:
                yield column, rest
                break
            width = (rest.right - rest.left) / max(len(rest.text), 1)
            yield column, Run(rest.left, rest.top, edge, rest.bottom, rest.text[:cut])
            begins = max(edge, rest.left + width * (cut + 1))
            rest = Run(begins, rest.top, max(rest.right, begins), rest.bottom, rest.text[cut + 1 :])


def _blank_near(run: Run, edge: float) -> int | None:
    width = (run.right - run.left) / max(len(run.text), 1)
    blanks = [i for i, letter in enumerate(run.text.rstrip()) if letter == " " and i]
    return min(blanks, key=lambda i: abs(run.left + width * (i + 0.5) - edge), default=None)


def _with_setting(shape: Shape, pages: Sequence[Sequence[Line]]) -> Shape:
    """Return a shape that knows how cells of more lines stand beside their ids.

    In a table set to the top, whatever stands in a further line of a cell has a first line beside the id; in one set
    to the bottom it has a last line there. In one set to the middle neither holds.
    """
    regions = beside_above = beside_below = 0
    distances = []
    for lines in pages:
        kept = list(lines)
        columns = [{column for column, _ in _placed(line, shape.edges)} for line in kept]
        anchors = [number for number, line in enumerate(kept) if _begins_id(line, shape)]
        for left, right in pairwise(anchors):
            between = set().union(*columns[left + 1 : right])
            if between:
                regions += 1
                beside_above += between <= columns[left]
                beside_below += between <= columns[right]
            inner = kept[left + 1 : right]
            distances += [b.middle - a.middle for a, b in pairwise(inner)]
    setting = Setting.MIDDLE
    if beside_above >= MOSTLY * regions:
        setting = Setting.TOP
    elif beside_below >= MOSTLY * regions:
        setting = Setting.BOTTOM
    heights = [line.height for lines in pages[:1] for line in lines]
    usual = 1.4 * median(heights) if heights else 12.0
    return replace(shape, setting=setting, pitch=median(distances) if distances else usual)


def _begins_id(line: Line, shape: Shape) -> bool:
    return any(
        column == shape.id_column and _ID_BEGINS.match(run.text.strip())
        for column, run in _placed(line, shape.edges)
    )


def _read_page(
    page: int, body: Sequence[tuple[int, Line]], shape: Shape, account: Account, *, has_open: bool
) -> tuple[list[Record], list[Line]]:
    """Return the records of a page, and the lines above them that go on with the record before."""
    lines = [line for _, line in body]
    anchors = [at for at, line in enumerate(lines) if _begins_id(line, shape)]
    if not anchors:
        return [], _carried(page, body, shape, account, has_open=has_open)
    begin = anchors[0] if shape.setting is Setting.TOP else 0
    carried = _carried(page, body[:begin], shape, account, has_open=has_open)
    records = []
    for number, anchor in enumerate(anchors):
        following = anchors[number + 1] if number + 1 < len(anchors) else len(lines)
        end = _end(lines, begin, anchor, following, shape)
        record = Record(page, number + 1, [""] * len(shape.header))
        _fill(record, lines[begin:end], shape)
        records.append(record)
        begin = end
    for number, _ in body[begin:]:
        account.leave(page, number)
    return records, carried


def _end(lines: Sequence[Line], begin: int, anchor: int, following: int, shape: Shape) -> int:
    """Return behind which line the row of an id ends; the row begins at `begin`, the next id is at `following`."""
    if shape.setting is Setting.BOTTOM:
        return anchor + 1
    if shape.setting is Setting.TOP and following < len(lines):
        return following
    lowest = float("inf")
    if shape.setting is Setting.MIDDLE:
        last = _end_of_id(lines, anchor, shape)
        centre = (lines[anchor].middle + lines[last].middle) / 2
        lowest = max(2 * centre - lines[begin].middle, lines[last].middle) + SAME_LINE * shape.pitch
    end = anchor + 1
    while end < following and lines[end].middle <= lowest:
        if lines[end].middle - lines[end - 1].middle > FAR * shape.pitch:
            break  # below the last row: of the page, and not of the cell
        if not _may_go_on(lines[end], shape):
            break
        end += 1
    return end


def _may_go_on(line: Line, shape: Shape) -> bool:
    """Return whether a line may be part of a row that began above: under the ids stands nothing, or more of one."""
    in_id = (run.text.strip() for column, run in _placed(line, shape.edges) if column == shape.id_column)
    return all(_ID_GOES_ON.fullmatch(text) for text in in_id)


def _end_of_id(lines: Sequence[Line], anchor: int, shape: Shape) -> int:
    """Return the line in which an id that is broken over lines ends."""
    last, text = anchor, ""
    for number, line in enumerate(lines[anchor : anchor + _ID_LENGTH], anchor):
        parts = [run.text.strip() for column, run in _placed(line, shape.edges) if column == shape.id_column]
        if number > anchor and parts and not _ID_GOES_ON.fullmatch("".join(parts)):
            break
        text += "".join(parts)
        last = number if parts else last
        if len(text) >= _ID_LENGTH:
            break
    return last


def _carried(
    page: int, lines: Sequence[tuple[int, Line]], shape: Shape, account: Account, *, has_open: bool
) -> list[Line]:
    """Return the lines at the top of a page that go on with a cell of the page before; count the others."""
    carried: list[Line] = []
    for number, line in lines:
        is_near = not carried or line.middle - carried[-1].middle <= FAR * shape.pitch
        if has_open and is_near and _may_go_on(line, shape):
            carried.append(line)
        else:
            account.leave(page, number)
    return carried


def _fill(record: Record, lines: Iterable[Line], shape: Shape) -> None:
    for line in lines:
        parts: dict[int, str] = {}
        for column, run in _placed(line, shape.edges):
            parts[column] = _join(parts[column], run.text) if column in parts else run.text
        for column, text in parts.items():
            before = record.cells[column]
            if column == shape.id_column:
                joined = before.strip() + text.strip()
                record.cells[column] = joined if len(joined) <= _ID_LENGTH else _join(before, text)
            else:
                record.cells[column] = _join(before, text) if before else text
    record.cells = [cell.rstrip() if cell.isspace() else cell for cell in record.cells]


def _join(before: str, text: str) -> str:
    """Return two pieces of a cell as one: a blank between, unless the file has one, or a word broke at its sign."""
    broken = before[-1:] in {"-", "/"} and before[-2:-1].isalnum() and text[:1].isalnum()
    return before + text if not before or broken or before[-1].isspace() else f"{before} {text}"


def is_id(text: str) -> bool:
    """Return whether a cell is the whole id of a record."""
    return _ID.fullmatch(text.strip()) is not None

"""A payment file as lines, or what refuses it. Pure.

A file is of a stranger. What refuses it names a line, a column and a kind, and never holds a text of the file. A cell
that a spreadsheet would run refuses it too, in whatever column. Columns that the form does not name are dropped here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError
from doorward.fund.grantee.cells import MAX_BYTES, MAX_ROWS, column_name
from doorward.fund.grantee.separated import read_separated
from doorward.fund.ledger.accounts import MAX_CENTS
from doorward.fund.ledger.operations import ALIEN_NUMBER, REFERENCE
from doorward.orders.fund_payments import PaymentForm

PAID: Final = "paid"
REVERSED: Final = "reversed"
MAX_REFUSALS: Final = 100
MAX_VOUCHERS: Final = 20
MAX_LINE: Final = 4_000
SAYS: Final[Mapping[str, str]] = {
    "size": f"the file has more than {MAX_BYTES} bytes",
    "rows": f"the file has more than {MAX_ROWS} lines",
    "bytes": "it is no text in the encoding of the form",
    "control": "it has a character that does not show",
    "quotes": "its quotation marks do not close",
    "long": f"the line has more than {MAX_LINE} characters",
    "empty-file": "the file has no line",
    "heading": "the form names a heading that the file has not, or has twice",
    "outside": "a cell stands outside of the headings",
    "short": "the line ends before a column of the form",
    "formula": "the cell begins as a formula does",
    "missing": "the cell is empty",
    "number": "expected a number of at most 40 letters, digits, `.`, `/` and `-`",
    "a-number": "it looks like an alien registration number, and the City holds none",
    "amount": "expected an amount as the form says, above nought and within the bounds",
    "day": "expected a day as the form says",
    "kind": "expected a word of the form",
}
_AMOUNTS: Final = {
    "dollars": re.compile(r"(-?)\$?(?:([0-9]{1,12})|([0-9]{1,3}(?:,[0-9]{3}){1,3}))\.([0-9]{2})"),
    "cents": re.compile(r"(-?)([0-9]{1,14})()()"),
}
_DAYS: Final = {
    "iso": (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), (1, 2, 3)),
    "us": (re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})"), (3, 1, 2)),
    "compact": (re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})"), (1, 2, 3)),
}
_SPLIT: Final = re.compile(r"[ ,;+]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_FIRST, _LAST = 2000, 2199


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """What of a line of a payment file is kept.

    Args:
        number: The finance system's number of the payment.
        line: The number of the line within the payment, or empty.
        vouchers: What it says it pays: ids of claims, or the grantee's own numbers.
        grantee: The payee, as the form names it.
        cents: Above nought.
        kind: `paid` or `reversed`.
        reverses: Of a reversal: the number of the payment; its own where the file does not say.
    """

    number: str
    line: str
    vouchers: tuple[str, ...]
    grantee: str
    cents: int
    day: date
    kind: str
    reverses: str = ""
    id: str = field(
        init=False, compare=False
    )  # of its text's digest, so that it is the same in whatever file

    def __post_init__(self) -> None:
        """Give it its id."""
        object.__setattr__(self, "id", sha256(self.text.encode()).hexdigest()[:32])

    @property
    def text(self) -> str:
        """Its one text: JSON, keys sorted, no spaces."""
        held = {
            "number": self.number, "line": self.line, "vouchers": self.vouchers, "grantee": self.grantee,
            "cents": self.cents, "day": self.day.isoformat(), "kind": self.kind, "reverses": self.reverses,
        }  # fmt: skip
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    @property
    def identity(self) -> tuple[str, ...]:
        """What the finance system says once: two lines of it that differ contradict each other.

        A payment's line has a number of its own, or is told from its others by payee and vouchers.
        """
        whose = (self.line,) if self.line else ("", self.grantee, *self.vouchers)
        return self.number, self.kind, *whose


@dataclass(frozen=True, slots=True, order=True)
class LineRefusal:
    """Why a file is refused.

    Args:
        row: Line of the file from 1, or 0 for the whole.
        column: Letters of a CSV's column, the first character of a fixed one, or empty.
        kind: A key of `SAYS`.
    """

    row: int
    column: str
    kind: str

    def __str__(self) -> str:
        where = f"line {self.row}" if self.row else "the file"
        return f"{where}{f', column {self.column}' if self.column else ''}: {SAYS[self.kind]}"


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A file that was read.

    Args:
        digest: Of its bytes; hexadecimal SHA-256.
        lines: With the lines of the file on which they stand, from 1.
        others: How many lines are of payees that the form does not name; nothing of them is kept.
        passed: How many say that they are none of a payment that was made.
    """

    digest: str
    form: str
    lines: tuple[tuple[int, PaymentLine], ...]
    others: int
    passed: int


def parse_dollars(text: str) -> int | None:
    """Return the cents of an amount such as `1,250.05` or `-3.00`, or None where it is none."""
    found = _AMOUNTS["dollars"].fullmatch(text)
    if found is None:
        return None
    sign, plain, parted, cents = found.groups()
    return (-1 if sign else 1) * (int((plain or parted).replace(",", "")) * 100 + int(cents))


def parse_line(text: str) -> PaymentLine:
    """Return the line of a text of `PaymentLine.text`.

    Raises:
        MalformedError: It is none.
    """
    try:
        held = json.loads(text)
        return PaymentLine(
            **{**held, "vouchers": tuple(held["vouchers"]), "day": date.fromisoformat(held["day"])}
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedError("expected the text of a payment's line") from error


def read_payments(raw: bytes, form: PaymentForm) -> tuple[PaymentFile | None, tuple[LineRefusal, ...]]:
    """Return the file's lines, or None and what refuses it; one line that is wrong refuses the whole file.

    Args:
        raw: The whole file, of a stranger.
        form: How it is laid out.
    """
    refusals: list[LineRefusal] = []
    lines: list[tuple[int, PaymentLine]] = []
    counts = {"others": 0, "passed": 0}
    for row, cells in _rows(raw, form, refusals):
        read = _Cells(row, cells, form, refusals)
        payee = read.text("payee")
        if payee and payee not in form.payees:
            counts["others"] += 1
            continue
        made = read.line(form.payees.get(payee, ""))
        if made is None:
            counts["passed"] += not read.is_wrong
        else:
            lines.append((row, made))
        if len(refusals) >= MAX_REFUSALS:
            break
    if refusals:
        return None, tuple(sorted(set(refusals))[:MAX_REFUSALS])
    return PaymentFile(sha256(raw).hexdigest(), form.digest, tuple(lines), **counts), ()


Cells = Mapping[str, tuple[str, str]]
"""Of a line, by the form's name of the column: the column as people call it, and the text."""


def _rows(raw: bytes, form: PaymentForm, refusals: list[LineRefusal]) -> Iterator[tuple[int, Cells]]:
    if len(raw) > MAX_BYTES:
        refusals.append(LineRefusal(0, "", "size"))
        return
    text = _decode(raw, form.encoding)
    if text is None:
        refusals.append(LineRefusal(0, "", "bytes"))
    elif form.format == "fixed":
        yield from _fixed_rows(text, form, refusals)
    else:
        yield from _csv_rows(text, form, refusals)


def _decode(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        pass
    return None  # outside of `except`: the error holds the bytes


def _fixed_rows(text: str, form: PaymentForm, refusals: list[LineRefusal]) -> Iterator[tuple[int, Cells]]:
    rows = [(row, line) for row, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1) if line]
    if not rows or len(rows) > MAX_ROWS:
        refusals.append(LineRefusal(0, "", "rows" if rows else "empty-file"))
        return
    spans = {name: span for name, span in form.columns.items() if isinstance(span, tuple)}
    for row, line in rows:
        bad = _CONTROL.search(line)
        if bad or len(line) > MAX_LINE:
            refusals.append(
                LineRefusal(row, str(bad.start() + 1) if bad else "", "control" if bad else "long")
            )
            continue
        if len(line) < max(last for _, last in spans.values()):
            refusals.append(LineRefusal(row, "", "short"))
            continue
        yield (
            row,
            {name: (str(first), line[first - 1 : last].strip()) for name, (first, last) in spans.items()},
        )


def _csv_rows(text: str, form: PaymentForm, refusals: list[LineRefusal]) -> Iterator[tuple[int, Cells]]:
    sheets, refused = read_separated(text.encode())
    refusals += [LineRefusal(one.place.row, one.place.column, one.kind) for one in refused]
    rows = sheets[0].rows if sheets else ()
    if not rows:
        refusals += [] if refused else [LineRefusal(0, "", "empty-file")]
        return
    heads: dict[str, list[int]] = {}
    for column, cell in rows[0][1].items():
        heads.setdefault(cell.text.strip(), []).append(column)
    places = {name: heads.get(str(heading), []) for name, heading in form.columns.items()}
    if any(len(found) != 1 for found in places.values()):
        refusals.append(LineRefusal(rows[0][0], "", "heading"))
        return
    last = max(rows[0][1])
    for row, cells in rows[1:]:
        wrong = [
            LineRefusal(row, column_name(column), "outside" if column > last else "formula")
            for column, cell in cells.items()
            if column > last or _is_formula(cell.text)
        ]
        refusals += wrong
        if not wrong:
            yield (
                row,
                {
                    name: (column_name(column), cells[column].text.strip() if column in cells else "")
                    for name, (column,) in places.items()
                },
            )


def _is_formula(text: str) -> bool:
    said = text.lstrip()
    return said[:1] in {"=", "+", "@", "-"} and not any(one.fullmatch(said) for one in _AMOUNTS.values())


class _Cells:
    """The cells of one line, and what is wrong with them."""

    def __init__(self, row: int, cells: Cells, form: PaymentForm, refusals: list[LineRefusal]) -> None:
        self._row, self._cells, self._form, self._refusals = row, cells, form, refusals
        self.is_wrong = False

    def _refuse(self, name: str, kind: str) -> None:
        self.is_wrong = True
        self._refusals.append(LineRefusal(self._row, self._cells[name][0], kind))

    def text(self, name: str) -> str:
        return self._cells[name][1] if name in self._cells else ""

    def _reference(self, name: str, *, needed: bool) -> str:
        said = self.text(name)
        if not said:
            if needed:
                self._refuse(name, "missing")
        elif ALIEN_NUMBER.search(said):
            self._refuse(name, "a-number")
        elif not REFERENCE.fullmatch(said):
            self._refuse(name, "number")
        return said

    def _vouchers(self) -> tuple[str, ...]:
        said = [one for one in _SPLIT.split(self.text("voucher")) if one]
        if not said:
            self._refuse("voucher", "missing")
        if ALIEN_NUMBER.search(self.text("voucher")):
            self._refuse("voucher", "a-number")
        elif len(said) > MAX_VOUCHERS or not all(REFERENCE.fullmatch(one) for one in said):
            self._refuse("voucher", "number")
        return tuple(sorted(set(said)))

    def _amount(self) -> int:
        found = _AMOUNTS[self._form.amount].fullmatch(self.text("amount"))
        if found is None:
            self._refuse("amount", "amount")
            return 0
        sign, plain, parted, cents = found.groups()
        whole = int((plain or parted).replace(",", ""))
        total = whole if self._form.amount == "cents" else whole * 100 + int(cents)
        if not 0 < total <= MAX_CENTS:
            self._refuse("amount", "amount")
        return -total if sign else total

    def _day(self, name: str) -> date:
        pattern, order = _DAYS[self._form.day]
        found = pattern.fullmatch(self.text(name))
        try:
            day = date(*(int(found.group(at)) for at in order)) if found else date.min
        except ValueError:
            day = date.min
        if not _FIRST <= day.year <= _LAST:
            self._refuse(name, "day")
        return day

    def _kind(self, cents: int) -> str:
        if "kind" not in self._cells:
            return PAID if cents >= 0 else REVERSED
        kind = self._form.words.get(self.text("kind"), "")
        if not kind:
            self._refuse("kind", "kind")
        return kind

    def line(self, grantee: str) -> PaymentLine | None:
        """Return the line, or None where it is of no payment that was made, or is wrong."""
        if not self.text("payee"):
            self._refuse("payee", "missing")
            return None
        cents = self._amount()
        kind = self._kind(cents)
        if kind == PAID and cents < 0:
            self._refuse("amount", "amount")
        number = self._reference("number", needed=True)
        part = self._reference("line", needed=False)
        vouchers, day = self._vouchers(), self._day("day")
        reverses = self._reference("reverses", needed=False)
        if self.is_wrong or kind not in {PAID, REVERSED}:
            return None
        reverses = (reverses or number) if kind == REVERSED else ""
        return PaymentLine(number, part, vouchers, grantee, abs(cents), day, kind, reverses)

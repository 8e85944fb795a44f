"""A year's statement for people: acts, lines, grantees, cash, and what it was checked against. Pure.

Everything is told in cents that the ledger has; sums stand in the last row of each table, and were added up here. A
table is heads and rows of text: how it is set is the caller's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.export import LineStatement, Written, make_statement
from doorward.fund.ledger.operations import Appropriate, Opening, Refund
from doorward.fund.ledger.state import State

ALL: Final = "All"
_A: Final = Account


@dataclass(frozen=True, slots=True)
class Figures:
    """One table: what it shows, its heads, its rows, and from which column on they are numbers."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first_number: int


@dataclass(frozen=True, slots=True)
class Yearly:
    """A year's statement.

    Args:
        facts: Names and values that stand above it.
        notes: Whoever reads the figures must know them.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[tuple[str, tuple[str, ...], tuple[Figures, ...]], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the ledger was held against, with no difference found.

    Args:
        last: Sequence of the last entry of the record that was read.
        unended: How many entries have no end.
        published: Whether the disclosures were at hand, or the spool alone.
    """

    last: int
    unended: int
    published: bool


def format_money(cents: int) -> str:
    """Return dollars with commas and two places, exactly; below nought in brackets, as accounts do."""
    whole, rest = divmod(abs(cents), 100)
    said = f"{whole:,}.{rest:02d}"
    return f"({said})" if cents < 0 else said


def make_yearly(
    state: State, written: Sequence[Written], year: int, titles: Mapping[str, str], checked: Checked
) -> Yearly:
    """Return the statement of a year.

    Args:
        state: The whole fund.
        written: Every transaction.
        year: That was opened.
        titles: Of lines, and of sources as `source.CODE`, as the order words them.

    Raises:
        MalformedError: A line's authority does not add up: the ledger is not what it must be.
    """
    of = state.years[year]
    lines = make_statement(state, written, year)
    if not all(line.is_whole for line in lines):
        raise MalformedError(f"what came into a line of {year} is not what went out of it")
    acts = _acts(written, year)
    back = _returned(written, year)
    status = "closed" if of.closed else "open: these figures may still change"
    facts = (
        ("Fiscal year", f"{of.begins} to {of.ends}"),
        ("Status", status),
        ("Transactions of the ledger", str(len(written))),
        ("Last entry of the record", str(checked.last)),
    )
    sections = (
        (
            "Authority",
            _AUTHORITY_SAYS,
            (_acts_table(acts, titles), _came(lines, acts, titles), _went(lines, titles)),
        ),
        ("Grantees", (), (_grantees(state, year, titles),)),
        ("Cash", (), (_cash(lines, titles), *([_came_back(back, titles)] if back else []))),
    )
    return Yearly(
        f"Legal defense fund: fiscal year {year}", facts, sections, _notes(checked, closed=of.closed)
    )


_AUTHORITY_SAYS: Final = (
    "Authority is what may be spent. What came into a line is spent, still set aside, available, lapsed or carried.",
)
Act = tuple[Written, str, str, str, int]


def _acts(written: Iterable[Written], year: int) -> list[Act]:
    """Return each act of authority: its transaction, line, source, reference, cents."""
    found: list[Act] = []
    for one in written:
        operation = one.submission.operation
        if isinstance(operation, (Appropriate, Opening)) and operation.year == year:
            source = operation.source if isinstance(operation, Appropriate) else ""
            found.append((one, operation.line, source, operation.reference, operation.cents))
    return found


def _amended(acts: Iterable[Act]) -> dict[str, int]:
    """Return what was added to or taken from each line after its first act, in cents."""
    seen: set[str] = set()
    found: dict[str, int] = {}
    for one, line, _, _, cents in acts:
        if line in seen and isinstance(one.submission.operation, Appropriate):
            found[line] = found.get(line, 0) + cents
        seen.add(line)
    return found


def _acts_table(acts: Sequence[Act], titles: Mapping[str, str]) -> Figures:
    rows = [
        (str(one.submission.day), _title(titles, line), titles.get(f"source.{source}", source) or "taken over",
         reference, format_money(cents))
        for one, line, source, reference, cents in acts
    ]  # fmt: skip
    total = sum(cents for *_, cents in acts)
    return Figures(
        "Acts of appropriation, in dollars",
        ("Day", "Line", "Source", "Act", "Amount"),
        (*rows, (ALL, "", "", "", format_money(total))),
        4,
    )


def _title(titles: Mapping[str, str], line: str) -> str:
    return titles.get(line, line)


def _table(
    caption: str, heads: tuple[str, ...], named: Sequence[tuple[tuple[str, ...], tuple[int, ...]]]
) -> Figures:
    """Return a table whose last row adds the others up."""
    first = len(named[0][0]) if named else 1
    sums = [sum(column) for column in zip(*(cents for _, cents in named), strict=True)]
    rows = [(*names, *map(format_money, cents)) for names, cents in named]
    if rows:
        rows.append((ALL, *[""] * (first - 1), *map(format_money, sums)))
    return Figures(caption, heads, tuple(rows), first)


def _came(lines: Sequence[LineStatement], acts: Iterable[Act], titles: Mapping[str, str]) -> Figures:
    amended = _amended(acts)
    return _table(
        "What came into each line, in dollars",
        ("Line", "Appropriated first", "Amended", "Carried in", "Together"),
        [
            ((_title(titles, one.line),), (
                one.appropriated - amended.get(one.line, 0), amended.get(one.line, 0), one.carried_in,
                one.appropriated + one.carried_in,
            ))
            for one in lines
        ],
    )  # fmt: skip


def _went(lines: Sequence[LineStatement], titles: Mapping[str, str]) -> Figures:
    return _table(
        "Where it is, in dollars",
        ("Line", "Spent", "Encumbered", "Pending", "Available", "Lapsed", "Carried out", "Together"),
        [
            ((_title(titles, one.line),), (
                one.expended, one.encumbered, one.pending, one.available, one.lapsed, one.carried_out,
                one.expended + one.encumbered + one.pending + one.available + one.lapsed + one.carried_out,
            ))
            for one in lines
        ],
    )  # fmt: skip


def _grantees(state: State, year: int, titles: Mapping[str, str]) -> Figures:
    def held(account: Account, line: str, of: str) -> int:
        return state.at(account, year, line, of)

    named = [
        ((state.agreements[of].grantee, of, _title(titles, line)), (
            held(_A.EXPENDED, line, of), held(_A.ENCUMBERED, line, of) + held(_A.PENDING, line, of),
            held(_A.EXPENSE, line, of) + held(_A.ADVANCE, line, of) + held(_A.PAYABLE, line, of)
            + held(_A.REFUND, line, of),
            held(_A.ADVANCE, line, of), -held(_A.PAYABLE, line, of),
        ))
        for _, line, of in sorted(
            state.holdings(year=year), key=lambda held: (state.agreements[held[2]].grantee, held[2], held[1])
        )
    ]  # fmt: skip
    return _table(
        "Each grantee, agreement and line, in dollars",
        ("Grantee", "Agreement", "Line", "Spent", "Set aside", "Paid", "Advanced", "Payable"),
        [row for row in named if any(row[1])],
    )


def _cash(lines: Sequence[LineStatement], titles: Mapping[str, str]) -> Figures:
    return _table(
        "What was paid, in dollars",
        ("Line", "Paid", "Advanced, not recouped", "Approved, not paid", "Came back for closed years"),
        [((_title(titles, one.line),), (one.paid, one.advanced, one.payable, one.refunded)) for one in lines],
    )


def _returned(written: Iterable[Written], year: int) -> list[tuple[Written, Refund]]:
    return [
        (one, one.submission.operation)
        for one in written
        if isinstance(one.submission.operation, Refund) and one.submission.operation.year == year
    ]


def _came_back(back: Sequence[tuple[Written, Refund]], titles: Mapping[str, str]) -> Figures:
    return _table(
        "What came back, in dollars",
        ("Day", "Agreement", "Line", "Of the year", "Number", "Amount"),
        [
            (
                (str(one.submission.day), refund.agreement, _title(titles, refund.line), str(refund.of_year),
                 refund.reference),
                (refund.cents,),
            )
            for one, refund in back
        ],
    )  # fmt: skip


def _notes(checked: Checked, *, closed: bool) -> tuple[str, ...]:
    record = (
        "published and in the log" if checked.published else "not published yet: the spool alone was read"
    )
    unended = f"{checked.unended} entries of the record have no end; nothing of them is counted."
    return (
        "The City's finance system is the book of record. This ledger says what that pays for, and to whom.",
        f"{_CHECKED} {record}",
        *([unended] if checked.unended else []),
        _RETURNED,
        _BRACKETS,
        "Nothing here names a person served: the City does not hold it.",
        *([] if closed else ["The year is open: this is no final statement."]),
    )


_CHECKED: Final = (
    "Every transaction, posting and balance was held against the record, and the record was added up by itself: "
    "no difference."
)
_READ: Final = "The disclosures were read; that they are those of the log is what `doorward log verify` says."
_RETURNED: Final = (
    "Money that came back for a year that is closed gives nothing to spend; whether it may be appropriated again "
    "without a new act is for counsel."
)
_BRACKETS: Final = (
    "A figure in brackets is below nought. Cash and authority differ by advances, by what is approved and not paid, "
    "and by what came back for closed years."
)


def tables_of(yearly: Yearly) -> dict[str, Figures]:
    """Return every table by its caption."""
    return {one.caption: one for _, _, tables in yearly.sections for one in tables}

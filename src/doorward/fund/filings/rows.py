"""Rows of the reports' tables as values of the core, and the reverse. No statement of its own commits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Final, TypeVar

import psycopg

from doorward.fund import rows as ledger_rows
from doorward.fund.filings.acts import (
    NAMES,
    AcceptTerms,
    Act,
    AskException,
    CloseQuarter,
    DeliverTable,
    DrawSample,
    EnterReview,
    FileReport,
    Filing,
    GrantException,
    NoteRefusal,
    SetTerms,
    parse_filing,
)
from doorward.fund.filings.standing import Exception_, Kept, OnFile, Review, Sample, Terms
from doorward.fund.grantee.checks import Finding
from doorward.fund.grantee.report import Cost, Outcome, Report, Units
from doorward.fund.ledger.state import Agreement

Connection = psycopg.Connection[Any]
People = Mapping[str, int]
"""The lower end of the band of each category of a table."""
Row = TypeVar("Row", Units, Outcome, Cost)
_UNITS: Final = "service, detained, stage, opened, carried, closed, units"
_COSTS: Final = "line, invoice, service, units, price_cents, amount_cents, note"


@dataclass(frozen=True, slots=True)
class KeptFiling:
    """A filing as it is kept, with the sequence of its entry in the record."""

    number: int
    entry: int
    text: str


def read_filings(
    connection: Connection, agreement: str | None = None, *, but: str | None = None
) -> list[KeptFiling]:
    """Return every filing of an agreement, or all, in their order.

    Args:
        connection: Of the role that reads the fund.
        agreement: Of which; None for all.
        but: An act that is left out.
    """
    found = connection.execute(
        "SELECT f.number, coalesce(r.entry, -1), f.text FROM fund.filing f "
        "LEFT JOIN fund.filing_recorded r ON r.filing = f.number "
        "WHERE (%(agreement)s::text IS NULL OR f.agreement = %(agreement)s) "
        "AND (%(but)s::text IS NULL OR f.act <> %(but)s) ORDER BY f.number",
        {"agreement": agreement, "but": but},
    )
    return [KeptFiling(*row) for row in found]


def read_reports(connection: Connection, agreement: str | None = None) -> dict[int, Report]:
    """Return each report as its rows say, by its number."""
    heads = connection.execute(
        "SELECT filing, agreement, begins, ends FROM fund.report "
        "WHERE %(agreement)s::text IS NULL OR agreement = %(agreement)s ORDER BY filing",
        {"agreement": agreement},
    ).fetchall()
    numbers = [row[0] for row in heads]
    units = _rows(connection, "report_units", _UNITS, numbers, Units)
    outcomes = _rows(connection, "report_outcome", "service, outcome, cases", numbers, Outcome)
    costs = _rows(connection, "report_cost", _COSTS, numbers, Cost)
    return {
        number: Report(
            of,
            begins,
            ends,
            tuple(units.get(number, ())),
            tuple(outcomes.get(number, ())),
            tuple(costs.get(number, ())),
        )
        for number, of, begins, ends in heads
    }


def _rows(
    connection: Connection, table: str, columns: str, numbers: list[int], make: Callable[..., Row]
) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    told = connection.execute(
        f"SELECT report, place, {columns} FROM fund.{table} WHERE report = ANY (%s) ORDER BY report, place",  # noqa: S608  # names of our own tables
        [numbers],
    )
    for number, *row in told:
        found.setdefault(number, []).append(make(*row))
    return found


def read_of_report(connection: Connection, report: int) -> OnFile | None:
    """Return everything on file of the agreement that a report is of, or None where there is no such report."""
    found = connection.execute("SELECT agreement FROM fund.report WHERE filing = %s", [report]).fetchone()
    return read_on_file(connection, found[0]) if found else None


def read_all_on_file(connection: Connection, *, closed: bool) -> list[OnFile]:
    """Return everything that is on file of the agreements that are closed out, or of the others, by their ids."""
    found = connection.execute(
        "SELECT id FROM fund.agreement WHERE (closed_by IS NOT NULL) = %s ORDER BY id", [closed]
    ).fetchall()
    return [read_on_file(connection, name) for (name,) in found]


def read_on_file(connection: Connection, agreement: str) -> OnFile:
    """Return everything that is on file of an agreement; of one that is not there, nothing but the rules."""
    rules = ledger_rows.read_rules(connection)
    closed = frozenset(one for (one,) in connection.execute("SELECT quarter FROM fund.closed_quarter"))
    row = connection.execute(
        "SELECT id, grantee, begins, ends, author, closed_by IS NOT NULL FROM fund.agreement WHERE id = %s",
        [agreement],
    ).fetchone()
    if row is None:
        return OnFile(rules, None, closed=closed)
    held = OnFile(rules, Agreement(*row), closed=closed)
    findings = _findings(connection, agreement)
    reports = read_reports(connection, agreement)
    noted = NAMES[NoteRefusal]  # a grantee makes as many as it likes; of one nothing counts but who sent it
    parties = {
        one
        for (one,) in connection.execute(
            "SELECT login FROM fund.transaction WHERE agreement = %(agreement)s "
            "UNION SELECT login FROM fund.filing WHERE agreement = %(agreement)s AND act = %(noted)s",
            {"agreement": agreement, "noted": noted},
        )
    }
    for filed in read_filings(connection, agreement, but=noted):
        filing = parse_filing(filed.text)
        if not isinstance(filing.act, (DrawSample, EnterReview)):
            parties.add(filing.by)
        if isinstance(filing.act, FileReport):
            kept = Kept(
                filed.number,
                filing.by,
                filing.day,
                filed.entry,
                reports[filed.number],
                tuple(sorted(findings.get(filed.number, ()))),
            )
            held = held.with_report(kept)
        else:
            held = _follow(held, filed.number, filing)
    waiting = connection.execute(
        "SELECT DISTINCT c.report FROM fund.claim_of_report c JOIN fund.report r ON r.filing = c.report "
        "WHERE c.stands AND r.agreement = %s",
        [agreement],
    )
    return replace(held, parties=frozenset(parties), waiting=frozenset(one for (one,) in waiting))


def _findings(connection: Connection, agreement: str) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for number, *finding in connection.execute(
        "SELECT f.report, f.place, f.heading, f.rule FROM fund.finding f JOIN fund.report r ON r.filing = f.report "
        "WHERE r.agreement = %s",
        [agreement],
    ):
        found.setdefault(number, []).append(Finding(*finding))
    return found


def _follow(held: OnFile, number: int, filing: Filing) -> OnFile:  # one an act
    """Return what is on file after an act that was taken, other than a report."""
    act, by = filing.act, filing.by
    if isinstance(act, SetTerms):
        return replace(held, terms=(*held.terms, Terms(number, by, act)))
    if isinstance(act, AcceptTerms):
        terms = [replace(one, accepted_by=by) if one.number == act.terms else one for one in held.terms]
        return replace(held, terms=tuple(terms))
    if isinstance(act, DeliverTable):
        return replace(held, delivered=held.delivered | {(act.way, act.quarter)})
    if isinstance(act, GrantException):
        for kept in held.reports.values():
            exceptions = [
                replace(one, granted_by=by) if one.number == act.exception else one for one in kept.exceptions
            ]
            if tuple(exceptions) != kept.exceptions:
                return held.with_report(replace(kept, exceptions=tuple(exceptions)))
        return held
    of = held.reports.get(getattr(act, "report", 0))
    if of is None:
        return held
    return held.with_report(_change(of, number, by, act))


def _change(kept: Kept, number: int, by: str, act: Act) -> Kept:
    if isinstance(act, AskException):
        asked = Exception_(number, Finding(act.row, act.column, act.rule), act.reason, by)
        return replace(kept, exceptions=(*kept.exceptions, asked))
    if isinstance(act, DrawSample):
        return replace(kept, sample=Sample(number, act.leaf, act.root, act.wanted))
    if isinstance(act, EnterReview):
        return replace(kept, review=Review(number, by, act.answers))
    return replace(kept, returned_by=by)


def agreement_of(connection: Connection, act: Act) -> str | None:
    """Return the agreement that an act is of; None where there is none, or of a quarter."""
    if isinstance(act, FileReport):
        return act.report.agreement
    named = getattr(act, "agreement", None)
    if named is not None:
        return str(named)
    about = about_of(act)
    found = connection.execute("SELECT agreement FROM fund.filing WHERE number = %s", [about]).fetchone()
    return found[0] if found else None


def about_of(act: Act) -> int | None:
    """Return the number of the filing that an act is about."""
    if isinstance(act, AcceptTerms):
        return act.terms
    if isinstance(act, GrantException):
        return act.exception
    return act.report if not isinstance(act, FileReport) and hasattr(act, "report") else None


def put_filing(
    connection: Connection,
    filing: Filing,
    text: str,
    *,
    findings: tuple[Finding, ...],
    agreement: str | None,
    people: People | None,
) -> int:
    """Return the number of a filing that is put in, with the rows that its act makes."""
    act = filing.act
    row = connection.execute(
        "INSERT INTO fund.filing (key, act, login, day, agreement, about, text) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING number",
        [filing.key, NAMES[type(act)], filing.by, filing.day, agreement, about_of(act), text],
    ).fetchone()
    assert row is not None
    number = int(row[0])
    if isinstance(act, FileReport):
        _put_report(connection, number, act.report, findings)
    elif isinstance(act, SetTerms):
        _put(connection, "bought", number, [astuple(one) for one in act.bought])
        _put(connection, "budgeted", number, [astuple(one) for one in act.budget])
        _put(connection, "charged", number, [astuple(one) for one in act.charged])
    elif isinstance(act, AskException):
        _put(connection, "exception", number, [(act.report, act.row, act.column, act.rule, act.reason)])
    elif isinstance(act, DrawSample):
        _put(connection, "drawn", number, [(act.leaf, act.root, act.wanted)])
    elif isinstance(act, EnterReview):
        _put(connection, "reviewed", number, [(list(act.answers),)])
    elif isinstance(act, CloseQuarter):
        connection.execute("INSERT INTO fund.closed_quarter VALUES (%s, %s)", [act.quarter, number])
    elif isinstance(act, DeliverTable) and people is not None:
        connection.execute(
            "SELECT fund.deliver(%s, %s, %s, %s, %s, %s)",
            [number, act.agreement, act.way, act.quarter, list(people), list(people.values())],
        )
    return number


def _put_report(connection: Connection, number: int, report: Report, findings: Iterable[Finding]) -> None:
    connection.execute(
        "INSERT INTO fund.report VALUES (%s, %s, %s, %s, %s)",
        [number, report.agreement, report.first, report.last, report.digest],
    )
    _put(connection, "report_units", number, [astuple(one) for one in report.units])
    _put(connection, "report_outcome", number, [astuple(one) for one in report.outcomes])
    _put(connection, "report_cost", number, [astuple(one) for one in report.costs])
    _put(connection, "finding", number, [(one.row, one.column, one.rule) for one in findings])


def _put(connection: Connection, table: str, number: int, values: Sequence[tuple[object, ...]]) -> None:
    if not values:
        return
    places = ", ".join(["%s"] * (len(values[0]) + 1))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO fund.{table} VALUES ({places})",  # noqa: S608  # names of our own tables
            [[number, *one] for one in values],
        )


def read_banded(connection: Connection, quarter: str) -> dict[str, dict[str, dict[int, int]]]:
    """Return of a closed quarter how many tables have which band, by way and category."""
    found: dict[str, dict[str, dict[int, int]]] = {}
    for way, category, band, tables in connection.execute(
        "SELECT way, category, band, tables FROM fund.banded_closed WHERE quarter = %s ORDER BY 1, 2, 3",
        [quarter],
    ):
        found.setdefault(way, {}).setdefault(category, {})[band] = tables
    return found

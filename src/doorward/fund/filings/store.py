"""Filings in PostgreSQL: one filing, one database transaction, recorded before it is told, as a posting is (ADR 65).

Writers of the ledger and of filings take the same turn, so each sees what the other committed: of two that file the
same invoice at once one is first, and the second is told so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from doorward.fund.entries import WITHDRAWN, Proof, end_entry
from doorward.fund.filings import rows
from doorward.fund.filings.acts import Filing, format_filing, parse_filing
from doorward.fund.filings.bill import Bill, make_invoice
from doorward.fund.filings.decide import decide_filing
from doorward.fund.filings.entries import FILED, filing_entry
from doorward.fund.filings.standing import OnFile
from doorward.fund.grantee.checks import Finding
from doorward.fund.ledger.operations import ID, File, Submission, parse_transaction
from doorward.fund.ledger.refusal import Refusal, refuse
from doorward.fund.store import TAKE_TURN, TYPED_PROOF, Prover, Receipt, Store, believe, is_lost
from doorward.orders.fund_units import FundUnits
from doorward.record.entry import Kind

Step = Callable[[str], None]
MAX_TEXT: Final = 65_536


@dataclass(frozen=True, slots=True)
class Filed:
    """What was put on file.

    Args:
        number: Of the filing: a report, an exception and terms are named by it.
        entry: Sequence of its entry in the record.
        findings: Of a report.
        again: It had been filed before, under the same key.
    """

    number: int
    entry: int
    findings: tuple[Finding, ...] = ()
    again: bool = False


class Filings:
    """The filings of one fund; not for use by several threads, of which each has its own.

    Args:
        store: Of the fund; its connection is used, and its recorder.
        units: The order's words.
        step: Called with the name of each step behind it, so that tests can die there.
    """

    def __init__(self, store: Store, units: FundUnits, *, step: Step = lambda _: None) -> None:
        self._store = store
        self._recorder = store.recorder
        self._units = units
        self._step = step

    def file(
        self, filing: Filing, *, now: datetime, people: rows.People | None = None, proof: Proof = TYPED_PROOF
    ) -> Filed | Refusal:
        """Return what was put on file, or why nothing was; safe to call again with the same filing.

        Args:
            filing: From anybody; that the login is who it says is the caller's to prove.
            people: Of a delivered table: the band of each category. It is added up and kept nowhere else.
            proof: How the caller knows the login; it is recorded.

        Raises:
            UpstreamError: As `Store.submit`.
            StoreError: As `Store.submit`.
        """
        return self._store.attempt(lambda: self._try(filing, now, people, proof))

    def _try(
        self, filing: Filing, now: datetime, people: rows.People | None, proof: Proof
    ) -> Filed | Refusal:
        recorded: int | None = None
        text = format_filing(filing)
        named = getattr(filing.act, "agreement", "x")
        if not ID.fullmatch(named):  # a NUL in an id is no question for PostgreSQL
            return refuse("form", "an agreement's id is of lower-case letters, digits and `-`")
        if len(text) > MAX_TEXT:
            return refuse("form", "the report has more rows than the City takes in one: add rows up")
        connection = self._store.connect()
        try:
            with connection.transaction():
                connection.execute(TAKE_TURN)
                self._step("turn")
                found = _find(connection, filing)
                if found is not None:
                    if isinstance(found, Filed):
                        self._recorder.record(
                            [(Kind.FUND, end_entry(filing.key, found.entry, FILED))], now=now
                        )
                    return found
                agreement = rows.agreement_of(connection, filing.act)
                taken = decide_filing(rows.read_on_file(connection, agreement or ""), self._units, filing)
                if isinstance(taken, Refusal):
                    return taken
                number = rows.put_filing(
                    connection, filing, text, findings=taken.findings, agreement=agreement, people=people
                )
                connection.execute("SET CONSTRAINTS fund.filing_is_whole IMMEDIATE")
                self._step("checked")
                recorded = self._recorder.record([(Kind.FUND, filing_entry(filing, text, proof))], now=now)
                self._step("recorded")
                connection.execute("INSERT INTO fund.filing_recorded VALUES (%s, %s)", [number, recorded])
        except psycopg.Error as error:
            if recorded is not None and not is_lost(error):
                self._recorder.record([(Kind.FUND, end_entry(filing.key, recorded, WITHDRAWN))], now=now)
            raise
        self._step("committed")
        self._recorder.record([(Kind.FUND, end_entry(filing.key, recorded, FILED))], now=now)
        return Filed(number, recorded, taken.findings)

    def on_file(self, agreement: str) -> OnFile:
        """Return everything that is on file of an agreement at one moment; raises UpstreamError."""
        with self._store.reading() as connection:
            return rows.read_on_file(connection, agreement)

    def of_report(self, report: int) -> OnFile | None:
        """Return everything on file of the agreement that a report is of, or None where there is no such report."""
        with self._store.reading() as connection:
            return rows.read_of_report(connection, report)

    def banded(self, quarter: str) -> dict[str, dict[str, dict[int, int]]]:
        """Return of a closed quarter how many tables have which band, by way and category; raises UpstreamError."""
        with self._store.reading() as connection:
            return rows.read_banded(connection, quarter)

    def bill(self, asked: Bill, *, now: datetime, prove: Prover = believe) -> Receipt | Refusal:
        """Return the claim that was filed in the ledger for an invoice of a report, or why none was.

        Between the look at the report and the filing of the claim somebody may return the report: PostgreSQL then
        refuses the claim (`claim_is_billed`).

        Raises:
            UpstreamError: As `Store.submit`.
            StoreError: As `Store.submit`.
        """
        held = self.of_report(asked.report)
        if held is None:
            return refuse("report", f"there is no report {asked.report}")
        with self._store.reading() as connection:
            claims = [
                one
                for (one,) in connection.execute(
                    "SELECT id FROM fund.claim WHERE id LIKE %s", [f"report-{asked.report}-{asked.invoice}%"]
                )
            ]
            again = connection.execute(
                "SELECT text FROM fund.transaction WHERE key = %s", [asked.key]
            ).fetchone()
        if again is not None:
            sent = parse_transaction(again[0])[0]
            if not _is_of(sent, asked):
                return refuse("key", "this key was used for something else; a new invoice has a new key")
            return self._store.submit(sent, now=now, proof=prove(sent))
        made = make_invoice(held, asked, claims)
        if isinstance(made, Refusal):
            return made
        return self._store.submit(made, now=now, proof=prove(made))


def _is_of(sent: Submission, asked: Bill) -> bool:
    """Return whether a transaction filed the invoice that is asked for, in any year and by the same person."""
    name = f"report-{asked.report}-{asked.invoice}"
    filed = sent.operation
    return (
        isinstance(filed, File)
        and sent.by == asked.by
        and (filed.claim == name or filed.claim.startswith(f"{name}-"))
    )


def _find(connection: psycopg.Connection[Any], filing: Filing) -> Filed | Refusal | None:
    found = connection.execute(
        "SELECT f.number, r.entry, f.text FROM fund.filing f JOIN fund.filing_recorded r ON r.filing = f.number "
        "WHERE f.key = %s",
        [filing.key],
    ).fetchone()
    if found is None:
        return None
    number, entry, text = found
    if parse_filing(text) != filing:
        return refuse("key", "this key was used for something else; a new filing has a new key")
    findings = connection.execute(
        "SELECT place, heading, rule FROM fund.finding WHERE report = %s ORDER BY 1, 2, 3", [number]
    )
    return Filed(number, entry, tuple(Finding(*one) for one in findings), again=True)

"""What the commands of reports, exceptions and reviews share: one filing, and what came of it.

Exit codes: 0 on file, 1 refused, 2 usage, 3 the database, the record or a file could not be reached.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NoReturn

import typer

from doorward.cli.fund_booking import Who, command_of, parse_key, prove_text
from doorward.cli.fund_files import load_units
from doorward.cli.fund_link import Link, echo, read_clock
from doorward.desk.roles import MAY, Act, Role
from doorward.fund.entries import Proof
from doorward.fund.filings.acts import (
    NAMES,
    DeliverTable,
    EnterReview,
    FileReport,
    Filing,
    NoteRefusal,
    format_filing,
)
from doorward.fund.filings.acts import Act as FiledAct
from doorward.fund.filings.rows import People
from doorward.fund.filings.standing import Kept
from doorward.fund.filings.store import Filed, Filings
from doorward.fund.grantee.checks import Finding
from doorward.fund.ledger.operations import Submission, format_submission
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.store import Receipt

_OFFICES: Final[dict[type, frozenset[Role]]] = {
    EnterReview: MAY[Act.FUND_REVIEW],
    **dict.fromkeys((FileReport, NoteRefusal, DeliverTable), MAY[Act.FUND_REPORT] | MAY[Act.FUND_CHECK]),
}
"""Whose keys may sign what; the fund's office everything else."""


@contextmanager
def open_filings(link: Link, now: datetime) -> Iterator[Filings]:
    """Yield the filings of a fund, with the words of its order; raises as `Link.open`."""
    units = load_units(link.order)
    with link.open(now) as store:
        yield Filings(store, units)


def take(  # flags of a command
    act: FiledAct, who: Who, on: datetime | None, key: str | None, link: Link, *, people: People | None = None
) -> Filed | Refusal:
    """Return what came of an act that somebody files now; raises as `prove_filing`."""
    now = read_clock()
    filing, proof = prove_filing(Filing(parse_key(key), "", link.day(on, now), act), who, link)
    with open_filings(link, now) as filings:
        return filings.file(filing, now=now, people=people, proof=proof)


def prove_filing(filing: Filing, who: Who, link: Link) -> tuple[Filing, Proof]:
    """Return a filing with the login of who files it, and how that is known; raises as `prove_text`."""
    offices = _OFFICES.get(type(filing.act), MAY[Act.FUND_CHECK])
    by, proof = prove_text(lambda by: format_filing(replace(filing, by=by)), offices, who, link)
    return replace(filing, by=by), proof


def prove_claim(submission: Submission, who: Who, link: Link) -> Proof:
    """Return how it is known who files the claim of an invoice: a grantee, or the fund's office for it.

    Raises:
        ConfigError: As `prove_text`.
    """
    offices = MAY[Act.FUND_REPORT] | MAY[Act.FUND_BOOK]
    return prove_text(lambda by: format_submission(replace(submission, by=by)), offices, who, link)[1]


def files(build: Callable[..., FiledAct]) -> Callable[..., None]:
    """Return a command that files what `build` makes; see `command_of`."""
    return command_of(build, do_filing)


def do_filing(  # flags of a command
    act: FiledAct, who: Who, on: datetime | None, key: str | None, link: Link, *, as_json: bool
) -> None:
    """File an act, and say what came of it; ends with 1 where it is refused."""
    answer = take(act, who, on, key, link)
    name = NAMES[type(act)]
    if isinstance(answer, Refusal):
        say_refused(name, answer, as_json=as_json)
    if as_json:
        echo(
            {"filed": name, "number": answer.number, "entry": answer.entry, "again": answer.again,
             "findings": findings_json(answer.findings)}
        )  # fmt: skip
        return
    again = ", filed before under this key" if answer.again else ""
    typer.echo(f"{name}: number {answer.number}, entry {answer.entry}{again}")
    for one in answer.findings:
        typer.echo(f"  {'refer' if one.refers else 'stops it'}: {one} ({one.rule})")


def say_refused(name: str, refusal: Refusal, *, as_json: bool) -> NoReturn:
    """Say why nothing was filed; raises Exit with 1."""
    if as_json:
        echo({"filed": name, "refused": refusal.code, "says": refusal.says})
    else:
        typer.echo(f"{name}: refused ({refusal.code}): {refusal.says}")
    raise typer.Exit(1)


def say_claim(answer: Receipt | Refusal, *, as_json: bool) -> None:
    """Say which claim an invoice became; ends with 1 where it is refused."""
    if isinstance(answer, Refusal):
        say_refused("invoice", answer, as_json=as_json)
    if as_json:
        echo({"filed": "invoice", "transaction": answer.number, "entry": answer.entry, "again": answer.again})
        return
    again = ", filed before under this key" if answer.again else ""
    typer.echo(f"invoice: transaction {answer.number}, entry {answer.entry}{again}")


def findings_json(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Return findings as JSON has them."""
    return [
        {"row": one.row, "column": one.column, "rule": one.rule, "says": one.says, "refers": one.refers}
        for one in findings
    ]


def report_json(kept: Kept) -> dict[str, Any]:
    """Return a report on file as JSON has it, without logins."""
    return {
        "report": kept.number,
        "agreement": kept.report.agreement,
        "from": kept.report.first.isoformat(),
        "to": kept.report.last.isoformat(),
        "filed": kept.day.isoformat(),
        "entry": kept.entry,
        "digest": kept.report.digest,
        "status": kept.status,
        "invoices": sorted({cost.invoice for cost in kept.report.costs}),
        "findings": findings_json(kept.findings),
        "open": findings_json(kept.open),
        "exceptions": [
            {"exception": one.number, "row": one.finding.row, "column": one.finding.column,
             "rule": one.finding.rule, "reason": one.reason, "granted": bool(one.granted_by)}
            for one in kept.exceptions
        ],
        "sample": None if kept.sample is None else {"leaf": kept.sample.leaf, "root": kept.sample.root},
        "reviewed": None
        if kept.review is None
        else {"drawn": len(kept.review.answers), "passed": kept.review.answers.count("pass")},
    }  # fmt: skip

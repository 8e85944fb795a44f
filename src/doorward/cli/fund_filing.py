"""What the commands of reports, exceptions and reviews share: one filing, and what came of it.

Exit codes: 0 on file, 1 refused, 2 usage, 3 the database, the record or a file could not be reached.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, NoReturn

import typer

from doorward.cli.fund_booking import parse_key
from doorward.cli.fund_files import load_units
from doorward.cli.fund_link import Link, echo, read_clock
from doorward.fund.filings.acts import NAMES, Act, Filing
from doorward.fund.filings.rows import People
from doorward.fund.filings.standing import Kept
from doorward.fund.filings.store import Filed, Filings
from doorward.fund.grantee.checks import Finding
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.store import Receipt

By = Annotated[str, typer.Option(help="the login of who does it; recorded as typed, and proven by nothing")]


@contextmanager
def open_filings(link: Link, now: datetime) -> Iterator[Filings]:
    """Yield the filings of a fund, with the words of its order; raises as `Link.open`."""
    units = load_units(link.order)
    with link.open(now) as store:
        yield Filings(store, units)


def take(  # flags of a command
    act: Act, by: str, on: datetime | None, key: str | None, link: Link, *, people: People | None = None
) -> Filed | Refusal:
    """Return what came of an act that somebody files now."""
    now = read_clock()
    filing = Filing(parse_key(key), by, link.day(on, now), act)
    with open_filings(link, now) as filings:
        return filings.file(filing, now=now, people=people)


def do_filing(  # flags of a command
    act: Act, by: str, on: datetime | None, key: str | None, link: Link, *, as_json: bool
) -> None:
    """File an act, and say what came of it; ends with 1 where it is refused."""
    answer = take(act, by, on, key, link)
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

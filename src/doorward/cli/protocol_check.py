"""`doorward protocol check`: no screen reaches a phone that leads nowhere, cites nothing or contradicts the order.

Exit codes: 0 all is well, 1 a fault, 2 there is no such order, or it has no protocols.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from doorward.errors import ConfigError
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack
from doorward.orders.protocols.check import Report, check_protocols
from doorward.orders.protocols.model import FOLDER
from doorward.orders.protocols.read import has_protocols

ORDER_HELP = "a shipped order such as `chicago`, or the folder of one"


def check(
    order: Annotated[str, typer.Option(help=ORDER_HELP)] = "chicago",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Find dead ends, loops, steps without citation, texts that do not fit, and screens that contradict the order."""
    pack = load_protocol_pack(order)
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    report = check_protocols(pack, now=now)
    if as_json:
        typer.echo(json.dumps(_as_json(pack, report), indent=1, ensure_ascii=False))
    else:
        for line in _lines(pack, report):
            typer.echo(line)
    if report.findings:
        raise typer.Exit(1)


def load_protocol_pack(order: str) -> Pack:
    """Return an order that has protocols.

    Raises:
        ConfigError: There is no such order, or it has none.
        PolicyCheckError: The order has a fault.
    """
    pack = load_pack(order)
    if not has_protocols(pack.files):
        raise ConfigError(f"the order `{pack.name}` has no folder `{FOLDER}`", hint="docs/howto/protocols.md")
    return pack


def _lines(pack: Pack, report: Report) -> Iterator[str]:
    sample = ", a sample that no office adopted" if pack.is_sample else ""
    yield f"protocols of order {pack.name}{sample}"
    if report.protocols is not None:
        for showing in report.protocols.every_showing():
            act = f"adopted by {showing.adoption.by}" if showing.adoption else "nothing adopted"
            yield f"  {showing.tenant.id}, {showing.place.id}: {showing.protocol.id}, {act}"
        if report.comparison is not None:
            yield (
                f"{report.comparison.ways} ways, held to the order by {report.comparison.decided} different requests"
            )
        yield f"{len(report.messages)} texts"
        for name in report.catalogs:
            yield f"  {name}: {report.unreviewed(name)} not reviewed by a person, marked for staff, never printed"
    for finding in report.findings:
        yield f"fault: {finding}"
        if finding.hint:
            yield f"  hint: {finding.hint}"
    yield f"{len(report.findings)} faults" if report.findings else "no fault"


def _as_json(pack: Pack, report: Report) -> dict[str, Any]:
    comparison = report.comparison
    return {
        "order": pack.name,
        "digest": pack.digest,
        "sample": pack.is_sample,
        "texts": len(report.messages),
        "unreviewed": {name: report.unreviewed(name) for name in report.catalogs},
        "ways": comparison.ways if comparison else None,
        "decided": comparison.decided if comparison else None,
        "findings": [
            {
                "message": finding.message,
                "file": finding.span.file if finding.span else None,
                "line": finding.span.line if finding.span else None,
                "column": finding.span.column if finding.span else None,
                "hint": finding.hint,
            }
            for finding in report.findings
        ],
    }

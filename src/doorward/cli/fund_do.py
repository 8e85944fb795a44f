"""`doorward fund …`: years, appropriations and agreements."""

from datetime import datetime
from typing import Annotated

import typer

from doorward.cli.fund_booking import books
from doorward.cli.fund_link import Link, Year, day
from doorward.errors import ConfigError
from doorward.fund.dollars import parse_dollars
from doorward.fund.ledger.operations import (
    Agree,
    Amend,
    Appropriate,
    CloseOut,
    CloseYear,
    Opening,
    OpenYear,
    Operation,
    Part,
    Post,
    Void,
)
from doorward.orders.load import load_fund, load_pack

AgreementName = Annotated[str, typer.Argument(help="the agreement's id")]
Line = Annotated[str, typer.Option(help="a line of the order's fund.toml")]
Amount = Annotated[str, typer.Option(help="dollars, such as 250000 or 12.50; below nought takes back")]
Reference = Annotated[str, typer.Option(help="the number of the act or document")]
Order = Annotated[str | None, typer.Option(help="whose fund.toml; that of section `fund`, or the sample's")]
Begins = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="the first day")]
Ends = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="the last day")]


@books
def open_year(
    year: Annotated[int, typer.Argument(help="the fiscal year; its days are the order's")],
    link: Link,
    order: Order = None,
) -> Operation:
    """Open a fiscal year for postings."""
    begins, ends = load_fund(load_pack(order or link.order)).days_of(year)
    return OpenYear(year, begins, ends)


@books
def opening(  # noqa: PLR0913  # flags of a command
    *,
    year: Year,
    line: Line,
    amount: Amount,
    reference: Reference,
    agreement: Annotated[str, typer.Option(help="an agreement that runs, or none")] = "",
    grantee: Annotated[str, typer.Option(help="its grantee's id")] = "",
    begins: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="its first day")] = None,
    ends: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="its last day")] = None,
    encumbered: Annotated[str, typer.Option(help="what it has left, in dollars")] = "0",
    expended: Annotated[str, typer.Option(help="what it has spent, in dollars")] = "0",
) -> Operation:
    """Take over a line of a fund that ran before, with what an agreement holds of it."""
    return Opening(
        year, line, parse_dollars(amount), reference, agreement, grantee,
        begins.date() if begins else None, ends.date() if ends else None,
        parse_dollars(encumbered), parse_dollars(expended),
    )  # fmt: skip


@books
def appropriate(
    year: Year,
    line: Line,
    amount: Amount,
    source: Annotated[str, typer.Option(help="a source of the order's fund.toml")],
    reference: Reference,
) -> Operation:
    """Appropriate to a line, or amend that by another appropriation, below nought to take back."""
    return Appropriate(year, line, parse_dollars(amount), source, reference)


@books
def agree(
    *,
    agreement: AgreementName,
    grantee: Annotated[str, typer.Option(help="the grantee's id")],
    year: Year,
    begins: Begins,
    ends: Ends,
    part: Annotated[list[str], typer.Option(help="LINE=DOLLARS, once for each line")],
) -> Operation:
    """Set money aside for an agreement; it is pending until another person runs `post`."""
    return Agree(agreement, grantee, day(begins), day(ends), tuple(_part(year, one) for one in part))


def _part(year: int, said: str) -> Part:
    line, equals, amount = said.partition("=")
    if not equals:
        raise ConfigError(f"`{said[:60]}` is no part", hint="LINE=DOLLARS, such as legal=250000")
    return Part(year, line, parse_dollars(amount))


@books
def amend(
    agreement: AgreementName,
    year: Year,
    line: Line,
    amount: Amount,
) -> Operation:
    """Add to an agreement (pending again), or release from it by an amount below nought."""
    return Amend(agreement, year, line, parse_dollars(amount))


@books
def post(
    agreement: AgreementName,
) -> Operation:
    """Post what is pending for an agreement: another person than who set it aside."""
    return Post(agreement)


@books
def void(
    agreement: AgreementName,
) -> Operation:
    """Take back what an agreement has pending or encumbered and has not spent."""
    return Void(agreement)


@books
def close_out(
    agreement: AgreementName,
) -> Operation:
    """End an agreement, and release what it has not spent."""
    return CloseOut(agreement)


@books
def close_year(
    year: Annotated[int, typer.Argument(help="a fiscal year that is over")],
    carry: Annotated[list[str] | None, typer.Option(help="an agreement that goes on; once for each")] = None,
) -> Operation:
    """Close a year: nothing is posted into it any more; what is left lapses or is carried."""
    return CloseYear(year, tuple(carry or ()))

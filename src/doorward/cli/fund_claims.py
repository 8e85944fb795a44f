"""`doorward fund …`: invoices and advances, from filing to payment, and what comes back."""

from typing import Annotated

import typer

from doorward.cli.fund_booking import books
from doorward.cli.fund_do import Begins, Ends, Line, Reference
from doorward.cli.fund_link import Year, day
from doorward.errors import ConfigError
from doorward.fund.dollars import parse_dollars
from doorward.fund.ledger.operations import Approve, File, Operation, Part, Pay, Refund, Withdraw

ClaimName = Annotated[str, typer.Argument(help="the claim's id")]
Agreement = Annotated[str, typer.Option(help="the agreement's id")]
Number = Annotated[str, typer.Option(help="the grantee's own number of it")]


@books
def invoice(
    *,
    claim: ClaimName,
    agreement: Agreement,
    number: Number,
    year: Year,
    begins: Begins,
    ends: Ends,
    part: Annotated[list[str], typer.Option(help="LINE:SERVICE=DOLLARS, or …=DOLLARS:RECOUPED")],
) -> Operation:
    """File an invoice of a grantee; nothing is posted before two others approve it."""
    parts = tuple(_part(year, one) for one in part)
    return File(claim, agreement, "invoice", number, day(begins), day(ends), parts)


def _part(year: int, said: str) -> Part:
    what, equals, amounts = said.partition("=")
    line, colon, service = what.partition(":")
    if not equals or not colon:
        raise ConfigError(
            f"`{said[:60]}` is no part", hint="LINE:SERVICE=DOLLARS, such as legal:screening=900"
        )
    amount, _, recouped = amounts.partition(":")
    return Part(year, line, parse_dollars(amount), service, parse_dollars(recouped or "0"))


@books
def advance(
    *,
    claim: ClaimName,
    agreement: Agreement,
    number: Number,
    year: Year,
    line: Line,
    amount: Annotated[str, typer.Option(help="dollars")],
    begins: Begins,
    ends: Ends,
) -> Operation:
    """File a request for an advance; it is approved and paid as an invoice, and recouped by later ones."""
    part = Part(year, line, parse_dollars(amount))
    return File(claim, agreement, "advance", number, day(begins), day(ends), (part,))


@books
def withdraw(
    claim: ClaimName,
) -> Operation:
    """Take back a claim that is not approved yet."""
    return Withdraw(claim)


@books
def approve(
    claim: ClaimName,
) -> Operation:
    """Approve a claim; the last approval that the order asks for posts it."""
    return Approve(claim)


@books
def pay(
    claim: ClaimName,
    reference: Reference,
) -> Operation:
    """Say that an approved claim was paid, by the finance system's number."""
    return Pay(claim, reference)


@books
def refund(
    *,
    agreement: Annotated[str, typer.Argument(help="the agreement's id")],
    year: Year,
    line: Line,
    amount: Annotated[str, typer.Option(help="dollars")],
    reference: Reference,
    of_year: Annotated[int | None, typer.Option(help="the year it was spent in; the same one")] = None,
    of_advance: Annotated[
        bool, typer.Option("--of-advance", help="what is left of an advance")
    ] = False,  # a command-line flag
) -> Operation:
    """Say that money came back; of a closed year it gives nothing to spend."""
    return Refund(
        agreement, year, line, parse_dollars(amount), of_year or year, reference, advance=of_advance
    )

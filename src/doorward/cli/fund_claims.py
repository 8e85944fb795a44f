"""`doorward fund …`: invoices and advances, from filing to payment, and what comes back."""

from typing import Annotated

import typer

from doorward.cli.fund_do import Begins, Ends, Line, Reference
from doorward.cli.fund_link import (
    AsJson,
    By,
    Config,
    Data,
    Database,
    Key,
    Link,
    On,
    Year,
    day,
    do,
)
from doorward.errors import ConfigError
from doorward.fund.dollars import parse_dollars
from doorward.fund.ledger.operations import Approve, File, Part, Pay, Refund, Withdraw

ClaimName = Annotated[str, typer.Argument(help="the claim's id")]
Agreement = Annotated[str, typer.Option(help="the agreement's id")]
Number = Annotated[str, typer.Option(help="the grantee's own number of it")]


def invoice(  # noqa: PLR0913, PLR0917  # flags of a command
    claim: ClaimName,
    agreement: Agreement,
    number: Number,
    year: Year,
    begins: Begins,
    ends: Ends,
    part: Annotated[list[str], typer.Option(help="LINE:SERVICE=DOLLARS, or …=DOLLARS:RECOUPED")],
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """File an invoice of a grantee; nothing is posted before two others approve it."""
    parts = tuple(_part(year, one) for one in part)
    filed = File(claim, agreement, "invoice", number, day(begins), day(ends), parts)
    do(filed, by, on, key, Link(config, data, database), as_json=as_json)


def _part(year: int, said: str) -> Part:
    what, equals, amounts = said.partition("=")
    line, colon, service = what.partition(":")
    if not equals or not colon:
        raise ConfigError(
            f"`{said[:60]}` is no part", hint="LINE:SERVICE=DOLLARS, such as legal:screening=900"
        )
    amount, _, recouped = amounts.partition(":")
    return Part(year, line, parse_dollars(amount), service, parse_dollars(recouped or "0"))


def advance(  # noqa: PLR0913, PLR0917  # flags of a command
    claim: ClaimName,
    agreement: Agreement,
    number: Number,
    year: Year,
    line: Line,
    amount: Annotated[str, typer.Option(help="dollars")],
    begins: Begins,
    ends: Ends,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """File a request for an advance; it is approved and paid as an invoice, and recouped by later ones."""
    part = Part(year, line, parse_dollars(amount))
    filed = File(claim, agreement, "advance", number, day(begins), day(ends), (part,))
    do(filed, by, on, key, Link(config, data, database), as_json=as_json)


def withdraw(  # noqa: PLR0917  # flags of a command
    claim: ClaimName,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Take back a claim that is not approved yet."""
    do(Withdraw(claim), by, on, key, Link(config, data, database), as_json=as_json)


def approve(  # noqa: PLR0917  # flags of a command
    claim: ClaimName,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Approve a claim; the last approval that the order asks for posts it."""
    do(Approve(claim), by, on, key, Link(config, data, database), as_json=as_json)


def pay(  # noqa: PLR0913, PLR0917  # flags of a command
    claim: ClaimName,
    reference: Reference,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Say that an approved claim was paid, by the finance system's number."""
    do(Pay(claim, reference), by, on, key, Link(config, data, database), as_json=as_json)


def refund(  # noqa: PLR0913, PLR0917  # flags of a command
    agreement: Annotated[str, typer.Argument(help="the agreement's id")],
    year: Year,
    line: Line,
    amount: Annotated[str, typer.Option(help="dollars")],
    reference: Reference,
    by: By,
    of_year: Annotated[int | None, typer.Option(help="the year it was spent in; the same one")] = None,
    of_advance: Annotated[bool, typer.Option("--of-advance", help="what is left of an advance")] = False,  # noqa: FBT002  # a command-line flag
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Say that money came back; of a closed year it gives nothing to spend."""
    back = Refund(
        agreement, year, line, parse_dollars(amount), of_year or year, reference, advance=of_advance
    )
    do(back, by, on, key, Link(config, data, database), as_json=as_json)

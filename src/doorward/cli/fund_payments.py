"""`doorward fund payments …`: the finance system's payment files, matched to claims, posted by a named person.

Exit codes: 0 done, 1 a file or a confirmation is refused, 2 usage, 3 the database or the record could not be reached;
the same command again goes on where it ended.
"""

from collections import Counter
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.fund_booking import By, On, SignWith, Who, login_of, prove
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, Silent, echo, read_clock
from doorward.cli.fund_link import By as Typed
from doorward.errors import ConfigError, PolicyCheckError
from doorward.fund.grantee.cells import MAX_BYTES
from doorward.fund.ledger.export import format_dollars
from doorward.fund.ledger.operations import LOGIN
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.payments.lines import LineRefusal, read_payments
from doorward.fund.payments.match import Proposal, Standing, proposals_of
from doorward.fund.payments.store import Held, Payments, read_held
from doorward.fund.store import Receipt, Store
from doorward.orders.fund_payments import PaymentForm, read_payment_form
from doorward.orders.load import load_pack, load_payment_form

app = typer.Typer(no_args_is_help=True)
Order = Annotated[str | None, typer.Option(help="whose form; that of section `fund`, or the sample's")]
Form = Annotated[
    Path | None, typer.Option(help="a TOML file that says how the file is laid out; else the order's")
]


@app.callback()
def payments() -> None:
    """Take in payment files of the finance system; nothing is posted before a person confirms it."""


def read_form(form: Path | None, order: str) -> PaymentForm:
    """Return how payment files are laid out.

    Raises:
        ConfigError: The file cannot be read, or the order has none.
        PolicyCheckError: The file has a fault.
    """
    if form is None:
        return load_payment_form(load_pack(order))
    try:
        text = form.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{form.name}` cannot be read as UTF-8") from error
    found, findings = read_payment_form(text)
    if found is None:
        raise PolicyCheckError(f"`{form.name}` has a fault: {findings[0]}", findings=findings)
    return found


@app.command(name="import")
def import_(  # noqa: PLR0917  # flags of a command
    file: Annotated[Path, typer.Argument(help="the payment file, CSV or of fixed width", show_default=False)],
    by: Typed,
    form: Form = None,
    order: Order = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Read a payment file and keep its lines for the fund's payees; a file that was read before changes nothing."""
    if not LOGIN.fullmatch(by):
        raise ConfigError("`--by` is a login of lower-case letters, digits, `.`, `_` and `-`")
    link = Link(config, data, database)
    laid_out = read_form(form, order or link.order)
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"the payment file cannot be read: {error.strerror}") from error
    found, refusals = read_payments(raw, laid_out)
    if found is None:
        _say_refused(refusals, as_json=as_json)
        raise typer.Exit(1)
    now = read_clock()
    with link.open(now) as store:
        done = Payments(store).keep(found, by, now=now)
    told = {
        "digest": found.digest, "entry": done.entry, "again": done.again, "lines": len(found.lines),
        "fresh": done.fresh, "of_other_payees": found.others, "not_made": found.passed,
    }  # fmt: skip
    if as_json:
        echo(told)
        return
    if done.again:
        typer.echo(f"this file was read before: entry {done.entry}; nothing is kept twice")
        return
    typer.echo(f"{len(found.lines)} lines, {done.fresh} of them new; entry {done.entry}")
    typer.echo(f"{found.others} lines are of other payees, and nothing of them is kept")
    if found.passed:
        typer.echo(f"{found.passed} lines say that no payment was made")


def _say_refused(refusals: tuple[LineRefusal, ...], *, as_json: bool) -> None:
    if as_json:
        echo({"refused": [{**asdict(one), "says": str(one)} for one in refusals]})
    for one in () if as_json else refusals:
        typer.echo(f"refused: {one}")


def _held(link: Link) -> Held:
    with closing(Store(link.conninfo(), Silent())) as store, store.reading() as connection:
        return read_held(connection)


@app.command(name="match")
def match_(
    config: Config = None, data: Data = None, database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Show what every line that is not posted may have paid, best first, and why."""
    found = [
        one
        for one in _held(Link(config, data, database)).standings()
        if one.says not in {"posted", "reversed"}
    ]
    if as_json:
        echo([_as_json(one) for one in found])
        return
    for one in found:
        typer.echo(_line_of(one))
        for proposal in one.proposals:
            mark = "exact" if proposal.exact else "may be" if proposal.fits else "no"
            typer.echo(f"    {mark} {' and '.join(proposal.claims)}: {', '.join(proposal.why)}")
            if proposal.fits:
                typer.echo(f"      doorward fund payments confirm {proposal.id} --by …")


def _line_of(one: Standing) -> str:
    line = one.line
    note = f": {one.note}" if one.note else ""
    return (
        f"{one.says:12} {line.number} {line.grantee} {format_dollars(line.cents)} of {line.day} "
        f"for {' '.join(line.vouchers)}{note}"
    )


def _as_json(one: Standing) -> dict[str, Any]:
    return {
        "line": {**asdict(one.line), "day": one.line.day.isoformat()},
        "standing": one.says,
        "note": one.note,
        "proposals": [_proposal(proposal) for proposal in one.proposals],
    }


def _proposal(one: Proposal) -> dict[str, Any]:
    held = asdict(one)
    return {"id": one.id, **held, "refunds": held.pop("returning")}


@app.command()
def confirm(  # noqa: PLR0913, PLR0917  # flags of a command
    match: Annotated[list[str] | None, typer.Argument(help="ids of proposals, as `match` shows them")] = None,
    by: By = None,
    sign_with: SignWith = None,
    exact: Annotated[bool, typer.Option("--exact", help="every exact match, and what was begun")] = False,  # noqa: FBT002  # a command-line flag
    on: On = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Post what a match says, in your name: payments, or refunds of what came back. Again, it goes on."""
    if bool(match) == exact:
        raise ConfigError("expected ids of proposals, or `--exact`")
    now, link, who = read_clock(), Link(config, data, database), Who(by, sign_with)
    login = login_of(who)
    with link.open(now) as store:
        kept = Payments(store)
        names = list(dict.fromkeys(match or ())) or exact_of(kept.held())
        answers = {
            name: kept.confirm(name, login, now=now, on=_day(on), prove=lambda one: prove(one, who, link)[1])
            for name in names
        }
    refused = {name: one for name, one in answers.items() if isinstance(one, Refusal)}
    if as_json:
        echo({name: _answer(one) for name, one in answers.items()})
    else:
        for name, one in answers.items():
            typer.echo(f"{name}: {_said(one)}")
        typer.echo(f"{len(answers) - len(refused)} of {len(answers)} posted")
    if refused:
        raise typer.Exit(1)


def exact_of(held: Held) -> list[str]:
    """Return the ids of all exact matches, and of those that were begun, in order."""
    standings = held.standings()
    found = {name for name, one in proposals_of(standings).items() if one.exact}
    return sorted(found | {one.note for one in standings if one.says == "begun"})


def _day(on: datetime | None) -> Any:  # noqa: ANN401  # a date or None
    return on.date() if on else None


def _answer(one: tuple[Receipt, ...] | Refusal) -> dict[str, Any]:
    if isinstance(one, Refusal):
        return {"refused": one.code, "says": one.says}
    return {
        "transactions": [{"number": each.number, "entry": each.entry, "again": each.again} for each in one]
    }


def _said(one: tuple[Receipt, ...] | Refusal) -> str:
    if isinstance(one, Refusal):
        return f"refused ({one.code}): {one.says}"
    return "transactions " + ", ".join(str(each.number) for each in one) if one else "posted before"


@app.command(name="list")
def list_(
    config: Config = None, data: Data = None, database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Show every file and every line that was kept, and what each line is now."""
    held = _held(Link(config, data, database))
    standings = held.standings()
    counts = Counter(one.says for one in standings)
    files = [
        {"digest": file.digest, "entry": entry, "by": by, "lines": len(file.lines),
         "of_other_payees": file.others, "not_made": file.passed}
        for entry, file, by in held.files
    ]  # fmt: skip
    if as_json:
        echo(
            {
                "files": files,
                "lines": [_as_json(one) for one in standings],
                "counts": dict(sorted(counts.items())),
            }
        )
        return
    for file in files:
        typer.echo(f"file {file['digest']}: {file['lines']} lines, by {file['by']}, entry {file['entry']}")
    for one in standings:
        typer.echo(_line_of(one))
    typer.echo(
        ", ".join(f"{count} {says}" for says, count in sorted(counts.items())) or "no line was imported"
    )

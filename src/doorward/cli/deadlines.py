"""`doorward deadlines`: what a pack's clocks are, and what is due when, day by day.

Exit codes: 0 done and nothing overdue, 1 a clock is overdue, 2 usage, or the pack has a fault.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.deadlines_desk import desk
from doorward.cli.desk_files import read_file
from doorward.desk.deadlines.calendar import Calendar, is_moment, make_calendar
from doorward.desk.deadlines.clock import Clock, Refused, State, replay_clock, start_clock
from doorward.desk.deadlines.count import Span
from doorward.desk.deadlines.history import format_history, parse_history
from doorward.errors import ConfigError, MalformedError, PolicyCheckError
from doorward.orders.deadlines import CalendarRule, ClockRule, Deadlines, Unit
from doorward.orders.load import load_deadlines, load_pack

app = typer.Typer(no_args_is_help=True)
Order = Annotated[str, typer.Option(help="a shipped order such as `chicago`, or the folder of one")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]
_NO_CALENDAR = CalendarRule("none", "", (), (), ())


app.command("desk")(desk)


@app.callback()
def deadlines() -> None:
    """Count what is due when."""


@app.command()
def check(order: Order = "chicago", as_json: AsJson = False) -> None:  # noqa: FBT002  # a command-line flag
    """List the clocks and reports of an order, with what each rests on; every fault of the file with its place."""
    try:
        held = load_deadlines(load_pack(order))
    except PolicyCheckError as error:
        for finding in error.findings:
            typer.echo(str(finding))
        raise
    for rule in held.calendars.values():
        make_calendar(rule)
    if as_json:
        typer.echo(json.dumps(_as_json(held), indent=1, ensure_ascii=False))
        return
    for clock in held.clocks.values():
        typer.echo(f"{clock.id}: {_length(clock)}; {_basis(clock.basis.cite, clock.basis.standing)}")
        for pause in clock.pauses:
            typer.echo(f"  may pause: {pause.reason}, {pause.at_most} at most")
        for extension in clock.extensions:
            by = f"by {extension.by} at most, " if extension.by else ""
            typer.echo(f"  may be extended: {extension.clause}, {by}{extension.at_most} at most")
    for report in held.reports.values():
        due = f"{report.due_after_days} days after the {report.period}" if report.due_after_days else (
            f"{report.due_month:02}-{report.due_day:02} after the {report.period}"
        )  # fmt: skip
        typer.echo(f"report {report.id}: {due}; {_basis(report.basis.cite, report.basis.standing)}")
    open_ones = sum(rule.basis.needs_counsel for rule in held.clocks.values())
    typer.echo(f"{len(held.clocks)} clocks, {open_ones} of them need counsel; {len(held.reports)} reports")


@app.command()
def due(  # noqa: PLR0917  # flags of a command
    clock: Annotated[str, typer.Argument(help="a clock of the order, such as `records-5`")],
    begins: Annotated[str | None, typer.Option("--from", help="when it began, with its offset")] = None,
    until: Annotated[str | None, typer.Option(help="of a date that a paper sets: that moment")] = None,
    history: Annotated[Path | None, typer.Option(help="its history, a JSON list, in place of --from")] = None,
    now: Annotated[str | None, typer.Option(help="as seen at this moment, with its offset")] = None,
    order: Order = "chicago",
    as_json: AsJson = False,  # noqa: FBT002  # as above
) -> None:
    """Say when a clock is over, and why each day counts or does not."""
    held = load_deadlines(load_pack(order))
    rule = held.clocks.get(clock)
    if rule is None:
        raise ConfigError(f"the order has no clock `{clock[:60]}`", hint=", ".join(held.clocks))
    calendar = make_calendar(held.calendars[rule.calendar] if rule.calendar else _NO_CALENDAR)
    found = _clock(rule, calendar, held, (begins, until, history))
    # The command line is where the clock is read.
    moment = datetime.now(UTC) if now is None else _moment(now)  # noqa: TID251  # as it says
    standing = found.standing(moment)
    shown = standing.due.astimezone(held.zone).isoformat(timespec="minutes")
    if as_json:
        said = {
            "clock": clock, "state": standing.state.value, "due": shown, "last_day": standing.due_day.isoformat(),
            "days_left": standing.days_left, "seconds_left": standing.seconds_left,
            "needs_counsel": rule.basis.needs_counsel, "cite": rule.basis.cite,
            "days": [{"day": one.day.isoformat(), "number": one.number, "why": one.why} for one in found.days(moment)],
            "history": json.loads(format_history(found)),
        }  # fmt: skip
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        typer.echo(f"{clock}: {standing.state.value}; over at {shown}, last day {standing.due_day}")
        typer.echo(f"rests on: {_basis(rule.basis.cite, rule.basis.standing)}")
        for day in found.days(moment):
            typer.echo(f"  {day.day}  {f'day {day.number}' if day.is_counted else f'not counted: {day.why}'}")
    if standing.state == State.OVERDUE:
        raise typer.Exit(1)


def _clock(
    rule: ClockRule, calendar: Calendar, held: Deadlines, given: tuple[str | None, str | None, Path | None]
) -> Clock:
    begins, until, history = given
    if (begins is None) == (history is None):
        raise ConfigError("expected --from or --history, one of them")
    if history is not None:
        try:
            return replay_clock(rule, calendar, held.zone, read_file(history, parse_history))
        except MalformedError as error:
            raise ConfigError(str(error)) from error
    assert begins is not None
    span = Span(_moment(begins), held.zone)
    found = start_clock(rule, calendar, span, until=None if until is None else _moment(until))
    if isinstance(found, Refused):
        raise ConfigError(found.sentence)
    return found


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901  # has no offset, as the message says
    if not is_moment(found):
        raise ConfigError(
            f"expected a time with its offset, such as 2026-11-24T10:00:00-06:00; got `{text[:40]}`"
        )
    return found


def _length(clock: ClockRule) -> str:
    return "the paper's own date" if clock.unit == Unit.FIXED else f"{clock.length} {clock.unit.value}"


def _basis(cite: str, standing: str) -> str:
    return f"{cite}; {standing}"


def _as_json(held: Deadlines) -> dict[str, Any]:
    return {
        "clocks": [
            {
                "id": one.id, "says": one.basis.says, "cite": one.basis.cite, "clause": one.basis.clause,
                "evidence": one.basis.evidence, "standing": one.basis.standing, "unit": one.unit.value,
                "length": one.length,
            }
            for one in held.clocks.values()
        ],
        "reports": [
            {"id": one.id, "says": one.basis.says, "cite": one.basis.cite, "standing": one.basis.standing}
            for one in held.reports.values()
        ],
        "uses": [{"kind": one.kind, "when": one.when, "clock": one.clock} for one in held.uses],
    }  # fmt: skip

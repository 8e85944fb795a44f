"""`doorward grant`: what the order referred, and the answers of the offices that it asks.

Asking is connecting, with any client or with `request`: whoever is referred at the door has asked, and the ask is on
file whether anybody answers or not.
An official answers with a key of their own, whose name says the office and who it is: `supervisor/erin.example`.

Exit codes: 0 done; 1 an answer would open nothing, or may not be given; 2 an argument is wrong; 3 a gateway could not
carry it out.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from doorward.cli.cut import ask_gateways
from doorward.cli.deferred import Deferred, DeferredGroup
from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, Order, find_installation, load_installation
from doorward.cli.kept import make_referrals, make_reviews
from doorward.errors import ConfigError, DoorwardError, LogError, MalformedError
from doorward.grants.duties import Owes, find_duties
from doorward.grants.notice_files import Notices
from doorward.grants.referrals import Answered, Referral, check_answer, find_approval, format_answer
from doorward.notes.key_files import load_key
from doorward.notes.note import sign_note
from doorward.orders.answered import find_broken_promises, find_change


class _Grant(DeferredGroup):
    deferred: ClassVar = {
        "request": Deferred("grant_request:request"),
        "revoke": Deferred("grant_revoke:revoke"),
    }


app = typer.Typer(cls=_Grant, no_args_is_help=True)
MIN_DIGITS = 4
Id = Annotated[str, typer.Argument(help="the first digits of a request's id")]
Key = Annotated[Path, typer.Option(help="the official's secret key")]
Evidence = Annotated[str, typer.Option(help="what the answer rests on: a document's id, a call, a register")]
Reason = Annotated[str, typer.Option(help="why, in one line; both stand in the signed answer")]
Until = Annotated[
    datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"], help="UTC")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]
Overdue = Annotated[
    bool,
    typer.Option("--overdue", help="overdue answers and reviews, approvals that end, notices not delivered"),
]
Everything = Annotated[bool, typer.Option("--all", help="those that are answered too")]


@app.callback()
def grant() -> None:
    """See what waits for an answer, and answer it."""


@app.command("list")
def list_(
    everything: Everything = False,  # noqa: FBT002  # a command-line flag
    overdue: Overdue = False,  # noqa: FBT002  # as above
    as_json: AsJson = False,  # noqa: FBT002  # as above
    config: Config = None,
    data: Data = None,
) -> None:
    """List the asks that wait, the most urgent first, with the clock of each, or everything that somebody owes."""
    folders = find_installation(config, data)
    if overdue:
        _list_duties(folders, as_json=as_json)
        return
    kept, now = make_referrals(folders), read_clock()
    answers = kept.answers()
    untold = {id_ for id_, _, _ in Notices(folders.notices).untold()}
    rows = [_as_json(one, answers, now) for one in sorted(kept.asks(), key=lambda one: one.due)]
    for row in rows:
        row["notice"] = "not delivered" if row["request"] in untold else ""
    shown = [row for row in rows if everything or row["state"] in {"waits", "overdue"}]
    if as_json:
        typer.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    for row in shown:
        who = f"{row['login']} of {row['agency']}, {row['purpose']}, for {row['for']}, case {row['case'] or 'none'}"
        typer.echo(f"{row['request']}  {row['state']:<8} {row['office']:<10} until {row['due'][:16]}  {who}")
        if row["notice"]:
            typer.echo(f"{'':<14}notice not delivered: nobody was told")
    typer.echo(f"{len(shown)} asks")


def find_owed(folders: Folders, now: datetime) -> list[Owes]:
    """Return everything that somebody owes in an installation, the longest overdue first.

    Raises:
        ConfigError: A file of the data folder is not what it must be.
    """
    kept = make_referrals(folders)
    return find_duties(
        asks=kept.asks(), answers=kept.answers(), reviews=make_reviews(folders).known(),
        untold=Notices(folders.notices).untold(), now=now,
    )  # fmt: skip


def _list_duties(folders: Folders, *, as_json: bool) -> None:
    found = find_owed(folders, read_clock())
    if as_json:
        rows = [asdict(one) | {"when": one.when.isoformat()} for one in found]
        typer.echo(json.dumps(rows, indent=1))
        return
    for one in found:
        typer.echo(f"{one.id}  {one.duty:<20} {one.office:<10} {one.when:%Y-%m-%d %H:%M}")
    typer.echo(f"{len(found)} owed")


@app.command()
def show(
    request: Id,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """Show one ask: who, why, on whose behalf, and what the order says of it."""
    kept = make_referrals(find_installation(config, data))
    row = _as_json(find_ask(kept.asks(), request), kept.answers(), read_clock())
    if as_json:
        typer.echo(json.dumps(row, indent=1, ensure_ascii=False))
        return
    for line in _lines(row):
        typer.echo(line)


@app.command()
def approve(  # noqa: PLR0917  # flags of a command
    request: Id,
    key: Key,
    until: Until,
    evidence: Evidence,
    reason: Reason,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve an ask, for the one who asked and what they asked and nothing else, until a moment."""
    folders, pack = load_installation(config, data, order)
    referral = find_ask(make_referrals(folders).asks(), request)
    if referral.ask.order != pack.digest:
        raise ConfigError("the ask was put to another order than the one in force", hint="it is asked again")
    if not referral.can_open:
        _refuse(
            "nothing in the order would permit it, so an approval opens nothing: the order itself must change"
        )
    broken = find_broken_promises(pack, find_change(pack, referral.ask.policies).policies)
    if broken:
        _refuse(f"an approval would break what the order promises never to open: {', '.join(broken)}")
    answer_ask(folders, referral, key, until.replace(tzinfo=UTC), evidence, reason, is_approved=True)
    typer.echo(
        f"approved {referral.ask.id} until {until:%Y-%m-%d %H:%M} UTC: {referral.ask.login} connects again"
    )


@app.command()
def deny(  # noqa: PLR0917  # flags of a command
    request: Id,
    key: Key,
    evidence: Evidence,
    reason: Reason,
    config: Config = None,
    data: Data = None,
) -> None:
    """Deny an ask, or take an approval back: sessions that rest on it end at once."""
    folders = find_installation(config, data)
    referral = find_ask(make_referrals(folders).asks(), request)
    answer_ask(folders, referral, key, referral.due, evidence, reason, is_approved=False)
    typer.echo(f"denied {referral.ask.id}")
    tell_gateways(folders)


def tell_gateways(folders: Folders) -> None:
    """Let every gateway on this host end the sessions whose approval no longer stands.

    Raises:
        DoorwardError: A gateway does not answer, or could not carry it out.
    """
    for answer in ask_gateways(folders, "grants"):
        if "failed" in answer:
            raise DoorwardError(f"a gateway could not carry it out: {answer['failed']}")
        typer.echo(f"{answer['ended']} sessions ended")


def answer_ask(  # noqa: PLR0917  # parts of one answer
    folders: Folders,
    referral: Referral,
    key: Path,
    until: datetime,
    evidence: str,
    reason: str,
    *,
    is_approved: bool,
) -> None:
    """Sign and keep an answer; one that may not be given ends the command with 1.

    Raises:
        ConfigError: Its evidence, reason or end is not what it must be.
    """
    try:
        made = check_answer(Answered(referral.ask, is_approved, until, evidence, reason))
    except MalformedError as error:
        raise ConfigError(str(error)) from error
    if is_approved and until <= read_clock():
        raise ConfigError("an approval ends after now: --until")
    try:
        make_referrals(folders).answer(sign_note(format_answer(made), load_key(key)))
    except LogError as error:
        _refuse(f"{error}; the officials' public keys stand in `{folders.officials}`")


def _refuse(why: str) -> None:
    typer.echo(f"doorward: {why}", err=True)
    raise typer.Exit(1)


def find_ask(asks: list[Referral], request: str) -> Referral:
    """Return the one ask whose id begins so.

    Raises:
        ConfigError: There is none, or more than one.
    """
    found = [one for one in asks if len(request) >= MIN_DIGITS and one.ask.id.startswith(request)]
    if len(found) != 1:
        raise ConfigError(
            f"`{request[:20]}` names {len(found)} asks, expected one",
            hint="doorward grant list --all shows them",
        )
    return found[0]


def _state(referral: Referral, answers: list[Answered], now: datetime) -> tuple[str, Answered | None]:
    last = next((answer for answer in reversed(answers) if answer.ask == referral.ask), None)
    if last is None:
        return ("overdue" if now > referral.due else "waits"), None
    if not last.is_approved:
        return "denied", last
    return (
        "approved" if find_approval(answers, referral.ask, office=referral.office, now=now) else "ended"
    ), last


def _as_json(referral: Referral, answers: list[Answered], now: datetime) -> dict[str, Any]:
    ask, (state, last) = referral.ask, _state(referral, answers, now)
    row = {
        "request": ask.id, "state": state, "office": referral.office, "asked": referral.asked.isoformat(),
        "due": referral.due.isoformat(), "login": ask.login, "agency": referral.agency, "purpose": ask.purpose,
        "case": ask.case_no, "for": ask.for_agency, "says": referral.says, "clauses": list(referral.clauses),
        "referred_by": list(ask.policies), "can_open": referral.can_open, "an_approval_says": referral.sets,
    }  # fmt: skip
    if last is not None:
        row |= {
            "by": last.by,
            "until": last.until.isoformat(),
            "evidence": last.evidence,
            "reason": last.reason,
        }
    return row


def _lines(row: dict[str, Any]) -> Iterator[str]:
    yield f"request    {row['request']}, {row['state']}; the office `{row['office']}` answers until {row['due'][:16]}"
    yield f"who        {row['login']} of {row['agency']}"
    yield f"asks       {row['purpose']}, case {row['case'] or 'none'}, for {row['for']}"
    yield f"the order  {row['says']} ({' '.join(row['clauses'])})"
    if row["can_open"]:
        yield f"approving  says: {row['an_approval_says']}"
    else:
        yield "           nothing in the order would permit it: an approval would open nothing"
    if "by" in row:
        yield f"answer     by {row['by']}: {row['reason']} ({row['evidence']}), until {row['until'][:16]}"


def read_clock() -> datetime:
    """Return the time."""
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock

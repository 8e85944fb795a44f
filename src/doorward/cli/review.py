"""`doorward review`: the emergency sessions, and the review that each of them owes.

Whoever states an emergency at the door is let in and nobody is asked. Another person reviews it within a day: an
official of the office that the order names, or a supervisor, with a key of their own as for answers.

Exit codes: 0 done; 1 the review may not be given; 2 an argument is wrong; 3 a gateway could not record it.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from doorward.cli.cut import ask_gateways
from doorward.cli.grant import Evidence, Key, Reason
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.kept import make_reviews
from doorward.errors import ConfigError, DoorwardError, LogError, MalformedError
from doorward.grants.review_files import Reviews
from doorward.grants.reviews import Finding, Owed, Review, check_review, format_review
from doorward.notes.key_files import load_key
from doorward.notes.note import sign_note

app = typer.Typer(no_args_is_help=True)
MIN_DIGITS = 4
Id = Annotated[str, typer.Argument(help="the first digits of a session's id")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]
Everything = Annotated[bool, typer.Option("--all", help="those that are reviewed too")]


@app.callback()
def review() -> None:
    """See the emergency sessions, and review them."""


@app.command("list")
def list_(
    everything: Everything = False,  # noqa: FBT002  # a command-line flag
    as_json: AsJson = False,  # noqa: FBT002  # as above
    config: Config = None,
    data: Data = None,
) -> None:
    """List the emergency sessions that owe a review, the oldest first."""
    reviews, now = make_reviews(find_installation(config, data)), _now()
    rows = [_as_json(one, reviews, now) for one in sorted(reviews.known(), key=lambda one: one.began)]
    shown = [row for row in rows if everything or row["state"] != "reviewed"]
    if as_json:
        typer.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    for row in shown:
        who = f"{row['login']} of {row['agency']}, {row['purpose']}: {row['stated']}"
        typer.echo(f"{row['id']}  {row['state']:<12} {row['office']:<10} until {row['due'][:16]}  {who}")
    typer.echo(f"{len(shown)} sessions")


@app.command()
def show(
    session: Id,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """Show one emergency session: who, what was stated, and what was found."""
    reviews = make_reviews(find_installation(config, data))
    row = _as_json(_find(reviews, session), reviews, _now())
    if as_json:
        typer.echo(json.dumps(row, indent=1, ensure_ascii=False))
        return
    for line in _lines(row):
        typer.echo(line)


@app.command()
def close(  # noqa: PLR0917  # flags of a command
    session: Id,
    key: Key,
    finding: Annotated[Finding, typer.Option(help="what you found")],
    evidence: Evidence,
    reason: Reason,
    config: Config = None,
    data: Data = None,
) -> None:
    """Close the review of an emergency session with a finding that you sign."""
    folders = find_installation(config, data)
    reviews = make_reviews(folders)
    owed = _find(reviews, session)
    try:
        made = check_review(Review(owed.session, owed.login, owed.began, finding, evidence, reason))
    except MalformedError as error:
        raise ConfigError(str(error)) from error
    try:
        reviews.close(owed, sign_note(format_review(made), load_key(key)))
    except LogError as error:
        typer.echo(f"doorward: {error}; the officials' public keys stand in `{folders.officials}`", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"reviewed {owed.id}: {finding.value}")
    answers = list(ask_gateways(folders, "reviews"))
    if not answers:
        typer.echo("no gateway runs on this host; it is recorded at the next start")
    for answer in answers:
        if "failed" in answer:
            raise DoorwardError(f"a gateway could not record it: {answer['failed']}")


def _find(reviews: Reviews, session: str) -> Owed:
    found = [one for one in reviews.known() if len(session) >= MIN_DIGITS and one.session.startswith(session)]
    if len(found) != 1:
        raise ConfigError(
            f"`{session[:32]}` names {len(found)} emergency sessions, expected one",
            hint="doorward review list --all shows them",
        )
    return found[0]


def _as_json(owed: Owed, reviews: Reviews, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": owed.id, "session": owed.session, "state": "overdue" if now >= owed.due else "owed",
        "office": owed.office, "began": owed.began.isoformat(), "due": owed.due.isoformat(),
        "login": owed.login, "agency": owed.agency, "purpose": owed.purpose, "for": owed.for_agency,
        "stated": owed.stated,
    }  # fmt: skip
    found = reviews.find(owed)
    if found is not None:
        row |= {
            "state": "reviewed", "by": found.by, "finding": found.finding.value, "evidence": found.evidence,
            "reason": found.reason,
        }  # fmt: skip
    elif owed.note:
        row["state"] = "key unknown"
    return row


def _lines(row: dict[str, Any]) -> Iterator[str]:
    yield f"session    {row['session']}, {row['state']}"
    yield f"reviewer   the office `{row['office']}` or a supervisor, until {row['due'][:16]}"
    yield f"who        {row['login']} of {row['agency']}, from {row['began'][:16]}"
    yield f"asked      {row['purpose']}, for {row['for']}"
    yield f"stated     {row['stated']}"
    yield "statements are in the record, under this session"
    if "by" in row:
        yield f"review     {row['finding']}, by {row['by']}: {row['reason']} ({row['evidence']})"


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock

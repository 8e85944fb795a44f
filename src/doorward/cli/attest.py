"""`doorward attest`: numbers that outside agencies attest, looked at afterwards: drawn, answered, counted.

Exit codes: 0 done; 1 an agency's word failed too often, or a signature does not hold; 2 an argument is wrong.
"""

import json
import os
import pwd
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.kept import make_attested
from doorward.cli.settings import read_settings
from doorward.cli.site import Site
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.attested import (
    FAILING_PERCENT,
    Admitted,
    Draw,
    Found,
    check_draw,
    check_found,
    draw_sample,
    encode_admitted,
    find_failing,
    format_found,
    tally,
)
from doorward.notes.key_files import load_key
from doorward.notes.note import sign_note

app = typer.Typer(no_args_is_help=True)
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
MIN_DIGITS = 8
From = Annotated[datetime | None, typer.Option("--from", formats=FORMATS, help="UTC; the first moment")]
To = Annotated[datetime | None, typer.Option("--to", formats=FORMATS, help="UTC; the first moment after it")]
Threshold = Annotated[float, typer.Option(help="above so many of a hundred an agency is a finding")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


@app.callback()
def attest() -> None:
    """Look at numbers that outside agencies attested."""


@app.command()
def sample(  # noqa: PLR0917  # flags of a command
    agency: Annotated[str, typer.Option(help="whose numbers")],
    begins: Annotated[
        datetime, typer.Option("--from", formats=FORMATS, help="UTC; the period's first moment")
    ],
    until: Annotated[datetime, typer.Option("--to", formats=FORMATS, help="UTC; the first moment after it")],
    percent: Annotated[int, typer.Option(help="how many of a hundred, at least one")],
    seed: Annotated[str, typer.Option(help="stated in public, and known to nobody before the period's end")],
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """Draw from the sessions of a period that is over; the draw stays on file, and what is drawn is asked about."""
    files, now = make_attested(find_installation(config, data)), _now()
    begins, until = begins.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    drawn = draw_sample(files.admitted(begins, until, agency=agency), percent=percent, seed=seed)
    by, ids = pwd.getpwuid(os.getuid()).pw_name, tuple(one.id for one in drawn)
    try:
        draw = check_draw(Draw(agency, begins, until, percent, seed, now, by, ids))
    except MalformedError as error:
        raise ConfigError(str(error)) from error
    if drawn:
        files.add_draw(draw)
    _tell(drawn, as_json=as_json)


@app.command("open")
def open_(
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """List the sessions that were drawn and that nobody has answered for."""
    files = make_attested(find_installation(config, data))
    waiting = {one for draw in files.draws() for one in draw.drawn} - {found.id for found in files.answers()}
    _tell([one for one in files.admitted(FIRST, LAST) if one.id in waiting], as_json=as_json)


@app.command()
def answer(  # noqa: PLR0917  # flags of a command
    session: Annotated[str, typer.Argument(help="the first digits of a drawn session's id")],
    key: Annotated[Path, typer.Option(help="the official's secret key")],
    evidence: Annotated[str, typer.Option(help="what the agency showed: a document's id")],
    confirmed: Annotated[bool, typer.Option("--confirmed", help="there is such a case")] = False,  # noqa: FBT002  # a command-line flag
    not_found: Annotated[bool, typer.Option("--not-found", help="there is none")] = False,  # noqa: FBT002  # as above
    config: Config = None,
    data: Data = None,
) -> None:
    """Say what was found of a drawn session; signed, and of several answers the last counts."""
    if confirmed is not_found:
        raise ConfigError("an answer is either `--confirmed` or `--not-found`")
    folders = find_installation(config, data)
    files = make_attested(folders)
    ids = {one for draw in files.draws() for one in draw.drawn if one.startswith(session)}
    if len(session) < MIN_DIGITS or len(ids) != 1:
        raise ConfigError(
            f"`{session[:40]}` names {len(ids)} drawn sessions, expected one", hint="doorward attest open"
        )
    try:
        made = check_found(Found(ids.pop(), confirmed, _now(), evidence))
    except MalformedError as error:
        raise ConfigError(str(error)) from error
    try:
        found = files.answer(sign_note(format_found(made), load_key(key)))
    except VerificationError as error:
        hint = f"the officials' public keys stand in `{folders.officials}`"
        raise VerificationError(str(error), hint=hint) from error
    typer.echo(f"{found.id}: {'confirmed' if confirmed else 'not found'}, by {found.by}")


@app.command()
def report(  # noqa: PLR0917  # flags of a command
    begins: From = None,
    until: To = None,
    threshold: Annotated[
        float, typer.Option(help="above so many of a hundred an agency is a finding")
    ] = FAILING_PERCENT,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """Count for each agency: sessions on attested numbers, drawn, confirmed, not found, open; no case is named."""
    folders = find_installation(config, data)
    site = Site(folders, read_settings(config) if config is not None else None, "")
    coverage = site.coverage(today=datetime.now(UTC).date())  # noqa: TID251  # the command line may read the clock
    files = make_attested(folders)
    first = begins.replace(tzinfo=UTC) if begins is not None else FIRST
    last = until.replace(tzinfo=UTC) if until is not None else LAST
    tallies = tally(files.admitted(first, last), files.draws(), files.answers())
    findings = find_failing(tallies, percent=threshold)
    if as_json:
        rows: list[dict[str, Any]] = [asdict(one) | {"open": one.open} for one in tallies]
        told = {"agencies": rows, "findings": findings, "coverage": coverage}
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        for one in tallies:
            typer.echo(
                f"{one.agency}: {one.admitted} sessions, {one.sampled} drawn, {one.confirmed} confirmed, "
                f"{one.not_found} not found, {one.open} open"
            )
        for finding in findings:
            typer.echo(f"finding: {finding}")
        typer.echo(f"{len(tallies)} agencies")
        typer.echo(coverage)
    if findings:
        raise typer.Exit(1)


def _tell(sessions: Sequence[Admitted], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([encode_admitted(one) for one in sessions], indent=1, ensure_ascii=False))
        return
    for one in sessions:
        typer.echo(f"{one.id}  {one.at:%Y-%m-%d %H:%M}  {one.agency}  {one.login}  case {one.case_no}")
    typer.echo(f"{len(sessions)} sessions")


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock

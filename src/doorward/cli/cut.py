"""`doorward cut`, `cuts` and `sessions`: ending access at once, by the officer on the gateway's host.

A session or a person is cut by one officer. An agency, a purpose or everybody takes two: the first makes a note and
signs it, the second signs the same note, and with that the cut is in force. Who did it is the system user of the first
kind, and the two signers of the second.

Exit codes: 0 in force, and every gateway on this host has carried it out; 1 a second signature is still missing; 2 an
argument is wrong; 3 a gateway could not carry it out.
"""

import json
import pwd
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from os import getuid
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, find_installation
from doorward.errors import ConfigError, DoorwardError, LogError, MalformedError
from doorward.gateway.control import ask_control
from doorward.grants.cut_files import change_cuts, load_cuts, load_officers
from doorward.grants.cuts import Cut, What, check_cut, format_cut, verify_cut
from doorward.notes.key_files import load_key
from doorward.notes.note import cosign_note, sign_note

EVERYBODY = "everybody"
Moment = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"], help="UTC")
]


def cut(  # noqa: PLR0913, PLR0917  # flags of a command
    grant: Annotated[str | None, typer.Option(help="a session, by the first digits of its id")] = None,
    person: Annotated[str | None, typer.Option(help="a login")] = None,
    agency: Annotated[str | None, typer.Option(help="an agency, and whatever is asked on its behalf")] = None,
    purpose: Annotated[str | None, typer.Option(help="a purpose")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="everybody")] = False,  # noqa: FBT002  # a command-line flag
    lift: Annotated[str | None, typer.Option(help="a wide cut, by its id, before its end")] = None,
    reason: Annotated[str | None, typer.Option(help="why, in one line; it stands in the record")] = None,
    until: Moment = None,
    also: Annotated[
        list[str] | None, typer.Option(help="a session that rests on a court's paper or an emergency, by id")
    ] = None,
    note: Annotated[Path | None, typer.Option(help="the note of a cut that takes two officers")] = None,
    key: Annotated[Path | None, typer.Option(help="the secret key of the officer who signs the note")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """End access at once, and keep it ended until its end: sessions are closed, backends terminated, grants taken."""
    folders = find_installation(config, data)
    named = {
        What.GRANT: grant, What.PERSON: person, What.AGENCY: agency, What.PURPOSE: purpose,
        What.ALL: EVERYBODY if everybody else None, What.LIFT: lift,
    }  # fmt: skip
    chosen = {what: target for what, target in named.items() if target is not None}
    if note is not None and note.exists():
        if chosen or reason or until or also:
            raise ConfigError("the note says what is cut", hint="sign it with --note and --key alone")
        made = _second(note, key, folders)
    else:
        made = _first(chosen, reason, until, also or [], note, key)
    if made is None:
        typer.echo(f"signed by one; a second officer runs: doorward cut --note {note} --key …")
        raise typer.Exit(1)
    put_in_force(folders, made)


def put_in_force(folders: Folders, made: Cut) -> None:
    """Keep a cut, and let every gateway on this host carry it out.

    Raises:
        ConfigError: It is none, or the cuts that are kept cannot be read.
        DoorwardError: A gateway does not answer, or could not carry it out.
    """
    made = _checked(made)
    change_cuts(folders.cuts, load_officers(folders.officers), lambda cuts: [*_still(cuts), made])
    typer.echo(f"cut {made.id} of {made.what} {made.target} is in force{_until(made)}")
    _tell_gateways(folders)


def cuts(
    lift: Annotated[
        str | None, typer.Option(help="take back a cut of a session or a person, by its id")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """List the cuts in force, or take one of a session or a person back."""
    folders = find_installation(config, data)
    officers = load_officers(folders.officers)
    known = load_cuts(folders.cuts, officers)
    if lift is not None:
        found = next((cut for cut in known if cut.id == lift), None)
        if found is None:
            raise ConfigError(f"there is no cut `{lift[:40]}`", hint="doorward cuts lists them")
        if found.what.is_wide:
            raise ConfigError(
                "a wide cut is lifted by two officers", hint=f"doorward cut --lift {lift} --note …"
            )
        change_cuts(folders.cuts, officers, lambda cuts: [cut for cut in cuts if cut.id != lift])
        typer.echo(f"cut {lift} is lifted")
        _tell_gateways(folders)
        return
    now = _now()
    listed = [cut for cut in known if cut.is_in_force(now)]
    if as_json:
        typer.echo(json.dumps([_as_json(cut) for cut in listed], indent=1))
        return
    for cut_ in listed:
        typer.echo(
            f"{cut_.id}  {cut_.what} {cut_.target}{_until(cut_)}  by {', '.join(cut_.by)}: {cut_.reason}"
        )
    typer.echo(f"{len(listed)} in force")


def sessions(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """List who is in, why and on whose behalf, at every gateway on this host."""
    folders = find_installation(config, data)
    found = [
        session for answer in ask_gateways(folders, "sessions") for session in answer.get("sessions", [])
    ]
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for session in sorted(found, key=lambda session: (session["login"], session["grant"])):
        words = (
            session["grant"][:8],
            session["login"],
            session["agency"],
            session["purpose"],
            session["for"],
        )
        marks = ("  (protected)" if session["protected"] else "") + (
            "  (in on a clause that is only observed)" if session["observed"] else ""
        )
        typer.echo("  ".join(words) + marks)
    typer.echo(f"{len(found)} sessions")


def _first(  # noqa: PLR0917  # what the command was given
    chosen: dict[What, str],
    reason: str | None,
    until: datetime | None,
    also: list[str],
    note: Path | None,
    key: Path | None,
) -> Cut | None:
    if len(chosen) != 1:
        raise ConfigError("name one of --grant, --person, --agency, --purpose, --all, --lift")
    if reason is None:
        raise ConfigError("a cut has a --reason; it stands in the record")
    ((what, target),) = chosen.items()
    begins = _now().replace(microsecond=0)
    ends = until.replace(tzinfo=UTC) if until is not None else None
    by = () if what.is_wide else (pwd.getpwuid(getuid()).pw_name,)
    made = _checked(Cut(what, target, begins, ends, reason, by, tuple(also)))
    if not what.is_wide:
        if note is not None or key is not None or also:
            raise ConfigError(f"a cut of a {what} takes one officer and no note")
        return made
    if note is None or key is None:
        raise ConfigError(f"a cut of {what} takes two officers: --note and --key")
    note.write_bytes(sign_note(format_cut(made), load_key(key)))
    return None


def _second(note: Path, key: Path | None, folders: Folders) -> Cut | None:
    try:
        raw = note.read_bytes()
        if key is not None:
            raw = cosign_note(raw, load_key(key))
            note.write_bytes(raw)
        return verify_cut(raw, load_officers(folders.officers))
    except (OSError, LogError) as error:
        raise ConfigError(
            f"`{note.name}`: {error}", hint=f"the officers' public keys stand in `{folders.officers}`"
        ) from error


def _checked(made: Cut) -> Cut:
    try:
        return check_cut(made)
    except MalformedError as error:
        raise ConfigError(str(error)) from error


def _tell_gateways(folders: Folders) -> None:
    answers = list(ask_gateways(folders, "cuts"))
    if not answers:
        typer.echo("no gateway runs on this host; it is carried out at the next start")
    for answer in answers:
        if "failed" in answer:
            raise DoorwardError(f"a gateway could not carry it out: {answer['failed']}")
        typer.echo(f"{answer['ended']} sessions ended in {answer['milliseconds']} ms")


def ask_gateways(folders: Folders, question: str) -> Iterator[dict[str, Any]]:
    """Yield the answer of each gateway on this host.

    Raises:
        DoorwardError: A gateway does not answer.
    """
    paths = sorted(folders.run.glob("control-*.sock"))
    # All at once: a cut is not to wait for one worker after the other. A socket on which nobody answers stays where
    # it is, because a worker's successor may be about to take it over.
    with ThreadPoolExecutor(max(1, len(paths))) as threads:
        for path, asked in [(path, threads.submit(ask_control, path, {"ask": question})) for path in paths]:
            try:
                answer = asked.result()
            except OSError as error:
                raise DoorwardError(f"a gateway does not answer on `{path.name}`") from error
            if answer is not None:
                yield answer


def _still(known: list[Cut]) -> list[Cut]:
    now = _now()
    return [cut for cut in known if cut.until is None or now < cut.until]


def _until(made: Cut) -> str:
    return f" until {made.until:%Y-%m-%d %H:%M} UTC" if made.until else ", until it is lifted"


def _as_json(made: Cut) -> dict[str, Any]:
    return {
        "id": made.id, "what": made.what.value, "target": made.target, "from": made.begins.isoformat(),
        "until": made.until.isoformat() if made.until else None, "by": list(made.by), "reason": made.reason,
        "also": list(made.also),
    }  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock

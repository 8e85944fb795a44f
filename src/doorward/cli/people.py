"""`doorward people`: who may log in, kept by the security officer; a running gateway takes each change at once.

Exit codes: 0 done; 1 the list has a fault, or too many would leave; 2 an argument is wrong.
"""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, Order, find_installation, load_installation
from doorward.cli.settings import DAYS, read_settings
from doorward.errors import ConfigError, Finding
from doorward.grants.lapse import LapseRules, LastSeen, find_lapse
from doorward.grants.people import Person, change_people, load_people
from doorward.grants.roster import Changes, Listed, Words, compare_roster, has_too_many_leavers
from doorward.grants.roster_files import parse_roster_claims, parse_roster_csv, parse_roster_scim
from doorward.orders.pack import Pack

app = typer.Typer(no_args_is_help=True)
FORMS: Mapping[str, Callable[[str], tuple[list[Listed], list[Finding]]]] = {
    "csv": parse_roster_csv,
    "scim": parse_roster_scim,
    "claims": parse_roster_claims,
}
MAX_LIST_BYTES = 256 * 1024 * 1024
MIN_PASSWORD = 14  # CJIS Security Policy, for people without a second factor: long rather than odd
ITERATIONS = 4096
ManyLeave = Annotated[bool, typer.Option("--many-leave", help="the list is whole: take it all the same")]
Login = Annotated[str, typer.Argument(help="a login")]


@app.callback()
def people() -> None:
    """Keep the people who may log in."""


@app.command("import")
def import_(  # noqa: PLR0917  # flags of a command
    file: Annotated[Path, typer.Argument(help="the city's list: CSV, or SCIM or claims as JSON")],
    form: Annotated[str, typer.Option("--format", help="csv, scim or claims")] = "csv",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say who comes, moves and leaves")] = False,  # noqa: FBT002  # a command-line flag
    many_leave: ManyLeave = False,  # noqa: FBT002  # as above
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # as above
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Take the city's list of people: who is new, who moved, and who is no longer in it and so has left."""
    if form not in FORMS:
        raise ConfigError(f"`{form[:20]}` is no form of a list", hint=f"one of {', '.join(FORMS)}")
    folders, pack = load_installation(config, data, order)
    listed, faults = FORMS[form](_read(file))
    changes, more = compare_roster(load_people(folders.people), listed, _words(pack), today=_today())
    faults += more
    if as_json:
        typer.echo(json.dumps(_as_json(changes, faults), indent=1, ensure_ascii=False))
    else:
        for line in _lines(changes, faults):
            typer.echo(line)
    if faults:
        raise typer.Exit(1)
    if has_too_many_leavers(changes) and not many_leave:
        sys.stderr.write(
            f"doorward: {len(changes.leavers)} people would leave; a list that was cut off looks like this\n"
            "  hint: --many-leave takes it all the same\n"
        )
        raise typer.Exit(1)
    if not dry_run:
        # Compared again with what is there now: somebody may have set a password since.
        change_people(
            folders.people,
            lambda known: compare_roster(known, listed, _words(pack), today=_today())[0].people,
        )


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    due: Annotated[int | None, typer.Option(help="only whose login lapses within so many days")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """List who may log in, when each was last in, and whose login lapses."""
    folders, rules = find_installation(config, data), _rules(config)
    seen, today = LastSeen(folders.seen), _today()
    found = []
    for person in load_people(folders.people):
        if not person.active:
            continue
        last = seen.day(person.login)
        ahead = date.fromordinal(today.toordinal() + (due or 0))
        lapse = find_lapse(person, rules, last_seen=last, today=ahead) if config is not None else None
        if due is None or lapse is not None:
            found.append(
                _person_json(person) | {"last_seen": last.isoformat() if last else "", "lapse": lapse or ""}
            )
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for row in found:
        words = (
            row["login"],
            row["agency"],
            row["role"],
            row["unit"],
            row["last_seen"] or "never in",
            row["lapse"],
        )
        typer.echo("  ".join(word for word in words if word))
    typer.echo(f"{len(found)} people")


@app.command()
def password(
    login: Login,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Set a password, asked for and not echoed; from standard input where that is no terminal."""
    from doorward.pgwire.scram import make_verifier

    folders, pack = load_installation(config, data, order)
    person = _find(folders, login)
    if not _words(pack).is_own(person.agency):
        raise ConfigError(
            f"`{login}` is of {person.agency}, and people of other agencies get no password here",
            hint="their agency knows when they leave: use a certificate of theirs, or their identity provider",
        )
    text = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(text) < MIN_PASSWORD:
        raise ConfigError(f"a password has at least {MIN_PASSWORD} characters")
    if sys.stdin.isatty() and getpass.getpass("again: ") != text:
        raise ConfigError("the two passwords differ")
    verifier = str(make_verifier(text, salt=os.urandom(16), iterations=ITERATIONS))
    change_people(folders.people, _change(login, verifier=verifier))
    typer.echo(f"`{login}` has a new password")


@app.command()
def certificate(
    login: Login,
    name: Annotated[str, typer.Argument(help="the common name of the person's certificate")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let a person in by a certificate of this name."""
    folders = find_installation(config, data)
    _find(folders, login)
    taken = [person.login for person in load_people(folders.people) if person.certificate == name != ""]
    if any(other != login for other in taken):
        raise ConfigError(f"that certificate is of `{taken[0]}` already; a login is one person's")
    change_people(folders.people, _change(login, certificate=name))
    typer.echo(f"`{login}` comes in by the certificate of `{name}`")


@app.command()
def attest(
    login: Login,
    config: Config = None,
    data: Data = None,
) -> None:
    """Attest that agency, role and unit of a person are still right; the login then holds for the next days."""
    folders = find_installation(config, data)
    person = _find(folders, login)
    change_people(folders.people, _change(login, attested_on=_today().isoformat()))
    typer.echo(f"attested: `{login}` is {person.role} of {person.agency}, {person.unit or 'no unit'}")


@app.command()
def close(
    login: Login,
    config: Config = None,
    data: Data = None,
) -> None:
    """Close a login: its sessions end at once."""
    folders = find_installation(config, data)
    _find(folders, login)
    change_people(folders.people, _change(login, active=False))
    typer.echo(f"`{login}` is closed")


def _rules(config: Path | None) -> LapseRules:
    if config is None:
        return LapseRules(DAYS, DAYS)
    settings = read_settings(config)
    return LapseRules(settings.unused_days, settings.attested_days)


def _words(pack: Pack) -> Words:
    by_ori: dict[str, list[str]] = {}
    for agency in pack.agencies.values():
        if ori := str(agency.attributes.get("ori", "")):
            by_ori.setdefault(ori, []).append(agency.id)
    parties = {agency.id: agency.party for agency in pack.agencies.values()}
    return Words(pack.roles, parties, by_ori, pack.own_party)


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_LIST_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_LIST_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read as UTF-8 text") from error


def _find(folders: Folders, login: str) -> Person:
    found = next((person for person in load_people(folders.people) if person.login == login), None)
    if found is None:
        raise ConfigError(f"there is no login `{login[:63]}`", hint="doorward people list")
    return found


def _change(login: str, **changed: Any) -> Callable[[Sequence[Person]], Sequence[Person]]:  # noqa: ANN401  # fields of a Person
    return lambda known: [replace(p, **changed) if p.login == login else p for p in known]


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251  # the command line may read the clock


def _lines(changes: Changes, faults: Sequence[Finding]) -> Iterator[str]:
    for title, found in (("new", changes.joiners), ("back", changes.back), ("left", changes.leavers)):
        yield from (
            f"{title}   {person.login}  {person.agency}  {person.role}  {person.unit}" for person in found
        )
    for moved in changes.movers:
        yield f"moved {moved.after.login}: {', '.join(moved.changed)}"
    yield from (f"FAULT {fault}" for fault in faults)
    active = sum(person.active for person in changes.people)
    counts = f"{len(changes.joiners)} new, {len(changes.movers)} moved, {len(changes.leavers)} left"
    yield f"{active} people: {counts}, {len(faults)} faults"


def _as_json(changes: Changes, faults: Sequence[Finding]) -> dict[str, Any]:
    return {
        "joiners": [_person_json(person) for person in changes.joiners],
        "back": [_person_json(person) for person in changes.back],
        "leavers": [_person_json(person) for person in changes.leavers],
        "movers": [{"login": moved.after.login, "changed": list(moved.changed)} for moved in changes.movers],
        "faults": [str(fault) for fault in faults],
    }


def _person_json(person: Person) -> dict[str, Any]:
    # Never the verifier: whoever has it can try passwords.
    return {name: value for name, value in asdict(person).items() if name != "verifier"}

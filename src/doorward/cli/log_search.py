"""`doorward log search` and `log searches`: the record looked through by those who may, and what they looked for.

Who may is shown by a key and never typed. That somebody searched is recorded before anything is shown; what they looked
for stands in that entry sealed to the auditors, so that whoever is looked at does not read it.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from doorward.cli.installation import Config, Data, Order, load_installation
from doorward.cli.log_link import WORKER, identify, open_disclosures, record_entry
from doorward.desk.recorder import WORKER as DESK
from doorward.errors import ConfigError, LogError
from doorward.orders.load import load_record_rules
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Entry, Field, Kind
from doorward.record.keeping import SEARCH, search_entry
from doorward.record.sealed_box import open_sealed, seal
from doorward.record.searching import Terms, show_entry
from doorward.record.workers import FUND, SEQUENCE_BITS, WRITERS

MAX_RESULTS: Final = 500
MAX_LOOKED_AT: Final = 200_000
PORTION: Final = 10_000
DOORS: Final = {
    "database": (0, DESK - 1), "record": (WORKER, WORKER), "fund": (FUND, FUND), "desk": (DESK, DESK),
}  # fmt: skip
NO_AGENTS: Final = (
    "the record is not searched by the name or badge of somebody who came to the City: it says what the City's own "
    "people and doors did, and is no register of agents"
)
_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT: Final = re.compile(r"[!-~]{1,100}")
Key = Annotated[Path, typer.Option(help="your secret key, named by office and login")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


def search(  # noqa: PLR0913, PLR0917  # flags of a command
    key: Key,
    begins: Annotated[datetime, typer.Option("--from", formats=_FORMATS, help="UTC; the first moment")],
    until: Annotated[datetime, typer.Option(formats=_FORMATS, help="UTC; the first moment behind")],
    kind: Annotated[str | None, typer.Option(help="of the entry, such as `decision`")] = None,
    door: Annotated[str | None, typer.Option(help=f"one of {', '.join(DOORS)}")] = None,
    decision: Annotated[str | None, typer.Option(help="what was answered, or how it ended")] = None,
    clause: Annotated[str | None, typer.Option(help="a clause of the order")] = None,
    case: Annotated[str | None, typer.Option(help="the id of a case, a grant or a matter")] = None,
    login: Annotated[str | None, typer.Option(help="a login of the City")] = None,
    session: Annotated[str | None, typer.Option(help="a connection, as a search shows it")] = None,
    after: Annotated[int, typer.Option(help="the entry with which the page before ended")] = -1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_RESULTS, help="the most that are shown")] = 50,
    agent: Annotated[str | None, typer.Option("--agent", "--badge", hidden=True)] = None,
    as_json: AsJson = False,  # noqa: FBT002  # a flag
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Show entries by time, kind, door, decision, clause, case, login; recorded, and sealed to the auditors.

    No statement and no value is shown, and nothing is found by an agent's name or badge.
    """
    if agent is not None:
        raise ConfigError(NO_AGENTS)
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    terms = _terms(
        begins, until, kind=kind, door=door, decision=decision, clause=clause, case=case, login=login,
        session=session, after=after,
    )  # fmt: skip
    folders, pack = load_installation(config, data, order)
    person = identify(folders, key, load_record_rules(pack).search, "search the record")
    sealed = seal(terms.format(), person.office_keys, os.urandom)
    with open_disclosures(folders, config) as disclosures:
        record_entry(folders, search_entry(sealed, login=person.login, office=person.office), now=now)
        found, behind = _look(disclosures, terms, limit)
    shown = [show_entry(entry) for entry in found]
    if as_json:
        typer.echo(json.dumps({"entries": shown, "next": behind}, indent=1, ensure_ascii=False))
        return
    for one in shown:
        typer.echo(_line(one))
    typer.echo(f"{len(shown)} entries" + ("" if behind is None else f"; there may be more: --after {behind}"))


def searches(  # noqa: PLR0917  # flags of a command
    key: Key,
    as_json: AsJson = False,  # noqa: FBT002  # a flag
    limit: Annotated[int, typer.Option(min=1, max=MAX_RESULTS, help="the newest so many")] = 50,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Show what auditors looked for, opened with an auditor's own key; only what is published already."""
    folders, pack = load_installation(config, data, order)
    person = identify(folders, key, load_record_rules(pack).search, "read what was searched for")
    rows: list[dict[str, Any]] = []
    with open_disclosures(folders, config) as disclosures:
        kept = disclosures.select([Kind.KEEPING], begins_us=0, ends_us=2**62)
        wanted = [entry for entry in kept if entry.get(Field.ACT) == SEARCH.encode()][-limit:]
    for entry in wanted:
        try:
            said = json.loads(open_sealed(entry.get(Field.PARAMETERS) or b"", person.signer))
        except LogError as error:
            said = {"sealed": str(error)}
        login = (entry.get(Field.LOGIN) or b"").decode("utf-8", errors="replace")
        rows.append({"entry": entry.sequence, "time": _say(entry.time_us), "login": login, "terms": said})
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(
            f"{row['entry']}  {row['time']}  {row['login']}  {json.dumps(row['terms'], ensure_ascii=False)}"
        )
    typer.echo(f"{len(rows)} searches")


def _terms(begins: datetime, until: datetime, *, after: int, **said: str | None) -> Terms:
    first, behind = (
        (one.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) for one in (begins, until)
    )
    if first >= behind:
        raise ConfigError("`--from` is before `--until`")
    for name, value in said.items():
        if value is not None and not _TEXT.fullmatch(value):
            raise ConfigError(f"`--{name}` is one word of at most 100 signs")
    kinds = [one.name.lower() for one in Kind]
    if said["kind"] is not None and said["kind"] not in kinds:
        raise ConfigError("`--kind` is no kind of entry", hint=f"one of {', '.join(kinds)}")
    door = said["door"]
    if door is not None and door not in DOORS:
        raise ConfigError("`--door` is no door", hint=f"one of {', '.join(DOORS)}")
    if said["session"] is not None and not re.fullmatch(r"[0-9a-f]{32}", said["session"]):
        raise ConfigError("`--session` has 32 hexadecimal digits, as a search shows it")
    return Terms(first, behind, writers=DOORS[door] if door else None, after=max(after, -1), **said)


def _look(disclosures: PostgresDisclosures, terms: Terms, limit: int) -> tuple[list[Entry], int | None]:
    """Return what was found, and behind which entry it goes on, or None at the end."""
    found: list[Entry] = []
    last = terms.after
    for number, entry in enumerate(_scan(disclosures, terms)):
        if len(found) == limit or number == MAX_LOOKED_AT:
            return found, last
        if terms.match(entry):
            found.append(entry)
        last = entry.sequence
    return found, None


def _scan(disclosures: PostgresDisclosures, terms: Terms) -> Iterator[Entry]:
    low, high = terms.writers or (0, WRITERS - 1)
    after: int | None = terms.after
    while after is not None:
        rows, after = disclosures.scan(
            after=after,
            sequences=(low << SEQUENCE_BITS, ((high + 1) << SEQUENCE_BITS) - 1),
            times_us=(terms.begins_us, terms.ends_us),
            kind=int(Kind[terms.kind.upper()]) if terms.kind else None,
            session=bytes.fromhex(terms.session) if terms.session else None,
            limit=PORTION,
        )
        yield from rows


def _line(one: dict[str, str | int]) -> str:
    rest = "  ".join(
        f"{name}={ascii(value)[1:-1]}" for name, value in one.items()
        if name not in {"entry", "time_us", "kind", "session"} and isinstance(value, str)
    )  # fmt: skip
    return f"{one['entry']}  {_say(int(one['time_us']))}  {one['kind']:<10}  {rest}"


def _say(time_us: int) -> str:
    try:
        return f"{_EPOCH + timedelta(microseconds=time_us):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return str(time_us)

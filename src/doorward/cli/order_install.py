"""`doorward order install`: an order into a city's own database.

Exit codes: 0 done, or nothing stops it; 1 it stopped; 2 an argument is wrong; 3 the server cannot be reached.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from doorward.cli.database import open_database
from doorward.cli.observation import ENFORCED, FoundObservation, read_observation, scopes_to_install
from doorward.cli.order_sign import read_keys
from doorward.errors import ConfigError, InstallError
from doorward.install.cost import Cost, measure_views
from doorward.install.install import Installed, Plan, Terms, install, plan_install
from doorward.install.short import Say
from doorward.install.stops import Declared, Mode
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack

ORDER = "chicago"
Dsn = Annotated[str, typer.Option(help="the DBA's connection string to the database, without a password")]
Order = Annotated[str, typer.Argument(help="a shipped order such as `chicago`, or the folder of one")]
Collections = Annotated[
    Path | None, typer.Option(help="the city's own collections.toml; the order's own without it")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be done, and what stops it")]
Views = Annotated[
    bool, typer.Option("--views", help="leave base tables as they are: scopes hold rows in views")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]
Observe = Annotated[
    Path | None, typer.Option(help="the note by which clauses are observed: its scopes are installed too")
]
LawKeys = Annotated[
    Path | None, typer.Option(help="with --observe: the law department's public keys, one a line")
]
Seconds = Annotated[float, typer.Option(help="how long to try for the lock of a table that is in use")]


def install_order(  # noqa: PLR0913, PLR0917  # flags of a command
    dsn: Dsn,
    order: Order = ORDER,
    collections: Collections = None,
    dry_run: DryRun = False,  # noqa: FBT002  # a command-line flag
    views: Views = False,  # noqa: FBT002  # as above
    neither: Annotated[
        list[str] | None, typer.Option(help="a role that inserts and uses neither COPY FROM nor pg_dump")
    ] = None,
    dumps: Annotated[list[str] | None, typer.Option(help="a role that runs pg_dump")] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="what PUBLIC reaches and may go on reaching, as printed")
    ] = None,
    register: Annotated[
        list[str] | None,
        typer.Option(help="schema.table=column,column that the gateway may ask, such as cases"),
    ] = None,
    observe: Observe = None,
    law_keys: LawKeys = None,
    lock_seconds: Seconds = 60,
    counts: Annotated[bool, typer.Option(help="let each role count each table at the end")] = True,  # noqa: FBT002  # as above
    production: Annotated[bool, typer.Option("--production", help="refuse a sample order")] = False,  # noqa: FBT002  # as above
    as_json: AsJson = False,  # noqa: FBT002  # as above
) -> None:
    """Put an order into force in a database, without a change for the roles that are there."""
    pack = load_pack(order, production=production, collections=collections)
    _check_effective(pack)
    declared = Declared(neither or (), dumps or (), accept or ())
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    found = _read_observation(observe, law_keys, pack, now)
    digest = sha256(collections.read_bytes()).hexdigest() if collections else ""
    terms = Terms(
        declared,
        Mode.VIEWS if views else Mode.ROWS,
        dict(_parse_register(text) for text in register or ()),
        lock_seconds,
        counts=counts,
        collections_digest=digest,
    )
    console = Console(stderr=True)
    with open_database(dsn) as connection:
        with console.status("compiling the scopes"):
            book = scopes_to_install(found, pack.scope_book(), Pack.scope_book)
        if dry_run:
            plan = plan_install(connection, pack, book, terms)
            lines = [f"  {_says(found)}", *_plan_lines(plan, pack, terms)]
            _print(_plan_json(plan, pack) | _as_json(found) if as_json else lines, as_json=as_json)
            raise typer.Exit(1 if plan.stops else 0)
        _prove(pack, console)
        with progress(console) as say:
            done = install(connection, pack, book, terms, now=now, say=say)
        costs = (
            measure_views(connection, max(book.scopes.values(), key=lambda s: len(s.tables))) if views else []
        )
    if as_json:
        told = {"order": pack.name, "digest": pack.digest, "sample": pack.is_sample, **asdict(done)}
        _print(told | _as_json(found) | {"costs": [asdict(cost) for cost in costs]}, as_json=True)
    else:
        _print(_installed_lines(done, pack, terms, costs), as_json=False)
        typer.echo(f"clauses: {_says(found)}")


def _read_observation(
    file: Path | None, keys: Path | None, pack: Pack, now: datetime
) -> FoundObservation | None:
    if (file is None) != (keys is None):
        raise ConfigError("`--observe` and `--law-keys` are given together")
    return read_observation(file, read_keys(keys), pack, now=now) if file and keys else None


def _says(found: FoundObservation | None) -> str:
    return ENFORCED if found is None else found.says()


def _as_json(found: FoundObservation | None) -> dict[str, Any]:
    if found is None:
        return {"observed": [], "observed_until": None}
    observation = found.verified.observation
    return {"observed": list(observation.clauses), "observed_until": observation.until.isoformat()}


@contextmanager
def progress(console: Console) -> Iterator[Say]:
    """Yield what is told of each step; shows it on standard error while it lasts."""
    with console.status("") as status:

        def say(step: str, done: int, total: int) -> None:
            status.update(step if total <= 1 else f"{step} {done + 1} of {total}")

        yield say


def _parse_register(text: str) -> tuple[str, tuple[str, ...]]:
    table, sign, columns = text.partition("=")
    listed = tuple(column.strip() for column in columns.split(",") if column.strip())
    if not sign or "." not in table or not listed:
        raise ConfigError(f"`--register {text[:80]}` must be schema.table=column,column")
    return table, listed


def _check_effective(pack: Pack) -> None:
    today = datetime.now(UTC).date().isoformat()  # noqa: TID251  # the command line may read the clock
    if pack.effective > today:
        raise ConfigError(
            f"the order {pack.name} takes effect on {pack.effective}", hint="install it on that day"
        )


def _prove(pack: Pack, console: Console) -> None:
    import time

    try:
        from doorward.orders.prove import prove_pack
    except ImportError as error:
        raise ConfigError(
            "an order is proved before it is installed, and z3 is not there",
            hint="pip install 'doorward[prove]'",
        ) from error
    with console.status("proving the order"):
        result = prove_pack(pack, cpu=time.process_time)
    if not result.holds:
        raise InstallError(
            f"the order {pack.name} is not proved with these collections",
            hint=f"doorward order prove {pack.name}",
        )


def _print(found: Any, *, as_json: bool) -> None:  # noqa: ANN401  # lines, or what json takes
    if as_json:
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for line in found:
        typer.echo(line)


def _sample(pack: Pack) -> str:
    return " (a SAMPLE: an office that does not exist adopted it)" if pack.is_sample else ""


def _plan_json(plan: Plan, pack: Pack) -> dict[str, Any]:
    return {"order": pack.name, "digest": pack.digest, "sample": pack.is_sample, **asdict(plan)}


def _plan_lines(plan: Plan, pack: Pack, terms: Terms) -> Iterator[str]:
    yield f"order {pack.name}{_sample(pack)}, digest {pack.digest[:16]}; nothing is changed by this"
    yield f"  scopes: {len(plan.created)} would be made, {len(plan.dropped)} would go"
    if plan.dropped:
        yield f"  sessions in scopes that go end; {plan.ended_sessions} sessions are open now"
    if terms.mode is Mode.VIEWS:
        yield "  base tables: a GRANT to the views' owners, nothing else"
    for table, keepers in plan.tables.items():
        yield f"  {table}: a keep-policy for {', '.join(keepers)}; row security on"
    yield from _count("  moved from PUBLIC to the roles that exist", plan.moved_from_public)
    yield "  after this, `doorward order uninstall --role R` comes before DROP ROLE R"
    yield from (f"STOP  {stop}" for stop in plan.stops)
    yield f"stopped by {len(plan.stops)}" if plan.stops else "nothing stops it"


def _installed_lines(done: Installed, pack: Pack, terms: Terms, costs: Sequence[Cost]) -> Iterator[str]:
    yield f"order {pack.name}{_sample(pack)} is in force"
    yield f"  {done.scopes} scopes: {len(done.created)} new, {len(done.dropped)} gone"
    if done.locked_seconds:
        longest = max(done.locked_seconds.values()) * 1000
        tables = f"{len(done.locked_seconds)} tables behind the door"
        yield f"  {tables}, each in one transaction of at most {longest:.0f} ms"
        equal = "rights, plans and counts" if terms.counts else "rights and plans"
        yield f"  the roles that were there: {equal} are equal"
    yield from _count("  moved from PUBLIC to the roles that exist", done.moved_from_public)
    for cost in costs:
        figures = f"by hand {_ms(cost.by_hand)}, through the view {_ms(cost.through_view)}"
        yield f"  {cost.table}, {cost.statement}: {figures}"
    yield f"  digest of the order    {pack.digest}"
    yield f"  digest of the catalog  {done.catalog_digest}"
    yield "next: `doorward order entry` prints the lines that let the gateway in, and proves them"


def _count(says: str, listed: Sequence[str]) -> Iterator[str]:
    if listed:
        yield f"{says}: {len(listed)} rights (--json lists them)"


def _ms(value: float | None) -> str:
    return "more than 20 s" if value is None else f"{value:.1f} ms"

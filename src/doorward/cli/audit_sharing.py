"""`doorward audit sharing`: with whom agencies share, held against what is on file, and what has changed since.

Exit codes: 0 nothing was found, 1 something was, 2 a file or an argument is wrong.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from doorward.cli.audit_policies import MAX_CSV_BYTES
from doorward.errors import ConfigError
from doorward.lookback.agencies.participation import read_sheet
from doorward.lookback.published.rows import parse_export_name, parse_rows
from doorward.lookback.published.sharing import (
    Changes,
    Compared,
    OnFile,
    compare_days,
    compare_sharing,
    count_kinds,
    pair_days,
)
from doorward.lookback.published.sharing_files import (
    Paper,
    Participant,
    SharingList,
    is_networks,
    list_of,
    parse_networks,
    parse_papers,
    read_participants,
)
from doorward.orders.load import load_pack

MAX_SHOWN: Final = 10
Csv = Annotated[Path | None, typer.Option()]


def sharing(  # noqa: PLR0913, PLR0917  # flags of a command
    files: Annotated[
        list[Path] | None, typer.Argument(help="exports of shared networks, or published pages")
    ] = None,
    policies: Annotated[Path | None, typer.Option(help="published pages: partners and settings")] = None,
    agreements: Annotated[Path | None, typer.Option(help="CSV: agency, kind, from, until, evidence")] = None,
    declarations: Annotated[Path | None, typer.Option(help="the same, of declarations")] = None,
    participating: Annotated[
        Path | None, typer.Option(help="the federal list of 287(g) agreements, XLSX")
    ] = None,
    before: Annotated[Path | None, typer.Option(help="the lists of an earlier day")] = None,
    order: Annotated[str | None, typer.Option(help="an order whose clauses may be cited")] = None,
    agency: Annotated[list[str] | None, typer.Option(help="only this one, by its short name")] = None,
    owner: Annotated[str | None, typer.Option(help="whose export of shared networks it is")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day of an export")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Compare partner lists and settings with the agreements and declarations on file, and with an earlier day."""
    day = on.date() if on else None
    sources = [*(files or []), *([policies] if policies else [])]
    if not sources:
        raise ConfigError(
            "there is no list to look at", hint="name an export of shared networks, or --policies"
        )
    lists = [listed for source in sources for listed in load_lists(source, owner, day)]
    earlier = load_lists(before, owner, None) if before else []
    if agency:
        lists, earlier = ([one for one in some if one.agency in agency] for some in (lists, earlier))
        if not lists:
            raise ConfigError(f"no list of an agency `{agency[0][:100]}` is in these files")
    held = OnFile(
        agreements=_papers(agreements),
        declarations=_papers(declarations),
        participants=_participants(participating),
        clauses=frozenset(load_pack(order).clauses) if order else frozenset(),
    )
    newest = {one.agency: one for one in sorted(lists, key=lambda one: one.on or date.min)}
    today = datetime.now(UTC).date()  # noqa: TID251  # the command line is where the clock is read
    compared = [compare_sharing(newest[name], held, on=newest[name].on or today) for name in sorted(newest)]
    changes = [compare_days(*pair) for pair in pair_days(lists, earlier)]
    if as_json:
        typer.echo(json.dumps(_as_json(compared, changes), indent=1, ensure_ascii=False, default=str))
    else:
        for line in _lines(compared, changes):
            typer.echo(line)
    if any(one.findings for one in compared) or any(one.any for one in changes):
        raise typer.Exit(1)


def load_lists(file: Path, owner: str | None, on: date | None) -> list[SharingList]:
    """Return the lists of a file: an export of shared networks, or pages of many agencies.

    Raises:
        ConfigError: It cannot be read, is neither, or does not say whose list it is.
    """
    text = _read(file)
    if not is_networks(text):
        return [list_of(row, file.name) for row in parse_rows(text, file=file.name)]
    named = parse_export_name(file.name)
    whose, day = owner or (named[0] if named else None), on or (named[1] if named else None)
    if whose is None:
        raise ConfigError(
            f"`{file.name}` does not say whose list it is",
            hint="--owner NAME, or a name as in town-pd__2026-04-19.csv",
        )
    return [parse_networks(text, file=file.name, owner=whose, on=day)]


def _papers(file: Path | None) -> tuple[Paper, ...] | None:
    return None if file is None else parse_papers(_read(file), file=file.name)


def _participants(file: Path | None) -> tuple[Participant, ...] | None:
    return None if file is None else read_participants(read_sheet(file), file=file.name)


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_CSV_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_CSV_BYTES} bytes")
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"`{file.name}` is no UTF-8 text at byte {error.start}") from error


def _lines(compared: Sequence[Compared], changes: Sequence[Changes]) -> Iterator[str]:
    for one in compared:
        yield (
            f"{one.list.name} ({one.list.agency}), {one.on}, {one.list.source}: open to {one.outward} partners, "
            f"{len(one.findings)} findings"
        )
        for kind in count_kinds([one]):
            found = [finding for finding in one.findings if finding.kind is kind]
            law = ", ".join(found[0].clauses)
            yield f"  {kind}: {len(found)}{f', clause {law}' if law else ''}"
            for finding in found[:MAX_SHOWN]:
                kept = f"; {finding.evidence}" if finding.evidence else ""
                yield f"    {f'{finding.partner}: ' if finding.partner else ''}{finding.says}{kept}"
            if len(found) > MAX_SHOWN:
                yield f"    and {len(found) - MAX_SHOWN} more; --json has all"
        if one.unknown_state:
            yield f"  of {one.unknown_state} partners the name does not say the State: not compared by it"
        if one.not_compared:
            yield f"  not compared, no file was given: {', '.join(one.not_compared)}"
    for change in changes:
        yield from _changed(change)
    counts = ", ".join(f"{kind} {count}" for kind, count in count_kinds(compared).items())
    yield f"{len(compared)} lists: {counts or 'nothing found'}"


def _changed(change: Changes) -> Iterator[str]:
    yield f"{change.agency}, from {change.before or 'no date'} to {change.after or 'no date'}:" + (
        "" if change.any else " no change"
    )
    for what, names in (("added", change.added), ("gone", change.gone)):
        yield from _some(f"  {what}: ", names)
    yield from _some("  renamed: ", [f"{old} -> {new}" for old, new in change.renamed])
    for name, old, new in change.settings:
        yield f"  setting {name}: {old or 'nothing'} -> {new or 'nothing'}"


def _some(lead: str, names: Sequence[str]) -> Iterator[str]:
    for name in names[:MAX_SHOWN]:
        yield f"{lead}{name}"
    if len(names) > MAX_SHOWN:
        yield f"{lead}{len(names) - MAX_SHOWN} more; --json has all"


def _as_json(compared: Iterable[Compared], changes: Iterable[Changes]) -> dict[str, Any]:
    compared = list(compared)
    return {
        "lists": [
            {
                "agency": one.list.agency,
                "name": one.list.name,
                "on": one.on.isoformat(),
                "source": one.list.source,
                "outward": one.outward,
                "state_not_known": one.unknown_state,
                "not_compared": one.not_compared,
                "findings": [asdict(finding) for finding in one.findings],
            }
            for one in compared
        ],
        "changes": [asdict(change) for change in changes],
        "counts": count_kinds(compared),
    }

"""`doorward audit agencies`: which agency each organisation of a log is, for a person to confirm.

Exit codes: 0 every name is decided or exact, 1 some need a person, 2 a file or setting is not what it must be.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.lookback.agencies.declarations import load_declarations
from doorward.lookback.agencies.listed import AgencyList, load_agency_list
from doorward.lookback.agencies.match import ListMatcher
from doorward.lookback.agencies.match_file import decided_rows, load_matches, merge_matches, save_matches
from doorward.lookback.agencies.match_review import Reviewed, count_ways, review
from doorward.lookback.agencies.participation import load_participation
from doorward.lookback.agencies.searcher_names import count_searchers
from doorward.lookback.agencies.searchers import Order, SearcherMatcher, make_order
from doorward.orders.load import load_pack

MAX_SHOWN = 40
Files = Annotated[list[Path], typer.Argument(help="logs of any form, folders of audits, or names (.txt)")]
Agencies = Annotated[Path, typer.Option(help="list of agencies with ORIs, the FBI's columns, CSV")]
Matches = Annotated[
    Path, typer.Option(help="the file of matches: read first, then written with new proposals")
]
Participating = Annotated[Path | None, typer.Option(help="ICE's list of 287(g) agencies, XLSX")]
Pending = Annotated[Path | None, typer.Option(help="ICE's list of pending 287(g) agencies, XLSX")]
DeclarationsFile = Annotated[Path | None, typer.Option("--declarations", help="declarations on file, CSV")]


def agencies(  # noqa: PLR0917, PLR0913  # options of a command
    files: Files,
    agencies: Agencies,
    matches: Matches = Path("matches.csv"),
    order: Annotated[str, typer.Option(help="an order, whose entity file names agencies")] = "",
    participating: Participating = None,
    pending: Pending = None,
    declarations: DeclarationsFile = None,
    show: Annotated[int, typer.Option(help="how many open names are listed")] = MAX_SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Propose an agency for each organisation that searched; what a person has decided stays."""
    names: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for file in files:
            names += count_searchers(file, Path(scratch) / "engine")
    matcher = load_matcher(agencies, matches, order, participating, pending, declarations)
    found = review(matcher, names)
    kept = load_matches(matches)
    save_matches(matches, merge_matches(kept, (one.as_row() for one in found)))
    open_ones = [one for one in found if one.open]
    if as_json:
        typer.echo(json.dumps(_as_json(found, matcher), indent=1, ensure_ascii=False, sort_keys=True))
    else:
        for line in _lines(found, open_ones[:show], matches.name, matcher):
            typer.echo(line)
    if open_ones:
        raise typer.Exit(1)


def load_matcher(  # noqa: PLR0917  # the files that a command names
    agencies: Path | None,
    matches: Path | None,
    order: str,
    participating: Path | None = None,
    pending: Path | None = None,
    declarations: Path | None = None,
) -> SearcherMatcher:
    """Return what matches organisations, from the files that the command line names.

    Raises:
        ConfigError: One of them is not what it must be.
    """
    ruled: Order | None = make_order(load_pack(order)) if order else None
    entities = None if ruled is None else ruled.entities.agencies
    lists = None if agencies is None else ListMatcher(AgencyList(load_agency_list(agencies)))
    decided = {} if matches is None else decided_rows(load_matches(matches, entities=entities))
    return SearcherMatcher(
        lists,
        ruled,
        decided,
        load_participation(participating, pending, lists) if participating or pending else None,
        load_declarations(declarations, lists) if declarations else None,
    )


def _as_json(found: list[Reviewed], matcher: SearcherMatcher) -> dict[str, Any]:
    return {
        "ways": count_ways(found),
        "searchers": [one.as_json() for one in found],
        "notes": matcher.notes(),
    }


def _lines(
    found: list[Reviewed], shown: list[Reviewed], file: str, matcher: SearcherMatcher
) -> Iterator[str]:
    for one in shown:
        searcher = one.searcher
        yield f"{one.accesses:>9}  {searcher.how:<5} {searcher.searcher}"
        says = one.as_row()
        target = " ".join(part for part in (says.ori, says.entity) if part)
        yield f"{'':>9}        {' | '.join(part for part in (target, says.note) if part) or 'nothing like it is known'}"
    yield from matcher.notes()
    for way, count in count_ways(found).items():
        if count["names"]:
            yield f"{way:<6} {count['names']} names, {count['accesses']} accesses"
    left = sum(one.open for one in found)
    decided = sum(one.decided for one in found)
    yield f"{len(found)} names: {decided} decided by a person, {left} need one; they stand in `{file}`"

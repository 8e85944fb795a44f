"""`doorward order diff`: where a new order is more permissive than the old one, less, both, or equal.

Exit codes: 0 nothing is different, 1 something is or could not be decided, 2 there is no such order, or z3 is missing.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console

from doorward.errors import ConfigError
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack


def diff(
    old: Annotated[str, typer.Argument(help="the order in force: a shipped one, or a folder")],
    new: Annotated[str, typer.Argument(help="the order that would take its place")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Compare two orders over every request that both can be asked, with an example of each kind of change."""
    before, after = load_pack(old), load_pack(new)
    try:
        from doorward.orders.diff import compare_packs
    except ImportError as error:
        raise ConfigError("z3 is not installed", hint="pip install 'doorward[prove]'") from error
    console = Console(stderr=True)
    with console.status("comparing") as status:
        found = compare_packs(before, after, progress=lambda asked: status.update(f"comparing: {asked}"))
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=1, ensure_ascii=False))
    else:
        for line in _lines(found, before, after):
            typer.echo(line)
    if not found.is_same:
        raise typer.Exit(1)


def _lines(found: Any, old: Pack, new: Pack) -> Iterator[str]:  # noqa: ANN401  # its module needs z3
    from doorward.policy.prover import describe_request

    yield f"old: {old.name}, {found.old}"
    yield f"new: {new.name}, {found.new}"
    for one in found.compared:
        yield f"{one.action} of {one.resource}: {one.verdict}"
        for before, after in one.unknown:
            yield f"  z3 gave no answer in time for {before} to {after}"
        for change in one.changes:
            yield f"  {change.before} becomes {change.after}, for example:"
            yield from (f"    {line}" for line in describe_request(change.new, new.requests))
        if not one.replayed:
            yield "  Cedar's own engine answers an example otherwise: the comparison is wrong, please report it"
    for title, names in (
        ("only in the old order", found.only_old),
        ("only in the new order", found.only_new),
    ):
        if names:
            yield f"{title}, and not compared: {len(names)}"
            yield from (f"  {name}" for name in names)
    yield f"the new order is {found.verdict}" + (
        "" if found.verdict != "equal" else " in what both can be asked"
    )


def _as_json(found: Any) -> dict[str, Any]:  # noqa: ANN401  # as above
    return {
        "old": found.old,
        "new": found.new,
        "verdict": found.verdict,
        "sure": found.is_sure,
        "compared": [
            {
                "action": one.action,
                "resource": one.resource,
                "verdict": one.verdict,
                "undecided": [{"before": before, "after": after} for before, after in one.unknown],
                "replayed": one.replayed,
                "changes": [
                    {
                        "before": change.before,
                        "after": change.after,
                        "old": _request(change.old),
                        "new": _request(change.new),
                    }
                    for change in one.changes
                ],
            }
            for one in found.compared
        ],
        "only_old": list(found.only_old),
        "only_new": list(found.only_new),
    }


def _request(request: Any) -> dict[str, Any]:  # noqa: ANN401  # as above
    return {
        "action": request.action,
        "resource": {"type": request.resource.type, "id": request.resource.id},
        "login": request.login,
        "facts": {path: v for path, v in request.facts.items() if isinstance(v, bool | int | str)},
    }

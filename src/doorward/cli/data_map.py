"""`doorward data-map`: every stored field, why, how long, who could compel it, at which door.

Exit codes: 0 printed.
"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from doorward.desk.stored import load_data_map


def data_map(as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False) -> None:  # noqa: FBT002  # a command-line flag
    """Print what the product stores, field by field: why, how long, who could compel it, at which door."""
    held = load_data_map()
    if as_json:
        said = {"compelled": dict(held.compelled), "fields": [asdict(one) for one in held.fields]}
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
        return
    for store, says in held.stores.items():
        mine = [one for one in held.fields if one.store == store]
        first = mine[0]
        typer.echo(f"{store}: {says}")
        typer.echo(f"  door: {first.door}; read by {first.readers}; kept {first.kept}")
        typer.echo(f"  schedule item: {first.schedule or 'not named by the records officer yet'}")
        typer.echo(f"  could be compelled by: {', '.join(first.compelled)}")
        width = max(len(one.name) for one in mine)
        for one in mine:
            typer.echo(f"    {one.name:<{width}}  {one.why}")
    for word, says in held.compelled.items():
        typer.echo(f"{word}: {says}")
    open_ones = sum(
        not any(one.schedule for one in held.fields if one.store == store) for store in held.stores
    )
    typer.echo(
        f"{len(held.fields)} fields in {len(held.stores)} stores; {open_ones} stores have no schedule item"
    )

"""`doorward order enact`: the statement of two people puts an order into force at this installation.

Exit codes: 0 it is in force; 2 it does not hold now, and nothing was changed.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.enactment import describe, enact, read_note
from doorward.cli.installation import Config, Data, Order, load_installation


def enact_order(
    statement: Annotated[Path, typer.Argument(help="the signed statement, as `doorward order sign` made it")],
    config: Config = None,
    data: Data = None,
    order: Order = "chicago",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Put an order into force here: the statement must be about it, signed by two, and follow the one before."""
    folders, pack = load_installation(config, data, order)
    folders.make()
    found = enact(folders, pack, read_note(statement), now=datetime.now(UTC))  # noqa: TID251  # the command line is where the clock is read
    stated = found.statement
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "order": stated.order, "digest": stated.digest, "number": stated.number,
                    "effective": stated.effective.isoformat(),
                    "until": stated.until.isoformat() if stated.until else None, "signers": list(found.signers),
                }
            )
        )  # fmt: skip
        return
    typer.echo(f"order {stated.order}: statement {describe(found)}")

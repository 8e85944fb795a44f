"""`doorward fund sample`: which units an independent reviewer looks at.

Exit codes: 0 drawn, 1 the report is refused, 2 usage, 3 a file cannot be read.
"""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.fund_files import ORDER_HELP, load_sheets, load_units
from doorward.errors import ConfigError
from doorward.fund.grantee.report import read_report
from doorward.fund.grantee.sample import draw_sample, seed_of


def sample(  # noqa: PLR0917  # typer fills them
    file: Annotated[
        Path, typer.Argument(help="the report as it was recorded, CSV or XLSX", show_default=False)
    ],
    agreement: Annotated[str, typer.Option(help="number of the agreement")],
    root: Annotated[
        str, typer.Option(help="root of a verified checkpoint after the report, 64 hexadecimal digits")
    ],
    units: Annotated[int, typer.Option(help="how many units the reviewer looks at")] = 10,
    order: Annotated[str, typer.Option(help=ORDER_HELP)] = "chicago",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Draw the units that an independent reviewer looks at on site, from the public log and the report."""
    if not re.fullmatch(r"[0-9a-f]{64}", root):
        raise ConfigError(
            "--root must be 64 hexadecimal digits",
            hint="the third line of a checkpoint is the same in Base64",
        )
    words = load_units(order)
    sheets, refusals = load_sheets(file)
    found = None
    if not refusals:
        found, refusals = read_report(sheets, words, {agreement.lower()})
    if found is None:
        for refusal in refusals:
            typer.echo(f"refused: {refusal}")
        raise typer.Exit(1)
    seed = seed_of(bytes.fromhex(root), bytes.fromhex(found.digest))
    drawn = draw_sample(found, bytes.fromhex(root), units)
    if as_json:
        told = {
            "root": root,
            "report": found.digest,
            "seed": seed.hex(),
            "drawn": [asdict(one) for one in drawn],
        }
        typer.echo(json.dumps(told, indent=1))
        return
    typer.echo(f"report {found.digest}\nseed   {seed.hex()}")
    for one in drawn:
        said = ", ".join(
            part
            for part in (one.service, f"detained {one.detained}" if one.detained else "", one.stage)
            if part
        )
        typer.echo(f"{said}: number {one.number} of the grantee's list")

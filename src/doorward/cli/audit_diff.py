"""`doorward audit diff`: two audits beside each other.

Exit codes: 0 no rate is shown to differ; 1 one rose or fell, or cannot be compared; 2 an argument is wrong.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.report.compare import compare_audits, load_side
from doorward.lookback.report.html import visible
from doorward.lookback.report.source import Source
from doorward.lookback.report.write import write_report

Anyway = Annotated[bool, typer.Option(help="compare under orders that differ too, and say so")]
Html = Annotated[bool, typer.Option(help="write the later audit's report anew with a section on this")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document")]


def diff(
    old: Annotated[Path, typer.Argument(help="the folder of the earlier audit")],
    new: Annotated[Path, typer.Argument(help="the folder of the later audit")],
    anyway: Anyway = False,  # noqa: FBT002  # a command-line flag
    html: Html = False,  # noqa: FBT002  # as above
    as_json: Json = False,  # noqa: FBT002  # as above
) -> None:
    """Compare two audits: first what changed in the logs, then the rates, with a test that accounts for their size."""
    folder = AuditFolder(new)
    with open_engine(folder.scratch) as connection:
        sides = [
            load_side(connection, one, Source(connection, one).manifest) for one in (AuditFolder(old), folder)
        ]
        found = compare_audits(sides[0], sides[1], anyway=anyway)
        if html:
            write_report(connection, folder, comparison={"lines": found.lines(), **found.as_json()})
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
    else:
        for line in found.lines():
            typer.echo(visible(line))
    if found.alarms or any(one.verdict != "no difference shown" for one in found.rates):
        raise typer.Exit(1)

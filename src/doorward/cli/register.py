"""`doorward register`: how the register of cases answers, and asking it about live sessions at once.

Exit codes: 0 done; 1 the register is left alone, or did not answer for every session; 2 an argument is wrong; 3 a
gateway does not answer.
"""

import json
from typing import Annotated

import typer

from doorward.cli.cut import ask_gateways
from doorward.cli.installation import Config, Data, find_installation

app = typer.Typer(no_args_is_help=True)
LEFT_ALONE = "left_alone"
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


@app.callback()
def register() -> None:
    """See how the register of cases answers."""


@app.command()
def status(
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """Count for each gateway on this host how the register answered since it started; no case is named."""
    found = list(ask_gateways(find_installation(config, data), "register figures"))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        for one in found:
            said = ", ".join(f"{count} {name}" for name, count in one.items() if name != LEFT_ALONE)
            typer.echo(f"{said}; {'left alone for now' if one[LEFT_ALONE] else 'asked'}")
    if any(one[LEFT_ALONE] for one in found):
        raise typer.Exit(1)


@app.command()
def recheck(
    config: Config = None,
    data: Data = None,
) -> None:
    """Ask now about every live session that rests on the register; who is no longer found is out."""
    silent = 0
    for one in ask_gateways(find_installation(config, data), "register"):
        typer.echo(
            f"{one['asked']} sessions asked about, {one['ended']} ended, {one['unanswered']} unanswered"
        )
        silent += one["unanswered"]
    if silent:
        raise typer.Exit(1)

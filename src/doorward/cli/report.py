"""`doorward report`: what the doors saw, for those who answer for them."""

import typer

from doorward.cli.report_bypass import bypass
from doorward.cli.report_observe import observe

app = typer.Typer(no_args_is_help=True)


@app.callback()
def report() -> None:
    """Report on what the doors saw."""


app.command("bypass")(bypass)
app.command("observe")(observe)

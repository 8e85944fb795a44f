"""`doorward letter`: the letters of an order, checked, shown, signed and verified."""

from typing import ClassVar

import typer

from doorward.cli.deferred import Deferred, DeferredGroup


class _Letter(DeferredGroup):
    deferred: ClassVar = {
        "check": Deferred("letter_check:check"),
        "show": Deferred("letter_show:show"),
        "sign": Deferred("letter_sign:sign"),
        "verify": Deferred("letter_verify:verify"),
    }


app = typer.Typer(cls=_Letter, no_args_is_help=True)


@app.callback()
def letter() -> None:
    """Check, show, sign and verify the letters of an order."""

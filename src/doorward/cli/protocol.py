"""`doorward protocol`: what staff at a front desk see; one file a command."""

from typing import ClassVar

import typer

from doorward.cli.deferred import Deferred, DeferredGroup


class _Protocol(DeferredGroup):
    deferred: ClassVar = {
        "check": Deferred("protocol_check:check"),
        "list": Deferred("protocol_show:list_protocols"),
        "show": Deferred("protocol_show:show"),
        "compile": Deferred("protocol_show:compile_tenant"),
        "extract": Deferred("protocol_texts:extract"),
        "reviewed": Deferred("protocol_texts:reviewed"),
        "print": Deferred("protocol_print:print_sheets"),
    }


app = typer.Typer(cls=_Protocol, no_args_is_help=True)


@app.callback()
def protocol() -> None:
    """Check, show, translate and print what staff at a front desk do."""

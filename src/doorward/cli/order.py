"""`doorward order`: what a law department does with an order, and a DBA; one file a command."""

from typing import ClassVar

import typer

from doorward.cli.deferred import Deferred, DeferredGroup


class _Order(DeferredGroup):
    deferred: ClassVar = {
        "new": Deferred("order_new:new"),
        "check": Deferred("order_check:check"),
        "prove": Deferred("order_prove:prove"),
        "diff": Deferred("order_diff:diff"),
        "sql": Deferred("order_sql:sql"),
        "key": Deferred("order_sign:key"),
        "sign": Deferred("order_sign:sign"),
        "verify": Deferred("order_sign:verify"),
        "enact": Deferred("order_enact:enact_order"),
        "observe": Deferred("order_observe:observe"),
        "scaffold": Deferred("order_database:scaffold"),
        "install": Deferred("order_install:install_order"),
        "uninstall": Deferred("order_database:uninstall_order"),
        "entry": Deferred("order_database:entry"),
        "drift": Deferred("order_database:drift"),
    }


app = typer.Typer(cls=_Order, no_args_is_help=True)


@app.callback()
def order() -> None:
    """Write, check, prove, sign, compare and install orders."""

"""`doorward order`: what a law department does with an order, and a DBA; one file a command."""

import typer

from doorward.cli import (
    order_check,
    order_database,
    order_diff,
    order_enact,
    order_install,
    order_new,
    order_observe,
    order_prove,
    order_sign,
    order_sql,
)

app = typer.Typer(no_args_is_help=True)
app.command("new")(order_new.new)
app.command("check")(order_check.check)
app.command("prove")(order_prove.prove)
app.command("diff")(order_diff.diff)
app.command("sql")(order_sql.sql)
app.command("key")(order_sign.key)
app.command("sign")(order_sign.sign)
app.command("verify")(order_sign.verify)
app.command("enact")(order_enact.enact_order)
app.command("observe")(order_observe.observe)
app.command("scaffold")(order_database.scaffold)
app.command("install")(order_install.install_order)
app.command("uninstall")(order_database.uninstall_order)
app.command("entry")(order_database.entry)
app.command("drift")(order_database.drift)


@app.callback()
def order() -> None:
    """Write, check, prove, sign, compare and install orders."""

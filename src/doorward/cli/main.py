"""The command line: one file a command, and one place where a failure becomes a line and an exit code.

Exit codes are part of the interface: 0 yes or done, 1 no (denied, a proof is false), 2 usage or configuration,
3 could not tell (input or output failed). A script never reads "could not tell" as "no".
"""

import sys
from typing import ClassVar

import typer

from doorward.cli.deferred import Deferred, DeferredGroup
from doorward.errors import ConfigError, DoorwardError, InstallError, PolicyError, VerificationError


class _Doorward(DeferredGroup):
    deferred: ClassVar = {
        "up": Deferred("up:up"),
        "tour": Deferred("tour:tour"),
        "decide": Deferred("decide:decide"),
        "doctor": Deferred("doctor:doctor"),
        "uninstall": Deferred("order_database:uninstall_order", hidden=True),  # as `order uninstall`
        "sessions": Deferred("cut:sessions"),
        "cut": Deferred("cut:cut"),
        "cuts": Deferred("cut:cuts"),
        "backup": Deferred("backup:backup"),
        "restore": Deferred("backup:restore"),
        "reset": Deferred("reset:reset"),
        "desk": Deferred("desk:desk"),
        "gateway": Deferred("gateway:gateway"),
        "notifier": Deferred("notifier:notifier"),
        "publisher": Deferred("publisher:publisher"),
        "order": Deferred("order:app", "Write, check, prove, sign, compare and install orders."),
        "protocol": Deferred(
            "protocol:app", "Check, show, translate and print what staff at a front desk do."
        ),
        "intake": Deferred("intake:app", "See what a desk takes and asks under an order."),
        "letter": Deferred("letter:app", "Check, show, sign and verify the letters of an order."),
        "policy": Deferred("policy:app", "Check the compilers of Cedar."),
        "log": Deferred("log:app", "Verify the record."),
        "account": Deferred("account:app", "Keep the accounts of the desk."),
        "paper": Deferred("paper:app", "Keep the papers of the desk."),
        "people": Deferred("people:app", "Keep the people who may log in."),
        "application": Deferred("application:app", "Keep the applications that may ask for people."),
        "records": Deferred("records:app", "Keep the facts that officials set."),
        "places": Deferred("places:app", "See the register of places as the desk reads it."),
        "register": Deferred("register:app", "See how the register of cases answers."),
        "attest": Deferred("attest:app", "Look at numbers that outside agencies attested."),
        "audit": Deferred("audit:app", "Look back over logs of accesses that already happened."),
        "report": Deferred("report:app", "Report on what the doors saw."),
        "grant": Deferred("grant:app", "Ask the door, and answer what the order refers."),
        "review": Deferred("review:app", "Review emergency sessions."),
        "export": Deferred("export:app", "Export rows into a file, and verify one."),
        "inventory": Deferred("inventory:app", "Say what is behind the door, and what is not."),
        "config": Deferred("config:app", "Check the settings of an installation."),
        "deadlines": Deferred("deadlines:app", "Count what is due when."),
        "statutory": Deferred("statutory:app", "Make the reports that statutes ask for."),
        "transparency": Deferred("transparency:app", "Sign and check the public table."),
        "foia": Deferred("foia:app", "Answer requests for public records."),
        "data-map": Deferred("data_map:data_map"),
        "fund": Deferred("fund:app", "Keep the legal defense fund."),
    }


app = typer.Typer(
    name="doorward", cls=_Doorward, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def doorward() -> None:
    """One written order on civil immigration enforcement, in force at a database, recorded and proved."""


def exit_code(error: DoorwardError) -> int:
    """Return the exit code for a failure that reached the command line."""
    if isinstance(error, (VerificationError, InstallError)):
        return 1
    if isinstance(error, (ConfigError, PolicyError)):
        return 2
    return 3


def main() -> None:
    """Run the command line; a failure is a line on standard error, one for each finding, and a hint."""
    try:
        app()
    except DoorwardError as error:
        findings = error.findings if isinstance(error, InstallError) else ()
        sys.stderr.write(f"doorward: {error.headline if isinstance(error, InstallError) else error}\n")
        for finding in findings:
            sys.stderr.write(f"  - {finding}\n")
        if error.hint:
            sys.stderr.write(f"  hint: {error.hint}\n")
        sys.exit(exit_code(error))

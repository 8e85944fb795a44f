"""The command line: one file a command, and one place where a failure becomes a line and an exit code.

Exit codes are part of the interface: 0 yes or done, 1 no (denied, a proof is false), 2 usage or configuration,
3 could not tell (input or output failed). A script never reads "could not tell" as "no".
"""

import sys

import typer

from doorward.cli import (
    application,
    attest,
    audit,
    backup,
    config,
    cut,
    decide,
    doctor,
    export,
    gateway,
    grant,
    grant_request,
    grant_revoke,
    inventory,
    log,
    notifier,
    order,
    order_database,
    people,
    policy,
    publisher,
    records,
    register,
    report,
    reset,
    review,
    tour,
    up,
)
from doorward.errors import ConfigError, DoorwardError, InstallError, PolicyError, VerificationError

app = typer.Typer(
    name="doorward",
    help="One written order on civil immigration enforcement, in force at a database, recorded and proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("tour")(tour.tour)
app.command("decide")(decide.decide)
app.command("doctor")(doctor.doctor)
app.add_typer(order.app, name="order", help="Check an order.")
app.add_typer(policy.app, name="policy", help="Check the compilers of Cedar.")
app.add_typer(log.app, name="log", help="Verify the record.")
app.command("uninstall", hidden=True)(order_database.uninstall_order)  # as `order uninstall`
app.add_typer(people.app, name="people", help="Keep the people who may log in.")
app.add_typer(application.app, name="application", help="Keep the applications that may ask for people.")
app.add_typer(records.app, name="records", help="Keep the facts that officials set.")
app.add_typer(register.app, name="register", help="See how the register of cases answers.")
app.add_typer(attest.app, name="attest", help="Look at numbers that outside agencies attested.")
app.add_typer(audit.app, name="audit", help="Look back over logs of accesses that already happened.")
app.add_typer(report.app, name="report", help="Report on what the doors saw.")
grant.app.command("request")(grant_request.request)
grant.app.command("revoke")(grant_revoke.revoke)
app.add_typer(grant.app, name="grant", help="Ask the door, and answer what the order refers.")
app.add_typer(review.app, name="review", help="Review emergency sessions.")
app.command("sessions")(cut.sessions)
app.command("cut")(cut.cut)
app.command("cuts")(cut.cuts)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("reset")(reset.reset)
app.add_typer(export.app, name="export", help="Export rows into a file, and verify one.")
app.command("gateway")(gateway.gateway)
app.command("notifier")(notifier.notifier)
app.command("publisher")(publisher.publisher)
app.add_typer(inventory.app, name="inventory", help="Say what is behind the door, and what is not.")
app.add_typer(config.app, name="config", help="Check the settings of an installation.")


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

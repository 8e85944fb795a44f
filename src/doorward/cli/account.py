"""`doorward account`: who signs in at the desk, and as what. The desk need not run; its database must.

A local account gets its first password by an address that works once (`invite`), or from standard input, never from an
argument. An assignment ends after 90 days at most; `assign` again is how somebody looks again. Exit
codes: 0 done, 2 an argument is wrong, 3 the database failed.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli import account_client
from doorward.cli.desk_database import Models, open_desk
from doorward.desk.roles import Role
from doorward.errors import ConfigError
from doorward.fund.ledger.operations import ID

app = typer.Typer(no_args_is_help=True)
app.add_typer(account_client.app, name="client")
Config = Annotated[Path, typer.Option(help="doorward.toml of the installation")]
Login = Annotated[str, typer.Argument(metavar="LOGIN")]
WithPassword = Annotated[bool, typer.Option("--password", help="read a first password from standard input")]
MIN_PASSWORD = 12
DAYS = 90


@app.callback()
def account() -> None:
    """Keep the accounts of the desk."""


@app.command()
def add(
    login: Login,
    config: Config,
    password: WithPassword = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Make an account; without `--password` it signs in by the identity provider alone."""
    if not login.isascii():
        raise ConfigError(
            "expected a login of ASCII letters, digits and signs",
            hint="another may look alike, or be the same in small letters",
        )
    models = open_desk(config)
    said = sys.stdin.readline().rstrip("\n") if password else None
    if said is not None and len(said) < MIN_PASSWORD:
        raise ConfigError(f"expected a password of {MIN_PASSWORD} characters or more on standard input")
    if login.startswith(account_client.PREFIX):
        raise ConfigError(
            f"a login does not begin with `{account_client.PREFIX}`: programs do",
            hint="doorward account client add",
        )
    if models.Account.objects.filter(login=login).exists():
        raise ConfigError(f"there is an account `{login}` already")
    models.Account.objects.create_user(login, said)
    typer.echo(f"`{login}` may sign in, and is nothing yet: doorward account assign")
    if said is None:
        typer.echo(
            "it signs in by the identity provider; for an account of the desk's own: doorward account invite"
        )


@app.command()
def assign(  # noqa: PLR0913, PLR0917  # flags of a command
    login: Login,
    config: Config,
    role: Annotated[Role, typer.Option(help="what they are to the desk")],
    order_role: Annotated[str, typer.Option(help="what they are to the order, a role of it")],
    agency: Annotated[str, typer.Option(help="whose they are, an agency of the order")],
    by: Annotated[str, typer.Option(help="the login of whoever decided it")],
    unit: Annotated[str, typer.Option(help="whose matters they see beside their own; a grantee's id")] = "",
    tenant: Annotated[str, typer.Option(help="the city, or a sister agency that adopts rules")] = "city",
    days: Annotated[int, typer.Option(min=1, max=DAYS, help="until somebody looks again")] = DAYS,
) -> None:
    """Say what an account is, for some days; an earlier assignment of the same role ends now."""
    models = open_desk(config)
    pack = models.order().pack
    if order_role not in pack.roles or agency not in pack.agencies:
        raise ConfigError(
            f"the order `{pack.name}` has no role `{order_role[:40]}` or no agency `{agency[:40]}`",
            hint="its roles and agencies stand on its page",
        )
    if role is Role.GRANTEE and not ID.fullmatch(unit):
        raise ConfigError(
            "a grantee's account is of one grantee", hint="--unit with the grantee's id in the ledger"
        )
    found = _find(models, login)
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    found.assignments.filter(role=role.value, until__gt=now, begins__lt=now).update(until=now)
    models.Assignment.objects.create(
        account=found, role=role.value, order_role=order_role, agency=agency, unit=unit, tenant=tenant,
        begins=now, until=now + timedelta(days=days), given_by=by,
    )  # fmt: skip
    typer.echo(f"`{login}` is {role.value} until {(now + timedelta(days=days)).date()}")


@app.command()
def invite(login: Login, config: Config) -> None:
    """Make somebody a way in that works once, for a day: they set a password, then a second factor.

    For a first sign-in, and for whoever has lost a password or every factor. What they had before is gone: password,
    factors, sessions. Hand it over where you know the person; whoever has it first is in.
    """
    models = open_desk(config)
    found = _find(models, login)
    if not found.is_active:
        raise ConfigError(f"`{login[:60]}` has ended", hint="an account that has ended stays so: add another")
    if models.is_of_provider(found):
        raise ConfigError(
            f"`{login[:60]}` signs in by the identity provider, which knows its password and factors"
        )
    typer.echo(models.origin + models.invite(found))


@app.command()
def end(login: Login, config: Config) -> None:
    """End an account at once: its assignments, and every session of it."""
    models = open_desk(config)
    found = _find(models, login)
    now = datetime.now(UTC)  # noqa: TID251  # as above
    found.is_active = False
    found.set_unusable_password()
    found.save(update_fields=["is_active", "password"])
    found.end_sessions()
    ended = found.assignments.filter(until__gt=now, begins__lt=now).update(until=now)
    typer.echo(f"`{login}` is out; {ended} assignments ended")


@app.command("list")
def list_accounts(
    config: Config,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a flag
) -> None:
    """List the accounts, how each signs in and with a second factor here or not, what each is now, and until when."""
    models = open_desk(config)
    now = datetime.now(UTC)  # noqa: TID251  # as above
    rows: list[dict[str, Any]] = [
        {
            "login": one.login,
            "active": one.is_active,
            "signs_in": _way_in(models, one),
            "has_factor": models.has_factor(one),
            "assignments": [
                {"role": held.role, "order_role": held.order_role, "agency": held.agency, "unit": held.unit,
                 "tenant": held.tenant, "until": held.until.isoformat()}
                for held in one.assignments.filter(until__gt=now).order_by("until")
            ],
        }
        for one in models.Account.objects.filter(api_client=None).order_by("login")  # programs: `account client list`
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        held = "; ".join(f"{one['role']} until {one['until'][:10]}" for one in row["assignments"])
        out, factor = ("" if row["active"] else "out  "), ("and a factor" if row["has_factor"] else "")
        typer.echo(f"{row['login']:<32} {row['signs_in']:<8} {factor:<12} {out}{held or 'nothing'}")


def _way_in(models: Models, one: Any) -> str:  # noqa: ANN401  # a model of an app that is set up late
    if one.has_usable_password():
        return "password"
    return "provider" if models.is_of_provider(one) else "not yet"


def _find(models: Models, login: str) -> Any:  # noqa: ANN401  # a model of an app that is set up late
    found = models.Account.objects.filter(login=login, api_client=None).first()
    if found is None:
        raise ConfigError(f"there is no account `{login[:60]}`", hint="doorward account list")
    return found

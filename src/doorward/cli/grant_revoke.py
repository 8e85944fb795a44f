"""`doorward grant revoke`: take back what an official approved, or end one session.

An id that names an ask is an approval, which its own office or the security officer takes back with their key. Any
other id is a session's, and ends as `doorward cut --grant` ends it, by the officer on the gateway's host.

Exit codes: 0 done; 1 it may not be taken back by this key; 2 an argument is wrong; 3 a gateway could not carry it out.
"""

from datetime import timedelta
from os import getuid
from pathlib import Path
from pwd import getpwuid
from typing import Annotated

import typer

from doorward.cli.cut import ask_gateways, put_in_force
from doorward.cli.folders import Folders
from doorward.cli.grant import Reason, answer_ask, find_ask, read_clock, tell_gateways
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.kept import make_referrals
from doorward.errors import ConfigError
from doorward.grants.cuts import Cut, What
from doorward.grants.ends import GRANT_HOURS
from doorward.grants.referrals import find_approval

MIN_SESSION_DIGITS = 8


def revoke(  # noqa: PLR0917  # flags of a command
    id_: Annotated[str, typer.Argument(metavar="ID", help="the first digits of an ask's or a session's id")],
    reason: Reason,
    key: Annotated[Path | None, typer.Option(help="the official's secret key, for an approval")] = None,
    evidence: Annotated[str | None, typer.Option(help="what it rests on, for an approval")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Take back an approval, or end a session; whoever is in by it is out at once."""
    folders = find_installation(config, data)
    kept = make_referrals(folders)
    asks = [one for one in kept.asks() if one.ask.id.startswith(id_)]
    if not asks:
        _end_session(folders, id_, reason)
        return
    referral = find_ask(asks, id_)
    if find_approval(kept.answers(), referral.ask, office=referral.office, now=read_clock()) is None:
        raise ConfigError(f"ask {referral.ask.id} has no approval in force", hint="doorward grant list --all")
    if key is None or evidence is None:
        raise ConfigError("an approval is taken back with --key and --evidence")
    answer_ask(folders, referral, key, read_clock() + timedelta(hours=1), evidence, reason, is_approved=False)
    typer.echo(f"revoked {referral.ask.id}")
    tell_gateways(folders)


def _end_session(folders: Folders, id_: str, reason: str) -> None:
    live = {
        session["grant"]
        for found in ask_gateways(folders, "sessions")
        for session in found.get("sessions", [])
    }
    named = [grant for grant in live if len(id_) >= MIN_SESSION_DIGITS and grant.startswith(id_)]
    if len(named) != 1:
        raise ConfigError(
            f"`{id_[:32]}` names {len(named)} sessions and no ask, expected one",
            hint=f"at least {MIN_SESSION_DIGITS} digits; see doorward sessions, doorward grant list --all",
        )
    now = read_clock().replace(microsecond=0)
    until = now + timedelta(hours=GRANT_HOURS)  # no session lasts longer, and the next has another id
    put_in_force(folders, Cut(What.GRANT, named[0], now, until, reason, (getpwuid(getuid()).pw_name,)))

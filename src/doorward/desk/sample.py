"""The invented people of a sample's desk, who are played and never signed in to anything else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from doorward.desk.models import Account, Assignment
from doorward.desk.roles import Role


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody to play.

    Args:
        order_role: What they are to the order, with `agency`.
        says: What one sees as them.
    """

    login: str
    role: Role
    order_role: str
    agency: str
    unit: str
    says: str


PLAYERS: Final = (
    Player(
        "lena.example",
        Role.STAFF,
        "librarian",
        "CHICAGO",
        "branch-1",
        "files what happens at a library's counter",
    ),
    Player(
        "omar.example",
        Role.OFFICER,
        "lockup-keeper",
        "CPD",
        "lock-up-1",
        "files a detainer, reads what to do",
    ),
    Player(
        "rita.example",
        Role.CUSTODIAN,
        "records-custodian",
        "CPD",
        "records",
        "files requests for data and records",
    ),
    Player(
        "walt.example",
        Role.SUPERVISOR,
        "officer",
        "CPD",
        "area-3",
        "answers what the order sends a supervisor",
    ),
    Player(
        "finn.example",
        Role.LAW,
        "law-department",
        "CHICAGO-LAW",
        "",
        "decides what the order refers to the law department",
    ),
    Player(
        "nora.example",
        Role.LAW,
        "law-department",
        "CHICAGO-LAW",
        "",
        "the second of the law department, without whom no letter leaves",
    ),
    Player(
        "fay.example",
        Role.FUND,
        "city-employee",
        "CHICAGO",
        "",
        "keeps the legal defense fund",
    ),
    Player(
        "gus.example",
        Role.FUND,
        "city-employee",
        "CHICAGO",
        "",
        "files the fund's invoices that come on paper",
    ),
    Player(
        "dora.example",
        Role.DIRECTOR,
        "city-employee",
        "CHICAGO",
        "",
        "the second person of the fund",
    ),
    Player(
        "gail.example",
        Role.GRANTEE,
        "unknown",
        "VENDOR",
        "river-legal-example",
        "files reports for a grantee of the fund, and sees nothing else",
    ),
    Player(
        "rex.example",
        Role.REVIEWER,
        "unknown",
        "VENDOR",
        "",
        "looks at drawn units at a grantee, and says pass or fail",
    ),
    Player(
        "irma.example", Role.AUDITOR, "city-employee", "CHICAGO-OIG", "", "sees every matter and changes none"
    ),
)


def players() -> tuple[Player, ...]:
    """Return those who can be played here; nobody where it is no sample."""
    return PLAYERS if settings.DESK.sample else ()


def find_player(login: str) -> Account | None:
    """Return the account of one who can be played here, or None."""
    if login not in {one.login for one in players()}:
        return None
    return Account.objects.filter(login=login, is_active=True).first()


def make_players(now: datetime) -> None:
    """Make the accounts of a sample, and their assignments anew where they have ended."""
    for one in PLAYERS:
        account, made = Account.objects.get_or_create(login=one.login)
        if made:
            account.set_unusable_password()
            account.save(update_fields=["password"])
        if not account.assignments.filter(until__gt=now).exists():
            Assignment.objects.create(
                account=account, role=one.role.value, order_role=one.order_role, agency=one.agency, unit=one.unit,
                begins=now, until=Assignment.latest_end(now), given_by="sample",
            )  # fmt: skip

"""Clients: programs that file. Each is an account that nobody signs in to, one assignment, and tokens.

The account is not active, so that no password, passkey or provider ever signs anybody in as it; what it files as is its
assignment, which ends after 90 days at most, as a person's does. A token is shown once.

INVARIANT (no oracle): a token that nobody ever gave, one of another secret and one that has ended take the same steps
and get the same answer.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Final

from django.db import transaction

from doorward.desk.access import Actor, find_actor
from doorward.desk.api.token import ID_BYTES, SECRET_BYTES, digest_of, format_token, read_authorization
from doorward.desk.models import Account, ApiClient, ApiToken, Assignment
from doorward.desk.models.accounts import ATTESTED_DAYS
from doorward.desk.order import order
from doorward.desk.roles import MAY, Act, Role
from doorward.errors import ConfigError

PREFIX: Final = "client:"
ROLE: Final = Role.STAFF  # files, and does nothing else
MAX_NAME: Final = 60
NO_DIGEST: Final = bytes(32)  # of no secret that anybody has


@dataclass(frozen=True, slots=True)
class FilesAs:
    """As what a client files.

    Args:
        order_role: `principal.role` of the order.
        agency: `principal.agency` of the order.
        unit: Whose people see what it files.
    """

    order_role: str
    agency: str
    tenant: str
    unit: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that has shown a token."""

    client: ApiClient
    actor: Actor


def add_client(
    name: str, as_what: FilesAs, kinds: Sequence[str], *, days: int, by: str, now: datetime
) -> str:
    """Return the first token of a new client; it is kept nowhere.

    Args:
        name: Small letters, digits, `.` and `-`.
        kinds: Of the order's intake; it files no other.
        by: Who decided it.

    Raises:
        ConfigError: The name is taken or is none, or the order has no such kind, role or agency.
    """
    _check(name, as_what, kinds, days)
    if Account.objects.filter(login=PREFIX + name).exists():
        raise ConfigError(f"there is a client `{name}` already", hint="doorward account client rotate")
    with transaction.atomic():
        account = Account(login=PREFIX + name, is_active=False)
        account.set_unusable_password()
        account.save()
        client = ApiClient.objects.create(account=account, kinds=sorted(set(kinds)), begun=now)
        return _renew(client, as_what, days=days, by=by, now=now)


def rotate_client(name: str, *, days: int, overlap: timedelta, by: str, now: datetime) -> str:
    """Return a fresh token of a client, and begin its days anew; earlier ones hold for the overlap at most.

    Args:
        overlap: So that whoever runs the client can change over without a gap; none where a token was lost.

    Raises:
        ConfigError: There is no such client, it was ended, or the order has no more what it files as.
    """
    client = find_client(name)
    held = client.account.assignments.order_by("-until").first()
    if held is None or not client.kinds:
        raise ConfigError(
            f"the client `{name}` was ended", hint="doorward account client add, by another name"
        )
    as_what = FilesAs(held.order_role, held.agency, held.tenant, held.unit)
    _check(name, as_what, client.kinds, days)
    with transaction.atomic():
        client.tokens.filter(until__gt=now + overlap).update(until=now + overlap)
        return _renew(client, as_what, days=days, by=by, now=now)


def end_client(name: str, *, now: datetime) -> int:
    """Return how many tokens of a client held and do not any more; it files nothing from now on, and never again.

    Raises:
        ConfigError: There is no such client.
    """
    client = find_client(name)
    with transaction.atomic():
        client.account.assignments.filter(until__gt=now, begins__lt=now).update(until=now)
        client.kinds = []
        client.save(update_fields=["kinds"])
        return client.tokens.filter(until__gt=now).update(until=now)


def find_client(name: str) -> ApiClient:
    """Return a client by its name.

    Raises:
        ConfigError: There is none.
    """
    found = ApiClient.objects.filter(account__login=PREFIX + name).select_related("account").first()
    if found is None:
        raise ConfigError(f"there is no client `{name[:MAX_NAME]}`", hint="doorward account client list")
    return found


def list_clients(*, now: datetime) -> list[dict[str, Any]]:
    """Return every client by name: what it files as, and the tokens that hold."""
    found = ApiClient.objects.select_related("account").order_by("account__login")
    return [_row(client, now) for client in found]


def find_caller(authorization: str, *, now: datetime) -> Caller | None:
    """Return which client shows a token that holds, or None.

    Args:
        authorization: The header; untrusted.
    """
    said = read_authorization(authorization)
    if said is None:
        return None
    held = ApiToken.objects.select_related("client__account").filter(pk=said.id).first()
    is_same = compare_digest(said.digest, NO_DIGEST if held is None else bytes(held.digest))
    if held is None or not is_same or not held.begins <= now < held.until:
        return None
    actor = find_actor(held.client.account, is_strong=True, now=now)
    return Caller(held.client, actor) if actor.assignment(MAY[Act.FILE]) is not None else None


def _renew(client: ApiClient, as_what: FilesAs, *, days: int, by: str, now: datetime) -> str:
    until = now + timedelta(days=days)
    client.account.assignments.filter(until__gt=now, begins__lt=now).update(until=now)
    Assignment.objects.create(
        account=client.account, role=ROLE.value, order_role=as_what.order_role, agency=as_what.agency,
        tenant=as_what.tenant, unit=as_what.unit, begins=now, until=until, given_by=by,
    )  # fmt: skip
    token_id, secret = secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES)
    ApiToken.objects.create(
        id=token_id.hex(), client=client, digest=digest_of(secret), begins=now, until=until, made_by=by
    )
    return format_token(token_id, secret)


def _row(client: ApiClient, now: datetime) -> dict[str, Any]:
    held = client.account.assignments.order_by("-begins").first()
    tokens = client.tokens.filter(until__gt=now).order_by("begins")
    return {
        "name": client.account.login.removeprefix(PREFIX),
        "kinds": client.kinds,
        "order_role": "" if held is None else held.order_role,
        "agency": "" if held is None else held.agency,
        "tenant": "" if held is None else held.tenant,
        "unit": "" if held is None else held.unit,
        "tokens": [
            {"id": one.pk, "until": one.until.isoformat(timespec="seconds"), "made_by": one.made_by}
            for one in tokens
        ],
    }


def _check(name: str, as_what: FilesAs, kinds: Sequence[str], days: int) -> None:
    pack, known = order().pack, order().intake.kinds
    plain = name.replace("-", "").replace(".", "")
    if not (plain.isalnum() and plain.isascii() and name == name.lower() and len(name) <= MAX_NAME):
        raise ConfigError(f"a client's name is small letters, digits, `.` and `-`, at most {MAX_NAME}")
    if as_what.order_role not in pack.roles or as_what.agency not in pack.agencies:
        raise ConfigError(
            f"the order `{pack.name}` has no role `{as_what.order_role[:40]}` or no agency `{as_what.agency[:40]}`",
            hint="its roles and agencies stand on its page",
        )
    others = [kind for kind in kinds if kind not in known]
    if others or not kinds:
        named = f"`{others[0][:40]}` is no kind" if others else "no kind is named"
        raise ConfigError(f"{named} of the order `{pack.name}`", hint=f"one of {', '.join(known)}")
    if not 1 <= days <= ATTESTED_DAYS:
        raise ConfigError(f"a token holds for 1 to {ATTESTED_DAYS} days")

"""Phones at front desks: a code that somebody makes at the desk binds one phone to one place, for some minutes."""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Prefetch

from doorward.desk.access import Actor
from doorward.desk.front_mount import place_kinds_of
from doorward.desk.history import NotAllowedError
from doorward.desk.models import EnrolmentCode, Phone, Place
from doorward.desk.registers_read import read_registers
from doorward.desk.roles import Act
from doorward.errors import ConfigError

CODE_LIFE: Final = timedelta(minutes=15)
CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is taken for another
CODE_LENGTH: Final = 8


def add_place(actor: Actor, *, slug: str, kind: str, name: str, unit: str, tenant: str = "city") -> Place:
    """Return a new place; one of the register of places is taken as it stands there, whatever else was typed.

    Raises:
        NotAllowedError: They may not.
        ConfigError: The short name is taken or is none, something is missing, or the tenant has no such place.
    """
    _check(actor)
    known = (read_registers().places or {}).get(slug)
    if known is not None:
        kind, name, unit, tenant = known.kind, known.name, known.unit, known.tenant
    words = (name.strip(), unit.strip(), kind)
    if not (_is_slug(slug) and all(word and word.isprintable() for word in words)):
        raise ConfigError("a place needs a short name of letters, digits and `-`, a kind, a name and a unit")
    if kind not in place_kinds_of(tenant):
        raise ConfigError(f"`{tenant[:40]}` has no protocols for a `{kind[:40]}`")
    try:
        with transaction.atomic():
            return Place.objects.create(
                slug=slug[:64], kind=kind[:64], name=name.strip()[:120], unit=unit.strip()[:64], tenant=tenant
            )
    except IntegrityError as error:
        raise ConfigError(f"there is a place `{slug[:64]}` already") from error


def make_code(actor: Actor, slug: str) -> str:
    """Return a fresh code for a place; it is shown once, and only its digest is kept.

    Raises:
        NotAllowedError: They may not, or there is no such place.
    """
    _check(actor)
    place = Place.objects.filter(slug=slug).first() if _is_slug(slug) else None
    if place is None:
        raise NotAllowedError("there is no such place")
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    EnrolmentCode.objects.create(
        digest=sha256(code.encode()).digest(), place=place, until=actor.now + CODE_LIFE, made_by=actor.account
    )
    return code


def take_back(actor: Actor, slug: str) -> int:
    """Return how many phones of a place were enrolled and are not any more; what they have not sent stays on them.

    Their rows stay: that a phone stood there is a record.

    Raises:
        NotAllowedError: They may not.
    """
    _check(actor)
    if not _is_slug(slug):
        return 0
    return Phone.objects.filter(place__slug=slug, taken_back=None).update(taken_back=actor.now)


def list_places(actor: Actor) -> list[Place]:
    """Return every place with its phones.

    Raises:
        NotAllowedError: They may not.
    """
    _check(actor)
    phones = Prefetch("phones", Phone.objects.filter(taken_back=None))
    return list(Place.objects.prefetch_related(phones).order_by("slug"))


def _is_slug(text: str) -> bool:
    return text.replace("-", "").isalnum() and text.isascii()


def _check(actor: Actor) -> None:
    if not actor.may(Act.ENROL):
        raise NotAllowedError("as what you are signed in, this is not yours to do")

"""The front desk's apps beside the desk's pages: the City's below `/front`, a sister agency's below `/at/` and its id.

Each is built from what its tenant has adopted now: by the order, unless a signed record takes it back or begins later.
Before adoption a sister agency's phones say so, and show nothing but its own office. Which adoptions hold is looked at
again every few seconds; another answer is another app with another version, and a phone takes it when no protocol is
open.

Where the records cannot be read, what held before holds on. At a start without them the City's own places have the
order's word, and sister agencies, for whom adopting is everything, have their own office.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from doorward.desk.front.build import build_app
from doorward.desk.front.wsgi_app import FrontApp
from doorward.desk.models import CompiledProtocols
from doorward.desk.order import order
from doorward.desk.registers_read import KIND, order_word, read_registers
from doorward.desk.visit_store import VisitStore
from doorward.grants.adoptions import find_adoption
from doorward.grants.consulting import Registers
from doorward.orders.protocols import compile_protocols, read_protocols
from doorward.orders.protocols.model import Protocols

PREFIX: Final = "/front"
SISTERS: Final = "/at/"
MAIN: Final = "city"
LOOK_AGAIN: Final = timedelta(seconds=5)
Withheld = frozenset[tuple[str, str]]


@cache
def protocols() -> Protocols:
    """Return the protocols of the order, read once a process."""
    pack = order().pack
    return read_protocols(pack.files, pack.contacts)


def find_withheld(registers: Registers, moment: datetime, *, before: Withheld | None) -> Withheld:
    """Return tenant and place of each adoption of the order that does not hold at a moment.

    Args:
        moment: Aware, on the city's own clock.
        before: What did not hold when it was looked at last, or None.
    """
    found = set()
    for showing in protocols().every_showing():
        if showing.adoption is None:
            continue
        key, kind = (showing.tenant.id, showing.place.id), str(showing.facts.get(KIND, ""))
        if registers.records is None:
            holds = key not in before if before is not None else showing.tenant.id == MAIN
        else:
            by_order = order_word().adopted
            holds = find_adoption(
                showing.tenant.id, kind, registers.records, by_order=by_order, moment=moment
            ) is not None  # fmt: skip
        if not holds:
            found.add(key)
    return frozenset(found)


@lru_cache(maxsize=32)
def compiled_for(tenant: str, withheld: Withheld) -> Mapping[str, Any]:
    """Return the protocols of a tenant as its phones have them; made once a process for each state of adoptions.

    Raises:
        ConfigError: The pack has no such tenant.
        PolicyCheckError: Its protocols have a fault.
    """
    languages = tuple(protocols().frame.languages)
    return compile_protocols(order().pack, tenant, languages, withheld=withheld)


def withheld_now(tenant: str, now: datetime) -> Withheld:
    """Return which adoptions of a tenant do not hold now."""
    local = now.astimezone(ZoneInfo(settings.DESK.time_zone))
    return frozenset(key for key in find_withheld(read_registers(), local, before=None) if key[0] == tenant)


def make_front(tenant: str, withheld: Withheld, store: VisitStore) -> FrontApp:
    """Return the app of one tenant under the order in force; its protocols are kept by version.

    Args:
        withheld: Adoptions of the order that do not hold.
        store: Of this tenant.

    Raises:
        ConfigError: The pack has no such tenant.
        PolicyCheckError: Its protocols have a fault.
    """
    compiled = compiled_for(tenant, withheld)
    CompiledProtocols.objects.get_or_create(version=compiled["version"], defaults={"body": compiled})

    def compiled_of(asked: str) -> Mapping[str, Any] | None:
        if asked == compiled["version"]:
            return compiled
        found = CompiledProtocols.objects.filter(version=asked).first()
        return None if found is None or found.body["tenant"]["id"] != tenant else dict(found.body)

    return FrontApp(build_app(compiled, version("doorward")), compiled_of, store, now=_now)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the shell may read the clock


@dataclass
class Fronts:
    """The apps of all tenants, each built when it is first asked for and when an adoption changes."""

    now: Callable[[], datetime] = _now
    turn: threading.Lock = field(default_factory=threading.Lock)
    built: dict[str, tuple[Withheld, FrontApp]] = field(default_factory=dict)
    stores: dict[str, VisitStore] = field(default_factory=dict)
    withheld: Withheld | None = None
    looked: datetime | None = None

    def app(self, tenant: str) -> FrontApp | None:
        """Return the app of a tenant, or None where the order has no such tenant."""
        if tenant not in protocols_tenants():
            return None
        with self.turn:
            withheld = self._look()
            own = frozenset(key for key in withheld if key[0] == tenant)
            if tenant not in self.built or self.built[tenant][0] != own:
                try:
                    store = self.stores.setdefault(tenant, VisitStore(tenant=tenant))
                    self.built[tenant] = (own, make_front(tenant, own, store))
                finally:
                    connection.close()  # the thread's own: these requests come beside Django's
            return self.built[tenant][1]

    def _look(self) -> Withheld:
        now = self.now()
        if self.withheld is None or self.looked is None or now - self.looked >= LOOK_AGAIN:
            local = now.astimezone(ZoneInfo(settings.DESK.time_zone))
            self.withheld, self.looked = find_withheld(read_registers(), local, before=self.withheld), now
        return self.withheld


def protocols_tenants() -> tuple[str, ...]:
    """Return the tenants that the order has protocols for."""
    return tuple(protocols().frame.tenants)


def place_kinds() -> list[str]:
    """Return the kinds of places that the order has protocols for."""
    return sorted(protocols().frame.places)


def place_kinds_of(tenant: str) -> tuple[str, ...]:
    """Return the kinds of places that a tenant has in the protocols; nothing where the order has no such tenant."""
    found = protocols().frame.tenants.get(tenant)
    return () if found is None else tuple(found.places)


def app_address(tenant: str) -> str:
    """Return where the app of a tenant is, below the desk's own address."""
    return f"{PREFIX}/" if tenant == MAIN else f"{SISTERS}{tenant}/"


def mount(fronts: Fronts, site: WSGIApplication, hosts: Mapping[str, str] | None = None) -> WSGIApplication:
    """Return the site with the apps below `PREFIX` and `SISTERS`, and alone at hosts of their own.

    Args:
        hosts: Tenants by host.
    """
    known = hosts or {}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        own = known.get(environ.get("HTTP_HOST", "").lower())
        tenant, prefix = (own, "") if own is not None else _whose(path)
        front = fronts.app(tenant) if tenant else None
        if front is None:
            return site(environ, start_response)
        return front({**environ, "SCRIPT_NAME": prefix, "PATH_INFO": path[len(prefix) :]}, start_response)

    return answer


def hosts_of(front: Mapping[str, str]) -> dict[str, str]:
    """Return tenants by host, from the sites of the configuration."""
    return {urlsplit(site).netloc.lower(): tenant for tenant, site in front.items()}


def _whose(path: str) -> tuple[str, str]:
    """Return the tenant that a path is of, or nothing, and what stands before the app's own paths."""
    if path == PREFIX or path.startswith(f"{PREFIX}/"):
        return MAIN, PREFIX
    if path.startswith(SISTERS):
        tenant = path.removeprefix(SISTERS).partition("/")[0]
        return (tenant, f"{SISTERS}{tenant}") if tenant != MAIN else ("", "")
    return "", ""

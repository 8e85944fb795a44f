"""Posters, cards, visitors' notices and paper forms as PDF, for what a tenant's places show now.

Offered is what can be printed: in English, and in each language in which a person has reviewed every text of the sheet.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from django.conf import settings

from doorward.desk.front_mount import compiled_for, protocols, protocols_tenants, withheld_now
from doorward.desk.order import order
from doorward.errors import ConfigError
from doorward.orders.protocols.catalog import Catalog, read_catalog
from doorward.orders.protocols.messages import collect_messages
from doorward.orders.protocols.model import SOURCE_LANGUAGE, Showing
from doorward.orders.protocols.paper import Print, find_unreviewed, print_sheet, sheet_names

SAMPLE_SITE = "https://front.sample.invalid"


@dataclass(frozen=True, slots=True)
class Sheets:
    """What can be printed for one kind of place of a tenant.

    Args:
        site: What stands on it, or empty where the tenant's app has no address of its own: then nothing is printed.
        names: Each sheet with the languages that it is offered in.
    """

    tenant: str
    place: str
    title: str
    adopted: bool
    site: str
    names: tuple[tuple[str, tuple[str, ...]], ...]


def list_sheets(now: datetime) -> list[Sheets]:
    """Return everything that can be printed."""
    return [_sheets(showing, now) for tenant in protocols_tenants() for showing in _showings(tenant, now)]


def make_sheet(tenant: str, place: str, name: str, language: str, now: datetime) -> bytes | None:
    """Return a sheet as PDF, or None where it is not offered.

    Raises:
        ConfigError: It cannot be set here: a part is not installed, or the fonts lack a sign.
    """
    if tenant not in protocols_tenants():
        return None
    showing = next((one for one in _showings(tenant, now) if one.place.id == place), None)
    if showing is None:
        return None
    offered = dict(_sheets(showing, now).names)
    if language not in offered.get(name, ()):
        return None
    pack, run = order().pack, _run(showing, now)
    return print_sheet(pack, protocols(), showing, name, catalog=_catalog(language), run=run)


def _showings(tenant: str, now: datetime) -> tuple[Showing, ...]:
    return protocols().without(withheld_now(tenant, now)).showings(tenant)


def _sheets(showing: Showing, now: datetime) -> Sheets:
    site, names = site_of(showing.tenant.id), []
    if site:
        run, pack = _run(showing, now), order().pack
        for name in sheet_names(protocols().frame):
            languages = [SOURCE_LANGUAGE] + [
                code
                for code, spoken in protocols().frame.languages.items()
                # Other scripts need fonts that this process is not given: `doorward protocol print --fonts`.
                if code != SOURCE_LANGUAGE and spoken.direction == "ltr" and "-" not in code
                and not find_unreviewed(pack, protocols(), showing, name, catalog=_catalog(code), run=run)
            ]  # fmt: skip
            names.append((name, tuple(dict.fromkeys(languages))))
    adopted = showing.adoption is not None
    return Sheets(showing.tenant.id, showing.place.id, showing.place.name.text, adopted, site, tuple(names))


def site_of(tenant: str) -> str:
    """Return what phones call a tenant's app, or nothing; in a sample a host that cannot exist."""
    return settings.DESK.front.get(tenant, SAMPLE_SITE if settings.DESK.sample else "")


def _run(showing: Showing, now: datetime) -> Print:
    tenant = showing.tenant.id
    training = str(compiled_for(tenant, withheld_now(tenant, now))["training"])
    return Print(site_of(tenant), training, now.astimezone(ZoneInfo(settings.DESK.time_zone)).date())


@cache
def _catalog(language: str) -> Catalog | None:
    if language == SOURCE_LANGUAGE:
        return None
    if language not in protocols().frame.languages:
        raise ConfigError("the protocols have no such language")
    return read_catalog(language, collect_messages(protocols()), order().pack.files)

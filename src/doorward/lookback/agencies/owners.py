"""Whose data an export is about, which is never the one who searched. Pure.

The owner comes from the source: what the auditor states, else a map file, else the name of the file. The searcher
comes from the row. An export that has no column for the organisation and is of an agency's own users (a transparency
portal, an organisation audit) is the owner's own searches: `OWN_USERS` says so wherever it was used. A network audit
without that column has lost it, and nobody can tell who searched.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Final

from doorward.lookback.agencies.agency_words import Kind
from doorward.lookback.agencies.names import parse_agency_name, parse_slug, write_slug

OWN_USERS: Final = (
    "the export names no organisation and is of the owner's own users: each row is the owner's own search"
)
LOST_COLUMN: Final = (
    "the export is of other agencies' searches and names no organisation: nobody can tell who searched"
)
_FILE: Final = re.compile(
    r"^(?P<slug>-?[a-z0-9]+(?:-[a-z0-9]+)*)(?:__(?P<day>\d{4}-\d{2}-\d{2}))?(?:[_.].*)?$"
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose data it is.

    Args:
        name: As written, with its state where that is known from elsewhere; empty where nobody says.
        how: stated, map, policies, file-name, or none.
        slug: Of the file's name, which is the key of the agency's own policy.
        day: Of the file's name: when the export was taken.
    """

    name: str
    how: str
    slug: str = ""
    day: date | None = None


def find_owner(
    file: str,
    *,
    stated: str = "",
    mapped: Mapping[str, str] | None = None,
    policies: Mapping[str, str] | None = None,
) -> Owner:
    """Return whose data a file is about.

    Args:
        file: Its name; folders before it are passed over.
        stated: What `--owner` says; wins.
        mapped: Owners by the name of the file.
        policies: Names of agencies by slug, the columns `agency` and `crawled_name` of a file of policies.
    """
    base = PurePath(file).name
    found = _FILE.match(base)
    slug, day = (found["slug"], _day(found["day"])) if found else ("", None)
    if stated.strip():
        return Owner(stated.strip(), "stated", slug, day)
    if mapped and mapped.get(base, "").strip():
        return Owner(mapped[base].strip(), "map", slug, day)
    if policies and slug in policies:
        return Owner(complete_name(policies[slug], slug), "policies", slug, day)
    parsed = parse_slug(slug)
    # `export` and `audit-log` are no agencies: a place, a state and a kind or form must stand in it.
    if parsed.place and parsed.state and (parsed.kind is not Kind.UNKNOWN or parsed.form):
        return Owner(complete_name(write_slug(slug), slug), "file-name", slug, day)
    return Owner("", "none", slug, day)


def complete_name(name: str, slug: str) -> str:
    """Return the name of an agency with the state that its slug has and it lacks: `Clearlake PD (CA)`."""
    name = name.strip().strip('"').strip()
    written, known = parse_agency_name(name), parse_slug(slug)
    alike = written.key and (known.key.startswith(written.key) or written.key.startswith(known.key))
    if written.state or not known.state or not alike:
        return name
    return f"{name} ({known.state})"


def who_searched(owner: Owner, *, organisation: bool, own_users: bool) -> tuple[str | None, str, str]:
    """Return searcher, state of the cell and note for the rows of an export.

    Args:
        owner: Of the export.
        organisation: Whether the export has a column for it: then each row says so itself, and nothing is returned.
        own_users: Whether the export is of the owner's own users only: a portal, an organisation audit.
    """
    if organisation:
        return None, "value", ""
    if own_users and owner.name:
        return owner.name, "value", OWN_USERS
    return None, "not-exported", LOST_COLUMN


def is_own(owner_ori: str, owner: str, searcher_ori: str, searcher: str) -> bool | None:
    """Return whether the searcher is the owner: by ORI where both have one, else by name; None where neither tells."""
    if owner_ori and searcher_ori:
        return owner_ori == searcher_ori
    if not owner or not searcher:
        return None
    one, other = parse_agency_name(owner), parse_agency_name(searcher)
    if not one.place or not other.place:
        return True if owner == searcher else None
    if one.state and other.state and one.state != other.state:
        return False
    if one.key == other.key and one.kind is other.kind:
        return True if one.state == other.state else None
    return False


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None

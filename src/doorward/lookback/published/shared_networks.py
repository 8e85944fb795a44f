"""Whom an agency shares its plate readers with, from the vendor's list of shared networks. Pure.

It is a list of settings at the moment of the export and no log of searches: a row is one other organisation, and an
empty cell means that nothing is shared in that direction.

Source: header `Organization Name, Networks Shared With Me, Networks I'm Sharing` (LOG-HEADERS.md, 10); releases that
were printed before have a column of page numbers in front.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError
from doorward.lookback.reading.headings import is_same_header, normalise_label

NAME: Final = "organizationname"
WITH_ME: Final = "networkssharedwithme"
BY_ME: Final = "networksimsharing"
_HIDDEN: Final = frozenset({"***", "redacted", "[redacted]", "###"})


@dataclass(frozen=True, slots=True)
class Partner:
    """One other organisation.

    Args:
        row: As a spreadsheet counts; the header is 1. Of the first of its rows, where it has more.
        name: As written, blanks around it left out.
        shares_with_me: Names of its networks that the owner of the list may search; the texts of the cell, in order.
        i_share: Names of the owner's networks that it may search.
    """

    row: int
    name: str
    shares_with_me: tuple[str, ...]
    i_share: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedNetworks:
    """A list, and how its records were accounted for.

    Args:
        partners: By name, in the order of the file.
        read: Records below the header; `blank + repeated_headers + unnamed + merged + len(partners)`.
        unnamed: Records with networks and no name, or a mask in its place.
        merged: Further records of an organisation that stood above.
    """

    partners: tuple[Partner, ...]
    read: int
    blank: int
    repeated_headers: int
    unnamed: int
    merged: int


def is_shared_networks(header: Sequence[str]) -> bool:
    """Return whether a header is that of a list of shared networks."""
    labels = {normalise_label(label) for label in header}
    return NAME in labels and bool({WITH_ME, BY_ME} & labels)


def read_shared_networks(
    header: Sequence[str], rows: Iterable[tuple[int, Sequence[str | None]]]
) -> SharedNetworks:
    """Return the partners of a list.

    Networks of a cell are parted by line breaks and semicolons, and by commas: no network's name has one.

    Args:
        header: Labels as written, in any order.
        rows: The number of each record and its cells.

    Raises:
        MalformedError: The header is none of such a list.
    """
    if not is_shared_networks(header):
        raise MalformedError(
            "expected Organization Name and Networks Shared With Me or Networks I'm Sharing in the header"
        )
    places = {normalise_label(label): number for number, label in enumerate(header)}
    found: dict[str, Partner] = {}
    read = blank = repeated = unnamed = merged = 0
    for number, cells in rows:
        read += 1
        texts = [(cell or "").strip() for cell in cells]
        name, with_me, by_me = (_cell(texts, places.get(key)) for key in (NAME, WITH_ME, BY_ME))
        if not (name or with_me or by_me):
            blank += 1
        elif is_same_header(texts, header):
            repeated += 1
        elif not name or name.lower() in _HIDDEN:
            unnamed += 1
        elif name in found:
            merged += 1
            before = found[name]
            found[name] = Partner(
                before.row, name, _join(before.shares_with_me, with_me), _join(before.i_share, by_me)
            )
        else:
            found[name] = Partner(number, name, _join((), with_me), _join((), by_me))
    return SharedNetworks(tuple(found.values()), read, blank, repeated, unnamed, merged)


def _cell(texts: Sequence[str], place: int | None) -> str:
    return texts[place] if place is not None and place < len(texts) else ""


def _join(before: tuple[str, ...], cell: str) -> tuple[str, ...]:
    parts = (
        part.strip() for line in cell.splitlines() for half in line.split(";") for part in half.split(",")
    )
    return tuple(dict.fromkeys((*before, *(part for part in parts if part))))

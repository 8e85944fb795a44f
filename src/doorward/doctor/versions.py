"""Which minor release of each PostgreSQL was the newest, on the day on which somebody looked; pure.

The table is dated because doorward asks nobody over the network. Where it is old, that is said, and a server that is
newer than the table is not called wrong.

Source: https://www.postgresql.org/support/versioning/ and the release announcements.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from doorward.doctor.line import Line, broken, look, ok

LOOKED_AT: Final = date(2026, 8, 19)
MAX_AGE_DAYS: Final = 120  # minor releases come about every three months
MIN_MAJOR: Final = 16  # as install/stops.py


@dataclass(frozen=True, slots=True)
class Release:
    """The newest minor of a major, and its last day of support."""

    minor: int
    ends: date


NEWEST: Final[Mapping[int, Release]] = {
    16: Release(15, date(2028, 11, 9)),
    17: Release(11, date(2029, 11, 8)),
    18: Release(6, date(2030, 11, 14)),
}


def check_version(check: str, number: int, *, today: date) -> Iterator[Line]:
    """Yield what to say of a server's version.

    Args:
        check: Whose version.
        number: PostgreSQL's ``server_version_num``, such as 170010.
    """
    major, minor = divmod(number, 10_000)
    said = f"PostgreSQL {major}.{minor}"
    age = max((today - LOOKED_AT).days, 0)
    table = f"by a table of {LOOKED_AT.isoformat()}, {age} days old"
    release = NEWEST.get(major)
    if major < MIN_MAJOR:
        yield broken(
            check, said, expected=f"{MIN_MAJOR} or later", do="upgrade: the door needs roles as 16 has them"
        )
    elif release is None:
        yield look(
            check,
            f"{said}, which is newer than this doorward knows, {table}",
            expected=f"one of {', '.join(str(known) for known in NEWEST)}",
            do="upgrade doorward, or look at postgresql.org/support/versioning yourself",
        )
    elif today > release.ends:
        yield look(
            check,
            f"{said}, which nobody mends since {release.ends.isoformat()}",
            expected="a major release that is supported",
            do="upgrade the server",
        )
    elif minor < release.minor:
        yield look(
            check,
            f"{said}, {table}",
            expected=f"{major}.{release.minor} or later",
            do="install the minor release and restart the server",
        )
    elif age > MAX_AGE_DAYS and minor == release.minor:
        yield look(
            check,
            f"{said}, the newest {table}",
            expected=f"a table of at most {MAX_AGE_DAYS} days",
            do="upgrade doorward, or look at postgresql.org/support/versioning yourself",
        )
    else:
        yield ok(check, f"{said}, {table}")

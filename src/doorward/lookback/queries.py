"""The queries of an audit: files of SQL that an auditor can read and run again, and how names get into them."""

import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

_PLACE: Final = re.compile(r"[$]([a-z]+)")


@cache
def read_sql(name: str) -> str:
    """Return the text of `sql/<name>.sql` as it stands."""
    return (resources.files("doorward.lookback") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


@cache
def read_query(name: str) -> str:
    """Return the text of `sql/<name>.sql`, without the comments at its head."""
    lines = read_sql(name).splitlines()
    while lines and lines[0].startswith("--"):
        lines.pop(0)
    return "\n".join(lines).strip().removesuffix(";")


def fill_query(name: str, **parts: str) -> str:
    """Return a query with its places `$name` filled: all at once, so that nothing within a part is a place.

    Args:
        parts: SQL by the name of its place, quoted by the caller.
    """
    return _PLACE.sub(lambda found: parts.get(found[1], found[0]), read_query(name))


def quote_text(text: str | Path) -> str:
    """Return a text of SQL, for where a parameter is not allowed: a path behind COPY."""
    return "'" + str(text).replace("'", "''") + "'"

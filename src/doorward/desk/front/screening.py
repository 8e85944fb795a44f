"""What must not stand in the free text of a record, looked for the same way on the phone and at the desk.

The patterns are data (screening.toml); `flatten` is `flattened` of app/form.js. A finding is a code: what was found is
neither kept nor said.
"""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

_INVISIBLE: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_DIGITS: Final = {zero + digit: str(digit) for zero in (0x660, 0x6F0) for digit in range(10)}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One of them.

    Args:
        code: What the fault is called; the app's words have ``fault-<code>``.
        pattern: Of the part of the language that Python and JavaScript share; case is ignored.
        skip: Fields that identify one of these are not looked at.
        hits: Texts in which it must be found.
        misses: Texts in which it must not.
    """

    code: str
    pattern: str
    skip: tuple[str, ...]
    hits: tuple[str, ...]
    misses: tuple[str, ...]


@cache
def load_patterns() -> tuple[Pattern, ...]:
    """Return the patterns as shipped."""
    data = tomllib.loads((files("doorward.desk.front") / "screening.toml").read_text(encoding="utf-8"))
    return tuple(
        Pattern(
            each["code"], each["pattern"], tuple(each["skip"]), tuple(each["for"]), tuple(each["against"])
        )
        for each in data["pattern"]
    )


def flatten(text: str) -> str:
    """Return a text as the patterns see it: one form of each sign, nothing invisible, digits as 0 to 9."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_DIGITS)


def find_forbidden(text: str, *, identifies: str | None, patterns: Sequence[Pattern]) -> str | None:
    """Return the code of the first pattern that is found in a text of a field, or None."""
    flat = flatten(text)
    for each in patterns:
        if identifies not in each.skip and _compiled(each.pattern).search(flat):
            return each.code
    return None


def format_patterns(patterns: Sequence[Pattern]) -> list[dict[str, Any]]:
    """Return them as the app reads them."""
    return [{"code": each.code, "pattern": each.pattern, "skip": list(each.skip)} for each in patterns]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)

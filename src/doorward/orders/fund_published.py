"""fund_published.toml of a pack: what everybody may see of the fund, in which words, and when. Pure.

The list is fixed with the first publication: another list would be a difference of two tables. A service or an outcome
that grantees report and that stands in no list would be missing without a word, so `check_published` asks for each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from doorward.errors import Finding
from doorward.orders.fund import FundWords
from doorward.orders.fund_units import CASES, FundUnits
from doorward.orders.toml import Toml

PUBLISHED: Final = "fund_published.toml"
UNITS: Final = "units"
OPENED: Final = "opened"
LEAST_DELAY: Final = 30
MOST_DELAY: Final = 366
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_MONTH: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_NAME: Final = re.compile(r"[^\W_][^\r\n\t]{0,79}")
_SECTIONS: Final = ("first", "delay_days", "cases_before", "office", "served", "outcome", "grantee")


@dataclass(frozen=True, slots=True)
class Served:
    """What is counted, and for which the fund pays.

    Args:
        counts: ``units``, or ``opened`` for cases.
        reported: Services of fund_units.toml; empty where no report counts it.
        bought: Services of fund.toml.
    """

    code: str
    title: str
    unit: str
    counts: str
    reported: tuple[str, ...]
    bought: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """How cases ended: words of fund_units.toml under one that is published."""

    code: str
    title: str
    reported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishedWords:
    """What a pack's fund_published.toml says.

    Args:
        first: The first month, such as ``2026-01``.
        delay_days: How long after the last day of a month.
        cases_before: Cases ran before the first month.
        office: Whose page it is; a role.
        grantees: The public name of a grantee, by its id; one without a name is shown by its id.
    """

    first: str
    delay_days: int
    cases_before: bool
    office: str
    served: Mapping[str, Served]
    outcomes: Mapping[str, Ended]
    grantees: Mapping[str, str]

    @property
    def counted(self) -> tuple[Served, ...]:
        """What reports count, in order."""
        return tuple(one for one in self.served.values() if one.reported)

    @property
    def digest(self) -> str:
        """SHA-256 over what is counted and when; names and titles are not in it."""
        parts = [self.first, str(self.delay_days), str(self.cases_before)]
        parts += [
            f"{one.code} {one.counts} {' '.join(one.reported)} / {' '.join(one.bought)}"
            for one in self.served.values()
        ]
        parts += [f"{one.code} {' '.join(one.reported)}" for one in self.outcomes.values()]
        return sha256("\n".join(parts).encode()).hexdigest()


def read_fund_published(text: str) -> tuple[PublishedWords | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of fund_published.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(PUBLISHED, text)
    file.refuse_others(_SECTIONS)
    first = file.get(str, "first")
    if first and not _MONTH.fullmatch(first):
        file.note(f"`{first[:20]}` is no month such as 2026-01", "first")
    delay = file.data.get("delay_days")
    if type(delay) is not int or not LEAST_DELAY <= delay <= MOST_DELAY:
        file.note(f"`delay_days` must be a number from {LEAST_DELAY} to {MOST_DELAY}", "delay_days")
        delay = LEAST_DELAY
    before = file.data.get("cases_before")
    if not isinstance(before, bool):  # `get` takes false for what is missing
        file.note("`cases_before` must be true or false", "cases_before")
    found = PublishedWords(
        first,
        delay,
        before is True,
        file.get(str, "office"),
        {code: _served(file, code) for code in _codes(file, "served")},
        {code: _ended(file, code) for code in _codes(file, "outcome")},
        {code: _grantee(file, code) for code in _codes(file, "grantee", needed=False)},
    )
    return (None if file.findings else found), file.findings


def check_published(text: str, words: FundWords | None, units: FundUnits | None) -> list[Finding]:
    """Return what the file names that the fund does not have, and what of the fund it does not name or names twice.

    Args:
        text: Of fund_published.toml, without a fault of its own; with one nothing is said here.
        words: Of fund.toml, or None where it has a fault.
        units: Of fund_units.toml, or None.
    """
    found = read_fund_published(text)[0]
    if found is None or words is None or units is None:
        return []
    file = Toml(PUBLISHED, text)
    lists: tuple[tuple[str, str, Mapping[str, tuple[str, ...]], set[str]], ...] = (
        ("served", "bought", {code: one.bought for code, one in found.served.items()}, set(words.services)),
        (
            "served",
            "reported",
            {code: one.reported for code, one in found.served.items()},
            set(units.services),
        ),
        (
            "outcome",
            "reported",
            {code: one.reported for code, one in found.outcomes.items()},
            set(units.outcomes),
        ),
    )
    for section, key, named, known in lists:
        seen: set[str] = set()
        for code, held in named.items():
            for one in held:
                if one not in known:
                    file.note(f"`{one[:40]}` is none that the fund has", section, code, key)
                elif one in seen:
                    file.note(f"`{one[:40]}` would be counted twice", section, code, key)
                seen.add(one)
        for one in sorted(known - seen):
            file.note(f"`{one}` stands in no `{key}`, and would be missing without a word", section)
    for code, served in found.served.items():
        kinds = {units.services[one].counts for one in served.reported if one in units.services}
        if served.reported and (kinds == {CASES}) != (served.counts == OPENED):
            file.note("cases are counted as they are opened, and events as units", "served", code, "counts")
    return file.findings


def _codes(file: Toml, section: str, *, needed: bool = True) -> list[str]:
    if not needed and section not in file.data:
        return []
    held = file.table(section)
    if needed and not held:
        file.note(f"`{section}` names nothing", section)
    found = []
    for code, table in held.items():
        if not _WORD.fullmatch(code) or code == "all":
            file.note(f"`{code[:60]}` is no word of lower-case letters, digits and `-`", section, code)
        elif not isinstance(table, dict):
            file.note(f"`{section}.{code}` must be a table", section, code)
        else:
            found.append(code)
    return found


def _served(file: Toml, code: str) -> Served:
    path = ("served", code)
    file.refuse_others(("title", "unit", "counts", "reported", "bought"), *path)
    counts = file.get(str, *path, "counts")
    if counts not in (UNITS, OPENED):
        file.note(f"`counts` must be `{UNITS}` or `{OPENED}`", *path, "counts")
    title, unit = (file.get(str, *path, key) for key in ("title", "unit"))
    reported, bought = (_texts(file, *path, key) for key in ("reported", "bought"))
    if not reported and not bought:
        file.note(f"`{code}` is neither reported nor bought", *path)
    return Served(code, title, unit, counts, reported, bought)


def _ended(file: Toml, code: str) -> Ended:
    path = ("outcome", code)
    file.refuse_others(("title", "reported"), *path)
    return Ended(code, file.get(str, *path, "title"), _texts(file, *path, "reported"))


def _grantee(file: Toml, code: str) -> str:
    file.refuse_others(("name",), "grantee", code)
    name = file.get(str, "grantee", code, "name")
    if not _NAME.fullmatch(name) or not name.isprintable():
        file.note(
            "`name` begins with a letter or a digit and is one line of at most 80", "grantee", code, "name"
        )
    return name


def _texts(file: Toml, *path: str) -> tuple[str, ...]:
    held = file.get(list, *path)
    if not all(isinstance(one, str) and one for one in held):
        file.note(f"`{'.'.join(path)[:60]}` must be a list of texts", *path)
        return ()
    return tuple(held)

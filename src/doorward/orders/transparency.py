"""transparency.toml of a pack: what the public table counts, and under which words. Pure.

The list is fixed with the first publication. Whatever the desk files is counted once: a kind that the file does not
name is among the others.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding
from doorward.orders.toml import Toml

TRANSPARENCY: Final = "transparency.toml"
OUTCOMES: Final = ("deny", "refer", "permit", "outside")
POSTURES: Final = ("stand-aside", "decline", "hold", "tolerate", "perform-in-scope", "perform", "none")
ALL: Final = "all"
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_QUARTER: Final = re.compile(r"20[0-9]{2}-Q[1-4]")
_SECTIONS: Final = (
    "first", "threshold", "delay_days", "tenants", "office", "auditor", "kind", "others", "outcome", "posture", "word",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """What a pack's transparency.toml says.

    Args:
        first: The first quarter, such as ``2026-Q4``.
        threshold: The smallest count that is published; how small it may be, the table itself says.
        delay_days: How long after a quarter; how short it may be, the table itself says.
        tenants: Whose requests and visits are counted.
        office: Whose page it is; a role.
        auditor: The office of the key that signs totals.
        kinds: Kinds of the intake, by the public word.
        matters: The public word of every other kind.
        visits: The public word of what front desks file.
        outcomes: The public word by outcome of the order.
        postures: The public word by posture of a visit's end; ``none`` where it has none.
        words: How each public word is written out.
    """

    first: str
    threshold: int
    delay_days: int
    tenants: tuple[str, ...]
    office: str
    auditor: str
    kinds: Mapping[str, tuple[str, ...]]
    matters: str
    visits: str
    outcomes: Mapping[str, str]
    postures: Mapping[str, str]
    words: Mapping[str, str]

    @property
    def all_kinds(self) -> tuple[str, ...]:
        """The public words of what is counted, in order."""
        return (*self.kinds, self.matters, self.visits)

    @property
    def all_outcomes(self) -> tuple[str, ...]:
        """The public words of what became of it, in order."""
        return tuple(dict.fromkeys((*self.outcomes.values(), *self.postures.values())))

    def kind_of(self, intake: str) -> str:
        """Return the public word of a kind of the intake."""
        return next((word for word, kinds in self.kinds.items() if intake in kinds), self.matters)


def read_transparency(text: str) -> tuple[Counted | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of transparency.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(TRANSPARENCY, text)
    file.refuse_others(_SECTIONS)
    file.refuse_others(("matters", "visits"), "others")
    first = file.get(str, "first")
    if first and not _QUARTER.fullmatch(first):
        file.note(f"`{first[:20]}` is no quarter such as 2026-Q4", "first")
    found = Counted(
        first,
        _number(file, "threshold"),
        _number(file, "delay_days"),
        _texts(file, "tenants"),
        file.get(str, "office"),
        file.get(str, "auditor"),
        {word: _texts(file, "kind", word) for word in file.table("kind")},
        file.get(str, "others", "matters"),
        file.get(str, "others", "visits"),
        _by_word(file, "outcome", OUTCOMES),
        _by_word(file, "posture", POSTURES),
        {word: file.get(str, "word", word) for word in file.table("word")},
    )
    _check_words(file, found)
    return (None if file.findings else found), file.findings


def _check_words(file: Toml, found: Counted) -> None:
    kinds = found.all_kinds
    if len(set(kinds)) != len(kinds):
        file.note("two kinds have one word", "kind")
    named = [one for kinds in found.kinds.values() for one in kinds]
    if len(set(named)) != len(named):
        file.note("a kind of the intake is counted twice", "kind")
    needed = (*kinds, *found.all_outcomes, ALL)
    for word in needed:
        if word and (not _WORD.fullmatch(word) or (word == ALL and word in needed[:-1])):
            file.note(f"`{word[:60]}` is no word of lower-case letters, digits and `-`", "kind")
        if word not in found.words:
            file.note(f"`word` has no `{word[:60]}`", "word")
    for word in found.words:
        if word not in needed:
            file.note(f"`{word[:60]}` is counted nowhere", "word", word)


def _number(file: Toml, key: str) -> int:
    held = file.data.get(key)
    if type(held) is not int or not 0 < held < 1000:
        file.note(f"`{key}` must be a number from 1 to 999", key)
        return 0
    return held


def _texts(file: Toml, *path: str) -> tuple[str, ...]:
    held = file.get(list, *path)
    if not held or not all(isinstance(one, str) and one for one in held):
        file.note(f"`{'.'.join(path)[:60]}` must be a list of texts", *path)
        return ()
    return tuple(held)


def _by_word(file: Toml, section: str, needed: Iterable[str]) -> dict[str, str]:
    file.refuse_others(tuple(needed), section)
    return {name: file.get(str, section, name) for name in needed}

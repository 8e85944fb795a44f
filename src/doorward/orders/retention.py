"""retention.toml of a pack: which records the desk keeps how long, counted from when, and on whose word. Pure.

An item that no office has adopted may leave open how long; nothing is ever erased by it. A pack without the file has no
schedule, and nothing is erased under it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from doorward.errors import Finding
from doorward.orders.deadlines import EVIDENCE, STANDINGS
from doorward.orders.toml import Toml

RETENTION: Final = "retention.toml"
COVERS: Final = ("papers", "matters", "visits", "letters", "registers", "logins", "reports", "record")
COUNTS_FROM: Final = (
    "paper-added",
    "matter-filed",
    "matter-answered",
    "matter-closed",
    "visit-received",
    "ended",
)
MAX_YEARS: Final = 100
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BASIS: Final = ("cite", "evidence", "standing")
_KEYS: Final = (
    "says", "number", "covers", "kinds", "counts_from", "years", "permanent", "adopted_by", "adopted_on", *_BASIS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Disposal:
    """By whose leave something is disposed of.

    Args:
        says: What has to be there first.
        certificate: What the number on it is called, for a form's label.
        evidence: `text`, `mirror`, `press` or `background`.
        standing: `confirmed`, `adopted` or `needs-counsel`.
    """

    says: str
    certificate: str
    cite: str
    evidence: str
    standing: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the schedule.

    Args:
        number: Of the item in the approved application, or empty while there is none.
        covers: Words of `COVERS`.
        kinds: Of the order's intake; empty is every kind.
        counts_from: A word of `COUNTS_FROM`.
        years: How long, or None: for ever, or nobody has said.
    """

    id: str
    says: str
    number: str
    covers: tuple[str, ...]
    kinds: tuple[str, ...]
    counts_from: str
    years: int | None
    permanent: bool
    cite: str
    evidence: str
    standing: str
    adopted_by: str = ""
    adopted_on: date | None = None

    @property
    def needs_counsel(self) -> bool:
        """True where no office has confirmed or adopted it: it disposes of nothing."""
        return self.standing == "needs-counsel"

    def covers_paper(self, kind: str) -> bool:
        """Return whether papers of matters of a kind fall under it."""
        return "papers" in self.covers and (not self.kinds or kind in self.kinds)

    def due_on(self, since: date) -> date | None:
        """Return the first day on which what it keeps since a day may go, or None: never."""
        if self.permanent or self.years is None:
            return None
        year = since.year + self.years
        if (since.month, since.day) == (2, 29) and not _is_leap(year):
            return date(year, 3, 2)
        return date.fromordinal(since.replace(year=year).toordinal() + 1)


@dataclass(frozen=True, slots=True)
class Retention:
    """The schedule of an order."""

    disposal: Disposal
    items: Mapping[str, Item]


def read_retention(text: str) -> tuple[Retention | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of retention.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(RETENTION, text)
    file.refuse_others(("disposal", "item"))
    file.table("disposal")
    file.refuse_others(("says", "certificate", *_BASIS), "disposal")
    texts = {key: file.get(str, "disposal", key) for key in ("says", "certificate", *_BASIS)}
    _check_basis(file, texts["evidence"], texts["standing"], "disposal")
    items = {name: _item(file, name) for name in file.table("item")}
    made = Retention(Disposal(**texts), items)
    return (None if file.findings else made), file.findings


def _item(file: Toml, name: str) -> Item:
    path = ("item", name)
    if not _WORD.fullmatch(name):
        file.note(f"`{name[:40]}` is no word of small letters, digits and `-`", *path)
    file.table(*path)
    file.refuse_others(_KEYS, *path)
    held: dict[str, Any] = file.data["item"][name] if isinstance(file.data["item"][name], dict) else {}
    says, cite, evidence, standing = (file.get(str, *path, key) for key in ("says", *_BASIS))
    _check_basis(file, evidence, standing, *path)
    adopted = standing == "adopted"
    for key in ("adopted_by", "adopted_on"):
        if adopted != (key in held):
            file.note(
                f"`{key}` stands where an office adopted it, and nowhere else",
                *path,
                *((key,) if key in held else ()),
            )
    number = held.get("number", "")
    if not isinstance(number, str) or (not number and standing != "needs-counsel"):
        file.note("an item that disposes of something has its `number` in the approved schedule", *path)
        number = ""
    permanent = file.get(bool, *path, "permanent") if "permanent" in held else False
    return Item(
        id=name, says=says, number=number, covers=_words(file, path, "covers", COVERS, needed=True),
        kinds=_words(file, path, "kinds", None), counts_from=_counts_from(file, path),
        years=_years(file, path, held, permanent=permanent, standing=standing), permanent=permanent, cite=cite,
        evidence=evidence, standing=standing,
        adopted_by=file.get(str, *path, "adopted_by") if adopted and "adopted_by" in held else "",
        adopted_on=file.get(date, *path, "adopted_on") if adopted and "adopted_on" in held else None,
    )  # fmt: skip


def _check_basis(file: Toml, evidence: str, standing: str, *path: str) -> None:
    for key, value, allowed in (("evidence", evidence, EVIDENCE), ("standing", standing, STANDINGS)):
        if value and value not in allowed:
            file.note(f"`{value[:40]}` is none of {', '.join(allowed)}", *path, key)
    if standing == "confirmed" and evidence != "text":
        file.note(f"evidence `{evidence[:20]}` confirms nothing", *path, "standing")


def _words(
    file: Toml, path: tuple[str, ...], key: str, allowed: tuple[str, ...] | None, *, needed: bool = False
) -> tuple[str, ...]:
    found = file.get(list, *path, key, default=[])
    wrong = not all(isinstance(one, str) and _WORD.fullmatch(one) for one in found)
    if wrong or (needed and not found) or (allowed is not None and not set(map(str, found)) <= set(allowed)):
        file.note(
            f"`{key}` is a list of {', '.join(allowed) if allowed else 'kinds of the intake'}", *path, key
        )
        return ()
    return tuple(found)


def _counts_from(file: Toml, path: tuple[str, ...]) -> str:
    found = file.get(str, *path, "counts_from")
    if found and found not in COUNTS_FROM:
        file.note(f"`{found[:40]}` is none of {', '.join(COUNTS_FROM)}", *path, "counts_from")
    return found


def _years(
    file: Toml, path: tuple[str, ...], held: Mapping[str, Any], *, permanent: bool, standing: str
) -> int | None:
    found = held.get("years")
    if found is None:
        if not permanent and standing != "needs-counsel":
            file.note(
                "say `years`, or `permanent = true`; only an item that needs counsel may leave it open", *path
            )
        return None
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= MAX_YEARS or permanent:
        file.note(
            f"`years` is a whole number from 0 to {MAX_YEARS}, and not beside `permanent`", *path, "years"
        )
        return None
    return found


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)

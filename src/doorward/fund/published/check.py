"""Whether published months are what they say, by their files alone and against the record. Pure.

Whoever downloads the files needs nothing else for the first: no key, no database, no word of the city.
`check_editions` says whether each file is the one that its totals name, whether the totals say what the tables say,
whether months follow each other in one chain, whether the tables add up, and whether anything that stood was changed or
taken back.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from doorward.errors import MalformedError
from doorward.fund.entries import PUBLISH
from doorward.fund.published.edition import Edition, parse_edition
from doorward.fund.published.files import (
    DOCUMENT,
    NAMES,
    TABLES,
    TOTALS,
    digest,
    format_tables,
    format_totals,
)
from doorward.record.entry import Entry, Field, Kind


@dataclass(frozen=True, slots=True)
class Kept:
    """A month as it is kept or was downloaded: its name, and its files."""

    month: str
    files: Mapping[str, bytes]


def check_editions(kept: Sequence[Kept]) -> tuple[str, ...]:
    """Return what is wrong with published months, a line each; nothing where they hold.

    Args:
        kept: Of anybody, in the order of their months.
    """
    wrong: list[str] = []
    before: tuple[Kept, Edition] | None = None
    for one in kept:
        found = _check_month(one, before, wrong)
        if found is not None:
            before = one, found
    return tuple(wrong)


def _check_month(one: Kept, before: tuple[Kept, Edition] | None, wrong: list[str]) -> Edition | None:
    missing = [name for name in NAMES if name not in one.files]
    if missing:
        wrong.append(f"{one.month}: {', '.join(missing)} missing")
        return None
    wrong += [
        f"{one.month}: `{name[:40]}` is no file of a month" for name in sorted(one.files.keys() - set(NAMES))
    ]
    try:
        edition = parse_edition(one.files[DOCUMENT])
        tables = format_tables(edition, _names(one.files["payments.csv"]))
    except MalformedError as error:
        wrong.append(f"{one.month}: `{DOCUMENT}`: {error}")
        return None
    if str(edition.month) != one.month:
        wrong.append(f"{one.month}: the tables are of {edition.month}")
    wrong += [
        f"{one.month}: `{name}` does not say what `{DOCUMENT}` says"
        for name in TABLES
        if one.files[name] != tables[name]
    ]
    previous = None if before is None else before[0].files[TOTALS]
    if one.files[TOTALS] != format_totals(edition, one.files, previous):
        wrong.append(f"{one.month}: the totals are not those of these tables behind the month before")
    wrong += [f"{one.month}: {says}" for says in check_sums(edition)]
    if before is not None:
        wrong += [f"{one.month}: {says}" for says in check_standing(before[1], edition)]
    return edition


def _names(payments: bytes) -> dict[str, str]:
    """Return the names of grantees as the table has them: they stand nowhere else."""
    try:
        rows = list(csv.reader(io.StringIO(payments.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return {}
    return {row[1]: row[2] for row in rows[1:] if len(row) > 2}


def check_sums(edition: Edition) -> list[str]:
    """Return where an edition's tables do not add up to each other."""
    wrong = [
        f"the line `{one.line}` of {one.year} does not add up" for one in edition.lines if not one.is_whole
    ]
    paid, left = Counter[int](), Counter[int]()
    for line in edition.lines:
        paid[line.year] += line.paid
    for payment in edition.payments:
        left[payment.year] += payment.paid - payment.returned
    wrong += [
        f"what grantees were paid of {year} is not what its lines paid"
        for year in sorted(paid.keys() | left.keys())
        if paid[year] != left[year]
    ]
    held = Counter[tuple[int, str, str]]()
    for holding in edition.holdings:
        held[holding.year, holding.line, "encumbered"] += holding.encumbered
        held[holding.year, holding.line, "spent"] += holding.spent
    for line in edition.lines:
        for name, cents in (("encumbered", line.encumbered), ("spent", line.expended)):
            if held[line.year, line.line, name] != cents:
                wrong.append(
                    f"what is {name} of `{line.line}` in {line.year} is not what its agreements have"
                )
    counts = {(one.period, one.code): one.value for one in edition.served or ()}
    for cost in edition.costs:
        if counts.get((str(cost.year), cost.code)) != cost.count:
            wrong.append(
                f"the cost of `{cost.code}` in {cost.year} rests on another count than the one that stands"
            )
    return wrong


def check_standing(before: Edition, after: Edition) -> list[str]:
    """Return what of an edition the next one changed or took back, or told although it had been withheld."""
    wrong = []
    if after.month != before.month.after:
        wrong.append(f"the month before it is {before.month}")
    for name, earlier, later in (
        ("served", before.served, after.served),
        ("outcomes", before.ended, after.ended),
    ):
        stands = {(one.period, one.code): one.value for one in later or ()}
        wrong += [
            f"`{one.code}` of {one.period} in `{name}` is not what stood"
            for one in earlier or ()
            if stands.get((one.period, one.code), -1) != one.value
        ]
    wrong += [
        f"the cost of `{one.code}` in {one.year} is not what stood"
        for one in before.costs
        if one not in after.costs
    ]
    came = set(after.came or ())
    wrong += [
        f"how many reports count in {one.period} is not what stood"
        for one in before.came or ()
        if one not in came
    ]
    if (after.scheme, after.threshold) != (before.scheme, before.threshold):
        wrong.append("it counts something else than the month before")
    return wrong


def check_recorded(kept: Iterable[Kept], entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return which months the record does not bear, and which of its months are not here; a line each.

    Args:
        kept: Every month that is published.
        entries: The whole record, or of it the kind `fund`.
    """
    recorded: dict[str, set[str]] = {}
    for entry in entries:
        if entry.kind is Kind.FUND and entry.get(Field.ACT) == PUBLISH:
            month = (entry.get(Field.WHAT) or b"").decode("ascii", "replace")
            recorded.setdefault(month, set()).add((entry.get(Field.DIGEST) or b"").decode("ascii", "replace"))
    here = {one.month: digest(one.files.get(TOTALS, b"")) for one in kept}
    wrong = [
        f"{month}: the record has no entry of these totals"
        for month, held in here.items()
        if held not in recorded.get(month, set())
    ]
    wrong += [
        f"{month}: the record has an entry of other totals as well"
        for month, held in here.items()
        if recorded.get(month, set()) - {held}
    ]
    wrong += [
        f"{month}: the record says that it was published, and it is not here"
        for month in sorted(recorded.keys() - here.keys())
    ]
    return tuple(wrong)


def check_remade(kept: Iterable[Kept], made: Mapping[str, Mapping[str, bytes]]) -> tuple[str, ...]:
    """Return which files are not what is made again from the ledger and the reports; a line each.

    Args:
        made: The files of each month, made again.
    """
    return tuple(
        f"{one.month}: `{name}` is not what the ledger and the reports give"
        for one in kept
        for name in NAMES
        if one.files.get(name) != made.get(one.month, {}).get(name)
    )

"""Which numbers of a publication are withheld, so that none below the threshold can be worked out. Pure.

Looking back and the desk both publish numbers; neither may import the other, so this stands below both (ADR 46).

A number below the threshold is withheld, and then as many others as it takes: every number is a sum over disjoint
groups of what is counted, so what can be worked out from the published ones is what their linear combinations give. The
elimination is exact (modulo a prime of 61 bits; a combination that is missed has a chance below 1 in 10^15, one that is
seen withholds too much at worst). A second rule: what is left of a total when its published parts are taken away is
nothing, or no less than the threshold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PRIME: Final = 2**61 - 1
Row = dict[int, int]


@dataclass(frozen=True, slots=True)
class Form:
    """A number as a sum.

    Args:
        id: Of the number.
        value: What it is.
        terms: How often each group of what is counted is in it.
        parts: Ids of numbers that it is the sum of; one entry for each way in which it is divided.
        fixed: Known to everybody, as that two numbers are equal, or as it was published before: it cannot be withheld.
    """

    id: str
    value: int
    terms: Mapping[int, int]
    parts: tuple[tuple[str, ...], ...] = ()
    fixed: bool = False


def withhold(forms: Sequence[Form], threshold: int) -> frozenset[str]:
    """Return the ids of the numbers to withhold.

    The small ones are; then the others are taken in, totals and large ones first, each only where no small one can be
    worked out with it. To withhold more is always safe, so the rule of remainders comes last.

    Args:
        forms: Every number that would be published. Each of another id.
        threshold: The smallest count that may be published; nought may be too.
    """
    small = [form for form in forms if not form.fixed and 0 < form.value < threshold]
    withheld = {form.id for form in small}
    basis = _Basis()
    for form in forms:
        if form.fixed:
            basis.add(form.terms)
    guarded = _Guarded(basis, small)
    others = (form for form in forms if not form.fixed and form.id not in withheld)
    for form in sorted(others, key=lambda one: (not one.parts, -one.value, len(one.terms), one.id)):
        if not guarded.take_in(form.terms):
            withheld.add(form.id)
    by_id = {form.id: form for form in forms}
    while more := _remainders(forms, by_id, withheld, threshold):
        withheld |= more
    return frozenset(withheld)


def _remainders(
    forms: Sequence[Form], by_id: Mapping[str, Form], withheld: set[str], threshold: int
) -> set[str]:
    more: set[str] = set()
    for form in forms:
        for parts in form.parts if form.id not in withheld else ():
            gone = [part for part in parts if part in withheld]
            left = sum(by_id[part].value for part in gone)
            if gone and (len(gone) == 1 or left < threshold):
                kept = [part for part in parts if _may_go(by_id[part], withheld)]
                more.add(min(kept, key=lambda part: (by_id[part].value, part)) if kept else form.id)
    return more


def _may_go(form: Form, withheld: set[str]) -> bool:
    return form.id not in withheld and form.value > 0 and not form.fixed


def exposed(forms: Sequence[Form], withheld: Iterable[str]) -> set[str]:
    """Return which withheld numbers can be worked out from the others, exactly."""
    gone = set(withheld)
    basis = _Basis()
    for form in forms:
        if form.id not in gone:
            basis.add(form.terms)
    return {form.id for form in forms if form.id in gone and not basis.reduce(form.terms)}


class _Basis:
    """What can be worked out so far, as rows of which each has a column that no later row has."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}

    def reduce(self, terms: Mapping[int, int]) -> Row:
        """Return what is left of a sum when all that is known is taken away; nothing where it is known."""
        row = {column: value % PRIME for column, value in terms.items() if value % PRIME}
        pending = [column for column in row if column in self._rows]
        while pending:
            column = pending.pop()
            if column in row:
                by = self._rows[column]
                pending += [at for at in by if at not in row and at in self._rows]
                subtract(row, by, row[column])
        return row

    def add(self, terms: Mapping[int, int]) -> tuple[int, Row] | None:
        """Take a sum in; return its column and row, or None where it was known already."""
        row = self.reduce(terms)
        return self.keep(row) if row else None

    def keep(self, row: Row) -> tuple[int, Row]:
        """Take in a row that is reduced, and return it with its column."""
        pivot = min(row)
        inverse = pow(row[pivot], -1, PRIME)
        self._rows[pivot] = {at: value * inverse % PRIME for at, value in row.items()}
        return pivot, self._rows[pivot]


class _Guarded:
    """A basis that takes nothing in by which one of these could be worked out."""

    def __init__(self, basis: _Basis, small: Iterable[Form]) -> None:
        self._basis = basis
        self._left = [basis.reduce(form.terms) for form in small]
        # What everybody knows already cannot be kept from them.
        self._left = [row for row in self._left if row]

    def take_in(self, terms: Mapping[int, int]) -> bool:
        row = self._basis.reduce(terms)
        if not row:
            return True
        pivot = min(row)
        inverse = pow(row[pivot], -1, PRIME)
        touched = []
        for at, left in enumerate(self._left):
            if pivot in left:
                after = dict(left)
                subtract(after, row, left[pivot] * inverse % PRIME)
                if not after:
                    return False
                touched.append((at, after))
        for at, after in touched:
            self._left[at] = after
        self._basis.keep(row)
        return True


def subtract(row: Row, by: Row, factor: int) -> None:
    """Take a multiple of one row away from another, in place."""
    for at, value in by.items():
        left = (row.get(at, 0) - factor * value) % PRIME
        if left:
            row[at] = left
        else:
            row.pop(at, None)

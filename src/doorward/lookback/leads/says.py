"""A lead and a kind of leads in words and numbers, as they are written. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from doorward.lookback.leads.kinds import (
    BURST,
    DRIFT,
    FOLLOW,
    NIGHT,
    PARTICIPATING,
    REPEATED,
    SHARED,
    UNIT_BURST,
    VAGUE,
    Kind,
    LeadNumbers,
    say_rule,
    say_time,
)

Key = tuple[int, int]  # a unit, and its month or mark


@dataclass(frozen=True, slots=True)
class Found:
    """What one kind found, beside the searches.

    Args:
        expected: What chance gives, by unit and part; where nothing was counted too.
        draws: How often chance was drawn, or 0.
        facts: What is said of a lead beside its numbers.
        counted: How many were found; None: the sum of what the leads count.
        chance: How many chance gives; None: the sum of `expected`.
        looked: How many searches were looked at; None: all that have what the kind needs.
        cells: How many months of units, or changes, were looked at.
    """

    expected: Mapping[Key, float]
    draws: int = 0
    facts: Mapping[Key, tuple[Any, ...]] = field(default_factory=dict)
    counted: int | None = None
    chance: float | None = None
    looked: int | None = None
    cells: int | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead: a unit, never a person.

    Args:
        first: UTC, of the first of its searches; None where it has none.
        n: How many were found, of what its kind counts.
        expected: How many chance alone gives, of the same.
        rows: `file:sheet:row` of the first ones.
        rows_n: How many rows it has in all.
        key: Kind, unit and part, by number.
    """

    number: int
    kind: str
    unit: str
    owner: str
    first: datetime | None
    last: datetime | None
    n: int
    expected: float
    rows: str
    rows_n: int
    key: tuple[int, int, int]
    says: str = ""

    def row(self) -> tuple[Any, ...]:
        """Return it as the table has it."""
        return (
            self.number, self.kind, self.unit, self.owner, self.first, self.last, self.n, self.expected, self.says,
            self.rows, self.rows_n,
        )  # fmt: skip


def say_lead(kind: Kind, lead: Lead, facts: tuple[Any, ...] | None, numbers: LeadNumbers, draws: int) -> str:
    """Return a lead in one sentence."""
    if kind in {NIGHT, VAGUE}:
        assert facts is not None
        n, x, mean, others, own = facts
        what = "from 1 to 5 in its own time" if kind is NIGHT else "with a vague reason"
        itself = "" if own is None else f", and it {own:.1%} in its other months"
        month = f"{lead.key[2] // 12:04}-{lead.key[2] % 12 + 1:02}"
        return f"in {month} {x:,} of {n:,} searches {what} ({x / n:.1%}); its {others:,} peers {mean:.1%}{itself}"
    if kind is DRIFT:
        assert facts is not None
        n_before, x_before, n_after, x_after, mark = facts
        return (
            f"vague reasons: {x_before:,} of {n_before:,} before and {x_after:,} of {n_after:,} after "
            f"{mark.at:%Y-%m-%d}, {mark.says}"
        )
    name = kind.counted[lead.n != 1]
    said = {
        BURST: f"of {numbers.burst_searches} searches or more of one account within {say_time(numbers.burst_us)}",
        UNIT_BURST: f"of {numbers.burst_searches} searches or more of the unit within {say_time(numbers.burst_us)}",
        FOLLOW: f"at most {say_time(numbers.follow_us)} after a federal or explicit search of the same plate",
        PARTICIPATING: "while it took part in 287(g)",
        SHARED: (
            f"also active in other units within {say_time(numbers.shared_us)}: {numbers.shared_units} units, or two "
            "states"
        ),
        REPEATED: f"three times or more over {say_time(numbers.repeated_us)} or more, without a case number",
    }[kind]
    return f"{lead.n:,} {name} {said}; {say_expected(lead.expected, draws)} expected by chance"


def say_expected(expected: float, draws: int) -> str:
    """Return an expected number as a person reads it: nobody reads `3.5e-12`, and no draw says that it cannot be.

    Args:
        draws: How often chance was drawn; 0 where there is a formula.
    """
    least = 1 / draws if draws else 0.001
    return f"{expected:,.3g}" if expected >= least else f"fewer than {least:g}"


def round_expected(expected: float) -> float:
    """Return an expected number as it is written: sums of fractions differ in their last digits from run to run."""
    return round(float(f"{expected:.4g}"), 6)


_NOT: Final[Mapping[Kind, Mapping[str, str]]] = {
    BURST: {
        "display_name": "the account is a display name, and those collide",
        "no_account": "the account is masked or not exported",
    },
    UNIT_BURST: {"account": "the account is known, and looked at by itself"},
    FOLLOW: {"no_plate": "the plate is masked or not exported"},
    PARTICIPATING: {
        "undated": "it is not known since when the unit takes part",
        "federal": "the unit is federal",
    },
    NIGHT: {"no_zone": "the time zone is not known: a state of two zones without a county, or no state"},
    SHARED: {
        "display_name": "the account is a display name, and those collide",
        "no_account": "the account is masked or not exported",
    },
    VAGUE: {"blank_reason": "the reason is blank", "no_reason": "the reason is masked or not exported"},
    REPEATED: {
        "display_name": "the account is a display name, and those collide",
        "no_account": "the account is masked or not exported",
        "with_case": "there is a case number",
        "no_case": "it cannot be told whether there is a case number",
    },
    DRIFT: {"blank_reason": "the reason is blank", "no_reason": "the reason is masked or not exported"},
}
_NEEDS: Final = {
    BURST: "account", FOLLOW: "plate", PARTICIPATING: "local", NIGHT: "zone", SHARED: "account", VAGUE: "reason",
    REPEATED: "trackable", DRIFT: "reason",
}  # fmt: skip


def say_kind(
    kind: Kind, found: Found, leads: Sequence[Lead], counts: Mapping[str, int], numbers: LeadNumbers
) -> dict[str, Any]:
    """Return a kind as `leads.json` has it."""
    counted = sum(lead.n for lead in leads) if found.counted is None else found.counted
    chance = sum(sorted(found.expected.values())) if found.chance is None else found.chance
    can = counts[_NEEDS[kind]] if kind in _NEEDS else counts["display_name"] + counts["no_account"]
    if kind is PARTICIPATING:
        can -= counts["undated"]
    looked = can if found.looked is None else found.looked
    missing = {says: counts[name] for name, says in _NOT[kind].items() if counts[name]}
    if kind is REPEATED and (rest := counts["searches"] - can - sum(missing.values())):
        missing["the plate is masked or not exported"] = rest
    if found.looked is not None and can > looked:
        few = (
            "no mark, or too few searches beside it"
            if kind is DRIFT
            else "a month with too few searches, or too few peers"
        )
        missing[few] = can - looked
    told: dict[str, Any] = {
        "kind": kind.name,
        "looks_at": say_rule(kind.looks_at, numbers),
        "rule": say_rule(kind.rule, numbers),
        "numbers": {name: getattr(numbers, name) for name in kind.numbers},
        "looked_at": looked,
        "not_looked_at": missing,
        "counted": kind.counted[1],
        "found": counted,
        "expected": round_expected(chance),
        "leads": len(leads),
        "model": say_rule(kind.model, numbers).replace(f"{numbers.draws:g} draws", f"{found.draws} draws"),
        "caveat": kind.caveat,
    }
    if found.cells is not None:
        told["compared"] = found.cells
    return told

"""Two audits beside each other: what changed first in how accesses are logged, then in what was logged.

INVARIANT (alarms-first): where a column vanished or was masked between the two, no rate of that agency is said to have
risen or fallen; fewer findings then say nothing about fewer accesses. Only numbers under one and the same order and
lexicon are compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError
from doorward.lookback.cells import OPEN
from doorward.lookback.folder import AuditFolder
from doorward.lookback.queries import read_sql
from doorward.lookback.report.two_rates import difference, holm, p_value

if TYPE_CHECKING:
    import duckdb

MEASURES: Final = (
    ("result", "inconsistent"), ("result", "referred"), ("result", "cannot-tell"),
    ("tier", "explicit"), ("tier", "agency-named"), ("tier", "vague"),
)  # fmt: skip
LEVEL: Final = 0.05
SHIFT: Final = (
    0.5  # of a cell's records; more of them open than before is a change of the log, not of what was done
)
ALL: Final = ""
Counts = dict[tuple[str, str], tuple[int, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Side:
    """One audit: its manifest, and per set of rules and owner the accesses and what was counted of them."""

    manifest: Mapping[str, Any]
    counts: Counts

    def orders(self) -> dict[str, tuple[str, str]]:
        """Return digest and lexicon of each set of rules."""
        common = str(self.manifest.get("lexicon") or "")
        return {
            str(one["name"]): (str(one.get("digest", "")), str(one.get("lexicon") or common))
            for one in self.manifest.get("rules", ())
        }

    def period(self) -> str:
        """Return from when to when its files reach."""
        periods = [
            f["period"] for f in self.manifest.get("files", ()) if f.get("period") and all(f["period"])
        ]
        return (
            f"{min(p[0] for p in periods)} to {max(p[1] for p in periods)}"
            if periods
            else "a period not known"
        )

    def open_shares(self) -> dict[tuple[str, str], float]:
        """Return which share of an owner's records has a cell open: masked, withheld, not exported, unreadable."""
        sums: dict[tuple[str, str], list[int]] = {}
        for file in self.manifest.get("files", ()):
            for cell, states in file.get("states", {}).items():
                pair = sums.setdefault((str(file.get("owner") or ""), cell), [0, 0])
                pair[0] += sum(n for state, n in states.items() if state in OPEN)
                pair[1] += sum(states.values())
        return {key: part / whole for key, (part, whole) in sums.items() if whole}


@dataclass(frozen=True, slots=True)
class Compared:
    """One rate in both audits.

    Args:
        owner: Whose data was searched; empty is all owners that both audits have.
        p: Adjusted for how many rates are compared.
        verdict: `rose`, `fell`, `no difference shown`, `not comparable`.
        interval: Of the difference, per 1,000.
    """

    rules: str
    owner: str
    column: str
    value: str
    old: tuple[int, int]
    new: tuple[int, int]
    interval: tuple[float, float, float]
    p: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different between two audits."""

    old_period: str
    new_period: str
    alarms: tuple[str, ...]
    warnings: tuple[str, ...]
    gone: tuple[str, ...]
    fresh: tuple[str, ...]
    rates: tuple[Compared, ...]
    titles: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return it as sentences, schema alarms first."""
        found = [f"Old: {self.old_period}. New: {self.new_period}."]
        found += [f"Log changed: {alarm}" for alarm in self.alarms] or [
            "No change of a log's columns was seen."
        ]
        found += self.warnings
        found += [f"Only in the old audit: {name}" for name in self.gone]
        found += [f"Only in the new audit: {name}" for name in self.fresh]
        found += [_line(rate) for rate in self.rates]
        found.append(
            "Differences: 95 per cent intervals after Newcombe; tests after Fisher, adjusted after Holm. Accesses are "
            "taken as independent, which searches of one case are not."
        )
        return found

    def as_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        return {
            "old": self.old_period, "new": self.new_period, "alarms": list(self.alarms),
            "warnings": list(self.warnings),
            "gone": list(self.gone), "new_agencies": list(self.fresh),
            "rates": [
                {
                    "rules": one.rules, "owner": one.owner or None, one.column: one.value, "old": list(one.old),
                    "new": list(one.new), "per_1000": [round(end, 4) for end in one.interval],
                    "p": round(one.p, 6), "verdict": one.verdict,
                }
                for one in self.rates
            ],
        }  # fmt: skip


def load_side(
    connection: "duckdb.DuckDBPyConnection", folder: AuditFolder, manifest: Mapping[str, Any]
) -> Side:
    """Return one audit as it is compared."""
    sql = read_sql("compare")
    rows = connection.execute(sql, [str(folder.counts)]).fetchall()
    return Side(manifest, {(row[0], row[1] or ""): (row[2], tuple(row[3:])) for row in rows})


def compare_audits(old: Side, new: Side, *, anyway: bool = False) -> Comparison:
    """Return what is different.

    Args:
        anyway: Compare under orders or lexicons that differ too; the result says so first.

    Raises:
        ConfigError: They have no order in common, or one whose text or lexicon changed, without `anyway`.
    """
    before, after = old.orders(), new.orders()
    common = [name for name in before if name in after]
    if not common:
        raise ConfigError("the two audits have no order in common", hint="audit both under the same --order")
    changed = [name for name in common if before[name] != after[name]]
    if changed and not anyway:
        raise ConfigError(
            f"the order or lexicon `{changed[0]}` is not the same in both audits: a difference may be the order's",
            hint="audit the old files again under the new order, or give --anyway",
        )
    warnings = [
        f"The order or lexicon {name} is not the same in both: a difference may be its own."
        for name in changed
    ]
    warnings += [
        f"Only one audit has the order {name}; it is not compared." for name in before.keys() ^ after.keys()
    ]
    was, now = ({owner for _, owner in side.counts if owner} for side in (old, new))
    alarms = tuple(_alarms(old, new))
    rates = [one for name in common for one in _rates(name, old, new, {owner for owner, _ in alarms})]
    adjusted = holm([one.p for one in rates])
    judged = tuple(
        _judge(one, p, {owner for owner, _ in alarms}) for one, p in zip(rates, adjusted, strict=True)
    )
    return Comparison(
        old.period(), new.period(), tuple(says for _, says in alarms), tuple(sorted(warnings)),
        tuple(sorted(was - now)), tuple(sorted(now - was)), judged,
    )  # fmt: skip


def _alarms(old: Side, new: Side) -> Iterator[tuple[str, str]]:
    """Yield owner and words of each change of a log, those of the audits and those between them."""
    for label, side in (("old", old), ("new", new)):
        for alarm in side.manifest.get("alarms", ()):
            owner = str(alarm.get("owner") or "") if isinstance(alarm, Mapping) else ""
            says = str(alarm.get("says", "")) if isinstance(alarm, Mapping) else str(alarm)
            yield owner, f"{owner + ': ' if owner else ''}{says} (inside the {label} audit)"
    before, after = old.open_shares(), new.open_shares()
    for owner, cell in sorted(before.keys() & after.keys()):
        was, now = before[owner, cell], after[owner, cell]
        if abs(now - was) >= SHIFT:
            more = "lost" if now > was else "got"
            yield (
                owner,
                (
                    f"{owner}: the logs {more} the cell {cell} between the two: not there in {was:.0%} of records, "
                    f"now {now:.0%}"
                ),
            )


def _rates(name: str, old: Side, new: Side, alarmed: set[str]) -> Iterator[Compared]:
    owners = sorted(
        owner for rules, owner in old.counts.keys() & new.counts.keys() if rules == name and owner
    )  # fmt: skip
    for owner in (ALL, *owners):
        pairs = [side.counts[name, owner] if owner else _sum(side, name, owners) for side in (old, new)]
        (whole, parts), (whole_new, parts_new) = pairs
        if not whole or not whole_new:
            continue
        for (column, value), a, b in zip(MEASURES, parts, parts_new, strict=True):
            first, second = (a, whole), (b, whole_new)
            d, low, high = difference(first, second)
            trusted = owner not in alarmed and not (owner == ALL and alarmed)
            p = p_value(first, second) if trusted else 1.0
            yield Compared(
                name, owner, column, value, first, second, (1000 * d, 1000 * low, 1000 * high), p, ""
            )


def _sum(side: Side, name: str, owners: list[str]) -> tuple[int, tuple[int, ...]]:
    """Return the sums over owners that both audits have: others would make a difference of their own."""
    rows = [side.counts[name, owner] for owner in owners]
    return sum(whole for whole, _ in rows), tuple(
        sum(column) for column in zip(*(p for _, p in rows), strict=True)
    ) or ((0,) * len(MEASURES))


def _judge(one: Compared, p: float, alarmed: set[str]) -> Compared:
    if one.owner in alarmed or "" in alarmed or (one.owner == ALL and alarmed):
        verdict = "not comparable"
    elif p < LEVEL:
        verdict = "rose" if one.interval[0] > 0 else "fell"
    else:
        verdict = "no difference shown"
    return Compared(
        one.rules, one.owner, one.column, one.value, one.old, one.new, one.interval, p, verdict
    )  # fmt: skip


def _line(one: Compared) -> str:
    (a, n), (b, m) = one.old, one.new
    d, low, high = one.interval
    end = "the log changed" if one.verdict == "not comparable" else f"p {one.p:.3f}"
    return (
        f"{one.rules}, {one.owner or 'agencies of both'}, {one.value}: {a:,} of {n:,} ({1000 * a / n:.2f} per 1,000), "
        f"now {b:,} of {m:,} ({1000 * b / m:.2f}); difference {d:+.2f} ({low:+.2f} to {high:+.2f}): "
        f"{one.verdict}, {end}"
    )

"""What other parts of an audit counted or estimated: leads.json, ranking.json, estimates.json, in words and tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from doorward.lookback.report.content import Measured, Row, Table
from doorward.lookback.report.words import TIER_WORDS, as_words, lead_word

CANNOT_TELL = "cannot tell"


def lead_kinds(extra: Mapping[str, Any], *, figures: bool = True) -> tuple[Measured, ...]:
    """Return how each kind of lead was looked for, a table each.

    Args:
        extra: `leads.json` under `leads`, if the audit has it.
        figures: Whether the counts are told; a publication tells the rules alone.
    """
    kinds = (extra.get("leads") or {}).get("kinds") or ()
    return tuple(_kind(number, kind, figures=figures) for number, kind in enumerate(kinds, 1))


def _kind(number: int, kind: Mapping[str, Any], *, figures: bool) -> Measured:
    title = lead_word(str(kind.get("kind", "")))
    rows = [_line("What it looks at", kind.get("looks_at")), _line("Rule", kind.get("rule"))]
    if figures:
        left = kind.get("not_looked_at") or {}
        why = "; ".join(
            f"{n:,}: {reason}" for reason, n in sorted(left.items(), key=lambda one: (-one[1], one[0]))
        )
        counted = f" {kind['counted']}" if kind.get("counted") else ""
        rows += [
            _line("Looked at", _searches(kind.get("looked_at"))),
            _line("Not looked at, and why", why or "none"),
            *([_line("Compared", f"{kind['compared']:,}{counted}")] if "compared" in kind else []),
            _line("Found", _found(kind) + (counted if kind.get("looked_at") else "")),
            _line("Expected by chance", _expected(kind)),
        ]
    rows += [_line("What chance is taken to be", kind.get("model")), _line("Caveat", kind.get("caveat"))]
    table = Table(f"lead-kind-{number}", title, ("Asked", "Answer"), tuple(rows), prose=(0,))
    return Measured(title, (), (table,))


def _line(head: str, text: object) -> Row:
    return Row(head, (str(text or "not stated"),))


def _searches(n: object) -> str:
    return f"{n:,} searches" if isinstance(n, int) and n else "none"


def _found(kind: Mapping[str, Any]) -> str:
    """Return how many were found; where nothing could be looked at, nought would read as an answer."""
    return f"{kind.get('found', 0):,}" if kind.get("looked_at") else "not looked for"


def _expected(kind: Mapping[str, Any]) -> str:
    value = kind.get("expected") if kind.get("looked_at") else "-"
    if value == "-":
        return value
    if not isinstance(value, int | float):
        return "not known"
    return "0" if value == 0 else f"{value:,.1f}" if value >= 0.05 else "under 0.1"


def leads_table(kinds: Iterable[Mapping[str, Any]]) -> Table:
    """Return every kind of lead with what was found and what chance gives, a row each."""
    rows = tuple(
        Row(
            lead_word(str(kind.get("kind", ""))),
            (
                str(kind.get("rule", "")),
                f"{kind.get('looked_at', 0):,}",
                _found(kind),
                _expected(kind),
            ),
        )
        for kind in kinds
    )
    columns = ("Kind", "Rule", "Searches looked at", "Found", "Expected by chance")
    return Table("lead-kinds", "What was looked for", columns, rows, prose=(0,))


def measured(extra: Mapping[str, Any]) -> tuple[Measured, ...]:
    """Return the ranking and the estimates, as their own sentences say them, with tables for the rest."""
    return tuple(_measured(extra))


def _measured(extra: Mapping[str, Any]) -> Iterator[Measured]:
    estimates, ranking = extra.get("estimates"), extra.get("ranking")
    if estimates:
        tables = [*_shares(estimates), *_cells(estimates)]
        yield Measured("How often the patterns are right", _says(estimates), tuple(tables))
    if ranking:
        yield Measured("The order in which wordings are read", _says(ranking), tuple(_outlook(ranking)))


def _says(part: Mapping[str, Any]) -> tuple[str, ...]:
    said = part.get("says") or ()
    return (said,) if isinstance(said, str) else tuple(str(one) for one in said)


def _shares(estimates: Mapping[str, Any]) -> Iterator[Table]:
    parts = (
        ("precision", "reviewers agree"),
        ("recall", "the patterns found, of what reviewers call so"),
        ("cannot_tell", "reviewers cannot tell"),
    )
    known = [(part, head) for part, head in parts if estimates.get(part)]
    tiers = [tier for tier in TIER_WORDS if any(tier in estimates[part] for part, _ in known)]
    if tiers:
        rows = tuple(
            Row(tier, tuple(_share(estimates[part].get(tier)) for part, _ in known)) for tier in tiers
        )
        columns = ("The patterns call it", *(head for _, head in known))
        yield Table("estimate-shares", "Shares, with the interval that they lie in", columns, rows)


def _share(found: Mapping[str, Any] | None) -> str:
    if not found or found.get("share") is None:
        return CANNOT_TELL
    low, high = found.get("low"), found.get("high")
    interval = f" ({100 * low:.1f} to {100 * high:.1f})" if low is not None and high is not None else ""
    return f"{100 * found['share']:.1f} per cent{interval}"


def _cells(estimates: Mapping[str, Any]) -> Iterator[Table]:
    cells = estimates.get("cells") or ()
    rows = tuple(
        Row(
            str(one["patterns"]),
            (
                as_words(str(one["reviewers"])),
                f"{one['accesses']:,}",
                f"{one['low']:,} to {one['high']:,}",
            ),
        )
        for one in cells
        if one.get("accesses") or one.get("high")
    )
    if rows:
        columns = ("The patterns call it", "Reviewers call it", "About so many accesses", "Interval")
        yield Table("estimate-cells", "About how many accesses are both", columns, rows, prose=(0,))


def _outlook(ranking: Mapping[str, Any]) -> Iterator[Table]:
    rows = tuple(
        Row(f"{one['first']:,}", (f"{one['expected']:,.1f}", f"{one['low']:,.1f} to {one['high']:,.1f}"))
        for one in ranking.get("expected") or ()
    )
    if rows:
        columns = ("Of the first so many wordings", "Expected to be so", "Interval")
        yield Table("ranking-outlook", "What is to be expected among the first", columns, rows)

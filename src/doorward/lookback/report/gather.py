"""Makes the content of a report from what an audit found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.lookback.report.content import (
    RESULTS,
    SMALL,
    TIERS,
    Clause,
    Exhibit,
    Exhibits,
    Mark,
    Report,
    Row,
    Rules,
    Sentence,
    Table,
)
from doorward.lookback.report.measured import lead_kinds, measured
from doorward.lookback.report.numbers import Numbers
from doorward.lookback.report.overview import make_overview
from doorward.lookback.report.rows import RATE, Maker, shown_order
from doorward.lookback.report.scope import make_cover, make_scope, pattern_words
from doorward.lookback.report.source import Group, Source
from doorward.lookback.report.words import RESULT_WORDS

MAX_SEARCHERS: Final = 100


@dataclass(frozen=True)
class Gathering:
    """What the reports of one audit are made from.

    Args:
        source: The audit.
        numbers: Where every number is asked.
        marks: Days that a timeline marks, beside the alarms of the audit.
        grain: `week` or `month`.
        hrefs: The page of each owner, from the page of all.
    """

    source: Source
    numbers: Numbers
    marks: tuple[Mark, ...] = ()
    grain: str = "week"
    hrefs: Mapping[str, str] = field(default_factory=dict)

    def report(self, owner: str = "") -> Report:
        """Return the content of one report.

        Args:
            owner: Whose data was searched; empty is all.
        """
        manifest = self.source.manifest
        files = tuple(file for file in manifest.get("files", ()) if not owner or file.get("owner") == owner)
        periods = [file["period"] for file in files if file.get("period") and all(file["period"])]
        period = (min(p[0] for p in periods), max(p[1] for p in periods)) if periods else ("", "")
        where = {"owner": owner} if owner else {}
        orders = self._orders(where, owner)
        overview = (
            None if owner else make_overview(self.source, self.numbers, self._maker(orders), self.hrefs)
        )
        shown = [one for one in orders if owner or not one.get("own_words")]
        found = (self.source.finding_groups(owner), self.source.exhibits(owner))
        rules = tuple(self._rules(one, where, found) for one in shown)
        command, extra = say_command(manifest.get("command")), self.source.extras()
        exhibits = [e for one in rules for e in one.exhibits] + list(overview.exhibits if overview else ())
        return Report(
            owner or "All agencies", owner, str(manifest.get("doorward", "")), files, period, rules,
            self._marks(owner, files), tuple(self.source.leads(owner)),
            tuple(str(n) for n in manifest.get("notes", ())), command,
            make_scope(manifest, orders, files, _used(exhibits)),
            cover=make_cover(manifest, orders, files, period, command),
            sample=any(one.get("sample") for one in orders), overview=overview, extra=extra,
            kinds=lead_kinds(extra), measured=measured(extra), grain=self.grain, patterns=pattern_words(orders),
        )  # fmt: skip

    def _maker(self, orders: Iterable[Mapping[str, Any]]) -> Maker:
        clauses = {str(one["name"]): one.get("clauses", {}) for one in orders}
        return Maker(self.source, self.numbers, self.grain, clauses)

    def _orders(self, where: Mapping[str, str], owner: str) -> list[Mapping[str, Any]]:
        asked = self.numbers.values("rules", **where)
        known = {str(one["name"]): one for one in self.source.manifest.get("rules", ())}
        names = [n for n in known if n in asked or not owner]
        return [
            known.get(n, {"name": n, "title": n}) for n in [*names, *(n for n in asked if n not in known)]
        ]

    def _rules(
        self, order: Mapping[str, Any], where: Mapping[str, str],
        found: tuple[Mapping[Group, int], Mapping[Group, list[Exhibit]]],
    ) -> Rules:  # fmt: skip
        name, owner = str(order["name"]), where.get("owner", "")
        here = {"rules": name, **where}
        groups, shown = found
        mine = {group: n for group, n in groups.items() if group.rules == name}
        maker = self._maker((order,))
        exhibits = maker.exhibits(mine, shown, owner) if self.grain == "week" else ()
        return Rules(
            name, str(order.get("title", name)), str(order.get("digest", "")), str(order.get("lexicon") or ""),
            tuple(self._sentences(maker, here)), self._table(maker, here, "result", RESULTS),
            self._table(maker, here, "tier", TIERS), self._clauses(order, here), maker.times(here), exhibits,
            self._searchers(here),
        )  # fmt: skip

    def _sentences(self, maker: Maker, here: Mapping[str, str]) -> Iterator[Sentence]:
        yield ("The logs supplied hold ", self.numbers.count(**here), " accesses that count, once each.")
        if "owner" not in here:
            yield from maker.result_sentences(here)

    def _table(self, maker: Maker, here: Mapping[str, str], column: str, values: tuple[str, ...]) -> Table:
        if "owner" in here:
            return maker.alone(here, column)
        owners = self.numbers.values("owner", **here)
        rows = [
            maker.row(o or "owner not known", {**here, "owner": o}, column, values, self.hrefs.get(o, ""))
            for o in owners
        ]
        if column == "result":
            rows.sort(key=lambda row: (*shown_order(row), row.head))
        if len(rows) > 1:
            rows.append(maker.row("All", here, column, values))
        words = [RESULT_WORDS[v] if column == "result" else v for v in values]
        columns = ("Agency", "Accesses", *(c for word in words for c in (word, RATE)))
        caption = (
            "Results by agency whose data was searched" if column == "result"
            else "What the reasons say, by agency; the tiers are never added together"
        )  # fmt: skip
        return Table(f"{column}s", caption, columns, tuple(rows), maker.small(rows))

    def _clauses(self, order: Mapping[str, Any], here: Mapping[str, str]) -> tuple[Clause, ...]:
        known = order.get("clauses", {})
        found = []
        for clause in self.numbers.values("clause", **here):
            counts = tuple(
                (r, self.numbers.count(**here, clause=clause, result=r)) for r in ("inconsistent", "referred")
            )
            if any(number.value != 0 for _, number in counts):
                words = known.get(clause, {})
                found.append(Clause(clause, str(words.get("cite", "")), str(words.get("says", "")), counts))
        return tuple(found)

    def _searchers(self, here: Mapping[str, str]) -> Table | None:
        names = self.numbers.values("searcher", **here)
        if len(names) < 2:
            return None
        totals = {name: self.numbers.count(**here, searcher=name) for name in names}
        most = sorted(names, key=lambda name: (-(totals[name].value or 0), name))[:MAX_SEARCHERS]
        rows, known = [], self.source.agency_names()
        for name in most:
            one = {**here, "searcher": name}
            counted = [totals[name], *(self.numbers.count(**one, result=r) for r in RESULTS[:3])]
            head = known.get(name, name) or "cannot tell which agency"
            rows.append(Row(head, tuple(counted), (totals[name].value or 0) < SMALL))
        note = "" if len(names) <= MAX_SEARCHERS else (
            f"{MAX_SEARCHERS} of {len(names):,} agencies, those that searched most; all are in data/counts.parquet."
        )  # fmt: skip
        columns = ("Agency that searched", "Accesses", *(RESULT_WORDS[r] for r in RESULTS[:3]))
        return Table("searchers", "Agencies that searched", columns, tuple(rows), note)

    def _marks(self, owner: str, files: Iterable[Mapping[str, Any]]) -> tuple[Mark, ...]:
        begins = {file.get("file"): str((file.get("period") or [""])[0] or "") for file in files}
        found = list(self.marks)
        for alarm in self.source.manifest.get("alarms", ()):
            made = as_mark(alarm, owner, begins)
            found += [made] if made is not None and made.day else []
        return tuple(sorted(found, key=lambda mark: (mark.day, mark.kind, mark.says)))


def as_mark(alarm: Any, owner: str, begins: Mapping[Any, str]) -> Mark | None:  # noqa: ANN401  # of the manifest
    """Return a schema alarm as a mark of a timeline, or None where it is another owner's.

    Args:
        begins: When each file begins: what changed since another export is seen from there on.
    """
    if not isinstance(alarm, Mapping):
        return Mark("", str(alarm), "schema")
    if owner and alarm.get("owner") not in {None, "", owner}:
        return None
    keys = ("at", "date", "day", "since", "week", "from")
    day = next((str(alarm[key])[:10] for key in keys if alarm.get(key)), "")
    if not day and alarm.get("previous") is not None:
        day = begins.get(alarm.get("file"), "")[:10]
    says = str(alarm.get("says") or say_command({k: v for k, v in alarm.items() if k not in {"owner", "at"}}))
    named = f"{alarm['owner']}: " if alarm.get("owner") and not owner else ""
    return Mark(day, named + says, "schema")


def say_command(value: Any) -> str:  # noqa: ANN401  # of the manifest
    """Return options that matter, those that were given."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {said}" for key in sorted(value) if (said := say_command(value[key])))
    if isinstance(value, list | tuple):
        return ", ".join(say_command(one) for one in value)
    return "" if value is None else str(value)


def _used(exhibits: Iterable[Exhibits]) -> set[str]:
    return {pattern for group in exhibits for one in group.shown for pattern, _ in one.evidence}

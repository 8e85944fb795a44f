"""What of an audit may be published: which numbers, which words, which times. Law 9 of the design is kept here.

1. Only whole months that ended at least `lag_days` before the day of publication are counted; later ones are left out
   of every number, so that none places an event near the publication.
2. A number from 1 to the threshold less one is withheld, with as many others as keep it from being worked out
   (`suppression.py`), over all tables of all pages of the publication together.
3. No row, id, account, plate or case number is published. A wording is, without a count, where so many accesses of one
   owner used it, masked, as the threshold says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from doorward.lookback.report.content import Exhibits, Mark, Measured, Options, Report
from doorward.lookback.report.masking import mask_for_publication, words_of
from doorward.lookback.report.measured import lead_kinds
from doorward.lookback.report.numbers import CLAUSE, OWN, Number, Numbers, Where, literal, own_test
from doorward.lookback.report.scope import make_cover, make_scope
from doorward.lookback.report.source import Source
from doorward.suppression import Form, withhold

MAX_WORDINGS: Final = 200
_KEPT: Final = ("file", "sha256", "form", "layout", "owner", "accounting", "states", "shown_from", "constant")


def cutoff(options: Options) -> date:
    """Return the first day that is not counted: the first of the month that `lag_days` before publication lies in."""
    assert options.publish_on is not None
    return (options.publish_on - timedelta(days=options.lag_days)).replace(day=1)


def vocabulary(manifest: Mapping[str, Any], owners: Iterable[str] = ()) -> frozenset[str]:
    """Return the words that a published wording may hold: ordinary ones, and those of the order.

    Args:
        owners: Names of agencies, which are public; only for what is not free text.
    """
    ordinary = Path(__file__).parent.parent.joinpath("vocabulary.txt").read_text(encoding="utf-8").split()
    clauses = (
        str(c.get("says", "")) for r in manifest.get("rules", ()) for c in r.get("clauses", {}).values()
    )
    return frozenset(ordinary).union(*(words_of(text) for text in (*clauses, *owners)))


def withheld_numbers(numbers: Numbers, threshold: int) -> frozenset[str]:
    """Return the ids of the numbers that a publication withholds, of all that were asked."""
    counts = {n.where: n for n in numbers.asked.values() if n.where}
    shapes = {tuple(column for column, _ in where) for where in counts}
    terms: dict[Where, dict[int, int]] = {where: {} for where in counts}
    groups: dict[frozenset[Where], int] = {}
    for atom in numbers.atoms:
        keys = frozenset(key for shape in shapes for key in atom.keys(shape) if key in counts)
        number = groups.setdefault(keys, len(groups))
        for key in keys:
            terms[key][number] = 1
    forms = [
        Form(number.id, number.value or 0, terms[where], tuple(_parts(where, counts)))
        for where, number in counts.items()
    ]
    return withhold([*forms, *_equalities(counts, terms)], threshold)


def _parts(where: Where, counts: Mapping[Where, Number]) -> Iterator[tuple[str, ...]]:
    """Yield the ways in which a number is divided by one more column into numbers that are asked too."""
    families: dict[str, list[Number]] = {}
    mine = set(where)
    for other, number in counts.items():
        if len(other) == len(where) + 1 and mine < set(other):
            ((column, _),) = set(other) - mine
            families.setdefault(column, []).append(number)
    for column, family in families.items():
        if column != CLAUSE and sum(n.value or 0 for n in family) == (counts[where].value or 0):
            yield tuple(number.id for number in family)
    if any(column == OWN for column, _ in where):
        yield from _parts_of_own(where, counts)


def _parts_of_own(where: Where, counts: Mapping[Where, Number]) -> Iterator[tuple[str, ...]]:
    """Yield how a number over agencies under their own words is divided into a number of each agency."""
    rest = {pair for pair in where if pair[0] != OWN}
    family = [
        number for other, number in counts.items()
        if {"rules", "owner"} <= {column for column, _ in other}
        and {pair for pair in other if pair[0] not in {"rules", "owner"}} == rest
        and dict(other)["rules"] not in dict(where)[OWN].split()
    ]  # fmt: skip
    if family and sum(number.value or 0 for number in family) == (counts[where].value or 0):
        yield tuple(number.id for number in family)


def _equalities(counts: Mapping[Where, Number], terms: Mapping[Where, Mapping[int, int]]) -> Iterator[Form]:
    """Yield what everybody knows: the same accesses under two sets of rules are as many.

    Without it, a number that is withheld under one order could be read under another.
    """
    same: dict[Where, list[Where]] = {}
    for where in counts:
        bare = tuple(pair for pair in where if pair[0] not in {"rules", OWN})
        if not {column for column, _ in bare} & {"result", CLAUSE}:
            same.setdefault(bare, []).append(where)
    for bare, twins in same.items():
        for one, other in pairwise(twins):
            if counts[one].value == counts[other].value:
                both = {**terms[one]}
                for at, value in terms[other].items():
                    both[at] = both.get(at, 0) - value
                yield Form(f"same {bare} {one[0]} {other[0]}", 0, both, fixed=True)


class Publication:
    """Makes reports fit to be published.

    Args:
        source: The audit.
        options: With a day of publication.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.until = cutoff(options)
        self.words = vocabulary(source.manifest)
        # An alarm is of the program's own words and the headers of a table: nobody wrote free text into it.
        said = Path(__file__).parent.parent.joinpath("reading/schema_loss.py").read_text(encoding="utf-8")
        self.of_alarms = self.words | words_of(said)
        self.taken: set[str] = set()
        self.hidden: frozenset[str] = frozenset()
        self.months: list[str] = []

    def hide(self, numbers: Numbers) -> None:
        """Note whose accounting would give away a number that is withheld: a file's rows add up to its owner's."""
        self.months = numbers.values("month")
        self.hidden = frozenset(
            dict(number.where)["owner"]
            for number in numbers.asked.values()
            if number.id in numbers.withheld and {column for column, _ in number.where} == {"rules", "owner"}
        )

    def rule(self) -> tuple[str, ...]:
        """Return what is left out, for the reader."""
        least, on, lag = self.options.threshold, self.options.publish_on, self.options.lag_days
        times = (
            f"Published on {on}. Accesses of {self.until} and later are in no number: only whole months that ended "
            f"{lag} days before are counted, and nothing is placed nearer in time than a month."
        )
        numbers = (
            f"A number from 1 to {least - 1} is withheld, and others with it, so that it cannot be worked out from "
            "totals. Which of the withheld numbers are small is not said."
        )
        words = (
            f"Rows, ids, accounts, plates and case numbers are not published. A wording is, without a count, where at "
            f"least {least} accesses of one agency used it. In a wording every figure and every word that is not on a "
            "list of ordinary words is a mark; this takes out more than personal data, on purpose."
        )
        return (times, numbers, words)

    def mask(self, text: str, words: frozenset[str] | None = None) -> str:
        """Return a text of ordinary words; what was taken out is kept for the second pass.

        Args:
            words: Those that stay; by default the ordinary ones and the order's.
        """
        masked, taken = mask_for_publication(text, self.words if words is None else words)
        self.taken.update(one.text for one in taken)
        return masked

    def edit(self, report: Report) -> Report:
        """Return a report without what may not be published."""
        marks = tuple(
            Mark(mark.day[:7], self.mask(mark.says, self.of_alarms) if mark.kind == "schema" else mark.says, mark.kind)
            for mark in report.marks if not mark.day or mark.day < self.until.isoformat()
        )  # fmt: skip
        months = sorted({day[:7] for day in self.months})
        period = (months[0], months[-1]) if months else ("", "")
        files = tuple(self._file(file) for file in report.files)
        names = {rules.name for rules in report.rules}
        orders = [
            one for one in self.source.manifest.get("rules", ())
            if one["name"] in names or (report.overview is not None and one.get("own_words"))
        ]  # fmt: skip
        alarms = [
            {**alarm, "says": self.mask(str(alarm.get("says", "")), self.of_alarms)}
            for alarm in self.source.manifest.get("alarms", ()) if isinstance(alarm, Mapping)
        ]  # fmt: skip
        overview = report.overview
        if overview is not None:
            overview = replace(overview, exhibits=self._wordings(own_test(self.source.own), ""))
        return replace(
            report, files=files, period=period, overview=overview,
            rules=tuple(
                replace(one, exhibits=self._wordings(f"rules = {literal(one.name)}", report.owner))
                for one in report.rules
            ),
            marks=marks, leads=tuple(self._leads(report.leads)), notes=tuple(self.mask(note) for note in report.notes),
            scope=make_scope({**self.source.manifest, "alarms": alarms}, orders, files, ()),
            cover=make_cover(self.source.manifest, orders, files, period, ""),
            command="", extra={}, patterns={}, kinds=lead_kinds(report.extra, figures=False),
            measured=tuple(_shares_only(report.measured)), rule=self.rule(),
        )  # fmt: skip

    def _file(self, file: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: file[key] for key in _KEPT if key in file}
        last = str((file.get("period") or ["", ""])[1] or "")
        rows = int((file.get("accounting") or {}).get("kept", 0))
        if not last or last[:10] >= self.until.isoformat():
            shown_from = f"before {_shown_from(last, self.options.lag_days)}"
            kept |= {"accounting": None, "states": {}, "shown_from": shown_from}
        elif str(file.get("owner")) in self.hidden or 0 < rows < self.options.threshold:
            kept |= {
                "accounting": None,
                "states": {},
                "shown_from": "so that a withheld number stays withheld",
            }
        kept["states"] = {
            cell: {state: "all" if n == rows else "some" for state, n in states.items() if n}
            for cell, states in kept.get("states", {}).items()
        }
        return {
            "accounting": None, "states": {}, "form": "", "layout": "", "shown_from": "", "sheets": [], **kept,
            "name": f"file {file.get('file')}", "rejects": [], "rejected_by": {},
            "period": [str(day)[:7] for day in file.get("period") or [] if day] if kept.get("accounting") else [],
        }  # fmt: skip

    def _leads(self, leads: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        for lead in leads:
            last = str(lead["last"] or "")
            if last and last[:10] < self.until.isoformat() and int(lead["n"] or 0) >= self.options.threshold:
                yield {**lead, "first": str(lead["first"] or "")[:7], "last": last[:7], "rows": "", "rows_n": None,
                       "says": self.mask(str(lead["says"]))}  # fmt: skip

    def _wordings(self, test: str, owner: str) -> tuple[Exhibits, ...]:
        found = []
        for tier in ("explicit", "agency-named"):
            rows = self.source.ask(
                f"SELECT owner, reason, count(*) FROM read_parquet(?) WHERE {test or 'true'}"  # noqa: S608  # `literal`
                ' AND tier = ? AND "at" < ? AND'
                " reason_state = 'value' AND (? = '' OR owner = ?) GROUP BY ALL ORDER BY ALL",
                str(self.source.folder.findings), tier, self.until, owner, owner,
            )  # fmt: skip
            used: dict[tuple[str, str], int] = {}
            for one, reason, times in rows:
                key = (one, self.mask(str(reason)))
                used[key] = used.get(key, 0) + times
            often = sorted(
                {wording for (_, wording), n in used.items() if n >= self.options.threshold and wording}
            )
            if often:
                title = f"Wordings, {tier}"
                found.append(Exhibits(tier, title, "", Number(None, ""), (), tuple(often[:MAX_WORDINGS])))
        return tuple(found)


def _shown_from(last: str, lag_days: int) -> str:
    try:
        day = date.fromisoformat(last[:10])
    except ValueError:
        return "its period is known"
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (following + timedelta(days=lag_days)).isoformat()


def _shares_only(measured: Iterable[Measured]) -> Iterator[Measured]:
    """Return shares and what is expected; sentences and tables that count accesses may tell small numbers."""
    for one in measured:
        tables = tuple(table for table in one.tables if table.id in {"estimate-shares", "ranking-outlook"})
        if tables:
            yield replace(one, says=(), tables=tables)

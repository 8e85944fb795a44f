"""Makes the sentences, rows and exhibits that a part of a report is made of, and asks each number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from doorward.lookback.report.content import (
    EXHIBITS_OF_PAGE,
    RESULTS,
    SMALL,
    TIERS,
    Exhibit,
    Exhibits,
    Row,
    Sentence,
    Table,
)
from doorward.lookback.report.numbers import Number, Numbers, literal, rate
from doorward.lookback.report.source import Group, Source
from doorward.lookback.report.words import RESULT_SAYS, RESULT_WORDS, TIER_SAYS, TIER_WORDS, group_title

RATE = "per 1,000"
OFTEN = 20  # findings; where a group has more, its wordings are counted
RESULT_SENTENCES = {
    "inconsistent": "are inconsistent on their face: denied, whatever stood in the cells that are not shown.",
    "referred": "are referred: the rules do not open them by themselves, and no decision of a person is in the log.",
    "cannot-tell": "cannot be told: the answer hangs on a cell that is not there; neither cleared nor accused.",
    "consistent": "are consistent for every value of those cells.",
}
TIER_SENTENCES = {
    "explicit": "say civil immigration enforcement in their own words (explicit).",
    "agency-named": "name an agency without a purpose (agency-named): the name alone is no purpose.",
    "vague": "say no purpose (vague).",
}

OWN_SENTENCES = (*RESULT_SENTENCES.values(), *TIER_SENTENCES.values())


@dataclass(frozen=True)
class Maker:
    """Makes the parts of a report.

    Args:
        source: The audit.
        numbers: Where every number is asked.
        grain: `week`, or `month` in a publication.
        clauses: The words of each clause, by name of the rules; empty name: of agencies' own.
    """

    source: Source
    numbers: Numbers
    grain: str = "week"
    clauses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def result_sentences(self, here: Mapping[str, str]) -> Iterator[Sentence]:
        """Yield a sentence for each result, and for each tier that names enforcement or says nothing."""
        total = self.numbers.count(**here)
        for result, says in RESULT_SENTENCES.items():
            head = "At least " if result in RESULTS[:2] else ""
            yield self._sentence(head, self.numbers.count(**here, result=result), total, says)
        for tier, says in TIER_SENTENCES.items():
            yield self._sentence("", self.numbers.count(**here, tier=tier), total, says)

    def _sentence(self, head: str, number: Number, total: Number, says: str) -> Sentence:
        if number.value == 0:
            return ("None ", says)
        return (head, number, f" ({rate(number, total)} {RATE}) {says}")

    def row(
        self, head: str, where: Mapping[str, str], column: str, values: tuple[str, ...], href: str = ""
    ) -> Row:
        """Return how many accesses have each value of a column, with their rates."""
        total = self.numbers.count(**where)
        cells: list[str | Number] = [total]
        for value in values:
            number = self.numbers.count(**where, **{column: value})
            cells += [number, rate(number, total)]
        return Row(head, tuple(cells), total.value is None or total.value < SMALL, href)

    def alone(self, here: Mapping[str, str], column: str) -> Table:
        """Return the results, or the tiers, of one agency: a row each, with what it means."""
        words, says = (RESULT_WORDS, RESULT_SAYS) if column == "result" else (TIER_WORDS, TIER_SAYS)
        total = self.numbers.count(**here)
        rows = []
        for value in RESULTS if column == "result" else TIERS:
            number = self.numbers.count(**here, **{column: value})
            rows.append(Row(words[value], (number, rate(number, total), says[value])))
        head = "Result" if column == "result" else "What the reason says"
        caption = "What the order says of the accesses" if column == "result" else "What the reasons say"
        note = f"Of {total} accesses." + (
            " So few that one more or less moves a rate a long way." * self.is_few(total)
        )
        return Table(
            f"{column}s", caption, (head, "Accesses", RATE, "What it means"), tuple(rows), note, prose=(2,)
        )

    def is_few(self, total: Number) -> bool:
        """Return whether a rate of so many says little."""
        return total.value is None or total.value < SMALL

    def small(self, rows: Iterable[Row]) -> str:
        """Return what a mark of few means, where a row has it."""
        if not any(row.small for row in rows):
            return ""
        return f"Rows marked few have fewer than {SMALL} accesses; one more or less moves such a rate a long way."

    def times(self, here: Mapping[str, str]) -> Table:
        """Return results and tiers by week or month."""
        head = "Week from Monday" if self.grain == "week" else "Month"
        columns = (head, "Accesses", *(RESULT_WORDS[r] for r in RESULTS[:3]), *TIERS[:3])
        owners = ["one"] if "owner" in here else self.numbers.values("owner", **here)
        if self.grain == "month" and len(owners) < 2:
            # Small numbers by agency and month would take most of the totals with them.
            return Table("times", "Accesses by month", columns, (), "Only for all agencies together.")
        rows = []
        for time in self.numbers.values(self.grain, **here):
            one = {**here, self.grain: time}
            counted = [self.numbers.count(**one)]
            counted += [self.numbers.count(**one, result=result) for result in RESULTS[:3]]
            counted += [self.numbers.count(**one, tier=tier) for tier in TIERS[:3]]
            rows.append(Row((time if self.grain == "week" else time[:7]) or "no time stated", tuple(counted)))
        return Table("times", f"Accesses by {self.grain}", columns, tuple(rows))

    def exhibits(
        self, groups: Mapping[Group, int], shown: Mapping[Group, Sequence[Exhibit]], owner: str
    ) -> tuple[Exhibits, ...]:
        """Return the exhibits of one set of rules, those of each clause together, bounded."""
        left, parts = EXHIBITS_OF_PAGE, []
        order = sorted(groups, key=lambda g: (RESULTS.index(g.result), g.clause, TIERS.index(g.tier)))
        for number, group in enumerate(order, 1):
            some = tuple(shown.get(group, ())[:left])
            left -= len(some)
            parts.append(self.exhibits_of(f"{number}", group, groups[group], some, owner))
        return tuple(parts)

    def exhibits_of(
        self, id_: str, group: Group, total: int, shown: tuple[Exhibit, ...], owner: str
    ) -> Exhibits:
        """Return the exhibits of one group."""
        clause = self.clauses.get(group.rules, {}).get(group.clause, {})
        says = ": ".join(filter(None, (str(clause.get("cite", "")), str(clause.get("says", "")))))
        number = self.numbers.keep(Number(total, group.sql(self.source.own, owner)))
        often = self._often(id_, group, owner) if total > OFTEN and self.grain == "week" else None
        title = group_title(group.result, group.tier, group.clause)
        return Exhibits(id_, title, group.clause, number, shown, (), says if group.rules else "", often)

    def _often(self, id_: str, group: Group, owner: str) -> Table | None:
        sql = group.sql(self.source.own, owner)
        rows = tuple(
            Row(reason, (self.numbers.keep(Number(n, f"{sql} AND reason = {literal(reason)}")),))
            for reason, n in self.source.often(group, owner)
        )
        columns = ("Reason, verbatim", "Findings")
        return Table(f"often-{id_}", "The wordings that most of them have", columns, rows) if rows else None


def shown_order(row: Row) -> tuple[float, float, float, float]:
    """Return what a row is sorted by: only what it shows, so that the order tells nothing that is withheld."""
    values = [cell.value if isinstance(cell, Number) else None for cell in row.cells]
    total, found, referred = values[0], values[1], values[3]
    if not total:
        return (1.0, 0.0, 0.0, 0.0)
    return (0.0, -(found or 0) / total, -float(found or 0), -(referred or 0) / total)

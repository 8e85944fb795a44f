"""Makes the overview: each agency under its own published words, a row each, on the page of all of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from doorward.lookback.report.content import (
    EXHIBITS_OF_ALL,
    RESULTS,
    Exhibits,
    Overview,
    Row,
    Sentence,
    Table,
)
from doorward.lookback.report.numbers import OWN, Number, Numbers, count_sql, literal
from doorward.lookback.report.rows import RATE, Maker, shown_order
from doorward.lookback.report.source import Source
from doorward.lookback.report.words import NAMING, RESULT_WORDS

OF_ALL = (
    "Each access counts once, under its own agency's words. The words differ, so a row says how an agency stands to "
    "what it published, not how it stands to another."
)


def make_overview(
    source: Source, numbers: Numbers, maker: Maker, hrefs: Mapping[str, str]
) -> Overview | None:
    """Return the overview, or nothing where no agency was put to its own words.

    Args:
        hrefs: The page of each owner.
    """
    own = [one for one in source.manifest.get("rules", ()) if one.get("own_words")]
    if not own:
        return None
    made = _Overview(source, numbers, maker, hrefs, own)
    return Overview(
        tuple(made.sentences()), made.agencies(), made.clauses(), maker.times(made.here), made.exhibits()
    )


class _Overview:
    def __init__(
        self,
        source: Source,
        numbers: Numbers,
        maker: Maker,
        hrefs: Mapping[str, str],
        own: list[Mapping[str, Any]],
    ) -> None:
        self.source = source
        self.numbers = numbers
        self.maker = maker
        self.hrefs = hrefs
        self.own = own
        self.here = {OWN: source.own}

    def sentences(self) -> Iterator[Sentence]:
        files = self.source.manifest.get("files", ())
        put = {number for one in self.own for number in one.get("files", ())}
        rest = [
            f"{f['file']} ({f.get('owner') or 'owner not known'})" for f in files if f.get("file") not in put
        ]
        many = "agency" if len(self.own) == 1 else "agencies"
        yield (
            f"{len(put)} of {len(files)} files were put to their owners' own published words: ",
            self.numbers.count(**self.here), f" accesses, once each, of {len(self.own)} {many}.",
        )  # fmt: skip
        if rest:
            files_said = ("file " if len(rest) == 1 else "files ") + ", ".join(rest)
            yield (f"No published words of the owner were at hand for {files_said}: not in this part.",)
        yield from self.maker.result_sentences(self.here)

    def agencies(self) -> Table:
        columns = ("Agency", "Accesses", *(c for r in RESULTS for c in (RESULT_WORDS[r], RATE)))
        rows = [self.maker.row(head, where, "result", RESULTS, href) for head, where, href in self._heads()]
        rows.sort(key=lambda row: (*shown_order(row), row.head))
        caption = "Each agency under its own published words, the highest rate of inconsistent accesses first"
        return Table(
            "overview-agencies", caption, columns, tuple(rows), f"{OF_ALL} {self.maker.small(rows)}".strip()
        )

    def _heads(self) -> Iterator[tuple[str, dict[str, str], str]]:
        owners = {
            file.get("file"): str(file.get("owner") or "") for file in self.source.manifest.get("files", ())
        }
        heads: dict[str, int] = {}
        found = []
        for one in self.own:
            name = str(one["name"])
            mine = self.numbers.values("owner", rules=name) or sorted(
                {owners.get(n, "") for n in one.get("files", ())}
            )
            for owner in mine or [""]:
                head = owner or str(one.get("title", name))
                heads[head] = heads.get(head, 0) + 1
                found.append((head, name, owner))
        for head, name, owner in found:
            where = {"rules": name, "owner": owner} if owner else {"rules": name}
            yield (head if heads[head] == 1 else f"{head} ({name})", where, self.hrefs.get(owner, ""))

    def clauses(self) -> Table:
        said: dict[str, list[str]] = {}
        for one in self.own:
            for id_, clause in one.get("clauses", {}).items():
                said.setdefault(id_, []).append(str(clause.get("says", "")))
        rows = []
        of_office = self.maker.grain == "week"
        for clause in self.numbers.values("clause", **self.here):
            counts = [
                self.numbers.count(**self.here, clause=clause, result=r) for r in ("inconsistent", "referred")
            ]
            if all(number.value == 0 for number in counts):
                continue
            cells: list[str | Number] = [_most(said.get(clause, []))]
            if of_office:  # of a few accesses the number of agencies would tell more than their count may
                cells += [self._agencies_of(clause, ("inconsistent", "referred"))]
            rows.append(Row(clause, (*cells, *counts)))
        columns = ("Clause", "Words", *(("Agencies",) if of_office else ()), "Inconsistent", "Referred")
        note = "One access may fall under several clauses: these counts are not to be added." if rows else ""
        return Table(
            "overview-clauses", "By clause, over all agencies", columns, tuple(rows), note, prose=(0,)
        )

    def _agencies_of(self, clause: str, results: tuple[str, ...]) -> Number:
        where = ((OWN, self.source.own), ("clause", clause))
        any_of = ", ".join(map(literal, results))
        sql = count_sql(where).replace("coalesce(sum(n), 0)::BIGINT", "count(DISTINCT owner)")
        found = {
            atom.values["owner"] for atom in self.numbers.atoms
            if atom.values[OWN] == self.source.own and clause in atom.clauses and atom.values["result"] in results
        }  # fmt: skip
        return self.numbers.keep(Number(len(found), f"{sql} AND result IN ({any_of})"))

    def exhibits(self) -> tuple[Exhibits, ...]:
        if self.maker.grain != "week":
            return ()
        groups, shown = self.source.groups_of_own(), self.source.exhibits_of_own()
        order = sorted(
            groups,
            key=lambda g: (g.result != "inconsistent", g.tier not in NAMING, g.result, g.clause, g.tier),
        )
        left, found = EXHIBITS_OF_ALL * 5, []
        for number, group in enumerate(order, 1):
            some = tuple(shown.get(group, ())[: max(left, 0)])
            left -= len(some)
            found.append(self.maker.exhibits_of(str(number), group, groups[group], some, ""))
        return tuple(found)


def _most(said: list[str]) -> str:
    if not said:
        return ""
    most = max(sorted(set(said)), key=said.count)
    others = len(set(said)) - 1
    return most if not others else f"{most}, or in {others} other {'wording' if others == 1 else 'wordings'}"

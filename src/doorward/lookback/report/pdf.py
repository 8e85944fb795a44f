"""The short form for paper: PDF/UA-1 by typst, from JSON, with fonts that come with it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError
from doorward.lookback.report.charts import Chart
from doorward.lookback.report.content import Exhibit, Exhibits, Overview, Report, Rules, Sentence, Table
from doorward.lookback.report.measured import leads_table
from doorward.lookback.report.scope import CAUTION as SAID
from doorward.lookback.report.scope import figure_of
from doorward.lookback.report.words import as_words, clauses_of, lead_word, possible_of, way_of

EXHIBITS: Final = 10  # of a clause
LEADS: Final = 25
_ACCOUNT: Final = frozenset(
    {"read", "rejected", "other_lines", "kept", "kept_of_owner"}
)  # what paper has room for
# What the fonts inside typst can draw; PDF/UA forbids a glyph that is not there.
_DRAWN: Final = re.compile(
    "[^\n\x20-\x7e\u00a0-\u00ac\u00ae-\u017f\u0391-\u03a1\u03a3-\u03c9\u0410-\u044f\u2013\u2014\u2018-\u201d]"
)
CAUTION: Final = (
    *SAID,
    "This is the short form; the page of the same name holds every table.",
)


def drawable(text: str) -> str:
    """Return a text in which each character that the fonts cannot draw stands as `[U+1F600]`."""
    return _DRAWN.sub(lambda found: f"[U+{ord(found.group()):04X}]", text)


def render_pdf(report: Report, charts: Mapping[str, Mapping[str, Chart | None]]) -> bytes:
    """Return the document; the same report gives the same bytes, its date is the end of the audited period.

    Raises:
        ConfigError: typst is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise ConfigError("a PDF needs typst", hint="pip install 'doorward[lookback]'") from error
    day = _day(report)
    given = {
        "title": f"{report.title}: audit of recorded accesses", "version": report.version,
        "date": [day.year, day.month, day.day], "caution": CAUTION, "cover": [list(pair) for pair in report.cover],
        "sample": report.sample, "sections": list(_sections(report, charts)),
    }  # fmt: skip
    made: bytes = typst.compile(
        Path(__file__).with_name("report.typ").read_bytes(), format="pdf", pdf_standards=["ua-1"],
        sys_inputs={"report": json.dumps(_drawable(given), sort_keys=True)}, ignore_system_fonts=True,
        timestamp=int(day.timestamp()),
    )  # fmt: skip
    return made


def _day(report: Report) -> datetime:
    try:
        found = datetime.fromisoformat(
            f"{report.period[1]}-01"[:10] if len(report.period[1]) < 10 else report.period[1][:10]
        )
    except ValueError:
        found = datetime(1980, 1, 1, tzinfo=UTC)
    return found.replace(tzinfo=UTC)


def _drawable(value: Any, key: str = "") -> Any:  # noqa: ANN401  # JSON
    if isinstance(value, str):
        return value if key == "svg" else drawable(value)
    if isinstance(value, dict):
        return {name: _drawable(one, name) for name, one in value.items()}
    return [_drawable(one) for one in value] if isinstance(value, list | tuple) else value


def _sections(report: Report, charts: Mapping[str, Mapping[str, Chart | None]]) -> Iterator[dict[str, Any]]:
    if report.rule:
        yield _section("What this publication leaves out", list(report.rule))
    if report.overview is not None:
        yield from _overview(report.overview, report, charts[""])
    for rules in report.rules:
        yield _section(
            f"Findings under {rules.title}", _lines(rules.sentences),
            [_table(rules.results), _table(rules.tiers), *_clauses(rules)], _drawn(charts[rules.name]),
        )  # fmt: skip
        yield from _exhibits(f"Exhibits under {rules.title}", rules.exhibits, report)
    if report.comparison:
        yield _section("Compared with an earlier audit", list(report.comparison["lines"]))
    yield _leads(report)
    said = [line for one in report.measured for line in one.says]
    tables = [
        _table(table) for one in report.measured for table in one.tables if table.id != "estimate-cells"
    ]
    if said or tables:
        yield _section("Measured error", said, tables)
    yield _scope(report)


def _overview(
    overview: Overview, report: Report, charts: Mapping[str, Chart | None]
) -> Iterator[dict[str, Any]]:
    title = "Each agency under its own published words"
    # Paper is narrow: the rate of what is consistent is left to the page.
    agencies = _table(overview.agencies)
    agencies["columns"] = agencies["columns"][:-1]
    agencies["rows"] = [row[:-1] for row in agencies["rows"]]
    clauses = [_table(overview.clauses)] if overview.clauses.rows else []
    yield _section(title, _lines(overview.sentences), [agencies, *clauses], _drawn(charts))
    yield from _exhibits("Exhibits: inconsistent, explicit and agency-named", overview.exhibits, report)


def _lines(sentences: Iterable[Sentence]) -> list[str]:
    return ["".join(str(piece) for piece in sentence) for sentence in sentences]


def _drawn(charts: Mapping[str, Chart | None]) -> list[Chart]:
    return [chart for chart in charts.values() if chart is not None]


def _section(
    title: str,
    lines: list[str],
    tables: list[dict[str, Any]] | None = None,
    charts: list[Chart] | None = None,
) -> dict[str, Any]:
    drawn = [{"says": chart.says, "svg": chart.svg} for chart in charts or () if chart.svg]
    said = [chart.says for chart in charts or () if not chart.svg]
    return {"title": title, "lines": [*lines, *said], "tables": tables or [], "charts": drawn}


def _table(table: Table) -> dict[str, Any]:
    rows = [
        [row.head + (" (few)" if row.small else ""), *(str(cell) for cell in row.cells)] for row in table.rows
    ]
    numbers = [at for at in range(1, len(table.columns)) if at - 1 not in table.prose]
    return {"caption": table.caption, "columns": list(table.columns), "rows": rows, "numbers": numbers}


def _clauses(rules: Rules) -> Iterator[dict[str, Any]]:
    rows = [[c.id, c.cite, c.says, *(str(n) for _, n in c.counts)] for c in rules.clauses]
    if rows:
        caption = "By clause; one access may fall under several, the counts are not to be added"
        columns = ["Clause", "Source", "Words", "Inconsistent", "Referred"]
        yield {"caption": caption, "columns": columns, "rows": rows, "numbers": [3, 4]}


def _exhibits(title: str, groups: Iterable[Exhibits], report: Report) -> Iterator[dict[str, Any]]:
    tables, wordings = [], []
    for group in groups:
        wordings += list(group.wordings)
        rows = [_exhibit(one, report) for one in group.shown[:EXHIBITS]]
        if rows:
            caption = f"{group.title}: {len(rows)} of {group.total}"
            columns = ["Finding", "Place", "When (UTC)", "Reason, verbatim", "What it falls under"]
            tables.append({"caption": caption, "columns": columns, "rows": rows, "numbers": []})
    if tables or wordings:
        said = f"The first {EXHIBITS} of each at most; the page and findings.csv hold the others."
        yield _section(title, wordings or [said], tables)


def _exhibit(one: Exhibit, report: Report) -> list[str]:
    place = [] if report.owner else [one.owner]
    place += [f"file {one.file}{' ' + one.sheet if one.sheet else ''}, row {one.row}"]
    caught = [report.patterns.get(pattern) or pattern for pattern, _ in one.evidence]
    return [
        str(one.finding), ", ".join(filter(None, place)), one.at,
        (one.reason if one.state == "value" else f"({as_words(one.state)})")
        + (f"; offense: {one.offense}" if one.offense else ""),
        "; ".join(filter(None, (*caught, clauses_of(one), possible_of(one), way_of(one)))),
    ]  # fmt: skip


def _leads(report: Report) -> dict[str, Any]:
    lines = [
        f"{lead_word(one['kind'])}, {one['unit']}: {one['says']} ({one['n']} found)"
        for one in report.leads[:LEADS]
    ]
    if len(report.leads) > LEADS:
        lines.append(f"{len(report.leads) - LEADS:,} more are on the page.")
    kinds = leads_table((report.extra.get("leads") or {}).get("kinds") or ())
    none = "None is published." if report.published else "None was found."
    tables = [_table(kinds)] if kinds.rows and not report.owner else []
    return _section("Leads, which are no findings", lines or [none], tables)


def _scope(report: Report) -> dict[str, Any]:
    shown = [(head, key) for head, key in report.scope.accounts if key in _ACCOUNT]
    rows = []
    for file in report.files:
        counted = file.get("accounting")
        went = (
            [figure_of(counted, key) for _, key in shown]
            if counted
            else ["not shown", *[""] * (len(shown) - 1)]
        )
        rows.append([str(file["file"]), f"{file.get('name', '')} {file['sha256'][:16]}", *went])
    files = {
        "caption": "Files, with the first 16 figures of their SHA-256", "rows": rows,
        "numbers": list(range(2, 2 + len(shown))), "columns": ["File", "Name", *(head for head, _ in shown)],
    }  # fmt: skip
    tables = [files]
    if report.scope.hidden.rows:
        tables.append(_table(report.scope.hidden))
    if report.scope.remarks.rows:
        tables.append(_table(report.scope.remarks))
    lines = [*report.scope.given, *report.scope.alarms, *report.notes]
    if len(report.scope.orders.rows) <= LEADS:
        tables.append(_table(report.scope.orders))
    else:
        lines.append(
            f"The digests of {len(report.scope.orders.rows)} sets of rules are on the page and in audit.json."
        )
    return _section("Scope", lines, tables)

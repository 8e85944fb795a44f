"""Charts of a report: one specification each, drawn twice: still, for paper and readers without scripts, and live."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError
from doorward.lookback.report.content import RESULTS, Mark, Report, Table
from doorward.lookback.report.numbers import Number
from doorward.lookback.report.words import RESULT_WORDS

FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
INK: Final = {
    "explicit": "#8c1d18", "agency-named": "#0b4f8a", "vague": "#5c5c5c", RESULT_WORDS["inconsistent"]: "#8c1d18",
    RESULT_WORDS["referred"]: "#0b4f8a", RESULT_WORDS["cannot-tell"]: "#5c5c5c",
}  # fmt: skip
PANELS: Final = tuple(RESULT_WORDS[result] for result in RESULTS[:3])
MAX_CHARTED: Final = 3  # sets of rules whose charts are drawn in one report
MAX_BARS: Final = 40
NO_NETWORK: Final = ["https://network.invalid/"]
_ID: Final = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Args:
        svg: The still drawing; ids carry the chart's own, so that two stand on one page. Empty: words only.
        spec: Vega-Lite, as JSON that may stand in a script element.
        says: What it shows, in words.
    """

    id: str
    says: str
    svg: str
    spec: str


def _altair() -> Any:  # noqa: ANN401  # a module that may be missing
    try:
        import altair as alt
        import vl_convert  # noqa: F401  # both or neither
    except ImportError as error:
        raise ConfigError(
            "reports need altair and vl-convert", hint="pip install 'doorward[lookback]'"
        ) from error
    return alt


@cache
def program() -> str:
    """Return the one script of a page: Vega with its embedder, and what starts it."""
    _altair()
    import vl_convert

    starter = Path(__file__).with_name("charts.js").read_text(encoding="utf-8")
    return f"{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')}\n{starter}"


def as_script_json(value: Any) -> str:  # noqa: ANN401  # JSON
    """Return JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def draw(id_: str, says: str, chart: Any) -> Chart:  # noqa: ANN401  # altair's
    """Return a chart that is drawn."""
    import vl_convert

    spec = chart.to_dict()
    svg = vl_convert.vegalite_to_svg(json.dumps(spec, sort_keys=True), allowed_base_urls=NO_NETWORK)
    svg = _ID.sub(rf"\g<1>{id_}-", svg).replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    return Chart(id_, says, svg, as_script_json(spec))


def draw_all(report: Report) -> dict[str, dict[str, Chart | None]]:
    """Return the charts of a report by the name of the rules, and of the overview by the empty name.

    `rates` and `times`; of many sets of rules, the first ones'.
    """
    charts: dict[str, dict[str, Chart | None]] = {"": {"rates": None, "times": None}}
    if report.overview is not None:
        under = "each agency's own published words"
        charts[""] = {
            "rates": draw_rates("chart-0-rates", under, report.overview.agencies),
            "times": draw_times("chart-0-times", under, report.overview.times, report.marks),
        }
    for number, rules in enumerate(report.rules, 1):
        drawn = number <= MAX_CHARTED
        charts[rules.name] = {
            "rates": draw_rates(f"chart-{number}-rates", rules.title, rules.results) if drawn else None,
            "times": draw_times(f"chart-{number}-times", rules.title, rules.times, report.marks)
            if drawn
            else None,
        }
    return charts


def draw_times(id_: str, under: str, times: Table, marks: Sequence[Mark]) -> Chart | None:
    """Return rows of bars over time, one a result or tier that occurs, with the marked days.

    None where there is no time; only words, without a drawing, where there is nothing to draw.
    """
    alt = _altair()
    found, none = _series(times)
    said = f"In no {times.columns[0].split()[0].lower()}: {', '.join(none)}." if none else ""
    if not found:
        return Chart(id_, said, "", "") if said else None
    names = list(dict.fromkeys(str(one["kind"]) for one in found))
    by_month = all(len(row.head) == 7 for row in times.rows)
    # In a publication no day stands anywhere, not even as the label of an axis.
    ticks = {"format": "%Y-%m", "tickCount": "month"} if by_month else {"format": "%Y-%m-%d"}
    bars = alt.Chart().mark_bar(size=6).encode(
        x=alt.X("time:T", title=None, scale=alt.Scale(type="utc"),
              axis=alt.Axis(**ticks, labelAngle=-40, labelOverlap=True)),
        y=alt.Y("n:Q", title=None, axis=alt.Axis(tickCount=3, tickMinStep=1)),
        color=alt.Color("kind:N", scale=alt.Scale(domain=names, range=[INK[name] for name in names]), legend=None),
        tooltip=["time:T", "kind:N", "n:Q"],
    )  # fmt: skip
    days = sorted({mark.day for mark in marks if mark.day})
    # A row a day and kind in the same data: a layer inside a facet has no data of its own.
    data = [*found, *({"mark": day, "kind": name} for day in days for name in names)]
    line = (
        alt.Chart()
        .mark_rule(strokeDash=[4, 3], color="#000000")
        .encode(x=alt.X("mark:T", scale=alt.Scale(type="utc")))
    )
    layered = alt.layer(bars, *([line] if days else []), data=alt.InlineData(values=data))
    row = alt.Row(
        "kind:N",
        sort=names,
        title=None,
        header=alt.Header(labelOrient="top", labelAnchor="start", labelPadding=2),
    )
    chart = layered.properties(width=520, height=64).facet(row=row).resolve_scale(y="independent")
    marked = f" Dashed lines mark {len(days)} days, listed below." if days else ""
    says = (
        f"Accesses over time under {under}: {', '.join(names)}; each row has a scale of its own.{marked} "
        f"{said + ' ' if said else ''}The numbers are in the table below."
    )
    return draw(id_, says, _dressed(chart))


def _series(times: Table) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what is to be drawn, and what is nought everywhere; what is withheld is neither."""
    found, none = [], []
    rows = [row for row in times.rows if row.head[:4].isdigit()]
    for at, name in enumerate(times.columns[2:], 1):
        cells = [(row.head, cell.value) for row in rows if isinstance(cell := row.cells[at], Number)]
        if cells and all(value == 0 for _, value in cells):
            none.append(name)
            continue
        found += [
            {"time": head if len(head) > 7 else f"{head}-01", "kind": name, "n": value}
            for head, value in cells if value is not None
        ]  # fmt: skip
    return found, none


def draw_rates(id_: str, under: str, results: Table) -> Chart | None:
    """Return bars of what is inconsistent, referred and not to be told per 1,000, in the order of the table.

    None for one agency; only words, without a drawing, where there is nothing to draw.
    """
    alt = _altair()
    heads, found = [], []
    panels = [(at, name) for at, name in enumerate(results.columns[1:]) if name in PANELS]
    for row in results.rows:
        total = row.cells[0] if row.cells else None
        if row.head == "All" or not isinstance(total, Number) or not total.value:
            continue
        heads.append(row.head + (" (few)" if row.small else ""))
        for at, name in panels:
            cell = row.cells[at]
            if isinstance(cell, Number) and cell.value:
                rate = round(1000 * cell.value / total.value, 1)
                found.append({"agency": heads[-1], "result": name, "rate": rate, "n": cell.value})
    if len(heads) < 2:
        return None
    some = (
        f"the first {MAX_BARS} of {len(heads)} agencies"
        if len(heads) > MAX_BARS
        else f"{len(heads)} agencies"
    )
    heads = heads[:MAX_BARS]
    found = [one for one in found if one["agency"] in heads]
    drawn = [name for _, name in panels if any(one["result"] == name for one in found)]
    none = [name for _, name in panels if _is_none(results, name)]
    said = f"None for any agency: {', '.join(none)}. " if none else ""
    if any(isinstance(cell, Number) and cell.value is None for row in results.rows for cell in row.cells):
        said += "What is withheld is not drawn. "
    if not found:
        return Chart(id_, said.strip(), "", "") if said else None
    parts = [
        alt.Chart(alt.InlineData(values=[one for one in found if one["result"] == name]))
        .mark_bar(color=INK[name])
        .encode(
            x=alt.X("rate:Q", title=None, axis=alt.Axis(tickCount=4)),
            y=alt.Y("agency:N", title=None, scale=alt.Scale(domain=heads),
                    axis=alt.Axis(labelLimit=250) if number == 0 else alt.Axis(labels=False, ticks=False)),
            tooltip=["agency:N", "rate:Q", "n:Q"],
        )
        .properties(width=150, height=13 * len(heads), title=name)
        for number, name in enumerate(drawn)
    ]  # fmt: skip
    says = (
        f"Accesses per 1,000 under {under}, {some} in the order of the table; each column has a scale of its own. "
        f"{said}The numbers are in the table."
    )
    return draw(id_, says, _dressed(alt.hconcat(*parts, spacing=12)))


def _is_none(results: Table, name: str) -> bool:
    at = results.columns.index(name) - 1
    cells = [row.cells[at] for row in results.rows if len(row.cells) > at]
    return all(isinstance(cell, Number) and cell.value == 0 for cell in cells)


def _dressed(chart: Any) -> Any:  # noqa: ANN401  # altair's
    config = {
        "font": FONT,
        "background": "#ffffff",
        "axis": {"labelColor": "#1b1b1b", "titleColor": "#1b1b1b"},
    }
    return chart.configure(**config).configure_title(fontSize=12, anchor="start")

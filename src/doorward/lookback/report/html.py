"""The pages: one file each, with nothing from elsewhere and a policy that forbids fetching it.

INVARIANT (escaped): every text of a log passes `show`, which makes controls visible, and then Jinja's escaping, which
is on for all templates; `trusted` marks the three things that are ours: style, script, drawings.
"""

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from doorward.lookback.report.charts import Chart, program
from doorward.lookback.report.content import Exhibit, Report
from doorward.lookback.report.measured import leads_table
from doorward.lookback.report.numbers import Number
from doorward.lookback.report.scope import CAUTION, figure_of
from doorward.lookback.report.words import RESULT_WORDS, as_words, clauses_of, lead_word, possible_of, way_of

NOTHING: Final = "'none'"
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_ODD: Final = re.compile("[\ud800-\udfff\U000e0000-\U000e0fff]")


def show(text: str) -> Markup:
    """Return a text escaped, with each control or invisible character as its code, so that none can act."""

    def code(match: re.Match[str]) -> str:
        return f'<span class="shown-control">U+{ord(match.group()):04X}</span>'

    return Markup(_ODD.sub(code, _CONTROL.sub(code, str(escape(text)))))  # noqa: S704  # escaped on this line


def visible(text: str) -> str:
    """Return a text in which each control, format and surrogate character stands as `[U+202E]`."""
    return "".join(
        f"[U+{ord(c):04X}]" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in "\n\t" else c
        for c in text
    )  # fmt: skip


def mark_evidence(exhibit: Exhibit) -> Markup:
    """Return a reason with the words that a pattern matched marked, where they stand in it."""
    spans: list[tuple[int, int]] = []
    folded = exhibit.reason.lower()
    for _, words in exhibit.evidence:
        at = folded.find(words.lower()) if words and len(folded) == len(exhibit.reason) else -1
        if at >= 0 and all(at + len(words) <= start or at >= end for start, end in spans):
            spans.append((at, at + len(words)))
    parts, last = [], 0
    for start, end in sorted(spans):
        parts += [
            show(exhibit.reason[last:start]),
            Markup("<mark>"),
            show(exhibit.reason[start:end]),
            Markup("</mark>"),
        ]
        last = end
    return Markup("").join([*parts, show(exhibit.reason[last:])])


def render_page(
    report: Report, charts: Mapping[str, Mapping[str, Chart | None]], *, interactive: bool = True
) -> str:
    """Return one page."""
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    interactive = interactive and any(
        chart and chart.svg for pair in charts.values() for chart in pair.values()
    )
    script = program() if interactive else ""
    policy = (
        f"default-src 'none'; script-src {_hash(script) if script else NOTHING}; style-src {_hash(css)}; "
        "img-src 'none'; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )  # fmt: skip
    page: str = _template().render(
        report=report, css=css, script=script, policy=policy, charts=charts, interactive=interactive,
        first=_first(), marked=mark_evidence, caution=CAUTION, leads_table=leads_table(report.extra.get("leads", {})
        .get("kinds", ())),
    )  # fmt: skip
    return page


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode() + "'"


def _first() -> Callable[[Number], bool]:
    seen: set[str] = set()

    def first(number: Number) -> bool:
        new = number.id not in seen
        seen.add(number.id)
        return new

    return first


@cache
def _template() -> Any:  # noqa: ANN401  # a template
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else show(str(value)), trim_blocks=True,
    )  # fmt: skip
    environment.filters["trusted"] = lambda text: Markup(text)  # noqa: S704, PLW0108  # ours: style, script, drawing
    environment.filters |= {
        "words": as_words, "way": way_of, "clauses": clauses_of, "possible": possible_of, "lead": lead_word,
        "figure_of": figure_of,
        "result": lambda name: RESULT_WORDS.get(name, name),
    }  # fmt: skip
    return environment.get_template("page.html.jinja")

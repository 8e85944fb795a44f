"""Months of spending as bars in a page: no script, no style; the forecast's months are dashed. Pure.

Every number stands in the table beside the drawing too, so that it is one picture to a screen reader. A month below
nought (more came back than was spent) has no bar, and its number says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

MAX_BARS: Final = 18
BAR, GAP, HEIGHT, ABOVE, BELOW, LEFT = 42, 14, 140, 22, 28, 8
INK, LINE, SAYS = "#1a4480", "#71767a", "#1b1b1b"


@dataclass(frozen=True, slots=True)
class MonthBar:
    """A month: its name, its cents, and whether they are only forecast."""

    month: str
    cents: int
    is_forecast: bool = False


def draw_months(title: str, bars: Sequence[MonthBar]) -> str:
    """Return a drawing of the last months of a series.

    Args:
        title: In one line, of this product or of the order.
    """
    shown = bars[-MAX_BARS:]
    top = max((bar.cents for bar in shown), default=0)
    width, tall = LEFT + max(len(shown), 1) * (BAR + GAP), ABOVE + HEIGHT + BELOW
    size = f'viewBox="0 0 {width} {tall}" width="{width}" height="{tall}" font-family="sans-serif"'
    said = ", ".join(
        f"{bar.month} {_short(bar.cents)}{' forecast' if bar.is_forecast else ''}" for bar in shown
    )
    label = quoteattr(f"{title}: {said or 'nothing yet'}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={label}>',
        f'<line x1="0" y1="{ABOVE + HEIGHT}" x2="{width}" y2="{ABOVE + HEIGHT}" stroke="{LINE}"/>',
    ]
    for at, bar in enumerate(shown):
        parts += _bar(bar, LEFT + at * (BAR + GAP), top)
    return "".join((*parts, "</svg>"))


def _bar(bar: MonthBar, left: int, top: int) -> list[str]:
    foot, middle = ABOVE + HEIGHT, left + BAR // 2
    tall = max(bar.cents * HEIGHT // top, 1) if top > 0 and bar.cents > 0 else 0
    fill = f'fill="none" stroke="{INK}" stroke-dasharray="4 3"' if bar.is_forecast else f'fill="{INK}"'
    return [
        f'<rect x="{left}" y="{foot - tall}" width="{BAR}" height="{tall}" {fill}/>',
        _text(middle, foot - tall - 6, _short(bar.cents)),
        _text(middle, foot + 18, bar.month),
    ]


def _short(cents: int) -> str:
    """Return an amount in few characters, cut and not rounded: `$31.8k`; the table has it whole."""
    sign, dollars = "-" if cents < 0 else "", abs(cents) // 100
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if dollars >= size:
            return f"{sign}${dollars // size}.{dollars % size * 10 // size}{unit}"
    return f"{sign}${dollars}"


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" font-size="11" fill="{SAYS}">{escape(text)}</text>'

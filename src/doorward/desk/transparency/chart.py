"""Bars over quarters as SVG that stands in a page: no script, no style, whole numbers. Pure.

A quarter whose number is withheld has no bar and says so: its height would be the number. Every number stands in the
table beside the drawing as well, so the drawing is one picture to a screen reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

MAX_BARS: Final = 12
BAR, GAP, HEIGHT, ABOVE, BELOW, LEFT = 44, 20, 140, 22, 40, 8
INK, LINE, SAYS = "#1a4480", "#71767a", "#1b1b1b"
WITHHELD: Final = "withheld"


@dataclass(frozen=True, slots=True)
class Bar:
    """One quarter of a series; None where its number is withheld."""

    quarter: str
    value: int | None


def draw_bars(title: str, bars: Sequence[Bar]) -> str:
    """Return a drawing of the last quarters of a series.

    Args:
        title: In one line; of the order.
        bars: In their order.
    """
    shown = bars[-MAX_BARS:]
    top = max((bar.value or 0 for bar in shown), default=0)
    width = LEFT + max(len(shown), 1) * (BAR + GAP)
    tall = ABOVE + HEIGHT + BELOW
    size = f'viewBox="0 0 {width} {tall}" width="{width}" height="{tall}" font-family="sans-serif"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(_says(title, shown))}>',
        f'<line x1="0" y1="{ABOVE + HEIGHT}" x2="{width}" y2="{ABOVE + HEIGHT}" stroke="{LINE}"/>',
    ]
    for at, bar in enumerate(shown):
        parts += _bar(bar, LEFT + at * (BAR + GAP), top)
    return "".join((*parts, "</svg>"))


def _bar(bar: Bar, left: int, top: int) -> list[str]:
    middle, foot = left + BAR // 2, ABOVE + HEIGHT
    named = _text(middle, foot + 18, bar.quarter)
    if bar.value is None:
        dashed = (
            f'<rect x="{left}" y="{ABOVE}" width="{BAR}" height="{HEIGHT}" fill="none" stroke="{LINE}"'
            ' stroke-dasharray="4 4"/>'
        )
        return [dashed, _text(middle, ABOVE + HEIGHT // 2, WITHHELD, size=10), named]
    tall = 0 if not top else max(bar.value * HEIGHT // top, 1 if bar.value else 0)
    drawn = f'<rect x="{left}" y="{foot - tall}" width="{BAR}" height="{tall}" fill="{INK}"/>'
    return [drawn, _text(middle, foot - tall - 6, str(bar.value)), named]


def _text(x: int, y: int, text: str, size: int = 12) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}" fill="{SAYS}">{escape(text)}</text>'
    )


def _says(title: str, bars: Sequence[Bar]) -> str:
    said = ", ".join(f"{bar.quarter} {WITHHELD if bar.value is None else bar.value}" for bar in bars)
    return f"{title}: {said or 'nothing yet'}"

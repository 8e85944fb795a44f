"""Bars as SVG that stands in a page beside its table: no script, no style, a title and a description. Pure.

A bar is a number, or says why it is none: withheld, or not said by the sources. Such a one is a dashed frame of one
height, so that its height tells nothing. What a bar means is written on it; no colour has a meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

BAR, GAP, HEIGHT, ABOVE, BELOW, LEFT = 52, 18, 120, 24, 44, 10
INK, LINE, SAYS = "#1a4480", "#71767a", "#1b1b1b"
MOST_BARS: Final = 24
_THOUSAND: Final = 1_000
_MILLION: Final = 1_000_000
_LONG: Final = 100_000


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Args:
        label: Under it, such as ``2026-03``.
        note: Under the label, such as ``9 months``.
        value: None where there is none.
        says: What stands on it; where there is no value, why.
    """

    label: str
    value: int | None
    says: str
    note: str = ""


def draw(name: str, title: str, description: str, bars: Sequence[Bar]) -> str:
    """Return a drawing of bars, the last ones where there are many.

    Args:
        name: Of the drawing in its page; of lower-case letters, digits and `-`.
        title: In one line.
        description: What a reader who does not see it should know; the numbers are in the table.
    """
    shown = bars[-MOST_BARS:]
    top = max((bar.value or 0 for bar in shown), default=0)
    width = LEFT * 2 + max(len(shown), 1) * (BAR + GAP)
    tall, foot = ABOVE + HEIGHT + BELOW, ABOVE + HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall}" width="{width}" height="{tall}"',
        f' font-family="sans-serif" role="img" aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>',
        f'<line x1="0" y1="{foot}" x2="{width}" y2="{foot}" stroke="{LINE}"/>',
    ]
    for at, bar in enumerate(shown):
        parts += _bar(bar, LEFT + GAP // 2 + at * (BAR + GAP), top)
    return "".join((*parts, "</svg>"))


def _bar(bar: Bar, left: int, top: int) -> list[str]:
    middle, foot = left + BAR // 2, ABOVE + HEIGHT
    named = [_text(middle, foot + 17, bar.label)]
    if bar.note:
        named.append(_text(middle, foot + 33, bar.note, size=11))
    if bar.value is None:
        frame = (
            f'<rect x="{left}" y="{ABOVE}" width="{BAR}" height="{HEIGHT}" fill="none" stroke="{LINE}"'
            ' stroke-dasharray="4 4"/>'
        )
        return [frame, _text(middle, ABOVE + HEIGHT // 2, bar.says, size=11), *named]
    tall = 0 if not top else max(bar.value * HEIGHT // top, 1 if bar.value else 0)
    drawn = f'<rect x="{left}" y="{foot - tall}" width="{BAR}" height="{tall}" fill="{INK}"/>'
    return [drawn, _text(middle, foot - tall - 6, bar.says), *named]


def _text(x: int, y: int, text: str, size: int = 12) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}" fill="{SAYS}">{escape(text)}</text>'
    )


def short(number: int, sign: str = "") -> str:
    """Return a number short enough for a bar; the table has it whole."""
    if number >= _MILLION:
        return f"{sign}{number / _MILLION:.2f}M"
    if number >= _LONG:
        return f"{sign}{number // _THOUSAND}k"
    return f"{sign}{number:,}"

r"""Hostile text made fit for a terminal or a page: what could move, hide or turn around other text is spelt out. Pure.

A reason in a log was typed by somebody, and may hold an escape sequence that repaints the screen, an override that
turns the reading order, or characters that take no room. Each of them is shown as `\x1b`, `\u202e` or `\U000e0001`, a
backslash as two, so that what is shown stands for one text only.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

MAX_MARKS: Final = 2  # combining characters on one base; more of them grow over the lines above
_SPELT: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAMED: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}
# Letters and marks by category, and still without width or meaning on a screen.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")


def escape_text(text: str) -> str:
    """Return a text that holds nothing but visible characters and plain spaces; total."""
    return "".join(_escaped(text))


def _escaped(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if character in _NAMED:
            yield _NAMED[character]
        elif " " <= character <= "~":
            yield character
        elif (
            category in _SPELT
            or category == "Zs"
            or marks > MAX_MARKS
            or character in _INVISIBLE
            or _selects(character)
        ):
            yield _spelt(character)
        else:
            yield character


def _selects(character: str) -> bool:
    """Tell whether a character selects the glyph of another and has none itself."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _spelt(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def wrap_cells(text: str, width: int) -> list[str]:
    """Return the lines of an escaped text, none wider than so many columns; a wide character takes two.

    Args:
        text: Of `escape_text`.
        width: At least 2.
    """
    lines, line, used = [], "", 0
    for character in text:
        wide = cell_len(character)
        if used + wide > width:
            lines.append(line)
            line, used = "", 0
        line, used = line + character, used + wide
    return [*lines, line]

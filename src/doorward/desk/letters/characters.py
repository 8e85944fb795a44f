"""What may stand in a letter: characters that its fonts draw and that a reader sees; all others as their codes. Pure.

A name or reason that somebody sent in may hold marks that turn the direction of text, controls, pictures, or letters
of a script that the fonts lack. None of it is dropped: each stands as `[U+202E]`, and the page says what that is.
"""

import re
import unicodedata
from typing import Any, Final

MAX_MARKS: Final = 2  # accents on one letter; a pile of them would be drawn over other lines
# Drawn by Libertinus Serif in regular, bold and italic, as typst carries it: every character of these was set once.
_DRAWN: Final = (
    "\x20-\x7e\u00a0-\u00ac\u00ae-\u0241\u0250-\u02af\u02b9-\u02c7\u02d8-\u02dd\u0384-\u0386\u0388-\u038a\u038c"
    "\u038e-\u03a1\u03a3-\u03ce\u0400-\u045f\u0490-\u04c4\u04d0-\u04f9\u1e00-\u1e9b\u1e9e\u1ea0-\u1ef9"
    "\u2010\u2012-\u2015\u2018-\u201e\u2020-\u2022\u2026\u2030-\u2033\u2039\u203a\u2044\u20ac\u2116\u2122\u2190-\u2193"
    "\u2212\u2260\u2264\u2265"
)
_MARK: Final = "\u0300-\u0304\u0306-\u030c\u0323-\u0328"
_OTHER: Final = re.compile(f"[^{_DRAWN}{_MARK}]")
_PILE: Final = re.compile(f"(?<=[{_MARK}]{{{MAX_MARKS}}})[{_MARK}]|^[{_MARK}]")
_SPACES: Final = str.maketrans({"\t": " ", "\u2009": " ", "\u202f": "\u00a0", "\u2011": "\u2010"})
CODES_SAID: Final = (
    "A code such as [U+202E] stands for a character that was sent and that this page cannot show."
)


def shown(text: str) -> str:
    """Return a line as a letter shows it: what cannot be drawn, or not be seen, stands as its code.

    Args:
        text: Of anybody.
    """
    line = _composed(text)
    return _PILE.sub(_code, _OTHER.sub(_code, line))


def is_shown(text: str) -> bool:
    """Return True where a line is shown as it is written, but for the form in which spaces and accents are written."""
    line = _composed(text)
    return not _OTHER.search(line) and not _PILE.search(line)


def shown_all(value: Any) -> Any:  # noqa: ANN401  # JSON
    """Return a JSON value whose texts are all shown; keys are the program's own and stay."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {name: shown_all(one) for name, one in value.items()}
    return [shown_all(one) for one in value] if isinstance(value, list | tuple) else value


def has_codes(value: Any) -> bool:  # noqa: ANN401  # JSON
    """Return True where a text of a JSON value is not shown as it is written."""
    if isinstance(value, str):
        return not is_shown(value)
    if isinstance(value, dict):
        return any(has_codes(one) for one in value.values())
    return isinstance(value, list | tuple) and any(has_codes(one) for one in value)


def _code(found: re.Match[str]) -> str:
    return f"[U+{ord(found.group()):04X}]"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).translate(_SPACES)

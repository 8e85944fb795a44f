"""How a lexicon writes what it looks for: regular expressions that two engines read alike. Pure.

The audit runs them in DuckDB (RE2), and its row-by-row twin in Python's `re`. So an expression may use only what both
mean in the same way, and nothing that RE2 has not (look-around, references back). What is looked through is ASCII:
other letters are folded first (`doorward.orders.folding`).

In an expression a space stands for any run of spaces, `+`, `_`, `/`, `:` and `-`: exports write `ICE+detainer`.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

MIN_TYPO_LETTERS: Final = 6
MAX_SOURCE: Final = 100_000  # characters of one compiled expression; ours stay below 40,000
MAX_REPEAT: Final = 100  # RE2 refuses 1,000
_GAP: Final = r"(?:[\t-\r +_/:-]+)"  # in a group: `a ?b` makes it optional
_SIGNS: Final = "0-9a-z"
_EVERY_SIGN: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_ESCAPES: Final = frozenset("dDwWb.()[]{}?*+|/\\&#-'\"")
_WORDS_BEGIN: Final = "^[^0-9A-Za-z]*((?:(?:"
# What a class may come to mean in Python (it warns of each), and `[:alpha:]`, which RE2 alone knows.
_SET_OPERATION = re.compile(r"(?:^|[^\\])\[|--|&&|\|\||~~")
_TOKEN = re.compile(
    r"""(?P<escape>\\.?)|(?P<class>\[\^?+\]?+(?:\\.|[^\]\\])*\])|(?P<group>\(\?.?)
    |(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\}))|(?P<word>[A-Za-z]+)|(?P<space>[ ]+)|(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=4096)  # forty orders of one audit include the same vocabulary
def find_fault(expression: str) -> str | None:
    """Return why an expression cannot be used, in words for its author, or None.

    Args:
        expression: As it stands in a lexicon; untrusted.
    """
    if not expression.strip():
        return "it is empty"
    if not expression.isascii():
        return "it is not ASCII; other letters are folded to plain ones before anything is looked for"
    last = ""
    for token in _TOKEN.finditer(expression):
        kind, text = token.lastgroup, token.group()
        fault = _fault_of(str(kind), text, last)
        if fault:
            return fault
        last = str(kind)
    try:
        compiled = re.compile(expression, re.IGNORECASE | re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        return f"it is no regular expression: {error}"
    if compiled.match("") is not None:
        return "it matches the empty text"
    return None


def _fault_of(kind: str, text: str, last: str) -> str | None:
    if kind == "escape" and text[1:] not in _ESCAPES:
        return f"`{text}` is not read alike by every engine; a space stands for a gap, `whole` for both ends"
    if kind == "class" and (_SET_OPERATION.search(text[1:]) or re.search(r"\\[^dwDW\\\]\[.^/-]", text)):
        return f"the class `{text[:30]}` is not read alike by every engine"
    if kind == "group" and not text.startswith("(?:"):
        return f"`{text}` has no form in RE2; of `(?` only `(?:` can be used"
    if kind == "other" and text in "^$":
        return f"`{text}` cannot be used; `whole = true` ties an expression to both ends of the cell"
    if kind == "other" and text in "\n\r{}[]":
        return f"`{text!r}` must be escaped"
    if kind == "repeat" and last in ("repeat", ""):
        return f"`{text}` repeats nothing"
    counts = [int(number) for number in re.findall(r"\d+", text)] if kind == "repeat" else []
    if any(count > MAX_REPEAT for count in counts):
        return f"`{text}` repeats more than {MAX_REPEAT} times"
    return None


def write_expression(
    match: Sequence[str],
    *,
    typos: bool = False,
    real: Collection[str] = (),
    whole: bool = False,
    raw: bool = False,
) -> str:
    """Return one expression for all of these, whose first group is what was found; case is the engine's business.

    Args:
        match: Each without a fault (`find_fault`).
        typos: Words of six letters or more are also found one edit away.
        real: Words that are none of them with a slip, but words.
        whole: It must be the whole cell, but for signs around it.
        raw: It may begin and end within a word.
    """
    inner = "|".join(_widen(text, frozenset(real) if typos else None) for text in match)
    if whole:
        return f"^[^0-9A-Za-z]*({inner})[^0-9A-Za-z]*$"
    if raw:
        return f"({inner})"
    return f"(?:^|[^0-9A-Za-z])({inner})(?:[^0-9A-Za-z]|$)"


def write_words(
    words: Sequence[str], fillers: Sequence[str], *, typos: bool, real: Collection[str] = ()
) -> str:
    """Return an expression for a cell that consists of these words and nothing else.

    Args:
        words: Each without a fault.
        fillers: Words that may stand beside them; a cell of fillers alone counts too.
        typos: As in `write_expression`.
        real: As in `write_expression`.
    """
    # Those of several words first: so the first that fits is the one that a search without a way back needs.
    several = sorted((*words, *fillers), key=lambda text: -text.count(" "))
    one = "|".join(_widen(text, frozenset(real) if typos else None) for text in several)
    return f"{_WORDS_BEGIN}{one})(?:[^0-9A-Za-z]+|$))+)$"


def without_way_back(expression: str) -> str:
    """Return an expression of `write_words` for Python's engine, whose time does not grow with the ways to read a text.

    RE2 needs no such form; Python's would try every way to cut the words, which a hostile text can make endless.
    """
    return expression.replace(_WORDS_BEGIN, _WORDS_BEGIN.replace("((?:", "((?>"), 1)


def _widen(expression: str, real: frozenset[str] | None) -> str:
    """Return an expression with its spaces as gaps and, where `real` is given, its words as words with one slip."""
    tokens = [(str(token.lastgroup), token.group()) for token in _TOKEN.finditer(expression)]
    written = []
    for place, (kind, text) in enumerate(tokens):
        repeated = place + 1 < len(tokens) and tokens[place + 1][0] == "repeat"
        if kind == "space":
            written.append(_GAP)
        elif kind == "word" and real is not None and len(text) - repeated >= MIN_TYPO_LETTERS:
            whole, last = (text[:-1], text[-1]) if repeated else (text, "")  # what repeats is the last letter
            written.append(_with_one_slip(whole.lower(), real) + last)
        else:
            written.append(text)
    return "".join(written)


def _with_one_slip(word: str, real: frozenset[str]) -> str:
    """Return an expression for a word and for all that is one insertion, deletion, change or swap away from it."""
    forms = [word]
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        forms.append(before + _any_sign(before, after, real) + after)  # a sign too many
        if after:
            forms.append(before + _any_sign(before, after[1:], real) + after[1:])  # a wrong sign
            forms.append(before + after[1:])  # a sign too few
        if len(after) > 1:
            forms.append(before + after[1] + after[0] + after[2:])  # two signs in the wrong order
    kept = dict.fromkeys(form for form in forms if form == word or form not in real)
    return f"(?:{'|'.join(kept)})"


def _any_sign(before: str, after: str, real: frozenset[str]) -> str:
    barred = {sign for sign in _EVERY_SIGN if f"{before}{sign}{after}" in real}
    return f"[{''.join(sign for sign in _EVERY_SIGN if sign not in barred) if barred else _SIGNS}]"

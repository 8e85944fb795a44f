"""The words of an HTML message: text only, of parts that a person sees. Pure, and one pass over it.

No link, picture, style or script survives, nothing is fetched. It is for a person to read beside the original; whoever
hides words from people can hide them here too, so no decision rests on it.

The parser of the standard library takes a time that grows with the square of what a sender writes (21 s of CPU for
50 kB of `<a `, measured), so this is a small one of its own: what is opened and not closed is refused.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

MAX_DEPTH: Final = 200  # elements inside of one another; a mail client shows fewer
MAX_MARKUP: Final = 400_000  # characters that are looked at; styles take most of a long message
RAW: Final = frozenset(
    {"script", "style", "title", "textarea", "xmp"}
)  # no tag but their own end counts in them
SILENT: Final = frozenset({"head", "template", "noscript", "object", "svg", "math"})
BREAKS: Final = frozenset(
    {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table"}
)
EMPTY: Final = frozenset({"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "wbr", "source"})
# Their end may be left out, so nothing says how deep they are.
OPEN_ENDED: Final = frozenset(
    {"p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "body", "html"}
)
# Atomic groups: a tag that is not closed fails at once, and the reader stops there.
TAG: Final = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]*+)"
    r"(?>[^\"'>]*+)(?>(?:\"[^\"]*+\"|'[^']*+')(?>[^\"'>]*+))*+>"
)
BEGINS_TAG: Final = re.compile(r"</?[A-Za-z]")


class MarkupError(ValueError):
    """The markup nests deeper than any message does, or a tag, comment or declaration is not closed."""


def read_markup(markup: str, *, longest: int) -> str:
    """Return the words of a text in HTML, a line for each paragraph.

    Args:
        markup: Untrusted; of more than `MAX_MARKUP` characters the rest is left out, with a tag that is cut by it.
        longest: Characters of words that are given back, as they stand in the markup.

    Raises:
        MarkupError: Elements nest more than `MAX_DEPTH` deep, or something is not closed.
    """
    words: list[str] = []
    depth = silent = 0
    for tag, is_end, text in _tokens(_cut(markup)):
        if text and not silent and longest > 0:
            words.append(unescape(text[:longest]))
            longest -= len(text)
        if tag in BREAKS:
            words.append("\n")
        if not tag or tag in EMPTY or tag in OPEN_ENDED:
            continue
        if is_end:
            depth, silent = max(depth - 1, 0), max(silent - (tag in SILENT), 0)
        else:
            depth, silent = depth + 1, silent + (tag in SILENT)
        if depth > MAX_DEPTH:
            raise MarkupError
    lines = (" ".join(line.split()) for line in "".join(words).split("\n"))
    return "\n".join(line for line in lines if line)


def _cut(markup: str) -> str:
    if len(markup) <= MAX_MARKUP:
        return markup
    cut = markup[:MAX_MARKUP]
    return cut[: cut.rfind("<")] if cut.rfind("<") > cut.rfind(">") else cut


def _tokens(markup: str) -> Iterator[tuple[str, bool, str]]:
    """Yield tags by name with whether each ends one, and texts between them; never looks twice at a character."""
    at = 0
    while at < len(markup):
        begin = markup.find("<", at)
        if begin < 0:
            yield "", False, markup[at:]
            return
        if begin > at:
            yield "", False, markup[at:begin]
        if markup.startswith("<!--", begin):
            at = _after(markup, "-->", begin + 4)
        elif markup.startswith(("<!", "<?"), begin):
            at = _after(markup, ">", begin + 2)
        elif BEGINS_TAG.match(markup, begin):
            found = TAG.match(markup, begin)
            if found is None:
                raise MarkupError
            name, at = found["name"].lower(), found.end()
            if name in RAW and not found["end"]:
                at = _after_raw(markup, name, at)
            else:
                yield name, bool(found["end"]), ""
        else:  # a sign, and no tag
            yield "", False, "<"
            at = begin + 1


def _after(markup: str, end: str, at: int) -> int:
    found = markup.find(end, at)
    if found < 0:
        raise MarkupError
    return found + len(end)


def _after_raw(markup: str, name: str, at: int) -> int:
    found = re.compile(rf"</{name}\b", re.IGNORECASE).search(markup, at)
    if found is None:
        raise MarkupError
    return _after(markup, ">", found.end())

"""Where things stand in Cedar text: tokens with their places, one group of tokens a policy.

Cedar's own syntax trees carry no positions, so this small scan finds them for messages. It decides nothing: a
text is Cedar where cedarpy says so, and a wrong position would be a wrong number in a message, nothing more.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cedarpy

from doorward.errors import Span

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      |(?P<string>"(?:\\.|[^"\\])*")
      |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
      |(?P<number>[0-9]+)
      |(?P<sign>::|==|!=|<=|>=|&&|\|\||[^\s])""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"[`'\"]([^`'\"]+)[`'\"]")
END_OF_INPUT = "unexpected end of input"


class Token(NamedTuple):
    """A word, number, string or sign, and where it begins and ends in the text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file of Cedar text.

    Args:
        file: Its name as messages show it.
        text: Its whole text.
        policies: The tokens of each policy, its final semicolon included, in order.
    """

    file: str
    text: str
    policies: tuple[tuple[Token, ...], ...]

    def span(self, offset: int) -> Span:
        """Return the line and column, both from 1, of an offset in the text."""
        before = self.text[:offset]
        return Span(self.file, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)

    def find(self, policy: int, wanted: Sequence[str], *, occurrence: int = 0) -> Span:
        """Return where a run of tokens stands in a policy, or the policy's first token where it does not.

        Args:
            policy: Number of the policy in the file, from 0.
            wanted: Token texts that stand side by side, such as ``[".", "sealed"]``.
            occurrence: How many earlier occurrences to pass over; the last one found is taken if there are fewer.
        """
        tokens = self.policies[policy]
        size = len(wanted)
        places = [
            tokens[at + size - 1].start
            for at in range(len(tokens) - size + 1)
            if all(tokens[at + step].text == text for step, text in enumerate(wanted))
        ]
        if not places:
            return self.span(tokens[0].start)
        return self.span(places[min(occurrence, len(places) - 1)])


def scan(file: str, text: str) -> Source:
    """Return the tokens of a Cedar text, grouped by policy; total over any text."""
    policies: list[tuple[Token, ...]] = []
    current: list[Token] = []
    for token in _tokens(text):
        current.append(token)
        if token.text == ";":
            policies.append(tuple(current))
            current = []
    if current:
        policies.append(tuple(current))
    return Source(file, text, tuple(policies))


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "'": "'", '"': '"', "*": "*"}
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|(\n\s*)|(.))", re.DOTALL)


def unquote(token: str) -> str:
    """Return the text that a string literal stands for; an escape that Cedar does not know stays as it is."""

    def character(found: re.Match[str]) -> str:
        code = found.group(1) or found.group(2)
        if code:
            return chr(int(code, 16))
        return "" if found.group(3) else _ESCAPES.get(found.group(4), found.group())

    return _ESCAPE.sub(character, token[1:-1])


def find_syntax_error(source: Source) -> tuple[Span, str]:
    """Return where a text stops being Cedar and what cedarpy says of it; call it only for a text that is not.

    A prefix of a Cedar text fails only by its end being missing; the shortest prefix that fails otherwise ends
    with the token at fault. Semicolons inside of braces do not exist in Cedar, so each policy is tried alone.
    """
    for tokens in source.policies:
        start = tokens[0].start
        error = _parse_error(source.text[start : tokens[-1].end])
        if error is None:
            continue
        good, bad = 0, len(tokens)  # the first `good` tokens begin a policy; the first `bad` do not
        while bad - good > 1:
            middle = (good + bad) // 2
            said = _parse_error(source.text[start : tokens[middle - 1].end])
            if said is None or END_OF_INPUT in said:
                good = middle
            else:
                bad, error = middle, said
        return source.span(_blamed(tokens[:bad], error).start), error
    return source.span(0), _parse_error(source.text) or "the text is no Cedar"


def _blamed(tokens: Sequence[Token], error: str) -> Token:
    # Some faults are found after parsing (an unknown name); then the message names the token, not the prefix.
    if not error.startswith("unexpected"):
        quoted = _QUOTED.search(error)
        named = (quoted.group(1) if quoted else error.rsplit(" ", 1)[-1]).removeprefix("@")
        for token in reversed(tokens):
            if token.text == named:
                return token
    return tokens[-1]


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            yield Token(match.group(), match.start(), match.end())


def _parse_error(text: str) -> str | None:
    try:
        cedarpy.policies_to_pst(text)
    except ValueError as error:
        return " ".join(str(error).split())
    return None

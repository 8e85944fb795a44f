"""What is taken out of free text before it is published, and the proof over the finished bytes. Pure.

Two ways, one after the other. Patterns name what they take out: a plate, a date, a case number. Then, because no
pattern knows every name and every vanity plate, each word that is not in a list of ordinary words is taken out too,
and every digit. So what is published holds words of the list and marks, and nothing else: it takes out too much on
purpose. A word of the list that is also a name (Hunter, Park) is taken out behind `officer`, `suspect` and the like.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MAX_TEXT: Final = 4_000

_STATES: Final = (
    "A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|"
    "W[AIVY]"
)
_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
_PERSON: Final = (
    r"ofc|off|officer|ofcr|det|detective|dep|deputy|sgt|sergeant|lt|lieutenant|capt|captain|chief|sheriff|trooper|tpr|"
    r"cpl|corporal|agent|sa|tfo|inv|investigator|insp|inspector|suspect|susp|subject|subj|victim|vic|witness|driver|"
    r"owner|defendant|def|wanted|fugitive|missing|per|req|requested by|for|name|named|aka|mr|mrs|ms|dr"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one kind of personal data looks like.

    Args:
        id: Stands in its place, in brackets.
        groups: Only group 1 is taken out where it is true; else the whole match.
        anywhere: Nothing that a report itself says looks so: the finished bytes may not hold it either.
    """

    id: str
    expression: re.Pattern[str]
    inner: bool = False
    anywhere: bool = False


def _p(
    id_: str, expression: str, *, inner: bool = False, anywhere: bool = False, cased: bool = False
) -> Pattern:
    return Pattern(id_, re.compile(expression, 0 if cased else re.IGNORECASE), inner, anywhere)


PATTERNS: Final = (
    _p("e-mail", r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", anywhere=True),
    _p("account", r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", anywhere=True),
    _p("account", r"\b(?:user|acct|account|badge|star|login|id)\s{0,2}"
       r"(?:#|no\.?|number|:)?\s{0,2}(\w*\d\w*)", inner=True),
    _p("ssn", r"(?<![\w-])\d{3}[- ]\d{2}[- ]\d{4}(?![\w-])", anywhere=True),
    _p("phone", r"(?<![\w-])(?:\+?1[-. ]?)?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])", anywhere=True),
    _p("date", r"\b(?:dob|born|d\.o\.b\.?)\W{0,3}\d[\d/. -]{3,9}\d", anywhere=True),
    _p("date", r"\b\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})\b"),
    _p("date", r"\b(?:19|20)\d{2}[/.-]\d{1,2}[/.-]\d{1,2}(?:[T ]\d{2}:\d{2}(?::\d{2})?Z?)?\b"),
    _p("date", rf"\b(?:\d{{1,2}}\s)?(?:{_MONTHS})[a-z]{{0,6}}\.?\s\d{{1,2}}(?:,?\s\d{{4}})?\b"),
    _p("address", r"\b\d{1,6}\s(?:[nsew]\.?\s)?(?:[\w'.]+\s){1,3}(?:st|street|ave|avenue|rd|road|blvd|boulevard|dr|"
       r"drive|ln|lane|ct|court|pl|place|way|hwy|highway|pkwy|parkway|cir|circle|ter|terrace)\b\.?"),
    _p("plate", rf"\b(?:{_STATES})[\s:#/-]{{1,3}}((?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{{2,8}})\b", inner=True, cased=True),
    _p("plate", r"\b(?:vanity|license plate|lic plate|plate|plates|lp|lic|tag|lpn|reg)\s{0,2}(?:#|no\.?|"
       r"number|:|is|of|,)?\s{0,2}((?-i:[A-Z0-9][A-Z0-9 -]{1,8}[A-Z0-9]))", inner=True),
    _p("case number", r"\b(?:case|cse|cs|rpt|report|inc|incident|rd|cr|cad|event|dr|ir|ref|warrant)\s{0,2}"
       r"(?:#|no\.?|num|number|:)?\s{0,2}((?=[\w/-]*\d)[\w/-]{3,24})", inner=True),
    _p("case number", r"\b(?:\d{2,4}[-/]\d{3,10}(?:[-/]\d{1,6})?|[A-Z]{1,4}\d{0,4}-\d{2,10})\b"),
    _p("plate", r"\b(?=[A-Z0-9 -]{0,8}\d)(?=[A-Z0-9 -]{0,8}[A-Z])(?:[A-Z]{1,4}[ -]?\d{2,5}[A-Z]{0,3}|"
       r"\d{1,4}[ -]?[A-Z]{2,4}[ -]?\d{0,4})\b", cased=True),
    _p("name", rf"\b(?:{_PERSON})\b[\s.:,#]{{1,3}}((?-i:[A-Z][\w'-]*)"
       rf"(?:[\s,.]{{1,2}}(?-i:[A-Z][\w'-]*)){{0,3}})", inner=True),
    _p("name", r"\b([A-Z][a-z]+,\s[A-Z][a-z]+)\b", inner=True, cased=True),
    _p("number", r"\d[\d,.:/-]*"),
)  # fmt: skip
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)*")
_TOKEN: Final = re.compile(r"\[[a-z -]{1,12}\]|\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}]\w+)*", re.UNICODE)
_REST: Final = re.compile(r"[^ \t.,;:!?()/&'\"+\-\[\]]")
_RUN: Final = re.compile(r"[^\W_]+")
_AGAIN: Final = re.compile(r"(\[[a-z -]{1,12}\])(?:[\s,.;:/&'\"+-]*\1)+")


@dataclass(frozen=True, slots=True)
class Taken:
    """Something that was taken out: which pattern, and what it was. Never published."""

    pattern: str
    text: str


def find_personal(text: str, kinds: Iterable[str] = ()) -> Iterator[tuple[int, int, str]]:
    """Yield where personal data stands and which pattern says so, in the order of patterns; places may overlap.

    Args:
        text: Of any content.
        kinds: Ids of patterns; empty is all.
    """
    wanted = frozenset(kinds)
    for pattern in PATTERNS:
        if not wanted or pattern.id in wanted:
            for match in pattern.expression.finditer(text):
                yield (*match.span(1 if pattern.inner else 0), pattern.id)


def mask_patterns(text: str, kinds: Iterable[str] = ()) -> tuple[str, list[Taken]]:
    """Return a text with a mark in the place of what the patterns know, and what was taken out.

    Args:
        text: Of any content; beyond `MAX_TEXT` characters it is cut.
        kinds: Ids of patterns; empty is all.
    """
    text = text[:MAX_TEXT]
    covered: list[tuple[int, int, str]] = []
    for start, end, kind in find_personal(text, kinds):
        if start < end and all(end <= s or start >= e for s, e, _ in covered):
            covered.append((start, end, kind))
    out, at, taken = [], 0, []
    for start, end, kind in sorted(covered):
        out += [text[at:start], f"[{kind}]"]
        taken.append(Taken(kind, text[start:end]))
        at = end
    return "".join([*out, text[at:]]), taken


def mask_for_publication(text: str, vocabulary: frozenset[str]) -> tuple[str, list[Taken]]:
    """Return a text of ordinary words and marks only, and what was taken out.

    Args:
        text: Of any content.
        vocabulary: The ordinary words, casefolded.
    """
    masked, taken = mask_patterns(text)
    out, at = [], 0
    for match in _TOKEN.finditer(masked):
        out.append(_REST.sub("", masked[at : match.start()]))
        word, at = match.group(), match.end()
        if word.startswith("[") or word.casefold() in vocabulary:
            out.append(word)
        else:
            out.append("[word]")
            taken.append(Taken("word", word))
    out.append(_REST.sub("", masked[at:]))
    joined = " ".join("".join(out).split())
    return _AGAIN.sub(r"\1", joined), taken


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text that is known to be public, casefolded: of an order, a list of offenses."""
    return frozenset(match.group().casefold() for match in _WORD.finditer(text))


def normal(text: str) -> str:
    """Return letters and digits only, in lower case: how a value is compared with what was written."""
    return "".join(character for character in text.lower() if character.isalnum())


def pieces(text: str, longest: int = 6) -> frozenset[str]:
    """Return every run of up to so many words of a text, each in its normal form: where a value could stand.

    Runs of figures alone are joined over a hyphen, a stroke or a dot only: the columns of a table are no case number.

    Args:
        text: What stands in one cell, attribute or line of a finished file.
        longest: How many words one value may have.
    """
    words = [(normal(match.group()), match.start(), match.end()) for match in _RUN.finditer(text)]
    found: set[str] = set()
    for at in range(len(words)):
        joined, figures, last = "", True, 0
        for word, start, end in words[at : at + longest]:
            figures = figures and word.isdigit()
            if joined and figures and text[last:start] not in {"-", "/", "."}:
                break
            joined, last = joined + word, end
            found.add(joined)
    return frozenset(found)


_YEARS: Final = frozenset(map(str, range(1900, 2100)))


def telling(value: str, vocabulary: frozenset[str]) -> bool:
    """Return whether finding a value again would show that it leaked.

    A value of ordinary words, one that is such a word but for its signs (`investigatio_n`), one of three characters or
    fewer, or of up to six digits is also what a report says for itself; such a value is looked for in the published
    wordings, which hold no digits and no other words. Four digits beside letters are no word, if they are no year.
    """
    plain = normal(value)
    if len(plain) < 4 or plain in vocabulary:
        return False
    if plain.isdigit():
        return len(plain) > 6
    words = _RUN.findall(value)
    if sum(map(str.isdigit, plain)) > 3 and not any(word in _YEARS for word in words):
        return True
    return not all(
        word.isdigit() or (word.casefold() in vocabulary and len(word) > 1) or word in "aA" for word in words
    )


def leaks(text: str, vocabulary: frozenset[str] | None = None) -> list[str]:
    """Return the ids of patterns whose kind of data stands in a text that is to be published, once each.

    Args:
        text: What a reader of the finished file sees.
        vocabulary: Where it is a published wording: each word has to be one of these, or a mark.
    """
    found = [p.id for p in PATTERNS if p.anywhere and p.expression.search(text)]
    if vocabulary is not None:
        tokens = _TOKEN.findall(text)
        if any(not token.startswith("[") and token.casefold() not in vocabulary for token in tokens):
            found.append("word")
    return sorted(set(found))

"""What an agency's published words say, read by a closed list of rules. Pure; the words are not trusted.

Each text of a published page is cut into phrases, and each phrase is one of four things:

* it is, word for word, what a rule knows, and a log can show it: it *decides*;
* a rule knows a part of it, or something takes a part back ("except", "unless"): *counsel* decides, it only refers;
* it is understood, and no row of a log shows whether it was kept: *no row*, with why;
* no rule reads it: *unread*.

The last two are listed as not audited; nothing is dropped.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class How(StrEnum):
    """What can be done with a phrase."""

    DECIDES = "decides"
    COUNSEL = "counsel"
    NO_ROW = "no row"
    UNREAD = "unread"


class Text(StrEnum):
    """Which text of the page a phrase stands in."""

    PROHIBITED = "prohibited uses"
    ACCEPTABLE = "acceptable use policy"
    ACCESS = "access policy"
    HOTLIST = "hotlist policy"
    HOTLISTS = "hotlists alerted on"
    RETENTION = "data retention"
    SHARING = "sharing"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a text, verbatim but for white space.

    Args:
        keys: What it is about: names of `USES` and `DUTIES`; empty where no rule knows it.
        why: Of a phrase that no row shows: why.
        days: Of a phrase about retention: how many.
    """

    text: Text
    words: str
    how: How
    keys: tuple[str, ...] = ()
    why: str = ""
    days: int | None = None


USES: Final[Mapping[str, tuple[str, ...]]] = {
    "immigration-enforcement": (r"immigration enforcement",),
    "traffic-enforcement": (
        r"(?:to )?(?:conduct )?traffic enforcement",
        r"to investigate parking violations and conduct traffic enforcement",
    ),
    "harassment": (
        r"harr?assment or intimidation",
        r"(?:to )?harr?ass, intimidate, or discriminate against any individual or group",
    ),
    "protected-class": (
        r"(?:usage|use) based solely on a protect(?:ed|ive) class(?: \(i\.e\.,? [a-z, ]+\))?",
        (
            r"to be used in a discriminatory manner and to target protected individual characteristics, including "
            r"[a-z, ()]+, in accordance with department policy [0-9.]+"
        ),
    ),
    "personal-use": (r"personal(?: use| purposes?)?", r"to be utilized for any personal purpose"),
    "reproductive-care": (
        r"enforcement for reproductive or gender affirming health care service",
        r"the enforcement of any abortion and/or gender conforming laws",
        r"gender and reproductive care",
        r"reproductive (?:health|rights|health investigations|care enforcement)",
        r"use against any person for the exercise of reproductive health care rights",
    ),
    "first-amendment": (r"first amendment rights",),
    "commercial": (r"commercial(?: use| purposes?)?",),
    "non-law-enforcement": (
        r"non-law enforcement(?: use| purposes?)?",
        r"accessing and/or releasing data from the alpr system for non-law enforcement purposes is prohibited",
    ),
    "outside-agencies": (
        r"searches for out-of-state or federal agencies(?: per california senate bill 34)?",
    ),
}
DUTIES: Final = ("law-enforcement-only", "reason", "case", "case-or-type", "case-shown", "retention")

MAX_JOINS: Final = 8  # words joined by "and" that are still a list; the longest seen has two
_GLUE = re.compile(r"(?:and|or)\s+|activities that are considered\s+", re.IGNORECASE)
_HEADS = (
    re.compile(r"the following uses of alprs shall be expressly prohibited", re.IGNORECASE),
    re.compile(
        r"(?:additionally, )?the [a-z]+(?:'s)? office does not permit the use of alpr for", re.IGNORECASE
    ),
)
_ALLOWS = re.compile(r"\b(?:allow(?:s|ed)?|permit(?:s|ted)?|not prohibited|acceptable)\b", re.IGNORECASE)
_TAKES_BACK = re.compile(
    r"\b(?:except|unless|but|other than|not|never|without|until|only if|may)\b", re.IGNORECASE
)
_JOINS = re.compile(r"\s+(?:and/or|and|or)\s+", re.IGNORECASE)
_HEADINGS = {
    "system access policy": Text.ACCESS,
    "community safeguards": Text.PROHIBITED,
    "search specifics": Text.HOTLIST,
}
_OVERFLOW = re.compile(
    r"distinct vehicles\b", re.IGNORECASE
)  # the next box of the page, read along with the text
_END = re.compile(r"(?<=[.;])(?<!i\.e\.)(?<!e\.g\.)(?<!etc\.)(?<!\bSt\.)(?<!\bMt\.)\s+(?=[A-Z])")
_BULLET = re.compile(r"(?m)^[ \t]*[-*\N{BULLET}]\s+")
_KNOWN = {
    key: re.compile("|".join(f"(?:{form})" for form in forms), re.IGNORECASE) for key, forms in USES.items()
}
_PLACING = re.compile(r"it is prohibited to place\b", re.IGNORECASE)  # one sentence, however many commas
_ONLY = re.compile(
    r"data is used for (?:law enforcement|public safety|law enforcement and emergency management) purposes only"
    r"(?:, in accordance with agency written directives and state law)?",
    re.IGNORECASE,
)
_DAYS = re.compile(r"(?:flock )?data is (?:only )?retained for (?P<days>[0-9]{1,5}) days", re.IGNORECASE)
_ACCESS = (
    (
        re.compile(
            r"all system access requires a valid case number, incident number, or case type and officer identification",
            re.IGNORECASE,
        ),
        ("case-or-type",),
    ),
    (re.compile(r"all system access requires a valid case number", re.IGNORECASE), ("case",)),
    (
        re.compile(r"all system access requires a valid reason and case number", re.IGNORECASE),
        ("reason", "case"),
    ),
    (
        re.compile(
            r"all system access requires a valid (?:law enforcement )?reason"
            r"(?: pursuant to agency policy and state law)?",
            re.IGNORECASE,
        ),
        ("reason",),
    ),
    (
        re.compile(
            r"all system access requires a business purpose that is defined in a written entry", re.IGNORECASE
        ),
        ("reason",),
    ),
    (
        re.compile(r"documented justification is required prior to the query of any data", re.IGNORECASE),
        ("reason",),
    ),
    (
        re.compile(
            r"the associated case or incident report number is shown as the reason for accessing system data"
            r" in the public search audit",
            re.IGNORECASE,
        ),
        ("case-shown",),
    ),
)
_SILENT = (  # understood, and no row of a log shows whether it was kept
    (
        r"stored indefinitely|stored in accordance with law|logged|audit trail|recorded",
        "what the system itself keeps",
    ),
    (r"\baudit(?:s|ed)?\b", "whether audits were made is in no row of a log"),
    (r"\btraining\b|authorized law enforcement personnel", "who was trained or authorised is in no row"),
    (
        r"human[- ]verified|human end-user verification|verified by law enforcement",
        "who looked at an alert is in no row",
    ),
    (r"never (?:be )?sold", "a sale is in no row of a log"),
    (r"place any .{0,200}cameras", "where a camera stands is in no row"),
    (r"filtered out of any searches", "a filter of the vendor's is in no row"),
    (r"hotlist\b.{0,200}? (?:is|are) a\b|removed from the hotlist", "it says what a hotlist is"),
)
_SILENCE = tuple((re.compile(form, re.IGNORECASE), why) for form, why in _SILENT)


def read_words(text: Text, words: str) -> Iterator[Phrase]:
    """Yield every phrase of a text of the page, in its order.

    Args:
        text: Which; a heading inside of it that is another text's is followed.
        words: As published; any text at all.
    """
    at, sure = text, True  # what stands under a head that no rule knows may be what is allowed
    for paragraph in re.split(r"\n[ \t]*\n", words.replace("\r\n", "\n").replace("\r", "\n")):
        plain = _one_line(paragraph)
        heading = _HEADINGS.get(plain.lower().rstrip(":"))
        if heading is not None:
            at, sure = heading, True
        elif _OVERFLOW.match(plain):
            return
        for sentence, listed in _sentences(paragraph) if plain and heading is None else ():
            for phrase in _sentence(at, sentence, listed=listed):
                weak = phrase.how is How.DECIDES and not sure
                yield replace(phrase, how=How.COUNSEL) if weak else phrase
            if sentence.endswith(":") or _ALLOWS.search(sentence):
                sure = _is_head(sentence.partition(":")[0].rstrip(". "))


def read_retention(days: int | None) -> Iterator[Phrase]:
    """Yield the phrase that a number of days in the page's own box makes; none where the box is empty."""
    if days is not None:
        words = f"{days} days"
        yield Phrase(Text.RETENTION, words, How.DECIDES, ("retention",), days=days)


def _sentences(paragraph: str) -> Iterator[tuple[str, bool]]:
    """Yield each sentence, and whether it is an item of a list with bullets, which keeps its commas."""
    for number, piece in enumerate(_BULLET.split(paragraph)):
        plain = _one_line(piece)
        for sentence in _END.split(plain) if number == 0 else [plain]:
            if sentence.strip():
                yield sentence.strip(), number > 0


def _sentence(text: Text, sentence: str, *, listed: bool) -> Iterator[Phrase]:
    plain = sentence.rstrip(".;: ")
    if not plain or (_is_head(plain) and sentence.endswith(":")):
        return
    found = _DAYS.fullmatch(plain)
    if found is not None:
        yield Phrase(text, plain, How.DECIDES, ("retention",), days=int(found["days"]))
    elif text is Text.PROHIBITED and not _PLACING.match(plain):
        yield from _prohibited(plain, listed=listed)
    elif text is Text.ACCESS:
        yield from _access(plain)
    elif text is Text.ACCEPTABLE and _ONLY.fullmatch(plain):
        yield Phrase(text, plain, How.DECIDES, ("law-enforcement-only",))
    else:
        yield _unaudited(text, plain)


def _prohibited(plain: str, *, listed: bool) -> Iterator[Phrase]:
    head, colon, rest = plain.partition(":")
    body = rest.strip() if colon and _is_head(head) else plain
    for item in [body] if listed or _keys(body) else _split_list(body):
        keys = _keys(item)
        touched = tuple(key for key, form in _KNOWN.items() if _touches(form, item))
        if keys and not _TAKES_BACK.search(item):
            yield Phrase(Text.PROHIBITED, item, How.DECIDES, keys)
        elif keys or touched:
            yield Phrase(Text.PROHIBITED, item, How.COUNSEL, keys or touched)
        else:
            yield _unaudited(Text.PROHIBITED, item)


def _access(plain: str) -> Iterator[Phrase]:
    for form, keys in _ACCESS:
        found = form.match(plain)
        if found is None:
            continue
        tail = plain[found.end() :]
        if (tail and not re.match(r"(?:,| and| that) ", tail)) or _TAKES_BACK.search(tail):
            yield Phrase(Text.ACCESS, plain, How.COUNSEL, keys)
        else:
            yield Phrase(Text.ACCESS, found.group(), How.DECIDES, keys)
            rest = re.sub(r"^(?:,| and| that) ", "", tail).strip(" ,")
            if rest:
                yield _unaudited(Text.ACCESS, rest)
        return
    yield _unaudited(Text.ACCESS, plain)


def _unaudited(text: Text, words: str) -> Phrase:
    if text is Text.HOTLISTS:
        return Phrase(text, words, How.NO_ROW, why="the log of searches does not say which list alerted")
    why = next((why for form, why in _SILENCE if form.search(words)), None)
    return Phrase(text, words, How.UNREAD if why is None else How.NO_ROW, why=why or "")


def _is_head(words: str) -> bool:
    return any(form.fullmatch(words) for form in _HEADS)


def _keys(item: str) -> tuple[str, ...]:
    """Return what an item is about where it is, whole, what rules know, or several such joined by "and" and "or"."""
    bare = _GLUE.sub("", item, count=1) if _GLUE.match(item) else item
    whole = _key(bare)
    if whole is not None:
        return (whole,)
    joins = list(_JOINS.finditer(bare))
    for join in joins if len(joins) <= MAX_JOINS else ():
        first = _key(bare[: join.start()])
        rest = _keys(bare[join.end() :]) if first is not None else ()
        if first is not None and rest:
            return tuple(dict.fromkeys((first, *rest)))
    return ()


def _key(words: str) -> str | None:
    return next((key for key, form in _KNOWN.items() if form.fullmatch(words)), None)


def _touches(form: re.Pattern[str], item: str) -> bool:
    """Return whether a rule knows a part of an item, at the bounds of words."""
    return any(
        (found.start() == 0 or not item[found.start() - 1].isalnum())
        and (found.end() == len(item) or not item[found.end()].isalnum())
        for found in form.finditer(item)
    )


def _split_list(words: str) -> list[str]:
    """Return the items of a list with commas; a comma in parentheses does not divide."""
    items, depth, start = [], 0, 0
    for place, letter in enumerate(words):
        depth = max(0, depth + (letter == "(") - (letter == ")"))
        if letter == "," and depth == 0:
            items.append(words[start:place])
            start = place + 1
    return [item.strip() for item in (*items, words[start:]) if item.strip()]


def _one_line(words: str) -> str:
    """Return words with each run of white space and of what cannot be printed as one space."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())

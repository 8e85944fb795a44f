"""letters.toml and the templates beside it: read strictly, each fault with its place. Pure.

An order without letters.toml has the plain letters that come with doorward, which say nothing but what the order
itself says. One with it has all of its own: the two are not mixed, so that one file says what a city sends.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from doorward.errors import Finding, PolicyCheckError
from doorward.orders.letter_book import (
    Act,
    Kind,
    LetterBook,
    LetterForm,
    NeverSent,
    Rule,
    Translation,
    Words,
)
from doorward.orders.letter_fields import read_field
from doorward.orders.letter_templates import FOLDER, check_templates
from doorward.orders.pack import Pack
from doorward.orders.toml import Toml
from doorward.policy.decision import Outcome, Posture

FILE: Final = "letters.toml"
LANGUAGE: Final = "en"
MAX_PEOPLE: Final = 2
MAX_SHOWN: Final = 5  # combinations named in one finding
LABELS: Final = (
    "reference", "received", "date", "sample", "not-reviewed", "why", "clauses", "remedy", "contact",
    "contact-says", "order", "release-one", "release-two", "verify",
)  # fmt: skip
_TOP: Final = ("sender", "words", "kind", "letter", "rule", "never")
_FORM: Final = (
    "title", "says", "template", "cites", "remedy", "people", "office", "field", "translation", "sample_clauses",
)  # fmt: skip
_RULE: Final = ("kind", "act", "outcome", "posture", "sealed", "letter", "why")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
Word = TypeVar("Word", bound=StrEnum)


def read_letters(pack: Pack, plain: Mapping[str, str]) -> tuple[LetterBook | None, tuple[Finding, ...]]:
    """Return the letters of an order, or None with what is wrong with them.

    Args:
        pack: The order.
        plain: The files of the plain letters, for an order that has none of its own.
    """
    inherited = FILE not in pack.files
    files = plain if inherited else pack.files
    texts = {name: text for name, text in files.items() if name == FILE or name.startswith(FOLDER)}
    try:
        file = Toml(FILE, texts[FILE])
    except PolicyCheckError as error:
        return None, error.findings
    file.refuse_others(_TOP)
    sources = {name.removeprefix(FOLDER): text for name, text in texts.items() if name.startswith(FOLDER)}
    kinds = {name: _kind(file, name) for name in file.table("kind")}
    forms = {name: _form(file, name) for name in file.table("letter")}
    file.refuse_others(("body", "office"), "sender")
    book = LetterBook(
        digest=_digest(texts),
        inherited=inherited,
        body=pack.title if inherited else file.get(str, "sender", "body"),
        office=file.get(str, "sender", "office"),
        words={language: _words(file, language) for language in file.table("words")},
        kinds=kinds,
        forms=forms,
        rules=tuple(_rule(file, number, kinds, forms) for number in range(len(file.get(list, "rule")))),
        never=tuple(_never(file, name) for name in file.get(dict, "never", default={})),
        sources=sources,
    )
    findings = [*file.findings, *check_templates(file, book)]
    if not findings:
        findings += _check_whole(file, book, pack)
    return (None if findings else book), tuple(findings)


def _digest(texts: Mapping[str, str]) -> str:
    total = hashlib.sha256()
    for name in sorted(texts):
        for part in (name.encode(), texts[name].encode()):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def _words(file: Toml, language: str) -> Words:
    at = ("words", language)
    file.refuse_others((*LABELS, "months", "day", "closing", "says"), *at)
    if not _LANGUAGE.fullmatch(language):
        file.note(f"`{language}` is no language, such as `en` or `zh-Hant`", *at)
    months = tuple(str(month) for month in file.get(list, *at, "months"))
    if len(months) != 12:
        file.note(f"`months` has the names of 12 months, got {len(months)}", *at, "months")
    form = file.get(str, *at, "day")
    if sorted(re.findall(r"\{(\w*)\}", form)) != ["day", "month", "year"] or form.count("{") != 3:
        file.note("`day` has each of {day}, {month} and {year} once", *at, "day")
    says = {name: file.get(str, *at, "says", name) for name in file.get(dict, *at, "says", default={})}
    closings = {name: file.get(str, *at, "closing", name) for name in file.table(*at, "closing")}
    return Words({label: file.get(str, *at, label) for label in LABELS}, months, form, closings, says)


def _kind(file: Toml, name: str) -> Kind:
    at = ("kind", name)
    file.refuse_others(("says", "actions", "papers", "acts", "chosen"), *at)
    return Kind(
        name=name,
        says=file.get(str, *at, "says"),
        actions=frozenset(map(str, file.get(list, *at, "actions", default=[]))),
        papers=frozenset(map(str, file.get(list, *at, "papers", default=[]))),
        acts=tuple(_enumerated(file, Act, [*at, "acts"], file.get(list, *at, "acts", default=["answered"]))),
        chosen=file.get(bool, *at, "chosen", default=False),
    )


def _form(file: Toml, name: str) -> LetterForm:
    at = ("letter", name)
    file.refuse_others(_FORM, *at)
    people = file.table(*at).get("people")
    if type(people) is not int or not 1 <= people <= MAX_PEOPLE:
        file.note("`people` must be 1 or 2: how many release the letter", *at, "people")
    return LetterForm(
        name=name,
        title=file.get(str, *at, "title"),
        says=file.get(str, *at, "says"),
        template=file.get(str, *at, "template"),
        cites=file.get(bool, *at, "cites", default=True),
        may_remedy=file.get(bool, *at, "remedy", default=False),
        people=people if type(people) is int else MAX_PEOPLE,
        office=file.get(str, *at, "office"),
        fields=tuple(read_field(file, name, field) for field in file.get(dict, *at, "field", default={})),
        translations={
            language: _translation(file, name, language)
            for language in file.get(dict, *at, "translation", default={})
        },
        sample_clauses=tuple(map(str, file.get(list, *at, "sample_clauses", default=[]))),
    )


def _translation(file: Toml, letter: str, language: str) -> Translation:
    at = ("letter", letter, "translation", language)
    file.refuse_others(("title", "template", "choices", "reviewed_by", "reviewed_on"), *at)
    raw = file.table(*at)
    if language not in file.table("words"):
        file.note(f"there are no `[words.{language}]` for this translation", *at)
    reviewed = "reviewed_by" in raw, "reviewed_on" in raw
    if reviewed[0] != reviewed[1]:
        file.note("a review has both `reviewed_by`, an office, and `reviewed_on`, a date", *at)
    return Translation(
        language=language,
        title=file.get(str, *at, "title"),
        template=file.get(str, *at, "template"),
        choices=file.get(dict, *at, "choices", default={}),
        reviewed_by=file.get(str, *at, "reviewed_by") if all(reviewed) else None,
        reviewed_on=file.get(date, *at, "reviewed_on") if all(reviewed) else None,
    )


def _rule(file: Toml, number: int, kinds: Mapping[str, Kind], forms: Mapping[str, LetterForm]) -> Rule:
    at = ["rule", str(number)]
    raw = file.data["rule"][number]
    if not isinstance(raw, dict):
        raw = {}
        file.note("a rule is a table: `[[rule]]`", *at)
    for key in raw:
        if key not in _RULE:
            file.note(f"unknown key `{key}` in a rule", *at, key, hint=f"one of {', '.join(_RULE)}")
    letter, why = raw.get("letter"), raw.get("why", "")
    if (letter is None) == (not why) or not isinstance(why, str):
        file.note("a rule has a `letter`, or says `why` none is written", *at)
    if letter is not None and letter not in forms:
        file.note(f"`{letter}` is no letter", *at, "letter")
    sealed = raw.get("sealed")
    if sealed is not None and not isinstance(sealed, bool):
        file.note("`sealed` must be true or false", *at, "sealed")
    for kind in _listed(raw.get("kind")):
        if kind not in kinds:
            file.note(f"`{kind}` is no kind of request", *at, "kind", hint=f"one of {', '.join(kinds)}")
    return Rule(
        kinds=frozenset(_listed(raw.get("kind"))),
        acts=frozenset(_enumerated(file, Act, [*at, "act"], raw.get("act"))),
        outcomes=frozenset(_enumerated(file, Outcome, [*at, "outcome"], raw.get("outcome"))),
        postures=frozenset(_enumerated(file, Posture, [*at, "posture"], raw.get("posture"))),
        sealed=sealed,
        letter=letter,
        why=str(why),
        number=number,
    )


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _enumerated(file: Toml, words: type[Word], at: list[str], value: object) -> Iterator[Word]:
    for word in _listed(value):
        if word in set(words):
            yield words(word)
        else:
            file.note(f"`{word}` is none of {', '.join(words)}", *at)


def _never(file: Toml, name: str) -> NeverSent:
    at = ("never", name)
    file.refuse_others(("match", "says"), *at)
    try:
        pattern = re.compile(file.get(str, *at, "match"), re.IGNORECASE)
    except re.error as error:
        file.note(f"`match` is no regular expression: {error}", *at, "match")
        pattern = re.compile(r"(?!)")
    return NeverSent(pattern, file.get(str, *at, "says"))


def _check_whole(file: Toml, book: LetterBook, pack: Pack) -> Iterator[Finding]:
    """Yield what only the whole shows: combinations without a letter, rules and letters that nothing reaches."""
    if LANGUAGE not in book.words:
        yield Finding(
            f"there are no `[words.{LANGUAGE}]`, and every letter is written in it", file.span("words")
        )
        return
    missing = list(book.uncovered())
    if missing:
        shown = "; ".join(map(str, missing[:MAX_SHOWN]))
        more = f"; and {len(missing) - MAX_SHOWN} more" if len(missing) > MAX_SHOWN else ""
        yield Finding(
            f"no rule says which letter: {shown}{more}",
            file.span("rule"),
            "add a rule, the last one with few keys",
        )
    for rule in book.unreached():
        yield Finding(
            "this rule is never reached: rules above it decide", file.span("rule", str(rule.number))
        )
    sent = {rule.letter for rule in book.rules}
    for name, form in book.forms.items():
        if name not in sent:
            yield Finding(f"no rule sends the letter `{name}`", file.span("letter", name))
        for language in (LANGUAGE, *form.translations):
            if form.office not in book.words[language].closings:
                at = ("words", language, "closing")
                yield Finding(f"there is no closing for the office `{form.office}`", file.span(*at))
        for clause in (one for one in form.sample_clauses if one not in pack.clauses):
            yield Finding(
                f"`{clause}` is no clause of the order", file.span("letter", name, "sample_clauses")
            )
        for language, translation in form.translations.items():
            yield from _check_choices(file, form, language, translation)
    for language, words in book.words.items():
        for name in (one for one in words.says if one not in {*pack.clauses, *Outcome}):
            yield Finding(f"`{name}` is no clause and no outcome", file.span("words", language, "says", name))
    for kind in book.kinds.values():
        for action in sorted(kind.actions - set(pack.requests.actions) if not book.inherited else ()):
            yield Finding(f"`{action}` is no action of the order", file.span("kind", kind.name, "actions"))
    for action in pack.requests.actions:
        if book.find_kind(action, frozenset()) is None:
            yield Finding(
                f"a request for `{action}` is of no kind",
                file.span("kind"),
                "the last kind may name no action and no paper",
            )


def _check_choices(
    file: Toml, form: LetterForm, language: str, translation: Translation
) -> Iterator[Finding]:
    at = ("letter", form.name, "translation", language)
    wanted = {field.name: set(field.choices) for field in form.fields if field.choices}
    got = {name: set(texts) for name, texts in translation.choices.items() if isinstance(texts, dict)}
    if wanted != got or not all(
        isinstance(text, str) for texts in translation.choices.values() for text in texts.values()
    ):
        yield Finding(
            f"the translation of `{form.name}` has not a text for each word of each choice", file.span(*at),
            f"`[letter.{form.name}.translation.{language}.choices.FIELD]`",
        )  # fmt: skip

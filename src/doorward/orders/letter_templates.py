"""What is wrong with the templates of letters: what they read, which fields they show, what every letter says. Pure.

A template is typst, of the order, signed with it. This is a check of its text for mistakes and for what would make a
letter depend on the network or the host, not a sandbox against those who sign orders.
"""

import re
from collections.abc import Iterator
from typing import Final

from doorward.errors import Finding, Span
from doorward.orders.letter_book import LetterBook, LetterForm
from doorward.orders.toml import Toml

FOLDER: Final = "letters/"
SHARED: Final = frozenset({"page.typ", "letter.typ"})  # doorward's own sources, which a template may import
_IMPORT: Final = re.compile(r"\b(?:import|include)\b(?!\s*\"(?P<name>[a-z0-9/-]+\.typ)\")", re.ASCII)
_IMPORTED: Final = re.compile(r"\b(?:import|include)\s*\"(?P<name>[a-z0-9/.-]+)\"", re.ASCII)
_CLOSED: Final = re.compile(r"\b(?:eval|plugin)\b|\bsys\s*\.\s*inputs\b|\bread\s*\(")
_SWALLOWED: Final = re.compile(r"#[a-z-]+\([^()\n]*\)\s*;")  # typst takes it for the end of the expression
_COMMENT: Final = re.compile(r"^\s*//.*$", re.MULTILINE)
_FIELD: Final = re.compile(r"\b(?P<call>value|has)\(\s*\"(?P<name>[^\"]*)\"")
_FAULTS: Final = (
    (_IMPORT, "imports something else than a file"),
    (_CLOSED, "uses a closed function"),
    (_SWALLOWED, "loses the semicolon"),
)


def check_templates(file: Toml, book: LetterBook) -> Iterator[Finding]:
    """Yield each fault of the templates, and each letter whose template is missing."""
    used = set()
    for name, form in book.forms.items():
        for template, at in (
            (form.template, ("letter", name, "template")),
            *((t.template, ("letter", name, "translation", t.language)) for t in form.translations.values()),
        ):
            used.add(template)
            if template in book.sources:
                yield from _check_form(form, template, book)
            else:
                yield Finding(f"there is no `{FOLDER}{template}`", file.span(*at))
    for name, text in book.sources.items():
        yield from _check_source(name, text)
        for found in _IMPORTED.finditer(text):
            used.add(found["name"])
            if found["name"] not in {*book.sources, *SHARED}:
                yield Finding(f"there is no `{found['name']}`", _place(name, text, found.start()))
    for name in sorted(set(book.sources) - used):
        yield Finding(f"`{FOLDER}{name}` is used by no letter", Span(FOLDER + name, 1, 1))


def _check_source(name: str, text: str) -> Iterator[Finding]:
    if not name.endswith(".typ"):
        yield Finding("expected a template, a name that ends in `.typ`", Span(FOLDER + name, 1, 1))
    if name in SHARED:
        yield Finding(f"`{FOLDER}{name}` has the name of a source of doorward", Span(FOLDER + name, 1, 1))
    for pattern, said in _FAULTS:
        for found in pattern.finditer(text):
            yield Finding(
                f"a template {said}: `{found.group()}`",
                _place(name, text, found.start()),
                "it may import `letter.typ` and the templates beside it, and gets its data as `given`",
            )


def _check_form(form: LetterForm, template: str, book: LetterBook) -> Iterator[Finding]:
    """Yield each field that the template misspells or leaves out, and what every letter says and this one does not."""
    known = {field.name for field in form.fields}
    whole = book.sources[template]
    for found in _FIELD.finditer(whole):
        if found["name"] not in known:
            yield Finding(
                f"the letter `{form.name}` has no field `{found['name']}`",
                _place(template, whole, found.start()),
            )
    texts = [whole, *(book.sources.get(name["name"], "") for name in _IMPORTED.finditer(whole))]
    text = _COMMENT.sub("", "\n".join(texts))
    shown = {found["name"] for found in _FIELD.finditer(text) if found["call"] == "value"}
    for name in sorted(known - shown):
        yield Finding(
            f"the template never shows the field `{name}` of `{form.name}`", Span(FOLDER + template, 1, 1)
        )
    for call, needed in (
        ("#show: letter", True), ("#contact()", True), ("#why(", form.cites), ("#remedy()", form.may_remedy),
    ):  # fmt: skip
        if needed and call not in text:
            yield Finding(f"the template of `{form.name}` lacks `{call}`", Span(FOLDER + template, 1, 1))


def _place(name: str, text: str, at: int) -> Span:
    line = text.count("\n", 0, at) + 1
    return Span(FOLDER + name, line, at - (text.rfind("\n", 0, at) + 1) + 1)

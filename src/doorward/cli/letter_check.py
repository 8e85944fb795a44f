"""`doorward letter check`: every combination has a letter, every template is set with sample data.

Exit codes: 0 all is well, 1 a fault, 2 there is no such order.
"""

from collections.abc import Iterator
from typing import Annotated

import typer

from doorward.desk.letters.render import ENGLISH, render
from doorward.desk.letters.sample import DAY, sample_answer, sample_letter
from doorward.errors import ConfigError
from doorward.orders.letter_book import LetterBook, LetterForm
from doorward.orders.letters import read_letters
from doorward.orders.load import load_pack, read_plain_letters
from doorward.orders.pack import Pack


def check(
    order: Annotated[
        str, typer.Option(help="a shipped order such as `chicago`, or the folder of one")
    ] = "chicago",
) -> None:
    """Check the letters of an order: rules, fields, templates, translations; each is set as PDF/UA-1 and PDF/A-2a."""
    pack = load_pack(order)
    book, findings = read_letters(pack, read_plain_letters())
    for finding in findings:
        typer.echo(str(finding))
        if finding.hint:
            typer.echo(f"  {finding.hint}")
    if book is None:
        typer.echo(f"{order}: {len(findings)} faults")
        raise typer.Exit(1)
    combinations = list(book.combinations())
    written = sum(rule is not None and rule.letter is not None for rule in map(book.find_rule, combinations))
    rest = len(combinations) - written
    typer.echo(f"order {pack.name}, letters {book.digest[:16]}{', the plain ones' if book.inherited else ''}")
    typer.echo(f"{len(combinations)} combinations: {written} with a letter, {rest} with a reason for none")
    faults = 0
    for form in book.forms.values():
        faults += sum(not _is_set(pack, book, form, language) for language in (ENGLISH, *form.translations))
    for line in _unreviewed(book):
        typer.echo(line)
    typer.echo(f"{order}: {f'{faults} faults' if faults else 'no fault'}")
    if faults:
        raise typer.Exit(1)


def _is_set(pack: Pack, book: LetterBook, form: LetterForm, language: str) -> bool:
    letter = sample_letter(pack, book, form)
    for with_remedy in (False, True):
        answer = sample_answer(letter, with_remedy=with_remedy)
        try:
            render(letter, answer, day=DAY, language=language, is_preview=True)
        except ConfigError as error:
            typer.echo(f"{form.name} ({language}): {error}")
            return False
    typer.echo(f"{form.name} ({language}): set, released by {form.people} of `{form.office}`")
    return True


def _unreviewed(book: LetterBook) -> Iterator[str]:
    for form in book.forms.values():
        waits = [language for language, one in form.translations.items() if not one.is_reviewed]
        if waits:
            yield f"{form.name}: not sent in {', '.join(waits)}; no person has reviewed it"

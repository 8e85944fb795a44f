"""`doorward letter show`: one letter with sample data, for whoever writes or reviews its words."""

from pathlib import Path
from typing import Annotated

import typer

from doorward.desk.letters.render import ENGLISH, render
from doorward.desk.letters.sample import DAY, sample_answer, sample_letter
from doorward.errors import ConfigError
from doorward.orders.load import load_letters, load_pack


def show(
    kind: Annotated[str, typer.Argument(help="a letter of the order, such as `declined-paper`")],
    out: Annotated[Path, typer.Option(help="the PDF to write")],
    order: Annotated[
        str, typer.Option(help="a shipped order such as `chicago`, or the folder of one")
    ] = "chicago",
    language: Annotated[
        str, typer.Option(help="`en`, or a language into which the letter is translated")
    ] = ENGLISH,
    remedy: Annotated[bool, typer.Option("--remedy", help="also say what would change the answer")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Write one letter with sample data. What no person has reviewed says so on its page."""
    pack = load_pack(order)
    book = load_letters(pack)
    if kind not in book.forms:
        raise ConfigError(
            f"`{kind[:60]}` is no letter of `{pack.name}`", hint=f"one of {', '.join(book.forms)}"
        )
    letter = sample_letter(pack, book, book.forms[kind])
    if remedy and not letter.form.may_remedy:
        raise ConfigError(f"the letter `{kind}` never says what would change an answer")
    answer = sample_answer(letter, with_remedy=remedy)
    pdf = render(letter, answer, day=DAY, language=language, is_preview=True)
    try:
        out.write_bytes(pdf)
    except OSError as error:
        raise ConfigError(f"`{out}` cannot be written: {error.strerror}") from error
    typer.echo(f"{out}: {letter.form.title}, {len(pdf)} bytes")

"""`doorward letter sign`: one person of an office releases a letter that the desk has drafted, with their own key.

It runs on that person's machine and needs no installation, no order and no network: the letter, its statement, a key.
Exit codes: 0 signed; 1 the letter is another one, or it is not this person's to sign; 2 a file is missing; 3 it is no
statement.
"""

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.letter_verify import read_bytes
from doorward.desk.letters.release import read_draft, sign_draft
from doorward.errors import ConfigError
from doorward.notes.key_files import load_key


def sign(
    letter: Annotated[Path, typer.Argument(help="the PDF, as you downloaded it from the desk and read it")],
    note: Annotated[Path, typer.Option(help="its statement, or the note with the signatures so far")],
    key: Annotated[Path, typer.Option(help="your secret key, named by office and login")],
    out: Annotated[Path, typer.Option(help="the signed note to write; the desk takes it in")],
) -> None:
    """Sign a letter of the desk. What you read is what you sign: the note is about the bytes of this PDF."""
    draft = read_draft(read_bytes(letter), read_bytes(note))
    signed = sign_draft(draft, load_key(key))
    try:
        out.write_bytes(signed.note)
    except OSError as error:
        raise ConfigError(f"`{out}` cannot be written: {error.strerror}") from error
    said = draft.statement
    typer.echo(f"signed: {said.letter}, reference {said.reference}, of {said.day}, by {signed.signers[-1]}")
    typer.echo(f"{out}: hand it in on the letter's page; {said.people} of `{said.office}` release it")

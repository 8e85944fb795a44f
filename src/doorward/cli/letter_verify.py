"""`doorward letter verify`: somebody who got a letter learns whether the office released it.

Exit codes: 0 it was released, 1 it was not or was changed, 2 a file is missing, 3 it is no release note.
"""

from pathlib import Path
from typing import Annotated

import typer

from doorward.desk.letters.release import verify_letter
from doorward.errors import ConfigError
from doorward.notes.note import parse_verifier_key
from doorward.orders.load import load_letters, load_pack

MAX_BYTES = 32 * 1024 * 1024


def verify(
    letter: Annotated[Path, typer.Argument(help="the PDF as it came")],
    note: Annotated[Path, typer.Option(help="its release note")],
    keys: Annotated[
        Path, typer.Option(help="the office's public keys, one a line, from a place that you trust")
    ],
    order: Annotated[str, typer.Option(help="the order under which it was written")] = "chicago",
) -> None:
    """Say whether a letter is the one that was released, and by how many people of which office."""
    lines = read_bytes(keys).decode("utf-8", errors="replace").splitlines()
    officials = [parse_verifier_key(line.strip()) for line in lines if line.strip()]
    book = load_letters(load_pack(order))
    found = verify_letter(read_bytes(letter), read_bytes(note), officials, book)
    said = found.statement
    typer.echo(
        f"released: {said.letter}, reference {said.reference}, of {said.day}, "
        f"by {len(found.signers)} of `{said.office}`"
    )
    typer.echo(f"such a letter is sent where {book.forms[said.letter].says}")
    if said.people == 1:
        typer.echo("one person releases it; it acknowledges, and decides nothing, whatever stands in it")
    if not found.is_current:
        typer.echo("it was written under other letters of the order than those that are here")


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        ConfigError: It cannot be read, or is larger than a letter.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"`{path}` is larger than {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"`{path}` cannot be read: {error.strerror}") from error

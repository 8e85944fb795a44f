"""The text of a note that people sign: a header, then a line ``name: value`` for each field, in one order; pure.

Every document that doorward lets somebody sign is of this form: a statement of an order, an observation, a cut, an
answer, a record, a review, a look at an attested number. Whoever reads one compares it with what is written from it
again, so that one meaning has one text; here is only the form.
"""

from collections.abc import Iterable, Sequence

from doorward.errors import MalformedError


def format_lines(header: str, pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the text of a document, as it is signed.

    Args:
        header: The kind of document and its version.
        pairs: Names and values; no value holds a line break.
    """
    return "".join([f"{header}\n", *(f"{name}: {value}\n" for name, value in pairs)]).encode()


def parse_pairs(text: bytes, header: str) -> list[tuple[str, str]]:
    """Return names and values in their order, whatever they are.

    Args:
        text: Of anybody.

    Raises:
        MalformedError: It begins with another header, or a line has no name.
    """
    first, *lines = text.decode("utf-8", errors="replace").removesuffix("\n").split("\n")
    found = [line.partition(": ") for line in lines]
    if first != header or not all(colon for _, colon, _ in found):
        raise MalformedError(
            f"expected a document that begins with `{header}`, and a line `name: value` for each field"
        )
    return [(name, value) for name, _, value in found]


def parse_lines(text: bytes, header: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the values of a document whose fields are these, in this order.

    Args:
        text: Of anybody.

    Raises:
        MalformedError: It is no such document.
    """
    try:
        found = parse_pairs(text, header)
    except MalformedError:
        found = []
    if [name for name, _ in found] != list(names):
        raise MalformedError(f"expected `{header}` and a line for each of {', '.join(names)}")
    return tuple(value for _, value in found)


def is_line(text: str, most: int) -> bool:
    """Return True where a person wrote something, in one line of at most so many characters."""
    return bool(text.strip()) and len(text) <= most and text.isprintable()

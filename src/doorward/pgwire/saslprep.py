"""A password's bytes as PostgreSQL and libpq prepare them: SASLprep where it applies, else as they are.

Faithful to PostgreSQL, not to RFC 4013: ASCII passes unchanged; what may not stand in the output is looked for
before normalization; normalization is that of today's Unicode; a failure of any kind means the raw bytes. A
stricter reading would lock out people whose password PostgreSQL takes.

Source: pg_saslprep in PostgreSQL's saslprep.c; RFC 3454, RFC 4013.
"""

import stringprep
import unicodedata
from typing import Final

_PROHIBITED: Final = (
    stringprep.in_table_a1,  # not assigned in Unicode 3.2
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def prepare_password(password: str) -> bytes:
    """Return the bytes that a password stands for."""
    if password.isascii():
        return password.encode()
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter
        for letter in password
        if stringprep.in_table_c12(letter) or not stringprep.in_table_b1(letter)
    )
    if not mapped or _is_prohibited(mapped) or _mixes_directions(mapped):
        return password.encode("utf-8", "surrogatepass")
    return unicodedata.normalize("NFKC", mapped).encode()


def _is_prohibited(text: str) -> bool:
    return any(table(letter) for letter in text for table in _PROHIBITED)


def _mixes_directions(text: str) -> bool:
    right = [stringprep.in_table_d1(letter) for letter in text]
    if not any(right):
        return False
    return any(stringprep.in_table_d2(letter) for letter in text) or not (right[0] and right[-1])

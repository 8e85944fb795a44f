"""What an event of a matter says, as a line for people. Pure."""

from collections.abc import Mapping
from typing import Final

_DIGEST_LENGTH: Final = 64
_SHOWN: Final = 12


def tell(says: Mapping[str, object]) -> str:
    """Return what an event says: its words in their order, `yes` and `no` for what is so and is not.

    Args:
        says: As it is kept; what is empty is left out, a digest is shown by its beginning, and what is nested, as the
            answers before and after a correction, has its own place on the page.
    """
    return "; ".join(
        f"{key.replace('_', ' ')}: {_word(value)}"
        for key, value in says.items()
        if value not in ("", None) and not isinstance(value, Mapping)
    )


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_word, value))
    text = str(value)
    is_digest = len(text) == _DIGEST_LENGTH and set(text) <= set("0123456789abcdef")
    return f"{text[:_SHOWN]}..." if is_digest else text

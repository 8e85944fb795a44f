"""How a case number and a time are written, for people and for schemas alike. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of text is written.

    Args:
        pattern: An expression over the whole text, in the part of the language that JSON Schema shares.
        says: What a form says where it is not.
        is_time: It must be a time that exists, too.
    """

    pattern: str
    says: str
    longest: int
    is_time: bool = False

    def fits(self, text: str) -> bool:
        """Return whether a text is written so."""
        if re.fullmatch(self.pattern, text, re.ASCII) is None:
            return False
        if not self.is_time:
            return True
        try:
            return datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            return False


CASE_NUMBER: Final = Wording(
    r"[A-Za-z0-9][A-Za-z0-9 .:/_-]*",
    "a number as it stands on the paper: letters, digits and - . : / only",
    60,
)
# RFC 3339, section 5.6, without a leap second.
DATE_TIME: Final = Wording(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})",
    "a date and a time with its offset, as 2026-03-01T09:30-06:00",
    25,
    is_time=True,
)

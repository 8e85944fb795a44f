"""How a login proved itself: what the record says of it, and what rests on it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Method(StrEnum):
    """What was shown."""

    PASSWORD = "password"  # noqa: S105  # the name of a method
    CERTIFICATE = "certificate"
    TOKEN = "token"  # noqa: S105  # as above


@dataclass(frozen=True, slots=True)
class Proof:
    """What a login showed.

    Args:
        has_second_factor: Whether whoever vouches for the login says that there were two factors.
        until: When what was shown ends; aware, or None.
    """

    method: Method = Method.PASSWORD
    has_second_factor: bool = False
    until: datetime | None = None

    def __str__(self) -> str:
        """Return the words for the record."""
        return f"{self.method}, second factor" if self.has_second_factor else str(self.method)


PASSWORD = Proof()

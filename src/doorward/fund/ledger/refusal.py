"""A refusal is a value: a word for programs and a line for people. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was posted.

    Args:
        code: One word, of those in docs/howto/fund.md.
        says: One line; it names ids, lines, years and cents, and no person.
    """

    code: str
    says: str


def refuse(code: str, says: str) -> Refusal:
    """Return a refusal."""
    return Refusal(code, says)


class RefusedError(Exception):
    """Carries a refusal out of the rule that found it; `decide` turns it into a value, and nobody else sees it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.says)
        self.refusal = refusal


def refused(code: str, says: str) -> RefusedError:
    """Return what a rule raises."""
    return RefusedError(Refusal(code, says))

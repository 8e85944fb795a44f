"""Accounts, postings and which operation may post where. Pure.

Two books. The book of authority says what may be spent: appropriated, available, pending, encumbered, expended. The
book of cash says what was: expense, advance, payable, treasury. Debits are positive cents, credits negative.

INVARIANT (equation): the postings of one transaction add to nothing in each book, fiscal year and line. So no
year and no line is ever paid for by another, and a carry-over is two pairs.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_CENTS: Final = 10**14  # a million millions of dollars; a sum of a million of them is still a bigint


class Account(StrEnum):
    """Where cents stand; the first four and the last two are a line's, the others an agreement's in a line."""

    APPROPRIATED = "appropriated"  # credit: authority that was given
    AVAILABLE = "available"
    LAPSED = "lapsed"  # given back at the close of its year
    CARRIED = "carried"  # into the next year (debit) or from the last (credit)
    PENDING = "pending"
    ENCUMBERED = "encumbered"
    EXPENDED = "expended"
    EXPENSE = "expense"
    ADVANCE = "advance"
    PAYABLE = "payable"  # credit: approved and not paid
    REFUND = "refund"  # credit: came back for a year that is closed
    TREASURY = "treasury"  # credit: paid out
    MOVED = "moved"  # advances, into the next year or from the last


LINE_ACCOUNTS: Final = frozenset(
    {
        Account.APPROPRIATED, Account.AVAILABLE, Account.LAPSED, Account.CARRIED,
        Account.TREASURY, Account.MOVED,
    }
)  # fmt: skip
"""Of a line and no agreement."""
AUTHORITY: Final = frozenset(
    {
        Account.APPROPRIATED, Account.AVAILABLE, Account.LAPSED, Account.CARRIED,
        Account.PENDING, Account.ENCUMBERED, Account.EXPENDED,
    }
)  # fmt: skip
"""The book of authority; the others are the book of cash."""
NEVER_NEGATIVE: Final = frozenset(
    {
        Account.AVAILABLE, Account.LAPSED, Account.PENDING, Account.ENCUMBERED, Account.EXPENDED,
        Account.EXPENSE, Account.ADVANCE,
    }
)  # fmt: skip
NEVER_POSITIVE: Final = frozenset({Account.APPROPRIATED, Account.PAYABLE, Account.REFUND})

MAY_POST: Final = {
    "open-year": "",
    "appropriate": "+appropriated -appropriated +available -available",
    "agree": "-available +pending",
    "amend": "-available +pending +available -encumbered",
    "post": "-pending +encumbered",
    "void": "-pending -encumbered +available",
    "file": "",
    "withdraw": "",
    "approve": "-encumbered +expended +expense -payable +payable -advance +advance",
    "pay": "+payable -treasury",
    "refund": "+treasury -expense -expended +encumbered +available -advance -refund",
    "close-out": "-encumbered +available",
    "close-year": (
        "-pending -encumbered +available -available +lapsed +carried -carried +encumbered "
        "-advance +moved -moved +advance"
    ),
    "opening": "-appropriated +available +encumbered +expended +expense -treasury",
}
"""What an operation may debit (+) and credit (-); what is not here is refused, here and in the database."""


@dataclass(frozen=True, slots=True)
class Posting:
    """Cents in an account.

    Args:
        year: The fiscal year that it is of.
        agreement: Empty for an account of a line.
        cents: Debit positive, credit negative, never nought.
        origin: Of a refund for a closed year: that year; else 0.
    """

    account: Account
    year: int
    line: str
    agreement: str
    cents: int
    origin: int = 0

    @property
    def place(self) -> tuple[Account, int, str, str]:
        """Where its cents stand."""
        return self.account, self.year, self.line, self.agreement


def unbalanced(postings: tuple[Posting, ...]) -> tuple[tuple[bool, int, str], ...]:
    """Return each book (of authority or not), year and line in which debits are not the credits."""
    sums: dict[tuple[bool, int, str], int] = {}
    for one in postings:
        book = (one.account in AUTHORITY, one.year, one.line)
        sums[book] = sums.get(book, 0) + one.cents
    return tuple(sorted(book for book, cents in sums.items() if cents))

"""The state of a fund as a value, or the part of it that one operation needs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeAlias

from doorward.fund.ledger.accounts import Account, Posting
from doorward.fund.ledger.operations import Part

Place: TypeAlias = tuple[Account, int, str, str]
WAITING: Final = "waiting"
APPROVED: Final = "approved"
PAID: Final = "paid"
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the fund, as the order's fund.toml has it.

    Args:
        services: The service types that it may buy.
        enabled: Whether anything may be posted to it.
        carries: Whether its authority that is left is carried into the next year, and does not lapse.
    """

    code: str
    services: frozenset[str]
    enabled: bool = True
    carries: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What the order's fund.toml says of the ledger.

    Args:
        sources: Words for where authority came from.
        approvals: How many people approve a claim, the one who filed it not among them.
    """

    lines: Mapping[str, Line]
    sources: frozenset[str]
    approvals: int = 2


@dataclass(frozen=True, slots=True)
class Year:
    """A fiscal year."""

    year: int
    begins: date
    ends: date
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement with a grantee.

    Args:
        author: Who last set money aside for it.
    """

    id: str
    grantee: str
    begins: date
    ends: date
    author: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a grantee, and how far it is."""

    id: str
    agreement: str
    kind: str
    number: str
    author: str
    parts: tuple[Part, ...]
    approvers: tuple[str, ...] = ()
    status: str = WAITING


@dataclass(frozen=True, slots=True)
class State:
    """A fund at a moment.

    Args:
        balances: Cents by place; what is not there is nought.
        returned: What came back for a closed year, by that year, line and agreement.
        begun: Years and lines into which anything but an opening was posted: nothing is taken over there any more.
    """

    rules: Rules
    years: Mapping[int, Year] = field(default_factory=dict)
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    balances: Mapping[Place, int] = field(default_factory=dict)
    returned: Mapping[tuple[int, str, str], int] = field(default_factory=dict)
    begun: frozenset[tuple[int, str]] = frozenset()

    def at(self, account: Account, year: int, line: str, agreement: str = "") -> int:
        """Return the cents in an account."""
        return self.balances.get((account, year, line, agreement), 0)

    def is_open(self, year: int) -> bool:
        """Whether anything may be posted into a year."""
        return year in self.years and not self.years[year].closed

    def holdings(
        self, *, year: int | None = None, agreement: str | None = None
    ) -> list[tuple[int, str, str]]:
        """Return year, line and agreement of all that agreements hold, in order."""
        found = {
            (at_year, line, of)
            for (_, at_year, line, of) in self.balances
            if of and year in {None, at_year} and agreement in {None, of}
        }
        return sorted(found)

    def post(self, postings: Iterable[Posting]) -> "State":
        """Return the state after postings; whether they may be is for `decide` to say."""
        balances, returned = dict(self.balances), dict(self.returned)
        for one in postings:
            balances[one.place] = balances.get(one.place, 0) + one.cents
            if one.origin:
                place = (one.origin, one.line, one.agreement)
                returned[place] = returned.get(place, 0) - one.cents
        return replace(self, balances=balances, returned=returned)

"""What a reversed payment would post: refunds of what its claims had paid, in years that are open. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from doorward.fund.ledger.operations import Part, Refund
from doorward.fund.ledger.spend import sums
from doorward.fund.ledger.state import Claim, State

BY_HAND = "post it with `doorward fund refund` under the reversal's number"


@dataclass(frozen=True, slots=True)
class Returning:
    """A refund that would be posted."""

    agreement: str
    year: int
    line: str
    cents: int
    of_year: int
    advance: bool

    def operation(self, reference: str) -> Refund:
        """Return the ledger's operation of it."""
        return Refund(
            self.agreement, self.year, self.line, self.cents, self.of_year, reference, advance=self.advance
        )


def returning_of(state: State, claims: Sequence[Claim], cents: int) -> tuple[tuple[Returning, ...], str]:
    """Return the refunds that bring cents of paid claims back, or none and why a person must say which.

    Args:
        claims: All were paid by the payment that is reversed.
        cents: As the reversal says.
    """
    found: list[Returning] = []
    for claim in claims:
        net = (Part(one.year, one.line, one.cents - one.recoup) for one in claim.parts)
        for (of_year, line), paid in sums(net).items():
            year = of_year if state.is_open(of_year) else _open_after(state, of_year)
            advance = claim.kind == "advance"
            if year is None or (advance and year != of_year):
                return (), f"the year {of_year} is closed: {BY_HAND}"
            if paid:
                found.append(Returning(claim.agreement, year, line, paid, of_year, advance))
    if sum(one.cents for one in found) == cents:
        return tuple(found), ""
    if len(found) == 1 and cents < found[0].cents:
        only = found[0]
        return (
            (Returning(only.agreement, only.year, only.line, cents, only.of_year, only.advance),),
            "",
        )
    return (), f"the sum is not that of the claims, and of which line it is nobody says: {BY_HAND}"


def _open_after(state: State, year: int) -> int | None:
    later = [one for one in sorted(state.years) if one > year and state.is_open(one)]
    return later[0] if later else None

"""What opens at the database while clauses are observed, as examples for the people who sign. Needs z3."""

from dataclasses import dataclass

from doorward.errors import ConfigError
from doorward.orders.diff import symbolic
from doorward.orders.observed import Observed
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.difference import Side, find_changes
from doorward.policy.request import Request

OPEN = "open"


@dataclass(frozen=True, slots=True)
class _AtDoor(Side):
    """An order as the database has it: open is what is permitted, and what is outside of the order shows no row."""

    def answers(self) -> dict[str, int]:
        outcomes = self.order.outcomes
        closed = self.order.terms.disjoin((outcomes[Outcome.REFER], outcomes[Outcome.OUTSIDE]))
        return {"deny": outcomes[Outcome.DENY], "refer": closed, OPEN: outcomes[Outcome.PERMIT]}


def find_opened(pack: Pack, observed: Observed) -> list[tuple[Outcome, Request]]:
    """Return what is permitted at the database only because clauses are observed: what it is in full, and a request.

    One for each kind of change and of resource: an example, and no list of everything that opens.

    Raises:
        ConfigError: z3 gave no answer in time, or an example that the order decides otherwise.
        UnsupportedPolicyError: A policy has no terms.
    """
    assert pack.model is not None
    action = pack.model.action
    before, after = symbolic(pack), symbolic(observed.pack)
    opened = []
    for kind in pack.requests.actions[action]:
        sides = (
            _AtDoor(before.order(action, kind), pack.requests),
            _AtDoor(after.order(action, kind), pack.requests),
        )
        changes, unknown = find_changes(*sides)
        requests = [change.new for change in changes if change.after == OPEN]
        if unknown or any(
            observed.pack.decide(request).outcome is not Outcome.PERMIT for request in requests
        ):
            raise ConfigError(f"what opens of `{action}` of {kind} by this could not be found out")
        opened += [(pack.decide(request).outcome, request) for request in requests]
    return opened

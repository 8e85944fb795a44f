"""Whether a session that may query may also export, decided at connect beside the query, for the same facts.

An export is opened where the order permits it, or does not speak of it (`outside`: ordinary rules apply, and which rows
are visible was decided before). An order without the word `export` speaks of no export. What an official approved was
a query, so an export is asked with the facts as they stand, without what the approval changed.
"""

from dataclasses import replace
from typing import Protocol

from doorward.gateway.answer import Refusal
from doorward.gateway.verdict import refuse_outsider, refuse_staff
from doorward.orders.pack import Pack
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Request

EXPORT = "export"
OPENED = frozenset({Outcome.PERMIT, Outcome.OUTSIDE})


class Asked(Protocol):
    """What was put to the order at connect."""

    @property
    def request(self) -> Request:
        """The query, with its facts."""

    @property
    def own_agency(self) -> bool:
        """Whether the person is one of the order's own people."""


def decide_export(pack: Pack, asked: Asked) -> tuple[Decision | None, Refusal | None]:
    """Return the order's decision on an export, None where it has no such word, and the refusal if it opens none."""
    query = asked.request
    if query.resource.type not in pack.requests.actions.get(EXPORT, ()):
        return None, None
    request = replace(query, action=EXPORT)
    decision = pack.decide(request)
    if decision.outcome in OPENED:
        return decision, None
    if asked.own_agency:
        return decision, refuse_staff(pack.explain(request), pack)
    return decision, refuse_outsider(decision, pack)

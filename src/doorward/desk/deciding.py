"""What the order answers to a request that a person brought, with all that the registers say of it.

Every decision of the desk is made here: when it is shown before it is filed, when it is filed, and when it is asked
again after an act. So what a form says, what registers say and what named persons did come together in one place.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.values import Uid
from doorward.desk.order import order
from doorward.desk.registers_read import read_registers
from doorward.grants.consulting import PURPOSE, Asking, Consulted, PaperWord, consult, latest_papers
from doorward.orders.intake import Asked
from doorward.policy.completions import find_possible
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Request, Resource
from doorward.policy.symbolic import Symbolic, SymbolicOrder

OF_PRINCIPAL: Final = "@principal.agency"
MAX_TERMS: Final = 200_000  # some 300 MB; 3,000 requests drawn at random made 23,000
OPENNESS: Final = (Outcome.DENY, Outcome.REFER, Outcome.OUTSIDE, Outcome.PERMIT)
"""From what closes to what opens; a determination never goes up this row."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The City person who would act, as they are to the order."""

    login: str
    role: str
    agency: str


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer and what it rests on.

    Args:
        may: What the order might answer instead, once a register that said nothing is known; empty where nothing
            would change, None where it is too much to try.
    """

    request: Request
    decision: Decision
    consulted: Consulted
    may: tuple[str, ...] | None = ()


def decide(
    asked: Asked,
    whose: Whose,
    *,
    happened: datetime,
    now: datetime,
    number: str = "",
    words: Sequence[PaperWord] = (),
    since: datetime | None = None,
) -> Decided:
    """Return what the order answers now.

    Args:
        asked: As intake has read it.
        happened: When it came, aware.
        number: Of the matter, by which records name it; empty before it has one.
        words: What named persons said of its papers at this desk.
        since: When an answer was put right: what signed records said of a paper before was said of another question.

    Raises:
        ConfigError: The answers make no request, or an act says what is not its to say.
    """
    pack = order().pack
    specs = pack.requests.specs(asked.resource.type)
    facts = {path: whose.agency if value == OF_PRINCIPAL else value for path, value in asked.facts.items()}
    local = happened.astimezone(ZoneInfo(settings.DESK.time_zone))
    asking = Asking(whose.login, specs, facts, _named(asked), local, now, number)
    consulted = consult(asking, read_registers())
    papers = [one for one in consulted.papers if since is None or one.at > since]
    acts = (*consulted.acts, *latest_papers([*words, *papers]))

    def ask(stated: Asked) -> tuple[Request, Decision]:
        request = stated.request(
            pack, principal_role=whose.role, principal_agency=whose.agency, acts=acts, now=now
        )
        return request, pack.decide(request)

    request, decision = ask(asked)
    if consulted.purpose is not None:
        closer = ask(replace(asked, facts={**asked.facts, PURPOSE: consulted.purpose}))
        if OPENNESS.index(closer[1].outcome) <= OPENNESS.index(decision.outcome):
            request, decision = closer
    return Decided(request, decision, consulted, _may(request, decision, consulted))


def _named(asked: Asked) -> dict[str, str]:
    """Return what the answers name, by the register that has it."""
    kind = order().intake.kinds[asked.kind]
    found = {}
    for question in kind.questions:
        said = asked.given.get(question.id)
        if question.register is not None and said:
            found[question.register] = said[0]
    return found


def _may(request: Request, decision: Decision, consulted: Consulted) -> tuple[str, ...] | None:
    """Return the other outcomes that what nobody could say leaves possible, or None where that is too much to try."""
    order_of = order().pack.requests
    specs = order_of.specs(request.resource.type)
    silent = {path for one in consulted.silent for path in one.facts if path in specs}
    if not silent:
        return ()
    known = {
        path: value
        for path, value in request.facts.items()
        if path not in silent and specs[path].definition is None
    }
    with _TURN:
        symbolic = _symbolic(request.action, request.resource)
        possible = find_possible(symbolic, order_of, known)
        if len(symbolic.terms.nodes) > MAX_TERMS:
            _symbolic.cache_clear()
    if not possible.exact:
        return None
    return tuple(outcome.value for outcome in possible.outcomes if outcome is not decision.outcome)


@cache
def _symbolic(action: str, resource: Resource) -> SymbolicOrder:
    """Return the order for one action and what it is asked of; made once a process, within a turn."""
    pack = order().pack
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in pack.requests.entities.items()})
    found = Symbolic(pack.policies, pack.requests, hierarchy).order(action, resource.type)
    if not resource.id:
        return found
    held = Uid(resource.type, resource.id)
    outcomes = {name: found.terms.replace(term, "resource", held) for name, term in found.outcomes.items()}
    return replace(found, outcomes=outcomes)


_TURN: Final = threading.Lock()
"""Terms are a table that grows while it is asked."""

"""What the order answers to a request that a person brought, with all that the registers say of it.

Every decision of the desk is made here: when it is shown before it is filed, when it is filed, and when it is asked
again after an act. So what a form says, what registers say and what named persons did come together in one place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from doorward.desk.order import order
from doorward.desk.registers_read import read_registers
from doorward.grants.consulting import PURPOSE, Asking, Consulted, PaperWord, consult, latest_papers
from doorward.orders.intake import Asked
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Fact, FactSpec, Request

OF_PRINCIPAL: Final = "@principal.agency"
MAX_COMPLETIONS: Final = 64
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
            would change, and every outcome where it is too much to try.
    """

    request: Request
    decision: Decision
    consulted: Consulted
    may: tuple[str, ...] = ()


def decide(
    asked: Asked,
    whose: Whose,
    *,
    happened: datetime,
    now: datetime,
    number: str = "",
    words: Sequence[PaperWord] = (),
) -> Decided:
    """Return what the order answers now.

    Args:
        asked: As intake has read it.
        happened: When it came, aware.
        number: Of the matter, by which records name it; empty before it has one.
        words: What named persons said of its papers at this desk.

    Raises:
        ConfigError: The answers make no request, or an act says what is not its to say.
    """
    pack = order().pack
    specs = pack.requests.specs(asked.resource.type)
    facts = {path: whose.agency if value == OF_PRINCIPAL else value for path, value in asked.facts.items()}
    local = happened.astimezone(ZoneInfo(settings.DESK.time_zone))
    asking = Asking(whose.login, specs, facts, _named(asked), local, now, number)
    consulted = consult(asking, read_registers())
    acts = (*consulted.acts, *latest_papers([*words, *consulted.papers]))

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
    return Decided(request, decision, consulted, _may(request, decision, consulted, specs))


def _named(asked: Asked) -> dict[str, str]:
    """Return what the answers name, by the register that has it."""
    kind = order().intake.kinds[asked.kind]
    found = {}
    for question in kind.questions:
        said = asked.given.get(question.id)
        if question.register is not None and said:
            found[question.register] = said[0]
    return found


def _may(
    request: Request, decision: Decision, consulted: Consulted, specs: Mapping[str, FactSpec]
) -> tuple[str, ...]:
    """Return the other outcomes that the facts nobody could say leave possible."""
    silent = sorted({path for one in consulted.silent for path in one.facts if path in specs})
    choices = [_values(specs[path]) for path in silent]
    size = 1
    for values in choices:
        size *= len(values)
    if not silent:
        return ()
    others = [outcome.value for outcome in Outcome if outcome is not decision.outcome]
    if not 0 < size <= MAX_COMPLETIONS:
        return tuple(others)
    pack = order().pack
    found = {
        pack.decide(pack.requests.change(request, dict(zip(silent, values, strict=True)))).outcome.value
        for values in product(*choices)
    }
    return tuple(outcome for outcome in others if outcome in found)


def _values(spec: FactSpec) -> tuple[Fact, ...]:
    if spec.words is not None:
        return spec.words
    return (False, True) if spec.unknown.__class__ is bool else ()

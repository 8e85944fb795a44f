"""Where one order answers otherwise than another: z3 looks for a request that both can be asked.

A fact of one path is one fact, an entity of one type and id is one entity; what each order's files say of it is its
own. A fact that only one order has may be anything. So a request that is found is one for each order, and each answers
it by its own rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import z3

from doorward.cedar.smt import Formulas
from doorward.cedar.terms import FALSE
from doorward.policy.decision import Outcome
from doorward.policy.prover import MAX_MS, constrain, find_plainest, possible, read_request
from doorward.policy.request import Request, RequestModel
from doorward.policy.symbolic import SymbolicOrder

CLASSES = ("deny", "refer", "open")  # from the most closed to the most open; permit and outside are open


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two orders, for one action and type of resource."""

    order: SymbolicOrder
    model: RequestModel

    def answers(self) -> dict[str, int]:
        """Return when each class of answer is given."""
        outcomes = self.order.outcomes
        return {"deny": outcomes[Outcome.DENY], "refer": outcomes[Outcome.REFER], "open": self.order.opens}


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of change, with a request that shows it: the same facts, as each order has them."""

    before: str
    after: str
    old: Request
    new: Request

    @property
    def opens(self) -> bool:
        """Whether the new order is the less closed one."""
        return CLASSES.index(self.after) > CLASSES.index(self.before)


def find_changes(old: Side, new: Side) -> tuple[list[Change], list[tuple[str, str]]]:
    """Return each kind of change between two orders, and the kinds that z3 could not decide in time."""
    before, after = old.answers(), new.answers()
    texts = any(_looks_into_texts(side) for side in (old, new))
    first = Formulas(
        old.order.terms,
        old.model.entities,
        [*possible(old.order, old.model), *before.values()],
        into_texts=texts,
    )
    second = Formulas(
        new.order.terms,
        new.model.entities,
        [*possible(new.order, new.model), *after.values()],
        beside=first,
        into_texts=texts,
    )
    solver = z3.Solver()
    solver.set("timeout", MAX_MS)
    solver.add(*constrain(old.order, old.model, first), *constrain(new.order, new.model, second))
    changes, unknown = [], []
    for was in CLASSES:
        for now in CLASSES:
            if was == now or FALSE in {before[was], after[now]}:
                continue
            solver.push()
            solver.add(first.formula(before[was]), second.formula(after[now]))
            answer = solver.check()
            if answer == z3.sat:
                sides = ((first, old.model), (second, new.model))
                found = find_plainest(solver, sides, new.order.resource)
                changes.append(_read(was, now, found, {"old": (old, first), "new": (new, second)}))
            elif answer == z3.unknown:
                unknown.append((was, now))
            solver.pop()
    return changes, unknown


def _read(before: str, after: str, found: Any, sides: Mapping[str, tuple[Side, Formulas]]) -> Change:  # noqa: ANN401  # z3 is untyped
    requests = {
        name: read_request(found, formulas, side.model, side.order)
        for name, (side, formulas) in sides.items()
    }
    return Change(before, after, requests["old"], requests["new"])


def _looks_into_texts(side: Side) -> bool:
    return any(node.kind == "like" for node in side.order.terms.nodes)

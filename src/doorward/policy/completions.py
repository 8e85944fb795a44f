"""What a request could be answered once its missing facts are known: of every completion, without trying each.

The conditions of the order are narrowed by what is known. What is left reads few facts; each of those takes its words
in turn, and equal remainders are one. A text without words takes the constants and the other texts that it is compared
with, and one that is none of them. The search ends where each outcome that is left has a completion. So the answer is
exact, unless more than `MAX_COMPLETIONS` would have to be tried or a text is looked into.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from doorward.cedar.terms import FALSE, TRUE, Constant, Terms, needed
from doorward.cedar.types import BOOL, DATETIME, LONG, EntityType, Type
from doorward.cedar.values import Uid
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, FactSpec, RequestModel
from doorward.policy.symbolic import SymbolicOrder

MAX_COMPLETIONS = 4096


@dataclass(frozen=True, slots=True)
class Possible:
    """The outcomes that a request may have.

    Args:
        outcomes: In the order of precedence; one, where it is certain.
        exact: Whether each of them can come about; otherwise nothing was tried and all four are named.
    """

    outcomes: tuple[Outcome, ...]
    exact: bool

    @property
    def certain(self) -> Outcome | None:
        """The outcome, where there is one only."""
        return self.outcomes[0] if len(self.outcomes) == 1 else None


def find_possible(order: SymbolicOrder, model: RequestModel, known: Mapping[str, Fact]) -> Possible:
    """Return the outcomes of a request of which only some facts are known.

    Args:
        order: For its action and type of resource.
        model: Of the order.
        known: By path; every other fact is not known. Computed facts are left out.
    """
    terms, specs = order.terms, model.specs(order.resource)
    facts = {path: as_constant(specs[path].type, value) for path, value in known.items()}
    state = tuple(terms.replace_all(order.outcomes[outcome], facts) for outcome in Outcome)
    open_paths = sorted(frozenset[str]().union(*(terms.facts(term) for term in state)))
    choices: dict[str, tuple[Constant, ...]] = {}
    for path in open_paths:
        found = _choices(path, specs, terms, state, facts)
        if found is None:
            return Possible(tuple(Outcome), exact=False)
        choices[path] = found
    wanted = frozenset(outcome for outcome, term in zip(Outcome, state, strict=True) if term != FALSE)
    search = _Search(terms, choices, wanted)
    search.reach(state)
    if search.tried > MAX_COMPLETIONS and search.seen != wanted:
        return Possible(tuple(Outcome), exact=False)
    return Possible(tuple(outcome for outcome in Outcome if outcome in search.seen), exact=True)


def as_constant(kind: Type, value: Fact) -> Constant:
    """Return a fact as terms have it."""
    return Uid(kind.name, str(value)) if isinstance(kind, EntityType) else value


@dataclass(slots=True)
class _Search:
    """Looks for a completion of each outcome, and ends where there is one of all.

    Args:
        wanted: Outcomes that are not ruled out before anything is tried.
        seen: Those that some completion has.
    """

    terms: Terms
    choices: Mapping[str, tuple[Constant, ...]]
    wanted: frozenset[Outcome]
    seen: frozenset[Outcome] = frozenset()
    known: set[tuple[int, ...]] = field(default_factory=set)
    tried: int = 0

    def reach(self, state: tuple[int, ...]) -> None:
        """Note the outcomes that the completions of a state have, unless they are all seen or too much was tried."""
        if state in self.known:
            return
        self.known.add(state)
        left = sorted(frozenset[str]().union(*(self.terms.facts(term) for term in state)))
        if not left:
            self.seen |= {o for o, term in zip(Outcome, state, strict=True) if term == TRUE}
            return
        path = left[0]
        self.tried += len(self.choices[path])
        for value in self.choices[path]:
            if self.tried > MAX_COMPLETIONS or self.seen == self.wanted:
                return
            self.reach(tuple(self.terms.replace(term, path, value) for term in state))


def _choices(
    path: str,
    specs: Mapping[str, FactSpec],
    terms: Terms,
    state: Iterable[int],
    known: Mapping[str, Constant],
) -> tuple[Constant, ...] | None:
    """Return values of a fact that stand for all of them; None where no few do."""
    spec = specs.get(path)
    if spec is None:
        return None  # the principal or the resource itself: any entity
    if spec.type == BOOL:
        return (False, True)
    if spec.words is not None:
        return tuple(as_constant(spec.type, word) for word in spec.words)
    if spec.type in {LONG, DATETIME}:
        return None
    compared = {""}
    for number in needed(terms, state, {}):
        node = terms.nodes[number]
        if node.kind == "like":
            return None
        if node.kind == "value" and isinstance(node.value, str):
            compared.add(node.value)
        compared |= {target for target in node.targets if isinstance(target, str)}
    texts = [name for name, held in specs.items() if held.words is None and held.type == spec.type]
    compared |= {value for name in texts if isinstance(value := known.get(name), str)}
    # One of its own for each text, so that two that are not known may be equal or not.
    own = [f"\N{REPLACEMENT CHARACTER}{name}" for name in texts]
    return (*sorted(compared), *own)

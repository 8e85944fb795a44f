"""What changes where one order takes the place of another: in which answers, for whom, and in which words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.types import EntityType
from doorward.errors import PolicyError
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.difference import Change, Side, find_changes
from doorward.policy.request import FactSpec, Request
from doorward.policy.symbolic import Symbolic

OPEN = (Outcome.PERMIT, Outcome.OUTSIDE)
EQUAL, MORE, LESS, BOTH = "equal", "more permissive", "less permissive", "more and less permissive"


@dataclass(frozen=True, slots=True)
class Compared:
    """One action on one type of resource that both orders know.

    Args:
        changes: One for each kind of change, with a request that shows it.
        unknown: Kinds of change that z3 could not decide in time.
        replayed: Whether Cedar's own engine gives each example the answers that are stated.
    """

    action: str
    resource: str
    changes: tuple[Change, ...]
    unknown: tuple[tuple[str, str], ...]
    replayed: bool

    @property
    def verdict(self) -> str:
        """Whether the new order is more permissive here, less, both, or neither."""
        return verdict_of({change.opens for change in self.changes})


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different.

    Args:
        compared: Each action and type of resource that both know.
        only_old: What only the old order has: actions, facts, words, entities; each as `kind name`.
        only_new: What only the new one has.
    """

    old: str
    new: str
    compared: tuple[Compared, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Over everything that both can be asked."""
        return verdict_of({change.opens for one in self.compared for change in one.changes})

    @property
    def is_sure(self) -> bool:
        """Whether z3 decided everything and the engine agrees with every example."""
        return all(one.replayed and not one.unknown for one in self.compared)

    @property
    def is_same(self) -> bool:
        """Whether nothing is different in answers or words."""
        return self.is_sure and self.verdict == EQUAL and not self.only_old and not self.only_new


def verdict_of(directions: set[bool]) -> str:
    """Return the word for changes that open (True) and close (False)."""
    if directions == {True, False}:
        return BOTH
    if not directions:
        return EQUAL
    return MORE if True in directions else LESS


def compare_packs(old: Pack, new: Pack, *, progress: Callable[[str], None] = lambda _: None) -> Difference:
    """Return the difference between two orders.

    Args:
        old: What is in force.
        new: What would take its place.
        progress: Told what is compared next.

    Raises:
        UnsupportedPolicyError: A policy has no terms.
        PolicyError: A fact of one path has two types.
    """
    _check_types(old, new)
    first, second = symbolic(old), symbolic(new)
    compared = []
    for action, kinds in old.requests.actions.items():
        for kind in kinds:
            if kind in new.requests.actions.get(action, ()):
                progress(f"{action} of {kind}")
                sides = (Side(s.order(action, kind), p.requests) for s, p in ((first, old), (second, new)))
                changes, unknown = find_changes(*sides)
                replayed = all(_replays(change, old, new) for change in changes)
                compared.append(Compared(action, kind, tuple(changes), tuple(unknown), replayed))
    has_old, has_new = set(_inventory(old)), set(_inventory(new))
    return Difference(
        old.digest, new.digest, tuple(compared), tuple(sorted(has_old - has_new)), tuple(sorted(has_new - has_old))
    )  # fmt: skip


def symbolic(pack: Pack) -> Symbolic:
    """Return an order as terms."""
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in pack.requests.entities.items()})
    return Symbolic(pack.policies, pack.requests, hierarchy)


def _replays(change: Change, old: Pack, new: Pack) -> bool:
    answers = ((old, change.old, change.before), (new, change.new, change.after))
    return all(_class_of(pack, request) == stated for pack, request, stated in answers)


def _class_of(pack: Pack, request: Request) -> str:
    decision = pack.answer(pack.evaluator.apply(request))
    return "open" if decision.outcome in OPEN and not decision.errors else decision.outcome.value


def _inventory(pack: Pack) -> Iterator[str]:
    for action, kinds in pack.requests.actions.items():
        yield from (f"{action} of {kind}" for kind in kinds)
    for path, spec in _facts(pack).items():
        yield f"fact {path}"
        if not isinstance(spec.type, EntityType):
            yield from (f"word {path} {word}" for word in spec.words or ())
    yield from (f"entity {uid}" for uid in pack.requests.entities)
    yield from (f"clause {clause}" for clause in pack.clauses)


def _facts(pack: Pack) -> dict[str, FactSpec]:
    """Return every fact, a resource's under its type."""
    found = dict(pack.requests.facts)
    for kind, resource in pack.requests.resources.items():
        found |= {f"{kind}.{path.removeprefix('resource.')}": spec for path, spec in resource.facts.items()}
    return found


def _check_types(old: Pack, new: Pack) -> None:
    before = _facts(old)
    for path, spec in _facts(new).items():
        if path in before and before[path].type != spec.type:
            raise PolicyError(
                f"`{path}` is a {before[path].type} in the old order and a {spec.type} in the new one",
                hint="only orders whose common facts have one type can be compared",
            )

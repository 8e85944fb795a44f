"""Everything that `doorward order prove` shows about a pack, as a value.

Theorems of the pack; that no policy can err; that a suspension never opens and that what needs counsel never decides;
policies that never matter; remedies that never help; forbids that do not yield to court process.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.terms import FALSE
from doorward.cedar.types import BOOL
from doorward.errors import Finding
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.outcome import is_deny
from doorward.policy.parse import Policy
from doorward.policy.prover import Counterexample, Proof, Prover
from doorward.policy.request import Request
from doorward.policy.symbolic import Symbolic, SymbolicOrder, change
from doorward.policy.theorems import Kind, Theorem, breaks, condition, violation

NEVER_ERRS = Theorem("never-errs", Kind.NEVER_OPENS, "no policy fails while it is evaluated", (), None)
SUSPENSION = Theorem(
    "suspension-never-opens",
    Kind.NEVER_OPENS,
    "where an open question suspends a forbid, nothing is opened",
    (),
    None,
)
COUNSEL = Theorem(
    "counsel-never-decides",
    Kind.NEVER_OPENS,
    "a clause that needs counsel neither denies nor opens anything",
    (),
    None,
)
BUILT_IN = (NEVER_ERRS, SUSPENSION, COUNSEL)


@dataclass(frozen=True, slots=True)
class Result:
    """What was shown.

    Args:
        entities: SHA-256 over the entity files and collections: a theorem speaks of these.
        proofs: Built-in theorems first, then the pack's, in its order.
        idle: Policies that can never matter, each with why.
        useless: Remedies that never change an answer.
        unyielding: Forbids on an action that a court can command and that deny although there is process.
    """

    digest: str
    entities: str
    proofs: tuple[Proof, ...]
    idle: tuple[Finding, ...]
    useless: tuple[Finding, ...]
    unyielding: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """True where every theorem is proved and every remedy can help."""
        return all(proof.holds for proof in self.proofs) and not self.useless


@dataclass(slots=True)
class _Tally:
    """One theorem while it is asked for one environment after the other."""

    theorem: Theorem
    environments: int = 0
    counterexample: Counterexample | None = None
    unknown: tuple[str, ...] = ()
    seconds: float = 0.0
    speaks: bool = False

    def proof(self) -> Proof:
        vacuous = not self.speaks and self.theorem not in BUILT_IN
        return Proof(
            self.theorem, self.environments, self.counterexample, self.unknown, self.seconds, vacuous
        )


@dataclass(frozen=True, slots=True)
class _Query:
    """A theorem for one environment: of which requests it speaks, and which break it."""

    tally: _Tally
    speaks: int
    broken: int


def prove_pack(
    pack: Pack, *, cpu: Callable[[], float], progress: Callable[[str], None] = lambda _: None
) -> Result:
    """Return what can be shown about an order.

    Args:
        pack: The order.
        cpu: Gives the CPU seconds of this process, for the time of each theorem.
        progress: Told what is asked next.

    Raises:
        UnsupportedPolicyError: A policy has no terms.
    """
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in pack.requests.entities.items()})
    symbolic = Symbolic(pack.policies, pack.requests, hierarchy)
    tallies = [_Tally(theorem) for theorem in (*BUILT_IN, *pack.theorems.theorems)]
    matters = _Matters()
    for order in symbolic.orders():
        progress(f"{order.action} of {order.resource}")
        _ask(pack, order, tallies, matters, cpu)
    return Result(
        digest=pack.digest,
        entities=digest_entities(pack),
        proofs=tuple(tally.proof() for tally in tallies),
        idle=tuple(matters.idle(pack.policies)),
        useless=tuple(matters.useless(pack.policies)),
        unyielding=tuple(matters.unyielding.values()),
    )


def prove_theorems(pack: Pack, *, kinds: Collection[str]) -> list[str]:
    """Return the names of the pack's theorems of these kinds that do not hold, or of which z3 does not know.

    Raises:
        UnsupportedPolicyError: A policy has no terms.
    """
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in pack.requests.entities.items()})
    theorems = [theorem for theorem in pack.theorems.theorems if theorem.kind in kinds]
    broken: dict[str, None] = {}
    for order in Symbolic(pack.policies, pack.requests, hierarchy).orders():
        asked = {
            t.name: _violation(t, order) for t in theorems if _is_about(t, order) and t.name not in broken
        }
        prover = Prover(order, pack.requests, list(asked.values()))
        broken |= dict.fromkeys(
            name for name, violation in asked.items() if prover.find(violation) is not None
        )
    return list(broken)


def digest_entities(pack: Pack) -> str:
    """Return the SHA-256 over the entities of the order, collections included."""
    total = hashlib.sha256()
    for uid in sorted(pack.requests.entities):
        found = pack.requests.entities[uid]
        total.update(repr((uid, sorted(found.above), sorted(map(str, found.attributes.items())))).encode())
    return total.hexdigest()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of each policy in one environment, by id."""

    decides: Mapping[str, int]
    helps: Mapping[str, int]
    yields: Mapping[str, int]


class _Matters:
    """Which policies were seen to matter, and which remedies to help, in some environment."""

    def __init__(self) -> None:
        self.applied: set[str] = set()
        self.decided: set[str] = set()
        self.helped: set[str] = set()
        self.unyielding: dict[str, Finding] = {}

    def idle(self, policies: Sequence[Policy]) -> Iterable[Finding]:
        for policy in policies:
            if policy.id not in self.applied:
                yield Finding(f"policy `{policy.id}` can never apply", policy.span)
            elif policy.id not in self.decided and not (policy.effect == "permit" and not policy.decides):
                what = (
                    "a permit that is always shadowed" if policy.effect == "permit" else "always outweighed"
                )
                yield Finding(f"policy `{policy.id}` can never matter: it is {what}", policy.span)

    def useless(self, policies: Sequence[Policy]) -> Iterable[Finding]:
        for policy in policies:
            if policy.remedy is not None and policy.remedy.cure and policy.id not in self.helped:
                said = f"the remedy of policy `{policy.id}` never changes an answer"
                yield Finding(said, policy.place_of("remedy"), "a remedy is shown only where it helps")


def _ask(
    pack: Pack, order: SymbolicOrder, tallies: Sequence[_Tally], matters: _Matters, cpu: Callable[[], float]
) -> None:
    asked = [_query(tally, order, cpu) for tally in tallies if _is_about(tally.theorem, order)]
    questions = _questions(pack, order, matters)
    roots = [
        *(term for query in asked for term in (query.speaks, query.broken)),
        *order.applies.values(),
        *questions.helps.values(),
        *questions.yields.values(),
        *questions.decides.values(),
    ]
    prover = Prover(order, pack.requests, roots)
    for query in asked:
        tally, started = query.tally, cpu()
        found = prover.find(query.broken) if tally.counterexample is None else None
        tally.speaks = tally.speaks or prover.holds_somewhere(query.speaks)
        tally.seconds += cpu() - started
        if isinstance(found, str):
            tally.unknown = (*tally.unknown, f"{order.action} of {order.resource}")
        elif found is not None:
            tally.counterexample = replay(pack, tally.theorem, found)
    _note(order, prover, matters, questions)


def _is_about(theorem: Theorem, order: SymbolicOrder) -> bool:
    return not theorem.actions or order.action in theorem.actions


def _query(tally: _Tally, order: SymbolicOrder, cpu: Callable[[], float]) -> _Query:
    started = cpu()
    query = _Query(tally, condition(tally.theorem, order), _violation(tally.theorem, order))
    tally.environments += 1
    tally.seconds += cpu() - started
    return query


def _questions(pack: Pack, order: SymbolicOrder, matters: _Matters) -> _Asked:
    terms, model = order.terms, pack.requests
    cured = {
        policy.id: change(order, policy.remedy.cure, model)
        for policy in order.policies
        if policy.remedy is not None and policy.remedy.cure and policy.id not in matters.helped
    }
    process = order.define(terms.fact(pack.theorems.process, BOOL))
    return _Asked(
        decides={policy.id: order.decides(policy) for policy in order.policies},
        helps={name: _helps(order, other, name) for name, other in cured.items()},
        yields={
            policy.id: terms.conjoin((order.applies[policy.id], process))
            for policy in order.policies
            if is_deny(policy) and order.action in pack.theorems.compellable
        },
    )


def _note(order: SymbolicOrder, prover: Prover, matters: _Matters, asked: _Asked) -> None:
    for policy in order.policies:
        name = policy.id
        if name not in matters.decided and prover.holds_somewhere(asked.decides[name]):
            matters.decided.add(name)
            matters.applied.add(name)
        elif name not in matters.applied and prover.holds_somewhere(order.applies[name]):
            matters.applied.add(name)
        if name in asked.helps and prover.holds_somewhere(asked.helps[name]):
            matters.helped.add(name)
        if name not in matters.unyielding and prover.holds_somewhere(asked.yields.get(name, FALSE)):
            said = f"policy `{name}` denies `{order.action}` although there is court process"
            matters.unyielding[name] = Finding(said, policy.span, "add `unless { context.process }`")


def _violation(theorem: Theorem, order: SymbolicOrder) -> int:
    terms = order.terms
    if theorem is NEVER_ERRS:
        return terms.disjoin(order.fails.values())
    if theorem is SUSPENSION:
        hangs = [terms.conjoin((order.applies[name], term)) for name, term in order.suspended.items()]
        return terms.conjoin((terms.disjoin(hangs), order.opens))
    if theorem is COUNSEL:
        return _decides_without_counsel(order)
    return violation(theorem, order)


def _decides_without_counsel(order: SymbolicOrder) -> int:
    """Return when a request is denied or opened and no clause that may decide says so."""
    terms = order.terms
    applies = order.applies
    deny = terms.disjoin(applies[p.id] for p in order.policies if is_deny(p))
    opens = terms.disjoin(applies[p.id] for p in order.policies if p.effect == "permit" and p.decides)
    return terms.disjoin(
        (
            terms.conjoin((order.outcomes[Outcome.DENY], terms.negate(deny))),
            terms.conjoin((order.opens, terms.negate(opens))),
        )
    )


def _helps(order: SymbolicOrder, cured: SymbolicOrder, name: str) -> int:
    """Return when a policy decides and its remedy, applied, gives an answer that is less closed."""
    policy = next(policy for policy in order.policies if policy.id == name)
    terms = order.terms
    deny, denied_still = order.outcomes[Outcome.DENY], cured.outcomes[Outcome.DENY]
    better = terms.disjoin(
        (
            terms.conjoin((deny, terms.negate(denied_still))),
            terms.conjoin((terms.negate(order.opens), cured.opens)),
        )
    )
    return terms.conjoin((order.decides(policy), better))


def replay(pack: Pack, theorem: Theorem, request: Request) -> Counterexample:
    """Return a counterexample as Cedar's own engine decides it."""
    decision = pack.answer(pack.evaluator.apply(request))
    if theorem is NEVER_ERRS:
        return Counterexample(request, decision.outcome, replayed=bool(decision.errors))
    broken = breaks(theorem, decision.outcome, decision.obligations) and not decision.errors
    return Counterexample(request, decision.outcome, replayed=broken)

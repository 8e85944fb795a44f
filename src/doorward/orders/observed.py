"""What observing clauses does to an order, and what the record says of a decision that was made meanwhile. Pure.

Of the clauses that are observed, the forbids that cite no other clause are taken out of the order at the database door.
Permits stay as they are, so whatever is open under observation some clause of the order opens; no fact is set, so what
a permit asks of a register it still asks. The decision is made twice: by the order without those forbids, which is what
happens, and by the order in full, which is what would have happened.

INVARIANT (no promise is observed away): every theorem of the order, of whatever kind, is proved again without the
forbids; where one does not hold, nothing is observed.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from doorward.cedar.resolve import is_false
from doorward.errors import ConfigError, MalformedError
from doorward.orders.answered import FORBID, without_policies
from doorward.orders.observe import Observation
from doorward.orders.pack import Pack
from doorward.policy.decision import Decision, Outcome
from doorward.policy.outcome import in_order
from doorward.policy.parse import Policy
from doorward.policy.request import Request
from doorward.policy.scopes import Scope, ScopeBook
from doorward.policy.theorems import Kind


@dataclass(frozen=True, slots=True)
class Observed:
    """An order with clauses observed.

    Args:
        clauses: That are observed.
        policies: Ids of the forbids that are taken out.
        pack: The order without them; its digest is that of the order in full.
    """

    clauses: tuple[str, ...]
    policies: tuple[str, ...]
    pack: Pack


def find_observed(pack: Pack, clauses: Collection[str]) -> Observed:
    """Return the order with these clauses observed.

    Raises:
        ConfigError: The order stands at no database or lacks a clause, or one of them closes nothing there alone.
    """
    model = pack.model
    if model is None:
        raise ConfigError(
            f"the order {pack.name} stands at no database, and only there can clauses be observed"
        )
    unknown = [clause for clause in clauses if clause not in pack.clauses]
    if unknown:
        raise ConfigError(
            f"the order {pack.name} has no clause `{unknown[0]}`", hint=f"doorward order check {pack.name}"
        )
    closing = [policy for policy in pack.policies if policy.effect == FORBID and _is_at_door(policy, pack)]
    taken = [policy for policy in closing if set(policy.clauses) <= set(clauses)]
    for clause in clauses:
        if not any(clause in policy.clauses for policy in taken):
            raise ConfigError(*_closes_nothing(clause, closing))
    ids = tuple(policy.id for policy in taken)
    return Observed(tuple(clauses), ids, without_policies(pack, ids))


def _is_at_door(policy: Policy, pack: Pack) -> bool:
    assert pack.model is not None
    action = pack.model.action
    return any(
        not is_false(pack.requests.condition(policy.rule, action, kind))
        for kind in pack.requests.actions.get(action, ())
    )


def _closes_nothing(clause: str, closing: Iterable[Policy]) -> tuple[str]:
    beside = sorted({other for p in closing if clause in p.clauses for other in p.clauses} - {clause})
    if beside:
        return (
            f"clause `{clause}` closes the database only together with {', '.join(beside)}: name them too",
        )
    return (f"clause `{clause}` closes nothing at the database, so there is nothing to observe",)


def check_promises(pack: Pack, observed: Observed) -> None:
    """Prove every theorem of the order again, without what is observed.

    Raises:
        ConfigError: One does not hold, named; or z3 is not installed, so nothing can be proved and nothing is observed.
    """
    try:
        from doorward.orders.prove import prove_theorems
    except ImportError as error:
        raise ConfigError(
            "an order is proved again before a clause of it is observed, and z3 is not there",
            hint="pip install 'doorward[prove]'",
        ) from error
    broken = prove_theorems(observed.pack, kinds=set(Kind))
    if broken:
        says = {theorem.name: theorem.says for theorem in pack.theorems.theorems}
        raise ConfigError(
            f"without {', '.join(observed.clauses)} the order breaks what it promises: "
            + "; ".join(f"`{name}` ({says[name]})" for name in broken),
            hint="a clause that a promise rests on is enforced, or changed by a new order",
        )


def join_scopes(book: ScopeBook, other: ScopeBook) -> ScopeBook:
    """Return a book that finds what the first one finds and holds the scopes of both, to be installed."""
    return replace(book, scopes={**book.scopes, **other.scopes})


class Would(StrEnum):
    """What the order in full would have done; or that an observation begins or is over."""

    SAME = "as enforced"
    DENY = "would deny"
    REFER = "would refer"
    WITHHOLD = "would withhold"
    BEGINS = "begins"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Mode:
    """What the record says of one decision under observation, or of the observation itself.

    Args:
        observation: The id of the note.
        clauses: Observed clauses that would have closed something here; of the observation itself, all of them.
        policies: Their forbids.
    """

    observation: str
    would: Would
    clauses: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


_MODE: Final = re.compile(r"observe ([0-9a-f]{12}): ([a-z ]+)(?:; ([^;]*); ([^;]*))?")


def format_mode(mode: Mode) -> bytes:
    """Return a mode as it stands in the record."""
    text = f"observe {mode.observation}: {mode.would.value}"
    if mode.clauses or mode.policies:
        text += f"; {' '.join(mode.clauses)}; {' '.join(mode.policies)}"
    return text.encode()


def parse_mode(raw: bytes) -> Mode:
    """Return the mode that bytes of the record hold.

    Raises:
        MalformedError: They hold none, or are written otherwise than `format_mode` writes it.
    """
    found = _MODE.fullmatch(raw.decode("utf-8", errors="replace"))
    if found is None or found[2] not in set(Would):
        raise MalformedError("an entry's mode is none that this version knows")
    mode = Mode(found[1], Would(found[2]), tuple((found[3] or "").split()), tuple((found[4] or "").split()))
    if format_mode(mode) != raw:
        raise MalformedError("an entry's mode is written otherwise than doorward writes it")
    return mode


def begins(observation: Observation, observed: Observed) -> Mode:
    """Return the mode of the entry that stands before the first decision."""
    return Mode(observation.id, Would.BEGINS, observed.clauses, observed.policies)


@dataclass(frozen=True, slots=True)
class Compared:
    """One request as the two orders answer it.

    Args:
        would: What the order in full would have done.
        decision: What is decided under observation.
        rests: Whether the answer rests on the observation; where it does not, the order in full answers.
    """

    would: Would
    decision: Decision
    clauses: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    rests: bool = False


def compare(pack: Pack, observed: Observed, request: Request, full: Decision) -> Compared:
    """Return what the order decides about a request with clauses observed, beside what it decides in full.

    Args:
        pack: The order in full.
        observed: The same order with clauses observed.
        request: Anything.
        full: What the order in full decides about it.
    """
    found = observed.pack.decide(request)
    same = Compared(Would.SAME, full)
    # What cannot be evaluated is denied, by whichever of the two orders it was asked (law 1).
    if full.errors or found.errors or full.outcome is Outcome.PERMIT:
        return same
    taken = set(observed.policies)
    closing = [policy for policy in pack.decider.apply(request).policies if policy.id in taken]
    if not closing:
        return same
    clauses = in_order({clause for policy in closing for clause in policy.clauses}, pack.clause_order)
    would = Would.DENY if full.outcome is Outcome.DENY else Would.REFER
    # Where nothing at all applies without them, the order in full speaks: it is as closed, and it says why.
    rests = bool(found.policies) and (found.outcome, found.policies) != (full.outcome, full.policies)
    policies = tuple(policy.id for policy in closing)
    return Compared(would, found if rests else full, clauses, policies, rests)


def shows_other(full: Scope | None, other: Scope | None) -> bool:
    """Return whether a scope shows other tables, columns or rows than another one; their words do not count."""
    return _shown(full) != _shown(other)


def find_withholding(
    observed: Observed, request: Request, shown: Scope | None, enforcing: Mapping[str, ScopeBook]
) -> tuple[str, ...]:
    """Return the observed clauses that, enforced alone, would show another table, column or row.

    Args:
        observed: The order with clauses observed.
        request: What was permitted.
        shown: The scope of it.
        enforcing: By clause, the scopes with all but that one observed.
    """
    return tuple(clause for clause in observed.clauses if shows_other(enforcing[clause].find(request), shown))


def enforcing_again(pack: Pack, observed: Observed, clause: str) -> Pack:
    """Return the order with all but one of its observed clauses observed."""
    rest = set(observed.clauses) - {clause}
    ids = [p.id for p in pack.policies if p.id in observed.policies and set(p.clauses) <= rest]
    return without_policies(pack, ids)


def _shown(scope: Scope | None) -> object:
    return (
        None if scope is None else [(table.table, table.columns, table.predicate) for table in scope.tables]
    )

"""From an order to the scopes of one door.

The order's conditions are turned into terms for the database, for each class of each table's columns, and for each
table's rows. Then the facts of the door are made known one by one; residual conditions that are equal are one state, so
equal futures are explored once. Where no fact is left, a state is a shape: which columns, which rows.

INVARIANT (one meaning): a column is shown, a row is visible, exactly where the outcome rule gives permit on its
class or its record. Any applying forbid, whatever its standing, keeps the outcome from permit; a permit opens only
if it decides and is not `outside`. So visible = P AND NOT F with F over all forbids, whatever suspends what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from doorward.errors import UnsupportedPolicyError
from doorward.policy.decision import Outcome
from doorward.policy.facts import GRANT_PARAMETERS
from doorward.policy.hierarchy import Hierarchy, Uid
from doorward.policy.lower import (
    COLLECTION,
    Grounds,
    Target,
    admits_action,
    check_supported,
    lower_policy,
    unsupported,
)
from doorward.policy.notice import describe_withheld
from doorward.policy.outcome import apply_outcome_rule, in_order
from doorward.policy.parse import Policy
from doorward.policy.scopes import CLOSED, Branch, Scope, ScopeBook, ScopeColumn, ScopeTable, make_scope
from doorward.policy.sql import SqlColumn, format_predicate
from doorward.policy.tables import Table
from doorward.policy.terms import FALSE, TRUE, Terms
from doorward.policy.vocabulary import Vocabulary, as_value

MAX_SHAPES = 500  # row policies a table; 34 of them cost a query 84 us against 76, 2,000 cost 145
MAX_STATES = 100_000  # a runaway vocabulary stops after a few seconds, not after an hour
NAMED_CLAUSES = 6

State = tuple[int, ...]
Applying = tuple[tuple[Policy, int], ...]  # policies that may still apply, each with its residual term


@dataclass(frozen=True, slots=True)
class DoorModel:
    """What is compiled: one order at one database.

    Args:
        policies: All of the pack's, in the order of the text.
        hierarchy: The entity file, collections included.
        action: What a session asks.
        action_groups: The groups that the action is in, itself included.
        facts: Types of all facts but the row's.
        attributes: Types of a row's attributes.
        database: The collection that a session asks for at connect.
        tables: By collection, in the order in which a scope lists them.
        vocabulary: The facts of the door.
        clause_order: How clauses are cited.
    """

    policies: tuple[Policy, ...]
    hierarchy: Hierarchy
    action: str
    action_groups: frozenset[str]
    facts: Mapping[str, str]
    attributes: Mapping[str, str]
    database: str
    tables: Mapping[str, Table]
    vocabulary: Vocabulary
    clause_order: tuple[str, ...]


def compile_scopes(model: DoorModel, *, max_shapes: int = MAX_SHAPES) -> ScopeBook:
    """Return every scope that the order can open at the door, and the way to each.

    Raises:
        UnsupportedPolicyError: A policy cannot be compiled exactly, or there are too many shapes; names the clauses.
    """
    return _Compiler(model, max_shapes).compile()


@dataclass(slots=True)
class _Compiler:
    model: DoorModel
    max_shapes: int
    terms: Terms = field(init=False)
    slots: dict[int, int] = field(default_factory=dict)  # number in a state, by first term
    targets: dict[Target, list[tuple[Policy, int]]] = field(default_factory=dict)
    branches: list[Branch] = field(default_factory=list)
    branch_numbers: dict[tuple[str, tuple[tuple[str, int], ...]], int] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    leaves: dict[str, int] = field(default_factory=dict)
    memo: dict[State, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.terms = Terms(self.model.hierarchy)

    def compile(self) -> ScopeBook:
        model = self.model
        state = self._first_state()
        root = self._explore(state)
        return ScopeBook(
            scopes=self.scopes,
            database=model.database,
            action=model.action,
            constants=dict(model.vocabulary.constants),
            derived=dict(model.vocabulary.derived),
            branches=tuple(self.branches),
            leaves=tuple(self.leaves),
            root=root,
        )

    def _first_state(self) -> State:
        model = self.model
        grounds = Grounds(
            terms=self.terms,
            action=Uid("Action", model.action),
            groups=frozenset(Uid("Action", group) for group in model.action_groups),
            facts=model.facts,
            attributes=model.attributes,
            is_within=model.hierarchy.is_within,
        )
        constants = {path: as_value(path, fact) for path, fact in model.vocabulary.constants.items()}
        policies = [policy for policy in model.policies if admits_action(grounds, policy)]
        for policy in policies:
            check_supported(policy)
        for target, attributes in self._all_targets():
            known = constants | attributes
            self.targets[target] = []
            for policy in policies:
                term = self.terms.replace_all(lower_policy(grounds, policy, target), known)
                self._refuse_endless_facts(policy, term)
                if term != FALSE:
                    self.targets[target].append((policy, self.slots.setdefault(term, len(self.slots))))
        return tuple(self.slots)

    def _all_targets(self) -> Iterator[tuple[Target, dict[str, bool | int | str | Uid]]]:
        yield Target(Uid(COLLECTION, self.model.database), rows=False), {}
        for table in self.model.tables.values():
            for name in table.classes:
                yield Target(Uid(COLLECTION, table.class_id(name)), rows=False), {}
            fixed = {
                f"resource.{name}": source
                for name, source in table.attributes.items()
                if not isinstance(source, SqlColumn)
            }
            yield Target(Uid(COLLECTION, table.id), rows=True), fixed

    def _refuse_endless_facts(self, policy: Policy, term: int) -> None:
        words = self.model.vocabulary.words
        for path in sorted(self.terms.facts(term)):
            if path.startswith("resource.") or path in GRANT_PARAMETERS:
                continue
            if self.model.vocabulary.source_of(path) not in words:
                raise unsupported(policy, None, f"it reads `{path}`, which has no finite words at this door")

    def _explore(self, state: State) -> int:
        """Return where a state leads: a branch, a leaf, or CLOSED."""
        found = self.memo.get(state)
        if found is not None:
            return found
        if len(self.memo) >= MAX_STATES:
            raise self._too_many(f"more than {MAX_STATES} states")
        if self._is_closed(state):
            found = CLOSED
        else:
            fact = self._next_fact(state)
            found = self._leaf(state) if fact is None else self._branch(state, fact)
        self.memo[state] = found
        return found

    def _branch(self, state: State, fact: str) -> int:
        vocabulary = self.model.vocabulary
        to: dict[str, int] = {}
        for value in vocabulary.words[fact]:
            known = vocabulary.known(fact, value)
            at = self._explore(tuple(self.terms.replace_all(term, known) for term in state))
            if at != CLOSED:
                to[("true" if value else "false") if isinstance(value, bool) else value] = at
        if not to:
            return CLOSED
        key = (fact, tuple(to.items()))
        if key not in self.branch_numbers:
            self.branch_numbers[key] = len(self.branches)
            self.branches.append(Branch(fact, to))
        return self.branch_numbers[key]

    def _next_fact(self, state: State) -> str | None:
        vocabulary = self.model.vocabulary
        read = {vocabulary.source_of(path) for term in state for path in self.terms.facts(term)}
        return next((path for path in vocabulary.words if path in read), None)

    def _applying(self, state: State, target: Target) -> Applying:
        found = ((policy, state[slot]) for policy, slot in self.targets[target])
        return tuple((policy, term) for policy, term in found if term != FALSE)

    def _is_closed(self, state: State) -> bool:
        """Tell whether the database itself can no longer be permitted, whatever else becomes known."""
        applying = self._applying(state, Target(Uid(COLLECTION, self.model.database), rows=False))
        return any(policy.effect == "forbid" and term == TRUE for policy, term in applying) or not any(
            _opens(policy) for policy, _ in applying
        )

    def _leaf(self, state: State) -> int:
        database = Target(Uid(COLLECTION, self.model.database), rows=False)
        if self._verdict(state, database)[0] is not Outcome.PERMIT:
            return CLOSED
        tables, closed = [], []
        for table in self.model.tables.values():
            found = self._table(state, table)
            if isinstance(found, ScopeTable):
                tables.append(found)
            else:
                closed.append((table.table, found))
        if not tables:
            return CLOSED
        scope = make_scope(tables, closed_tables=closed)
        if scope.id not in self.scopes:
            if len(self.scopes) >= self.max_shapes:
                raise self._too_many(f"more than {self.max_shapes} scopes")
            self.scopes[scope.id] = scope
        return -2 - self.leaves.setdefault(scope.id, len(self.leaves))

    def _verdict(self, state: State, target: Target) -> tuple[Outcome, tuple[str, ...]]:
        applying = self._applying(state, target)
        for policy, term in applying:
            if term != TRUE:
                what = f"{', '.join(sorted(self.terms.facts(term)))}, which differs between rows or grants"
                raise unsupported(policy, None, f"whether `{target.uid.id}` is open would depend on {what}")
        verdict = apply_outcome_rule([policy for policy, _ in applying], clause_order=self.model.clause_order)
        return verdict.outcome, verdict.clauses

    def _table(self, state: State, table: Table) -> ScopeTable | tuple[str, ...]:
        """Return a table's part of the scope, or the clauses that close it."""
        rows = self._applying(state, Target(Uid(COLLECTION, table.id), rows=True))
        predicate, row_clauses = self._rows(rows)
        open_classes: set[str] = set()
        class_clauses: dict[str, tuple[str, ...]] = {}
        for name in table.classes:
            target = Target(Uid(COLLECTION, table.class_id(name)), rows=False)
            outcome, class_clauses[name] = self._verdict(state, target)
            if outcome is Outcome.PERMIT:
                open_classes.add(name)
        columns, closed, masked = [], [], []
        for name, column_class in table.columns.items():
            mask = table.masks.get(name)
            if column_class in open_classes:
                columns.append(ScopeColumn(name))
                continue
            closed.append((name, class_clauses[column_class]))
            if mask is not None and mask.column_class in open_classes:
                columns.append(ScopeColumn(name, mask.sql))
                masked.append(name)
        if predicate == FALSE or not columns:
            every = [*row_clauses, *(clause for clauses in class_clauses.values() for clause in clauses)]
            return in_order(every, self.model.clause_order)
        sources = {n: s for n, s in table.attributes.items() if isinstance(s, SqlColumn)}
        return ScopeTable(
            table=table.table,
            columns=tuple(columns),
            predicate=format_predicate(self.terms, predicate, sources),
            withheld=describe_withheld(table, row_clauses, closed, masked),
            closed=tuple(closed),
        )

    def _rows(self, rows: Applying) -> tuple[int, tuple[str, ...]]:
        """Return when a row is visible, and the clauses that may withhold one."""
        terms = self.terms
        opening = terms.disjoin(term for policy, term in rows if _opens(policy))
        closing = terms.disjoin(term for policy, term in rows if policy.effect == "forbid")
        clauses = [c for policy, _ in rows if policy.effect == "forbid" for c in policy.clauses]
        if opening != TRUE:
            clauses += [clause for policy, _ in rows if _opens(policy) for clause in policy.clauses]
        visible = terms.conjoin((opening, terms.negate(closing)))
        return visible, () if visible == TRUE else in_order(clauses, self.model.clause_order)

    def _too_many(self, what: str) -> UnsupportedPolicyError:
        """Return the refusal that names the clauses whose residual conditions multiply."""
        forms: dict[str, set[int]] = {}
        for state in self.memo:
            for applying in self.targets.values():
                for policy, slot in applying:
                    for clause in policy.clauses:
                        forms.setdefault(clause, set()).add(state[slot])
        worst = sorted(forms, key=lambda clause: (-len(forms[clause]), clause))[:NAMED_CLAUSES]
        return UnsupportedPolicyError(
            f"the order gives {what} at the database door; the clauses with the most forms are {', '.join(worst)}",
            hint="let a clause read fewer facts, or read a grant's parameter in place of a word",
        )


def _opens(policy: Policy) -> bool:
    return policy.decides and policy.outcome is Outcome.PERMIT

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

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.lower import Lowering, Subject
from doorward.cedar.shapes import Untranslatable
from doorward.cedar.terms import FALSE, TRUE, Constant, Terms
from doorward.cedar.types import EntityType, Type
from doorward.cedar.values import Uid
from doorward.errors import Finding, PolicyError, Span, UnsupportedPolicyError
from doorward.policy.decision import Outcome
from doorward.policy.notice import describe_withheld
from doorward.policy.outcome import apply_outcome_rule, in_order
from doorward.policy.parse import Policy
from doorward.policy.predicate import find_leaks, format_predicate
from doorward.policy.request import Fact, RequestModel
from doorward.policy.scopes import CLOSED, Branch, Scope, ScopeBook, ScopeColumn, ScopeTable, make_scope
from doorward.policy.tables import SqlColumn, Table
from doorward.policy.vocabulary import Vocabulary

COLLECTION = "Collection"
RECORD = "Record"
TABLE_OF_ROW = "resource.collection"
MAX_SHAPES = 500  # row policies a table; 34 of them cost a query 84 us against 76, 2,000 cost 145
MAX_STATES = 100_000  # a runaway vocabulary stops after a few seconds, not after an hour
NAMED_CLAUSES = 6

State = tuple[int, ...]
Applying = tuple[tuple[Policy, int], ...]  # policies that may still apply, each with its residual term


@dataclass(frozen=True, slots=True)
class Target:
    """What a decision is about: a collection, or any row of a table.

    Args:
        id: The collection itself, or the table's collection for its rows.
        rows: Whether the rows are meant.
    """

    id: str
    rows: bool


@dataclass(frozen=True, slots=True)
class DoorModel:
    """What is compiled: one order at one database.

    Args:
        policies: All of the pack's, in the order of the text.
        hierarchy: The entity file, collections included.
        requests: What the order can be asked.
        action: What a session asks.
        database: The collection that a session asks for at connect.
        tables: By collection, in the order in which a scope lists them.
        vocabulary: The facts of the door.
        clause_order: How clauses are cited.
    """

    policies: tuple[Policy, ...]
    hierarchy: Hierarchy
    requests: RequestModel
    action: str
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
    warnings: dict[str, Finding] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.terms = Terms(self.model.hierarchy)

    def compile(self) -> ScopeBook:
        model = self.model
        root = self._explore(self._first_state())
        return ScopeBook(
            scopes=self.scopes,
            database=model.database,
            action=model.action,
            constants=dict(model.vocabulary.constants),
            derived=dict(model.vocabulary.derived),
            branches=tuple(self.branches),
            leaves=tuple(self.leaves),
            root=root,
            warnings=tuple(self.warnings.values()),
        )

    def _first_state(self) -> State:
        constants = self._constants(self.model.vocabulary.constants)
        for target, attributes in self._all_targets():
            known = constants | self._constants(attributes)
            self.targets[target] = []
            for policy, term in self._lower(target):
                left = self.terms.replace_all(term, known)
                self._refuse_endless_facts(policy, left)
                if left != FALSE:
                    self.targets[target].append((policy, self.slots.setdefault(left, len(self.slots))))
        return tuple(self.slots)

    def _lower(self, target: Target) -> Iterator[tuple[Policy, int]]:
        """Yield each policy with when it applies to a target; raises UnsupportedPolicyError."""
        requests, kind = self.model.requests, RECORD if target.rows else COLLECTION
        subjects = {
            "principal": Subject(comes_with_request=True, parents=requests.parents(requests.principal)),
            "resource": Subject(comes_with_request=True, parents=requests.parents(RECORD))
            if target.rows
            else Subject(uid=Uid(COLLECTION, target.id)),
        }
        lowering = Lowering(self.terms, requests.schema, subjects, facts_in_file=True)
        for policy in self.model.policies:
            try:
                condition = requests.condition(policy.rule, self.model.action, kind)
                applies, fails = lowering.condition(condition)
            except Untranslatable as error:
                place = policy.span if error.at < 0 else policy.source.span(error.at)
                raise unsupported(policy, error.reason, place=place) from error
            if fails != FALSE:
                raise unsupported(policy, "evaluating it may fail")
            yield policy, applies

    def _constants(self, facts: Mapping[str, Fact]) -> dict[str, Constant]:
        specs = self.model.requests.specs(RECORD)
        return {path: as_constant(specs[path].type, fact) for path, fact in facts.items()}

    def _all_targets(self) -> Iterator[tuple[Target, dict[str, Fact]]]:
        yield Target(self.model.database, rows=False), {}
        for table in self.model.tables.values():
            for name in table.classes:
                yield Target(table.class_id(name), rows=False), {}
            fixed: dict[str, Fact] = {TABLE_OF_ROW: table.id}
            for name, source in table.attributes.items():
                if not isinstance(source, SqlColumn):
                    fixed[f"resource.{name}"] = source
            yield Target(table.id, rows=True), fixed

    def _refuse_endless_facts(self, policy: Policy, term: int) -> None:
        vocabulary = self.model.vocabulary
        for path in sorted(self.terms.facts(term)):
            if path in {"principal", "resource"}:
                raise unsupported(
                    policy, "it names one person or row, and the door knows them by their facts"
                )
            if path.startswith("resource.") or path in vocabulary.parameters:
                continue
            if vocabulary.source_of(path) not in vocabulary.words:
                raise unsupported(policy, f"it reads `{path}`, which has no finite words at this door")

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
            known = self._constants(vocabulary.known(fact, value))
            at = self._explore(tuple(self.terms.replace_all(term, known) for term in state))
            if at != CLOSED:
                to[("true" if value else "false") if isinstance(value, bool) else str(value)] = at
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
        applying = self._applying(state, Target(self.model.database, rows=False))
        return any(policy.effect == "forbid" and term == TRUE for policy, term in applying) or not any(
            _opens(policy) for policy, _ in applying
        )

    def _leaf(self, state: State) -> int:
        if self._verdict(state, Target(self.model.database, rows=False))[0] is not Outcome.PERMIT:
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
                raise unsupported(policy, f"whether `{target.id}` is open would depend on {what}")
        verdict = apply_outcome_rule([policy for policy, _ in applying], clause_order=self.model.clause_order)
        return verdict.outcome, verdict.clauses

    def _table(self, state: State, table: Table) -> ScopeTable | tuple[str, ...]:
        """Return a table's part of the scope, or the clauses that close it."""
        rows = self._applying(state, Target(table.id, rows=True))
        predicate, row_clauses = self._rows(rows)
        open_classes: set[str] = set()
        class_clauses: dict[str, tuple[str, ...]] = {}
        for name in table.classes:
            outcome, class_clauses[name] = self._verdict(state, Target(table.class_id(name), rows=False))
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
        return ScopeTable(
            table=table.table,
            columns=tuple(columns),
            predicate=self._format(table, predicate, rows),
            withheld=describe_withheld(table, row_clauses, closed, masked),
            closed=tuple(closed),
        )

    def _format(self, table: Table, predicate: int, rows: Applying) -> str:
        sources = {n: s for n, s in table.attributes.items() if isinstance(s, SqlColumn)}
        for leak in find_leaks(self.terms, predicate, sources):
            said = f"`{table.table}`: {leak}"
            hint = "a session's own condition on this table then reads every row of it first"
            self.warnings.setdefault(said, Finding(said, rows[0][0].span if rows else None, hint))
        try:
            return format_predicate(self.terms, predicate, sources)
        except PolicyError as error:
            reading = next((policy for policy, term in rows if term not in {TRUE, FALSE}), rows[0][0])
            raise unsupported(reading, str(error)) from error

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


def as_constant(kind: Type, fact: Fact) -> Constant:
    """Return a fact as terms compare it: of an entity type it is that entity."""
    return Uid(kind.name, str(fact)) if isinstance(kind, EntityType) else fact


def unsupported(policy: Policy, reason: str, *, place: Span | None = None) -> UnsupportedPolicyError:
    """Return the refusal of a policy at the database door: which, where, and why."""
    span = place or policy.span
    return UnsupportedPolicyError(
        f"policy `{policy.id}` cannot be compiled for the database door: {reason}", span=span
    )


def _opens(policy: Policy) -> bool:
    return policy.decides and policy.outcome is Outcome.PERMIT

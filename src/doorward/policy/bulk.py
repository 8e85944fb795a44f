"""Many requests at once: an order as one SQL query over a table whose columns are facts.

Each row is one request. `write_query` gives its outcome and the policies that decide, for rows whose facts are all
known. `write_unsure_query` is for rows with NULL where a fact is not known: it gives the outcome where it is the same
for every value that the missing facts could have, and which outcomes are possible. It is SQL's own three-valued
logic over the same conditions, so it costs about the same and may say "possible" too often, never "certain" wrongly;
`doorward.policy.completions` takes the rows that it leaves open further.

INVARIANT (nothing is approximated): what a dialect has no exact form for is refused (PolicyError).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doorward.cedar.dialects import Dialect
from doorward.cedar.sql import SqlWriter
from doorward.cedar.terms import FALSE, Constant, Term
from doorward.cedar.types import EntityType, Type
from doorward.cedar.values import Uid, Value
from doorward.errors import PolicyError
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, RequestModel, kind_in_words
from doorward.policy.symbolic import SymbolicOrder

OUTCOME, POLICIES, POSSIBLE, PERHAPS = "outcome", "policies", "possible", "perhaps"
_TWO_VALUED = frozenset(
    (
        "if",
        "add",
        "sub",
        "mul",
        "add!",
        "sub!",
        "mul!",
        "set",
        "record",
        "contains",
        "subset",
        "meets",
        "empty",
    )
)
_PRECEDENCE = (Outcome.DENY, Outcome.PERMIT, Outcome.OUTSIDE)  # what is none of these is referred


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the facts of the rows come from.

    Args:
        table: What is selected from, as SQL: a table, or a query in parentheses.
        columns: SQL of a column by the path of its fact; of `principal` and `resource` their id.
        constants: Facts that are the same in every row.
        keep: Columns that are passed on, as SQL.
    """

    table: str
    columns: Mapping[str, str]
    constants: Mapping[str, Fact]
    keep: Sequence[str] = ()


def write_query(
    order: SymbolicOrder, model: RequestModel, dialect: Dialect, sources: Sources, *, policies: bool = True
) -> str:
    """Return the query of an order for one action and type of resource.

    Its columns are those kept, `outcome` (deny, refer, permit or outside), and `policies`: the ids of the deciding
    policies, in the order of the text, separated by spaces.

    Args:
        order: For the action and type of resource of every row.
        model: Of the order.
        dialect: What is written.
        sources: Where facts come from; no column is NULL.
        policies: Whether the deciding policies are told; without them the query is faster.

    Raises:
        PolicyError: A fact that the order reads has no source, or a condition has no form in the dialect.
    """
    writer = _Writer(order, model, dialect, sources)
    outcomes = {name: writer.known(order.outcomes[name]) for name in _PRECEDENCE}
    terms = {f"is {name}": term for name, term in outcomes.items()}
    if policies:
        terms |= {f"by {policy.id}": writer.known(order.decides(policy)) for policy in order.policies}
    sql = SqlWriter(order.terms, dialect, writer.column, model.entities)
    inner = sql.query(sources.table, terms, keep=sources.keep)
    names = {name: dialect.identifier(f"is {name}") for name in outcomes}
    chosen = [*sources.keep, f"{_case(names, dialect)} AS {OUTCOME}"]
    if policies:
        chosen.append(f"{_listed([p.id for p in order.policies], dialect)} AS {POLICIES}")
    return f"SELECT {', '.join(chosen)} FROM ({inner}) AS decided"  # noqa: S608  # names of our own, quoted


def write_unsure_query(
    order: SymbolicOrder, model: RequestModel, dialect: Dialect, sources: Sources, *, policies: bool = False
) -> str:
    """Return the query for rows whose facts may be NULL, for not known.

    Its columns are those kept, `outcome` (NULL where not certain), and `possible`: the outcomes that the missing facts
    may bring about, separated by spaces; it may hold too many, never too few. With policies also `policies`, those
    that decide whatever the missing facts are, and `perhaps`, those that may.

    Args:
        order: As in `write_query`.
        model: As in `write_query`.
        dialect: As in `write_query`.
        sources: Where facts come from.
        policies: Whether policies are told.

    Raises:
        PolicyError: As in `write_query`; also a condition whose form has no third value, such as arithmetic.
    """
    writer = _Writer(order, model, dialect, sources)
    terms = {f"is {name}": writer.known(order.outcomes[name]) for name in Outcome}
    if policies:
        terms |= {f"by {policy.id}": writer.known(order.decides(policy)) for policy in order.policies}
    sql = UnsureWriter(order.terms, dialect, writer.column, model.entities)
    inner = sql.query(sources.table, terms, keep=sources.keep)
    names = {name: dialect.identifier(f"is {name}") for name in Outcome}
    certain = " ".join(f"WHEN {names[name]} IS TRUE THEN {dialect.text_literal(name)}" for name in Outcome)
    possible = ", ".join(
        f"CASE WHEN {names[name]} IS NOT FALSE THEN {dialect.text_literal(name)} END" for name in Outcome
    )
    chosen = [*sources.keep, f"CASE {certain} END AS {OUTCOME}", f"concat_ws(' ', {possible}) AS {POSSIBLE}"]
    if policies:
        ids = [policy.id for policy in order.policies]
        chosen.append(f"{_listed(ids, dialect, ' IS TRUE')} AS {POLICIES}")
        chosen.append(f"{_listed(ids, dialect, ' IS NOT FALSE')} AS {PERHAPS}")
    return f"SELECT {', '.join(chosen)} FROM ({inner}) AS decided"  # noqa: S608  # as above


def _case(names: Mapping[Outcome, str], dialect: Dialect) -> str:
    whens = " ".join(f"WHEN {column} THEN {dialect.text_literal(name)}" for name, column in names.items())
    return f"CASE {whens} ELSE {dialect.text_literal(Outcome.REFER)} END"


def _listed(ids: Sequence[str], dialect: Dialect, test: str = "") -> str:
    parts = [
        f"CASE WHEN {dialect.identifier(f'by {i}')}{test} THEN {dialect.text_literal(i)} END" for i in ids
    ]
    return f"concat_ws(' ', {', '.join(parts)})" if parts else dialect.text_literal("")


class _Writer:
    """Facts of an order as columns and constants."""

    def __init__(self, order: SymbolicOrder, model: RequestModel, dialect: Dialect, sources: Sources) -> None:
        if any(term != FALSE for term in order.fails.values()):
            raise PolicyError(
                "a policy can fail, and a row would lose it", hint="`doorward order check` names it"
            )
        specs = model.specs(order.resource)
        given = sources.columns.keys() | sources.constants.keys()
        unknown = sorted(given - specs.keys() - {"principal", "resource"})
        if unknown:
            raise PolicyError(f"`{unknown[0]}` is no fact of a request about a {order.resource}")
        for path, value in sources.constants.items():
            if path in specs and not specs[path].allows(value):
                raise PolicyError(
                    f"`{path}` takes {kind_in_words(specs[path].type)}, one of its words where it has some"
                )
        self._order = order
        self._columns = sources.columns
        self._dialect = dialect
        self._constants = {
            path: _constant(specs[path].type, value) for path, value in sources.constants.items()
        }

    def known(self, term: int) -> int:
        return self._order.terms.replace_all(term, self._constants)

    def column(self, path: str, kind: Type) -> str:
        del kind
        found = self._columns.get(path)
        if found is None:
            raise PolicyError(
                f"the order reads `{path}`, and no column or constant has it",
                hint="give each fact a column, or say what it is for all rows",
            )
        return found


def _constant(kind: Type, value: Fact) -> Constant:
    return Uid(kind.name, str(value)) if isinstance(kind, EntityType) else value


@dataclass(slots=True)
class UnsureWriter(SqlWriter):
    """Writes terms whose facts may be NULL, so that NULL comes out where a fact that is missing could matter."""

    def form(self, node: Term) -> str:
        """As in `SqlWriter`; raises PolicyError for what would turn NULL into a value."""
        if node.kind in _TWO_VALUED:
            raise PolicyError(f"`{node.kind}` has no form over facts that are not known")
        return SqlWriter.form(self, node)

    def lookup(self, node: Term, rows: Sequence[tuple[tuple[str, ...], Value | None]]) -> str:
        """As in `SqlWriter`; of an entity that is not known nothing is known."""
        written = SqlWriter.lookup(self, node, rows)
        missing = " OR ".join(f"{self.write(part)} IS NULL" for part in node.parts)
        return f"CASE WHEN {missing} THEN NULL ELSE {written} END"

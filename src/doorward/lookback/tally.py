"""What one order says of the accesses of its sources: verdicts, counts and findings, over tables that exist already.

An order reads few facts of an access, and they repeat: the distinct sets are decided once, and each access is joined
with the verdict of its set. So the cost of the order does not grow with the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.lookback.decide import FACTS, Decided, Decider, Progress, decide
from doorward.lookback.queries import fill_query, quote_text, read_query
from doorward.lookback.spark import Spark

if TYPE_CHECKING:
    import duckdb

OF_PHRASE: Final = ("purposes", "for_agencies", "said", "tags", "offense_given")
TABLES: Final = (
    "VIEW IF EXISTS seen",
    "VIEW IF EXISTS accesses",
    "TABLE IF EXISTS phrases",
    "TABLE IF EXISTS searchers",
)
SMALL: Final = ("phrases", "searchers", "owners", "relations")
_KEPT: Final = "COMPRESSION zstd, COMPRESSION_LEVEL 1"
# Read once more and removed. Ids and reasons hardly repeat: a dictionary of them would be begun and thrown away.
_PASSING: Final = "COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000"


@dataclass(frozen=True, slots=True)
class Relation:
    """How a searcher stands to the owner of a source; None is open.

    Args:
        own: The searcher is the owner.
        one_to_one: The owner shares with it in particular.
    """

    file: int
    searcher_no: int
    own: bool | None
    one_to_one: bool | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The tables that one order looks at.

    Args:
        accesses: `data/accesses/NNNN.parquet` of each of its sources.
        phrases: Wordings, as the order's own lexicon has them.
        searchers: Searchers, by the order's own agencies.
        owners: By number of source, whose data it is about.
        relations: Of each source and each of its searchers.
        immigration: Agencies of the order that enforce immigration law.
        elsewhere: Whether accesses count that another owner's log has too.
    """

    accesses: Sequence[Path]
    phrases: Path
    searchers: Path
    owners: dict[int, str]
    relations: Sequence[Relation]
    immigration: Sequence[str]
    elsewhere: bool = False


class Tally:
    """One order over its sources.

    Args:
        connection: Of `open_engine`; tables of it are replaced.
        decider: The order.
        sources: What it looks at.
        scratch: A folder of its own.
        spark: Where given, it does what grows with the log.
    """

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        decider: Decider,
        sources: Sources,
        *,
        scratch: Path,
        spark: Spark | None = None,
    ) -> None:
        self._connection = connection
        self._decider = decider
        self._scratch = scratch
        self._spark = spark
        self._keys = _keys(decider)
        self._open(sources)

    def decide(self, progress: Progress) -> Decided:
        """Make the table `verdicts`: what the order says of every set of facts.

        Raises:
            PolicyError: A condition of the order has no form over facts that are open.
        """
        chosen = ", ".join(f"a.{key}" for key in self._keys) or "1 AS one"
        query = f"SELECT {chosen}, count(*) AS n FROM seen a GROUP BY ALL"  # noqa: S608  # names of our own
        if self._spark is None:
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE sets AS {query}")
        else:
            self._spark.collect(self._connection, query, "sets", self._scratch)
        columns = ", ".join(_column(name, kind, self._keys) for name, kind in FACTS)
        meaning = f"SELECT DISTINCT meaning, {', '.join(OF_PHRASE)} FROM phrases"  # noqa: S608  # as above
        joined = f"LEFT JOIN ({meaning}) m ON m.meaning = t.meaning" if "meaning" in self._keys else ""
        kept = "".join(f", t.{key} AS key_{key}" for key in self._keys)
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE facts AS "  # noqa: S608  # as above
            f"SELECT CAST(row_number() OVER () AS UBIGINT) AS facts, t.n, {columns}{kept} FROM sets t {joined}"
        )
        found = decide(self._connection, self._decider, "facts", "facts_verdicts", progress)
        self._connection.execute(
            # A clause is named where it decides in any case, and where the access is denied in any case by one of them.
            # Where neither holds, those that may decide stand apart: no count has them.
            "CREATE OR REPLACE TEMP TABLE verdicts AS SELECT *, "
            "CASE WHEN named THEN clauses ELSE CAST([] AS VARCHAR[]) END AS clauses_named, "
            "CASE WHEN named THEN CAST([] AS VARCHAR[]) ELSE clauses END AS clauses_perhaps "
            "FROM (SELECT f.*, v.* EXCLUDE (facts), v.clauses_certain OR v.result = 'inconsistent' AS named "
            "FROM facts f JOIN facts_verdicts v ON v.facts = f.facts)"
        )
        if self._spark is not None:
            self._spark.share(self._connection, ["verdicts"], self._scratch)
        return found

    def write(self, name: str, rules: str, target: Path) -> None:
        """Write `counts` or `findings` of the order, in no order; `decide` comes first.

        Args:
            name: Of the query.
            rules: The order's name.
            target: A Parquet file; it is there whole or not at all.
        """
        query = fill_query(name, same=self._same(), rules=quote_text(rules))
        if self._spark is not None:
            self._spark.collect(self._connection, query, "carried", self._scratch)
            query = "SELECT * FROM carried"
        copy_parquet(self._connection, query, target, _PASSING)

    def _open(self, sources: Sources) -> None:
        connection = self._connection
        files = ", ".join(map(quote_text, sources.accesses))
        listed = ", ".join(map(quote_text, sources.immigration))
        immigration = f"CAST([{listed}] AS VARCHAR[])"
        meanings = fill_query("meanings", phrases=quote_text(sources.phrases), immigration=immigration)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE phrases AS {meanings}")
        connection.execute(_searchers(sources, immigration))
        connection.execute("CREATE OR REPLACE TEMP TABLE owners (file INTEGER, owner VARCHAR)")
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE relations "
            "(file INTEGER, searcher_no INTEGER, own BOOLEAN, one_to_one BOOLEAN)"
        )
        if sources.owners:
            connection.execute(
                "INSERT INTO owners SELECT unnest(?), unnest(?)",
                [list(sources.owners), list(sources.owners.values())],
            )
        if sources.relations:
            rows = [(one.file, one.searcher_no, one.own, one.one_to_one) for one in sources.relations]
            connection.execute(
                "INSERT INTO relations SELECT unnest(?), unnest(?), unnest(?::BOOLEAN[]), unnest(?::BOOLEAN[])",
                [list(column) for column in zip(*rows, strict=True)],
            )
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW accesses AS SELECT * FROM read_parquet([{files}])"  # noqa: S608  # quoted
        )
        seen = read_query("seen").replace("$elsewhere", "true" if sources.elsewhere else "false")
        connection.execute(f"CREATE OR REPLACE TEMP VIEW seen AS {seen}")
        if self._spark is not None:
            self._spark.view("accesses", sources.accesses)
            self._spark.share(connection, SMALL, self._scratch)
            self._spark.define("seen", seen)

    def _same(self) -> str:
        """Return the condition that joins an access with the verdict of its set of facts."""
        return " AND ".join(f"a.{key} IS NOT DISTINCT FROM v.key_{key}" for key in self._keys) or "true"


# What the two queries give, for an audit in which no order speaks of any log.
COLUMNS: Final = {
    "counts": (
        "rules VARCHAR, owner VARCHAR, searcher_no INTEGER, agency VARCHAR, ori VARCHAR, state VARCHAR, week DATE, "
        "month DATE, result VARCHAR, outcome VARCHAR, tier VARCHAR, said VARCHAR, clauses VARCHAR, path VARCHAR, "
        "elsewhere BOOLEAN, n BIGINT"
    ),
    "findings": (
        'rules VARCHAR, file INTEGER, sheet VARCHAR, "row" BIGINT, id VARCHAR, "at" TIMESTAMP, owner VARCHAR, '
        "searcher VARCHAR, agency VARCHAR, ori VARCHAR, result VARCHAR, outcome VARCHAR, possible VARCHAR[], "
        "clauses VARCHAR[], clauses_certain BOOLEAN, clauses_perhaps VARCHAR[], "
        "policies VARCHAR[], tier VARCHAR, patterns VARCHAR[], "
        "evidence VARCHAR[], reason VARCHAR, reason_state VARCHAR, offense VARCHAR, case_no VARCHAR, "
        "case_state VARCHAR, kind VARCHAR, reach_back_days BIGINT, path VARCHAR, elsewhere BOOLEAN"
    ),
}


def join_parts(
    connection: "duckdb.DuckDBPyConnection", name: str, parts: Sequence[Path], query: str, target: Path
) -> None:
    """Write `counts` or `findings` of all orders: what each of them has left, by a query with `{0}` for the table."""
    if parts:
        table = f"read_parquet([{', '.join(map(quote_text, parts))}])"
    else:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE no_{name} ({COLUMNS[name]})")
        table = f"no_{name}"
    copy_parquet(connection, query.format(table), target)


def copy_parquet(
    connection: "duckdb.DuckDBPyConnection", query: str, target: Path, form: str = _KEPT
) -> None:
    """Write what a query gives to a Parquet file that is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    connection.execute(f"COPY ({query}) TO {quote_text(part)} (FORMAT parquet, {form})")
    part.replace(target)


def _searchers(sources: Sources, immigration: str) -> str:
    one = "CASE WHEN {0} IS NOT NULL THEN [{0}] WHEN len(may_be) > 0 THEN may_be END AS {1}"
    either = (
        "CASE WHEN agency = agency_declared THEN [agency] "
        "WHEN agency IS NOT NULL AND agency_declared IS NOT NULL THEN [agency, agency_declared] "
        "WHEN len(may_be) > 0 THEN may_be END AS agencies_either"
    )
    return (
        "CREATE OR REPLACE TEMP TABLE searchers AS SELECT searcher_no, searcher, searcher_state, ori, state, "  # noqa: S608  # quoted
        f"agency, agency_declared, {one.format('agency', 'agencies')}, "
        f"{one.format('agency_declared', 'agencies_declared')}, {either}, "
        f"CASE WHEN agency IS NOT NULL THEN list_contains({immigration}, agency) "
        f"WHEN len(may_be) > 0 AND NOT list_has_any(may_be, {immigration}) THEN false END AS immigration "
        f"FROM read_parquet({quote_text(sources.searchers)})"
    )


def _keys(decider: Decider) -> tuple[str, ...]:
    """Return what sets of facts are told apart by: what the order reads, its words taken together as a meaning."""
    kept = [name for name in decider.reads if name not in OF_PHRASE]
    return tuple(kept if len(kept) == len(decider.reads) else ["meaning", *kept])


def _column(name: str, kind: str, keys: Sequence[str]) -> str:
    if name in OF_PHRASE and "meaning" in keys:
        return f"m.{name}"
    return f"t.{name}" if name in keys else f"CAST(NULL AS {kind}) AS {name}"

"""The wordings of an audit, from its tables: for a reviewer's queue, a sample, the ranking."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError
from doorward.lookback.engine import MEMORY, open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.labels.draws import Sample, Unit, parse_sample
from doorward.lookback.labels.labels import Wording
from doorward.lookback.labels.queue import Item
from doorward.lookback.queries import read_sql

if TYPE_CHECKING:
    import duckdb

BATCH: Final = 10_000
FIRST: Final = 1_000  # of the ranking: a stratum of its own in a sample, where what was missed is likeliest
QUEUE_TIERS: Final = ("vague", "other")
ORDERS: Final = ("rank", "count", "random")
# One of each form is read: wordings that differ in case or digits alone are met once.
_FORM: Final = (
    "regexp_replace(lower(concat_ws(' / ', w.reason, w.prompt, w.offense, w.filters)), '[0-9]', '#', 'g')"
)


@dataclass(frozen=True, slots=True)
class RankingFiles:
    """Where an audit keeps its ranking, its sample and what was estimated from it."""

    folder: AuditFolder

    @property
    def table(self) -> Path:
        """A row for each phrase of the queue: phrase, score, rank, n."""
        return self.folder.root / "data/ranking.parquet"

    @property
    def says(self) -> Path:
        """How the ranking was made and how often it is wrong."""
        return self.folder.root / "ranking.json"

    @property
    def sample(self) -> Path:
        """The sample that was drawn."""
        return self.folder.root / "data/sample.json"

    @property
    def estimates(self) -> Path:
        """What was estimated from it."""
        return self.folder.root / "estimates.json"


@contextmanager
def open_wordings(
    folder: AuditFolder, *, memory: str = MEMORY, threads: int | None = None
) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Yield an engine with the tables `uses`, `phrases` and `wordings` of an audit.

    Raises:
        ConfigError: There is no audit in the folder, or DuckDB is not installed.
    """
    if not folder.phrases.exists() or not any(folder.accesses.glob("*.parquet")):
        raise ConfigError(
            f"`{folder.root.name}` holds no audit", hint="run `doorward audit FILE… --out DIR` first"
        )
    scratch = folder.root / "data/.scratch-wordings"
    with open_engine(scratch, memory=memory, threads=threads) as engine:
        given = {"$accesses": str(folder.accesses / "*.parquet"), "$phrases": str(folder.phrases)}
        for statement in read_sql("ranked_wordings").split(";\n"):
            used = {name[1:]: path for name, path in given.items() if name in statement}
            if statement.strip():
                engine.execute(statement, used or None)
        yield engine


def ranked(engine: "duckdb.DuckDBPyConnection", table: Path) -> bool:
    """Make the view `ranks` of (wording, rank), empty where there is no ranking; return whether there is one."""
    there = table.exists()
    if there:
        engine.execute("CREATE TABLE read_ranks AS SELECT phrase, rank FROM read_parquet(?)", [str(table)])
    else:
        engine.execute("CREATE TABLE read_ranks (phrase BIGINT, rank BIGINT)")
    engine.execute(
        "CREATE TABLE ranks AS SELECT p.wording, min(r.rank) AS rank FROM read_ranks AS r "
        "JOIN phrases AS p ON p.phrase = r.phrase GROUP BY p.wording"
    )
    return there


def read_items(
    engine: "duckdb.DuckDBPyConnection",
    *,
    order: str,
    seed: str = "",
    once: bool = True,
    hide_patterns: bool = False,
) -> Iterator[Item]:
    """Yield the wordings of an audit in an order.

    Args:
        engine: Of `open_wordings`, after `ranked`.
        order: One of `ORDERS`. `rank` has only what no pattern caught.
        seed: Of the random order, which is the same for every reviewer.
        once: In the orders by rank and count, one of each form; a random order always has every wording.
        hide_patterns: For a sample: what the patterns said is not shown.
    """
    one = f"QUALIFY row_number() OVER (PARTITION BY {_FORM} ORDER BY w.n DESC, w.wording) = 1" if once else ""
    tail = {
        "rank": f"WHERE r.rank IS NOT NULL {one} ORDER BY r.rank, w.wording",
        "count": f"{one} ORDER BY w.n DESC, w.wording",
        "random": "ORDER BY sha256(concat_ws(chr(31), $seed, w.reason, w.offense, w.filters, w.prompt)), w.wording",
    }[order]
    query = (
        "SELECT w.reason, w.offense, w.filters, w.prompt, w.n, w.searchers, w.tier, w.patterns, w.evidence, r.rank "  # noqa: S608  # of the constants above
        f"FROM wordings AS w LEFT JOIN ranks AS r ON r.wording = w.wording {tail}"
    )
    found = engine.cursor().execute(query, {"seed": seed} if order == "random" else None)
    while rows := found.fetchmany(BATCH):
        for *texts, n, searchers, tier, patterns, evidence, rank in rows:
            seen = () if hide_patterns else tuple(zip(patterns or (), evidence or (), strict=False))
            wording = Wording(*texts)
            if hide_patterns:
                yield Item(wording, n, searchers)
            else:
                yield Item(wording, n, searchers, tier, seen, rank)


def read_units(engine: "duckdb.DuckDBPyConnection") -> list[Unit]:
    """Return every wording as the unit of a sample.

    Args:
        engine: Of `open_wordings`, after `ranked`.
    """
    found = engine.cursor().execute(
        "SELECT w.reason, w.offense, w.filters, w.prompt, w.tier, w.n, r.rank FROM wordings AS w "
        "LEFT JOIN ranks AS r ON r.wording = w.wording ORDER BY w.wording"
    )
    units = []
    while rows := found.fetchmany(BATCH):
        units += [Unit(Wording(*texts).digest, tier, _band(tier, rank), n) for *texts, tier, n, rank in rows]
    return units


def _band(tier: str, rank: int | None) -> str:
    if tier not in QUEUE_TIERS or rank is None:
        return ""
    return "first" if rank <= FIRST else "rest"


def load_sample(path: Path) -> Sample | None:
    """Return the sample of an audit, or None where none was drawn.

    Raises:
        ConfigError: The file is something else.
    """
    try:
        return parse_sample(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(f"`{path.name}` is no sample", hint="remove it and draw again") from error


def save_json(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write JSON whose bytes depend on nothing but the value; the file is there whole or not at all.

    Raises:
        ConfigError: It cannot be written.
    """
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"`{path.name}` cannot be written: {error.strerror}") from error

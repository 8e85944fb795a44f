"""The wordings of an audit and what they say: `data/phrases.parquet`.

Every distinct wording is looked at once. DuckDB runs the expressions (RE2) over what is ASCII; the few others go
through the twin in Python, `doorward.lookback.words.phrase`, which folds them to plain letters first. The result
depends on the wordings and the lexicon alone: not on the order of the files, the threads or the memory.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.cedar.dialects import DUCKDB
from doorward.errors import ConfigError
from doorward.lookback.cells import State
from doorward.lookback.folder import AuditFolder
from doorward.lookback.queries import read_sql
from doorward.lookback.words.phrase import BESIDE, MAX_TEXT, Classifier, Phrase, Wording, words_of
from doorward.orders.lexicon import CELLS, Lexicon, Pattern

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHUNK: Final = 250_000  # phrases classified at a time: the lists of hits stay in memory
GROUP: Final = 8  # patterns that are looked for in one go first; most phrases hit none of them
MAX_GROUP: Final = (
    20_000  # signs of their alternation; at 36,000 RE2's automaton fell back to a search 50 times as slow
)
BATCH: Final = 5_000  # phrases that go through Python at a time
WORDING: Final = tuple(Wording.__slots__)
_COLUMNS: Final = (
    "phrase BIGINT", *(f"{name} VARCHAR" for name in WORDING), "tier VARCHAR", "purposes VARCHAR[]",
    "for_agencies VARCHAR[]", "patterns VARCHAR[]", "evidence VARCHAR[]", "tags VARCHAR[]", "said VARCHAR",
    "case_in_reason VARCHAR",
)  # fmt: skip
_PLACE: Final = re.compile(r"/\*([a-z ]*[a-z])\*/")
_TAKEN: Final[set[str]] = set()
"""Expressions that this process's RE2 has taken: some hundred for each lexicon that was ever checked."""
_NOT_ASCII: Final = r"[^\x00-\x7F]"


def write_phrases(
    connection: "DuckDBPyConnection",
    lexicon: Lexicon,
    folder: AuditFolder,
    *,
    into: Path | None = None,
    take: Callable[[Path], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Return how many phrases there are, after their table has been written from `folder.rows`.

    A wording has the same number whatever the lexicon, so that several orders can be asked of the same rows.

    Args:
        connection: An engine; its tables `wordings`, `phrases` and `plain_phrases` are replaced.
        lexicon: Of the order.
        folder: Of the audit; the rows are there.
        into: Another place for the table than `folder.phrases`.
        take: Asked, with the place, whether it has put there a table that an earlier run made of the same wordings.
        progress: Is told how many phrases of how many are done.

    Raises:
        ConfigError: No rows have been read, or RE2 cannot take an expression.
    """
    sources = sorted(str(path) for path in folder.rows.glob("*.parquet"))
    if not sources:
        raise ConfigError(
            "no rows have been read, so there are no phrases", hint="read the files of the logs first"
        )
    check_expressions(connection, lexicon)
    columns = ", ".join(WORDING)
    connection.execute(
        f"CREATE OR REPLACE TEMPORARY VIEW rows AS SELECT {columns} "  # noqa: S608  # names of our own
        f"FROM read_parquet([{', '.join(map(DUCKDB.text_literal, sources))}])"
    )
    connection.execute(read_sql("wordings"))
    (total,) = connection.execute("SELECT count(*) FROM wordings").fetchone() or (0,)
    path = into or folder.phrases
    path.parent.mkdir(parents=True, exist_ok=True)
    if take is not None and take(path):
        connection.execute("DROP TABLE wordings")
        return int(total)
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE phrases ({', '.join(_COLUMNS)})")
    cells = _cells_with_text(connection)
    classifier = cache(lambda: Classifier(lexicon))  # a second of work; few logs have a wording that needs it
    for first in range(1, total + 1, CHUNK):
        connection.execute(write_query(lexicon, first=first, after=first + CHUNK, cells=cells))
        connection.execute("INSERT INTO phrases SELECT * FROM plain_phrases")
        connection.execute("DROP TABLE plain_phrases")
        _classify_others(connection, classifier, first=first, after=first + CHUNK)
        if progress is not None:
            progress(min(first + CHUNK - 1, total), total)
    _keep(connection, path)
    connection.execute("DROP TABLE wordings")
    return int(total)


def _keep(connection: "DuckDBPyConnection", path: Path) -> None:
    partial = path.with_suffix(".partial")  # an interrupted run leaves no half a table under the name
    connection.execute(
        f"COPY (SELECT * FROM phrases ORDER BY phrase) TO {DUCKDB.text_literal(str(partial))} "  # noqa: S608  # quoted
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    partial.replace(path)
    connection.execute("DROP TABLE phrases")


def check_expressions(connection: "DuckDBPyConnection", lexicon: Lexicon) -> None:
    """Return when RE2 has taken every expression of a lexicon.

    Raises:
        ConfigError: It does not take one; the pattern and its place are named.
    """
    import duckdb

    named = [(f"pattern `{p.id}` ({p.span})", p.expression) for p in lexicon.patterns]
    named += [(f"`unless` of pattern `{p.id}` ({p.span})", p.unless) for p in lexicon.patterns if p.unless]
    named += [("`vague`", lexicon.vague)]
    named += [("`case_number`", text) for text in (lexicon.case_number, lexicon.case_unless) if text]
    for name, expression in named:
        flagged = _flagged(expression)
        if flagged in _TAKEN:
            continue
        try:
            connection.execute("SELECT regexp_matches('', ?)", [flagged]).fetchall()
            _TAKEN.add(flagged)
        except duckdb.Error as error:
            raise ConfigError(
                f"{name} of the lexicon of `{lexicon.order}` is no expression of RE2",
                hint=" ".join(str(error).split())[:200],
            ) from error


def write_query(lexicon: Lexicon, *, first: int, after: int, cells: Collection[str] = CELLS) -> str:
    """Return the statement that classifies the wordings of these numbers which are ASCII.

    Args:
        lexicon: Of the order.
        first: The first number.
        after: The number after the last.
        cells: In which there is any text; the others are not looked at.
    """
    patterns = lexicon.patterns
    purposes, agencies, tags = words_of(lexicon)
    parts = {
        "most": str(MAX_TEXT),
        "beside": ", ".join(_quoted(state) for state in sorted(BESIDE)),
        "first": str(first),
        "after": str(after),
        "hits": ",\n            ".join(
            filter(None, (_group(patterns[first:last], first, cells) for first, last in _groups(patterns)))
        )
        or "[{'number': 0, 'evidence': NULL::VARCHAR}]",
        "case": _found("reason_text", lexicon.case_number, lexicon.case_unless)
        if lexicon.case_number and "reason" in cells
        else "NULL::VARCHAR",
        "tiers": _list(_quoted(pattern.tier) for pattern in patterns),
        "purposes": _list((_list(map(_quoted, p.purposes)) for p in patterns), kind="VARCHAR[][]"),
        "agencies": _list(_quoted(p.for_agency) if p.for_agency else "NULL" for p in patterns),
        "tags": _list((_list(map(_quoted, p.tags)) for p in patterns), kind="VARCHAR[][]"),
        "ids": _list(_quoted(pattern.id) for pattern in patterns),
        "stated": _stated(lexicon.vague, cells),
        "all purposes": _list(map(_quoted, purposes)),
        "all agencies": _list(map(_quoted, agencies)),
        "all tags": _list(map(_quoted, tags)),
    }
    return _PLACE.sub(lambda place: parts[place[1]], read_sql("phrases"))


def _classify_others(
    connection: "DuckDBPyConnection", classifier: Callable[[], Classifier], *, first: int, after: int
) -> None:
    """Add what is not ASCII, classified in Python."""
    last = first - 1
    query = (
        f"SELECT phrase, {', '.join(WORDING)} FROM wordings WHERE ? < phrase AND phrase < ? "  # noqa: S608  # our names
        f"AND regexp_matches({_all_texts()}, '{_NOT_ASCII}') ORDER BY phrase LIMIT {BATCH}"
    )
    places = ", ".join("unnest(?)" for _ in _COLUMNS)
    while batch := connection.execute(query, [last, after]).fetchall():
        rows = [(*row, *_columns_of(classifier().classify(Wording(*row[1:])))) for row in batch]
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(f"INSERT INTO phrases SELECT {places}", columns)  # placeholders
        last = batch[-1][0]


def _columns_of(phrase: Phrase) -> Iterator[object]:
    for name in Phrase.__slots__:
        value = getattr(phrase, name)
        yield list(value) if isinstance(value, tuple) else value


def _groups(patterns: Sequence[Pattern]) -> Iterator[tuple[int, int]]:
    """Yield where groups of patterns begin and end: few enough that their alternation stays one small automaton."""
    first = size = 0
    for place, pattern in enumerate(patterns):
        if place > first and (place - first == GROUP or size + len(pattern.expression) > MAX_GROUP):
            yield first, place
            first, size = place, 0
        size += len(pattern.expression)
    if patterns:
        yield first, len(patterns)


def _group(patterns: Sequence[Pattern], before: int, cells: Collection[str]) -> str:
    """Return SQL for what some patterns find: a list, or NULL where one look at them all finds nothing.

    Args:
        patterns: Of the group.
        before: How many patterns come before them.
        cells: In which there is any text; where no pattern looks at one, there is nothing to write.
    """
    looking = {
        number: pattern
        for number, pattern in enumerate(patterns, start=before + 1)
        if any(cell in cells for cell in pattern.cells)
    }
    if not looking:
        return ""
    together = _quoted(_flagged("|".join(f"(?:{pattern.expression})" for pattern in looking.values())))
    at = [cell for cell in CELLS if cell in cells and any(cell in one.cells for one in looking.values())]
    looked = " OR ".join(f"regexp_matches({cell}_text, {together})" for cell in at)
    found = ", ".join(
        f"{{'number': {number}, 'evidence': {_evidence(pattern, cells)}}}"
        for number, pattern in looking.items()
    )
    return f"CASE WHEN {looked} THEN [{found}] END"


def _stated(vague: str, cells: Collection[str]) -> str:
    """Return SQL for whether a cell says more than vague words; filters are no reason."""
    expression = _quoted(_flagged(vague))
    looked = [
        f"coalesce(regexp_matches({cell}_text, '[0-9A-Za-z]') AND NOT regexp_matches({cell}_text, {expression}), FALSE)"
        for cell in ("reason", "offense", "prompt")
        if cell in cells
    ]
    return "\n                OR ".join(looked) or "FALSE"


def _cells_with_text(connection: "DuckDBPyConnection") -> tuple[str, ...]:
    """Return the cells that say anything in any wording."""
    counts = ", ".join(f"count(*) FILTER ({cell}_state = '{State.VALUE}')" for cell in CELLS)
    found = connection.execute(f"SELECT {counts} FROM wordings").fetchone() or ()  # noqa: S608  # names of our own
    return tuple(cell for cell, count in zip(CELLS, found, strict=True) if count)


def _all_texts() -> str:
    """Return SQL for all cells with a value, side by side."""
    texts = (f"CASE WHEN {c}_state = '{State.VALUE}' THEN left({c}, {MAX_TEXT}) END" for c in CELLS)
    return f"concat_ws(' ', {', '.join(texts)})"


def _evidence(pattern: Pattern, cells: Collection[str]) -> str:
    """Return SQL for what a pattern finds in the first of its cells in which it finds anything, or NULL."""
    found = [
        _found(f"{cell}_text", pattern.expression, pattern.unless) for cell in pattern.cells if cell in cells
    ]
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def _found(cell: str, expression: str, unless: str | None) -> str:
    evidence = f"nullif(regexp_extract({cell}, {_quoted(_flagged(expression))}, 1), '')"
    if unless is None:
        return evidence
    return f"CASE WHEN NOT regexp_matches({cell}, {_quoted(_flagged(unless))}) THEN {evidence} END"


def _flagged(expression: str) -> str:
    return f"(?i){expression}"


def _quoted(text: str) -> str:
    return DUCKDB.text_literal(text)


def _list(items: Iterable[str], *, kind: str = "VARCHAR[]") -> str:
    return f"CAST([{', '.join(items)}] AS {kind})"

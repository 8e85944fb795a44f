"""The ranking of an audit: labels and tables in, `data/ranking.parquet` and `ranking.json` out."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.lookback.folder import AuditFolder
from doorward.lookback.labels.agreement import measure_agreement
from doorward.lookback.labels.labels import LabelSet, Wording
from doorward.lookback.labels.ranking import (
    FEATURES,
    FOLDS,
    GRAMS,
    STRENGTH,
    TARGET,
    Example,
    Examples,
    Model,
    cross_validate,
    hold_out,
    make_examples,
    normalise_text,
)
from doorward.lookback.labels.ranking_error import (
    CUTS,
    LEAST_RANDOM,
    calibrate,
    expect,
    measure_errors,
    precision_at,
    say_errors,
)
from doorward.lookback.labels.wordings import (
    BATCH,
    QUEUE_TIERS,
    RankingFiles,
    open_wordings,
    save_json,
)
from doorward.lookback.queries import read_sql

if TYPE_CHECKING:
    import duckdb

MEMORY: Final = "500MB"  # of the engine; Python and the model need some 200 MB beside it


def rank_phrases(
    folder: AuditFolder,
    labels: LabelSet,
    *,
    loud: Collection[str] = (),
    memory: str = MEMORY,
    threads: int | None = None,
) -> dict[str, Any]:
    """Write the ranking of an audit, and return what `ranking.json` holds.

    Args:
        folder: Of an audit whose phrases and accesses are written.
        labels: What reviewers said; none is allowed, and gives the order by rarity.
        loud: Ids of patterns whose tier is explicit or agency-named: a phrase that one of them caught is not in the
            queue, whatever its own tier. A tier that is the strongest of a phrase's patterns needs none.
        memory: Of the engine.
        threads: Of the engine; the model has one.

    Raises:
        ConfigError: There is no audit in the folder, DuckDB is not installed, or there are labels enough to learn from
            and scikit-learn is not.
    """
    paths = RankingFiles(folder)
    examples = make_examples(labels.settle().values())
    with open_wordings(folder, memory=memory, threads=threads) as engine:
        _make_queue(engine, loud)
        if examples.too_few:
            engine.execute(read_sql("ranking_rarity"))
            model = None
        else:
            model = Model(examples.used)
            _score(engine, model)
        _write(engine, paths.table)
        said = _account(engine, examples, model, labels)
    save_json(paths.says, said)
    return said


def _make_queue(engine: "duckdb.DuckDBPyConnection", loud: Collection[str]) -> None:
    """Make `queue` (phrase, n, norm) and `norms` (norm, n)."""
    engine.execute(
        "CREATE TABLE asked AS SELECT p.phrase, p.reason, p.offense, p.filters, p.prompt, u.n FROM phrases AS p "
        "JOIN (SELECT phrase, CAST(sum(n) AS BIGINT) AS n FROM uses GROUP BY phrase) AS u ON u.phrase = p.phrase "
        "WHERE p.tier IN ('vague', 'other') AND NOT list_has_any(coalesce(p.patterns, CAST([] AS VARCHAR[])), $loud) "
        "ORDER BY p.phrase",
        {"loud": sorted(loud) or [""]},
    )
    engine.execute("CREATE TABLE queue (phrase BIGINT, n BIGINT, norm VARCHAR)")
    found = engine.cursor().execute("SELECT * FROM asked")
    while rows := found.fetchmany(BATCH):
        written = [(row[0], row[5], normalise_text(Wording(*row[1:5]).text)) for row in rows]
        kept = [row for row in written if row[2]]
        engine.execute(
            "INSERT INTO queue SELECT unnest($phrase::BIGINT[]), unnest($n::BIGINT[]), unnest($norm::VARCHAR[])",
            dict(zip(("phrase", "n", "norm"), (list(part) for part in zip(*kept, strict=True)), strict=True))
            if kept
            else {"phrase": [], "n": [], "norm": []},
        )
    engine.execute(
        "CREATE TABLE norms AS SELECT norm, CAST(sum(n) AS BIGINT) AS n FROM queue GROUP BY norm ORDER BY norm"
    )


def _score(engine: "duckdb.DuckDBPyConnection", model: Model) -> None:
    engine.execute("CREATE TABLE scored (norm VARCHAR, score DOUBLE)")
    found = engine.cursor().execute("SELECT norm FROM norms")
    while rows := found.fetchmany(BATCH):
        forms = [form for (form,) in rows]
        engine.execute(
            "INSERT INTO scored SELECT unnest($norm::VARCHAR[]), unnest($score::DOUBLE[])",
            {"norm": forms, "score": model.score(forms)},
        )


def _write(engine: "duckdb.DuckDBPyConnection", table: Path) -> None:
    engine.execute(f"CREATE TABLE ranking AS {read_sql('ranking')}")
    partial = table.with_name(f".{table.name}.partial")
    target = str(partial).replace("'", "''")  # COPY takes no parameter here
    rows = "SELECT phrase, score, rank, n FROM ranking ORDER BY rank"
    engine.execute(f"COPY ({rows}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    partial.replace(table)


def _account(
    engine: "duckdb.DuckDBPyConnection", examples: Examples, model: Model | None, labels: LabelSet
) -> dict[str, Any]:
    whole = engine.execute(
        "SELECT count(DISTINCT p.wording), coalesce(sum(r.n), 0) FROM ranking AS r "
        "JOIN phrases AS p ON p.phrase = r.phrase"
    ).fetchone() or (0, 0)
    silent = engine.execute(
        "SELECT count(*) FROM asked WHERE phrase NOT IN (SELECT phrase FROM queue)"
    ).fetchone()
    inside = _in_queue(engine, examples.used)
    drawn = [example for example in inside if example.random]
    said: dict[str, Any] = {
        "method": "character n-grams" if model else "rarity",
        "target": TARGET,
        "refused": examples.too_few or None,
        "queue": {
            "wordings": int(whole[0]),
            "accesses": int(whole[1]),
            "nothing written": int(silent[0]) if silent else 0,
            "tiers": list(QUEUE_TIERS),
        },
        "labels": {
            "forms": len(examples.used),
            "yes": examples.yes,
            "no": examples.no,
            "left out": dict(examples.left_out),
            "in the queue": len(inside),
            "random in the queue": len(drawn),
        },
        "agreement": [
            {"wordings": one.wordings, "raw": one.raw.as_json(), "kappa": one.kappa.as_json()}
            for one in measure_agreement(labels, tiers=True)
        ],
        **_errors(engine, examples, model, inside, drawn),
    }
    said["says"] = say_errors(said)
    return said


def _errors(
    engine: "duckdb.DuckDBPyConnection",
    examples: Examples,
    model: Model | None,
    inside: Collection[Example],
    drawn: Collection[Example],
) -> dict[str, Any]:
    names = ("model", "cross_validated", "held_out", "calibration", "precision_at", "expected")
    said: dict[str, Any] = dict.fromkeys(names)
    if model is None:
        return said
    scores = cross_validate(examples.used)
    answers = [example.yes for example in examples.used]
    tested, held = hold_out(examples.used)
    in_queue = {example.form for example in inside}
    queued = [at for at, example in enumerate(examples.used) if example.form in in_queue]
    said["model"] = {
        "grams": list(GRAMS),
        "features": model.features,
        "most features": FEATURES,
        "C": STRENGTH,
    }
    said["cross_validated"] = {"folds": FOLDS, **measure_errors(scores, answers).as_json()}
    said["held_out"] = measure_errors(held, [example.yes for example in tested]).as_json()
    said["calibration"] = calibrate(scores, answers)
    said["precision_at"] = precision_at([scores[at] for at in queued], [answers[at] for at in queued])
    if len(drawn) >= LEAST_RANDOM:
        said["expected"] = expect(
            _unread(engine, examples.used),
            learnt=examples.yes / len(examples.used),
            drawn=len(drawn),
            yes=sum(example.yes for example in drawn),
        )
    return said


def _in_queue(engine: "duckdb.DuckDBPyConnection", examples: Iterable[Example]) -> list[Example]:
    by_form: Mapping[str, Example] = {example.form: example for example in examples}
    found = engine.execute(
        "SELECT n.norm FROM norms AS n JOIN (SELECT unnest($forms::VARCHAR[]) AS form) AS f ON f.form = n.norm "
        "ORDER BY n.norm",
        {"forms": list(by_form)},
    ).fetchall()
    return [by_form[form] for (form,) in found]


def _unread(engine: "duckdb.DuckDBPyConnection", examples: Iterable[Example]) -> list[float]:
    """Return the highest scores of the forms of the queue that nobody has labelled."""
    found = engine.execute(
        "SELECT s.score FROM scored AS s ANTI JOIN (SELECT unnest($forms::VARCHAR[]) AS form) AS f "
        "ON f.form = s.norm "
        "ORDER BY s.score DESC LIMIT $most",
        {"forms": [example.form for example in examples], "most": max(CUTS)},
    ).fetchall()
    return [score for (score,) in found]

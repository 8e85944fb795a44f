"""Whether the tables of an audit agree with each other; a report of tables that do not is never written.

INVARIANT (tables-agree): the findings are as many as the counts of what is inconsistent or referred, or explicit or
agency-named, under each order; and the manifest's results are the sums of the counts.
"""

from collections.abc import Iterator

from doorward.errors import ConfigError
from doorward.lookback.queries import read_sql
from doorward.lookback.report.source import Source


def require_agreement(source: Source) -> None:
    """Return where the tables agree.

    Raises:
        ConfigError: They do not; it says which, and by how much.
    """
    for said in (*_findings(source), *_manifest(source)):
        raise ConfigError(
            f"the audit's tables disagree, no report was written: {said}",
            hint="audit the files again into a new folder",
        )


def _findings(source: Source) -> Iterator[str]:
    sql = read_sql("tables_agree")
    given = {"findings": str(source.folder.findings), "counts": str(source.folder.counts)}
    for rules, result, tier, findings, counts in source.connection.execute(sql, given).fetchall():
        yield (
            f"under `{rules}`, {result} and {tier}: findings.parquet has {findings:,}, data/counts.parquet {counts:,}"
        )


def _manifest(source: Source) -> Iterator[str]:
    sql = "SELECT rules, result, sum(n)::BIGINT FROM read_parquet(?) GROUP BY ALL ORDER BY ALL"
    counted: dict[str, dict[str, int]] = {}
    for rules, result, n in source.ask(sql, str(source.folder.counts)):
        counted.setdefault(rules, {})[result] = n
    said = source.manifest.get("results") or {}
    for rules in sorted(said.keys() | counted.keys()) if said else ():
        mine, other = said.get(rules) or {}, counted.get(rules) or {}
        for result in sorted(mine.keys() | other.keys()):
            if mine.get(result, 0) != other.get(result, 0):
                yield (
                    f"under `{rules}`, {result}: audit.json has {mine.get(result, 0):,}, "
                    f"data/counts.parquet {other.get(result, 0):,}"
                )

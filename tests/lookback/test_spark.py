"""`--engine spark` in local mode comes to what DuckDB comes to: the same counts, the same findings, byte for byte.

The same text of SQL runs on both (`doorward.lookback.spark`). Without Spark, sqlglot and Java the tests are skipped:
`make engines` installs them into a folder of their own, and PYTHONPATH names it.
"""

import os
import shutil
from pathlib import Path

import pytest

from doorward.lookback.queries import read_query
from doorward.lookback.spark import carry_to_spark, open_spark
from tests_support.access_logs import AUDIT_13, audit_row, write
from tests_support.agency_rows import list_csv
from tests_support.audits import Given, counts, findings, page, run_audit, tally, write_pages

pytest.importorskip("sqlglot", reason="sqlglot is not on the path; see the head of this file")
REASONS = (
    "immigration enforcement", "burglary", "assist HSI", "investigation", "", "***", "assist ICE",
    "O'Brien, \"quoted\"",
    "ünïcode robbery", "a\nb",
)  # fmt: skip
SEARCHERS = (
    "Chicago IL PD", "Quarry IL PD", "Mica Township WI PD", "[Federal] Federal Bureau of Investigation (FBI)", "***",
    "Nobody In Particular",
)  # fmt: skip
TABLES = ("findings.parquet", "data/counts.parquet")


@pytest.mark.parametrize("name", ["seen", "counts", "findings"])
def test_a_query_can_be_carried(name: str) -> None:
    carried = carry_to_spark(read_query(name).replace("$same", "true").replace("$rules", "'x'"))
    assert carried.startswith("SELECT")
    assert '"' not in carried  # a text, for Spark


def log(path: Path, count: int) -> Path:
    rows = [
        audit_row(
            n,
            **{
                "Org Name": SEARCHERS[n % len(SEARCHERS)],
                "Reason": REASONS[n // 3 % len(REASONS)],
                "Search Time": "" if n % 17 == 0 else f"04/{n % 28 + 1:02d}/2026, 05:{n % 60:02d}:00 AM UTC",
                "Case #": f"SMP-{n}" if n % 2 else "",
            },
        )
        for n in range(1, count)
    ]
    return write(path, [AUDIT_13, *rows])


def both(tmp_path: Path, files: list[Path], given: Given) -> None:
    pytest.importorskip("pyspark", reason="Spark is not on the path; see the head of this file")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java")
    run_audit(tmp_path / "duck", files, given)
    with open_spark(memory="1GB", threads=2) as spark:
        given.spark = spark
        run_audit(tmp_path / "spark", files, given)
    assert counts(tmp_path / "spark") == counts(tmp_path / "duck")
    assert findings(tmp_path / "spark") == findings(tmp_path / "duck")
    for name in TABLES:
        assert (tmp_path / "spark" / name).read_bytes() == (tmp_path / "duck" / name).read_bytes(), name


@pytest.mark.long
@pytest.mark.timeout(1800)  # a JVM has to start, whoever else is at work
def test_spark_and_duckdb_come_to_the_same(tmp_path: Path) -> None:
    agencies = tmp_path / "agencies.csv"
    agencies.write_text(list_csv(), encoding="utf-8")
    declarations = tmp_path / "declarations.csv"
    declarations.write_text(
        "agency,ori,from,until,evidence\nMica Township PD,WI0010100,2026-04-10,2026-04-20,SMP-1\n",
        encoding="utf-8",
    )
    prohibited = "Immigration enforcement, traffic enforcement, personal use."
    pages = write_pages(
        tmp_path / "policies.csv",
        *(page(owner, prohibited_uses=prohibited) for owner in ("chicago-il-pd", "quarry-il-pd")),
    )
    given = Given(orders=["chicago"], policies=pages, agencies=agencies, declarations=declarations, threads=2)
    files = [
        log(tmp_path / "chicago-il-pd__2026-05-01.csv", 600),
        log(tmp_path / "quarry-il-pd__2026-05-01.csv", 300),
    ]
    both(tmp_path, files, given)
    # The 299 searches of the second log are in the first one too: no order counts them again.
    found = tally(counts(tmp_path / "spark"), "rules", "elsewhere")
    assert found == {("chicago", False): 599, ("chicago-il-pd", False): 599, ("quarry-il-pd", True): 299}
    said = [one for one in findings(tmp_path / "spark") if one["elsewhere"]]
    assert {one["rules"] for one in said} == {"quarry-il-pd"}
    assert {one["result"] for one in said} >= {"inconsistent"}


@pytest.mark.long
@pytest.mark.timeout(1800)  # a JVM has to start, whoever else is at work
@pytest.mark.shared
def test_spark_and_duckdb_come_to_the_same_on_the_real_exports(tmp_path: Path, shared: Path) -> None:
    files = sorted((shared / "data/alpr-portals/logs").glob("*.csv"))[:6]
    both(tmp_path, files, Given(policies=shared / "data/alpr-portals/policies.csv", threads=2))

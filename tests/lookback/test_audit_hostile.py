"""What a clerk can do to an audit: each ends in a line and a hint, an exit code, and no traceback or row's value."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from doorward.errors import ConfigError, PolicyCheckError
from doorward.lookback.rules import choose_rules
from doorward.orders.load import load_pack
from tests_support.access_logs import AUDIT_13, PORTAL, audit_row, portal_row, write
from tests_support.audits import Given, counts, findings, manifest, page, run_audit, tally, write_pages

SECRET = "Zebra Secret Wording"


def doorward(*words: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "doorward", "audit", *map(str, words)],
        check=False, capture_output=True, text=True, cwd=home, timeout=240,
    )  # fmt: skip


def assert_told(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("doorward: ")
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "chicago-il-pd__2026-05-01.csv", [AUDIT_13, audit_row(1, Reason=SECRET)])


def test_out_is_a_file(tmp_path: Path, log: Path) -> None:
    (tmp_path / "taken").write_text("a letter", encoding="utf-8")
    done = doorward(log, "--order", "chicago", "--out", tmp_path / "taken", home=tmp_path)
    assert_told(done, 2, "is a file", "hint: name a folder")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "a letter"


def test_out_lies_below_a_file(tmp_path: Path, log: Path) -> None:
    (tmp_path / "taken").write_text("a letter", encoding="utf-8")
    done = doorward(log, "--order", "chicago", "--out", tmp_path / "taken/out", home=tmp_path)
    assert_told(done, 2, "cannot be written")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount one that is small")
def test_the_disk_is_full(tmp_path: Path, log: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(small)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        done = doorward(log, "--order", "chicago", "--no-report", "--out", small / "out", home=tmp_path)
        assert_told(done, 3, "the disk of `--out` is full", "hint: ")
        assert not (small / "out/audit.json").exists()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_an_order_without_a_lexicon_and_one_with_a_fault(tmp_path: Path, log: Path) -> None:
    from doorward.orders.load import SHIPPED

    for name, text in (("bare", None), ("faulty", "[pattern.x]\nmatch = ['(']\ntier = 'explicit'\n")):
        folder = tmp_path / name
        folder.mkdir()
        for file in SHIPPED.joinpath("chicago").rglob("*"):
            if file.is_file() and file.name != "reasons.toml":
                target = folder / file.relative_to(SHIPPED / "chicago")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
        if text is not None:
            (folder / "reasons.toml").write_text(text, encoding="utf-8")
    done = doorward(log, "--order", tmp_path / "bare", "--out", tmp_path / "out", home=tmp_path)
    assert_told(done, 2, "reasons.toml")
    with pytest.raises(PolicyCheckError):
        choose_rules([load_pack(tmp_path / "faulty")], (), ())


def test_two_orders_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="two orders have one name"):
        choose_rules([load_pack("chicago")] * 2, (), ())


def test_nothing_to_put_the_logs_to(tmp_path: Path, log: Path) -> None:
    assert_told(doorward(log, "--out", tmp_path / "out", home=tmp_path), 2, "hint: --order chicago")


def test_published_words_of_others_conclude_nothing_and_leave_nothing_of_an_earlier_audit(
    tmp_path: Path, log: Path
) -> None:
    out = tmp_path / "out"
    run_audit(out, [log], Given(orders=["chicago"]))
    assert tally(counts(out), "rules") == {"chicago": 1}
    pages = write_pages(tmp_path / "policies.csv", page("elsewhere-ca-pd", access_policy="A valid reason."))
    told = run_audit(out, [log], Given(policies=pages))
    assert (told["rules"], told["results"], told["tiers"]) == ([], {}, {})
    assert told["files"][0]["notes"][-1] == "no published words of its owner are in the file of policies"
    assert counts(out) == findings(out) == []
    assert not (out / "leads.parquet").exists()
    assert told["totals"]["kept"] == 1


def test_an_order_that_speaks_of_no_such_log_counts_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "log.csv", [["ID", "Name"], ["1", "x"]])
    with pytest.raises(ConfigError, match=r"log\.csv"):
        run_audit(tmp_path / "out", [file], Given(orders=["chicago"]))


def test_an_export_without_rows_is_an_export(tmp_path: Path) -> None:
    file = write(tmp_path / "chicago-il-pd__2026-05-01.csv", [AUDIT_13])
    told = run_audit(tmp_path / "out", [file], Given(orders=["chicago"]))
    assert told["totals"] | {"duplicates": 0} == {
        "files": 1, "read": 0, "rejected": 0, "blank": 0, "repeated_headers": 0, "kept": 0, "duplicates": 0,
        "kept_of_owner": 0, "other_lines": 0, "period": None,
    }  # fmt: skip
    assert counts(tmp_path / "out") == findings(tmp_path / "out") == []


def test_an_export_whose_rows_are_all_shifted_is_accounted_for(tmp_path: Path) -> None:
    short = [["1", "2", "3"] for _ in range(5)]
    file = write(tmp_path / "chicago-il-pd__2026-05-01.csv", [AUDIT_13, *short])
    told = run_audit(tmp_path / "out", [file], Given(orders=["chicago"]))
    assert (told["totals"]["read"], told["totals"]["rejected"]) == (0, 5)
    assert counts(tmp_path / "out") == []


@pytest.mark.parametrize(
    "name", ["it's; DROP TABLE x --.csv", "ünïcode $rows {same}.csv", "$immigration'.csv"]
)
def test_hostile_names_of_files_and_owners_are_names(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, [AUDIT_13, audit_row(1, Reason="immigration enforcement")])
    owner = "O'Hara $rules {same} \\ PD"
    run_audit(tmp_path / "out", [file], Given(orders=["chicago"], owner=owner))
    assert [(one["owner"], one["row"]) for one in findings(tmp_path / "out")] == [(owner, 2)]
    assert manifest(tmp_path / "out")["files"][0]["name"] == name


def test_one_file_under_the_names_of_two_owners_counts_once(tmp_path: Path) -> None:
    rows = [AUDIT_13, audit_row(1), audit_row(2)]
    files = [write(tmp_path / f"{place}-il-pd__2026-05-01.csv", rows) for place in ("chicago", "quarry")]
    told = run_audit(tmp_path / "out", files, Given(orders=["chicago"]))
    assert [one["accounting"]["duplicates"]["another owner"] for one in told["files"]] == [0, 2]
    # Where somebody says whose both are, they are a release and its repetition.
    told = run_audit(tmp_path / "other", files, Given(orders=["chicago"], owner="Chicago IL PD"))
    assert [one["accounting"]["duplicates"]["same owner"] for one in told["files"]] == [0, 2]


def test_two_pages_of_one_agency_are_two_orders(tmp_path: Path) -> None:
    words = {"access_policy": "All system access requires a valid reason.", "crawled_name": "Quarry CA PD"}
    pages = write_pages(
        tmp_path / "policies.csv",
        page("quarry-ca-pd", **words) ,
        page("quarry-ca-pd", **words | {"snapshot": "2026-05-30", "prohibited_uses": "traffic enforcement"}),
    )  # fmt: skip
    files = [
        write(
            tmp_path / "quarry-ca-pd__2026-05-01.csv", [PORTAL, portal_row(1, reason="traffic infraction")]
        ),
        write(
            tmp_path / "quarry-ca-pd__2026-06-01.csv", [PORTAL, portal_row(2, reason="traffic infraction")]
        ),
    ]
    told = run_audit(tmp_path / "out", files, Given(policies=pages))
    assert [(one["name"], one["files"]) for one in told["rules"]] == [
        ("quarry-ca-pd 2026-04-30", [0]), ("quarry-ca-pd 2026-05-30", [1]),
    ]  # fmt: skip
    assert len({one["digest"] for one in told["rules"]}) == 2
    assert tally(counts(tmp_path / "out"), "rules", "result") == {
        ("quarry-ca-pd 2026-04-30", "consistent"): 1, ("quarry-ca-pd 2026-05-30", "inconsistent"): 1,
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(
    1800
)  # a file costs 0.4 CPU seconds, whatever stands in it; that others are at work is no fault
def test_five_hundred_files(tmp_path: Path) -> None:
    files = [
        write(tmp_path / f"town{n:03d}-il-pd__2026-05-01.csv", [AUDIT_13, audit_row(n + 1)])
        for n in range(500)
    ]
    told = run_audit(tmp_path / "out", files, Given(orders=["chicago"]))
    assert (told["totals"]["files"], told["totals"]["kept"]) == (500, 500)
    assert sum(row["n"] for row in counts(tmp_path / "out")) == 500


def test_the_command_says_what_it_found(tmp_path: Path, log: Path) -> None:
    done = doorward(
        log, "--order", "chicago", "--out", tmp_path / "out", "--no-report", "--json", home=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == manifest(tmp_path / "out")
    assert str(tmp_path) not in (tmp_path / "out/audit.json").read_text(encoding="utf-8")

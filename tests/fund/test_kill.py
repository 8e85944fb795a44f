"""A process that dies by kill -9 behind each step: nothing is posted twice, nothing unrecorded."""

import signal
import subprocess
import sys
import uuid
from datetime import date
from pathlib import Path

import pytest

from doorward.desk.recorder import Recorder
from doorward.fund import rows
from doorward.fund.compare import Comparison, Told, compare
from doorward.fund.filings import rows as filing_rows
from doorward.fund.filings.acts import Bought, Budgeted, Charged, Filing, SetTerms
from doorward.fund.filings.compare import compare_filings
from doorward.fund.filings.store import Filed, Filings
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.operations import Appropriate, Part, Post, Submission
from doorward.fund.store import Receipt
from doorward.record.entry import Entry
from doorward.record.replay import Block
from doorward.record.segments import SpoolReader
from doorward.record.spool import Spool
from fund.conftest import NOW, Fund
from fund_reports import UNITS
from tests_support.fund import agree, open_year, submission

pytestmark = pytest.mark.pg
ONE = Submission(
    uuid.UUID(int=77), "manager", date(2026, 3, 1), Appropriate(2026, "general", 500, "ordinance", "SO-7")
)
DIES = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from doorward.desk.recorder import Recorder
from doorward.fund.store import Store
from doorward.record.spool import Spool
from fund.test_kill import ONE

def step(name):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

now = datetime(2026, 3, 1, 12, tzinfo=UTC)
recorder = Recorder(Spool.open(Path(sys.argv[2]), now=now, worker=16))
print(Store(sys.argv[1], recorder, step=step).submit(ONE, now=now))
"""
FILING = Filing(
    uuid.UUID(int=78, version=4), "manager", date(2026, 3, 1),
    SetTerms("north", (Bought("screening", 100, 9_000),), (Budgeted("units", 900_000),), (Charged("screening", "general", "screening"),)),
)  # fmt: skip
DIES_FILING = (
    DIES.replace("import ONE", "import FILING")
    .replace(
        "import Store",
        "import Store\nfrom doorward.fund.filings.store import Filings\nfrom fund_reports import UNITS",
    )
    .replace(
        "Store(sys.argv[1], recorder, step=step).submit(ONE",
        "Filings(Store(sys.argv[1], recorder), UNITS, step=step).file(FILING",
    )
)


def entries_of(folder: Path) -> list[Entry]:
    return [one for block in SpoolReader(folder).read() if isinstance(block, Block) for one in block.entries]


def held_against(fund: Fund, folder: Path) -> Comparison:
    entries = entries_of(folder)
    with fund.store().reading() as connection:
        kept, postings, state = (
            rows.read_kept(connection),
            rows.read_postings(connection),
            rows.read_state(connection),
        )
    told = [Told(one.number, one.entry, one.text, postings.get(one.number, ())) for one in kept]
    return compare(told, entries, state.balances, state.returned)


@pytest.mark.parametrize(
    ("behind", "again", "unended"),
    [
        ("turn", False, 0),
        ("checked", False, 0),
        ("recorded", False, 1),
        ("committed", True, 0),
        ("posted", True, 0),
    ],
)
def test_whoever_dies_and_comes_back_has_posted_once(
    fund: Fund, tmp_path: Path, *, behind: str, again: bool, unended: int
) -> None:
    folder = tmp_path / "worker-16"
    recorder = Recorder(Spool.open(folder, now=NOW, worker=16))
    assert isinstance(fund.store(recorder=recorder).submit(submission(open_year(2026)), now=NOW), Receipt)
    recorder.close(now=NOW)
    died = subprocess.run(
        [sys.executable, "-c", DIES, fund.conninfo(), str(folder), behind],
        capture_output=True,
        text=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not died.stdout
    recorder = Recorder(Spool.open(folder, now=NOW, worker=16))
    answer = fund.store(recorder=recorder).submit(ONE, now=NOW)
    recorder.close(now=NOW)
    assert isinstance(answer, Receipt)
    assert answer.again is again
    assert fund.store().state().at(Account.APPROPRIATED, 2026, "general") == -500
    found = held_against(fund, folder)
    assert (found.transactions, found.wrong, len(found.open)) == (2, (), unended)


@pytest.mark.parametrize(
    ("behind", "again", "unended"),
    [("turn", False, 0), ("checked", False, 0), ("recorded", False, 1), ("committed", True, 0)],
)
def test_whoever_files_and_dies_and_comes_back_has_filed_once(
    fund: Fund, tmp_path: Path, *, behind: str, again: bool, unended: int
) -> None:
    folder = tmp_path / "worker-16"
    recorder = Recorder(Spool.open(folder, now=NOW, worker=16))
    store = fund.store(recorder=recorder)
    for operation in (
        open_year(2026), Appropriate(2026, "general", 1_000_000, "ordinance", "SO-7"),
        agree("north", Part(2026, "general", 1_000_000)),
    ):  # fmt: skip
        assert isinstance(store.submit(submission(operation), now=NOW), Receipt)
    assert isinstance(store.submit(submission(Post("north"), "director"), now=NOW), Receipt)
    recorder.close(now=NOW)
    arguments = [sys.executable, "-c", DIES_FILING, fund.conninfo(), str(folder), behind]
    died = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not died.stdout
    recorder = Recorder(Spool.open(folder, now=NOW, worker=16))
    filings = Filings(fund.store(recorder=recorder), UNITS)
    answer = filings.file(FILING, now=NOW)
    recorder.close(now=NOW)
    assert isinstance(answer, Filed), answer
    assert answer.again is again
    assert [one.terms for one in filings.on_file("north").terms] == [FILING.act]
    with fund.store().reading() as connection:
        told = [(one.number, one.entry, one.text) for one in filing_rows.read_filings(connection)]
        reports = filing_rows.read_reports(connection)
    found = compare_filings(told, reports, entries_of(folder))
    assert (found.filings, found.wrong, len(found.open)) == (1, (), unended)
    assert held_against(fund, folder).wrong == ()

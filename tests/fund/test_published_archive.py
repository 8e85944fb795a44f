"""Months on disk: staged, recorded, shown; whatever dies in between, the same bytes come out, and nothing before its entry."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doorward.errors import StoreError
from doorward.fund.archive import Archive
from doorward.fund.published.check import check_editions, check_recorded
from doorward.fund.published.files import NAMES, TOTALS, format_files
from doorward.record.entry import Fields, Kind
from fund.conftest import MemoryRecord
from tests_support.fund_published import edition, month_at, report

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Died(Exception):  # noqa: N818  # what a test raises where a process would die
    """Here the process dies."""


def publish(archive: Archive, at: int, record: MemoryRecord, count: int = 40) -> None:
    made = edition(at, [report(one, [count, 30, 20, 50]) for one in range(at + 1)])
    archive.publish(
        month_at(at), lambda previous: format_files(made, {}, previous), record, by="manager", now=NOW
    )


def test_months_are_shown_in_order_and_hold(tmp_path: Path) -> None:
    archive, record = Archive(tmp_path / "fund"), MemoryRecord()
    assert archive.months() == ()
    assert archive.read_all() == ()
    for at in range(3):
        publish(archive, at, record)
    assert archive.months() == ("2026-01", "2026-02", "2026-03")
    kept = archive.read_all()
    assert check_editions(kept) == ()
    assert check_recorded(kept, record.entries) == ()
    assert set(archive.read("2026-02", TOTALS).files) == {TOTALS}
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "fund" / "2026-01").iterdir()}
    assert modes == {0o644}


@pytest.mark.parametrize("where", ["staged", "recorded", "shown"])
def test_whoever_dies_leaves_nothing_shown_without_its_entry_and_the_next_run_ends_it(
    tmp_path: Path, where: str
) -> None:
    record = MemoryRecord()

    def die(step: str) -> None:
        if step == where:
            raise Died

    with pytest.raises(Died):
        publish(Archive(tmp_path, step=die), 0, record)
    archive = Archive(tmp_path)
    assert len(record.entries) >= len(archive.months())
    if where == "shown":
        assert archive.months() == ("2026-01",)
        return
    assert archive.months() == ()
    publish(archive, 0, record, count=99)  # something else by now; what was staged is what is shown
    kept = archive.read_all()
    assert b"2026-01,know-your-rights,40" in kept[0].files["served.csv"]
    assert check_recorded(kept, record.entries) == ()
    publish(archive, 1, record)
    assert check_editions(archive.read_all()) == ()


def test_a_run_that_died_while_it_wrote_is_begun_anew(tmp_path: Path) -> None:
    making = tmp_path / ".making-.staged-2026-01"
    making.mkdir()
    (making / "lines.csv").write_bytes(b"half")
    publish(Archive(tmp_path), 0, MemoryRecord())
    assert check_editions(Archive(tmp_path).read_all()) == ()


class Refusing:
    """A record on a full disk."""

    def record(self, drafts: Sequence[tuple[Kind, Fields]], *, now: datetime) -> int:
        del drafts, now
        raise StoreError("the disk is full")


def test_without_a_record_nothing_is_shown(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    made = edition(0, ())
    with pytest.raises(StoreError):
        archive.publish(
            month_at(0), lambda previous: format_files(made, {}, previous), Refusing(), by="manager", now=NOW
        )
    assert archive.months() == ()


def test_what_is_no_month_is_not_looked_at_and_a_large_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "2026-01").mkdir()
    assert Archive(tmp_path).months() == ("2026-01",)
    with (tmp_path / "2026-01" / NAMES[0]).open("wb") as sink:
        sink.truncate(16 * 1024 * 1024 + 1)
    with pytest.raises(StoreError, match="larger"):
        Archive(tmp_path).read("2026-01")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be read"):
        Archive(tmp_path / "file").months()

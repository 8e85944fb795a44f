"""Counting and cutting: never a row more than allowed, never half a row, whatever the chunks."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, StoreError
from doorward.gateway.allowances import GROWS_BY, MAX_WORKERS, Allowances, Grantee
from doorward.gateway.limits import Columns, Limit, LimitRules, Limits, Meter, cut_run, refuse_limit
from doorward.pgwire.frames import FrameHop, Rows
from doorward.pgwire.messages import format_frame, parse_fields

NOW = datetime(2026, 3, 4, 23, 59, 30, tzinfo=UTC)
DANA = Grantee("dana", "criminal-investigation", "JH1", "CPD")
ONLY = Limits(0, 0, 0, 0, 0, 0)
COUNTING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from doorward.gateway.allowances import Allowances, Grantee
from doorward.gateway.limits import LimitRules, Limits
from doorward.pgwire.frames import Rows
now = datetime(2026, 3, 4, 23, 59, 30, tzinfo=UTC)
rules = LimitRules(Limits(10**9, 10**9, 0, 0, 0, 0))
mine = Allowances(Path(sys.argv[1]), b"s" * 32, rules=rules, now=now, worker=int(sys.argv[2]), workers=3)
meter = mine.meter(Grantee("dana", "criminal-investigation", "JH1", "CPD"), now)
for _ in range(5000):
    meter.take(Rows(b"D" * 7, 1, 2, ord("D")), 0)
"""
SIZES = st.lists(st.integers(0, 40), max_size=30)


def rows_limited(rows: int = 0, size: int = 0, statements: int = 0) -> Limits:
    return Limits(rows, size, statements, 0, 0, 0)


def meter(limits: Limits, workers: int = 1, own: int = 0, columns: Columns | None = None) -> Meter:
    return Meter(limits, columns or Columns(*([0] * workers for _ in range(4))), own=own, minute=5)


def frames(sizes: list[int]) -> bytes:
    return b"".join(format_frame(b"D", b"r" * size) for size in sizes)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


def forwarded(counted: Meter, data: bytes, cuts: list[int]) -> tuple[bytes, Limit | None]:
    """What a relay forwards of a stream of rows until a limit withholds the rest."""
    hop, out = FrameHop(), b""
    for chunk in pieces(data, cuts):
        items = hop.hop(chunk)
        for item in items:
            assert isinstance(item, Rows)
            kept, limit = counted.take(item, hop.left if hop.left and item is items[-1] else 0)
            out += kept.data
            if limit is not None:
                return out, limit
    return out, None


@given(SIZES, st.lists(st.integers(0, 2000), max_size=12), st.integers(1, 35))
def test_exactly_the_allowed_rows_leave_whole_in_any_chunking(
    sizes: list[int], cuts: list[int], allowed: int
) -> None:
    out, limit = forwarded(meter(rows_limited(allowed)), frames(sizes), cuts)
    assert out == frames(sizes[:allowed])
    assert limit == (Limit.ROWS if len(sizes) > allowed else None)


@given(SIZES, st.lists(st.integers(0, 2000), max_size=12), st.integers(1, 300))
def test_no_byte_more_than_allowed_leaves_and_no_row_is_cut(
    sizes: list[int], cuts: list[int], allowed: int
) -> None:
    counted = meter(rows_limited(size=allowed))
    out, limit = forwarded(counted, frames(sizes), cuts)
    fitting = [at for at in range(len(sizes) + 1) if sum(sizes[:at]) <= allowed][-1]
    assert out == frames(sizes[:fitting])
    assert limit == (Limit.BYTES if fitting < len(sizes) else None)
    assert counted.size == sum(sizes[:fitting])


@given(SIZES, st.integers(0, 31), st.integers(0, 400))
def test_a_cut_run_is_a_beginning_of_whole_rows(sizes: list[int], rows: int, size: int) -> None:
    data = frames(sizes)
    run = Rows(data, len(sizes), sum(sizes), ord("D"))
    kept = cut_run(run, rows=rows, size=size)
    assert data.startswith(kept.data)
    if sizes and data[5:]:
        assert kept.ended <= rows
    assert kept.data == frames(sizes[: kept.ended]) or len(data) == run.size
    assert kept.size == sum(sizes[: kept.ended])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), max_size=40), st.integers(1, 300))
def test_workers_that_count_side_by_side_share_one_allowance(
    takes: list[tuple[int, int]], allowed: int
) -> None:
    columns = Columns(*([0] * 4 for _ in range(4)))
    meters = [meter(rows_limited(allowed), own=own, columns=columns) for own in range(4)]
    left = 0
    for own, rows in takes:
        kept, _ = meters[own].take(Rows(frames([1] * rows), rows, rows, ord("D")), 0)
        left += kept.ended
    assert left == min(allowed, sum(rows for _, rows in takes)) == meters[0].rows


def test_a_row_that_has_begun_goes_on_when_another_session_takes_the_rest() -> None:
    columns = Columns(*([0] for _ in range(4)))
    one, other = (meter(rows_limited(5), columns=columns) for _ in range(2))
    assert one.take(Rows(format_frame(b"D", b"x" * 100)[:50], 0, 45, ord("D")), 55)[1] is None
    other.take(Rows(frames([1] * 5), 5, 5, ord("D")), 0)
    rest = Rows(b"x" * 55, 1, 55, ord("D"))
    assert one.take(rest, 0) == (rest, None)
    kept, limit = one.take(Rows(frames([1]), 1, 1, ord("D")), 0)
    assert (kept.data, limit) == (b"", Limit.ROWS)


def test_statements_are_of_the_minute_and_a_refused_one_does_not_count() -> None:
    counted = meter(rows_limited(statements=2))
    assert [counted.begin() for _ in range(4)] == [None, None, Limit.STATEMENTS, Limit.STATEMENTS]
    counted.minute += 1
    assert [counted.begin() for _ in range(3)] == [None, None, Limit.STATEMENTS]


def test_statements_of_another_worker_in_another_minute_do_not_count() -> None:
    columns = Columns([0, 0], [0, 0], [0, 4], [0, 99])
    counted = meter(rows_limited(statements=2), columns=columns)
    assert counted.begin() is None
    columns.minutes[1] = 5
    assert counted.begin() is Limit.STATEMENTS


def test_without_export_the_rows_end_where_an_export_begins() -> None:
    counted = meter(Limits(100, 0, 0, 0, 0, 10))
    counted.forbid_export()
    kept, limit = counted.take(Rows(frames([1] * 20), 20, 20, ord("D")), 0)
    assert (kept.ended, limit, counted.begin()) == (10, Limit.EXPORT, Limit.EXPORT)


@pytest.mark.parametrize("limit", [Limit.ROWS, Limit.BYTES, Limit.STATEMENTS, Limit.TIME])
def test_a_refusal_says_what_was_reached_and_when_it_goes_on(limit: Limit) -> None:
    fields = parse_fields(refuse_limit(limit, Limits(), NOW)[5:])
    assert fields["C"] == b"53400"
    assert fields["M"].startswith(b"a limit of this door is reached: ")
    if limit is Limit.STATEMENTS:
        assert fields["H"] == b"go on in 30 seconds"
    if limit is Limit.ROWS:
        assert b"2026-03-05 00:00 UTC" in fields["H"]


class TestTheFileOfTheDay:
    def allowances(
        self, folder: Path, *, worker: int = 0, workers: int = 2, now: datetime = NOW
    ) -> Allowances:
        rules = LimitRules(rows_limited(100))
        return Allowances(folder, b"s" * 32, rules=rules, now=now, worker=worker, workers=workers)

    def test_two_workers_see_each_others_counts_and_other_grants_do_not(self, tmp_path: Path) -> None:
        one, other = (self.allowances(tmp_path, worker=worker) for worker in (0, 1))
        mine, theirs = one.meter(DANA, NOW), other.meter(DANA, NOW)
        mine.take(Rows(frames([1] * 60), 60, 60, ord("D")), 0)
        assert theirs.rows == 60
        assert theirs.take(Rows(frames([1] * 60), 60, 60, ord("D")), 0)[0].ended == 40
        assert mine.begin() is Limit.ROWS
        elsewhere = Grantee("dana", "criminal-investigation", "JH2", "CPD")
        assert other.meter(elsewhere, NOW).rows == 0

    def test_a_restart_finds_the_counts_again_with_another_number_of_workers(self, tmp_path: Path) -> None:
        first = self.allowances(tmp_path, worker=3, workers=4)
        first.meter(DANA, NOW).take(Rows(frames([2] * 9), 9, 18, ord("D")), 0)
        again = self.allowances(tmp_path, workers=1).meter(DANA, NOW)
        assert (again.rows, again.size) == (9, 18)

    def test_a_new_day_begins_anew_for_sessions_that_go_on_and_the_old_file_goes(
        self, tmp_path: Path
    ) -> None:
        allowances = self.allowances(tmp_path)
        counted = allowances.meter(DANA, NOW)
        counted.take(Rows(frames([1] * 100), 100, 100, ord("D")), 0)
        assert counted.begin() is Limit.ROWS
        allowances.tick(NOW + timedelta(minutes=1))
        assert counted.begin() is None
        assert [file.name for file in tmp_path.iterdir()] == ["limits-2026-03-05.map"]

    def test_more_grants_than_the_file_has_room_for_make_it_grow_under_every_worker(
        self, tmp_path: Path
    ) -> None:
        one, other = (self.allowances(tmp_path, worker=worker) for worker in (0, 1))
        early = one.meter(DANA, NOW)
        for number in range(GROWS_BY + 5):
            one.meter(Grantee("dana", "audit", str(number), "CPD"), NOW)
        other.meter(DANA, NOW).take(Rows(frames([1]), 1, 1, ord("D")), 0)
        last = Grantee("dana", "audit", str(GROWS_BY + 4), "CPD")
        other.meter(last, NOW).take(Rows(frames([1]), 1, 1, ord("D")), 0)
        assert (early.rows, one.meter(last, NOW).rows) == (1, 1)

    def test_the_file_is_for_its_owner_and_names_nobody(self, tmp_path: Path) -> None:
        self.allowances(tmp_path).meter(DANA, NOW)
        (file,) = tmp_path.iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        assert not any(word in file.read_bytes() for word in (b"dana", b"JH1", b"CPD"))

    @pytest.mark.parametrize("damage", [b"x", b"x" * 64, b"\1" * 64 + b"\0" * 544])
    def test_a_file_that_holds_something_else_is_refused(self, tmp_path: Path, damage: bytes) -> None:
        (tmp_path / "limits-2026-03-04.map").write_bytes(damage)
        with pytest.raises(StoreError, match="holds no counts of this day"):
            self.allowances(tmp_path)

    def test_processes_that_count_at_the_same_time_lose_nothing(self, tmp_path: Path) -> None:
        workers = [
            subprocess.Popen([sys.executable, "-c", COUNTING, str(tmp_path), str(number)])
            for number in range(3)
        ]
        assert [worker.wait(60) for worker in workers] == [0, 0, 0]
        counted = self.allowances(tmp_path, workers=3).meter(DANA, NOW)
        assert (counted.rows, counted.size) == (3 * 5000, 3 * 5000 * 2)

    def test_more_workers_than_columns_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError):
            self.allowances(tmp_path, worker=0, workers=MAX_WORKERS + 1)


@given(st.tuples(*[st.text(max_size=5)] * 4), st.tuples(*[st.text(max_size=5)] * 4))
def test_two_grants_have_one_slot_only_where_all_four_words_are_the_same(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    same = Grantee(*one).name(b"s") == Grantee(*other).name(b"s")
    assert same == (one == other)

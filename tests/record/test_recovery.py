"""What `Spool.open` makes of a spool that was not closed: torn ends, damage, and processes that were killed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from doorward.errors import MalformedError
from doorward.record.entry import Draft, Field, Kind
from doorward.record.segments import SpoolReader, list_segments
from doorward.record.spool import Recovered, Spool, SpoolLimits
from record.samples import (
    NOW,
    SECOND,
    blocks_of,
    completion,
    connect,
    conversation,
    end,
    entries_of,
    fill,
    flip,
    open_spool,
    parse,
    query,
    session_id,
)

ONE, TWO = session_id(1), session_id(2)


def leave(spool_dir: Path, drafts: list[Draft], limits: SpoolLimits = SpoolLimits()) -> None:  # noqa: B008  # frozen
    """Append, and let go as a killed process does."""
    spool = open_spool(spool_dir, limits=limits)
    for draft in drafts:
        spool.append([draft], now=NOW)
    spool._release()


def last_record(spool_dir: Path) -> tuple[Path, int, int]:
    """The last file, where its last record begins, and where it ends."""
    file = list_segments(spool_dir)[-1].path
    reader = SpoolReader(spool_dir)
    offsets = [reader.offset for _ in reader.read()]
    return file, max(offset for offset in offsets if offset < reader.offset), reader.offset


def test_every_open_request_gets_an_unknown_completion_and_every_session_an_end(spool_dir: Path) -> None:
    leave(
        spool_dir,
        [
            connect(ONE), connect(TWO), query(ONE, 1), query(ONE, 2), completion(ONE, 1), query(TWO, 1),
            parse(TWO, 2), completion(TWO, 1, last=False),
        ],
    )  # fmt: skip
    spool = open_spool(spool_dir, seed=1, now=NOW + SECOND)
    assert spool.recovered == Recovered(((ONE, 2), (TWO, 1)), (ONE, TWO), 0)
    spool.close(now=NOW)
    added = entries_of(spool_dir)[8:]
    assert [(entry.kind, entry.session, entry.request) for entry in added] == [
        (Kind.RECOVERY, bytes(16), 0),
        (Kind.COMPLETION, ONE, 2),
        (Kind.COMPLETION, TWO, 1),
        (Kind.END, ONE, 0),
        (Kind.END, TWO, 0),
    ]
    unknown = added[1]
    assert unknown.get(Field.OUTCOME) == b"unknown"
    assert unknown.get(Field.TEXT) == b"rows may have left"
    assert unknown.get(Field.LAST) == b"1"
    assert added[3].get(Field.REASON) == b"recovered"
    assert open_spool(spool_dir, seed=2).recovered == Recovered()


def test_an_open_block_is_closed_and_its_leaf_comes_next(spool_dir: Path) -> None:
    leave(spool_dir, [connect(ONE), query(ONE, 1), completion(ONE, 1)])
    assert len(blocks_of(spool_dir)) == 1
    open_spool(spool_dir, seed=1).close(now=NOW)
    blocks = blocks_of(spool_dir)
    assert [len(block.entries) for block in blocks[:2]] == [1, 2]
    assert [block.leaf_index for block in blocks] == list(range(len(blocks)))


@pytest.mark.parametrize(
    "last", [query(ONE, 2, b"the last one"), end(ONE)], ids=["in an open block", "its block's close"]
)
def test_a_torn_end_is_cut_at_every_byte_of_the_last_record(spool_dir: Path, last: Draft) -> None:
    leave(spool_dir, [connect(ONE), query(ONE, 1), completion(ONE, 1), last])
    file, start, stop = last_record(spool_dir)
    whole = file.read_bytes()
    kept = len(entries_of(spool_dir)) - (last.kind is Kind.REQUEST)
    for cut in range(start, stop):
        file.write_bytes(whole[:cut])
        reader = SpoolReader(spool_dir)
        list(reader.read())
        assert (reader.torn is None) == (cut == start)
        spool = open_spool(spool_dir, seed=1, now=NOW + SECOND)
        assert spool.recovered.cut_bytes == cut - start
        spool.append(conversation(TWO), now=NOW + SECOND)
        spool.close(now=NOW)
        entries = entries_of(spool_dir)
        assert [entry.sequence for entry in entries] == list(range(len(entries)))
        assert [entry.kind for entry in entries[:kept]] == [
            Kind.CONNECT, Kind.REQUEST, Kind.COMPLETION, Kind.END,
        ][:kept]  # fmt: skip
        noted = [entry for entry in entries if entry.kind is Kind.RECOVERY]
        if cut > start:
            assert [entry.get(Field.BYTES) for entry in noted] == [b"%d" % (cut - start)]


def test_a_flipped_bit_in_the_last_record_cuts_that_record_alone(spool_dir: Path) -> None:
    leave(spool_dir, [connect(ONE), query(ONE, 1), query(ONE, 2, b"the last one")])
    file, start, stop = last_record(spool_dir)
    whole = file.read_bytes()
    for at in range(start, stop):
        for bit in (1, 128):
            file.write_bytes(whole)
            flip(file, at, bit)
            spool = open_spool(spool_dir, seed=1)
            assert spool.recovered.cut_bytes == stop - start
            assert spool.recovered.requests == ((ONE, 1),)
            spool.close(now=NOW)


def test_a_flipped_bit_anywhere_else_is_refused_and_named_and_nothing_is_changed(spool_dir: Path) -> None:
    fill(spool_dir, [1, 2], limits=SpoolLimits(segment_bytes=700))
    segments = list_segments(spool_dir)
    assert len(segments) > 1
    last, last_start, _ = last_record(spool_dir)
    for segment in segments:
        whole = segment.path.read_bytes()
        stop = last_start if segment.path == last else len(whole)
        for at in range(stop):
            flip(segment.path, at, 1 << (at % 8))
            damaged = segment.path.read_bytes()
            with pytest.raises(MalformedError, match=rf"`{segment.path.name}` at offset \d+"):
                open_spool(spool_dir)
            assert segment.path.read_bytes() == damaged
            segment.path.write_bytes(whole)


@pytest.mark.parametrize("filler", [0, 255])
def test_damage_over_several_records_is_refused_as_one_over_a_single_one_is(
    spool_dir: Path, filler: int
) -> None:
    # A sector of a disk that comes back as zeros holds many records; behind it the acknowledged ones go on.
    fill(spool_dir, range(12))
    file, last_start, _ = last_record(spool_dir)
    whole = file.read_bytes()
    for start in range(0, last_start - 512, 97):
        file.write_bytes(whole[:start] + bytes((filler,)) * 512 + whole[start + 512 :])
        with pytest.raises(
            MalformedError, match=rf"`{file.name}` at offset \d+: expected a whole record"
        ) as caught:
            open_spool(spool_dir)
        offset = int(str(caught.value).split("offset ")[1].split(":")[0])
        assert start - 512 < offset <= start, "the record that the damage begins in"
        assert len(file.read_bytes()) == len(whole)


@pytest.mark.parametrize("how", ["dropped", "twice", "swapped"])
def test_whole_records_in_another_order_are_refused(spool_dir: Path, how: str) -> None:
    fill(spool_dir, [1])
    file = list_segments(spool_dir)[0].path
    reader = SpoolReader(spool_dir)
    ends = sorted({0, *(reader.offset for _ in reader.read()), reader.offset})
    data = file.read_bytes()
    records = [data[start:stop] for start, stop in pairwise(ends)]
    for at in range(1, len(records) - 2):
        changed = list(records)
        if how == "dropped":
            del changed[at]
        elif how == "twice":
            changed.insert(at, records[at])
        else:
            changed[at], changed[at + 1] = changed[at + 1], changed[at]
        file.write_bytes(b"".join(changed))
        with pytest.raises(MalformedError):
            open_spool(spool_dir)


def test_a_missing_segment_in_the_middle_is_refused(spool_dir: Path) -> None:
    fill(spool_dir, range(5), limits=SpoolLimits(segment_bytes=700))
    list_segments(spool_dir)[1].path.unlink()
    with pytest.raises(MalformedError, match="expected a segment from entry"):
        open_spool(spool_dir)


def test_a_segment_under_another_name_is_refused(spool_dir: Path) -> None:
    fill(spool_dir, [1])
    file = list_segments(spool_dir)[0].path
    file.rename(file.with_name("seg-00000000000000000007.spool"))
    with pytest.raises(MalformedError, match="the file is named for entry 7"):
        open_spool(spool_dir)


@pytest.mark.parametrize("left", [0, 5, 20])
def test_a_last_segment_without_its_head_is_refused(spool_dir: Path, left: int) -> None:
    fill(spool_dir, [1])
    file = list_segments(spool_dir)[0].path
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(MalformedError, match="offset 0"):
        open_spool(spool_dir)


def test_a_crash_while_a_segment_is_made_leaves_no_trace(spool_dir: Path) -> None:
    leave(spool_dir, [connect(ONE)])
    (spool_dir / "segment.new").write_bytes(b"half a head")
    spool = open_spool(spool_dir, seed=1, limits=SpoolLimits(segment_bytes=1))
    spool.append(conversation(TWO), now=NOW)
    spool.close(now=NOW)
    assert len(list_segments(spool_dir)) > 1
    assert not (spool_dir / "segment.new").exists()


def test_a_recovery_that_is_killed_is_done_again(spool_dir: Path) -> None:
    leave(spool_dir, [connect(ONE), query(ONE, 1), connect(TWO)])
    before = {path.name: path.read_bytes() for path in spool_dir.iterdir()}
    spool = open_spool(spool_dir, seed=1)
    spool._release()
    file, recovered = list_segments(spool_dir)[0].path, list_segments(spool_dir)[0].path.read_bytes()
    for cut in range(len(before[file.name]), len(recovered) + 1):
        file.write_bytes(recovered[:cut])
        again = open_spool(spool_dir, seed=2)
        again.close(now=NOW)
        entries = entries_of(spool_dir)
        assert [entry.request for entry in entries if entry.get(Field.OUTCOME) == b"unknown"] == [1]
        ends = [entry.session for entry in entries if entry.kind is Kind.END]
        assert ends == [ONE, TWO]


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from doorward.record.entry import Kind
from doorward.record.spool import Spool, SpoolLimits
from record.samples import completion, connect, query, session_id

now = datetime.now(UTC)
durable = frozenset(Kind[name] for name in sys.argv[3:]) or None
spool = Spool.open(Path(sys.argv[1]), now=now, limits=SpoolLimits(segment_bytes=200_000), durable=durable)
session = session_id(int(sys.argv[2]))
spool.append([connect(session)], now=now)
number = 0
while True:
    batch = []
    for _ in range(number % 7 + 1):
        number += 1
        batch += [query(session, number, b"x" * (number % 300)), completion(session, number)]
    spool.append(batch, now=datetime.now(UTC))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_killed_at_any_moment_no_acknowledged_entry_is_lost(spool_dir: Path) -> None:
    kill_again_and_again(spool_dir, 8, "")


def test_killed_while_it_syncs_no_acknowledged_entry_is_lost(spool_dir: Path) -> None:
    kill_again_and_again(spool_dir, 3, "COMPLETION")


@pytest.mark.long
@pytest.mark.parametrize("durable", ["", "COMPLETION"])
def test_killed_very_often_no_acknowledged_entry_is_lost(spool_dir: Path, durable: str) -> None:
    kill_again_and_again(spool_dir, 60, durable)


def kill_again_and_again(spool_dir: Path, rounds: int, durable: str) -> None:
    source = random.Random(7)  # noqa: S311  # moments, not secrets
    tests = Path(__file__).resolve().parents[1]
    for round_ in range(1, rounds + 1):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(spool_dir), str(round_), *durable.split()],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tests)},
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"1\n"
        time.sleep(source.uniform(0, 0.03))  # a moment to be killed at, not a wait for anything
        child.send_signal(signal.SIGKILL)
        acknowledged = child.stdout.read().split(b"\n")[-2:-1]
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        session = session_id(round_)
        spool = Spool.open(spool_dir, now=NOW)
        spool.close(now=NOW)
        own = [entry for entry in entries_of(spool_dir) if entry.session == session]
        recorded = [entry.request for entry in own if entry.kind is Kind.REQUEST]
        assert recorded == list(range(1, len(recorded) + 1))
        assert len(recorded) >= int(acknowledged[0] if acknowledged else 1)
        ended = [entry.request for entry in own if entry.kind is Kind.COMPLETION]
        assert sorted(ended) == recorded
        assert own[-1].kind is Kind.END
    entries = entries_of(spool_dir)
    assert [entry.sequence for entry in entries] == list(range(len(entries)))


def test_a_copy_of_the_folder_recovers_to_the_same_entries(spool_dir: Path, tmp_path: Path) -> None:
    leave(spool_dir, [connect(ONE), query(ONE, 1)])
    shutil.copytree(spool_dir, tmp_path / "copy")
    open_spool(spool_dir, seed=1).close(now=NOW)
    open_spool(tmp_path / "copy", seed=1).close(now=NOW)
    assert entries_of(spool_dir) == entries_of(tmp_path / "copy")

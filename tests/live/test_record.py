"""Law 4 over real connections: recorded before release, nothing acknowledged is lost, changes are found."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.running import read_run
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Entry, Field, Kind, decode_fields

pytestmark = pytest.mark.pg

PUBLISHED_SECONDS = 20


def entries(up: Any) -> list[Entry]:
    """Everything that the auditors' store holds now."""
    with PostgresDisclosures((up.folders.run / "record.dsn").read_text().strip()) as store:
        found: list[Entry] = []
        leaf = 0
        while blocks := store.read(leaf, 1000):
            for block in blocks:
                found += [
                    Entry(
                        Kind(e.kind),
                        e.sequence,
                        e.time_us,
                        e.session,
                        e.request,
                        e.salt,
                        decode_fields(e.body),
                    )
                    for e in block.entries
                ]
            leaf = blocks[-1].leaf_index + 1
        return found


def wait_for(up: Any, is_there: Callable[[list[Entry]], bool]) -> list[Entry]:
    deadline = time.monotonic() + PUBLISHED_SECONDS
    while not is_there(found := entries(up)):
        assert time.monotonic() < deadline, "the record was not published in time"
    return found


def session_of(found: list[Entry], text: bytes) -> list[Entry]:
    """The entries of the session that sent this text."""
    session = next(entry.session for entry in found if entry.get(Field.TEXT) == text)
    return [entry for entry in found if entry.session == session]


def has_ended(text: bytes) -> Callable[[list[Entry]], bool]:
    def check(found: list[Entry]) -> bool:
        if not any(entry.get(Field.TEXT) == text for entry in found):
            return False
        return any(entry.kind is Kind.END for entry in session_of(found, text))

    return check


def verify(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "doorward", "log", "verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def endings(found: list[Entry], text: bytes) -> list[tuple[bytes | None, bytes | None]]:
    own = session_of(found, text)
    return [
        (entry.get(Field.OUTCOME), entry.get(Field.ROWS)) for entry in own if entry.kind is Kind.COMPLETION
    ]


def test_a_session_is_recorded_from_connect_to_end_in_order(up: Any) -> None:
    text = b"SELECT 'whole session'"
    with up.connect() as session:
        session.execute(text)
    own = session_of(wait_for(up, has_ended(text)), text)
    kinds = [entry.kind for entry in own]
    assert kinds[:3] == [Kind.CONNECT, Kind.DECISION, Kind.GRANT]
    assert kinds[-1] is Kind.END
    assert [entry.sequence for entry in own] == sorted(entry.sequence for entry in own)
    assert own[0].get(Field.LOGIN) == b"detective"
    assert own[1].get(Field.OUTCOME) == b"permit"


def test_a_refusal_is_recorded_with_its_clauses(up: Any) -> None:
    with pytest.raises(psycopg.OperationalError):
        up.connect(options="-c doorward.purpose=criminal-investigation -c doorward.for=ICE-ERO")

    def refused(found: list[Entry]) -> bool:
        return any(b"C20a0" in (entry.get(Field.CLAUSES) or b"") for entry in found)

    wait_for(up, refused)


def test_three_statements_with_an_error_in_the_second(up: Any) -> None:
    text = b"SELECT 'three'; SELECT 1/0; SELECT 3"
    with up.connect() as session:
        session.pgconn.exec_(text)
    assert [outcome for outcome, _ in endings(wait_for(up, has_ended(text)), text)][:2] == [
        b"complete",
        b"error",
    ]


def test_a_cursor_that_is_read_in_part_and_then_closed(up: Any) -> None:
    text = b"SELECT read_id FROM plate_reads -- limited"
    with up.connect(autocommit=False) as session, session.cursor("limited") as cursor:
        cursor.execute(text)
        cursor.fetchmany(10)
    declared = b'DECLARE "limited"'

    def is_there(found: list[Entry]) -> bool:
        texts = [entry.get(Field.TEXT) or b"" for entry in found]
        whole = next((text for text in texts if text.startswith(declared)), None)
        return whole is not None and has_ended(whole)(found)

    found = wait_for(up, is_there)
    whole = next(e.get(Field.TEXT) or b"" for e in found if (e.get(Field.TEXT) or b"").startswith(declared))
    assert [rows for _, rows in endings(found, whole)].count(b"10") == 1


def test_a_copy_that_is_cut_in_the_middle(up: Any) -> None:
    text = b"COPY (SELECT a.read_id FROM plate_reads a, generate_series(1, 20) b) TO STDOUT"
    session = up.connect()
    session.pgconn.send_query(text)
    while session.pgconn.is_busy():
        session.pgconn.consume_input()
    session.pgconn.get_result()
    session.pgconn.get_copy_data(0)
    os.close(session.fileno())
    with contextlib.suppress(Exception):
        session.close()
    outcomes = endings(wait_for(up, has_ended(text)), text)
    assert outcomes[-1][0] == b"cut"
    assert int(outcomes[-1][1] or 0) > 0


def test_the_record_holds(up: Any) -> None:
    done = verify("--data", str(up.folders.data))
    assert done.returncode == 0, done.stdout + done.stderr


def first_file(folder: Path) -> Path:
    files: list[Path] = [path for path in folder.rglob("*") if path.is_file()]
    return min(files)


class TestChanged:
    @pytest.fixture
    def mirror(self, up: Any, tmp_path: Path) -> tuple[Path, str]:
        """A copy of the public log, as anybody may keep one, and the key that was published."""
        with up.connect() as session:
            session.execute("SELECT 'mirrored'")
        wait_for(up, lambda found: any(entry.get(Field.TEXT) == b"SELECT 'mirrored'" for entry in found))
        copy = tmp_path / "log"
        key = (up.folders.log / "vkey").read_text().strip()
        deadline = time.monotonic() + PUBLISHED_SECONDS
        while True:  # the publisher goes on meanwhile, so a copy may be torn; one that holds is taken
            shutil.rmtree(copy, ignore_errors=True)
            with contextlib.suppress(shutil.Error):
                shutil.copytree(up.folders.log, copy)
                if verify(str(copy), "--key", key).returncode == 0:
                    break
            assert time.monotonic() < deadline
        return copy, key

    def flip(self, file: Path, offset: int) -> None:
        data = bytearray(file.read_bytes())
        data[offset] ^= 1
        file.write_bytes(data)

    def test_one_flipped_byte_in_a_tile_is_found_and_named(self, mirror: tuple[Path, str]) -> None:
        log, key = mirror
        tile = first_file(log / "tile" / "0")
        self.flip(tile, 5)
        done = verify(str(log), "--key", key)
        assert done.returncode == 1
        assert str(tile.relative_to(log)) in done.stdout + done.stderr

    def test_one_flipped_byte_in_an_entry_is_found_and_named(self, mirror: tuple[Path, str]) -> None:
        log, key = mirror
        bundle = first_file(log / "tile" / "entries")
        self.flip(bundle, 12)
        done = verify(str(log), "--key", key)
        assert done.returncode == 1
        assert str(bundle.relative_to(log)) in done.stdout + done.stderr

    def test_a_forged_checkpoint_is_found(self, mirror: tuple[Path, str]) -> None:
        log, key = mirror
        checkpoint = log / "checkpoint"
        lines = checkpoint.read_text().split("\n")
        lines[1] = str(int(lines[1]) - 1)
        checkpoint.write_text("\n".join(lines))
        done = verify(str(log), "--key", key)
        assert done.returncode == 1
        assert "checkpoint" in done.stdout + done.stderr


def gateway_pid(up: Any) -> int:
    return int(read_run(up.folders, "gateway")["pid"])


@pytest.mark.long
def test_killed_in_mid_load_no_acknowledged_statement_is_lost_and_the_rest_is_unknown(
    own_up: Any, start: Callable[[Path], Any]
) -> None:
    acknowledged: list[int] = []
    streaming = own_up.connect()
    streaming.pgconn.send_query(b"SELECT a.read_id FROM plate_reads a, generate_series(1, 500) b")

    def load() -> None:
        with contextlib.suppress(psycopg.Error), own_up.connect() as session:
            for number in range(100_000):
                session.execute(f"SELECT {number} -- load".encode())
                acknowledged.append(number)

    thread = threading.Thread(target=load)
    thread.start()
    deadline = time.monotonic() + 30
    while len(acknowledged) < 500:
        assert time.monotonic() < deadline
    os.kill(gateway_pid(own_up), signal.SIGKILL)
    thread.join(30)
    assert own_up.process.wait(60) == 3

    again = start(own_up.folders.data)
    try:
        last = f"SELECT {acknowledged[-1]} -- load".encode()
        found = wait_for(again, lambda all_: any(entry.get(Field.TEXT) == last for entry in all_))
        texts = {entry.get(Field.TEXT) for entry in found}
        assert not [number for number in acknowledged if f"SELECT {number} -- load".encode() not in texts]
        wait_for(again, lambda all_: any(entry.get(Field.OUTCOME) == b"unknown" for entry in all_))
        assert verify("--data", str(again.folders.data)).returncode == 0
    finally:
        assert again.stop() == 0
    streaming.close()


def test_a_disk_that_takes_no_more_answers_nothing_and_ends_the_gateway(own_up: Any) -> None:
    """The kernel refuses every write beyond the spool's present size (EFBIG), as a full disk does (ENOSPC)."""
    with own_up.connect() as session:
        session.execute("SELECT 'before'")
        process = gateway_pid(own_up)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (1, 1))
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 'must not be answered'")
    assert own_up.process.wait(60) == 3
    assert "Traceback" not in (own_up.folders.run / "gateway.err").read_text()

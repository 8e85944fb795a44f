"""Looking at files and spools as they are, damaged ones too."""

import json
import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from doorward.doctor.look_files import find_answer_faults, look_at_certificates, look_at_files
from doorward.doctor.look_spool import look_at_spool
from doorward.errors import MalformedError
from doorward.notes.note import Signer, sign_note
from doorward.record.entry import NO_SESSION, Draft, Field, Kind
from doorward.record.keys import make_log_key
from doorward.record.log import Publisher
from doorward.record.openings import MemoryDisclosures
from doorward.record.spool import Spool, SpoolLimits
from tests_support.certificates import Authority

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SMALL = SpoolLimits(segment_bytes=400)


def write(spool: Spool, count: int, *, first: int = 0) -> None:
    for number in range(first, first + count):
        reason = ((Field.REASON, b"%d" % number),)
        spool.append([Draft(Kind.RECOVERY, NO_SESSION, 0, reason)], now=NOW + timedelta(seconds=number))


def test_what_waits_begins_where_the_log_ends(tmp_path: Path) -> None:
    spool_dir, log_dir = tmp_path / "spool", tmp_path / "log"
    spool = Spool.open(spool_dir, now=NOW, limits=SMALL)
    write(spool, 20)
    publisher = Publisher.open(log_dir, spool_dir, make_log_key(tmp_path / "log.key"), MemoryDisclosures())
    assert publisher.publish_once() == 20
    write(spool, 15, first=20)
    facts = look_at_spool(spool_dir, log_dir, bound_bytes=1024)
    assert (facts.leaves, facts.waiting) == (20, 15)
    assert facts.oldest == NOW + timedelta(seconds=20)
    assert facts.last == NOW + timedelta(seconds=34)
    assert facts.gateway_runs
    assert facts.publisher_runs
    assert facts.writable
    publisher.publish_once()
    publisher.close()
    spool.close(now=NOW)
    facts = look_at_spool(spool_dir, log_dir, bound_bytes=1024)
    assert (facts.leaves, facts.waiting, facts.oldest) == (35, 0, None)
    assert not facts.gateway_runs
    assert not facts.publisher_runs


def test_a_folder_without_anything_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    facts = look_at_spool(tmp_path / "spool", tmp_path / "log", bound_bytes=1)
    assert (facts.leaves, facts.waiting, facts.oldest, facts.last, facts.spool_bytes) == (
        None,
        0,
        None,
        None,
        0,
    )


def test_a_torn_end_is_counted_and_damage_is_told(tmp_path: Path) -> None:
    spool_dir = tmp_path / "spool"
    spool = Spool.open(spool_dir, now=NOW)
    write(spool, 3)
    spool.close(now=NOW)
    (segment,) = spool_dir.glob("seg-*")
    whole = segment.read_bytes()
    segment.write_bytes(whole + b"\x00\x01")
    assert look_at_spool(spool_dir, tmp_path / "log", bound_bytes=1).torn_bytes == 2
    segment.write_bytes(b"\x00" * len(whole))
    with pytest.raises(MalformedError, match="does not begin with a segment's head"):
        look_at_spool(spool_dir, tmp_path / "log", bound_bytes=1)


def test_a_spool_that_this_user_may_not_write_is_told() -> None:
    with tempfile.TemporaryDirectory() as name, as_ordinary_user(Path(name)):
        spool_dir = Path(name) / "spool"
        spool_dir.mkdir()
        assert look_at_spool(spool_dir, Path(name) / "log", bound_bytes=1).writable
        spool_dir.chmod(0o500)
        assert not look_at_spool(spool_dir, Path(name) / "log", bound_bytes=1).writable


@contextmanager
def as_ordinary_user(folder: Path) -> Iterator[None]:
    """Be `nobody`, in a folder of theirs, where the tests run as root, whom no mode stops."""
    if os.geteuid() != 0:
        yield
        return
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, nobody, -1)
    os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(0)


def test_files_are_named_as_they_lie(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "log.key"
    key.touch(mode=0o640)
    there, gone = look_at_files([key, tmp_path / "nothing"], base=tmp_path)
    assert (there.name, there.mode) == ("keys/log.key", 0o640)
    assert (gone.name, gone.is_there) == ("nothing", False)


def test_of_a_chain_the_certificate_that_ends_first_counts(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "city")
    chain = tmp_path / "chain.crt"
    short, long = (authority.issue(name, ends=timedelta(days=days)) for name, days in (("s", 3), ("l", 300)))
    chain.write_bytes(long.certificate.read_bytes() + short.certificate.read_bytes())
    (only,) = look_at_certificates([("listener", short.certificate)])
    (both,) = look_at_certificates([("listener", chain)])
    assert both.ends == only.ends
    (none,) = look_at_certificates([("listener", short.key)])
    assert none.ends is None


def test_an_answer_of_a_removed_key_names_the_key_and_not_what_it_says(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    signer = Signer.make("supervisor/erin.example", bytes(32))
    note = sign_note(b"doorward answer v1\nreason: a secret\n", signer).decode()
    answers.write_text(json.dumps([note, "no note at all"]))
    faults, kept = find_answer_faults(answers, [])
    assert kept == 2
    assert "`supervisor/erin.example`" in faults[0]
    assert "signed by nobody" in faults[1]
    assert "a secret" not in "".join(faults)
    assert find_answer_faults(tmp_path / "nothing.json", []) == ([], 0)

"""Invented conversations, spools filled with them, and the recomputations that tests compare with."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from doorward.notes.note import Signer
from doorward.record.entry import Draft, Entry, Field, Kind
from doorward.record.fsck import check_log
from doorward.record.log import Publisher
from doorward.record.openings import Disclosures
from doorward.record.replay import Block
from doorward.record.report import Report
from doorward.record.segments import read_spool
from doorward.record.spool import Spool, SpoolLimits

NOW = datetime(2031, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DEFAULT = SpoolLimits()


def session_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def seeded(seed: int = 0) -> Callable[[int], bytes]:
    """Random bytes that are the same in each run."""
    source = random.Random(seed)  # noqa: S311  # the same in each run, on purpose
    return source.randbytes


def connect(session: bytes, outcome: bytes = b"authenticated") -> Draft:
    return Draft(Kind.CONNECT, session, 0, ((Field.LOGIN, b"j.doe"), (Field.OUTCOME, outcome)))


def decision(session: bytes) -> Draft:
    return Draft(Kind.DECISION, session, 0, ((Field.OUTCOME, b"permit"), (Field.CLAUSES, b"B1")))


def query(session: bytes, number: int, text: bytes = b"SELECT 1") -> Draft:
    return Draft(Kind.REQUEST, session, number, ((Field.MESSAGE, b"Query"), (Field.TEXT, text)))


def parse(session: bytes, number: int) -> Draft:
    return Draft(Kind.REQUEST, session, number, ((Field.MESSAGE, b"Parse"), (Field.TEXT, b"SELECT 1")))


def completion(session: bytes, number: int, *, last: bool = True) -> Draft:
    fields = (
        (Field.OUTCOME, b"complete"),
        (Field.ROWS, b"1"),
        (Field.BYTES, b"11"),
        (Field.TAG, b"SELECT 1"),
    )
    return Draft(Kind.COMPLETION, session, number, (*fields, (Field.LAST, b"1")) if last else fields)


def cut(session: bytes, number: int) -> Draft:
    return Draft(Kind.CUT, session, number, ((Field.ROWS, b"10"), (Field.REASON, b"the portal was closed")))


def end(session: bytes) -> Draft:
    return Draft(Kind.END, session, 0, ((Field.REASON, b"the client is gone"),))


def conversation(session: bytes, statements: int = 3) -> list[Draft]:
    """A whole session, as the gateway records it."""
    middle = [
        draft
        for number in range(1, statements + 1)
        for draft in (query(session, number, b"SELECT %d" % number), completion(session, number))
    ]
    return [connect(session), decision(session), *middle, end(session)]


def open_spool(folder: Path, *, seed: int = 0, now: datetime = NOW, limits: SpoolLimits = DEFAULT) -> Spool:
    return Spool.open(folder, now=now, random=seeded(seed), limits=limits)


def fill(
    folder: Path,
    sessions: Sequence[int] = (1, 2, 3),
    *,
    statements: int = 3,
    limits: SpoolLimits = DEFAULT,
) -> None:
    """Record some whole sessions, one append each, and close the spool; four blocks a session."""
    spool = open_spool(folder, limits=limits)
    now = NOW
    for number in sessions:
        now += timedelta(milliseconds=7)
        spool.append(conversation(session_id(number), statements), now=now)
    spool.close(now=now)


def entries_of(folder: Path) -> list[Entry]:
    return [record for record in read_spool(folder) if isinstance(record, Entry)]


def blocks_of(folder: Path) -> list[Block]:
    return [record for record in read_spool(folder) if isinstance(record, Block)]


def flip(file: Path, offset: int, bit: int = 1) -> None:
    data = bytearray(file.read_bytes())
    data[offset] ^= bit
    file.write_bytes(data)


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01" + naive_root(hashes[:split]) + naive_root(hashes[split:])).digest()


def leaf_hashes(count: int) -> list[bytes]:
    return [sha256(b"\x00" + b"entry %d" % number).digest() for number in range(count)]


@dataclass
class World:
    """A spool, a log and disclosures that agree, in one folder."""

    folder: Path
    signer: Signer
    disclosures: Disclosures

    @property
    def spool_dir(self) -> Path:
        return self.folder / "spool"

    @property
    def log_dir(self) -> Path:
        return self.folder / "log"

    def publisher(self) -> Publisher:
        return Publisher.open(self.log_dir, self.spool_dir, self.signer, self.disclosures)

    def publish(self) -> int:
        """Publish all that is closed, and return the tree's size."""
        publisher = self.publisher()
        while publisher.publish_once():
            pass
        publisher.close()
        return publisher.tree_size

    def check(self) -> Report:
        return check_log(self.log_dir, self.signer.verifier, self.spool_dir, self.disclosures)

    def found(self) -> list[str]:
        """The findings as text; the tests' usual question."""
        return [str(finding) for finding in self.check().findings]


def log_files(log_dir: Path) -> dict[str, bytes]:
    return {
        file.relative_to(log_dir).as_posix(): file.read_bytes()
        for file in sorted(log_dir.rglob("*"))
        if file.is_file()
    }

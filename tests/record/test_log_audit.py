"""`doorward log audit`: the public table made again from the record, signed elsewhere, and shown to be in the log."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from doorward.desk.deadlines.periods import Period
from doorward.desk.entries import act_entry, office_entry, visit_entry
from doorward.desk.recorder import WORKER as DESK
from doorward.desk.recorder import Recorder
from doorward.desk.transparency.publication import Happening, Scheme, make_publications
from doorward.desk.transparency.release import format_all_totals, format_table
from doorward.orders.load import load_pack, load_transparency
from doorward.record.entry import Field, Fields, Kind
from doorward.record.spool import Spool
from doorward.record.workers import worker_folder
from record.place import Place, invoke

QUARTER, DAY = Period(2026, 4), datetime(2027, 1, 30, 12, tzinfo=UTC).date()
CIVIL, OTHER = "papers-of-agencies", "other-matters"


def matter(key: uuid.UUID, kind: str, outcome: str, *, tenant: str = "city", mode: str = "") -> Fields:
    fields = {
        Field.LOGIN: "officer.example", Field.OUTCOME: outcome, Field.SCOPE: tenant, Field.MODE: mode,
        Field.MATTER: key.hex, Field.WHAT: kind,
    }  # fmt: skip
    return tuple((field, value.encode()) for field, value in sorted(fields.items()) if value)


@dataclass
class DeskSpool:
    """The desk's writer, on days of the past."""

    recorder: Recorder
    number: int = 0

    def add(self, kind: Kind, fields: Fields, day: str) -> None:
        self.recorder.record([(kind, fields)], now=datetime.fromisoformat(day).replace(tzinfo=UTC))

    def file(self, count: int, kind: str, outcome: str, day: str, **more: str) -> list[uuid.UUID]:
        keys = [uuid.UUID(int=self.number + at) for at in range(count)]
        self.number += count
        for key in keys:
            self.add(Kind.MATTER, matter(key, kind, outcome, **more), day)
        return keys


def made(events: dict[tuple[str, str], int]) -> tuple[bytes, bytes]:
    """The table and the totals of the first quarter, made from the true numbers."""
    words = load_transparency(load_pack("chicago"))
    scheme = Scheme(words.all_kinds, words.all_outcomes, QUARTER, words.threshold, words.delay_days)
    happened = [Happening(QUARTER.last, *cell) for cell, count in events.items() for _ in range(count)]
    publications = make_publications(happened, scheme, DAY)
    return format_table(publications[-1]), format_all_totals(publications, scheme)[-1]


TRUTH = {
    (CIVIL, "declined"): 19, (CIVIL, "went-through"): 12, (OTHER, "declined"): 11,
    ("front-desk-visits", "declined"): 14,
}  # fmt: skip


@pytest.fixture
def quarter(place: Place, tmp_path: Path) -> tuple[Place, Path, Path]:
    """A quarter that the desk made, with all that does not count in it; the table and the totals as files."""
    now = datetime(2026, 10, 1, tzinfo=UTC)
    spool = Spool.open(worker_folder(place.folders.spool, DESK), now=now, worker=DESK)
    desk = DeskSpool(Recorder(spool))
    desk.file(3, "detainer", "deny", "2026-10-01T04:59:59")  # the day before, in the city
    desk.file(20, "detainer", "deny", "2026-10-01T05:00")
    again = desk.file(11, "administrative-paper", "refer", "2026-11-02T12:00")
    desk.file(9, "detainer", "deny", "2026-11-02T12:00", mode="drill")
    desk.file(7, "detainer", "deny", "2026-11-02T12:00", tenant="cps")
    desk.file(11, "a-kind-of-its-own", "deny", "2026-11-03T12:00")
    for _ in range(14):
        key = uuid.UUID(int=desk.number)
        desk.number += 1
        fields = visit_entry(
            key,
            "library",
            posture="decline",
            drill=False,
            digest="0" * 64,
            tenant="city",
        )
        desk.add(Kind.VISIT, fields, "2026-12-01T12:00")
    (sealed, opened) = desk.file(2, "detainer", "permit", "2026-12-02T12:00")
    for key, until in ((sealed, "2027-06-01T00:00:00-06:00"), (opened, "2027-01-30T00:00:00-06:00")):
        more = {"until": until}
        desk.add(
            Kind.ACT, act_entry(key, "seal", login="law.example", office="law", more=more), "2026-12-03T12:00"
        )
    for key in again:  # the order answered otherwise when it was asked again
        desk.add(
            Kind.ACT, act_entry(key, "correct", login="l", office="law", outcome="permit"), "2026-12-04T12:00"
        )
        preview = act_entry(key, "preview", login="l", office="law", outcome="deny")
        desk.add(Kind.ACT, preview, "2026-12-05T12:00")
    desk.file(5, "detainer", "deny", "2027-01-01T06:00")  # the next quarter
    before = {**TRUTH, (CIVIL, "declined"): 20}
    table, totals = made(before)
    done = office_entry(
        None, "publish", what="totals 2026-Q4", login="law.example", office="law",
        digest=sha256(table).hexdigest(), evidence=sha256(totals).hexdigest(),
    )  # fmt: skip
    desk.add(Kind.ACT, done, "2027-01-30T12:00")
    desk.recorder.close(now=now + timedelta(days=200))
    place.world.publish()
    files = tmp_path / "table.csv", tmp_path / "totals.txt"
    for file, raw in zip(files, (table, totals), strict=True):
        file.write_bytes(raw)
    return place, *files


def test_the_record_gives_the_table_and_an_auditor_who_signs_it_is_in_the_log(
    quarter: tuple[Place, Path, Path], tmp_path: Path
) -> None:
    place, table, totals = quarter
    key = place.official("auditor/ada.example")
    plain = place.run("audit", totals, "--table", table)
    assert (plain.returncode, plain.stderr) == (0, ""), plain
    assert "2026-Q4: 57 entries counted in it" in plain.stdout
    assert "the record gives this table" in plain.stdout
    assert place.kept() == []
    note, proof = tmp_path / "q.note", tmp_path / "q.proof"
    note.write_text(
        invoke("transparency", "sign", totals, "--table", table, "--key", key).stdout, encoding="utf-8"
    )
    done = place.run("audit", totals, "--table", table, "--note", note)
    assert (done.returncode, done.stderr) == (0, "")
    (entry,) = place.kept()
    assert entry.get(Field.LOGIN) == b"ada.example"
    assert "is published yet" in place.run("audit-proof", "2026-Q4", "--to", proof).stderr
    place.world.publish()
    assert place.run("audit-proof", "2026-Q4", "--to", proof).returncode == 0
    for hidden in (b"time", b"sequence", b"login"):
        assert b"field " + hidden not in proof.read_bytes()
    keys = tmp_path / "auditors.keys"
    keys.write_bytes(place.folders.officials.read_bytes())
    asked = ("transparency", "verify", note, "--table", table, "--keys", keys)
    assert "not checked: whether it is in the log" in invoke(*asked).stdout
    public = invoke(*asked, "--proof", proof, "--log-key", place.vkey)
    assert (public.returncode, public.stderr) == (0, "")
    assert f"in the log {place.world.signer.name}" in public.stdout
    proof.write_bytes(proof.read_bytes().replace(b"schema 1", b"schema 2"))
    assert "the proof does not hold" in invoke(*asked, "--proof", proof, "--log-key", place.vkey).stderr
    assert "is checked with the log's key" in invoke(*asked, "--proof", proof).stderr


def test_a_table_that_the_record_does_not_give_is_named_number_by_number_and_nothing_is_recorded(
    quarter: tuple[Place, Path, Path], tmp_path: Path
) -> None:
    place, table, totals = quarter
    key = place.official("auditor/ada.example")
    rows, text = made(TRUTH)
    table.write_bytes(rows)
    totals.write_bytes(text)
    note = tmp_path / "q.note"
    note.write_text(
        invoke("transparency", "sign", totals, "--table", table, "--key", key).stdout, encoding="utf-8"
    )
    done = place.run("audit", totals, "--table", table, "--note", note)
    assert done.returncode == 1
    assert "FALSE: 2026-Q4 papers-of-agencies declined: the record gives 20, the table says 19" in done.stdout
    assert "do not sign" in done.stdout
    assert place.kept() == []


def test_a_note_of_another_office_or_about_other_totals_is_refused(
    quarter: tuple[Place, Path, Path], tmp_path: Path
) -> None:
    place, table, totals = quarter
    law = place.official("law/finn.example")
    note = tmp_path / "q.note"
    note.write_text(
        invoke("transparency", "sign", totals, "--table", table, "--key", law).stdout, encoding="utf-8"
    )
    asked = ("audit", totals, "--table", table, "--note", note)
    assert "the office `auditor`" in place.run(*asked).stderr
    note.write_bytes(note.read_bytes().replace(b"threshold: 10", b"threshold: 11"))
    assert "about other totals" in place.run(*asked).stderr
    note.write_bytes(b"x")
    assert place.run(*asked).returncode == 2
    table.write_bytes(b"period,kind,outcome,count\r\n")
    assert place.run("audit", totals, "--table", table).returncode == 1
    assert place.kept() == []

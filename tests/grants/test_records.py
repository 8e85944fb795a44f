"""Facts that officials set: who may, what they say, and that whatever happens to the file only closes."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.on_file import BY_ORDER, find_agreement, find_declaration
from doorward.grants.people import Agreement, Directory
from doorward.grants.record_files import Records
from doorward.grants.records import (
    MAX_DAYS,
    MORE,
    Record,
    RecordKind,
    check_record,
    find_in_force,
    format_record,
    parse_record,
    verify_record,
)
from doorward.notes.note import Signer, Verifier, sign_note

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=100)
FINN, ERIN, ADA = (
    Signer.make(name, bytes([number]) * 32)
    for number, name in enumerate(
        ("law/finn.example", "supervisor/erin.example", "administrator/ada.example")
    )
)
OFFICIALS = [FINN.verifier, ERIN.verifier, ADA.verifier]
DECLARED = Record(
    RecordKind.DECLARATION, "IN-PD", NOW, LATER, "letter 2026-117", "read by the law department"
)
PAPER = Record(
    RecordKind.PAPER, "court_criminal", NOW, LATER, "scan 17", "the original was seen",
    (("matter", "M-1"), ("verified-with", "the clerk of the court"), ("scope", "in"), ("sealed", "no")),
)  # fmt: skip
NOBODY = Directory({}, {"FBI": Agreement("FBI", "sample-agreement-1", date(2030, 1, 1))})


def signed(record: Record, signer: Signer = FINN) -> bytes:
    return sign_note(format_record(record), signer)


def revoke(record: Record, *, at: datetime = NOW) -> Record:
    return Record(RecordKind.REVOCATION, record.id, at, at, "memo 3", "withdrawn by the agency")


@pytest.fixture(name="file")
def file_fixture(tmp_path: Path) -> Path:
    return tmp_path / "records.json"


def kept_in(file: Path, *officials: Verifier) -> Records:
    return Records(file, lambda: list(officials or OFFICIALS))


lines = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=40)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
words = {"scope": st.sampled_from(["in", "out"]), "sealed": st.sampled_from(["no", "yes"])}


@st.composite
def records(draw: st.DrawFn) -> Record:
    kind = draw(st.sampled_from(RecordKind))
    begins = draw(moments)
    days = 0 if kind is RecordKind.REVOCATION else draw(st.integers(1, MAX_DAYS))
    more = tuple((name, draw(words.get(name, lines))) for name in MORE[kind])
    about = draw(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z"))
    return Record(kind, about, begins, begins + timedelta(days=days), draw(lines), draw(lines), more)


@given(records())
def test_what_is_written_is_read_as_it_was(record: Record) -> None:
    assert parse_record(format_record(check_record(record))) == record


@given(
    st.binary(max_size=300) | records().map(format_record).flatmap(lambda raw: st.just(raw + b"more: x\n"))
)
def test_anything_else_is_one_documented_error(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_record(raw)


@pytest.mark.parametrize(
    "changed",
    [
        replace(DECLARED, until=NOW),
        replace(DECLARED, until=NOW + timedelta(days=MAX_DAYS + 1)),
        replace(DECLARED, evidence=" "),
        replace(DECLARED, reason="two\nlines"),
        replace(DECLARED, about="two words"),
        replace(DECLARED, more=(("sealed", "no"),)),
        replace(PAPER, more=(*PAPER.more[:3], ("sealed", "maybe"))),
        replace(revoke(DECLARED), until=LATER),
    ],
    ids=range(8),
)
def test_what_is_no_record_is_told(changed: Record) -> None:
    with pytest.raises(MalformedError):
        check_record(changed)


@pytest.mark.parametrize(
    ("record", "signer"), [(DECLARED, ERIN), (DECLARED, ADA), (PAPER, ADA)], ids=range(3)
)
def test_another_office_sets_no_such_fact(record: Record, signer: Signer) -> None:
    with pytest.raises(VerificationError, match="is signed by the office"):
        verify_record(signed(record, signer), OFFICIALS)
    with pytest.raises(VerificationError, match="signature of one official"):
        verify_record(signed(record, signer), [])


def test_a_record_is_in_force_from_its_beginning_to_its_end(file: Path) -> None:
    kept = kept_in(file)
    made = kept.add(signed(DECLARED))
    found = {
        at: find_in_force(kept.all(), RecordKind.DECLARATION, "IN-PD", now=at)
        for at in (NOW - timedelta(seconds=1), NOW, LATER - timedelta(seconds=1), LATER)
    }
    assert list(found.values()) == [None, made, made, None]
    assert find_in_force(kept.all(), RecordKind.AGREEMENT, "IN-PD", now=NOW) is None


def test_a_revocation_takes_it_back_from_its_moment_on_and_is_of_the_same_office(file: Path) -> None:
    kept = kept_in(file)
    made = kept.add(signed(DECLARED))
    with pytest.raises(ConfigError, match="cannot take back"):
        kept.add(signed(revoke(made), ERIN))
    with pytest.raises(ConfigError, match="no record that is kept"):
        kept.add(signed(replace(revoke(made), about="abcdef012345")))
    kept.add(signed(revoke(made, at=NOW + timedelta(days=1))))
    now, then = NOW, NOW + timedelta(days=1)
    assert find_in_force(kept.all(), RecordKind.DECLARATION, "IN-PD", now=now) == made
    assert find_in_force(kept.all(), RecordKind.DECLARATION, "IN-PD", now=then) is None


def test_records_decide_where_there_is_any_and_the_order_where_there_is_none(file: Path) -> None:
    kept = kept_in(file)

    def declared(agency: str, at: datetime) -> str | None:
        found = find_declaration(agency, kept.all(), order_says=agency == "IN-PD", now=at)
        return found.evidence if found is not None else None

    assert (declared("IN-PD", NOW), declared("OH-PD", NOW)) == (BY_ORDER, None)
    made = kept.add(signed(DECLARED))
    other = kept.add(signed(replace(DECLARED, about="OH-PD")))
    assert made.id in str(declared("IN-PD", NOW))
    assert "letter 2026-117" in str(declared("OH-PD", NOW))
    assert declared("IN-PD", LATER) is None  # it ran out, and the order's older word does not come back
    kept.add(signed(revoke(other)))
    assert declared("OH-PD", NOW) is None


def test_an_agreement_on_record_comes_before_the_agreements_file(file: Path) -> None:
    kept = kept_in(file)
    found = find_agreement("FBI", NOBODY, kept.all(), now=NOW)
    assert found is not None
    assert found.evidence == "sample-agreement-1"
    until = datetime(2026, 6, 1, tzinfo=UTC)
    made = kept.add(signed(replace(DECLARED, kind=RecordKind.AGREEMENT, about="FBI", until=until)))
    found = find_agreement("FBI", NOBODY, kept.all(), now=NOW)
    assert found is not None
    assert (made.id in found.evidence, found.until) == (True, date(2026, 5, 31))
    kept.add(signed(revoke(made)))
    assert find_agreement("FBI", NOBODY, kept.all(), now=NOW) is None


def test_a_note_that_somebody_changed_makes_none_count(file: Path) -> None:
    kept_in(file).add(signed(DECLARED))
    file.write_text(json.dumps([note.replace("IN-PD", "OH-PD") for note in json.loads(file.read_text())]))
    with pytest.raises(ConfigError, match="does not hold"):
        kept_in(file).all()


def test_a_key_that_is_taken_away_closes_what_it_set_and_reopens_nothing(file: Path) -> None:
    made = kept_in(file).add(signed(DECLARED))
    kept_in(file).add(signed(revoke(made)))
    again = replace(DECLARED, evidence="letter 2026-118")
    kept_in(file).add(signed(again))
    assert find_in_force(kept_in(file).all(), RecordKind.DECLARATION, "IN-PD", now=NOW) is not None
    gone = kept_in(file, ERIN.verifier).all()
    assert find_in_force(gone, RecordKind.DECLARATION, "IN-PD", now=NOW) is None
    assert find_declaration("IN-PD", gone, order_says=True, now=NOW) is None
    # Another official signed what was revoked; the revocation still holds although its signer is gone.
    other = Signer.make("law/gia.example", bytes([9]) * 32)
    file.write_text(json.dumps([signed(DECLARED, other).decode(), signed(revoke(made)).decode()]))
    left = kept_in(file, other.verifier).all()
    assert find_in_force(left, RecordKind.DECLARATION, "IN-PD", now=NOW) is None


def test_a_revocation_written_by_hand_closes_and_never_opens(file: Path) -> None:
    made = kept_in(file).add(signed(DECLARED))
    stranger = Signer.make("law/mallory.example", bytes([7]) * 32)
    file.write_text(json.dumps([made.note, signed(revoke(made), stranger).decode()]))
    assert find_in_force(kept_in(file).all(), RecordKind.DECLARATION, "IN-PD", now=NOW) is None
    file.write_text(json.dumps([signed(DECLARED, stranger).decode()]))
    assert find_in_force(kept_in(file).all(), RecordKind.DECLARATION, "IN-PD", now=NOW) is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["no note"]', "[" * 100_000], ids=range(5))
def test_a_file_that_is_none_is_told(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError):
        kept_in(file).all()


def test_the_same_record_twice_is_told(file: Path) -> None:
    kept_in(file).add(signed(DECLARED))
    with pytest.raises(ConfigError, match="kept already"):
        kept_in(file).add(signed(DECLARED))

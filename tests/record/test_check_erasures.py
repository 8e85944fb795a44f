"""Rows that say they were erased, held against what the record's own entries say was erased."""

from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import VerificationError
from doorward.record.check_erasures import Erasures
from doorward.record.entry import NO_SESSION, Entry, Field, Fields, Kind
from doorward.record.erasing import Erasure, RowsGone, digest_units
from doorward.record.keeping import (
    ERASE,
    MAX_SAID,
    PROPOSE_ERASURE,
    SaidErasure,
    carry_erasures,
    erasure_entry,
    erasures_said,
)
from doorward.record.openings import StoredEntry
from doorward.record.report import Report
from doorward.record.workers import first_sequence


def commitment(sequence: int) -> bytes:
    return sha256(b"%d" % sequence).digest()


def rows_gone(sequences: list[int]) -> RowsGone:
    gone = RowsGone()
    for sequence in sequences:
        gone.add(sequence, commitment(sequence))
    return gone


def as_entry(fields: Fields) -> Entry:
    return Entry(Kind.KEEPING, 1, 0, NO_SESSION, 0, bytes(16), fields)


@dataclass
class Record:
    """What a check of a record sees."""

    units: dict[bytes, str] = field(default_factory=dict)
    rows: dict[int, tuple[str, Kind]] = field(default_factory=dict)
    entries: list[Fields] = field(default_factory=list)

    def add(self, certificate: str, count: int, kind: Kind = Kind.REQUEST) -> list[int]:
        """Give rows that follow the others the form of erased ones."""
        begin = max(self.rows, default=-1) + 1
        self.rows |= dict.fromkeys(range(begin, begin + count), (certificate, kind))
        return list(range(begin, begin + count))

    def erase(self, certificate: str, rows: int, *, entry: bool = True) -> bytes:
        """Erase one unit."""
        unit = certificate.encode().ljust(16, b".")
        self.units[unit] = certificate
        gone = self.add(certificate, rows)
        if entry:
            self.say(certificate, [unit], gone)
        return unit

    def take(self, certificate: str, rows: int) -> None:
        """Erase one unit, and every entry of an erasure before it."""
        taken = [as_entry(fields) for fields in self.entries]
        self.entries.clear()
        unit = self.erase(certificate, rows, entry=False)
        self.add(certificate, len(taken), Kind.KEEPING)
        self.say(
            certificate, [unit], [one for one, (number, _) in self.rows.items() if number == certificate]
        )
        self.entries[0] = carry_erasures(self.entries[0], taken)

    def say(self, certificate: str, units: list[bytes], sequences: list[int], act: str = ERASE) -> None:
        gone = rows_gone(sequences)
        asked = Erasure(
            "case HX123456", "accesses", certificate, len(units), digest_units(units), gone.count, gone.digest(),
            date(2031, 5, 31),
        )  # fmt: skip
        self.entries.append(erasure_entry(asked, act=act, login="x.example", office="law"))

    def check(self, *, has_spool: bool = True) -> tuple[list[str], list[str]]:
        erasures, report = Erasures(self.units), Report()
        for number, (certificate, kind) in sorted(self.rows.items()):
            session = NO_SESSION if kind is Kind.KEEPING else b"s" * 16
            row = StoredEntry(number, 0, int(kind), 0, session, 0, bytes(16), b"\xff", commitment(number))
            erasures.note_row(row, certificate)
        for fields in self.entries:
            erasures.note(as_entry(fields))
        erasures.check(report, has_spool=has_spool)
        return [one.what for one in report.findings], report.could_not_tell


def test_the_rows_that_the_entry_names_hold_and_others_are_said() -> None:
    nine = set(range(9))
    for rows in (nine, nine | {9}, nine - {8}, nine - {3} | {20}, set()):
        record = Record()
        record.erase("2033-17", 9)
        record.rows = dict.fromkeys(rows, ("2033-17", Kind.REQUEST))
        found, unknown = record.check()
        assert (found == [], unknown) == (rows == nine, []), rows
    none = Record()
    none.erase("2033-17", 0)
    assert none.check() == Record().check() == ([], [])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), unique=True))
def test_workers_are_read_in_any_order_and_each_in_its_own(numbers: list[tuple[int, int]]) -> None:
    mixed = [first_sequence(worker) + number for worker, number in sorted(numbers, key=lambda one: one[1])]
    assert rows_gone(mixed).digest() == rows_gone(sorted(mixed)).digest()
    if mixed:
        assert rows_gone(sorted(mixed)[1:]).digest() != rows_gone(mixed).digest()


def test_a_certificate_without_an_entry_is_false_whatever_was_erased_since() -> None:
    record = Record()
    record.erase("one", 3, entry=False)
    assert record.check()[0] == [
        "the record has no entry of it: keys were destroyed and rows passed off otherwise"
    ]
    assert record.check(has_spool=False)[0] == []
    assert "its entry may be in the spool" in record.check(has_spool=False)[1][0]
    record.erase("two", 5)
    assert len(record.check()[0]) == 1
    # An erasure that took another one's entry says on what that said: it hides nothing.
    record.take("month", 4)
    record.erase("invented", 7, entry=False)
    found, unknown = record.check()
    assert (len(found), unknown) == (2, [])


def test_what_an_erased_entry_said_is_said_on_by_the_erasure_that_took_it() -> None:
    record = Record()
    record.erase("one", 3)
    record.take("two", 5)
    record.take("three", 0)
    (last,) = record.entries
    assert not any(word in dict(last)[Field.TEXT] for word in (b"accesses", b"example", b"law"))
    assert record.check() == ([], [])
    for certificate in ("one", "two", "three"):
        (row,) = record.add(certificate, 1)
        found, unknown = record.check()
        assert ([one.startswith("other rows are erased") for one in found], unknown) == ([True], []), (
            certificate
        )
        del record.rows[row]


def test_certificates_that_took_rows_of_no_session_hide_each_other_no_entry() -> None:
    record = Record()
    for certificate in ("one", "two"):
        record.erase(certificate, 3, entry=False)
        record.add(certificate, 1, Kind.KEEPING)
    assert len(record.check()[0]) == 2
    unit = record.erase("three", 3, entry=False)
    record.say("three", [unit], [*range(8, 11), *record.add("three", 1, Kind.KEEPING)])
    found, unknown = record.check()
    assert (len(found), unknown) == (2, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (Field.ROWS, b"9" * 5_000),
        (Field.ROWS, b"9" * 19),
        (Field.ROWS, "\u0663".encode()),
        (Field.ROWS, b"+3"),
        (Field.ROWS, b""),
        (Field.DIGEST, b"keys " + b"0" * 64),
        (Field.DIGEST, b"keys k rows r"),
        (Field.EVIDENCE, b"accesses \x1b[2Jforged"),
        (Field.EVIDENCE, b"accesses"),
        (Field.TEXT, b"2033-17|k|1|d"),
        (Field.TEXT, b"\xff"),
        (Field.TEXT, b"\n".join([b"2033-17|%s|1|%s" % (b"0" * 64, b"0" * 64)] * (MAX_SAID + 1))),
        (Field.TEXT, b"\n" * 1_000_000),
    ],
)
def test_an_entry_that_is_written_otherwise_says_nothing_of_erasures(name: Field, value: bytes) -> None:
    record = Record()
    record.erase("one", 3)
    (fields,) = record.entries
    assert len(erasures_said(as_entry(fields))) == 1
    hostile = tuple(sorted({**dict(fields), name: value}.items()))
    assert erasures_said(as_entry(hostile)) == []
    record.entries = [hostile]
    assert record.check()[0] == [
        "the record has no entry of it: keys were destroyed and rows passed off otherwise"
    ]


def test_an_entry_says_on_a_bounded_number_of_erasures() -> None:
    record = Record()
    record.erase("last", 1)
    record.erase("other", 1)
    fields, other = record.entries
    lines = [SaidErasure(f"{number:05}", "0" * 64, 10**18 - 1, "1" * 64).line() for number in range(MAX_SAID)]
    full = tuple(sorted((*fields, (Field.TEXT, "\n".join(lines[:-1]).encode()))))
    carried = as_entry(carry_erasures(fields, [as_entry(full)] * 2))
    assert len(erasures_said(carried)) == MAX_SAID + 1
    with pytest.raises(VerificationError, match="more than 10000 erasures"):
        carry_erasures(fields, [carried, as_entry(other)])


def test_what_an_entry_says_of_many_erasures_whose_keys_are_there_is_bounded() -> None:
    record = Record()
    for number in range(150):
        record.say(f"number {number}", [b"u" * 16], [1])
    unknown = record.check()[1]
    assert (len(unknown), unknown[-1]) == (101, "the same of 50 more certificates")


def test_other_keys_than_an_entry_names_are_said() -> None:
    record = Record()
    record.erase("one", 3)
    record.units[b"another unit...."] = "one"
    assert record.check()[0] == [
        "other keys are gone than its entry names: it was stopped, or somebody else took them"
    ]


def test_what_was_stopped_and_ended_is_one() -> None:
    record = Record()
    unit = record.erase("one", 5)
    record.say("one", [unit], list(range(5)))
    assert record.check() == ([], [])
    record.say("one", [unit], [99], act=PROPOSE_ERASURE)  # a proposal erases nothing
    assert record.check() == ([], [])


def test_an_erasure_whose_keys_are_there_is_not_taken_for_done() -> None:
    record = Record()
    record.say("one", [b"u" * 16], [1, 2, 3])
    found, unknown = record.check()
    assert (found, "`seals` has its keys" in unknown[0]) == ([], True)

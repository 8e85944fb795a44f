"""Rows that say they were erased, held against what the record's own entries say was erased."""

from dataclasses import dataclass, field

import pytest

from doorward.record.check_erasures import Erasures
from doorward.record.entry import NO_SESSION, Entry, Field, Fields, Kind
from doorward.record.erasing import digest_units
from doorward.record.keeping import ERASE, PROPOSE_ERASURE, carry_erasures, erasure_entry
from doorward.record.openings import StoredEntry
from doorward.record.report import Report


def as_entry(fields: Fields) -> Entry:
    return Entry(Kind.KEEPING, 1, 0, NO_SESSION, 0, bytes(16), fields)


@dataclass
class Record:
    """What a check of a record sees."""

    units: dict[bytes, str] = field(default_factory=dict)
    rows: list[tuple[str, int, Kind]] = field(default_factory=list)
    entries: list[Fields] = field(default_factory=list)

    def erase(self, certificate: str, rows: int, *, says: int | None = None, entry: bool = True) -> bytes:
        """Erase one unit; `says` is what its entry counts."""
        unit = certificate.encode().ljust(16, b".")
        self.units[unit] = certificate
        self.rows.append((certificate, rows, Kind.REQUEST))
        if entry:
            self.say(certificate, [unit], rows if says is None else says)
        return unit

    def take(self, certificate: str, rows: int) -> None:
        """Erase one unit, and every entry of an erasure before it."""
        taken = [as_entry(fields) for fields in self.entries]
        self.entries.clear()
        self.erase(certificate, rows, says=rows + len(taken))
        self.rows.append((certificate, len(taken), Kind.KEEPING))
        self.entries[0] = carry_erasures(self.entries[0], taken)

    def say(self, certificate: str, units: list[bytes], rows: int, act: str = ERASE) -> None:
        self.entries.append(
            erasure_entry(
                "case", act=act, login="x.example", office="law", item="accesses", certificate=certificate,
                keys=digest_units(units), rows=rows,
            )
        )  # fmt: skip

    def check(self, *, has_spool: bool = True) -> tuple[list[str], list[str]]:
        erasures, report = Erasures(self.units), Report()
        for certificate, count, kind in self.rows:
            for number in range(count):
                session = NO_SESSION if kind is Kind.KEEPING else b"s" * 16
                row = StoredEntry(number, 0, int(kind), 0, session, 0, bytes(16), b"\xff", bytes(32))
                erasures.note_row(row, certificate)
        for fields in self.entries:
            erasures.note(as_entry(fields))
        erasures.check(report, has_spool=has_spool)
        return [one.what for one in report.findings], report.could_not_tell


def test_as_many_rows_as_the_entry_counted_hold_and_others_are_said() -> None:
    for rows, says, holds in ((9, 9, True), (0, 0, True), (10, 9, False), (8, 9, False)):
        record = Record()
        record.erase("2033-17", rows, says=says)
        found, unknown = record.check()
        assert (found == [], unknown) == (holds, []), (rows, says)
    assert Record().check() == ([], [])


def test_a_certificate_without_an_entry_is_false_unless_a_later_erasure_may_have_taken_it() -> None:
    record = Record()
    record.erase("one", 3, entry=False)
    assert record.check()[0] == [
        "the record has no entry of it: keys were destroyed and rows passed off otherwise"
    ]
    assert record.check(has_spool=False)[0] == []
    assert "its entry may be in the spool" in record.check(has_spool=False)[1][0]
    record.erase("two", 5)  # took rows of sessions only
    assert len(record.check()[0]) == 1
    record.rows.append(("two", 1, Kind.KEEPING))
    record.entries.clear()
    record.say("two", [next(unit for unit, number in record.units.items() if number == "two")], 6)
    found, unknown = record.check()
    assert (found, ["one: no entry of it is there" in one for one in unknown]) == ([], [True])


def test_what_an_erased_entry_said_is_said_on_by_the_erasure_that_took_it() -> None:
    record = Record()
    record.erase("one", 3)
    record.take("two", 5)
    record.take("three", 0)
    (last,) = record.entries
    assert not any(word in dict(last)[Field.TEXT] for word in (b"accesses", b"example", b"law"))
    assert record.check() == ([], [])
    for certificate in ("one", "two", "three"):
        record.rows.append((certificate, 1, Kind.REQUEST))
        found, unknown = record.check()
        assert ([one.startswith("other rows are erased") for one in found], unknown) == ([True], []), (
            certificate
        )
        record.rows.pop()


def test_the_entry_of_the_last_erasure_is_always_there() -> None:
    # Each hides the other's entry: that cannot have come about by erasing.
    record = Record()
    for certificate in ("one", "two"):
        record.erase(certificate, 3, entry=False)
        record.rows.append((certificate, 1, Kind.KEEPING))
    assert len(record.check()[0]) == 2
    # A chain that ends at one whose entry is there may have.
    record.erase("three", 3, says=4)
    record.rows.append(("three", 1, Kind.KEEPING))
    found, unknown = record.check()
    assert (found, len(unknown)) == ([], 2)


def test_other_keys_than_an_entry_names_are_said() -> None:
    record = Record()
    record.erase("one", 3)
    record.units[b"another unit...."] = "one"
    assert record.check()[0] == [
        "other keys are gone than its entry names: it was stopped, or somebody else took them"
    ]


def test_what_was_stopped_and_ended_counts_as_one() -> None:
    record = Record()
    unit = record.erase("one", 5, says=3)
    record.say("one", [unit], 5)
    assert record.check() == ([], [])
    record.say("one", [unit], 99, act=PROPOSE_ERASURE)  # a proposal erases nothing
    assert record.check() == ([], [])


@pytest.mark.parametrize("rows", [3, 4])
def test_an_entry_from_before_rows_were_counted_tells_nothing(rows: int) -> None:
    record = Record()
    record.erase("one", rows, says=3)
    record.entries = [tuple(one for one in record.entries[0] if one[0] is not Field.ROWS)]
    found, unknown = record.check()
    assert (found, "its entry does not say" in unknown[0]) == ([], True)


def test_an_erasure_whose_keys_are_there_is_not_taken_for_done() -> None:
    record = Record()
    record.say("one", [b"u" * 16], 3)
    found, unknown = record.check()
    assert (found, "`seals` has its keys" in unknown[0]) == ([], True)

"""What is on file about an agency now, with the evidence that says so: pure.

A record decides where there is any about the agency (`grants.records`, 3); without one the agreements file and the
order's own word do, as they always did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from doorward.grants.people import Agreement, Directory
from doorward.grants.records import Record, RecordKind, are_about, find_in_force

BY_ORDER = "the order's own word"


@dataclass(frozen=True, slots=True)
class OnFile:
    """A fact about an agency that something on file sets.

    Args:
        kind: `agreement` or `declaration`.
        agency: An id of the order.
        evidence: Its id; never a value of a case or a person.
        until: The end of what is on file, or None where it has none.
    """

    kind: RecordKind
    agency: str
    evidence: str
    until: datetime | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.evidence}"


def find_agreement(
    agency: str, directory: Directory, records: Sequence[Record], *, now: datetime
) -> Agreement | None:
    """Return the agency's attestation agreement that is in force, or None."""
    if are_about(records, RecordKind.AGREEMENT, agency):
        found = find_in_force(records, RecordKind.AGREEMENT, agency, now=now)
        if found is None:
            return None
        last = found.until - timedelta(
            microseconds=1
        )  # an agreement has a last day, a record a first moment after it
        return Agreement(agency, evidence_of(found), last.date())
    return directory.agreement(agency, today=now.date())


def find_declaration(
    agency: str, records: Sequence[Record], *, order_says: bool, now: datetime
) -> OnFile | None:
    """Return the agency's written declaration that is on file, or None."""
    if are_about(records, RecordKind.DECLARATION, agency):
        found = find_in_force(records, RecordKind.DECLARATION, agency, now=now)
        return (
            OnFile(RecordKind.DECLARATION, agency, evidence_of(found), found.until)
            if found is not None
            else None
        )
    return OnFile(RecordKind.DECLARATION, agency, BY_ORDER) if order_says else None


def evidence_of(record: Record) -> str:
    """Return a record's id, who signed it and the evidence that it names."""
    return f"{record.id} by {record.by} ({record.evidence})"

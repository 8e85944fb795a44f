"""Filings held against the record, and rows of a report against its text, as `fund.compare` does the ledger. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from doorward.errors import MalformedError
from doorward.fund.entries import WITHDRAWN
from doorward.fund.evidence import has_false_signature
from doorward.fund.filings.acts import FileReport, parse_filing
from doorward.fund.filings.entries import FILE, FILED
from doorward.fund.grantee.report import Report
from doorward.notes.note import Verifier
from doorward.record.entry import Entry, Field, Kind


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it; see `fund.compare.Comparison`."""

    filings: int
    wrong: tuple[str, ...]
    open: tuple[str, ...]


def compare_filings(
    told: Sequence[tuple[int, int, str]],
    reports: Mapping[int, Report],
    entries: Iterable[Entry],
    keys: Sequence[Verifier] = (),
) -> Compared:
    """Return how filings and their record differ.

    Args:
        told: Number, entry and text of every filing that the database holds.
        reports: As their rows say, by number.
        entries: The whole record, or of it the kind `fund`.
        keys: Those on file; what one of them signed is verified.
    """
    begun: dict[int, Entry] = {}
    ends: dict[int, bytes] = {}
    for entry in entries:
        act, last = entry.get(Field.ACT), entry.get(Field.LAST)
        if entry.kind is not Kind.FUND:
            continue
        if act == FILE:
            begun[entry.sequence] = entry
        elif act is not None and last is not None and last.isdigit():
            ends[int(last)] = act
    wrong = [line for one in told for line in _check(*one, begun, ends)]
    wrong += [line for one in told for line in _check_signature(*one, begun, keys)]
    filed = {number for number, _, text in told if _is_report(text)}
    wrong += [
        f"report {number}: its rows are of no filing that says so"
        for number in sorted(reports.keys() - filed)
    ]
    for number, _, text in told:
        if number in filed and _report(text) != _sorted(reports.get(number)):
            wrong.append(f"report {number}: its rows are not what its text says")
    open_ = []
    for sequence in sorted(begun.keys() - {entry for _, entry, _ in told}):
        if ends.get(sequence) == FILED:
            wrong.append(f"entry {sequence} was filed, and the database does not have it")
        elif sequence not in ends:
            open_.append(f"entry {sequence} has no end, and the database does not have it")
    return Compared(len(told), tuple(wrong), tuple(open_))


def _check(
    number: int, entry: int, text: str, begun: Mapping[int, Entry], ends: Mapping[int, bytes]
) -> list[str]:
    found = begun.get(entry)
    if found is None:
        return [f"filing {number}: the record has no entry {entry} of it"]
    raw = text.encode()
    if found.get(Field.TEXT) != raw or found.get(Field.DIGEST) != sha256(raw).hexdigest().encode():
        return [f"filing {number}: its text is not what entry {entry} holds"]
    if ends.get(entry) == WITHDRAWN:
        return [f"filing {number}: the record says that entry {entry} was withdrawn"]
    return []


def _check_signature(
    number: int, entry: int, text: str, begun: Mapping[int, Entry], keys: Sequence[Verifier]
) -> list[str]:
    try:
        by = parse_filing(text).by
    except MalformedError:
        return []  # its text is not what the record holds, which is told beside this
    if has_false_signature(text.encode(), by, begun.get(entry), keys):
        return [f"filing {number}: the signature in entry {entry} does not hold"]
    return []


def _is_report(text: str) -> bool:
    try:
        return isinstance(parse_filing(text).act, FileReport)
    except MalformedError:
        return False


def _report(text: str) -> Report | None:
    act = parse_filing(text).act
    return _sorted(act.report) if isinstance(act, FileReport) else None


def _sorted(report: Report | None) -> Report | None:
    if report is None:
        return None
    return Report(
        report.agreement,
        report.first,
        report.last,
        tuple(sorted(report.units, key=lambda row: row.row)),
        tuple(sorted(report.outcomes, key=lambda row: row.row)),
        tuple(sorted(report.costs, key=lambda row: row.row)),
    )

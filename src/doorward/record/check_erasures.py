"""Holding the rows that say they were erased against the erasures that the record itself has entries of.

What an erased row says of itself is proved by nothing: whoever can write to the table can give a row the form of an
erased one. But an erasure is an entry, whose leaf holds, and it says by digests which keys went and which rows with
them: those that opened when two people signed it.

1. Of each certificate in the folder of keys there is one entry at least, in the disclosures or still in the spool.
2. It names the keys that are gone under that certificate, by their digest.
3. The rows that are erased under it are those that it says: another one was passed off, one fewer was brought back.

An entry of an erasure can be erased itself, with its month; the entry of the erasure that took it says on what it said
(`keeping.carry_erasures`), so that it hides nothing. Kind and session of an erased row decide nothing here: nothing
proves them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from doorward.record.entry import Entry
from doorward.record.erasing import RowsGone, digest_units
from doorward.record.keeping import SaidErasure, erasures_said
from doorward.record.openings import StoredEntry
from doorward.record.report import Report

MAX_NAMED: Final = 100
NOTHING_ERASED: Final[Mapping[bytes, str]] = {}


class Erasures:
    """The erasures of a record, as rows are read.

    Args:
        erased: The certificate under which each unit was erased, from the folder of keys.

    Attributes:
        is_partial: Whether an entry may be there that was not noted: a spool could not be read to its end, or the
            entries of a leaf do not open it.
    """

    def __init__(self, erased: Mapping[bytes, str] = NOTHING_ERASED) -> None:
        self.erased = erased
        self.is_partial = False
        self._rows: defaultdict[str, RowsGone] = defaultdict(RowsGone)
        self._said: defaultdict[str, dict[SaidErasure, None]] = defaultdict(dict)

    def note_row(self, stored: StoredEntry, certificate: str) -> None:
        """Note a row that is erased; those of one worker come in their order."""
        self._rows[certificate].add(stored.sequence, stored.commitment)

    def note(self, entry: Entry) -> None:
        """Note an entry, of a leaf that holds or of the spool; only erasures matter."""
        for one in erasures_said(entry):
            self._said[one.certificate][one] = None

    def check(self, report: Report, *, has_spool: bool) -> None:
        """Add to a report what does not agree; every row and every entry was noted that could be.

        Args:
            has_spool: Whether the spool was read: an entry may be there that is not published yet.
        """
        units: defaultdict[str, set[bytes]] = defaultdict(set)
        for unit, certificate in self.erased.items():
            units[certificate].add(unit)
        without = []
        for certificate, gone in sorted(units.items()):
            if certificate in self._said:
                self._compare(certificate, gone, report)  # 2, 3
            else:
                without.append(certificate)
        self._judge_without(without, report, has_spool=has_spool)  # 1
        still_there = sorted(self._said.keys() - units.keys())
        for certificate in still_there[:MAX_NAMED]:
            report.could_not_tell.append(
                f"whether what was erased under certificate {certificate} by the record's word is gone: `seals` has "
                "its keys. It was stopped: run `doorward log erase` with its note again; or a copy of them was put back"
            )
        if len(still_there) > MAX_NAMED:
            report.could_not_tell.append(f"the same of {len(still_there) - MAX_NAMED} more certificates")

    def _compare(self, certificate: str, gone: Collection[bytes], report: Report) -> None:
        place, keys, rows = (
            f"erasure under certificate {certificate}",
            digest_units(gone),
            self._rows[certificate],
        )
        matching = [one for one in self._said[certificate] if one.keys == keys]
        if not matching:
            report.find(
                place, "other keys are gone than its entry names: it was stopped, or somebody else took them"
            )
        elif (rows.count, rows.digest()) not in {(one.rows, one.rows_digest) for one in matching}:
            report.find(
                place,
                "other rows are erased than its entry names: one was passed off, brought back, changed or taken away",
                f"{matching[-1].rows} rows, digest {matching[-1].rows_digest[:16]}",
                f"{rows.count} rows, digest {rows.digest()[:16]}",
            )

    def _judge_without(self, without: Collection[str], report: Report, *, has_spool: bool) -> None:
        for certificate in without:
            if not has_spool or self.is_partial:
                report.could_not_tell.append(
                    f"whether certificate {certificate} is the record's: its entry may be in the spool, which was "
                    "not read to its end, or in a leaf that nothing opens"
                )
            else:
                report.find(
                    f"erasure under certificate {certificate}",
                    "the record has no entry of it: keys were destroyed and rows passed off otherwise",
                )

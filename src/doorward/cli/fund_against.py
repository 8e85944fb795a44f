"""The fund's ledger and its record, read side by side for the commands that hold one against the other."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from doorward.cli.fund_link import Link, Silent, read_clock
from doorward.cli.report_observe import find_disclosures, read_entries
from doorward.fund import rows
from doorward.fund.compare import Comparison, Told, compare
from doorward.fund.ledger.accounts import Posting
from doorward.fund.ledger.export import Written
from doorward.fund.ledger.operations import parse_transaction
from doorward.fund.ledger.state import State
from doorward.fund.payments.store import Held, read_held
from doorward.fund.payments.told import check_payments
from doorward.fund.rules import format_rules
from doorward.fund.store import Store
from doorward.grants.cut_files import load_officers
from doorward.record.entry import Entry, Kind


@dataclass(frozen=True, slots=True)
class Ledger:
    """The whole ledger at one moment."""

    state: State
    kept: Sequence[rows.Kept]
    postings: Mapping[int, tuple[Posting, ...]]
    payments: Held

    def written(self) -> list[Written]:
        """Return its transactions; raises MalformedError where one is none."""
        return [
            Written(one.number, one.entry, parse_transaction(one.text)[0], self.postings.get(one.number, ()))
            for one in self.kept
        ]


def read_ledger(link: Link) -> Ledger:
    """Return the ledger; raises UpstreamError, StoreError, ConfigError."""
    with closing(Store(link.conninfo(), Silent())) as store, store.reading() as connection:
        return Ledger(
            rows.read_state(connection), rows.read_kept(connection), rows.read_postings(connection),
            read_held(connection),
        )  # fmt: skip


def read_record(link: Link) -> tuple[list[Entry], bool]:
    """Return the fund's entries of the record, and whether the disclosures were read beside the spool.

    Raises:
        StoreError: The disclosures or the spool cannot be read.
        MalformedError: A row or a record of them is none.
    """
    disclosures = find_disclosures(link.folders, "" if link.settings is None else link.settings.record)
    begins, ends = datetime(1970, 1, 2, tzinfo=UTC), read_clock() + timedelta(days=1)
    found = read_entries(link.folders, disclosures, begins=begins, ends=ends, kinds=(Kind.FUND,))
    return list(found), bool(disclosures)


def hold_against(ledger: Ledger, entries: Sequence[Entry], link: Link) -> Comparison:
    """Return how a ledger, its rules, its payments and its record differ; what a key on file signed is verified."""
    told = [Told(one.number, one.entry, one.text, ledger.postings.get(one.number, ())) for one in ledger.kept]
    found = compare(
        told, entries, ledger.state.balances, ledger.state.returned,
        rules=format_rules(ledger.state.rules), keys=load_officers(link.folders.officials),
    )  # fmt: skip
    wrong, lost = check_payments(ledger.payments.files, ledger.payments.matches, entries)
    return Comparison(found.transactions, (*found.wrong, *wrong), (*found.open, *lost))

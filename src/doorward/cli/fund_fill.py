"""What `doorward up` does for the fund: its database on the embedded server of the record, an invented fund in it."""

import uuid
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import make_conninfo

from doorward.cli.folders import Folders
from doorward.cli.fund_link import DEFAULT_ZONE
from doorward.cli.fund_record import fund_recorder
from doorward.errors import ConfigError
from doorward.fund.database import Installer, install, make_database
from doorward.fund.entries import Proof
from doorward.fund.filings.acts import AcceptTerms
from doorward.fund.filings.store import Filings
from doorward.fund.ledger.operations import Submission
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.place import DATABASE, ROLE
from doorward.fund.rules import make_rules
from doorward.fund.sample import SAMPLE, sample_submissions, sample_terms
from doorward.fund.store import Store
from doorward.orders.fund import FUND, FundLine, FundWords
from doorward.orders.fund_units import FundUnits
from doorward.orders.load import Pack, load_fund, load_fund_units


def prepare_fund(folders: Folders, pack: Pack, superuser: str, *, now: datetime, key: uuid.UUID) -> None:
    """Make the fund of a sample where the order has one; a ledger that somebody posted to is left as it is.

    Args:
        superuser: Conninfo of a superuser to the embedded server of the record.
        key: Of this run, for the record.

    Raises:
        ConfigError: The order's words for a fund have a fault.
        StoreError: Nothing can be recorded.
    """
    if FUND not in pack.files:
        return
    words = load_fund(pack)
    make_database(superuser)
    with fund_recorder(folders, now=now) as recorder:
        with psycopg.connect(make_conninfo(superuser, dbname=DATABASE), autocommit=True) as connection:
            installer = Installer(key, recorder, SAMPLE, SAMPLE, now)
            install(connection, make_rules(words), installer, reasons=load_fund_units(pack).reasons)
            kept = connection.execute("SELECT key FROM fund.transaction ORDER BY number").fetchall()
        submissions = _submissions(words, now.astimezone(ZoneInfo(DEFAULT_ZONE)).date())
        if [one.key for one in submissions[: len(kept)]] != [row[0] for row in kept]:
            return
        with closing(Store(make_conninfo(superuser, user=ROLE, dbname=DATABASE), recorder)) as store:
            for one in submissions[len(kept) :]:
                answer = store.submit(one, now=now, proof=Proof(SAMPLE))
                if isinstance(answer, Refusal):
                    raise ConfigError(f"the sample's fund was refused ({answer.code}): {answer.says}")
            _fill_terms(store, words, load_fund_units(pack), submissions[0].day, now)


def _fill_terms(store: Store, words: FundWords, units: FundUnits, day: date, now: datetime) -> None:
    line = _widest(words)
    lines = {word: one.priced for word, one in units.lines.items() if not one.is_off}
    filings = Filings(store, units)
    terms, accepted = sample_terms(day, units.services, lines, line=line.code, services=line.services)
    filed = filings.file(terms, now=now, proof=Proof(SAMPLE))
    if isinstance(filed, Refusal):
        raise ConfigError(f"the sample's terms were refused ({filed.code}): {filed.says}")
    answer = filings.file(replace(accepted, act=AcceptTerms(filed.number)), now=now, proof=Proof(SAMPLE))
    if isinstance(answer, Refusal):
        raise ConfigError(f"the sample's terms were refused ({answer.code}): {answer.says}")


def _widest(words: FundWords) -> FundLine:
    return max((one for one in words.lines.values() if one.enabled), key=lambda one: len(one.services))


def _submissions(words: FundWords, today: date) -> list[Submission]:
    line = _widest(words)
    year = today.year if words.days_of(today.year)[1] >= today else today.year + 1
    services = (line.services[0], line.services[-1])
    source = next(iter(words.sources))
    return sample_submissions(
        today, words.days_of(year), year=year, line=line.code, services=services, source=source
    )

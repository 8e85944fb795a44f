"""Publishing what is due, and making published months again, from what the fund holds.

Before a month is added, the months that stand are checked by their files, and the last of them is made again and
compared byte by byte: who changed the ledger, the reports or the words finds out here, before anything is built on it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.fund.archive import Archive
from doorward.fund.entries import Recorder
from doorward.fund.ledger.export import Written
from doorward.fund.published.check import Kept, check_editions, check_remade
from doorward.fund.published.counted import Accepted, Known, newest_due, publish_on
from doorward.fund.published.edition import Edition, make_edition
from doorward.fund.published.files import TOTALS, format_files, parse_totals
from doorward.fund.published.month import Month, months_until, parse_month
from doorward.orders.fund import FundWords
from doorward.orders.fund_published import PublishedWords
from doorward.orders.fund_units import FundUnits


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that editions are made from.

    Args:
        written: The ledger, in the order of its numbers; empty where there is none.
        reports: Accepted reports, or None where none are kept.
        through_filing: The number of the last filing; 0 where none are kept here.
    """

    written: Sequence[Written]
    reports: Sequence[Accepted] | None
    words: PublishedWords
    fund: FundWords
    units: FundUnits
    through_filing: int = 0

    @property
    def through(self) -> int:
        """The number of the last transaction."""
        return max((one.number for one in self.written), default=0)

    def make(self, month: Month, through: int, known: Known) -> Edition:
        """Return the edition of a month; raises as `make_edition`."""
        return make_edition(
            month, written=self.written, through=through, reports=self.reports, known=known, words=self.words,
            fund=self.fund, threshold=self.units.threshold,
        )  # fmt: skip

    def format(self, month: Month, through: int, known: Known, previous: bytes | None) -> dict[str, bytes]:
        """Return the files of a month; raises as `make_edition`."""
        return format_files(self.make(month, through, known), self.words.grantees, previous)


def due_months(archive: Archive, words: PublishedWords, today: date) -> tuple[Month, ...]:
    """Return the months whose day has come and that are not published, in order; raises StoreError."""
    newest = newest_due(words, today)
    if newest is None:
        return ()
    months = archive.months()
    return months_until(parse_month(months[-1]).after if months else parse_month(words.first), newest)


def next_day(archive: Archive, words: PublishedWords) -> tuple[Month, date]:
    """Return the month that is published next, and its day; raises StoreError."""
    months = archive.months()
    following = parse_month(months[-1]).after if months else parse_month(words.first)
    return following, publish_on(following, words)


def publish_due(  # what publishing takes, each by its name
    archive: Archive, holdings: Callable[[], Holdings], words: PublishedWords, recorder: Recorder, *,
    by: str, today: date, now: datetime,
) -> tuple[Month, ...]:  # fmt: skip
    """Return the months that were published now: every one that is due, in order, recorded and then shown.

    Args:
        holdings: Reads the fund at one moment; not called where nothing is due.
        by: The login of the City person who publishes.
        today: The day in the city.

    Raises:
        VerificationError: What stands is not what the fund gives; nothing was published.
        ConfigError: The words are not those of the months that stand, or fiscal years begin within a month.
        MalformedError: A report or the ledger has a word that the public tables do not count.
        StoreError: The disk refused, or nothing can be recorded.
    """
    due = due_months(archive, words, today)
    if not due:
        return ()
    held = holdings()
    kept = archive.read_all()
    _check_base(kept, held)
    known = {parse_month(one.month): _number(one.files.get(TOTALS, b""), "through-filing") for one in kept}
    for month in due:
        known[month] = held.through_filing
        archive.publish(
            month,
            lambda previous, month=month: held.format(month, held.through, known, previous),  # type: ignore[misc]  # bound to this turn
            recorder,
            by=by,
            now=now,
        )
    return due


def _check_base(kept: Sequence[Kept], held: Holdings) -> None:
    if not kept:
        return
    wrong = check_editions(kept)
    if not wrong:
        said = parse_totals(kept[-1].files[TOTALS])
        if said["scheme"] != held.words.digest or said["threshold"] != str(held.units.threshold):
            raise ConfigError(
                "the order counts something else for the public than the months that stand",
                hint="the words of fund_published.toml are for ever; another list is another series, in another folder",
            )
        wrong = check_remade(kept[-1:], remake(kept, held, only=kept[-1].month))
    if wrong:
        raise VerificationError(
            f"nothing was published: {wrong[0]}" + (f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""),
            hint="`doorward fund published verify` lists every difference",
        )


def remake(
    kept: Sequence[Kept], held: Holdings, *, only: str | None = None
) -> dict[str, Mapping[str, bytes]]:
    """Return the files of published months, made again from what the fund holds now.

    Args:
        kept: Every published month, in order; of the totals only the numbers of the last transaction and of the last
            filing are believed.
        only: One of the months.

    Raises:
        ConfigError: As `make_edition`.
        MalformedError: As `make_edition`.
    """
    made: dict[str, Mapping[str, bytes]] = {}
    known: dict[Month, int] = {}
    previous: bytes | None = None
    for one in kept:
        totals, month = one.files.get(TOTALS, b""), parse_month(one.month)
        known[month] = _number(totals, "through-filing")
        if only is None or one.month == only:
            made[one.month] = held.format(month, _number(totals, "through"), known, previous)
        previous = totals
    return made


def _number(totals: bytes, name: str) -> int:
    try:
        said = parse_totals(totals)[name]
    except MalformedError:
        return 0
    return int(said) if said.isdecimal() and len(said) < 19 else 0

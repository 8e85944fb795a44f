"""What a report says, before it is a page, a document or JSON. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from doorward.lookback.report.numbers import Number

RESULTS: Final = ("inconsistent", "referred", "cannot-tell", "consistent")
TIERS: Final = ("explicit", "agency-named", "vague", "other")
PIECE = str | Number
Sentence = tuple[PIECE, ...]
SMALL: Final = 100  # accesses; below it a rate says little, and is marked
EXHIBITS: Final = 500  # of a clause on a page
EXHIBITS_OF_ALL: Final = 100  # of a clause, over all agencies under their own words
EXHIBITS_OF_PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Args:
        small: So few accesses that a rate says little.
        href: The page that has more of it.
    """

    head: str
    cells: tuple[PIECE, ...]
    small: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first column heads each row.

    Args:
        prose: Which cells hold text, counted from the head as nought; the others are figures.
    """

    id: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    prose: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One finding as a row that anyone can look up.

    Args:
        file: Number of the file in the scope.
        reason: Verbatim; hostile text.
        evidence: Pattern and the words that it matched.
        certain: Whether each of `clauses` decides; else one of them does.
        perhaps: Where the access is referred and no clause decides in any case: those that may.
    """

    finding: int
    file: int
    sheet: str
    row: int
    id: str
    at: str
    searcher: str
    tier: str
    reason: str
    state: str
    evidence: tuple[tuple[str, str], ...]
    clauses: tuple[str, ...]
    possible: tuple[str, ...]
    case_no: str
    path: str
    owner: str = ""
    certain: bool = True
    offense: str = ""
    perhaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exhibits:
    """The exhibits of one clause and result, or of one tier without a clause.

    Args:
        total: How many findings there are; `shown` of them stand here.
        says: The clause, in its own words.
        often: The wordings that most of them have, where they are many.
    """

    id: str
    title: str
    clause: str
    total: Number
    shown: tuple[Exhibit, ...]
    wordings: tuple[str, ...] = ()  # in a publication, in the place of rows
    says: str = ""
    often: Table | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that findings fall under, with its words."""

    id: str
    cite: str
    says: str
    counts: tuple[tuple[str, Number], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What was found under one order or one agency's own words."""

    name: str
    title: str
    digest: str
    lexicon: str
    sentences: tuple[Sentence, ...]
    results: Table
    tiers: Table
    clauses: tuple[Clause, ...]
    times: Table
    exhibits: tuple[Exhibits, ...]
    searchers: Table | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Each agency under its own published words, side by side.

    Args:
        sentences: What was read, and what was found.
        agencies: A row each, the highest rate of inconsistent accesses first.
        clauses: What the agencies' words have in common, by clause.
        exhibits: Inconsistent ones, and those that say enforcement or name an agency; the others are on the pages.
    """

    sentences: tuple[Sentence, ...]
    agencies: Table
    clauses: Table
    times: Table
    exhibits: tuple[Exhibits, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What another part of the audit counted or estimated: sentences, and tables for the rest."""

    title: str
    says: tuple[str, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What the report rests on.

    Args:
        orders: Which rules, by digest.
        hidden: Which cells the files do not show.
        remarks: What was noticed of files, and of which.
        alarms: Where a log changed its form, and constant columns.
        accounts: Which figures of each file's account are shown: heading and name.
        given: What an order was told of every access, since no log shows it.
    """

    orders: Table
    hidden: Table
    remarks: Table
    alarms: tuple[str, ...]
    patterns: Table
    accounts: tuple[tuple[str, str], ...] = ()
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a day that a reader of a timeline has to know of: a schema alarm, a change of policy."""

    day: str
    says: str
    kind: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report, of one owner or of all.

    Args:
        owner: Whose data was searched, or empty for all.
        files: Of the manifest, as they stand there.
        cover: What stands at the head: label and text.
        sample: Whether an order is a sample that nobody has signed.
        overview: Agencies under their own words, on the page of all.
        kinds: How each kind of lead was looked for.
        measured: What `ranking.json` and `estimates.json` say.
        extra: `ranking.json`, `estimates.json`, `leads.json` where the audit has them.
        grain: `week`, or `month` in a publication.
        rule: In a publication, what was left out and why; else empty.
    """

    title: str
    owner: str
    version: str
    files: tuple[Mapping[str, Any], ...]
    period: tuple[str, str]
    rules: tuple[Rules, ...]
    marks: tuple[Mark, ...]
    leads: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    command: str
    scope: Scope
    cover: tuple[tuple[str, str], ...] = ()
    sample: bool = False
    overview: Overview | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[Measured, ...] = ()
    measured: tuple[Measured, ...] = ()
    grain: str = "week"
    rule: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    comparison: Mapping[str, Any] | None = None

    @property
    def published(self) -> bool:
        """Whether it may leave the house."""
        return bool(self.rule)


@dataclass(frozen=True, slots=True)
class Options:
    """How reports are made.

    Args:
        agencies: Owners that get a page; empty is all.
        marks: Days of policy changes, for the timeline.
        publish_on: The day of publication; None is a report for the office itself.
        threshold: The smallest count that is published.
        lag_days: Nothing is placed in time nearer to the publication.
        kinds: Kinds of personal data to mask in the office's own pages too; in a publication all are.
        interactive: Whether a page carries the program that draws over the still charts.
    """

    agencies: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    publish_on: date | None = None
    threshold: int = 5
    lag_days: int = 30
    kinds: tuple[str, ...] = ()
    interactive: bool = True
    pdf: bool = True

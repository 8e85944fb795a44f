"""Which order each source of an audit is put to: the order that was named, and each owner's own published words."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import PurePath
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.cells import State
from doorward.lookback.published.policies import LOG_WITHOUT_TIME, make_portal_pack
from doorward.lookback.published.rows import Match, PolicyRow, check_count, pack_for, parse_export_name
from doorward.lookback.reading.accounting import SourceReport
from doorward.lookback.request import make_asked
from doorward.orders.assemble import assemble_pack
from doorward.orders.lexicon import Lexicon
from doorward.orders.load import load_lexicon
from doorward.orders.pack import Pack

GROUP: Final = "civil-immigration-enforcement"
NO_PAPER: Final = (
    "no log shows whether a paper of a court or of an agency was presented, and each access was put to the order as if "
    "none was; whoever has such a paper answers a finding with it"
)


@dataclass(frozen=True, slots=True)
class Rules:
    """An order, and the sources that it is about.

    Args:
        pack: The order.
        lexicon: Its own.
        logs: The kind of log of each source, by number.
        notes: What a reader of the report must know of it.
        is_own: Whether it is an agency's own published words.
        name: What the tables call it: the order's name, with a day where two pages of one agency are looked at.
    """

    pack: Pack
    lexicon: Lexicon
    logs: Mapping[int, str]
    notes: tuple[str, ...] = ()
    is_own: bool = False
    name: str = ""

    @property
    def words(self) -> str:
        """The digest of what decides how words are classified: orders that share it share the table of phrases."""
        lexicon = self.lexicon
        parts = (lexicon.patterns, lexicon.vague, lexicon.case_number, lexicon.case_unless)
        return sha256(repr(parts).encode()).hexdigest()

    @property
    def immigration(self) -> tuple[str, ...]:
        """Agencies of the order that enforce civil immigration law, by its own groups."""
        return tuple(sorted(name for name, agency in self.pack.agencies.items() if GROUP in agency.parents))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Every order with its sources, and what was noticed.

    Args:
        notes: By number of source.
    """

    rules: tuple[Rules, ...]
    notes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def choose_rules(
    orders: Sequence[Pack], policies: Sequence[PolicyRow], reports: Sequence[SourceReport]
) -> Chosen:
    """Return what each source is put to.

    Args:
        orders: Those that were named: each looks at every source of a kind of log that it speaks of.
        policies: Published words, by agency: each looks at that agency's own exports.
        reports: Of the sources.

    Raises:
        ConfigError: Two orders have one name, or a log tells a fact that has another type.
        PolicyCheckError: An order has no lexicon, or one with a fault.
    """
    notes: dict[int, list[str]] = {report.file: [] for report in reports}
    if len({pack.name for pack in orders}) < len(orders):
        raise ConfigError("two orders have one name", hint="audit with one of them at a time")
    rules = [_named(pack, reports, notes) for pack in orders]
    if policies:
        rules += _published(policies, reports, notes, {pack.name for pack in orders})
    return Chosen(tuple(rules), {file: tuple(said) for file, said in notes.items()})


def page_of(policies: Sequence[PolicyRow], report: SourceReport) -> Match | None:
    """Return the published page of the owner of a source, as it was then; None where none is at hand."""
    name = parse_export_name(PurePath(report.name).name)
    on = name[1] if name else _last_day(report)
    return pack_for(policies, report.name if name else report.owner, on=on)


def _named(pack: Pack, reports: Iterable[SourceReport], notes: Mapping[int, list[str]]) -> Rules:
    lexicon = load_lexicon(pack)
    logs = {}
    for report in reports:
        if report.log in lexicon.logs:
            logs[report.file] = report.log
        else:
            notes[report.file].append(
                f"the order {pack.name} says nothing of a log of the kind `{report.log}`"
            )
    told = (NO_PAPER,) if any(_no_paper(pack, lexicon, log) for log in sorted(set(logs.values()))) else ()
    return Rules(pack, lexicon, logs, told, name=pack.name)


def _no_paper(pack: Pack, lexicon: Lexicon, log: str) -> bool:
    """Return whether accesses of a kind of log are put to an order as if no paper had been shown."""
    told = lexicon.logs[log]
    papers = {
        path for path, spec in pack.requests.specs(told.resource.type).items() if spec.remedy == "paper"
    }
    return not papers.isdisjoint(make_asked(pack, told).constants)


def _published(
    policies: Sequence[PolicyRow],
    reports: Iterable[SourceReport],
    notes: Mapping[int, list[str]],
    taken: Collection[str],
) -> list[Rules]:
    """Return the published words of each owner; exports of one owner on one page are looked at together."""
    found: dict[tuple[str, date], tuple[PolicyRow, dict[int, str], list[str]]] = {}
    for report in reports:
        name = parse_export_name(PurePath(report.name).name)
        on = name[1] if name else _last_day(report)
        match = page_of(policies, report)
        if match is None:
            notes[report.file].append("no published words of its owner are in the file of policies")
            continue
        if match.note:
            notes[report.file].append(match.note)
        if name and (alarm := check_count(match.row, report.read, on=on)):
            notes[report.file].append(alarm)
        _, logs, said = found.setdefault((match.row.agency, match.row.snapshot), (match.row, {}, []))
        tells_since = report.states.get("since", {}).get(State.VALUE, 0) > 0
        logs[report.file] = report.log if tells_since else LOG_WITHOUT_TIME
        said += [match.note] if match.note else []
    rules = []
    pages = Counter(agency for agency, _ in found)
    for row, logs, said in found.values():
        pack = assemble_pack({path: text.encode() for path, text in make_portal_pack(row).items()})
        alone = pages[row.agency] == 1 and pack.name not in taken
        called = pack.name if alone else f"{pack.name} {row.snapshot}"
        told = tuple(dict.fromkeys(said))
        rules.append(Rules(pack, load_lexicon(pack), logs, told, is_own=True, name=called))
    return rules


def _last_day(report: SourceReport) -> date | None:
    return date.fromisoformat(report.period[1][:10]) if report.period else None

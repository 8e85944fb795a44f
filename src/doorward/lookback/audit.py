"""An audit from files to findings: each stage leaves a table, and the manifest says what became of every record."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.lookback.accesses import find_declared, prepare_accesses, write_accesses
from doorward.lookback.agencies.listed import counties_of
from doorward.lookback.agencies.owners import find_owner, is_own, who_searched
from doorward.lookback.agencies.searchers import (
    Searcher,
    SearcherMatcher,
    make_order,
    match_all,
    name_at_door,
    write_searchers,
)
from doorward.lookback.cells import State
from doorward.lookback.decide import Decided, Progress, make_decider
from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.find_leads import ROWS, SUMMARY, find_leads
from doorward.lookback.leads.tables import LeadInputs, Mark, Source
from doorward.lookback.literal import write_literal
from doorward.lookback.published.relations import Partners, find_partners, lists_of, shares_with
from doorward.lookback.published.rows import PolicyRow, pack_for, parse_export_name
from doorward.lookback.published.sharing_files import SharingList, list_of
from doorward.lookback.queries import quote_text
from doorward.lookback.reading.accounting import SourceReport
from doorward.lookback.reading.duplicates import ANOTHER, find_duplicates
from doorward.lookback.reading.opening import Reader, ReadOptions, find_sources
from doorward.lookback.reading.own_record import LAYOUT as DOOR
from doorward.lookback.reading.read import Progress as Reading
from doorward.lookback.reading.read import Refused, read_sources
from doorward.lookback.reading.schema_loss import Alarm, exports_of, find_losses
from doorward.lookback.reading.supplied import Supplied
from doorward.lookback.request import make_asked
from doorward.lookback.rules import Chosen, Rules, choose_rules
from doorward.lookback.spark import Spark
from doorward.lookback.tally import TABLES, Relation, Sources, Tally, join_parts
from doorward.lookback.words.earlier import digest_words, note_phrases, set_aside, take_phrases
from doorward.lookback.words.phrases import write_phrases
from doorward.orders.pack import Pack

if TYPE_CHECKING:
    import duckdb

FORMAT: Final = 1
# Exports of these layouts are of the owner's own users and have no column for the organisation.
OWN_USERS: Final = frozenset({"flock-portal", "flock-portal-print", "flock-organization-audit"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What an audit is made with.

    Args:
        orders: Each looks at every source of a kind of log that it speaks of.
        policies: Agencies' published words: each looks at that agency's own exports.
        matcher: Matches organisations with agencies; the order's entities are added for each order.
        reading: How files are read.
        readers: Of forms that are no CSV, JSON lines or Parquet.
        owner: Whose log every file is, where it is one owner's.
        supplied: Sources that are no files: the door's own record.
        keep_going: Whether the others are read where a file cannot be.
        zones: Time zones by ORI or state, as whoever audits says it.
        marks: Days on which something changed, likewise.
        shared: With whom owners share, besides what their published words list.
        command: Options that decide what comes out, for the manifest.
    """

    orders: Sequence[Pack] = ()
    policies: Sequence[PolicyRow] = ()
    matcher: SearcherMatcher = field(default_factory=SearcherMatcher)
    reading: ReadOptions = field(default_factory=ReadOptions)
    readers: Mapping[str, Reader] = field(default_factory=dict)
    owner: str = ""
    supplied: Sequence[Supplied] = ()
    keep_going: bool = False
    zones: Mapping[str, str] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    shared: Sequence[SharingList] = ()
    command: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Audit:
    """An audit under way.

    Args:
        connection: Of `open_engine`.
        folder: Where everything goes.
        plan: What it is made with.
        progress: Told how far each stage is.
        spark: Where given, it does what grows with the log once the rows are read.
    """

    connection: "duckdb.DuckDBPyConnection"
    folder: AuditFolder
    plan: Plan
    progress: Progress
    spark: Spark | None = None
    reports: list[SourceReport] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    duplicates: dict[int, dict[str, int]] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    owner_notes: dict[int, str] = field(default_factory=dict)
    pairs: dict[int, list[tuple[str | None, str, str | None, str]]] = field(default_factory=dict)
    at_door: dict[str, str] = field(default_factory=dict)

    def read(self, paths: Sequence[Path], reading: "Callable[[Reading], None] | None" = None) -> None:
        """Read the files: rows, accounts, duplicates, owners.

        Files are numbered by their names, whatever the order in which they were named: of rows that say the same the
        first file's stays, and a figure must not depend on how somebody typed a command.

        Raises:
            ConfigError: A file cannot be read, or has no layout.
        """
        self.reports = read_sources(
            self.connection,
            sorted(paths, key=lambda path: (path.name, str(path))),
            self.folder,
            self.plan.reading,
            readers=self.plan.readers,
            supplied=self.plan.supplied,
            refused=self.refused if self.plan.keep_going else None,
            progress=reading,
        )
        self.find_searchers()
        self.duplicates = find_duplicates(self.connection, self.folder, self.reports)

    def find_searchers(self) -> None:
        """Say of each source whose log it is, and who its searchers are; the reports are there."""
        policies = {row.agency: row.name for row in self.plan.policies}
        for report in self.reports:
            own = parse_export_name(report.name)
            mapped = (
                {report.name: report.owner}
                if report.owner and (own is None or report.owner != own[0])
                else {}
            )
            owner = find_owner(report.name, stated=self.plan.owner, mapped=mapped, policies=policies)
            self.owners[report.file] = report.owner = owner.name
            if owner.name:
                self.owner_notes[report.file] = f"whose log it is: {owner.how}"
        for report in self.reports:
            self.pairs[report.file] = self._searchers_of(report)

    def decide(self, chosen: Chosen) -> dict[str, Any]:
        """Put every source to its orders: counts and findings; returns the figures of each order."""
        words = self._classify_all(chosen.rules)
        kinds = {self._agencies(rules): rules for rules in chosen.rules}
        searchers = {kind: self._match(rules, number) for number, (kind, rules) in enumerate(kinds.items())}
        first = next(iter(searchers.values()), None)
        if first is not None:
            self._write_accesses(first[0])
        figures: dict[str, Any] = {}
        parts: dict[str, list[Path]] = {"counts": [], "findings": []}
        for number, rules in enumerate(chosen.rules):
            found, table = searchers[self._agencies(rules)]
            for log in sorted(set(rules.logs.values())):
                files = [file for file, kind in rules.logs.items() if kind == log]
                name = f"{number:04d}-{log}"
                said = self._said(rules, log, words[rules.words], self.folder.scratch / name)
                sources = self._sources(rules, files, said, table, found)
                decided = self._tally(rules, log, sources, name, parts)
                _add(figures, rules.name, decided)
            self.progress("deciding by the order", number + 1, len(chosen.rules))
        self._join("counts", parts["counts"], self.folder.counts, "SELECT * FROM {0} ORDER BY ALL")
        self._join("findings", parts["findings"], self.folder.findings, _FINDINGS)
        return figures

    def find_leads(self, alarms: Sequence[Alarm]) -> None:
        """Find what is no finding and may be worth a look; `decide` comes first."""
        sources = [Source(one.file, one.owner, one.account_kind) for one in self.reports]
        begins = {one.file: one.period[0] for one in self.reports if one.period}
        marks = [
            Mark(datetime.fromisoformat(begins[alarm.file]), alarm.says, alarm.owner)
            for alarm in alarms
            if alarm.file in begins and alarm.previous is not None
        ]

        def tell(kind: str) -> None:
            self.progress(f"leads: {kind.lower()}", 0, 1)

        for held in TABLES:  # the leads name their views alike
            self.connection.execute(f"DROP {held}")
        lists = self.plan.matcher.lists
        counties = {} if lists is None else counties_of(lists.agencies.by_ori)
        marks += self.plan.marks
        inputs = LeadInputs(sources, marks=marks, counties=counties, zones=self.plan.zones)
        find_leads(self.connection, self.folder, inputs, tell=tell)

    def _searchers_of(self, report: SourceReport) -> list[tuple[str | None, str, str | None, str]]:
        """Return each searcher of a source as it stands there, and as it counts."""
        rows = quote_text(self._rows(report.file))
        stood = self.connection.execute(
            f"SELECT DISTINCT searcher, searcher_state FROM read_parquet({rows}) ORDER BY ALL"  # noqa: S608  # quoted
        ).fetchall()
        if report.layout == DOOR:
            named = {entity: name_at_door(entity) for entity, _ in stood if entity is not None}
            self.at_door |= {name: entity for entity, name in named.items()}
            return [(was, state, named.get(was or ""), state) for was, state in stood]
        owner = find_owner(report.name, stated=self.owners[report.file])
        name, state, note = who_searched(
            owner, organisation="searcher" in report.used, own_users=report.layout in OWN_USERS
        )
        if note:
            self.owner_notes[report.file] = note
            return [(was, was_state, name, state) for was, was_state in stood]
        return [(was, was_state, was, was_state) for was, was_state in stood]

    def _classify_all(self, rules: Sequence[Rules]) -> dict[str, Path]:
        """Write the phrases of each vocabulary; those of the first order have the name that everybody knows."""
        found: dict[str, Path] = {}
        for one in rules:
            if one.words not in found:
                own = self.folder.phrases.with_name(f"phrases-{one.words[:12]}.parquet")
                found[one.words] = self._classify(one, own if found else self.folder.phrases)
        made = {found[one.words]: digest_words(one.lexicon) for one in rules}
        if made:
            note_phrases(self.folder, made)
        return found

    def _classify(self, rules: Rules, target: Path) -> Path:
        def told(done: int, total: int) -> None:
            self.progress("classifying reasons", done, total)

        def take(path: Path) -> bool:
            if not self.plan.reading.resume:
                return False
            return take_phrases(self.connection, self.folder, digest_words(rules.lexicon), path)

        write_phrases(self.connection, rules.lexicon, self.folder, into=target, take=take, progress=told)
        return target

    def _said(self, rules: Rules, log: str, phrases: Path, scratch: Path) -> Path:
        """Return what the wordings of a kind of log say: as patterns have it, or as words of the order."""
        told = rules.lexicon.logs[log]
        if not told.literal:
            return phrases
        target = scratch / "literal.parquet"
        write_literal(self.connection, rules.pack, rules.lexicon, told, phrases=phrases, target=target)
        return target

    def _agencies(self, rules: Rules) -> str:
        return "" if rules.is_own else rules.pack.digest

    def _matcher(self, rules: Rules) -> SearcherMatcher:
        matcher = self.plan.matcher
        order = None if rules.is_own else make_order(rules.pack)
        return SearcherMatcher(
            matcher.lists,
            order,
            matcher.decided,
            matcher.participation,
            matcher.declarations,
            self.at_door,
        )

    def _match(self, rules: Rules, number: int) -> tuple[list[Searcher], Path]:
        matcher = self._matcher(rules)
        pairs = {(name, state) for held in self.pairs.values() for _, _, name, state in held}
        found = match_all(matcher, pairs)
        target = self.folder.searchers
        if number:
            target = target.with_name(f"searchers-{number}.parquet")
        as_of = matcher.participation.as_of if matcher.participation is not None else None
        write_searchers(self.connection, found, target, as_of=as_of)
        return found, target

    def _write_accesses(self, searchers: Sequence[Searcher]) -> None:
        numbers = {(one.searcher, one.searcher_state): at for at, one in enumerate(searchers)}
        matcher = self.plan.matcher
        declared = None if matcher.declarations is None else find_declared(searchers, matcher.declarations)
        keys = [
            (file, was, was_state, numbers[name, state])
            for file, held in self.pairs.items()
            for was, was_state, name, state in held
        ]
        prepare_accesses(self.connection, self.folder, keys, declared)
        for file in self.folder.accesses.glob("*.parquet"):
            if int(file.stem) >= len(self.reports):  # of an audit of more files in the same folder
                file.unlink()
        for done, report in enumerate(self.reports, start=1):
            target = self.folder.accesses / f"{report.file:04d}.parquet"
            write_accesses(self.connection, self._rows(report.file), target)
            self.progress("counting each access once", done, len(self.reports))

    def _sources(
        self, rules: Rules, files: Sequence[int], phrases: Path, table: Path, found: Sequence[Searcher]
    ) -> Sources:
        numbers = {(one.searcher, one.searcher_state): at for at, one in enumerate(found)}
        relations = []
        matcher = self._matcher(rules)
        for file in files:
            owner = self.owners[file]
            partners = self._partners(matcher, file)
            ori = self.plan.matcher.match(owner).ori if owner else ""
            for at in sorted({numbers[name, state] for _, _, name, state in self.pairs[file]}):
                one = found[at]
                own = None
                if one.searcher_state == State.VALUE:
                    name = one.name if one.searcher in self.at_door else one.searcher
                    own = is_own(ori, owner, one.ori, name or "")
                one_to_one = None if partners is None else shares_with(matcher, partners, one)
                relations.append(Relation(file, at, own, one_to_one))
        return Sources(
            [self.folder.accesses / f"{file:04d}.parquet" for file in files],
            phrases,
            table,
            {file: self.owners[file] for file in files},
            relations,
            rules.immigration,
            rules.is_own,
        )

    def _partners(self, matcher: SearcherMatcher, file: int) -> Partners | None:
        """Return with whom the owner of a source shares, or None where no list says so."""
        name, owner = self.reports[file].name, self.owners[file]
        lists = list(lists_of(self.plan.matcher, self.plan.shared, owner))
        found = pack_for(self.plan.policies, name if parse_export_name(name) else owner)
        if not lists and found is not None:
            lists = [list_of(found.row, "")]
        names = {partner.name for one in lists for partner in one.partners if partner.outward}
        return find_partners(matcher, names) if names else None

    def _tally(
        self, rules: Rules, log: str, sources: Sources, name: str, parts: Mapping[str, list[Path]]
    ) -> Decided:
        decider = make_decider(rules.pack, make_asked(rules.pack, rules.lexicon.logs[log]))
        scratch = self.folder.scratch / name
        tally = Tally(self.connection, decider, sources, scratch=scratch, spark=self.spark)
        decided = tally.decide(self.progress)
        for kind, held in parts.items():
            target = scratch / f"{kind}-part.parquet"
            tally.write(kind, rules.name, target)
            held.append(target)
        return decided

    def _join(self, name: str, parts: Sequence[Path], target: Path, query: str) -> None:
        self.progress(f"writing {name}", 0, 1)
        join_parts(self.connection, name, parts, query, target)
        self.progress(f"writing {name}", 1, 1)

    def _rows(self, file: int) -> Path:
        return self.folder.rows / f"{file:04d}.parquet"


# Sorted once: a number by its own ORDER BY would sort these wide rows a second time.
_FINDINGS: Final = (
    "SELECT row_number() OVER () AS finding, * FROM (SELECT * FROM {0} ORDER BY rules, file, sheet, row)"
)


def _add(figures: dict[str, Any], name: str, decided: Decided) -> None:
    held = figures.setdefault(name, {"sets": 0, "narrowed": 0, "untried": 0, "accesses_untried": 0})
    for key in held:
        held[key] += getattr(decided, key)


def audit(
    running: Audit, paths: Sequence[Path], reading: "Callable[[Reading], None] | None" = None
) -> dict[str, Any]:
    """Return the manifest of an audit, whose tables are then in its folder.

    Raises:
        ConfigError: A file cannot be read, or an order cannot be put to it.
    """
    with ExitStack() as stack:
        stack.callback(running.connection.execute, "CHECKPOINT")
        find_sources(paths)  # a name that is wrong costs nobody the audit that is there
        forget(running.folder)
        running.read(paths, reading)
        chosen = choose_rules(running.plan.orders, running.plan.policies, running.reports)
        figures = running.decide(chosen)
        alarms = find_alarms(running)
        if chosen.rules:
            running.find_leads(alarms)
    manifest = make_manifest(running, chosen, figures, alarms)
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True)
    part = running.folder.manifest.with_suffix(
        ".part"
    )  # the manifest says that the audit is whole, so it is whole
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(running.folder.manifest)
    return manifest


def forget(folder: AuditFolder) -> None:
    """Remove what an earlier audit has concluded here, and keep what it has read and what it said of the wordings.

    The manifest goes first: a folder without one holds no finished audit, whatever else stands in it.
    """
    folder.manifest.unlink(missing_ok=True)
    data = folder.root / "data"
    set_aside(folder)
    concluded = [
        folder.findings,
        folder.leads,
        folder.root / SUMMARY,
        folder.counts,
        folder.root / ROWS,
    ]
    concluded += [
        *folder.accesses.glob("*.parquet"),
        *data.glob("phrases*.parquet"),
        *data.glob("searchers*.parquet"),
    ]
    for file in concluded:
        file.unlink(missing_ok=True)


def find_alarms(running: Audit) -> list[Alarm]:
    """Return what changed between the exports of one owner, so that figures before and after do not compare."""
    vague: dict[int, int] = {}
    if running.folder.phrases.exists():
        accesses = quote_text(running.folder.accesses / "*.parquet")
        rows = running.connection.execute(
            "SELECT a.file, count(*) FILTER (WHERE p.said IN ('vague', 'blank')) "  # noqa: S608  # quoted
            f"FROM read_parquet({accesses}) a JOIN read_parquet({quote_text(running.folder.phrases)}) p "
            "ON p.phrase = a.phrase GROUP BY ALL"
        ).fetchall()
        vague = dict(rows)
    told = [report.as_json() | {"vague": vague.get(report.file)} for report in running.reports]
    return find_losses(exports_of(told))


def make_manifest(
    running: Audit, chosen: Chosen, figures: Mapping[str, Any], alarms: Sequence[Alarm]
) -> dict[str, Any]:
    """Return what was read, under which orders, with which figures; no clock and no path of this machine."""
    from importlib.metadata import version

    files = []
    for report in running.reports:
        made = report.as_json()
        kinds = running.duplicates[report.file]
        kept = report.read - sum(kinds.values())
        # An owner's own report has what stands in another owner's log too; over all logs each search counts once.
        made["accounting"] |= {
            "duplicates": kinds, "kept": kept, "kept_of_owner": kept + kinds.get(ANOTHER, 0),
        }  # fmt: skip
        said = running.owner_notes.get(report.file)
        made["notes"] = [*made["notes"], *([said] if said else []), *chosen.notes[report.file]]
        files.append(made)
    return {
        "format": FORMAT,
        "doorward": version("doorward"),
        "rules": [_describe(rules, figures) for rules in chosen.rules],
        "files": files,
        "refused": [asdict(one) for one in running.refused],
        "totals": _totals(files),
        "results": _grouped(running, "result"),
        "tiers": _grouped(running, "tier"),
        "alarms": [alarm.as_json() for alarm in alarms],
        "notes": sorted(running.plan.matcher.notes()),
        "command": dict(running.plan.command),
    }


def _describe(rules: Rules, figures: Mapping[str, Any]) -> dict[str, Any]:
    pack = rules.pack
    return {
        "name": rules.name, "title": pack.title, "digest": pack.digest, "sample": pack.is_sample,
        "lexicon": rules.lexicon.digest, "vocabularies": list(rules.lexicon.vocabularies),
        "own_words": rules.is_own, "files": sorted(rules.logs), "notes": list(rules.notes),
        "decided": figures.get(rules.name, {}),
        "clauses": {
            clause.id: {
                "cite": clause.cite, "says": clause.says, "standing": clause.standing, "evidence": clause.evidence,
            }
            for clause in pack.clauses.values()
        },
        "patterns": {pattern.id: {"says": pattern.says, "tier": str(pattern.tier), "source": pattern.source}
                     for pattern in rules.lexicon.patterns},
    }  # fmt: skip


def _totals(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    accounts = [file["accounting"] for file in files]
    summed = ("read", "rejected", "other_lines", "blank", "repeated_headers", "kept", "kept_of_owner")
    totals = {key: sum(one[key] for one in accounts) for key in summed}
    kinds = sorted({kind for one in accounts for kind in one["duplicates"]})
    periods = [file["period"] for file in files if file["period"]]
    return {
        **totals,
        "files": len(files),
        "duplicates": {kind: sum(one["duplicates"].get(kind, 0) for one in accounts) for kind in kinds},
        "period": [min(p[0] for p in periods), max(p[1] for p in periods)] if periods else None,
    }


def _grouped(running: Audit, column: str) -> dict[str, dict[str, int]]:
    if not running.folder.counts.exists():
        return {}
    rows = running.connection.execute(
        f"SELECT rules, {column}, CAST(sum(n) AS BIGINT) FROM read_parquet({quote_text(running.folder.counts)}) "  # noqa: S608  # a name of our own
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for rules, word, count in rows:
        found.setdefault(rules, {})[word] = count
    return found

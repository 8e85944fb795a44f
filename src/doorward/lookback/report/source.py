"""Reads the folder of an audit for its reports."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.report.content import EXHIBITS, EXHIBITS_OF_ALL, Exhibit
from doorward.lookback.report.numbers import OWN, Atom, as_text, literal, own_test, own_words

if TYPE_CHECKING:
    import duckdb

MAX_JSON_BYTES: Final = 256 * 1024 * 1024
EXTRAS: Final = ("ranking", "estimates", "leads")
_TIER_RANK: Final = (
    "CASE tier WHEN 'explicit' THEN 0 WHEN 'agency-named' THEN 1 WHEN 'vague' THEN 2 ELSE 3 END"
)
_GROUP: Final = "coalesce(clauses[1], '')"
_EXHIBITS: Final = """
SELECT {rules}, result, coalesce(clauses[1], '') AS clause, finding, file, coalesce(sheet, ''), "row", coalesce(id, ''),
       coalesce(strftime("at", '%Y-%m-%d %H:%M:%S'), ''), coalesce(searcher, ''), tier, coalesce(reason, ''),
       reason_state, coalesce(patterns, []), coalesce(evidence, []), coalesce(clauses, []), coalesce(possible, []),
       coalesce(case_no, ''), coalesce(path, ''), coalesce(owner, ''), coalesce(clauses_certain, true),
       coalesce(offense, ''), CASE WHEN result = 'referred' THEN coalesce(clauses_perhaps, []) ELSE [] END
FROM read_parquet(?)
WHERE {which}
QUALIFY row_number() OVER (
    PARTITION BY {rules}, result, coalesce(clauses[1], '') ORDER BY {rank}, file, sheet, "row", finding
) <= ?
ORDER BY 1, result, clause, {rank}, file, sheet, "row", finding
"""
_LOUD: Final = "(result = 'inconsistent' OR tier IN ('explicit', 'agency-named'))"
MAX_WORDINGS: Final = 15


@dataclass(frozen=True, slots=True)
class Group:
    """What exhibits stand together: one result, the clause that is named first, one tier.

    Args:
        rules: One set of rules; empty is every agency's own words.
    """

    rules: str
    result: str
    clause: str
    tier: str

    def test(self, own: str, owner: str = "") -> str:
        """Return what holds of the findings in it.

        Args:
            own: The value of `own_words`.
            owner: Whose data was searched; empty is all.
        """
        tests = [
            f"rules = {literal(self.rules)}" if self.rules else own_test(own),
            f"result = {literal(self.result)}", f"coalesce(clauses[1], '') = {literal(self.clause)}",
            f"tier = {literal(self.tier)}", f"owner = {literal(owner)}" if owner else "",
        ]  # fmt: skip
        return " AND ".join(filter(None, tests))

    def sql(self, own: str, owner: str = "") -> str:
        """Return the question for how many findings there are in it; arguments as of `test`."""
        return f"SELECT count(*) FROM 'findings.parquet' WHERE {self.test(own, owner)}"  # noqa: S608  # `literal`


class Source:
    """The folder of one audit, read.

    Args:
        connection: An engine that is open.
        folder: Of the audit.

    Raises:
        ConfigError: The folder holds no finished audit.
    """

    def __init__(self, connection: "duckdb.DuckDBPyConnection", folder: AuditFolder) -> None:
        self.connection = connection
        self.folder = folder
        for needed in (folder.manifest, folder.counts, folder.findings):
            if not needed.is_file():
                raise ConfigError(
                    f"the folder holds no finished audit: `{needed.name}` is missing",
                    hint="name the folder that `doorward audit … --out` wrote",
                )
        self.manifest = read_json(folder, folder.manifest.name)
        rules = [one for one in self.manifest.get("rules", ()) if isinstance(one, Mapping)]
        self.named = tuple(str(one["name"]) for one in rules if not one.get("own_words"))
        self.own = own_words(self.named)
        self.owners = tuple(
            str(owner)
            for (owner,) in self.ask("SELECT DISTINCT owner FROM read_parquet(?) ORDER BY owner", str(folder.counts))
            if owner is not None
        )  # fmt: skip

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  # parameters
        """Return the rows of a question; values are parameters."""
        return self.connection.execute(sql, list(values)).fetchall()

    def atoms(self, until: str = "") -> tuple[Atom, ...]:
        """Return the accesses, grouped by all that a report counts by.

        Args:
            until: Months before this one only; empty is all.
        """
        rows = self.ask(
            "SELECT rules, owner, coalesce(agency, ''), strftime(month, '%Y-%m-%d'), strftime(week, '%Y-%m-%d'), "
            "result, tier, said, path, coalesce(clauses, ''), sum(n)::BIGINT FROM read_parquet(?)"
            " WHERE ? = '' OR month < CAST(nullif(?, '') AS DATE) GROUP BY ALL ORDER BY ALL",
            str(self.folder.counts), until, until,
        )  # fmt: skip
        names = ("rules", "owner", "searcher", "month", "week", "result", "tier", "said", "path")
        found = []
        for row in rows:
            values = dict(zip(names, map(as_text, row[:9]), strict=True))
            values[OWN] = "" if values["rules"] in self.named else self.own
            found.append(Atom(values, tuple(row[9].split()), row[10]))
        return tuple(found)

    def exhibits(self, owner: str) -> dict[Group, list[Exhibit]]:
        """Return the first findings of each clause, by group.

        Args:
            owner: Of one owner only; empty is all.
        """
        sql = _EXHIBITS.format(rank=_TIER_RANK, rules="rules", which="? = '' OR owner = ?")
        return _grouped(self.ask(sql, str(self.folder.findings), owner, owner, EXHIBITS))

    def exhibits_of_own(self) -> dict[Group, list[Exhibit]]:
        """Return the first inconsistent, explicit and agency-named findings under agencies' own words, by group."""
        sql = _EXHIBITS.format(rank=_TIER_RANK, rules="''", which=self._loud())
        return _grouped(self.ask(sql, str(self.folder.findings), EXHIBITS_OF_ALL))

    def _loud(self) -> str:
        return " AND ".join(filter(None, (_LOUD, own_test(self.own))))

    def finding_groups(self, owner: str) -> dict[Group, int]:
        """Return how many findings each group has."""
        rows = self.ask(
            f"SELECT rules, result, {_GROUP}, tier, count(*) FROM read_parquet(?)"  # noqa: S608  # of this module
            " WHERE ? = '' OR owner = ? GROUP BY ALL ORDER BY ALL",
            str(self.folder.findings), owner, owner,
        )  # fmt: skip
        return {Group(*row[:4]): row[4] for row in rows}

    def groups_of_own(self) -> dict[Group, int]:
        """Return how many findings each group of `exhibits_of_own` has."""
        rows = self.ask(
            f"SELECT '', result, {_GROUP}, tier, count(*) FROM read_parquet(?)"  # noqa: S608  # as above
            f" WHERE {self._loud()} GROUP BY ALL ORDER BY ALL",
            str(self.folder.findings),
        )  # fmt: skip
        return {Group(*row[:4]): row[4] for row in rows}

    def often(self, group: Group, owner: str) -> list[tuple[str, int]]:
        """Return the wordings that most findings of a group have; those that hold a control are left out."""
        return self.ask(
            f"SELECT reason, count(*) AS n FROM read_parquet(?) WHERE {group.test(self.own, owner)}"  # noqa: S608  # `literal`
            " AND reason_state = 'value' AND NOT regexp_matches(reason, '[\\x00-\\x1f\\x7f]')"
            " GROUP BY reason ORDER BY n DESC, reason LIMIT ?",
            str(self.folder.findings), MAX_WORDINGS,
        )  # fmt: skip

    def leads(self, owner: str) -> list[dict[str, Any]]:
        """Return the leads, those beyond chance first."""
        if not self.folder.leads.is_file():
            return []
        names = ("lead", "kind", "unit", "owner", "first", "last", "n", "expected", "says", "rows", "rows_n")
        rows = self.ask(
            'SELECT lead, kind, unit, owner, strftime("first", \'%Y-%m-%d %H:%M\'), '
            'strftime("last", \'%Y-%m-%d %H:%M\'), n, expected, says, "rows", rows_n '
            'FROM read_parquet(?) WHERE ? = \'\' OR owner = ? ORDER BY kind, lead',
            str(self.folder.leads), owner, owner,
        )  # fmt: skip
        return [dict(zip(names, row, strict=True)) for row in rows]

    def agency_names(self) -> dict[str, str]:
        """Return the name of each agency that searched, by its entity id."""
        file = self.folder.searchers
        if not file.is_file():
            return {}
        sql = "SELECT agency, min(name) FROM read_parquet(?) WHERE agency IS NOT NULL AND name IS NOT NULL GROUP BY 1"
        return dict(self.ask(sql, str(file)))

    def extras(self) -> dict[str, Any]:
        """Return `ranking.json`, `estimates.json`, `leads.json`, those that exist, by stem."""
        return {
            stem: read_json(self.folder, f"{stem}.json")
            for stem in EXTRAS
            if (self.folder.root / f"{stem}.json").is_file()
        }


def _grouped(rows: list[tuple[Any, ...]]) -> dict[Group, list[Exhibit]]:
    found: dict[Group, list[Exhibit]] = {}
    for row in rows:
        rules, result, clause, finding, file, sheet, number, id_, at, searcher, tier, reason, state = row[:13]
        patterns, evidence, clauses, possible, case_no, path, owner, certain, offense, perhaps = row[13:]
        found.setdefault(Group(rules, result, clause, tier), []).append(
            Exhibit(finding, file, sheet, number, id_, at, searcher, tier, reason, as_text(state),
                    tuple(zip(patterns, evidence, strict=False)), tuple(clauses), tuple(possible), case_no, path,
                    owner, certain, offense, tuple(perhaps))
        )  # fmt: skip
    return found


def read_json(folder: AuditFolder, name: str) -> Mapping[str, Any]:
    """Return one JSON document of an audit.

    Raises:
        ConfigError: It cannot be read, is too long or no JSON object.
    """
    file = folder.root / name
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise ConfigError(f"`{name}` is longer than {MAX_JSON_BYTES >> 20} MiB")
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"`{name}` cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"`{name}` is no JSON: an audit wrote it, and something changed it") from error
    if not isinstance(found, dict):
        raise ConfigError(f"`{name}` must be a JSON object")
    return found

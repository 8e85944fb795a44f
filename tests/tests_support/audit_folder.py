"""A small audit folder in the form that every part of looking back agrees on; every row of it is invented."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from doorward.lookback.cells import row_columns
from doorward.lookback.folder import AuditFolder

ORDER, OWN = "sample-order", "own-alder"
OWNERS = ("Alder Example PD", "Birch Example PD", "Cedar Example SO")
START = datetime(2026, 1, 5, 8)

FINDINGS = (
    ("finding", "BIGINT"), ("rules", "VARCHAR"), ("file", "INTEGER"), ("sheet", "VARCHAR"), ("row", "BIGINT"),
    ("id", "VARCHAR"), ("at", "TIMESTAMP"), ("owner", "VARCHAR"), ("searcher", "VARCHAR"), ("agency", "VARCHAR"),
    ("ori", "VARCHAR"), ("result", "VARCHAR"), ("outcome", "VARCHAR"), ("possible", "VARCHAR[]"),
    ("clauses", "VARCHAR[]"), ("clauses_certain", "BOOLEAN"), ("clauses_perhaps", "VARCHAR[]"),
    ("policies", "VARCHAR[]"),
    ("tier", "VARCHAR"), ("patterns", "VARCHAR[]"), ("evidence", "VARCHAR[]"),
    ("reason", "VARCHAR"), ("reason_state", "VARCHAR"), ("offense", "VARCHAR"),
    ("case_no", "VARCHAR"), ("case_state", "VARCHAR"), ("kind", "VARCHAR"), ("reach_back_days", "BIGINT"),
    ("path", "VARCHAR"),
)  # fmt: skip
COUNTS = (
    ("rules", "VARCHAR"), ("owner", "VARCHAR"), ("searcher_no", "INTEGER"), ("agency", "VARCHAR"),
    ("ori", "VARCHAR"), ("state", "VARCHAR"), ("week", "DATE"), ("month", "DATE"), ("result", "VARCHAR"),
    ("outcome", "VARCHAR"), ("tier", "VARCHAR"), ("said", "VARCHAR"), ("clauses", "VARCHAR"), ("path", "VARCHAR"),
    ("n", "BIGINT"),
)  # fmt: skip
LEADS = (
    ("lead", "BIGINT"), ("kind", "VARCHAR"), ("unit", "VARCHAR"), ("owner", "VARCHAR"), ("first", "TIMESTAMP"),
    ("last", "TIMESTAMP"), ("n", "BIGINT"), ("expected", "DOUBLE"), ("says", "VARCHAR"), ("rows", "VARCHAR"),
    ("rows_n", "BIGINT"),
)  # fmt: skip
CLAUSES = {
    "C20": {"cite": "Sample Order, section 2(a)", "says": "No access for civil immigration enforcement."},
    "C31": {"cite": "Sample Order, section 3", "says": "An access for an outside agency is referred."},
    "P1": {"cite": "Alder Example PD, prohibited uses", "says": "Traffic enforcement is a prohibited use."},
}


@dataclass(frozen=True)
class Access:
    """One invented access and what the order says of it."""

    owner: str = OWNERS[0]
    day: int = 0
    reason: str | None = "stolen vehicle"
    tier: str = "other"
    result: str = "consistent"
    clauses: str = ""
    patterns: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    case_no: str | None = None
    plate: str | None = None
    account: str | None = None
    rules: str = ORDER
    times: int = 1
    searcher: str = "Alder Example PD"
    perhaps: str = ""


def ordinary() -> list[Access]:
    """Return the accesses of the sample: two owners of some size, one small; hand-counted in the tests."""
    explicit = {"tier": "explicit", "result": "inconsistent", "clauses": "C20",
                "patterns": ("immigration-violation",), "evidence": ("immigration violation",)}  # fmt: skip
    named = {
        "tier": "agency-named",
        "result": "referred",
        "clauses": "C31",
        "patterns": ("hsi",),
        "evidence": ("HSI",),
    }
    alder, birch, cedar = OWNERS
    return [
        Access(alder, 0, times=400, plate="IL QZX4417", account="u-7781-alder"),
        Access(alder, 9, "Immigration violation", times=12, case_no="24-0019377", **explicit),  # type: ignore[arg-type]
        Access(alder, 16, "assist HSI w/ immigration violation, Det. Alan Exampleson", times=1, **explicit),  # type: ignore[arg-type]
        Access(alder, 40, "assist HSI", times=7, **named),  # type: ignore[arg-type]
        Access(alder, 41, "investigation", "vague", times=60),
        Access(alder, 70, "other", "vague", "cannot-tell", times=20),
        Access(birch, 3, times=300, searcher="Birch Example PD", plate="LUVDOGZ", account="badge5512x"),
        Access(birch, 30, "immigration violation", times=2, searcher="Birch Example PD", **explicit),  # type: ignore[arg-type]
        Access(birch, 44, "theft", times=98, searcher="Birch Example PD"),
        Access(cedar, 20, "burglary", times=30, searcher="Cedar Example SO"),
        Access(cedar, 21, "HSI", times=3, searcher="Cedar Example SO", **named),  # type: ignore[arg-type]
        Access(alder, 5, "Traffic Infraction", "other", "inconsistent", "P1", rules=OWN, times=9),
        Access(alder, 0, rules=OWN, times=491),
    ]


@dataclass
class Sample:
    """Writes a folder.

    Args:
        accesses: What it holds.
        manifest: Laid over what is made of them.
        leads: Rows of `leads.parquet`.
    """

    accesses: list[Access] = field(default_factory=ordinary)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    leads: tuple[tuple[Any, ...], ...] = (
        (1, "burst", "Alder Example PD", OWNERS[0], START, START + timedelta(minutes=9), 44, 1.3,
         "44 searches within ten minutes", "0::2, 0::3", 44),
    )  # fmt: skip

    def write(self, root: Path) -> AuditFolder:
        """Write the folder and return it."""
        folder = AuditFolder(root)
        folder.rows.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            rows, counts, findings = self._tables()
            for number in range(len(OWNERS)):
                mine = [row for row in rows if row[0] == number]
                _write(connection, row_columns(), mine, folder.rows / f"{number:04}.parquet")
            _write(connection, COUNTS, counts, folder.counts)
            _write(connection, FINDINGS, findings, folder.findings)
            _write(connection, LEADS, self.leads, folder.leads)
        text = json.dumps({**self._manifest(), **self.manifest}, indent=1, sort_keys=True, ensure_ascii=False)
        folder.manifest.write_text(text + "\n", encoding="utf-8")
        return folder

    def _tables(self) -> tuple[list[Any], list[Any], list[Any]]:
        rows: list[Any] = []
        counts: list[Any] = []
        findings: list[Any] = []
        lines: dict[int, int] = {}
        for access in self.accesses:
            file = OWNERS.index(access.owner)
            at = START + timedelta(days=access.day)
            week = (at - timedelta(days=at.weekday())).date()
            counts.append((
                access.rules, access.owner, file, f"agency-{file}", None, "IL", week, at.date().replace(day=1),
                access.result, "deny", access.tier, "stated", access.clauses, "own", access.times,
            ))  # fmt: skip
            for time in range(access.times):
                line = lines[file] = lines.get(file, 1) + (access.rules == ORDER)
                moment = at + timedelta(seconds=time)
                id_ = f"{file:08x}-0000-4000-8000-{line:012x}"
                if access.rules == ORDER:
                    rows.append(_row(file, line, id_, moment, access))
                if access.result in {"inconsistent", "referred"} or access.tier in {
                    "explicit",
                    "agency-named",
                }:
                    findings.append((
                        len(findings) + 1, access.rules, file, "", line, id_, moment, access.owner, access.searcher,
                        f"agency-{file}", None, access.result, "deny", ["deny"], access.clauses.split(),
                        not access.perhaps, access.perhaps.split(), ["policy-1"], access.tier, list(access.patterns),
                        list(access.evidence), access.reason,
                        "value", None, access.case_no, "value" if access.case_no else "blank", "search", 30, "own",
                    ))  # fmt: skip
        return rows, counts, findings

    def _manifest(self) -> dict[str, Any]:
        files = [
            {
                "file": number, "name": f"{owner.split(maxsplit=1)[0].lower()}-search-audit.csv",
                "sha256": f"{number:064x}",
                "bytes": 1000, "form": "csv", "layout": "portal", "owner": owner, "sheets": [""],
                "period": ["2026-01-05T08:00:00", "2026-03-16T08:00:19"],
                "accounting": {
                    "read": 503, "rejected": 1, "blank": 0, "repeated_headers": 1,
                    "duplicates": {"same file": 1, "same owner": 0, "another owner": 0}, "kept": 500,
                },
                "states": {"account": {"masked": 500}, "reason": {"value": 500}, "plate": {"not-exported": 500}},
                "rejects": [{"sheet": "", "line": 7, "reason": "four cells, the header has five"}],
                "rejected_by": {"four cells, the header has five": 1},
            }
            for number, owner in enumerate(OWNERS)
        ]  # fmt: skip
        return {
            "doorward": "0.1.0", "files": files,
            "rules": [
                {"name": ORDER, "title": "Sample Order", "digest": "ab" * 32, "clauses": CLAUSES},
                {"name": OWN, "title": "Alder Example PD's own words", "digest": "cd" * 32, "clauses": CLAUSES,
                 "own_words": True, "files": [0]},
            ],
            "alarms": [{"owner": OWNERS[0], "at": "2026-02-09", "says": "the column caseNumber vanished"}],
            "totals": {}, "results": {}, "tiers": {}, "notes": ["one file has no header"], "command": {},
        }  # fmt: skip


def _row(file: int, line: int, id_: str, at: datetime, access: Access) -> tuple[Any, ...]:
    known = {
        "file": file, "sheet": "", "row": line, "id": id_, "searcher": access.searcher, "at": at,
        "account": access.account, "plate": access.plate, "reason": access.reason, "case_no": access.case_no,
    }  # fmt: skip
    return tuple(
        ("value" if known.get(name.removesuffix("_state")) is not None else "blank")
        if name.endswith("_state")
        else known.get(name)
        for name, _ in row_columns()
    )


def _write(
    connection: Any, columns: Iterable[tuple[str, str]], rows: Iterable[tuple[Any, ...]], path: Path
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(columns)
    kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in columns)
    lines = path.with_suffix(".ndjson")
    with lines.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(
                json.dumps({name: _plain(value) for (name, _), value in zip(columns, row, strict=True)})
                + "\n"
            )
    read = f"read_json('{lines}', columns = {{{kinds}}}, format = 'newline_delimited')"
    connection.execute(f"COPY (SELECT * FROM {read}) TO '{path}' (FORMAT parquet)")
    lines.unlink()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value

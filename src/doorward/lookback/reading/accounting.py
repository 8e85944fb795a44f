"""What became of one file, to the last record: `NNNN.json`. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from doorward.lookback.reading.raw import MAX_LISTED, Reject

FORMAT: Final = 2  # of this account; files with another are read again


@dataclass
class SourceReport:
    """The account of a source.

    `read + sum(rejected_by) + sum(other_by) + blank + repeated_headers` is the number of its records below the header.

    Args:
        file: Its number, which is the name of its table.
        name: Of the file, without folders.
        path: As it was given; never in the JSON.
        key: Digest of everything besides the bytes that decides what comes out.
        layout: The layouts of its tables, each once, joined by a comma.
        owner: Whose log it is, or empty.
        account_kind: ``id`` or ``name``: a display name stands for no one account.
        other_by: Records that are in order and tell of no access, by what they are: a line of a server's log.
        states: How many cells of each kind were in each state.
        constant: Cells that are the same in every one of 20 rows or more: a constant column is not evidence.
        used: The name of the column of each cell.
        resumed: Whether it was not read again; never in the JSON.
    """

    file: int
    name: str
    path: str
    sha256: str
    bytes: int
    form: str
    key: str
    layout: str = ""
    log: str = ""
    account_kind: str = ""
    owner: str = ""
    timezone: str = ""
    encoding: str = ""
    sheets: list[str] = field(default_factory=list)
    period: tuple[str, str] | None = None
    read: int = 0
    blank: int = 0
    repeated_headers: int = 0
    rejected_by: dict[str, int] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    other_by: dict[str, int] = field(default_factory=dict)
    states: dict[str, dict[str, int]] = field(default_factory=dict)
    constant: list[str] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parquet_bytes: int = 0
    resumed: bool = False

    @property
    def rejected(self) -> int:
        """All that were rejected, listed or not."""
        return sum(self.rejected_by.values())

    @property
    def other(self) -> int:
        """All that are in order and tell of no access."""
        return sum(self.other_by.values())

    @property
    def records(self) -> int:
        """Every record of the file below its header."""
        return self.read + self.rejected + self.other + self.blank + self.repeated_headers

    def reject(self, found: Mapping[str, int], listed: list[Reject]) -> None:
        """Add what was left out."""
        for reason, count in found.items():
            self.rejected_by[reason] = self.rejected_by.get(reason, 0) + count
        self.rejects = [*self.rejects, *listed][:MAX_LISTED]

    def pass_over(self, found: Mapping[str, int]) -> None:
        """Add what is in order and tells of no access."""
        for what, count in found.items():
            self.other_by[what] = self.other_by.get(what, 0) + count

    def as_json(self) -> dict[str, Any]:
        """Return what stands in the manifest and in `NNNN.json`: no path, no clock."""
        made = asdict(self)
        for name in ("path", "resumed"):
            del made[name]
        counts = {name: made.pop(name) for name in ("read", "blank", "repeated_headers")}
        made["accounting"] = {**counts, "rejected": self.rejected, "other_lines": self.other}
        made["period"] = list(self.period) if self.period else None
        made["format"] = FORMAT
        return made


def format_report(report: SourceReport) -> str:
    """Return the text of `NNNN.json`."""
    return json.dumps(report.as_json(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def parse_report(text: str, path: str) -> SourceReport | None:
    """Return a report from `NNNN.json`; None where it is not one of this version."""
    try:
        made = json.loads(text)
        if made.pop("format") != FORMAT:
            return None
        counts = made.pop("accounting")
        del counts["rejected"], counts["other_lines"]
        made["rejects"] = [Reject(**one) for one in made["rejects"]]
        made["period"] = tuple(made["period"]) if made["period"] else None
        return SourceReport(path=path, resumed=True, **made, **counts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

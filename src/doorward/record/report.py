"""What a check of the record found: everything that is false, what was counted, and what was not looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAX_FINDINGS: Final = 100  # a log that is false in more places is not understood better by more lines


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is false.

    Args:
        place: The file, and where in it; or the entry or leaf.
        what: One line, what is wrong there.
        expected: What should be there, or empty.
        got: What is there, or empty.
    """

    place: str
    what: str
    expected: str = ""
    got: str = ""

    def __str__(self) -> str:
        compared = f": expected {self.expected}, got {self.got}" if self.expected or self.got else ""
        return f"{self.place}: {self.what}{compared}"

    def as_json(self) -> Mapping[str, str]:
        """Return the finding for a machine."""
        return {"place": self.place, "what": self.what, "expected": self.expected, "got": self.got}


@dataclass(slots=True)
class Report:
    """The result of a check.

    Attributes:
        findings: What is false; empty where everything that was checked holds.
        notes: What a reader should know and what is not false.
        counts: How much was checked.
        not_checked: What was not asked for or is not at hand.
        could_not_tell: What was asked for and could not be read, and why.
        left_out: How many findings there were beyond those that are listed.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)
    could_not_tell: list[str] = field(default_factory=list)
    left_out: int = 0

    @property
    def holds(self) -> bool:
        """True where nothing false was found."""
        return not self.findings

    @property
    def is_full(self) -> bool:
        """True where further findings are only counted."""
        return len(self.findings) >= MAX_FINDINGS

    def note_once(self, note: str) -> None:
        """Add a note that is not there yet."""
        if note not in self.notes:
            self.notes.append(note)

    def find(self, place: str, what: str, expected: object = "", got: object = "") -> None:
        """Add a finding."""
        if self.is_full:
            self.left_out += 1
        else:
            self.findings.append(Finding(place, what, str(expected), str(got)))

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count."""
        self.counts[what] = self.counts.get(what, 0) + number

    def as_json(self) -> Mapping[str, Any]:
        """Return the report for a machine."""
        return {
            "holds": self.holds,
            "findings": [dict(finding.as_json()) for finding in self.findings],
            "findings_left_out": self.left_out,
            "counts": self.counts,
            "notes": self.notes,
            "not_checked": self.not_checked,
            "could_not_tell": self.could_not_tell,
        }

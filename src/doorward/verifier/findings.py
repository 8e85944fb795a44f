"""What a check of a log's public files found: by kind, so that the table of attacks can name each (ADR 81)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MAX_FINDINGS: Final = 100  # a log that is false in more places is not understood better by more lines


class Kind(StrEnum):
    """What is false; these words are printed, and stand in docs/concepts/record-attacks.md."""

    CHECKPOINT_MISSING = "checkpoint-missing"
    CHECKPOINT_MALFORMED = "checkpoint-malformed"
    CHECKPOINT_ORIGIN = "checkpoint-origin"
    CHECKPOINT_ROOT = "checkpoint-root"
    SIGNATURE_MISSING = "signature-missing"
    SIGNATURE_FALSE = "signature-false"
    FILE_MISSING = "file-missing"
    FILE_MALFORMED = "file-malformed"
    NAME_UNKNOWN = "name-unknown"
    ENTRY_DIFFERS = "entry-differs"
    TILE_DIFFERS = "tile-differs"
    BOTH_DIFFER = "both-differ"
    PARTIAL_DIFFERS = "partial-differs"
    ROLLBACK = "rollback"
    FORK = "fork"
    PROOF_MALFORMED = "proof-malformed"
    PROOF_FALSE = "proof-false"
    DIRECTORY_MALFORMED = "directory-malformed"
    LOG_UNLISTED = "log-unlisted"
    AFTER_END = "after-end"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is false.

    Args:
        place: The file, and where in it.
        what: One line, what is wrong there.
        expected: What should be there, or empty.
        got: What is there, or empty.
    """

    kind: Kind
    place: str
    what: str
    expected: str = ""
    got: str = ""

    def __str__(self) -> str:
        compared = f": expected {self.expected}, got {self.got}" if self.expected or self.got else ""
        return f"{self.place}: {self.what}{compared} [{self.kind}]"


@dataclass(slots=True)
class Verdict:
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

    def find(self, kind: Kind, place: str, what: str, expected: str = "", got: str = "") -> None:
        """Add a finding."""
        self.add(Finding(kind, place, what, expected, got))

    def add(self, finding: Finding) -> None:
        """Add a finding that was made elsewhere."""
        if self.is_full:
            self.left_out += 1
        else:
            self.findings.append(finding)

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count."""
        self.counts[what] = self.counts.get(what, 0) + number

    def merge(self, part: "Verdict") -> None:
        """Add what another process found in its part of the log."""
        for finding in part.findings:
            self.add(finding)
        self.left_out += part.left_out
        for what, number in part.counts.items():
            self.count(what, number)
        self.could_not_tell += part.could_not_tell

    def as_json(self) -> Mapping[str, Any]:
        """Return the verdict for a machine."""
        return {
            "holds": self.holds,
            "findings": [
                {
                    "kind": one.kind,
                    "place": one.place,
                    "what": one.what,
                    "expected": one.expected,
                    "got": one.got,
                }
                for one in self.findings
            ],
            "findings_left_out": self.left_out,
            "counts": self.counts,
            "notes": self.notes,
            "not_checked": self.not_checked,
            "could_not_tell": self.could_not_tell,
        }

"""The figures of one worker: how much, how long, how it ended; pure.

Counted where entries are recorded, so that a figure and the record cannot differ. Law 9: nobody's login, case, purpose
or agency is a label, and no figure tells of one event; they are for whoever runs this host and are not published.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.policy.decision import Outcome
from doorward.record.entry import Draft, Field, Kind

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
OUTCOMES: Final = (*(outcome.value for outcome in Outcome), "not decided")
_ASKED: Final = frozenset({b"Query", b"Execute"})


@dataclass(slots=True)
class Times:
    """A histogram of seconds; ``counts`` has one more place than there are bounds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def note(self, seconds: float) -> None:
        """Account for one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Figures:
    """Everything counted since the worker started."""

    decisions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    refusals: int = 0
    statements: int = 0
    rows: int = 0
    sent_bytes: int = 0
    cuts: int = 0
    failed_logins: int = 0
    failed_handshakes: int = 0
    deciding: Times = field(default_factory=Times)
    connecting: Times = field(default_factory=Times)

    def note(self, drafts: Sequence[Draft]) -> None:
        """Account for what was just recorded."""
        for draft in drafts:
            handler = _NOTED.get(draft.kind)
            if handler is not None:
                handler(self, dict(draft.fields))

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a worker tells them to its parent."""
        return {
            "decisions": dict(self.decisions),
            **{name: getattr(self, name) for name in COUNTS},
            **{
                name: {"counts": list(getattr(self, name).counts), "total": getattr(self, name).total}
                for name in TIMES
            },
        }


def _note_request(figures: Figures, fields: Mapping[Field, bytes]) -> None:
    if fields.get(Field.MESSAGE) in _ASKED:
        figures.statements += 1


def _note_completion(figures: Figures, fields: Mapping[Field, bytes]) -> None:
    figures.rows += int(fields.get(Field.ROWS, 0))
    figures.sent_bytes += int(fields.get(Field.BYTES, 0))


def _note_decision(figures: Figures, fields: Mapping[Field, bytes]) -> None:
    outcome = fields.get(Field.OUTCOME, b"").decode()
    figures.decisions[outcome if outcome in figures.decisions else "not decided"] += 1
    if Field.SCOPE not in fields:
        figures.refusals += 1


def _note_connect(figures: Figures, fields: Mapping[Field, bytes]) -> None:
    if fields.get(Field.OUTCOME) != b"authenticated":
        figures.failed_logins += 1


def _note_cut(figures: Figures, fields: Mapping[Field, bytes]) -> None:
    if Field.UNTIL in fields:  # an officer's; a portal that was lost has no end of its own
        figures.cuts += 1


COUNTS: Final = (
    "refusals", "statements", "rows", "sent_bytes", "cuts", "failed_logins", "failed_handshakes",
)  # fmt: skip
TIMES: Final = ("deciding", "connecting")
_NOTED: Final = {
    Kind.REQUEST: _note_request,
    Kind.COMPLETION: _note_completion,
    Kind.DECISION: _note_decision,
    Kind.CONNECT: _note_connect,
    Kind.CUT: _note_cut,
}

"""Clauses observed at one door: decided twice, recorded, and over at the end of the note or when its file changes.

Most requests are answered by the order in full, also while clauses are observed. Only where the answer would be another
one without them does the order without them answer, and then the session rests on the observation: it ends with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from doorward.gateway.answered import AnsweredOrders
from doorward.orders.observe import VerifiedObservation
from doorward.orders.observed import (
    Mode,
    Observed,
    Would,
    begins,
    compare,
    find_withholding,
    format_mode,
    shows_other,
)
from doorward.orders.pack import Pack
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Request
from doorward.policy.scopes import ScopeBook
from doorward.record.entry import NO_SESSION, Draft, Field, Kind

ENDED: Final = "the observation of this clause has ended; connect again"


@dataclass(frozen=True, slots=True)
class Deciding:
    """An order that answers at the door: in full, or with clauses observed."""

    pack: Pack
    book: ScopeBook
    answered: AnsweredOrders


def make_deciding(pack: Pack, book: ScopeBook) -> Deciding:
    """Return an order with its scopes, ready to answer."""
    return Deciding(pack, book, AnsweredOrders(pack, book))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the door found out about one request under observation.

    Args:
        mode: What the record says of it.
        order: That answers, or None: the order in full does.
        decision: Of that order.
        until: The end of the observation.
        says: One line for the order's own people who are let in on it.
        public: The same for everybody else, with one clause.
    """

    mode: Mode
    order: Deciding | None
    decision: Decision
    until: datetime
    says: str
    public: str


class Observing:
    """The observation of one gateway process.

    Args:
        full: The order in full.
        found: The note, verified for it.
        observed: What it takes out, proved.
        book: The scopes without that.
        enforcing: By clause, the scopes with all but that one observed.
        file: Where the note lies; whoever changes it or takes it away ends the observation.
        raw: The note as it was verified.
    """

    def __init__(
        self,
        full: Deciding,
        found: VerifiedObservation,
        observed: Observed,
        book: ScopeBook,
        *,
        enforcing: Mapping[str, ScopeBook],
        file: Path,
        raw: bytes,
    ) -> None:
        self.found = found
        self.observed = observed
        self._full = full
        self.book = book
        self._order = make_deciding(observed.pack, book)
        self._enforcing = enforcing
        self._file = file
        self._raw = raw
        self._mark = self._look_at_file()
        self._over = ""

    @property
    def why_over(self) -> str:
        """Why nothing is observed any more, or empty."""
        return self._over

    def see(self, request: Request, full: Decision, *, now: datetime) -> Seen | None:
        """Return what is different about a request while clauses are observed, or None where nothing is observed.

        Args:
            request: As it is put to the order.
            full: What the order in full decides about it.
            now: Aware.
        """
        observation = self.found.observation
        if self._over or not observation.is_in_force(now):
            return None
        compared = compare(self._full.pack, self.observed, request, full)
        would, clauses, policies, rests = (
            compared.would, compared.clauses, compared.policies, compared.rests,
        )  # fmt: skip
        if full.outcome is Outcome.PERMIT and not full.errors:
            clauses = self._find_withholding(request)
            if clauses:
                would, rests = Would.WITHHOLD, True
                policies = tuple(
                    p.id
                    for p in self._full.pack.policies
                    if p.id in self.observed.policies and set(p.clauses) & set(clauses)
                )
        mode = Mode(observation.id, would, clauses, policies)
        until = observation.until
        return Seen(
            mode=mode,
            order=self._order if rests else None,
            decision=compared.decision,
            until=until,
            says=_say(mode.would, clauses, until),
            public=_say(mode.would, clauses[:1], until),
        )

    def _find_withholding(self, request: Request) -> tuple[str, ...]:
        shown = self.book.find(request)
        if not shows_other(self._full.book.find(request), shown):
            return ()
        return find_withholding(self.observed, request, shown, self._enforcing)

    def find_end(self, now: datetime) -> bool:
        """Return True once, when the observation has become over: by its end, or because its file is another one."""
        if self._over:
            return False
        if now >= self.found.observation.until:
            self._over = "its end has come"
        elif self._has_changed():
            self._over = f"`{self._file.name}` was changed or taken away"
        return bool(self._over)

    def _has_changed(self) -> bool:
        mark = self._look_at_file()
        if mark == self._mark:
            return False
        self._mark = mark
        try:
            with self._file.open("rb") as stream:
                return stream.read(len(self._raw) + 1) != self._raw
        except OSError:
            return True

    def _look_at_file(self) -> tuple[int, int, int]:
        try:
            state = self._file.stat()
        except OSError:
            return (0, 0, 0)
        return (state.st_ino, state.st_mtime_ns, state.st_size)

    def draft_beginning(self) -> Draft:
        """Return the entry that stands before the first decision: what is observed, until when, by whose signatures."""
        return self._draft(begins(self.found.observation, self.observed), self.found.observation.reason)

    def draft_end(self) -> Draft:
        """Return the entry that says that everything is enforced again."""
        beginning = begins(self.found.observation, self.observed)
        mode = Mode(beginning.observation, Would.OVER, beginning.clauses, beginning.policies)
        return self._draft(mode, self._over)

    def _draft(self, mode: Mode, reason: str) -> Draft:
        observation = self.found.observation
        fields = (
            (Field.LOGIN, ", ".join(self.found.keys).encode()),
            (Field.UNTIL, observation.until.isoformat().encode()),
            (Field.ORDER_DIGEST, observation.digest.encode()),
            (Field.MODE, format_mode(mode)),
            (Field.REASON, reason.encode()),
        )
        return Draft(Kind.DECISION, NO_SESSION, 0, fields)


def _say(would: Would, clauses: Sequence[str], until: datetime) -> str:
    does = "withhold rows or columns from" if would is Would.WITHHOLD else "refuse"
    named = f"clause {', '.join(clauses)}, which would {does} this session"
    return f"observed and not enforced until {until:%Y-%m-%d %H:%M} UTC: {named}"

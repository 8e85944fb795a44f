"""The account of sessions and requests over a whole record: as many ends as beginnings.

1. The requests of a session have ascending numbers.
2. What ends a request names one that was recorded.
3. When a session ends, none of its requests is open.

What is still open at the end of the record is no fault: the gateway may be at work, or recovery is still to come.
"""

from collections.abc import Iterable

from doorward.record.entry import Entry, Field, Kind
from doorward.record.frame import OpenRequest
from doorward.record.ledger import LAST, Ledger
from doorward.record.report import Report


class Account:
    """Entries noted in their order; findings go to the report.

    Args:
        is_whole: True where the first entry noted is the first of the record, so that nothing is unknown.
    """

    def __init__(self, report: Report, *, is_whole: bool) -> None:
        self._report = report
        self._is_whole = is_whole
        self._ledger = Ledger()
        self._last_request: dict[bytes, int] = {}

    def take_over(self, sessions: Iterable[bytes], requests: Iterable[OpenRequest]) -> None:
        """Begin with what was open before the first entry of a spool."""
        self._ledger.sessions.update(dict.fromkeys(sessions))
        self._ledger.requests.update(dict.fromkeys(requests))

    @property
    def open_requests(self) -> int:
        """The number of requests without their last completion."""
        return len(self._ledger.requests)

    @property
    def open_sessions(self) -> int:
        """The number of sessions without an end."""
        return len(self._ledger.sessions)

    def note(self, entry: Entry) -> None:
        """Account for the next entry."""
        report, session = self._report, entry.session
        report.count("entries")
        self._ledger.note(entry.kind, session, entry.request, entry.fields)
        if entry.kind is Kind.REQUEST:
            report.count("requests")
            last = self._last_request.get(session, 0)
            if entry.request <= last:  # 1
                report.find(
                    f"entry {entry.sequence}", "its request's number does not ascend", last + 1, entry.request
                )
            self._last_request[session] = entry.request
        elif entry.kind is Kind.COMPLETION:
            report.count("completions")
            if LAST in entry.fields:
                report.count("requests ended")
                if entry.get(Field.OUTCOME) == b"unknown":
                    report.count("requests that ended in nobody knows")
            self._check_known(entry)
        elif entry.kind is Kind.CUT:
            self._check_known(entry)
        elif entry.kind is Kind.END:
            self._check_end(entry)

    def _check_known(self, entry: Entry) -> None:
        last = self._last_request.get(entry.session)
        if last is None and not self._is_whole:
            return
        if entry.request > (last or 0):  # 2
            report = self._report
            report.find(
                f"entry {entry.sequence}",
                "it ends a request that was not recorded",
                f"at most {last or 0}",
                entry.request,
            )

    def _check_end(self, entry: Entry) -> None:
        session = entry.session
        for request in [number for owner, number in self._ledger.requests if owner == session]:  # 3
            self._report.find(
                f"entry {entry.sequence}", f"the session ends and its request {request} has no completion"
            )
            self._ledger.requests.pop((session, request))
        self._last_request.pop(session, None)

"""Our own record as accesses: whom the door let in, and what they stated. Another order can be run over them.

What the door refused is no access and is counted apart. Purpose, beneficiary and case are as they were stated: claims,
and no facts. The agency is that of the login in today's list of people; a login that is not on it has none.

Source: entries of `doorward.record.entry`; a session's connection stands before its decision.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.grants.people import Person
from doorward.lookback.reading.raw import RawTable, write_raw
from doorward.record.entry import NO_SESSION, Entry, Field, Kind

if TYPE_CHECKING:
    import duckdb

LAYOUT: Final = "doorward-record"
LOG: Final = "door"
HEADER: Final = (
    "id", "searcher", "account", "at", "reason", "case_no", "filters", "kind", "prompt", "object", "command",
)  # fmt: skip
MAX_WAITING: Final = 100_000  # connections whose decision has not come yet
NOT_AUTHENTICATED: Final = "a login that failed: nobody was let in"
REFUSED: Final = "refused by the door: nobody was let in"
NOT_DECIDED: Final = "ended before it was decided"
NO_CONNECTION: Final = "a decision whose connection stands before the time asked for"

_Record = tuple[str, int, Sequence[str | None]]


def accesses_of(
    entries: Iterable[Entry], people: Mapping[str, Person], left: Counter[str], *, begins_us: int = 0
) -> Iterator[_Record]:
    """Yield the sessions that the door opened: sheet (empty), number of the session, and the cells of `HEADER`.

    Args:
        entries: Connections and decisions in their order; others are passed over.
        people: By login, as they are today.
        left: Counts what was no access, by reason.
        begins_us: Decisions from this time on; connections may stand before it.
    """
    waiting: OrderedDict[bytes, tuple[int, Entry]] = OrderedDict()
    number = 1  # the header
    for entry in entries:
        if entry.session == NO_SESSION:
            continue  # an observation, a grant: of no session
        if entry.kind is Kind.CONNECT:
            number += 1
            if entry.get(Field.OUTCOME) != b"authenticated":
                left[NOT_AUTHENTICATED] += entry.time_us >= begins_us
                continue
            waiting[entry.session] = number, entry
            if len(waiting) > MAX_WAITING:  # of processes that died between the two
                waiting.popitem(last=False)
                left[NOT_DECIDED] += 1
        elif entry.kind is Kind.DECISION:
            found = waiting.pop(entry.session, None)
            if entry.time_us < begins_us:
                continue
            if found is None:
                left[NO_CONNECTION] += 1
            elif entry.get(Field.SCOPE) is None:
                left[REFUSED] += 1
            else:
                yield "", found[0], _cells(found[1], entry, people)
    left[NOT_DECIDED] += len(waiting)


def read_own_record(
    connection: "duckdb.DuckDBPyConnection",
    entries: Iterable[Entry],
    people: Mapping[str, Person],
    path: Path,
    *,
    begins_us: int = 0,
) -> RawTable:
    """Return the accesses of our own record.

    Args:
        connection: Of the engine; nothing is left in it.
        entries: As `accesses_of` takes them.
        people: By login.
        path: Of the Parquet file that is written.
        begins_us: As `accesses_of` takes it.

    Raises:
        StoreError: The record cannot be read.
        MalformedError: An entry of it is none.
    """
    left: Counter[str] = Counter()
    write_raw(connection, path, len(HEADER), accesses_of(entries, people, left, begins_us=begins_us))
    return RawTable(
        path=path,
        header=HEADER,
        sheet="",
        layout=LAYOUT,
        other_by={reason: count for reason, count in left.items() if count},
        notes=(
            "agencies are those of today's list of people",
            "purpose, beneficiary and case are as they were stated at connect",
        ),
    )


def _cells(connect: Entry, decision: Entry, people: Mapping[str, Person]) -> tuple[str | None, ...]:
    # An application's session has the person and what was stated for them in its decision.
    def stated(field: Field) -> str:
        found = decision.get(field) if decision.get(Field.PRESENTER) is not None else connect.get(field)
        return (found or b"").decode("utf-8", "replace")

    login = stated(Field.LOGIN)
    person = people.get(login)
    at = datetime.fromtimestamp(decision.time_us / 1_000_000, UTC)
    beneficiary = stated(Field.FOR_AGENCY)
    emergency = (connect.get(Field.REASON) or b"").decode("utf-8", "replace")
    scope = (decision.get(Field.SCOPE) or b"").decode("utf-8", "replace")
    return (
        decision.session.hex(),
        person.agency if person is not None else None,
        login,
        at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        stated(Field.PURPOSE),
        stated(Field.CASE),
        f"for {beneficiary}" if beneficiary else "",
        "emergency" if emergency else "connect",
        emergency,
        scope,
        "CONNECT",
    )

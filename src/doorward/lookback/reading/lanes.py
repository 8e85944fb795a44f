"""Sources read side by side: the engine writes the table of one while the next is looked at. Order and numbers stay.

How a source is read is a generator that yields each long statement and is sent the number of rows that it wrote.
INVARIANT (one thread for Python): only statements run in other threads, each on a connection of its own; whatever
looks at bytes, cells and accounts runs where `read_in_order` was called, for one source at a time.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from doorward.errors import DoorwardError
from doorward.lookback.engine import memory_of

if TYPE_CHECKING:
    import duckdb

Source = TypeVar("Source")
Made = TypeVar("Made")
Steps = Generator[str, int, Made]
LANE: Final = 380_000_000  # bytes for one: a table of 41 columns is written with 200 MB
AGAIN_SECONDS: Final = 0.05
_Refusal = DoorwardError | OSError


def count_lanes(connection: "duckdb.DuckDBPyConnection") -> int:
    """Return how many sources are read side by side: one a thread, as far as the memory of the engine goes."""
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchone() or (1,)
    return max(1, min(int(threads), memory_of(connection) // LANE))


def run_alone(connection: "duckdb.DuckDBPyConnection", steps: Steps[Made]) -> Made:
    """Return what steps make, each statement executed in its turn."""
    outcome = _Flight("", steps, connection, None).finish(())
    if isinstance(outcome, DoorwardError | OSError):
        raise outcome
    return outcome


def read_in_order(
    connection: "duckdb.DuckDBPyConnection",
    sources: Sequence[Source],
    begin: Callable[[int, Source], Steps[Made]],
    lanes: int,
) -> Generator[tuple[Source, Made | _Refusal], None, None]:
    """Yield each source, in order, with what its steps made or why it was refused.

    Steps of a source are begun anew, with another number, where one before it is refused: what they do must not add up.

    Args:
        connection: Of `open_engine`, in UTC.
        begin: Gives the steps of a source that has a number: how many before it were not refused.
        lanes: How many are read side by side. With one, nothing runs in another thread.

    Raises:
        Exception: What steps raise besides refusals. What is under way ends first, and leaves nothing in its folder.
    """
    waiting, flying = deque(sources), deque[_Flight[Source, Made]]()
    cursors = [connection] if lanes == 1 else [connection.cursor() for _ in range(lanes)]
    for cursor in cursors:
        cursor.execute("SET TimeZone = 'UTC'")
    number = 0
    with ThreadPoolExecutor(lanes) as pool:
        try:
            while waiting or flying:
                while waiting and len(flying) < lanes:
                    at, source = number + len(flying), waiting.popleft()
                    flying.append(
                        _Flight(source, begin(at, source), cursors[at % lanes], pool if lanes > 1 else None)
                    )
                head = flying[0]
                outcome = head.finish(list(flying)[1:])
                flying.popleft()
                refused = isinstance(outcome, DoorwardError | OSError)
                while refused and flying:  # the later ones have wrong numbers
                    later = flying.pop()
                    later.drop()
                    waiting.appendleft(later.source)
                number += not refused
                yield head.source, outcome
        finally:
            for flight in flying:
                flight.drop()


class _Flight(Generic[Source, Made]):
    """A source under way: either a statement of it is executed, or it has an outcome."""

    def __init__(
        self,
        source: Source,
        steps: Steps[Made],
        cursor: "duckdb.DuckDBPyConnection",
        pool: ThreadPoolExecutor | None,
    ) -> None:
        self.source, self.steps, self.cursor, self.pool = source, steps, cursor, pool
        self.asked = ""
        self.future: Future[int] | None = None
        self.outcome: Made | _Refusal
        self._go_on(lambda: next(steps))

    def finish(self, others: "Sequence[_Flight[Source, Made]]") -> Made | _Refusal:
        """Go on to the outcome, and return it."""
        import duckdb

        while self.asked:
            try:
                count = self._answer(others)
            except duckdb.Error as error:
                self._go_on(lambda error=error: self.steps.throw(error))  # type: ignore[misc]
            else:
                self._go_on(lambda count=count: self.steps.send(count))  # type: ignore[misc]
        return self.outcome

    def drop(self) -> None:
        """End what is under way, and remove what it left."""
        if self.future is not None and not self.future.cancel():
            # An interrupt that comes before its statement has begun is lost: it is said again until it is heard.
            self.cursor.interrupt()
            while not wait([self.future], timeout=AGAIN_SECONDS).done:
                self.cursor.interrupt()
        self.steps.close()

    def _go_on(self, step: Callable[[], str]) -> None:
        self.asked, self.future = "", None
        try:
            self.asked = step()
        except StopIteration as end:
            self.outcome = end.value
        except (DoorwardError, OSError) as error:
            self.outcome = error
        else:
            self.future = None if self.pool is None else self.pool.submit(self._execute)

    def _answer(self, others: "Sequence[_Flight[Source, Made]]") -> int:
        import duckdb

        if self.future is None:
            return self._execute()
        try:
            return self.future.result()
        except duckdb.OutOfMemoryException:  # alone it may have enough
            wait([one.future for one in others if one.future is not None])
            return self._execute()

    def _execute(self) -> int:
        rows = self.cursor.execute(self.asked).fetchall()  # to its end: until then it holds its memory
        return int(rows[0][0])

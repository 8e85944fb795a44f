"""Whether rows that a server sends might be a plan's (EXPLAIN), by PostgreSQL's own word on its statements.

EXPLAIN (ANALYZE) counts rows that policies withhold, so no plan may be read. In the simple protocol each result
says itself what it is. In the extended protocol a portal may run without being described, and what a description
said may be out of date: a statement ``EXECUTE foo`` that was described while ``foo`` was a SELECT runs whatever
``foo`` is by now, and ``FETCH FROM p`` reads whatever ``p`` has become. PREPARE and DECLARE take no EXPLAIN, so
the one way to give a plan a name is a Parse message. Hence:

INVARIANT (no plan is read): from the ParseComplete of a statement until PostgreSQL has described it as something
else, or has closed it, no rows of any statement reach the client; and if anything ran meanwhile, not until its
transaction is over, because a portal may have kept a plan.

Who drops the rows and closes the statement is `replies`.
"""

from doorward.errors import RemoteProtocolError
from doorward.pgwire.limits import MAX_NAMED


class PlanGuard:
    """The statements that are plans, or might be, and whether a portal may hold one.

    Attributes:
        is_clear: True where rows that come now are no plan's. An attribute, because it is read for every frame.
    """

    __slots__ = ("_may_be_held", "_statements", "is_clear")

    def __init__(self) -> None:
        self._statements: set[bytes] = set()
        self._may_be_held = False
        self.is_clear = True

    @property
    def statements(self) -> tuple[bytes, ...]:
        """The names of statements that must be closed, in order."""
        return tuple(sorted(self._statements))

    def prepared(self, name: bytes) -> None:
        """Note a ParseComplete: a plan until it is described as something else.

        Raises:
            RemoteProtocolError: More such statements live than the bound allows.
        """
        if len(self._statements) >= MAX_NAMED:
            raise RemoteProtocolError(f"at most {MAX_NAMED} statements may wait for a description")
        self._statements.add(name)
        self.is_clear = False

    def cleared(self, name: bytes) -> None:
        """Note that a statement is no plan, or is no more."""
        self._statements.discard(name)
        self._judge()

    def ran(self) -> None:
        """Note that a statement ran or a portal was made, by which a plan may now be held."""
        if self._statements:
            self._may_be_held = True

    def transaction_over(self) -> None:
        """Note that every portal is gone but those WITH HOLD, which hold SELECTs only."""
        self._may_be_held = False
        self._judge()

    def _judge(self) -> None:
        self.is_clear = not self._statements and not self._may_be_held

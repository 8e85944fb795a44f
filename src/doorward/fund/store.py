"""The fund in PostgreSQL: one operation, one database transaction, recorded before it is told.

The steps, and what a crash behind each leaves:

1. The writers' turn is taken (LOCK TABLE comes before the snapshot, so whoever waits then sees what was committed).
   Nothing.
2. The key is looked up: a second submit finds the first. Nothing.
3. State is read, `decide` asked, rows are put in, every deferred check is run. Nothing: PostgreSQL takes it back.
4. The entry `post` is recorded, with the transaction's text. An entry without a transaction, and without an end.
5. Its sequence is put in; COMMIT. A transaction with its entry, and without its end: `compare` says so, and who submits
   the same key again is told of it.
6. The entry `posted` is recorded, and the caller is told.

What PostgreSQL refuses to serialize is tried again from 1, each time with entries of its own.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation

from doorward.errors import UpstreamError
from doorward.fund import rows
from doorward.fund.entries import POSTED, WITHDRAWN, Proof, Recorder, end_entry, post_entry
from doorward.fund.ledger.accounts import Posting
from doorward.fund.ledger.decide import decide
from doorward.fund.ledger.operations import Submission, faults_of, format_transaction, parse_transaction
from doorward.fund.ledger.refusal import Refusal, refuse
from doorward.fund.ledger.state import State
from doorward.record.entry import Kind

MAX_TRIES: Final = 12
FIRST_WAIT_SECONDS: Final = 0.005  # doubled each time, so that all tries together take some ten seconds
OPTIONS: Final = "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
_AGAIN: Final = (SerializationFailure, DeadlockDetected, UniqueViolation)
_REFUSED: Final = "DW001"  # of a rule beside the ledger, in `reports.sql`: its code and its line
Step = Callable[[str], None]
TYPED_PROOF: Final = Proof()
Prover = Callable[[Submission], Proof]
"""How a caller knows who submits something that it has not seen yet, such as what is made of an invoice."""


def believe(_: Submission) -> Proof:
    """Return the proof of a login that somebody typed: none."""
    return TYPED_PROOF


Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was posted.

    Args:
        number: Of the transaction.
        entry: Sequence of its entry in the record.
        again: It had been posted before, under the same key.
    """

    number: int
    entry: int
    postings: tuple[Posting, ...]
    again: bool = False


class Store:
    """The fund of one database; not for use by several threads, of which each has its own.

    Args:
        conninfo: Of the role `doorward_fund`, to the fund's database.
        recorder: Where transactions are recorded; threads may share one.
        step: Called with the name of each step behind it, so that tests can die there.
    """

    def __init__(self, conninfo: str, recorder: Recorder, *, step: Step = lambda _: None) -> None:
        self._conninfo = conninfo
        self._recorder = recorder
        self._step = step
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def recorder(self) -> Recorder:
        """Where transactions are recorded."""
        return self._recorder

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def submit(
        self, submission: Submission, *, now: datetime, proof: Proof = TYPED_PROOF
    ) -> Receipt | Refusal:
        """Return what was posted, or why nothing was; safe to call again with the same submission.

        Args:
            submission: From anybody; that the login is who it says is the caller's to prove.
            proof: How the caller did; it is recorded (`fund.entries.Proof`).

        Raises:
            UpstreamError: PostgreSQL did not answer, or refused what the core allows. Whether it was posted is found
                by submitting the same key again.
            StoreError: Nothing can be recorded, so nothing was posted; or it was posted and its end could not be
                recorded, which the same key finds.
        """
        faults = faults_of(submission)  # a NUL in an id is no question for PostgreSQL
        if faults:
            return refuse("form", "; ".join(faults))
        return self.attempt(lambda: self._try(submission, now, proof))

    def attempt(self, write: Callable[[], Done]) -> Done | Refusal:
        """Return what one writing transaction gives, tried again where PostgreSQL refuses to serialize it.

        Raises:
            UpstreamError: As `submit`.
            StoreError: As `submit`.
        """
        for tries in range(MAX_TRIES):
            if tries:
                time.sleep(FIRST_WAIT_SECONDS * 2 ** (tries - 1))
            try:
                return write()
            except _AGAIN:
                continue
            except LockNotAvailable as error:
                raise UpstreamError(
                    "the fund's writers waited too long for their turn; nothing was posted"
                ) from error
            except psycopg.OperationalError as error:
                never = self._connection is None and not tries
                self.close()
                if never or tries + 1 == MAX_TRIES or not is_lost(error):
                    raise UpstreamError("the fund's database does not answer", hint=KEY_HINT) from error
            except psycopg.Error as error:
                said = error.diag.message_primary or type(error).__name__
                if error.sqlstate == _REFUSED:
                    code, _, says = said.partition(": ")
                    return refuse(code, says)
                raise UpstreamError(f"the fund's database refused: {said}") from error
        raise UpstreamError(f"the fund's database refused {MAX_TRIES} times to serialize; nothing was posted")

    def _try(self, submission: Submission, now: datetime, proof: Proof) -> Receipt | Refusal:
        recorded: int | None = None
        connection = self.connect()
        try:
            with connection.transaction():
                connection.execute(TAKE_TURN)
                self._step("turn")
                found = _find(connection, submission)
                if isinstance(found, Receipt):  # the end may be missing; a second one says nothing new
                    self._recorder.record(
                        [(Kind.FUND, end_entry(submission.key, found.entry, POSTED))], now=now
                    )
                if found is not None:
                    return found
                answer = decide(rows.read_state(connection, submission), submission)
                if isinstance(answer, Refusal):
                    return answer
                text = format_transaction(submission, answer.postings)
                number = rows.put_transaction(connection, submission, text, answer.state)
                rows.put_postings(connection, number, answer.postings)
                connection.execute(
                    "SET CONSTRAINTS fund.transaction_is_whole, fund.posting_is_whole, fund.claim_is_billed IMMEDIATE"
                )
                self._step("checked")
                fields = post_entry(submission, text, proof)
                recorded = self._recorder.record([(Kind.FUND, fields)], now=now)
                self._step("recorded")
                connection.execute("INSERT INTO fund.recorded VALUES (%s, %s)", [number, recorded])
        except psycopg.Error as error:
            if recorded is not None and not is_lost(error):
                self._recorder.record([(Kind.FUND, end_entry(submission.key, recorded, WITHDRAWN))], now=now)
            raise
        self._step("committed")
        self._recorder.record([(Kind.FUND, end_entry(submission.key, recorded, POSTED))], now=now)
        self._step("posted")
        return Receipt(number, recorded, answer.postings)

    def connect(self) -> psycopg.Connection[Any]:
        """Return the connection, serializable and in no transaction; made again where it was lost."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, options=OPTIONS)
            self._connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        return self._connection

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection that sees one moment of the fund and writes nothing.

        Raises:
            UpstreamError: PostgreSQL did not answer.
        """
        try:
            connection = self.connect()
            with connection.transaction():
                connection.execute("SET TRANSACTION READ ONLY")
                yield connection
        except psycopg.Error as error:
            with suppress(psycopg.Error):
                self.close()
            raise UpstreamError("the fund's database does not answer") from error

    def state(self) -> State:
        """Return the whole fund at one moment; raises UpstreamError."""
        with self.reading() as connection:
            return rows.read_state(connection)


TAKE_TURN: Final = "LOCK TABLE fund.turn IN SHARE ROW EXCLUSIVE MODE"
KEY_HINT: Final = "submit the same key again: it is posted once, and the second time finds the first"


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, so that nobody knows whether COMMIT was."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08")[:2] in {"08", "57"}


def _find(connection: psycopg.Connection[Any], submission: Submission) -> Receipt | Refusal | None:
    found = connection.execute(
        "SELECT t.number, r.entry, t.text FROM fund.transaction t JOIN fund.recorded r ON r.transaction = t.number "
        "WHERE t.key = %s",
        [submission.key],
    ).fetchone()
    if found is None:
        return None
    number, entry, text = found
    first, postings = parse_transaction(text)
    if first != submission:
        return refuse("key", "this key was used for something else; a new operation has a new key")
    return Receipt(number, entry, postings, again=True)

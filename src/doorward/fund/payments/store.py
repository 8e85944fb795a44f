"""Payment files in the fund's database: each import and each confirmation recorded, then kept, whole or not at all.

What a crash leaves: before COMMIT nothing but an entry of the record; a second run imports or confirms anew. After the
COMMIT of a confirmation, claims of it that are not posted yet; the same confirmation again posts those, by keys that
follow from the match, and no other.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from doorward.errors import MalformedError, StoreError
from doorward.fund import rows
from doorward.fund.entries import TYPED
from doorward.fund.ledger.decide import decide
from doorward.fund.ledger.operations import Pay, Submission, parse_transaction
from doorward.fund.ledger.refusal import Refusal, refuse
from doorward.fund.ledger.state import PAID
from doorward.fund.payments.back import Returning
from doorward.fund.payments.lines import PaymentFile, PaymentLine, parse_line
from doorward.fund.payments.match import (
    Confirmed,
    Ledger,
    Standing,
    key_of,
    ledger_of,
    match,
    proposals_of,
    unposted,
)
from doorward.fund.payments.told import CONFIRMED, IMPORTED, entry_of, file_text, match_text
from doorward.fund.store import TAKE_TURN, Done, Prover, Receipt, Step, Store, believe
from doorward.record.entry import Kind

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Args:
        entry: Sequence of its entry in the record.
        fresh: How many of its lines no earlier file had.
        again: This very file was imported before, with this form; nothing was done.
    """

    entry: int
    fresh: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that is kept of payments, and the ledger beside it, at one moment."""

    ledger: Ledger
    files: tuple[tuple[int, PaymentFile, str], ...]
    lines: tuple[PaymentLine, ...]
    matches: tuple[tuple[int, Confirmed], ...]

    def standings(self) -> tuple[Standing, ...]:
        """Return what each line is."""
        return match(self.lines, self.ledger, [one for _, one in self.matches])


class Payments:
    """The payments of a fund.

    Args:
        store: Of the fund.
        step: Called with the name of each step behind it, so that tests can die there.
    """

    def __init__(self, store: Store, *, step: Step = lambda _: None) -> None:
        self._store = store
        self._step = step

    def _in_turn(self, work: Callable[[Connection], Done]) -> Done | Refusal:
        """Return what work gives in one serializable transaction, in the writers' turn; it may run again."""

        def once() -> Done:
            connection = self._store.connect()
            with connection.transaction():
                connection.execute(TAKE_TURN)
                return work(connection)

        return self._store.attempt(once)

    def keep(self, file: PaymentFile, by: str, *, now: datetime) -> Imported:
        """Return what came of an import; a second one of the same file does nothing.

        Raises:
            UpstreamError: As `Store.submit`.
            StoreError: Nothing can be recorded, so nothing is kept.
        """

        def work(connection: Connection) -> Imported:
            key = [file.digest, file.form]
            found = connection.execute(
                "SELECT entry FROM fund.payment_file WHERE (digest, form) = (%s, %s)", key
            ).fetchone()
            if found is not None:
                return Imported(found[0], 0, again=True)
            made = [(line.id, line.text) for _, line in file.lines]
            fresh = connection.execute(
                "INSERT INTO fund.payment_line SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING",
                [[one for one, _ in made], [text for _, text in made]],
            ).rowcount
            entry = self._record(IMPORTED, by, file_text(file, by), TYPED, now)
            connection.execute(
                "INSERT INTO fund.payment_file VALUES (%s, %s, %s, %s, %s, %s)",
                [*key, by, file.others, file.passed, entry],
            )
            connection.execute(
                "INSERT INTO fund.payment_seen SELECT %s, %s, * FROM unnest(%s::int[], %s::text[])",
                [*key, [row for row, _ in file.lines], [line.id for _, line in file.lines]],
            )
            return Imported(entry, fresh)

        kept = self._in_turn(work)
        assert not isinstance(kept, Refusal)  # of a rule beside the ledger, and these tables have none
        return kept

    def _record(self, act: bytes, by: str, text: str, how: str, now: datetime) -> int:
        return self._store.recorder.record([(Kind.FUND, entry_of(act, by, text, how))], now=now)

    def held(self) -> Held:
        """Return everything at one moment; raises UpstreamError, StoreError."""
        with self._store.reading() as connection:
            return read_held(connection)

    def confirm(
        self, name: str, by: str, *, now: datetime, on: date | None = None, prove: Prover = believe
    ) -> tuple[Receipt, ...] | Refusal:
        """Return what a match posted, all of it, or why nothing of it is; what was begun is ended.

        Args:
            name: The id of a proposal, or of a match that was begun.
            by: The named person who says that it is so.
            on: The day of the booking; that of the payment.
            prove: How it is known, for each submission, that the login is who it says.

        Raises:
            UpstreamError: As `Store.submit`; the same call again goes on.
            StoreError: As `Store.submit`; the same call again goes on.
        """

        def work(connection: Connection) -> tuple[Submission, ...] | Refusal:
            held = read_held(connection)
            standings = held.standings()
            for _, one in held.matches:
                if one.id == name:
                    return _rest_of(one, held, standings, by, on)
            proposal = proposals_of(standings).get(name)
            if proposal is None:
                return refuse("match", "there is no such proposal; it may be done, or another line has come")
            made = Confirmed(name, by, proposal.lines, proposal.claims, proposal.returning)
            state, every = held.ledger.state, submissions_of(made, held, by, on)
            how = TYPED
            for each in every:
                answer = decide(state, each)
                if isinstance(answer, Refusal):
                    return answer
                state, how = answer.state, prove(each).how
            _put(connection, made, self._record(CONFIRMED, by, match_text(made), how, now))
            return every

        answer = self._in_turn(work)
        if isinstance(answer, Refusal):
            return answer
        self._step("confirmed")
        receipts = []
        for one in answer:
            receipt = self._store.submit(one, now=now, proof=prove(one))
            if isinstance(receipt, Refusal):
                return receipt
            receipts.append(receipt)
        return tuple(receipts)


def _rest_of(
    match: Confirmed, held: Held, standings: Sequence[Standing], by: str, on: date | None
) -> tuple[Submission, ...] | Refusal:
    """Return what a match that was begun has yet to post; none of the refunds that a person posted by hand."""
    own = [one for one in standings if one.line.id in match.lines]
    if match.returning and any(one.says == "contradicted" for one in own):
        return refuse("match", own[0].note)
    if match.returning and all(one.says == "posted" for one in own):
        return ()
    return submissions_of(match, held, by, on)


def submissions_of(match: Confirmed, held: Held, by: str, on: date | None = None) -> tuple[Submission, ...]:
    """Return what a match has yet to post, with keys that follow from it."""
    lines = sorted(
        (one for one in held.lines if one.id in match.lines), key=lambda one: (one.day, one.number)
    )
    last, ledger = lines[-1], held.ledger
    day = on or last.day
    if match.returning:
        return tuple(
            Submission(key, by, day, one.operation(last.number)) for key, one in unposted(match, ledger)
        )
    return tuple(
        Submission(key_of(match.id, claim), by, day, Pay(claim, last.number))
        for claim in match.claims
        if ledger.state.claims[claim].status != PAID
    )


def _put(connection: Connection, match: Confirmed, entry: int) -> None:
    back = json.dumps([asdict(one) for one in match.returning], sort_keys=True, separators=(",", ":"))
    connection.execute(
        "INSERT INTO fund.payment_match VALUES (%s, %s, %s, %s)", [match.id, match.by, back, entry]
    )
    connection.execute(
        "INSERT INTO fund.payment_match_line SELECT unnest(%s::text[]), %s", [list(match.lines), match.id]
    )
    connection.execute(
        "INSERT INTO fund.payment_match_claim SELECT %s, unnest(%s::text[]), %s",
        [match.id, list(match.claims), not match.returning],
    )


def read_held(connection: Connection) -> Held:
    """Return everything that is kept of payments, and the ledger.

    Raises:
        StoreError: A row is none that doorward wrote.
    """
    try:
        texts = {
            one: parse_line(text)
            for one, text in connection.execute("SELECT id, text FROM fund.payment_line")
        }
        submitted = [parse_transaction(one.text)[0] for one in rows.read_kept(connection)]
    except MalformedError as error:
        raise StoreError(
            "the fund's tables hold a text that doorward did not write", hint="doorward fund verify"
        ) from error
    seen: dict[tuple[str, str], list[tuple[int, PaymentLine]]] = {}
    for digest, form, place, line in connection.execute(
        "SELECT digest, form, place, line FROM fund.payment_seen ORDER BY digest, form, place"
    ):
        seen.setdefault((digest, form), []).append((place, texts[line]))
    files = tuple(
        (entry, PaymentFile(digest, form, tuple(seen.get((digest, form), ())), others, passed), login)
        for digest, form, login, others, passed, entry in connection.execute(
            "SELECT digest, form, login, others, passed, entry FROM fund.payment_file ORDER BY entry"
        )
    )
    ledger = ledger_of(rows.read_state(connection), submitted)
    return Held(ledger, files, tuple(texts[one] for one in sorted(texts)), tuple(_matches(connection)))


def _matches(connection: Connection) -> Sequence[tuple[int, Confirmed]]:
    found = connection.execute(
        """
        SELECT m.entry, m.id, m.login, m.returning_text,
            (SELECT array_agg(l.line ORDER BY l.line) FROM fund.payment_match_line l WHERE l.match = m.id),
            (SELECT array_agg(c.claim ORDER BY c.claim) FROM fund.payment_match_claim c WHERE c.match = m.id)
        FROM fund.payment_match m ORDER BY m.entry
        """
    )
    return [
        (entry, Confirmed(one, by, tuple(lines or ()), tuple(claims or ()), _returning(back)))
        for entry, one, by, back, lines, claims in found
    ]


def _returning(text: str) -> tuple[Returning, ...]:
    return tuple(Returning(**one) for one in json.loads(text))

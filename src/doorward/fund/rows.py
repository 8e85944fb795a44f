"""Rows of the fund's database as values of the core, and the reverse. No statement of its own commits."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg

from doorward.fund.ledger.accounts import LINE_ACCOUNTS, Account, Posting
from doorward.fund.ledger.operations import (
    NAMES,
    Agree,
    CloseOut,
    CloseYear,
    File,
    Opening,
    OpenYear,
    Part,
    Submission,
)
from doorward.fund.ledger.state import (
    APPROVED,
    PAID,
    WAITING,
    WITHDRAWN,
    Agreement,
    Claim,
    Line,
    Rules,
    State,
    Year,
)

_STANDING: Final = tuple(account for account in Account if account in LINE_ACCOUNTS)
_HOLDING: Final = tuple(account for account in Account if account not in LINE_ACCOUNTS)
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A transaction as it is kept.

    Args:
        entry: Sequence of its entry in the record.
        text: As `format_transaction` gave it.
    """

    number: int
    key: uuid.UUID
    entry: int
    text: str


def read_rules(connection: Connection) -> Rules:
    """Return what the order says, as the database has it."""
    services: dict[str, set[str]] = {}
    for line, service in connection.execute("SELECT line, service FROM fund.line_service"):
        services.setdefault(line, set()).add(service)
    lines = {
        code: Line(code, frozenset(services.get(code, ())), enabled=enabled, carries=carries)
        for code, enabled, carries in connection.execute(
            "SELECT code, enabled, carries FROM fund.line ORDER BY 1"
        )
    }
    sources = frozenset(code for (code,) in connection.execute("SELECT code FROM fund.source"))
    found = connection.execute("SELECT approvals FROM fund.rule").fetchone()
    assert found is not None
    return Rules(lines, sources, found[0])


def read_state(connection: Connection, submission: Submission | None = None) -> State:
    """Return the fund's state; with a submission only what that one needs.

    All years and accounts of lines are read always: there are some ten a year.
    """
    agreement, claim, year = (None, None, None) if submission is None else scope_of(submission)
    if claim is not None and agreement is None:
        found = connection.execute("SELECT agreement FROM fund.claim WHERE id = %s", [claim]).fetchone()
        agreement = found[0] if found else None
    of_all = submission is None or isinstance(submission.operation, (CloseOut, File, CloseYear))
    claims = _read_claims(
        connection, claim, agreement if of_all else None, everything=submission is None, year=year
    )
    return _read_around(connection, claims, agreement, everything=submission is None, year=year)


def read_open(connection: Connection, *, agreement: str | None = None, claim: str | None = None) -> State:
    """Return the whole fund, but of its claims those alone that are neither paid nor withdrawn, and what is named.

    Args:
        agreement: Of which all claims are read too.
        claim: Which is read too.
    """
    claims = _read_claims(connection, claim, agreement, everything=False, year=None, unsettled=True)
    return _read_around(connection, claims, None, everything=True, year=None)


def _read_around(
    connection: Connection,
    claims: dict[str, Claim],
    agreement: str | None,
    *,
    everything: bool,
    year: int | None,
) -> State:
    """Return the state around claims: every year and line; agreements and what they hold, all, of one, or of a year."""
    years = {
        row[0]: Year(row[0], row[1], row[2], closed=row[3])
        for row in connection.execute("SELECT year, begins, ends, closed_by IS NOT NULL FROM fund.year")
    }
    balances: dict[tuple[Account, int, str, str], int] = {}
    names = ", ".join(_STANDING)
    for at, line, *cents in connection.execute(f"SELECT year, line, {names} FROM fund.standing"):  # noqa: S608  # names of our accounts
        balances |= {(account, at, line, ""): value for account, value in zip(_STANDING, cents, strict=True)}
    returned = {}
    names = ", ".join(_HOLDING)
    held = connection.execute(
        f"SELECT year, line, agreement, returned, {names} FROM fund.holding "  # noqa: S608  # as above
        "WHERE %(all)s OR agreement = %(agreement)s OR year = %(year)s",
        {"all": everything, "agreement": agreement, "year": year},
    )
    for at, line, of, back, *cents in held:
        balances |= {(account, at, line, of): value for account, value in zip(_HOLDING, cents, strict=True)}
        returned[at, line, of] = back
    agreements = {
        row[0]: Agreement(row[0], row[1], row[2], row[3], row[4], closed=row[5])
        for row in connection.execute(
            "SELECT id, grantee, begins, ends, author, closed_by IS NOT NULL FROM fund.agreement "
            "WHERE %(all)s OR id = %(agreement)s",
            {"all": everything or year is not None, "agreement": agreement},
        )
    }
    begun = connection.execute(
        "SELECT DISTINCT p.year, p.line FROM fund.posting p JOIN fund.transaction t ON t.number = p.transaction "
        "WHERE t.operation <> 'opening'"
    )
    return State(
        read_rules(connection),
        years,
        agreements,
        claims,
        balances,
        returned,
        frozenset((at, of) for at, of in begun),
    )


def scope_of(submission: Submission) -> tuple[str | None, str | None, int | None]:
    """Return the agreement, the claim and the year of which an operation needs everything."""
    operation = submission.operation
    agreement = getattr(operation, "agreement", None) or None
    claim = getattr(operation, "claim", None)
    return agreement, claim, operation.year if isinstance(operation, CloseYear) else None


def _read_claims(
    connection: Connection,
    claim: str | None,
    agreement: str | None,
    *,
    everything: bool,
    year: int | None,
    unsettled: bool = False,
) -> dict[str, Claim]:
    rows = connection.execute(
        """
        SELECT c.id, c.agreement, c.kind, c.number, c.author,
            (SELECT array_agg(t.login ORDER BY t.number) FROM fund.transaction t
                WHERE t.claim = c.id AND t.operation = 'approve'),
            EXISTS (SELECT FROM fund.transaction t JOIN fund.posting p ON p.transaction = t.number
                WHERE t.claim = c.id AND t.operation = 'approve'),
            EXISTS (SELECT FROM fund.transaction t WHERE t.claim = c.id AND t.operation = 'withdraw'),
            EXISTS (SELECT FROM fund.transaction t WHERE t.claim = c.id AND t.operation = 'pay'),
            (SELECT array_agg(ROW(p.year, p.line, p.cents, p.service, p.recoup) ORDER BY p.place)
                FROM fund.claim_part p WHERE p.claim = c.id)
        FROM fund.claim c
        WHERE %(all)s OR c.id = %(claim)s OR c.agreement = %(agreement)s
            OR EXISTS (SELECT FROM fund.claim_part p WHERE p.claim = c.id AND p.year = %(year)s)
            OR (%(unsettled)s AND NOT EXISTS (SELECT FROM fund.transaction t
                WHERE t.claim = c.id AND t.operation IN ('pay', 'withdraw')))
        ORDER BY c.transaction
        """,
        {"all": everything, "claim": claim, "agreement": agreement, "year": year, "unsettled": unsettled},
    )
    found = {}
    for name, of, kind, number, author, approvers, settled, withdrawn, paid, parts in rows:
        read = tuple(
            Part(int(at), line, int(cents), service, int(recoup))
            for at, line, cents, service, recoup in parts
        )
        made = Claim(name, of, kind, number, author, read, tuple(approvers or ()))
        found[name] = replace(made, status=_status(made, settled=settled, withdrawn=withdrawn, paid=paid))
    return found


def _status(claim: Claim, *, settled: bool, withdrawn: bool, paid: bool) -> str:
    if withdrawn:
        return WITHDRAWN
    if not settled:
        return WAITING
    owed = sum(part.cents - part.recoup for part in claim.parts)
    return PAID if paid or not owed else APPROVED


def put_transaction(connection: Connection, submission: Submission, text: str, state: State) -> int:
    """Return the number of a transaction that is put in, with the document that its operation makes.

    Args:
        state: After the operation.
    """
    operation = submission.operation
    claim = getattr(operation, "claim", None)
    agreement = state.claims[claim].agreement if claim else getattr(operation, "agreement", None) or None
    year = operation.year if isinstance(operation, (OpenYear, CloseYear)) else None
    row = connection.execute(
        "INSERT INTO fund.transaction (key, operation, login, day, year, agreement, claim, text) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING number",
        [
            submission.key, NAMES[type(operation)], submission.by, submission.day, year, agreement, claim, text,
        ],
    ).fetchone()  # fmt: skip
    assert row is not None
    number = int(row[0])
    if isinstance(operation, OpenYear):
        connection.execute(
            "INSERT INTO fund.year (year, begins, ends, transaction) VALUES (%s, %s, %s, %s)",
            [operation.year, operation.begins, operation.ends, number],
        )
    elif isinstance(operation, (Agree, Opening)) and agreement is not None:
        made = state.agreements[agreement]
        connection.execute(
            "INSERT INTO fund.agreement (id, grantee, begins, ends, transaction, author) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
            [made.id, made.grantee, made.begins, made.ends, number, submission.by],
        )
    elif isinstance(operation, File):
        _put_claim(connection, operation, number, submission.by)
    return number


def _put_claim(connection: Connection, operation: File, number: int, author: str) -> None:
    connection.execute(
        "INSERT INTO fund.claim (id, agreement, kind, number, begins, ends, author, transaction) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            operation.claim, operation.agreement, operation.kind, operation.number, operation.begins,
            operation.ends, author, number,
        ],
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO fund.claim_part (claim, place, year, line, service, cents, recoup) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                [operation.claim, place, part.year, part.line, part.service, part.cents, part.recoup]
                for place, part in enumerate(operation.parts, start=1)
            ],
        )


def put_postings(connection: Connection, number: int, postings: Sequence[Posting]) -> None:
    """Put in all postings of a transaction, in one statement."""
    if not postings:
        return
    columns: Mapping[str, Iterable[object]] = {
        "account": [one.account.value for one in postings],
        "year": [one.year for one in postings],
        "line": [one.line for one in postings],
        "agreement": [one.agreement for one in postings],
        "cents": [one.cents for one in postings],
        "origin": [one.origin for one in postings],
    }
    connection.execute(
        "INSERT INTO fund.posting (transaction, place, account, year, line, agreement, cents, origin) "
        "SELECT %(number)s, p.place, p.account, p.year, p.line, p.agreement, p.cents, p.origin "
        "FROM unnest(%(account)s::text[], %(year)s::int[], %(line)s::text[], %(agreement)s::text[], "
        "%(cents)s::bigint[], %(origin)s::int[]) WITH ORDINALITY "
        "AS p (account, year, line, agreement, cents, origin, place)",
        {"number": number, **columns},
    )


def read_kept(connection: Connection) -> list[Kept]:
    """Return every transaction in its order."""
    rows = connection.execute(
        "SELECT t.number, t.key, r.entry, t.text FROM fund.transaction t "
        "LEFT JOIN fund.recorded r ON r.transaction = t.number ORDER BY t.number"
    )
    return [Kept(number, key, -1 if entry is None else entry, text) for number, key, entry, text in rows]


def read_postings(connection: Connection) -> dict[int, tuple[Posting, ...]]:
    """Return the postings of each transaction that has some."""
    found: dict[int, list[Posting]] = {}
    rows = connection.execute(
        "SELECT transaction, account, year, line, agreement, cents, origin FROM fund.posting "
        "ORDER BY transaction, place"
    )
    for number, account, *more in rows:
        found.setdefault(number, []).append(Posting(Account(account), *more))
    return {number: tuple(postings) for number, postings in found.items()}

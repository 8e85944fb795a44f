"""One client's session, from the first byte to the last: facts in, actions out, no socket and no clock.

================  =================================================================================
phase             what happens
================  =================================================================================
OPENING           startup and SCRAM (`gateway.handshake`)
ASKING            the shell puts the claims to the door; the client's bytes are a protocol error
CONNECTING        the shell binds a login role and connects as it
RELAY             `gateway.relay`
OVER              nothing more is taken or sent
================  =================================================================================

Any exception becomes an end here and nowhere else (STYLE 3.5): the client gets one ErrorResponse, the record an
entry, and both sides are closed. The decision is in the spool before the client hears of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from doorward.errors import DoorwardError, RemoteProtocolError, WireError
from doorward.gateway.actions import (
    Action,
    Append,
    AskDoor,
    BindLogin,
    Cancel,
    Close,
    ToClient,
)
from doorward.gateway.answer import Answer, OnBehalf, Refusal
from doorward.gateway.exports import Exporter
from doorward.gateway.handshake import Channel, Credentials, Failed, Handshake, Opened
from doorward.gateway.limits import IDLE_SECONDS, Meter
from doorward.gateway.proof import Proof
from doorward.gateway.relay import Relay, Terms
from doorward.grants.ends import Ends
from doorward.orders.observed import format_mode
from doorward.pgwire.messages import (
    CancelRequest,
    format_authentication,
    format_error,
    format_frame,
    format_key,
    format_notice,
    format_parameter_status,
)
from doorward.pgwire.options import parse_options
from doorward.pgwire.sqlstate import INSUFFICIENT_PRIVILEGE
from doorward.record.entry import Draft, Field, Kind

HANDSHAKE_SECONDS = 20  # a person types a password before psql connects, not during it
READY_FOR_QUERY = format_frame(b"Z", b"I")
# What a client may set at start beside the door's own options; SET stays free, and opens nothing.
PASSED_ON = frozenset(
    {
        "application_name", "client_encoding", "datestyle", "timezone", "intervalstyle", "extra_float_digits",
        "bytea_output", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
        "client_min_messages", "geqo", "jit", "search_path",
    }
)  # fmt: skip
DOOR_PREFIX = "doorward."
HANDED_ON = "this connection was one person's and is over; a new token opens another"
BREAK_GLASS = "break-glass"


class Phase(Enum):
    """How far a session is."""

    OPENING = auto()
    ASKING = auto()
    CONNECTING = auto()
    RELAY = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """What the shell gives a session: identity, randomness, time and the one look-up it may make."""

    session_id: bytes
    address: str
    nonce: str
    cancel_key: tuple[int, bytes]
    server_secret: bytes
    database: str
    started: datetime
    find_credentials: Callable[[str], Credentials | None]
    channel: Channel = Channel()  # noqa: RUF009  # a value that never changes
    check_token: Callable[[str, bytes], Proof | None] | None = None
    idle: timedelta = timedelta(seconds=IDLE_SECONDS)


@dataclass(frozen=True, slots=True)
class Upstream:
    """What the shell tells after it connected as the bound login."""

    login: str
    parameters: tuple[bytes, ...]  # ParameterStatus frames as they came
    meter: Meter | None = None  # what the grant may take; None without limits
    sign: Callable[[bytes], bytes] | None = None  # signs the note on an export


class Session:
    """One client's session; see the module's table."""

    def __init__(self, setup: SessionSetup) -> None:
        self._setup = setup
        self.phase = Phase.OPENING
        self.deadline: datetime | None = setup.started + timedelta(seconds=HANDSHAKE_SECONDS)
        self._handshake = Handshake(
            find_credentials=setup.find_credentials,
            server_secret=setup.server_secret,
            nonce=setup.nonce,
            channel=setup.channel,
            check_token=setup.check_token,
        )
        self._opened: Opened | None = None
        self._answer: Answer | None = None
        self._settings: dict[str, str] = {}
        self._claims: dict[str, str] = {}
        self._announced: str | None = None
        self._relay = Relay(setup.session_id)
        self._idle: tuple[int, datetime] | None = None
        self.attempted: tuple[str, bool] | None = None  # which login tried, and whether it proved itself

    def from_client(self, data: bytes) -> list[Action]:
        """Return what bytes of the client lead to; every failure ends the session."""
        try:
            if self.phase is Phase.RELAY:
                actions = self._relay.from_client(data)
                if self._relay.broken is not None:
                    return [*actions, *self.fail(self._relay.broken)]
                if self._relay.is_over:
                    actions[-1:] = self._end("the client ended the session")
                return actions
            if self.phase is Phase.OPENING:
                return self._open(data)
            if self.phase is Phase.OVER:
                return []
            raise RemoteProtocolError("bytes came before the door had answered")
        except DoorwardError as error:
            return self.fail(error)

    def from_server(self, data: bytes) -> list[Action]:
        """Return what bytes of PostgreSQL lead to."""
        if self.phase is not Phase.RELAY or self._announced is not None:
            return []  # nothing is released to a session that is being ended
        try:
            actions = self._relay.from_server(data)
        except DoorwardError as error:
            return self.fail(error)
        if self._relay.broken is not None:
            return [*actions, *self.fail(self._relay.broken)]
        if self._relay.was_discarded and self._is_on_behalf():
            # DISCARD ALL: a pool is about to hand this connection to whoever comes next.
            return [*actions, *self._fatal("57P01", HANDED_ON, reason="the application handed it on")]
        return actions

    def _is_on_behalf(self) -> bool:
        return self._answer is not None and self._answer.on_behalf is not None

    def _open(self, data: bytes) -> list[Action]:
        step = self._handshake.feed(data)
        actions: list[Action] = [ToClient(step.to_client)] if step.to_client else []
        result = step.result
        if isinstance(result, CancelRequest):
            self.phase = Phase.OVER
            return [Cancel(result.process_id, result.secret)]
        if isinstance(result, Opened) or (isinstance(result, Failed) and result.reason == "password"):
            self.attempted = (result.login, isinstance(result, Opened))  # nobody guesses a token
        if isinstance(result, Failed):
            self.phase = Phase.OVER
            draft = self._connect(result.login, b"authentication failed", result.parameters)
            return [Append((draft,)), *actions, Close(result.reason)]
        if result is None:
            return actions
        self._opened = result
        return [*actions, *self._ask(result)]

    def _ask(self, opened: Opened) -> list[Action]:
        options = parse_options(opened.parameters.get("options", ""))
        plain = {name.lower(): value for name, value in opened.parameters.items() if name != "options"}
        stated = {**plain, **options}
        claims = {name: value for name, value in stated.items() if name.startswith(DOOR_PREFIX)}
        self._claims = claims
        draft = self._connect(opened.login, b"authenticated", stated, opened.proof)
        if opened.database != self._setup.database:
            refusal = Refusal(
                "refused: no such database behind this door", None, None, "wrong database", "3D000"
            )
            return self._refuse(refusal, draft)
        rest = {
            name: value
            for name, value in stated.items()
            if name not in claims and not name.startswith("_pq_.")
        }
        rest.pop("replication", None)
        strange = sorted(name for name in rest if name not in PASSED_ON)
        if strange:
            message = f"refused: `{strange[0][:60]}` cannot be set at the start of a session here"
            return self._refuse(
                Refusal(message, None, "set it after connecting", "a setting at start", "42704"), draft
            )
        rest.pop("search_path", None)  # the scope's schema comes first; a path of one's own is set later
        self._settings = rest
        self.phase = Phase.ASKING
        return [Append((draft,)), AskDoor(opened.login, claims, opened.proof)]

    def answered(self, answer: Answer) -> list[Action]:
        """Return what the door's answer leads to; it is recorded before anything else."""
        if self.phase is not Phase.ASKING:
            return []
        self._answer = answer
        if answer.on_behalf is not None:
            self._claims = dict(answer.on_behalf.options)
        draft = self._decision(answer)
        if answer.refusal is not None or answer.scope is None:
            refusal = answer.refusal or Refusal("refused", None, None, "no scope")
            return self._refuse(refusal, draft)
        self.phase = Phase.CONNECTING
        return [Append((draft,)), BindLogin()]

    def claimed(self) -> tuple[str, str, str] | None:
        """Return login, purpose and beneficiary as stated, once the login has proved itself.

        Of an application it is the person for whom it asked.
        """
        if self._opened is None:
            return None
        on_behalf = self._answer.on_behalf if self._answer is not None else None
        return (
            on_behalf.login if on_behalf is not None else self._opened.login,
            self._claims.get("doorward.purpose", ""),
            self._claims.get("doorward.for", ""),
        )

    def settings(self) -> Mapping[str, str]:
        """Return the client's start settings that go upstream."""
        return self._settings

    def connected(self, upstream: Upstream) -> list[Action]:
        """Return what a client is told once its login role is connected: welcome, notices, ready."""
        if self.phase is not Phase.CONNECTING or self._answer is None or self._answer.scope is None:
            return []
        self.phase = Phase.RELAY
        self.deadline = self._until(upstream.meter)
        self._relay = Relay(self._setup.session_id, self._terms(self._answer, upstream))
        grant = Draft(
            Kind.GRANT,
            self._setup.session_id,
            0,
            (
                (Field.SCOPE, self._answer.scope.id.encode()),
                (Field.GRANT, upstream.login.encode()),
                (Field.UNTIL, self.deadline.isoformat().encode() if self.deadline else b""),
                (Field.REASON, self._answer.binding.end.why.word.encode() if self._answer.binding else b""),
            ),
        )
        withheld = [table.withheld for table in self._answer.scope.tables if table.withheld]
        said = (*_emergency_notice(self._answer), *self._answer.notices, *withheld)
        notices = [format_notice(text) for text in said]
        welcome = [
            format_authentication(0),
            *upstream.parameters,
            format_parameter_status(b"doorward_session", self._setup.session_id.hex().encode()),
            format_parameter_status(b"doorward_order", self._answer.order_digest.encode()),
            format_key(*self._setup.cancel_key),
            *notices,
        ]
        return [Append((grant,)), ToClient(b"".join([*welcome, READY_FOR_QUERY]))]

    def _until(self, meter: Meter | None) -> datetime | None:
        until = self._answer.binding.until if self._answer and self._answer.binding else None
        if meter is None or not meter.limits.session_seconds:
            return until
        last = self._setup.started + timedelta(seconds=meter.limits.session_seconds)
        return last if until is None else min(until, last)

    def _terms(self, answer: Answer, upstream: Upstream) -> Terms:
        claims, decision, refusal, scope = answer.claims, answer.export, answer.no_export, answer.scope
        if upstream.meter is not None and refusal is not None:
            upstream.meter.forbid_export()
        no_export = (
            None
            if refusal is None
            else format_error(
                "ERROR",
                INSUFFICIENT_PRIVILEGE,
                f"an export is {refusal.message}",
                detail=refusal.detail,
                hint=refusal.hint,
            )
        )
        exporter = None
        claimed = self.claimed()
        if claims is not None and scope is not None and claimed is not None and refusal is None:
            exporter = Exporter(
                session=self._setup.session_id,
                stated=(claimed[0], claims.purpose, claims.case_no, claims.for_agency),
                order=answer.order_digest,
                scope=scope.id,
                withheld=tuple(table.withheld for table in scope.tables if table.withheld),
                decided=(decision.outcome.value, decision.clauses, decision.policies)
                if decision is not None
                else ("not spoken of", (), ()),
                sign=upstream.sign,
            )
        return Terms(upstream.meter, no_export, exporter, self._setup.started)

    @property
    def is_withholding(self) -> bool:
        """True while PostgreSQL still works on what the client is given nothing of any more."""
        return self._relay.is_withholding

    def server_gone(self) -> list[Action]:
        """Return what the loss of PostgreSQL's side leads to."""
        if self.phase is not Phase.RELAY:
            return []
        if self._announced is not None:
            return self._fatal("57P01", self._announced, reason=self._announced)
        return self._fatal("57P01", "the database ended this session", reason="the database ended it")

    def announce(self, reason: str) -> None:
        """Take note that PostgreSQL's side is about to be ended by us, and why."""
        self._announced = reason

    def client_gone(self) -> list[Action]:
        """Return what the loss of the client's side leads to."""
        return [] if self.phase is Phase.OVER else self._end("the client is gone")

    def wake(self, now: datetime) -> list[Action]:
        """Return what the deadline leads to, once it has passed, and an application's connection that nobody uses."""
        if self.phase is Phase.RELAY and self._is_on_behalf() and self._is_idle(now):
            return self._fatal("57P05", HANDED_ON, reason="the application left it idle")
        if self.phase is Phase.OVER:
            return []
        if self.deadline is None or now < self.deadline:
            return self._relay.wake(now) if self.phase is Phase.RELAY else []
        if self.phase is Phase.RELAY:
            binding = self._answer.binding if self._answer is not None else None
            if binding is not None and self.deadline < binding.until:
                return self._fatal(
                    "57P05", "a session may last so long at this door; connect again", reason="session time"
                )
            why = binding.end.why if binding is not None else Ends.HOURS
            reason = f"the grant ended: {why.word}"
            return self._fatal("57P05", f"{why.sentence}; connect again", reason=reason)
        return self._fatal(
            "08006", "the opening of this session took too long", reason="the handshake took too long"
        )

    def _is_idle(self, now: datetime) -> bool:
        heard = self._relay.heard
        if self._idle is None or self._idle[0] != heard or self._relay.is_answering:
            self._idle = (heard, now)
        return now - self._idle[1] >= self._setup.idle

    def stop(self, reason: str) -> list[Action]:
        """Return what an end from our own side leads to."""
        return [] if self.phase is Phase.OVER else self._fatal("57P01", reason, reason=reason)

    def fail(self, error: DoorwardError) -> list[Action]:
        """Return the end that a failure leads to: closed, recorded, one line to the client (law 1)."""
        sqlstate = error.sqlstate_hint if isinstance(error, WireError) else "58000"
        message = str(error) if isinstance(error, WireError) else "the door failed, so it is closed"
        return self._fatal(sqlstate, message, reason=error.code)

    def _fatal(self, sqlstate: str, message: str, *, reason: str) -> list[Action]:
        if self.phase is Phase.OVER:
            return []
        actions = self._end(reason)
        if self._relay.is_mid_row:
            return actions  # what was told now would be read as the rest of a row's values
        return [*actions[:-1], ToClient(format_error("FATAL", sqlstate, message)), actions[-1]]

    def _end(self, reason: str) -> list[Action]:
        drafts = self._relay.cut(reason) if self.phase is Phase.RELAY else []
        if self._opened is not None:
            drafts.append(Draft(Kind.END, self._setup.session_id, 0, ((Field.REASON, reason.encode()),)))
        self.phase = Phase.OVER
        return [*([Append(tuple(drafts))] if drafts else []), Close(reason)]

    def _refuse(self, refusal: Refusal, draft: Draft) -> list[Action]:
        self.phase = Phase.OVER
        end = Draft(Kind.END, self._setup.session_id, 0, ((Field.REASON, refusal.reason.encode()),))
        error = format_error(
            "FATAL", refusal.sqlstate, refusal.message, detail=refusal.detail, hint=refusal.hint
        )
        return [Append((draft, end)), ToClient(error), Close(refusal.reason)]

    def _connect(
        self, login: str, outcome: bytes, stated: Mapping[str, str], proof: Proof | None = None
    ) -> Draft:
        fields: tuple[tuple[Field, bytes], ...] = (
            (Field.LOGIN, login[:63].encode()),
            (Field.ADDRESS, self._setup.address.encode()),
            (Field.APPLICATION, stated.get("application_name", "")[:63].encode()),
            (Field.OUTCOME, outcome),
            (Field.PURPOSE, stated.get("doorward.purpose", "")[:200].encode()),
            (Field.CASE, stated.get("doorward.case", "")[:200].encode()),
            (Field.FOR_AGENCY, stated.get("doorward.for", "")[:200].encode()),
            *([(Field.AUTHENTICATION, str(proof).encode())] if proof is not None else []),
        )
        emergency = stated.get("doorward.emergency", "")[:200].encode()
        if emergency:  # a claim, whoever states it
            fields = (*fields, (Field.REASON, emergency))
        return Draft(Kind.CONNECT, self._setup.session_id, 0, fields)

    def _decision(self, answer: Answer) -> Draft:
        decision = answer.decision
        fields: list[tuple[Field, bytes]] = [(Field.REASON, _reason(answer).encode())]
        if decision is not None:
            fields += [
                (Field.OUTCOME, decision.outcome.value.encode()),
                (Field.CLAUSES, " ".join(decision.clauses).encode()),
                (Field.POLICIES, " ".join(decision.policies).encode()),
            ]
        else:
            fields.append((Field.OUTCOME, b"not decided"))
        if answer.scope is not None:
            fields.append((Field.SCOPE, answer.scope.id.encode()))
        fields.append((Field.ORDER_DIGEST, answer.order_digest.encode()))
        # A field stands once in an entry: the ids of what is on file, and the words on which an emergency rests.
        evidence = [*map(str, answer.sources.on_file), *([answer.emergency] if answer.emergency else [])]
        if evidence:
            fields.append((Field.EVIDENCE, "; ".join(evidence).encode()))
        if answer.on_behalf is not None:
            fields += _on_behalf(answer.on_behalf)
        if answer.mode is not None:
            fields.append((Field.MODE, format_mode(answer.mode)))
        return Draft(Kind.DECISION, self._setup.session_id, 0, tuple(fields))


def _on_behalf(found: OnBehalf) -> list[tuple[Field, bytes]]:
    stated = {
        Field.PURPOSE: "doorward.purpose",
        Field.CASE: "doorward.case",
        Field.FOR_AGENCY: "doorward.for",
    }
    return [
        (Field.LOGIN, found.login.encode()),
        (Field.PRESENTER, found.presenter.encode()),
        (Field.TOKEN, found.token.encode()),
        *[(field, found.options.get(name, "")[:200].encode()) for field, name in stated.items()],
    ]


def _emergency_notice(answer: Answer) -> list[str]:
    if not answer.emergency or answer.binding is None:
        return []
    until = f"{answer.binding.until:%H:%M} UTC"
    return [f"an emergency session until {until}: it is recorded, and another person reviews it within a day"]


def _reason(answer: Answer) -> str:
    said = []
    if answer.refusal is not None:
        said.append(answer.refusal.reason)
    elif answer.emergency:
        said.append(BREAK_GLASS)
    elif answer.approval is not None:
        said.append(f"approved {answer.approval.ask.id} by {answer.approval.by}")
    return "; ".join((*said, *answer.sources.silences))

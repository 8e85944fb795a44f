"""The two sockets of a session: what the asyncio shell does with a session's actions.

The client's side owns the session. Reading from one side stops while the other side's buffer is full, so a
client that does not read costs a bounded amount of memory.
"""

import asyncio
import os
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

from doorward.errors import DoorwardError, UpstreamError
from doorward.gateway.actions import (
    Action,
    Append,
    AskDoor,
    BindLogin,
    Cancel,
    Close,
    EndBackend,
    EndStatement,
    ToClient,
    ToServer,
)
from doorward.gateway.allowances import Grantee
from doorward.gateway.answer import Answer, GrantBinding
from doorward.gateway.dial import dial
from doorward.gateway.door import Stated
from doorward.gateway.handshake import Channel, Credentials
from doorward.gateway.limits import Meter
from doorward.gateway.proof import Method, Proof
from doorward.gateway.session import Phase, Session, SessionSetup, Upstream
from doorward.gateway.syncing import Recorded
from doorward.gateway.upstream import UpstreamHandshake
from doorward.gateway.verdict import refuse_no_room, refuse_unpublished
from doorward.grants.claims import EMERGENCY_OPTION
from doorward.grants.cuts import Subject
from doorward.grants.identity import check_identity
from doorward.install.names import scope_schema
from doorward.pgwire.scram import parse_verifier

if TYPE_CHECKING:
    from datetime import datetime

    from doorward.gateway.server import Server

HIGH_WATER_BYTES = 1024 * 1024  # measured in trials: a client that stalls on a COPY then costs 32 MB in all
LOW_WATER_BYTES = 256 * 1024
UPSTREAM_SECONDS = 10
LINGER_SECONDS = 10  # for a client to read how its session ended; one that does not read is cut off


class ClientSide(asyncio.Protocol):
    """The socket of a client, and its session."""

    def __init__(self, server: "Server", channel: Channel) -> None:
        self.server = server
        self.channel = channel
        self.transport: asyncio.Transport | None = None
        self.upstream: UpstreamSide | None = None
        self.answer: Answer | None = None
        self.login: str | None = None
        self.session: Session | None = None
        self.cancel_key = (0, b"")
        self.began = 0.0
        self.session_id = os.urandom(16)
        self.address = ""
        self.is_full = False  # the client does not read what is written to it
        self.is_draining = False  # PostgreSQL is read all the same: nothing of it is for the client
        self.held: list[Action] | None = None  # what follows once the disk has what was recorded last
        self.is_free = asyncio.Event()
        self.is_free.set()
        self.is_paused = False  # neither side is read: more came while something was held back
        self.is_over = False  # nothing more goes to PostgreSQL; the login is given back behind what is held
        self.is_silent = False  # a cut was announced while rows were held: the client hears nothing more

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a session."""
        self.transport = transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's are none of asyncio's own
        transport.set_write_buffer_limits(HIGH_WATER_BYTES, LOW_WATER_BYTES)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.cancel_key = self.server.cancelling.give(self)
        self.began = time.monotonic()
        self.session = Session(
            SessionSetup(
                session_id=self.session_id,
                address=self.address,
                nonce=os.urandom(18).hex(),
                cancel_key=self.cancel_key,
                server_secret=self.server.parts.server_secret,
                database=self.server.parts.database,
                started=self.server.now(),
                find_credentials=self._find_credentials,
                channel=self.channel,
                check_token=self._check_token,
                idle=self.server.parts.idle,
            )
        )
        self.server.sessions.add(self)

    def data_received(self, data: bytes) -> None:
        """Feed the session."""
        session = self.session
        if session is None:
            return
        self.server.syncing.heard(self)
        actions = session.from_client(data)
        if session.attempted is not None:
            self._note_attempt(*session.attempted)
            session.attempted = None
        self.perform(actions)

    def _note_attempt(self, login: str, has_proved: bool) -> None:  # noqa: FBT001  # of one pair
        attempts = self.server.attempts
        if has_proved:
            attempts.succeed(login, self.address)
        else:
            attempts.fail(login, self.address, now=self.server.now())

    def eof_received(self) -> bool:
        """Treat a half-closed client as gone."""
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        """End the session if it has not ended, and give back what it held."""
        if self.session is not None:
            self.perform(self.session.client_gone())
        self.server.sessions.discard(self)
        self.server.cancelling.take_back(self.cancel_key)
        self.is_over = True
        self._let_go()

    def pause_writing(self) -> None:
        """Stop reading rows while the client does not take them."""
        self.is_full = True
        if self.upstream is not None and self.upstream.transport is not None:
            self.upstream.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read rows again."""
        self.is_full = False
        if self.upstream is not None and self.upstream.transport is not None and not self.is_paused:
            self.upstream.transport.resume_reading()

    # the session's actions

    @property
    def _purpose(self) -> str:
        claims = self.answer.claims if self.answer is not None else None
        return claims.purpose if claims is not None else ""

    def perform(self, actions: Sequence[Action]) -> None:
        """Do what the session asks, in its order; stop where the record fails or the disk is waited for (law 4)."""
        if self.held is not None:
            self._hold(actions)
            if actions:
                self._pause()
            return
        for at, action in enumerate(actions, 1):
            kind = type(action)
            if kind is Append:
                drafts = action.drafts  # type: ignore[union-attr]  # kind says it
                recorded = self.server.record(self, drafts, self.server.now(), purpose=self._purpose)
                if recorded is Recorded.FAILED:
                    self.abort()
                    return
                if recorded is Recorded.WAITS:
                    self._hold(actions[at:])
                    return
            elif kind is ToServer:
                if self.upstream is not None and not self.is_over:
                    self.upstream.write(action.data)  # type: ignore[union-attr]
            elif kind is ToClient:
                # A write to a connection that is gone raises under uvloop, and is dropped by asyncio.
                if self.transport is not None and not self.is_silent and not self.transport.is_closing():
                    self.transport.write(action.data)  # type: ignore[union-attr]
            elif isinstance(action, AskDoor):
                if not self.is_over:
                    self.server.spawn(self._closing_on_failure(self._ask(action)))
            elif isinstance(action, BindLogin):
                if not self.is_over:
                    self.server.spawn(self._closing_on_failure(self._connect()))
            elif isinstance(action, Cancel):
                self.server.spawn(self._closing_on_failure(self._cancel(action)))
            elif isinstance(action, EndStatement):
                self._end_statement()
            elif isinstance(action, EndBackend):
                self.server.spawn(self._end_backend(action.reason))
            elif isinstance(action, Close):
                self._close()

    def _hold(self, actions: Sequence[Action]) -> None:
        self.is_free.clear()
        held = self.held = [] if self.held is None else self.held
        for action in actions:
            if isinstance(action, EndStatement):  # what only ends something releases nothing
                self._end_statement()
            elif isinstance(action, EndBackend):
                self.server.spawn(self._end_backend(action.reason))
            else:
                held.append(action)

    def confirmed(self) -> None:
        """Go on with what was held back: what was recorded before it is on the disk."""
        held, self.held = self.held or [], None
        self.perform(held)
        if self.held is not None:
            return
        self.is_free.set()
        if self.is_paused:
            self._resume()
        if self.is_over:
            self._let_go()

    def lost(self) -> None:
        """Drop what was held back: what was recorded before it may not be on the disk."""
        self.held = None
        self.is_free.set()
        if self.is_over:
            self._let_go()

    async def sent(self) -> None:
        """Return once nothing for PostgreSQL is held back: a cancel must not overtake the statement it is meant for."""
        if any(type(action) is ToServer for action in self.held or ()):
            await self.is_free.wait()

    def _pause(self) -> None:
        # So that what is held back stays small, whatever the client or PostgreSQL goes on to send.
        self.is_paused = True
        for transport in (self.transport, self.upstream.transport if self.upstream is not None else None):
            if transport is not None and not transport.is_closing():
                transport.pause_reading()

    def _resume(self) -> None:
        self.is_paused = False
        client, upstream = self.transport, self.upstream
        if client is not None and not client.is_closing() and not (upstream is not None and upstream.is_full):
            client.resume_reading()
        server = upstream.transport if upstream is not None else None
        if server is not None and not server.is_closing() and (self.is_draining or not self.is_full):
            server.resume_reading()

    def _let_go(self) -> None:
        # The session's end is recorded before its login role is anybody else's.
        if self.held is None:
            self._drop_upstream()

    async def _closing_on_failure(self, work: Coroutine[None, None, None]) -> None:
        # The one catch-all of the gateway: whatever failed, known or not, the door is closed and the record
        # says so (law 1; ADR 2).
        try:
            await work
        except Exception as error:  # noqa: BLE001  # see above
            unknown = UpstreamError("the door failed in a way that it does not know")
            failure = error if isinstance(error, DoorwardError) else unknown
            if self.session is not None:
                self.perform(self.session.fail(failure))
            self.is_over = True
            self._let_go()

    async def _cancel(self, action: Cancel) -> None:
        # A client takes the end of this connection for the end of its cancel, and sends its next statement.
        await self.server.cancelling.cancel(action.process_id, action.secret)
        self._close()

    async def _ask(self, action: AskDoor) -> None:
        session, began = self.session, time.monotonic()
        answer = await self._find_answer(action)
        if answer is None or session is None:
            self.abort()
            return
        self.answer = answer
        self.server.figures.deciding.note(time.monotonic() - began)
        if session.phase is Phase.ASKING:
            self.perform(session.answered(answer))
            if answer.scope is not None:
                self.server.look_elsewhere(self)

    async def _find_answer(self, action: AskDoor) -> Answer | None:
        # An emergency first: it waits for no register and for nobody who waits for one (law 7).
        if EMERGENCY_OPTION in action.options:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self.server.floor_threads, self._ask_floor, action)
            if found is not None:
                return found
        pack = self.server.parts.door.pack
        if self.server.is_low:
            return Answer(pack.digest, refuse_no_room(pack))
        if self.server.upkeep.is_unpublished:
            return Answer(pack.digest, refuse_unpublished(pack))
        stated = await self._read(action)
        return stated if stated is None or isinstance(stated, Answer) else await self._put(stated)

    def _ask_floor(self, action: AskDoor) -> Answer | None:
        floor, person = self.server.parts.floor, self.server.parts.door.directory.find(action.login)
        if floor is None or person is None:
            return None
        session, now = self.session_id.hex(), self.server.now()
        return floor.answer(person, action.options, now=now, session=session, proof=action.proof)

    async def _read(self, action: AskDoor) -> Stated | Answer | None:
        loop, door = asyncio.get_running_loop(), self.server.parts.door
        application = door.directory.find_application(action.login)
        if application is not None:
            present = partial(door.present, application, action.options, now=self.server.now())
            return await loop.run_in_executor(self.server.threads, present)
        person = door.directory.find(action.login)
        return Stated(person, action.options, action.proof) if person is not None else None

    async def _put(self, stated: Stated) -> Answer:
        # The register is waited for here and in no thread of the door's: nobody else waits behind it.
        loop, door = asyncio.get_running_loop(), self.server.parts.door
        word = await door.ask_register(stated, now=self.server.now())
        answer = partial(door.answer, stated, word, session=self.session_id.hex(), now=self.server.now())
        return await loop.run_in_executor(self.server.threads, answer)

    async def _connect(self) -> None:
        session, binding = self.session, self.answer.binding if self.answer else None
        if session is None or binding is None:
            self.abort()
            return
        loop = asyncio.get_running_loop()
        threads = self.server.floor_threads if self.answer and self.answer.emergency else self.server.threads
        meter, login = await loop.run_in_executor(threads, self._bind, binding)
        self.login = login
        upstream = UpstreamSide(self, UpstreamHandshake(login, self._parameters(binding)))
        try:
            async with asyncio.timeout(UPSTREAM_SECONDS):
                await dial(self.server.parts.place, lambda: upstream)
                parameters = await upstream.ready
        except (OSError, TimeoutError) as error:  # ssl's errors are OSErrors
            upstream.abort()
            raise UpstreamError("the database did not let the door in") from error
        if session.phase is not Phase.CONNECTING:
            upstream.abort()
            self.is_over = True
            self._let_go()
            return
        self.upstream = upstream
        sign = self.server.parts.sign_export
        self.perform(session.connected(Upstream(login, parameters, meter, sign)))
        self.server.figures.connecting.note(time.monotonic() - self.began)

    def _bind(self, binding: GrantBinding) -> tuple[Meter | None, str]:
        # In one of the door's threads. The meter first: a login that is bound and not returned is lost to the pool.
        parts, claimed = self.server.parts, self.session.claimed() if self.session is not None else None
        claims = self.answer.claims if self.answer is not None else None
        meter = None
        if parts.allowances is not None and claims is not None and claimed is not None:
            grantee = Grantee(claimed[0], claims.purpose, claims.case_no, claims.for_agency)
            meter = parts.allowances.meter(grantee, self.server.now())
        return meter, parts.door.logins.bind(binding)

    def _parameters(self, binding: GrantBinding) -> dict[str, str]:
        assert self.session is not None
        return {
            "database": self.server.parts.place.database,
            **self.session.settings(),
            "options": f"-c search_path={scope_schema(binding.scope_id)} -c default_transaction_read_only=on",
        }

    def _find_credentials(self, login: str) -> Credentials | None:
        directory = self.server.parts.door.directory
        application = directory.find_application(login)
        if application is not None and not self.channel.takes_tokens:
            return Credentials(None, application.certificate)
        person = directory.find(login)
        if person is None:
            return None
        is_locked = self.server.attempts.is_locked(login, self.address, now=self.server.now())
        verifier = parse_verifier(person.verifier) if person.verifier and not is_locked else None
        return Credentials(verifier, person.certificate or None, self.server.parts.cards)

    def _check_token(self, login: str, token: bytes) -> Proof | None:
        watch = self.server.parts.provider
        if watch is None:
            return None
        found = check_identity(token, login, watch.provider, now=self.server.now())
        return None if found is None else Proof(Method.TOKEN, found.has_second_factor, found.until)

    @property
    def person(self) -> str:
        """The login of the person who sits at this session's address, or empty."""
        claimed = self.session.claimed() if self.session is not None else None
        on_behalf = self.answer.on_behalf if self.answer is not None else None
        return "" if claimed is None or on_behalf is not None else claimed[0]

    def _end_statement(self) -> None:
        upstream = self.upstream
        if upstream is None or upstream.transport is None:
            return
        # A server that waits until its rows are read does not look at a cancel.
        self.is_draining = True
        upstream.transport.resume_reading()
        self.server.spawn(self._cancel_own())

    async def _cancel_own(self) -> None:
        # At once, and only while that statement runs: what is held back behind it is the next one's.
        if self.session is not None and self.session.is_withholding:
            await self.server.cancelling.send(self)

    async def _end_backend(self, reason: str) -> None:
        with suppress(UpstreamError):  # the client is closed all the same
            await self.server.cutting.end([self], reason)

    def drained(self) -> None:
        """Go back to reading no faster than the client does, once what was cancelled has ended."""
        if self.session is not None and not self.session.is_withholding:
            self.is_draining = False
            if self.is_full and self.upstream is not None and self.upstream.transport is not None:
                self.upstream.transport.pause_reading()

    def _close(self) -> None:
        if self.upstream is not None:
            self.upstream.abort()
        if self.transport is not None:
            self.transport.close()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self.transport.abort)

    def abort(self) -> None:
        """Cut both sockets without another byte."""
        if self.upstream is not None:
            self.upstream.abort()
        if self.transport is not None:
            self.transport.abort()

    def subject(self) -> Subject | None:
        """Return the session as a cut looks at it, or None before the login has proved itself."""
        claimed = self.session.claimed() if self.session is not None else None
        if claimed is None:
            return None
        login, purpose, for_agency = claimed
        person = self.server.parts.door.directory.find(login)
        agency = person.agency if person is not None else ""
        is_protected = self.answer is not None and self.answer.is_protected
        on_behalf = self.answer.on_behalf if self.answer is not None else None
        presenter = on_behalf.presenter if on_behalf is not None else ""
        return Subject(
            self.session_id.hex(), login, agency, for_agency, purpose, is_protected, presenter=presenter
        )

    def announce(self, reason: str) -> None:
        """Tell the session why its upstream side is about to end."""
        if self.session is not None:
            self.session.announce(reason)
        if self.held is not None and any(type(one) is ToClient for one in self.held):
            self.is_silent = True  # half of what is dropped may be a row, so that no word can follow it

    def stop(self, reason: str) -> None:
        """End the session from our side."""
        if self.session is not None:
            self.end(self.session.stop(reason))

    def wake(self, now: "datetime") -> None:
        """Let the session look at its deadline."""
        if self.session is not None:
            self.end(self.session.wake(now))

    def end(self, actions: Sequence[Action]) -> None:
        """Do what may be the session's end from our side: a statement that is held back does not run after it."""
        if self.session is not None and self.session.phase is Phase.OVER:
            self.is_over = True
        self.perform(actions)

    def _drop_upstream(self) -> None:
        if self.upstream is not None:
            self.upstream.abort()
        login, self.login = self.login, None
        if login is not None and self.answer is not None and self.answer.binding is not None:
            self.server.spawn(self._release(login, self.answer.binding.scope_id))

    async def _release(self, login: str, scope_id: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(
                self.server.threads, self.server.parts.door.logins.release, login, scope_id
            )
        except DoorwardError:
            return  # the login stays out of use; the next start of the gateway cleans it


class UpstreamSide(asyncio.Protocol):
    """The socket to PostgreSQL of one session."""

    def __init__(self, client: ClientSide, handshake: UpstreamHandshake) -> None:
        self._client = client
        self._handshake: UpstreamHandshake | None = handshake
        self.transport: asyncio.Transport | None = None
        self.is_full = False  # PostgreSQL does not read what is written to it
        self.key = (0, b"")
        self.ready: asyncio.Future[tuple[bytes, ...]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the startup message."""
        self.transport = transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's are none of asyncio's own
        transport.set_write_buffer_limits(HIGH_WATER_BYTES, LOW_WATER_BYTES)
        if self._handshake is not None:
            transport.write(self._handshake.opening())

    def data_received(self, data: bytes) -> None:
        """Feed the handshake, then the session."""
        if self._handshake is None:
            session = self._client.session
            if session is not None:
                self._client.server.syncing.heard(self._client)
                self._client.perform(session.from_server(data))
                if self._client.is_draining:
                    self._client.drained()
            return
        try:
            done = self._handshake.feed(data)
        except DoorwardError as error:
            if not self.ready.done():
                self.ready.set_exception(error)
            return
        if done is not None:
            self._handshake = None
            self.key = done.key
            if not self.ready.done():
                self.ready.set_result(done.parameters)

    def connection_lost(self, _error: Exception | None) -> None:
        """End the session: its backend is gone."""
        if not self.ready.done():
            self.ready.set_exception(UpstreamError("the database closed the connection"))
        elif self._handshake is None and self._client.session is not None:
            self._client.end(self._client.session.server_gone())

    def pause_writing(self) -> None:
        """Stop reading the client while PostgreSQL does not take more."""
        self.is_full = True
        if self._client.transport is not None:
            self._client.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read the client again."""
        self.is_full = False
        if self._client.transport is not None and not self._client.is_paused:
            self._client.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send bytes to PostgreSQL, where it is still there."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

"""The listener: accepts, looks whether the connection is to be encrypted, and hands it to a session.

The first bytes are looked at on the bare socket. `loop.start_tls` is not used: the client's first encrypted message can
reach the protocol before the coroutine that waits for it, which would then answer in plain text inside of TLS.

Whoever opens a connection and says nothing holds a place for `OPENING_SECONDS` at most, and places are counted together
with sessions.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from doorward.gateway.alive import keep_alive
from doorward.gateway.handshake import Channel
from doorward.gateway.knock import (
    ALPN,
    FULL_REFUSED,
    MAX_REQUESTS,
    PLAIN_REFUSED,
    REQUEST_BYTES,
    TLS_HANDSHAKE,
    Knocked,
    answer_knock,
)
from doorward.gateway.tls import end_of_certificate, name_of_certificate

OPENING_SECONDS: Final = 20
BACKLOG: Final = 512
UNREAD_BYTES: Final = 65_536
PAUSE_SECONDS: Final = 0.1  # where the process has no file descriptor left


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to listen.

    Args:
        tls: The listener's own context, or None for plain text.
        binding: What a SCRAM exchange binds to, with TLS.
        takes_plain: Whether sessions without TLS are served.
        shares_port: Whether other workers listen on the same port.
        takes_tokens: Whether a token of the identity provider stands in the place of every password here.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    binding: bytes | None = None
    takes_plain: bool = True
    shares_port: bool = False
    takes_tokens: bool = False


@dataclass
class Listener:
    """One listening socket; ``failed`` counts the connections that ended before anything was asked."""

    listening: Listening
    receive: Callable[[Channel], asyncio.Protocol]
    has_room: Callable[[int], bool]
    opening: set[asyncio.Task[None]] = field(default_factory=set)
    failed: int = 0

    def open(self) -> socket.socket:
        """Return the listening socket.

        Raises:
            OSError: The address cannot be listened on.
        """
        family = socket.AF_INET6 if ":" in self.listening.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.listening.shares_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind((self.listening.host, self.listening.port))
            sock.listen(BACKLOG)
            sock.setblocking(False)  # noqa: FBT003  # the socket module's own word
        except OSError:
            sock.close()
            raise
        return sock

    async def accept(self, sock: socket.socket) -> None:
        """Accept until cancelled; then end what is opening."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    client, _address = await loop.sock_accept(sock)
                except OSError:
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                if not self.has_room(len(self.opening)):
                    _turn_away(client)
                    continue
                task = loop.create_task(self._open(client))
                self.opening.add(task)
                task.add_done_callback(self.opening.discard)
        finally:
            for task in self.opening:
                task.cancel()

    async def _open(self, client: socket.socket) -> None:
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                client.setblocking(False)  # noqa: FBT003  # as above
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                keep_alive(client)
                await self._knock(client)
        except (OSError, TimeoutError, ssl.SSLError, ValueError):
            self.failed += 1
            _close_softly(client)  # nothing was asked: there is nothing to record
        except BaseException:
            client.close()
            raise

    async def _knock(self, client: socket.socket) -> None:
        loop, listening = asyncio.get_running_loop(), self.listening
        for _ in range(MAX_REQUESTS + 1):
            if listening.tls is not None and await _begins_with(client, TLS_HANDSHAKE):
                await self._encrypted(client, direct=True)
                return
            first = await _look_at(client, REQUEST_BYTES)
            knocked = answer_knock(
                first, has_tls=listening.tls is not None, takes_plain=listening.takes_plain
            )
            if knocked is Knocked.OPEN:
                await loop.connect_accepted_socket(partial(self.receive, Channel()), client)
                return
            if knocked is Knocked.REFUSE:
                await loop.sock_sendall(client, PLAIN_REFUSED)
                break
            client.recv(REQUEST_BYTES)
            if _has_more(client):
                break  # bytes stuffed behind the request
            await loop.sock_sendall(client, b"S" if knocked is Knocked.ENCRYPT else b"N")
            if knocked is Knocked.ENCRYPT:
                await self._encrypted(client, direct=False)
                return
        _close_softly(client)

    async def _encrypted(self, client: socket.socket, *, direct: bool) -> None:
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(
            lambda: _AfterTls(self.receive, self.listening, direct=direct),
            client,
            ssl=self.listening.tls,
            ssl_handshake_timeout=OPENING_SECONDS,
        )


class _AfterTls(asyncio.Protocol):
    """Stands for the session until TLS is there, because only then is it known who presented which certificate."""

    def __init__(
        self, receive: Callable[[Channel], asyncio.Protocol], listening: Listening, *, direct: bool
    ) -> None:
        self._receive = receive
        self._listening = listening
        self._direct = direct

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection on."""
        tls = transport.get_extra_info("ssl_object")
        if tls is None or (self._direct and tls.selected_alpn_protocol() != ALPN):
            transport.abort()  # type: ignore[attr-defined]  # a stream's transport
            return
        try:
            presented = tls.getpeercert(binary_form=True)
            name, until = name_of_certificate(presented), end_of_certificate(presented)
        except ValueError:
            transport.abort()  # type: ignore[attr-defined]  # as above; a certificate that OpenSSL took and we cannot read
            return
        channel = Channel(
            encrypted=True,
            binding=self._listening.binding,
            certificate=name,
            certificate_until=until,
            takes_tokens=self._listening.takes_tokens,
        )
        session = self._receive(channel)
        transport.set_protocol(session)
        session.connection_made(transport)


@contextmanager
def listening_socket(listener: Listener) -> Iterator[socket.socket]:
    """Yield the listening socket, closed at the end."""
    sock = listener.open()
    try:
        yield sock
    finally:
        sock.close()


async def _begins_with(sock: socket.socket, byte: int) -> bool:
    return (await _look_at(sock, 1))[0] == byte


async def _look_at(sock: socket.socket, size: int) -> bytes:
    """Return the first bytes that came, and leave them where they are for whoever reads next."""
    loop = asyncio.get_running_loop()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)  # readable once so much is there
    try:
        while True:
            try:
                seen = sock.recv(size, socket.MSG_PEEK)
            except BlockingIOError:
                seen = None
            if seen == b"":
                raise ConnectionResetError
            if seen is not None and len(seen) == size:
                return seen
            if seen is not None:
                await asyncio.sleep(
                    PAUSE_SECONDS
                )  # a system that does not know the low-water mark, or a half-close
                continue
            readable = loop.create_future()
            loop.add_reader(sock, _wake, readable)
            try:
                await readable
            finally:
                loop.remove_reader(sock)
    finally:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def _has_more(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def _turn_away(sock: socket.socket) -> None:
    # As PostgreSQL's postmaster does where it has no process left: said before anything was asked, TLS or not.
    with suppress(OSError):
        sock.send(FULL_REFUSED)
    _close_softly(sock)


def _close_softly(sock: socket.socket) -> None:
    # What was not read would turn the close into a reset, and the client would lose what it was told.
    with suppress(OSError):
        sock.recv(UNREAD_BYTES)
    sock.close()

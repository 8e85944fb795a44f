"""The way to PostgreSQL: its socket on this host, or TCP with TLS begun before anything else is said."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from doorward.errors import ConfigError, UpstreamError
from doorward.gateway.alive import keep_alive
from doorward.gateway.tls import make_upstream_context
from doorward.pgwire.opening import CancelRequest, SSLRequest, format_cancel, format_opening

P = TypeVar("P", bound=asyncio.BaseProtocol)
DEFAULT_PORT: Final = 5432


@dataclass(frozen=True, slots=True)
class Place:
    """Where a PostgreSQL server is reached.

    Args:
        host: A host, or the folder of its socket.
        port: Also part of the socket's name.
        database: The database that is entered.
        tls: How the server is verified, or None for a socket and for ``sslmode=disable``.
    """

    host: str
    port: int
    database: str
    tls: ssl.SSLContext | None

    @property
    def is_local(self) -> bool:
        """Whether the host is the folder of a socket."""
        return self.host.startswith("/")


def parse_place(conninfo: str) -> Place:
    """Return the place that a connection string names.

    Raises:
        ConfigError: It is none, names several hosts, or trusts whoever answers.
    """
    try:
        parts = conninfo_to_dict(conninfo)
    except ProgrammingError as error:
        raise ConfigError("the database's `conninfo` is no connection string") from error
    host, port = str(parts.get("host") or ""), str(parts.get("port") or DEFAULT_PORT)
    if not host or "," in host or not port.isdigit():
        raise ConfigError("the database's `conninfo` must name one `host` and one `port`")
    if not parts.get("dbname"):
        raise ConfigError("the database's `conninfo` must name `dbname`")
    local = host.startswith("/")
    return Place(host, int(port), str(parts["dbname"]), None if local else make_upstream_context(parts))


async def dial(place: Place, factory: Callable[[], P]) -> P:
    """Connect and return the protocol.

    Raises:
        OSError: Nobody answers, or the server is not the one that its certificate must show (`ssl.SSLError`).
        UpstreamError: The server speaks no TLS.
    """
    loop = asyncio.get_running_loop()
    if place.is_local:
        _, protocol = await loop.create_unix_connection(factory, f"{place.host}/.s.PGSQL.{place.port}")
        return protocol
    sock = await _open(place)
    try:
        if place.tls is None:
            _, protocol = await loop.create_connection(factory, sock=sock)
            return protocol
        # On the bare socket: nothing that belongs to TLS is read before TLS reads.
        await loop.sock_sendall(sock, format_opening(SSLRequest()))
        if await loop.sock_recv(sock, 1) == b"S":
            _, protocol = await loop.create_connection(
                factory, sock=sock, ssl=place.tls, server_hostname=place.host
            )
            return protocol
    except BaseException:
        sock.close()
        raise
    sock.close()
    raise UpstreamError("the database speaks no TLS")


async def send_cancel(place: Place, key: tuple[int, bytes]) -> None:
    """Ask PostgreSQL to cancel what the backend with this key runs; it answers by closing.

    Raises:
        OSError: Nobody answers.
    """
    closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await dial(place, lambda: _Cancelling(format_cancel(CancelRequest(*key)), closed))
    await closed


class _Cancelling(asyncio.Protocol):
    def __init__(self, packet: bytes, closed: asyncio.Future[None]) -> None:
        self._packet = packet
        self._closed = closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._packet)  # type: ignore[attr-defined]  # a stream's transport

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)


async def _open(place: Place) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    last: OSError | None = None
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)  # noqa: FBT003  # the socket module's own word
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            last = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(sock)
        return sock
    raise last or OSError("the database's host has no address")

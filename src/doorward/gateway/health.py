"""`/healthz`, `/readyz` and `/metrics`, for whoever watches this host; on the loopback address or a socket only.

A strict and small part of HTTP/1.1: one GET of one of three paths a connection, a bounded head, no body, an answer that
closes. Source: RFC 9112 sections 2 to 4; whatever else is asked is answered 400, 404, 405 or 431.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from doorward.errors import DoorwardError
from doorward.gateway.exposition import State, check_all, format_figures, is_ready
from doorward.gateway.health_address import HealthAddress

MAX_HEAD_BYTES: Final = 4096
ANSWER_SECONDS: Final = 10
MAX_AT_ONCE: Final = 16  # a watcher, its second, and somebody looking
_PLAIN: Final = "text/plain; charset=utf-8"
_FIGURES: Final = "text/plain; version=0.0.4; charset=utf-8"
_REASONS: Final = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    431: "Request Header Fields Too Large", 503: "Service Unavailable",
}  # fmt: skip

Gather = Callable[[], Awaitable[Sequence[State | None]]]


@dataclass(slots=True)
class Health:
    """The answers to those who watch.

    Args:
        gather: Asks every worker for its state; None stands for one that does not answer in time.
    """

    gather: Gather
    open: int = 0

    async def serve(self, address: HealthAddress) -> asyncio.Server:
        """Return a server that answers until it is closed.

        Raises:
            DoorwardError: The address cannot be listened on.
        """
        try:
            if address.path is None:
                return await asyncio.start_server(
                    self._connected, address.host, address.port, limit=MAX_HEAD_BYTES
                )
            with suppress(FileNotFoundError):
                os.unlink(address.path)  # noqa: PTH108  # of a process before this one
            before = os.umask(0o117)  # the group of the gateway's user may look
            try:
                return await asyncio.start_unix_server(self._connected, address.path, limit=MAX_HEAD_BYTES)
            finally:
                os.umask(before)
        except OSError as error:
            raise DoorwardError(
                f"cannot serve health on {address}: {error.strerror}",
                hint="choose another `operation.health`",
            ) from error

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open <= MAX_AT_ONCE:
                async with asyncio.timeout(ANSWER_SECONDS):
                    writer.write(await self._answer(reader))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # whoever asks reads that no answer came
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return format_response(431, "the request's head is too long\n")
        path = parse_request(head)
        if isinstance(path, int):
            return format_response(path, "GET /healthz, /readyz or /metrics\n")
        if path == "/healthz":
            return format_response(200, "alive\n")
        states = await self.gather()
        if path == "/metrics":
            return format_response(200, format_figures(states), content=_FIGURES)
        checks = check_all(states)
        words = "".join(f"{name} {word}\n" for name, word in checks.items())
        return format_response(200 if is_ready(checks) else 503, words)


def parse_request(head: bytes) -> str | int:
    """Return the path that a request's head asks for, or the status that answers it; total.

    Args:
        head: Up to and with the empty line, of anybody.
    """
    line, _, fields = head.partition(b"\r\n")
    words = line.split(b" ")
    if (
        len(words) != 3 or words[2] not in {b"HTTP/1.1", b"HTTP/1.0"} or not line.isascii()
    ):  # RFC 9112 section 3
        return 400
    names = [field.partition(b":")[0].lower() for field in fields.split(b"\r\n") if field]
    if words[2] == b"HTTP/1.1" and names.count(b"host") != 1:
        return 400
    if any(name in {b"content-length", b"transfer-encoding"} for name in names):
        return 400
    if words[0] != b"GET":
        return 405
    path = words[1].decode("ascii")
    return path if path in {"/healthz", "/readyz", "/metrics"} else 404


def format_response(status: int, body: str | bytes, *, content: str = _PLAIN) -> bytes:
    """Return a whole answer that closes the connection."""
    data = body.encode() if isinstance(body, str) else body
    allow = "Allow: GET\r\n" if status == 405 else ""  # RFC 9110 section 15.5.6
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content}\r\nContent-Length: {len(data)}\r\n"
        f"Cache-Control: no-store\r\n{allow}Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + data

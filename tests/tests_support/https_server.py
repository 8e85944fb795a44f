"""A TLS server for tests whose every byte is chosen: it reads a request, then does what it is told."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests_support.certificates import Pair

Behaviour = Callable[[socket.socket], None]


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def says(raw: bytes) -> Behaviour:
    return lambda client: client.sendall(raw)


def drips(raw: bytes) -> Behaviour:
    """Send a byte at a time, for as long as somebody listens."""

    def behave(client: socket.socket) -> None:
        for at in range(len(raw)):
            client.sendall(raw[at : at + 1])
            time.sleep(0.05)

    return behave


def is_silent(client: socket.socket) -> None:
    """Say nothing until the other side goes."""
    with suppress(OSError):
        while client.recv(1024):
            pass


@dataclass
class HttpsServer:
    """Where it listens, what it does, and what it was asked."""

    port: int
    behaviour: Behaviour
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def https_server(pair: Pair, behaviour: Behaviour, *, people: Path | None = None) -> Iterator[HttpsServer]:
    """Serve until the end; a `people` authority asks for clients' certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if people is not None:
        context.load_verify_locations(people)
        context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    server = HttpsServer(listener.getsockname()[1], behaviour)
    threads = []

    def serve(plain: socket.socket) -> None:
        with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as client:
            server.asked.append(_request(client))
            server.behaviour(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                plain.settimeout(10)
                threads.append(threading.Thread(target=serve, args=(plain,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join()


def _request(client: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += client.recv(4096) or b"\r\n\r\n"
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
    while len(body) < length:
        body += client.recv(4096)
    return head + b"\r\n\r\n" + body

"""A mail relay for tests: a real socket and TLS, and what it was told."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests_support.certificates import Authority


@dataclass
class Mailbox:
    """A mail relay with STARTTLS that takes what it is given, or refuses each recipient, or says nothing at all."""

    port: int
    hangs: bool = False
    refuses: bool = False
    has_tls: bool = True
    at: list[float] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@contextmanager
def mailbox(authority: Authority, hosts: tuple[str, ...] = ("localhost",)) -> Iterator[Mailbox]:
    pair = authority.issue("relay", hosts=hosts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        box = Mailbox(listener.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=_alone, args=(client, context, box), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield box
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _alone(client: socket.socket, context: ssl.SSLContext, box: Mailbox) -> None:
    with suppress(OSError, ssl.SSLError), client:
        _serve_one(client, context, box)


def _serve_one(client: socket.socket, context: ssl.SSLContext, box: Mailbox) -> None:
    encrypted = False
    if box.hangs:
        while client.recv(1024):
            pass
        return
    lines = client.makefile("rwb", buffering=0)
    lines.write(b"220 relay\r\n")
    while line := lines.readline():
        word = line.split()[0].upper()
        box.commands.append(("tls " if encrypted else "plain ") + word.decode())
        if word == b"STARTTLS" and box.has_tls:
            lines.write(b"220 go\r\n")
            client = context.wrap_socket(client, server_side=True)
            lines, encrypted = client.makefile("rwb", buffering=0), True
        elif word == b"EHLO":
            lines.write(
                b"250-relay\r\n" + (b"250-STARTTLS\r\n" if box.has_tls else b"") + b"250 8BITMIME\r\n"
            )
        elif word == b"RCPT" and box.refuses:
            lines.write(b"550 nobody here: JH555111\r\n")
        elif word == b"DATA":
            lines.write(b"354 go\r\n")
            taken = []
            while (part := lines.readline()) not in {b".\r\n", b""}:
                taken.append(part.decode())
            box.got.append("".join(taken))
            box.at.append(time.perf_counter())
            lines.write(b"250 taken\r\n")
        else:
            lines.write(b"250 fine\r\n")
        if word == b"QUIT":
            client.close()
            return

"""A witness over HTTP: what it answers (`Witness`), and a small strict server for that (`WitnessServer`).

A small part of HTTP/1.1: `POST /add-checkpoint` with a length, and `GET /<id>/checkpoint`, where the id is the hash of
a log's origin in hexadecimal digits: the last checkpoint that was cosigned, with the cosignatures. Connections are kept
open for further requests. Head, body, time, connections and requests of a connection are bounded.

INVARIANT (persisted-first): a checkpoint is judged, remembered and synced without another request in between, and only
then its cosignature goes out. There is one thread, and no `await` from `judge` to `remember`.

Source: C2SP tlog-witness; RFC 9112 sections 2 to 9. The second address is our own: the specification leaves reading
open.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from doorward.errors import DoorwardError, MalformedError, StoreError
from doorward.notes.base64 import format_base64
from doorward.notes.note import append_signature
from doorward.record.witness import (
    MAX_REQUEST_BYTES,
    PLAIN,
    Consent,
    KnownLog,
    Refusal,
    Remembered,
    Request,
    find_log,
    judge,
    log_id,
)
from doorward.record.witness_state import WitnessState

MAX_HEAD_BYTES: Final = 8192
REQUEST_SECONDS: Final = 10  # from the first byte of a request to the last of its answer
IDLE_SECONDS: Final = 30
CLOSE_SECONDS: Final = 5  # to whoever does not read what is left of an answer
MAX_CONNECTIONS: Final = 64
MAX_REQUESTS: Final = 1000  # of one connection

_REASONS: Final = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    411: "Length Required", 413: "Content Too Large", 422: "Unprocessable Content",
    431: "Request Header Fields Too Large", 503: "Service Unavailable",
}  # fmt: skip
_CHECKPOINT: Final = re.compile(r"/([0-9a-f]{64})/checkpoint")
_SUBMIT: Final = "/add-checkpoint"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, and what an operator's line says of it."""

    status: int
    body: bytes
    content_type: str = PLAIN
    origin: str = ""
    tree_size: int = 0
    evidence: str = ""


def _no_step(_name: str) -> None:
    return


@dataclass(slots=True)
class Witness:
    """The answers of one witness.

    Args:
        logs: Those it cosigns for, by origin.
        clock: Returns seconds since 1970.
        step: Called with `remembered` before a cosignature goes out, so that a test can kill the process there.
    """

    state: WitnessState
    logs: Mapping[str, KnownLog]
    clock: Callable[[], int]
    step: Callable[[str], None] = _no_step

    def add_checkpoint(self, body: bytes) -> Answer:
        """Return the cosignatures of a checkpoint, or why there are none; never raises for what stands in the body.

        Args:
            body: Of anybody.
        """
        found = find_log(body, self.logs)
        if isinstance(found, Refusal):
            return _answer(found)
        request, log = found
        if log_id(log.origin) in self.state.rolled_back:
            return Answer(
                503,
                b"this witness lost what it knew of the log: it signs for it no more\n",
                origin=log.origin,
            )
        own = [cosigner.key for cosigner in self.state.cosigners]
        judged = judge(request, log, self.state.remembered.get(log.origin), own)
        try:
            if isinstance(judged, Refusal):
                return self._refuse(request, judged)
            return self._cosign(log, judged)
        except StoreError:
            return Answer(503, b"the witness's disk refuses\n", origin=log.origin)
        except MalformedError:
            return Answer(422, b"the checkpoint leaves no room for the cosignatures\n", origin=log.origin)

    def last_checkpoint(self, name: str) -> Answer:
        """Return the last checkpoint of a log that was cosigned, by the log's id."""
        for origin, last in self.state.remembered.items():
            if log_id(origin) == name:
                return Answer(200, last.note, origin=origin, tree_size=last.tree_size)
        return Answer(404, b"this witness has cosigned nothing of the log\n")

    def _cosign(self, log: KnownLog, consent: Consent) -> Answer:
        checkpoint, now = consent.checkpoint, self.clock()
        last = self.state.remembered.get(log.origin)
        if now < 1 or (last is not None and now < last.time):
            # A cosignature says "as of this time the largest": an earlier time with a larger tree would be false.
            return Answer(503, b"the witness's clock stands before its last cosignature\n", origin=log.origin)
        lines = [cosigner.cosign(checkpoint, now) for cosigner in self.state.cosigners]
        note = consent.note
        for line in lines:
            note = append_signature(checkpoint.note.text, note, line)
        # INVARIANT (persisted-first)
        self.state.remember(log.origin, Remembered(checkpoint.tree_size, checkpoint.root, now, note))
        self.step("remembered")
        text = "".join(
            f"\N{EM DASH} {line.name} {format_base64(line.id + line.signature)}\n" for line in lines
        )
        return Answer(200, text.encode(), origin=log.origin, tree_size=checkpoint.tree_size)

    def _refuse(self, request: Request, refusal: Refusal) -> Answer:
        kept = None
        if refusal.suspicion is not None:
            kept = self.state.keep_evidence(refusal.origin, refusal.suspicion, refusal.note)
        return _answer(refusal, request.checkpoint.tree_size, kept.name if kept is not None else "")


def _answer(refusal: Refusal, tree_size: int = 0, evidence: str = "") -> Answer:
    body = refusal.body.encode()
    return Answer(refusal.status, body, refusal.content_type, refusal.origin, tree_size, evidence)


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head, as far as it matters."""

    method: str
    path: str
    length: int
    is_last: bool  # whether the connection ends behind it


def parse_head(head: bytes) -> Head | int:
    """Return what a request's head asks for, or the status that answers it; total.

    Args:
        head: Up to and with the empty line, of anybody.
    """
    first, _, rest = head.partition(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or words[2] not in {b"HTTP/1.1", b"HTTP/1.0"} or not head.isascii():
        return 400
    fields: dict[str, str] = {}
    for line in rest.removesuffix(b"\r\n\r\n").split(b"\r\n"):
        name, colon, value = line.decode("ascii").partition(":")
        if line and (not colon or not name or name.strip() != name or name.lower() in fields):
            return 400  # folded, nameless or twice: nobody who means well sends it
        fields[name.lower()] = value.strip()
    if (words[2] == b"HTTP/1.1" and "host" not in fields) or "\n" in head.decode("ascii").replace("\r\n", ""):
        return 400
    length = fields.get("content-length", "")
    if "transfer-encoding" in fields or (words[0] == b"POST" and not length):
        return 411
    if length and (not length.isdecimal() or len(length) > 9):
        return 400
    if int(length or 0) > (MAX_REQUEST_BYTES if words[0] == b"POST" else 0):
        return 413
    is_last = words[2] == b"HTTP/1.0" or "close" in fields.get("connection", "").lower()
    return Head(words[0].decode(), words[1].decode(), int(length or 0), is_last)


@dataclass(slots=True)
class WitnessServer:
    """The connections of one witness.

    Args:
        told: Called with each answer, for the operator.
    """

    witness: Witness
    told: Callable[[Answer], None]
    open: int = field(default=0, init=False)

    async def serve(self, host: str, port: int, context: ssl.SSLContext | None = None) -> asyncio.Server:
        """Return a server that answers until it is closed.

        Raises:
            DoorwardError: The address cannot be listened on.
        """
        try:
            return await asyncio.start_server(self._connected, host, port, ssl=context, limit=MAX_HEAD_BYTES)
        except OSError as error:
            raise DoorwardError(
                f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another address"
            ) from error

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open > MAX_CONNECTIONS:
                return
            for left in reversed(range(MAX_REQUESTS)):
                if not await self._exchange(reader, writer, is_last=left == 0):
                    return
        except TimeoutError:
            writer.transport.abort()  # what is left of an answer would wait for whoever does not read it
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asks reads that no answer came
        finally:
            await _close(writer)
            self.open -= 1

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_last: bool
    ) -> bool:
        """Answer one request, and return whether another may follow on the connection."""
        async with asyncio.timeout(IDLE_SECONDS):
            first = await reader.readexactly(1)
        async with asyncio.timeout(REQUEST_SECONDS):
            try:
                head = parse_head(first + await reader.readuntil(b"\r\n\r\n"))
            except asyncio.LimitOverrunError:
                head = 431
            if isinstance(head, int):  # where its body begins or ends is not known
                writer.write(_format(Answer(head, b"the request is none that is read here\n"), is_last=True))
                await writer.drain()
                return False
            body = await reader.readexactly(head.length)
            answer = self._answer(head, body)
            self.told(answer)
            is_last = is_last or head.is_last
            writer.write(_format(answer, is_last=is_last))
            await writer.drain()
        return not is_last

    def _answer(self, head: Head, body: bytes) -> Answer:
        wanted = _CHECKPOINT.fullmatch(head.path)
        if head.path == _SUBMIT:
            if head.method != "POST":
                return Answer(405, b"POST it\n")
            return self.witness.add_checkpoint(body)
        if wanted is not None:
            if head.method != "GET":
                return Answer(405, b"GET it\n")
            return self.witness.last_checkpoint(wanted[1])
        return Answer(404, b"POST /add-checkpoint, or GET /<id of a log>/checkpoint\n")


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, within its time whoever is at the other end."""
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
    except OSError:
        pass  # it is closed


def _format(answer: Answer, *, is_last: bool) -> bytes:
    allow = f"Allow: {answer.body.split()[0].decode()}\r\n" if answer.status == 405 else ""
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nCache-Control: no-store\r\n{allow}"
        f"{'Connection: close' + chr(13) + chr(10) if is_last else ''}\r\n"
    )
    return head.encode("ascii") + answer.body

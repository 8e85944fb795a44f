"""The gateway's own socket for the officer on its host: which sessions there are, and that cuts are to be looked at.

A line of JSON in, a line of JSON out. Who may ask is decided by the kernel: the socket is in a folder of the gateway's
user, readable by that user only, and the peer's user is asked for as well. Nothing else listens on it.
"""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError

MAX_LINE_BYTES: Final = 4096
ANSWER_SECONDS: Final = 10
MAX_ANSWER_BYTES: Final = 1024 * 1024
MAX_SOCKET_PATH: Final = 107  # sockaddr_un on Linux, without the closing NUL
_CREDENTIALS: Final = struct.Struct("3i")

Handler = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


def socket_path(run: Path, worker: int) -> Path:
    """Return the control socket of a gateway worker; whoever succeeds it takes the same.

    Raises:
        ConfigError: The folder's path is too long for a socket.
    """
    path = run / f"control-{worker}.sock"
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise ConfigError(f"the path `{path}` is too long for a socket", hint="choose a shorter data folder")
    return path


async def serve_control(path: Path, handle: Handler) -> asyncio.Server:
    """Return a server on this path that answers with what the handler gives.

    Raises:
        OSError: The socket cannot be made.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if _is_ours(writer.get_extra_info("socket")):
                    asked = json.loads(await reader.readuntil(b"\n"))
                    found = await handle(asked if isinstance(asked, dict) else {})
                    writer.write(json.dumps(found).encode() + b"\n")
                    await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asks reads that no answer came
        finally:
            writer.close()

    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108  # of the worker before this one
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(answer, path, limit=MAX_LINE_BYTES)
    finally:
        os.umask(before)


async def fetch_control(path: Path, question: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """Return a gateway worker's answer to another process of the gateway.

    Raises:
        OSError: Nobody answers on this socket as it must, or not in time.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_unix_connection(path, limit=MAX_ANSWER_BYTES)
            try:
                writer.write(json.dumps(question).encode() + b"\n")
                answer = json.loads(await reader.readuntil(b"\n"))
            finally:
                writer.close()
    except (TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise OSError("the gateway gave no answer") from error
    if not isinstance(answer, dict):
        raise OSError("the gateway gave no answer")
    return answer


def ask_control(path: Path, question: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a gateway's answer, or None where nobody answers on this socket.

    Raises:
        OSError: The gateway does not answer as it must.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        client.sendall(json.dumps(question).encode() + b"\n")
        with client.makefile("rb") as lines:
            line = lines.readline()
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise OSError("the gateway gave no answer") from error
    return answer if isinstance(answer, dict) else None


def _is_ours(client: socket.socket) -> bool:
    _pid, uid, _gid = _CREDENTIALS.unpack(
        client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return uid in {0, os.geteuid()}

"""A log at an address, read by GET from a static server; whatever answers is hostile.

1. https or http; no credentials, query or fragment in the address; the host's own authorities are trusted, proxies of
   the environment are not used.
2. A redirect is followed at the same address only (scheme, host, port), three times.
3. Nothing compressed is accepted; no more is read than such a file may have.
4. A file ends within its time, whatever the server drips: the connection is shut when it is over.
5. A connection that fails, 429 and 5xx are tried again, with growing pauses. 404 and 410 say that there is no file.
   Anything else is "could not tell".
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Final
from urllib.parse import urljoin, urlsplit

from doorward.errors import ConfigError, MalformedError, StoreError

MAX_REDIRECTS: Final = 3
ATTEMPTS: Final = 4
PAUSE_SECONDS: Final = 0.25
SILENCE_SECONDS: Final = 10.0
FILE_SECONDS: Final = 60.0
_CHUNK_BYTES: Final = 64 * 1024
_GONE: Final = (404, 410)
_MOVED: Final = (301, 302, 303, 307, 308)


class _AgainError(Exception):
    """Worth another attempt; says why."""


class HttpSource:
    """A log at an address.

    Args:
        address: Of whoever calls.
        pause: Waits so many seconds.
        file_seconds: How long one file may take, its redirects included.

    Raises:
        ConfigError: The address is none of a log.
    """

    can_list = False

    def __init__(
        self, address: str, *, pause: Callable[[float], None] = time.sleep, file_seconds: float = FILE_SECONDS
    ) -> None:
        try:
            parts = urlsplit(address)
            self._host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigError(f"`{address}` is no address: {error}") from error
        if parts.scheme not in {"http", "https"} or not self._host:
            raise ConfigError(f"`{address}` is no https or http address")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ConfigError("a log's address has no credentials, query or fragment")
        self._address = address.rstrip("/") + "/"
        self._port = port or (443 if parts.scheme == "https" else 80)
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._pause, self._file_seconds = pause, file_seconds
        self._link = HTTPConnection(parts.netloc)  # its socket is made here
        self._twin: socket.socket | None = None  # of the same connection, to shut it by
        self._is_over = False

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """As `Source.read`."""
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                with self._deadline(path):
                    return self._fetch(path, max_bytes)
            except _AgainError as error:
                why = str(error)
                self.close()
            except (HTTPException, OSError) as error:
                why = str(getattr(error, "verify_message", "")) or type(error).__name__
                self.close()
        raise StoreError(f"`{path}` could not be fetched in {ATTEMPTS} attempts: {why}")

    @contextmanager
    def _deadline(self, path: str) -> Iterator[None]:
        timer = threading.Timer(self._file_seconds, self._shut)
        timer.daemon = True
        self._is_over = False
        timer.start()
        try:
            yield
        except (HTTPException, OSError, _AgainError):
            if not self._is_over:
                raise
        finally:
            timer.cancel()
        if self._is_over:
            self.close()
            raise StoreError(f"`{path}` did not end within {self._file_seconds:g} seconds")

    def _shut(self) -> None:
        self._is_over = True
        twin = self._twin
        if twin is not None:
            with suppress(OSError):  # it is closed already
                twin.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        raw = socket.create_connection((self._host, self._port), SILENCE_SECONDS)
        try:
            self._twin = socket.socket(fileno=os.dup(raw.fileno()))
            if self._is_over:
                self._shut()
            self._link.sock = (
                self._context.wrap_socket(raw, server_hostname=self._host)
                if self._context is not None
                else raw
            )
        except BaseException:
            raw.close()
            raise

    def _fetch(self, path: str, max_bytes: int) -> bytes | None:
        url = self._address + path
        for _ in range(MAX_REDIRECTS + 1):
            if self._link.sock is None:
                self.close()
                self._connect()
            headers = {"Accept-Encoding": "identity", "User-Agent": "doorward-verify"}
            self._link.request("GET", urlsplit(url).path, headers=headers)
            response = self._link.getresponse()
            if response.status not in _MOVED:
                return self._take(response, path, max_bytes)
            self.close()
            url = self._moved(url, response.headers.get("Location", ""))
        raise StoreError(f"`{path}` was redirected more than {MAX_REDIRECTS} times")

    def _take(self, response: HTTPResponse, path: str, max_bytes: int) -> bytes | None:
        if response.status != 200:
            self.close()  # what else it says is not read
            if response.status in _GONE:
                return None
            if response.status == 429 or response.status >= 500:
                raise _AgainError(f"the server answered {response.status}")
            raise StoreError(f"`{path}`: the server answered {response.status}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            self.close()
            raise StoreError(f"`{path}`: the server compressed it, and was asked not to")
        raw = bytearray()
        while len(raw) <= max_bytes:
            chunk = response.read(min(_CHUNK_BYTES, max_bytes + 1 - len(raw)))
            if not chunk:
                if response.length:
                    raise _AgainError("the answer was cut short")
                return bytes(raw)
            raw += chunk
        self.close()
        raise MalformedError(f"`{path}` has more than {max_bytes} bytes")

    @staticmethod
    def _moved(url: str, location: str) -> str:
        target = ""
        try:
            target = urljoin(url, location)
            is_same = bool(location) and urlsplit(target)[:2] == urlsplit(url)[:2]
        except ValueError:
            is_same = False
        if not is_same:
            raise StoreError("the server redirects to another place; name that address, if you mean it")
        if not (target.isascii() and target.isprintable()) or " " in target:
            raise StoreError("the server redirects to what is no address: not printable ASCII without spaces")
        return target

    def paths(self) -> Iterator[str]:
        """Yield nothing: a web server does not say what it has."""
        return iter(())

    def close(self) -> None:
        """Close the connection; the next file opens another one."""
        self._link.close()
        if self._twin is not None:
            self._twin.close()
            self._twin = None

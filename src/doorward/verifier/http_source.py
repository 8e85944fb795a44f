"""A log at an address, read by GET from a static server; whatever answers is hostile.

1. https or http; no credentials, query or fragment in the address; the host's own authorities are trusted.
2. A redirect is followed on the same host only, three times, and never from https to http.
3. Nothing compressed is accepted; no more is read than such a file may have; a file ends within its time, whatever
   the server drips.
4. A connection that fails, 429 and 5xx are tried again, with growing pauses. 404 and 410 say that there is no file.
   Anything else is "could not tell".
"""

import time
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from doorward.errors import ConfigError, MalformedError, StoreError

MAX_REDIRECTS: Final = 3
ATTEMPTS: Final = 4
PAUSE_SECONDS: Final = 0.25
CONNECT_SECONDS: Final = 10.0
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
        clock: Seconds that only grow.

    Raises:
        ConfigError: The address is none of a log.
    """

    can_list = False

    def __init__(
        self,
        address: str,
        *,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        file_seconds: float = FILE_SECONDS,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"`{address}` is no https or http address")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ConfigError("a log's address has no credentials, query or fragment")
        self._address = address.rstrip("/") + "/"
        self._pause, self._clock, self._file_seconds = pause, clock, file_seconds
        self._pool = PoolManager(num_pools=2, maxsize=1, retries=False)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """As `Source.read`."""
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                return self._fetch(path, max_bytes)
            except _AgainError as error:
                why = str(error)
            except (HTTPError, OSError) as error:
                why = type(error).__name__
        raise StoreError(f"`{path}` could not be fetched in {ATTEMPTS} attempts: {why}")

    def _fetch(self, path: str, max_bytes: int) -> bytes | None:
        url = self._address + path
        deadline = self._clock() + self._file_seconds
        for _ in range(MAX_REDIRECTS + 1):
            response = self._pool.request(
                "GET",
                url,
                redirect=False,
                preload_content=False,
                decode_content=False,
                headers={"Accept-Encoding": "identity", "User-Agent": "doorward-verify"},
                timeout=Timeout(connect=CONNECT_SECONDS, read=CONNECT_SECONDS),
            )
            try:
                if response.status not in _MOVED:
                    return self._take(response, path, max_bytes, deadline)
                url = self._moved(url, response.headers.get("Location", ""))
            finally:
                response.drain_conn() if response.length_remaining == 0 else response.close()
        raise StoreError(f"`{path}` was redirected more than {MAX_REDIRECTS} times")

    def _take(self, response: BaseHTTPResponse, path: str, max_bytes: int, deadline: float) -> bytes | None:
        if response.status in _GONE:
            return None
        if response.status == 429 or response.status >= 500:
            raise _AgainError(f"the server answered {response.status}")
        if response.status != 200:
            raise StoreError(f"`{path}`: the server answered {response.status}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise StoreError(f"`{path}`: the server compressed it, and was asked not to")
        raw = bytearray()
        while len(raw) <= max_bytes:
            chunk = response.read1(min(_CHUNK_BYTES, max_bytes + 1 - len(raw)))
            if not chunk:
                return bytes(raw)
            raw += chunk
            if self._clock() > deadline:
                raise StoreError(f"`{path}` did not end within {self._file_seconds:g} seconds")
        raise MalformedError(f"`{path}` has more than {max_bytes} bytes")

    @staticmethod
    def _moved(url: str, location: str) -> str:
        target = urljoin(url, location)
        before, after = urlsplit(url), urlsplit(target)
        is_safer = before.scheme == "http" and after.scheme == "https"
        if not location or after.hostname != before.hostname or not (is_safer or after[:2] == before[:2]):
            raise StoreError("the server redirects to another place; name that address, if you mean it")
        return target

    def paths(self) -> Iterator[str]:
        """Yield nothing: a web server does not say what it has."""
        return iter(())

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

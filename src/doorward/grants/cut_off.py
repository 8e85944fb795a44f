"""An end to a conversation with a peer that may be dead, slow or hostile.

Time limits on a socket are for one operation each: a peer that sends a byte a second keeps within all of them. Here the
connection itself is shut when the time is over, and whoever waits on it wakes with an error.
"""

import os
import socket
import threading
from contextlib import suppress
from typing import Final, Self

from doorward.errors import UpstreamError

TOO_LATE: Final = "the register gave no whole answer in time"


class CutOff:
    """Shuts the connections that it watches after so many seconds.

    Raises:
        UpstreamError: On leaving, where the time was over before.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._fire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._twins: list[socket.socket] = []
        self._is_over = False

    def watch(self, descriptor: int) -> None:
        """Watch a connection from here on; TLS may take the socket over meanwhile."""
        twin = socket.socket(fileno=os.dup(descriptor))
        with self._lock:
            self._twins.append(twin)
            if self._is_over:
                _shut(twin)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for twin in self._twins:
                twin.close()
            self._twins = []
            if self._is_over:
                raise UpstreamError(TOO_LATE)

    def _fire(self) -> None:
        with self._lock:
            self._is_over = True
            for twin in self._twins:
                _shut(twin)


def _shut(twin: socket.socket) -> None:
    with suppress(OSError):  # the peer may have been faster
        twin.shutdown(socket.SHUT_RDWR)

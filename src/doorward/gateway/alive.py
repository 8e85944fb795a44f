"""Noticing that the other side of a connection went away without a word: its host is off, or the network is cut.

Only TCP's own probes are used. A bound on bytes that are not taken (TCP_USER_TIMEOUT) would also end a client that
reads slowly and a backend that works on what it was sent, so bytes that are under way when the network is cut are
waited for as long as the system repeats them.
"""

import socket
from typing import Final

IDLE_SECONDS: Final = 30
INTERVAL_SECONDS: Final = 10
PROBES: Final = 3  # without an answer: gone after a minute
# The same for connections of libpq.
KEPT_ALIVE: Final = {
    "keepalives_idle": IDLE_SECONDS,
    "keepalives_interval": INTERVAL_SECONDS,
    "keepalives_count": PROBES,
}
_OPTIONS: Final = {"TCP_KEEPIDLE": IDLE_SECONDS, "TCP_KEEPINTVL": INTERVAL_SECONDS, "TCP_KEEPCNT": PROBES}


def keep_alive(sock: socket.socket) -> None:
    """Let the system probe a TCP connection while nothing comes.

    Raises:
        OSError: The connection is gone already.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        option = getattr(socket, name, None)  # not every system has each
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)

"""What a building's phones reach of a desk that listens in its network: the front desk's app, and by a flag the rest.

By which of its addresses the desk was reached is asked of the socket. The name that a browser sends says nothing:
whoever is in the network can send any.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from doorward.desk.front_mount import PREFIX

SOCKET: Final = "gunicorn.socket"
_BODY: Final = b"here is the front desk alone\n"


def only_front(site: WSGIApplication) -> WSGIApplication:
    """Return the site, of which the network sees the front desk alone; this machine sees all."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == PREFIX or path.startswith(f"{PREFIX}/") or is_this_machine(environ):
            return site(environ, start_response)
        if path == "/":
            start_response(
                "302 Found",
                [("Location", f"{PREFIX}/"), ("Content-Length", "0"), ("Cache-Control", "no-store")],
            )
            return []
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_BODY)))]
        start_response(
            "404 Not Found", [*headers, ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        )
        return [_BODY]

    return answer


def is_this_machine(environ: WSGIEnvironment) -> bool:
    """Return whether both ends of a connection are on the loopback: then it is of this machine, whatever it says."""
    try:
        here, there = environ[SOCKET].getsockname()[0], environ[SOCKET].getpeername()[0]
        return ipaddress.ip_address(here).is_loopback and ipaddress.ip_address(there).is_loopback
    except (KeyError, OSError, ValueError, IndexError):
        return False

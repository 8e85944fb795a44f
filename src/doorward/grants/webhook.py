"""A webhook: one POST over HTTPS, signed, to an address that may be lying or hang.

1. The body is JSON; over it and the time stands an HMAC-SHA256 with a secret of this webhook alone, so that whoever
   receives it knows who sent it, that it is whole, and that it is no repeat of an old one:
   `Doorward-Signature: v1=HEX` of `TIME.BODY`, `Doorward-Timestamp: TIME` in seconds since 1970.
2. The name is resolved once, each of its addresses is looked at, and the connection goes to the one that was looked
   at. An address of a private, local or otherwise not public range is refused unless the settings allow it: else a
   webhook would be a way to have this host ask things of its own network.
3. Redirects are not followed, proxies of the environment not used. Of the answer only the status counts; its body is
   not read.
4. The whole exchange ends within its time, whatever the peer drips.

Source: RFC 2104; RFC 9110; RFC 6890 (special-purpose addresses).
"""

import hmac
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from http.client import HTTPException
from typing import Final

from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from doorward.errors import ConfigError, UpstreamError
from doorward.grants.cut_off import CutOff
from doorward.grants.notices import Webhook
from doorward.grants.register_https import read_token

MIN_SECRET: Final = 32
OK: Final = range(200, 300)


def parse_webhook(url: str) -> tuple[str, int, str]:
    """Return host, port and path.

    Raises:
        ConfigError: It is no plain `https://host[:port]/path`.
    """
    try:
        parts = parse_url(url)
    except HTTPError as error:
        raise ConfigError("a webhook's address is none") from error
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme != "https" or not parts.host or parts.auth or parts.query or parts.fragment:
        raise ConfigError("a webhook is `https://`, a host and a path, without a user, `?` or `#`")
    return parts.host.strip("[]"), parts.port or 443, parts.path or "/"


def read_secret(webhook: Webhook) -> str:
    """Return the secret of a webhook.

    Raises:
        ConfigError: The file cannot be read, others may read it, or it is shorter than `MIN_SECRET`.
    """
    secret = read_token(webhook.secret_file)
    if len(secret) < MIN_SECRET:
        raise ConfigError(f"`{webhook.secret_file.name}` has fewer than {MIN_SECRET} characters")
    return secret


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers by which a receiver knows a body and its time."""
    stamp = str(int(now.timestamp()))
    code = hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return {"Doorward-Timestamp": stamp, "Doorward-Signature": f"v1={code}"}


def post(
    webhook: Webhook, body: bytes, headers: Mapping[str, str], *, now: datetime, timeout_seconds: float
) -> str:
    """Return why a webhook did not take a body, or an empty text where it answered with a status of success."""
    try:
        host, port, path = parse_webhook(webhook.url)
        secret = read_secret(webhook)
        context = ssl.create_default_context(cafile=webhook.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        address = choose_address(_resolve(host, port), private=webhook.private)
        if address is None:
            return (
                "the webhook's address is in a range that is not public, and its settings do not allow that"
            )
        sent = {
            **headers, **sign(secret, body, now), "Content-Type": "application/json", "User-Agent": "doorward",
            "Connection": "close", "Accept-Encoding": "identity",
        }  # fmt: skip
        with CutOff(timeout_seconds) as cut_off:
            connection = _Pinned(host, port, address, context, cut_off, timeout_seconds)
            try:
                connection.request("POST", path, body, sent, preload_content=False, decode_content=False)
                response = connection.getresponse()
                status = response.status
                response.close()
            finally:
                connection.close()
    except ConfigError as error:
        return str(error)
    except UpstreamError:
        return "the webhook did not take it: it did not end in time"
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        return f"the webhook did not take it: {type(error).__name__}"
    return "" if status in OK else f"the webhook answered {status}"


def choose_address(addresses: Sequence[str], *, private: bool) -> str | None:
    """Return the first address, or None where one of all is not public and that is not allowed.

    One bad address among good ones refuses all: whoever keeps the name chooses which is tried.
    """
    found = [ipaddress.ip_address(one.partition("%")[0]) for one in addresses]
    if not found or (not private and not all(map(_is_public, found))):
        return None
    return addresses[0]


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None and not _is_public(inner):
            return False
        if address in _NAT64:  # RFC 6052: an IPv4 address in another dress
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def _resolve(host: str, port: int) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Pinned(HTTPSConnection):
    """A connection to one address; the name is what TLS verifies, and nothing is resolved again."""

    def __init__(  # noqa: PLR0917  # a connection's parts
        self, host: str, port: int, address: str, context: ssl.SSLContext, cut_off: CutOff, seconds: float
    ) -> None:
        super().__init__(host, port, timeout=seconds, ssl_context=context)
        self._address, self._cut_off, self._seconds = address, cut_off, seconds

    def _new_conn(self) -> socket.socket:
        sock = socket.create_connection((self._address, self.port), self._seconds)
        self._cut_off.watch(sock.fileno())
        return sock

"""What the listener does with a connection that TLS let through and that is none of ours."""

import asyncio
from typing import Any

import pytest

from doorward.gateway.handshake import Channel
from doorward.gateway.listen import Listening, _AfterTls


class Tls:
    """The part of an SSL object that is looked at."""

    def __init__(self, *, alpn: str | None, certificate: bytes | None) -> None:
        self._alpn = alpn
        self._certificate = certificate

    def selected_alpn_protocol(self) -> str | None:
        return self._alpn

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        assert binary_form
        return self._certificate


class Transport(asyncio.Transport):
    """A transport that remembers whether it was cut."""

    def __init__(self, tls: Tls | None) -> None:
        super().__init__({"ssl_object": tls})
        self.is_cut = False

    def abort(self) -> None:
        self.is_cut = True

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol


@pytest.mark.parametrize(
    ("tls", "direct"),
    [
        (None, False),
        (Tls(alpn=None, certificate=None), True),
        (Tls(alpn="http/1.1", certificate=None), True),
        (Tls(alpn="postgresql", certificate=b"no certificate"), True),
        (Tls(alpn=None, certificate=b""), False),
    ],
    ids=["no TLS", "no protocol named", "another protocol", "a certificate that cannot be read", "fine"],
)
def test_a_connection_is_handed_on_or_cut_and_never_left_open(*, tls: Tls | None, direct: bool) -> None:
    handed: list[Channel] = []

    def receive(channel: Channel) -> asyncio.Protocol:
        handed.append(channel)
        return asyncio.Protocol()

    transport = Transport(tls)
    _AfterTls(receive, Listening("127.0.0.1", 0, binding=b"binding"), direct=direct).connection_made(
        transport
    )
    assert transport.is_cut != bool(handed)
    assert all(channel.encrypted and channel.certificate is None for channel in handed)

"""From the first byte to a login whose password holds: pure, one session's opening.

Laws. Before authentication a client learns 28P01 and nothing else: not whether a login exists, not whether the
database does. Bytes stuffed behind a request for encryption are a protocol error (the class of CVE-2021-23214).
Replication and protocol versions other than 3 are refused.

Source: PostgreSQL 17 documentation, 53.2.1 "Start-up" and 53.3 "SASL Authentication".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from doorward.errors import RemoteProtocolError
from doorward.gateway.proof import PASSWORD, Method, Proof
from doorward.pgwire.frames import FrameReader, StartupReader
from doorward.pgwire.limits import MAX_AUTH_FRAME_BYTES, MAX_TOKEN_FRAME_BYTES
from doorward.pgwire.messages import (
    CancelRequest,
    StartupMessage,
    format_authentication,
    format_error,
    format_negotiation,
    is_replication,
    negotiate,
    parse_opening,
    parse_sasl_initial,
)
from doorward.pgwire.scram import MECHANISM, MECHANISM_PLUS, ScramServer, Verifier, mock_verifier
from doorward.pgwire.sqlstate import FEATURE_NOT_SUPPORTED

PASSWORD_MESSAGE: Final = ord("p")
CLEARTEXT_PASSWORD: Final = 3  # AuthenticationCleartextPassword
MAX_ENCRYPTION_REQUESTS: Final = 2  # libpq asks for GSS once and for TLS once
MOCK_ITERATIONS: Final = 4096  # what `doorward up` and PostgreSQL give their own verifiers


class HandshakePhase(Enum):
    """How far the opening is."""

    STARTUP = auto()
    FIRST = auto()
    FINAL = auto()
    TOKEN = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Channel:
    """How the client's bytes come in.

    Args:
        encrypted: Whether TLS stands around them.
        binding: What a SCRAM exchange can bind to, with TLS.
        certificate: The common name of the client's verified certificate, or None.
        certificate_until: The end of that certificate; aware.
        takes_tokens: Whether a token of the identity provider stands in the place of every password here.
    """

    encrypted: bool = False
    binding: bytes | None = None
    certificate: str | None = None
    certificate_until: datetime | None = None
    takes_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an active login proves itself by: a password's verifier, or the common name of a certificate.

    Args:
        is_card: Whether certificates of people are on cards that ask for a PIN, as the city says.
    """

    verifier: Verifier | None = None
    certificate: str | None = None
    is_card: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A login that proved itself, with everything that it said in its startup message."""

    login: str
    database: str
    parameters: Mapping[str, str]
    proof: Proof = PASSWORD


@dataclass(frozen=True, slots=True)
class Failed:
    """An opening that ends here; what was claimed is for the record."""

    login: str
    reason: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What a piece of the opening leads to: bytes for the client, and a result where there is one."""

    to_client: bytes = b""
    result: Opened | Failed | CancelRequest | None = None


class Handshake:
    """The opening of one session.

    Args:
        find_credentials: What an active login proves itself by, or None.
        server_secret: From which unknown logins get their salts.
        nonce: Random, printable, used once.
        channel: How the client's bytes come in.
        check_token: What a token proves of the login that is claimed, or None; asked where the channel takes tokens.
    """

    def __init__(
        self,
        *,
        find_credentials: Callable[[str], Credentials | None],
        server_secret: bytes,
        nonce: str,
        channel: Channel = Channel(),  # a value that never changes
        check_token: Callable[[str, bytes], Proof | None] | None = None,
    ) -> None:
        self._check_token = check_token
        self.phase = HandshakePhase.STARTUP
        self._find_credentials = find_credentials
        self._channel = channel
        self._server_secret = server_secret
        self._nonce = nonce
        self._startup = StartupReader()
        self._frames = FrameReader(MAX_TOKEN_FRAME_BYTES if channel.takes_tokens else MAX_AUTH_FRAME_BYTES)
        self._encryption_requests = 0
        self._parameters: dict[str, str] = {}
        self._exchange: ScramServer | None = None

    @property
    def login(self) -> str:
        """The login as claimed so far, or an empty text."""
        return self._parameters.get("user", "")

    @property
    def trailing_data(self) -> bytes:
        """Bytes that came behind the last message of the opening; a client that speaks too early is refused."""
        return self._frames.trailing_data

    def feed(self, data: bytes) -> Step:
        """Return what these bytes lead to.

        Raises:
            RemoteProtocolError: The client broke the protocol.
        """
        if self.phase is HandshakePhase.STARTUP:
            self._startup.feed(data)
            return self._read_startup()
        self._frames.feed(data)
        frame = self._frames.next_frame()
        if frame is None:
            return Step()
        if frame.kind != PASSWORD_MESSAGE:
            raise RemoteProtocolError("a password message was expected")
        if self._frames.trailing_data:
            raise RemoteProtocolError("bytes stand behind a password message that is not answered yet")
        if self.phase is HandshakePhase.TOKEN:
            return self._token(frame.payload)
        return (
            self._first(frame.payload) if self.phase is HandshakePhase.FIRST else self._final(frame.payload)
        )

    def _read_startup(self) -> Step:
        packet = self._startup.next_packet()
        if packet is None:
            return Step()
        message = parse_opening(packet)
        if self._startup.trailing_data:
            raise RemoteProtocolError("bytes stand behind a startup packet that is not answered yet")
        if isinstance(message, CancelRequest):
            self.phase = HandshakePhase.DONE
            return Step(result=message)
        if not isinstance(message, StartupMessage):
            if self._channel.encrypted:
                raise RemoteProtocolError("encryption was asked for inside of encryption")
            self._encryption_requests += 1
            if self._encryption_requests > MAX_ENCRYPTION_REQUESTS:
                raise RemoteProtocolError("encryption was asked for more than once of each kind")
            return Step(b"N")
        return self._started(message)

    def _started(self, message: StartupMessage) -> Step:
        self._parameters = dict(message.parameters)
        if is_replication(message):
            raise RemoteProtocolError(
                "replication is not served at this door", sqlstate_hint=FEATURE_NOT_SUPPORTED
            )
        login = self._parameters.get("user", "")
        if not login:
            raise RemoteProtocolError("a startup message without a user was sent")
        if self._channel.takes_tokens:
            if not self._channel.encrypted:
                raise RemoteProtocolError("a token is taken over TLS only")
            self.phase = HandshakePhase.TOKEN
            return Step(_negotiation(message) + format_authentication(CLEARTEXT_PASSWORD))
        credentials = self._find_credentials(login) or Credentials()
        if credentials.certificate is not None and credentials.certificate == self._channel.certificate:
            self.phase = HandshakePhase.DONE
            proof = Proof(Method.CERTIFICATE, credentials.is_card, self._channel.certificate_until)
            return Step(_negotiation(message), self._opened(proof))
        verifier, binding = credentials.verifier, self._channel.binding
        self._exchange = ScramServer(
            verifier or mock_verifier(self._server_secret, login, iterations=MOCK_ITERATIONS),
            is_known=verifier is not None,
            nonce=self._nonce,
            binding=binding,
        )
        self.phase = HandshakePhase.FIRST
        offered = b"\0".join([*([MECHANISM_PLUS] if binding else []), MECHANISM, b""]) + b"\0"
        return Step(_negotiation(message) + format_authentication(10, offered))

    def _first(self, payload: bytes) -> Step:
        mechanism, data = parse_sasl_initial(payload)
        plus = mechanism == MECHANISM_PLUS and self._channel.binding is not None
        if not (plus or mechanism == MECHANISM) or self._exchange is None:
            raise RemoteProtocolError("SCRAM-SHA-256 is the one way to log in here")
        self.phase = HandshakePhase.FINAL
        return Step(format_authentication(11, self._exchange.first(data, plus=plus)))

    def _final(self, payload: bytes) -> Step:
        answer = self._exchange.final(payload) if self._exchange else None
        self.phase = HandshakePhase.DONE
        if answer is None:
            return self._failed("password")
        return Step(format_authentication(12, answer), self._opened(PASSWORD))

    def _token(self, payload: bytes) -> Step:
        self.phase = HandshakePhase.DONE
        if not payload.endswith(b"\0") or b"\0" in payload[:-1]:
            raise RemoteProtocolError("a password message is one text")
        proof = self._check_token(self.login, payload[:-1]) if self._check_token is not None else None
        # Looked up behind the check, so that no time tells which logins there are.
        is_known = self._find_credentials(self.login) is not None
        if proof is None or not is_known:
            return self._failed("token")
        return Step(result=self._opened(proof))

    def _failed(self, reason: str) -> Step:
        refused = format_error("FATAL", "28P01", f'password authentication failed for user "{self.login}"')
        return Step(refused, Failed(self.login, reason, self._parameters))

    def _opened(self, proof: Proof) -> Opened:
        parameters = {
            name: value for name, value in self._parameters.items() if name not in {"user", "database"}
        }
        return Opened(self.login, self._parameters.get("database") or self.login, parameters, proof)


def _negotiation(message: StartupMessage) -> bytes:
    answer = negotiate(message)
    return b"" if answer is None else format_negotiation(answer)

"""What a session asks of its shell, as values; the shell performs them in the order in which they stand."""

from collections.abc import Mapping
from dataclasses import dataclass

from doorward.gateway.proof import PASSWORD, Proof
from doorward.record.entry import Draft


@dataclass(frozen=True, slots=True)
class Append:
    """Put these into the spool; nothing that stands behind this action may happen before it is done."""

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class ToClient:
    """Send bytes to the client."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ToServer:
    """Send bytes to PostgreSQL."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AskDoor:
    """Put this login's claims to the order, then call `Session.answered`."""

    login: str
    options: Mapping[str, str]
    proof: Proof = PASSWORD


@dataclass(frozen=True, slots=True)
class BindLogin:
    """Bind a login role to the grant that was answered, connect as it, then call `Session.connected`."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Forward a cancel request to the session with this key, if there is one; close once PostgreSQL has taken it."""

    process_id: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class EndStatement:
    """Cancel what PostgreSQL runs for this session, and read on meanwhile: nothing more of it reaches the client."""


@dataclass(frozen=True, slots=True)
class EndBackend:
    """Terminate this session's backend and tell the client why: what was cancelled runs on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    """Flush what was sent and close both sides; ``reason`` is for the record."""

    reason: str


Action = Append | ToClient | ToServer | AskDoor | BindLogin | Cancel | EndStatement | EndBackend | Close

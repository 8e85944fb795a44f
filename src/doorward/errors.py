"""Every way in which doorward can fail, in one tree.

::

    DoorwardError                     .hint: what to do, or None; .code: stable, documented
    ├── ConfigError                   a setting, file or argument is not what it must be
    ├── PolicyError                   .span: file, line and column, or None
    │   ├── PolicySyntaxError         the text is no Cedar
    │   ├── PolicyCheckError          the order is well formed and must not be installed; .findings
    │   └── UnsupportedPolicyError    a target cannot express a construct; nothing is approximated
    ├── LogError
    │   ├── MalformedError            bytes are not what they claim to be
    │   ├── VerificationError         well formed, and false
    │   └── StoreError                the disk or the store said no; .may_have_been_stored
    │       └── UnsyncedError         the disk did not confirm what it was given; never tried again
    ├── WireError                     .sqlstate_hint
    │   ├── LocalProtocolError        our own bug
    │   └── RemoteProtocolError       the peer broke the protocol
    ├── UpstreamError                 PostgreSQL or a register did not do what the door needs
    ├── InstallError                  an install stopped or was taken back; .findings
    └── ClusterError                  an embedded server did not start, stop or answer

A denial is a value (`doorward.policy.Decision`), never one of these.

Messages start in lower case, take one line, say what was expected and what came, and never carry a secret,
a row's value or a traceback. What to do about it goes into ``hint``.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class DoorwardError(Exception):
    """Base of every failure that doorward raises on purpose.

    Args:
        message: One line, lower case start, expected and got.
        hint: What the reader can do, or None.
    """

    code = "DW-0"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(DoorwardError):
    """A setting, a file or an argument is not what it must be; the message names it."""

    code = "DW-CONFIG"


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of an order, where it stands and what it is."""

    message: str
    span: Span | None = None
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.span}: {self.message}" if self.span else self.message


class PolicyError(DoorwardError):
    """An order cannot be used; ``span`` says where, if it has a place."""

    code = "DW-POLICY"

    def __init__(self, message: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(f"{span}: {message}" if span else message, hint=hint)
        self.span = span


class PolicySyntaxError(PolicyError):
    """The text is not Cedar."""

    code = "DW-POLICY-SYNTAX"


class PolicyCheckError(PolicyError):
    """The order is well formed and must not be installed; ``findings`` lists every reason."""

    code = "DW-POLICY-CHECK"

    def __init__(self, message: str, *, findings: Sequence[Finding], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class UnsupportedPolicyError(PolicyError):
    """A target cannot express a construct; it is refused, never approximated (law 5)."""

    code = "DW-POLICY-TARGET"


class LogError(DoorwardError):
    """Base of what can go wrong with the record."""

    code = "DW-LOG"


class MalformedError(LogError):
    """Bytes are not what they claim to be."""

    code = "DW-LOG-MALFORMED"


class VerificationError(LogError):
    """Well formed, and false: a hash, a signature or a proof does not hold."""

    code = "DW-LOG-FALSE"


class StoreError(LogError):
    """The disk or the store refused; ``may_have_been_stored`` is None where nobody can tell."""

    code = "DW-LOG-STORE"

    def __init__(
        self, message: str, *, may_have_been_stored: bool | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.may_have_been_stored = may_have_been_stored


class UnsyncedError(StoreError):
    """The disk did not confirm what was written; another try could succeed for bytes that are gone, so none is made."""

    code = "DW-LOG-UNSYNCED"


class WireError(DoorwardError):
    """Base of protocol failures; ``sqlstate_hint`` is the code to answer the peer with."""

    code = "DW-WIRE"

    def __init__(self, message: str, *, sqlstate_hint: str = "08P01", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate_hint = sqlstate_hint


class LocalProtocolError(WireError):
    """Our own side asked for something that the protocol state does not allow: a bug here."""

    code = "DW-WIRE-LOCAL"


class RemoteProtocolError(WireError):
    """The peer broke the protocol; the connection ends."""

    code = "DW-WIRE-REMOTE"


class UpstreamError(DoorwardError):
    """PostgreSQL or a register did not do what the door needs; the door stays shut, the fact unknown."""

    code = "DW-UPSTREAM"


MAX_SHOWN = 8  # findings in one line for a person


class InstallError(DoorwardError):
    """An install or uninstall stopped; ``findings`` lists every reason, the message those that fit a line.

    ``headline`` is the message without them, for whoever lists them below it.
    """

    code = "DW-INSTALL"

    def __init__(self, message: str, *, findings: Sequence[str] = (), hint: str | None = None) -> None:
        shown = [
            *findings[:MAX_SHOWN],
            *([f"and {len(findings) - MAX_SHOWN} more"] * (len(findings) > MAX_SHOWN)),
        ]
        super().__init__(f"{message}: {'; '.join(shown)}" if findings else message, hint=hint)
        self.headline = message
        self.findings = tuple(findings)


class ClusterError(DoorwardError):
    """An embedded server did not start, stop or answer."""

    code = "DW-CLUSTER"

"""A mail relay that takes mail over STARTTLS: verified by name, and spoken to for so long and no longer.

What it answers is trusted with nothing: of its words only the code is kept, since they may repeat what was sent. The
whole conversation ends within its time, whatever the relay drips.
"""

import email.policy
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, UpstreamError
from doorward.grants.cut_off import CutOff

PLAIN: Final = email.policy.default.clone(max_line_length=500)  # a pager shows quoted-printable as it stands


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail relay that takes mail over STARTTLS.

    Args:
        sender: The address that mails come from.
        authority: What the relay's certificate is verified against, or None for the system's.
        user: Of the relay, or empty where it asks for none.
        password_file: Read for each mail; the password stands nowhere else.
    """

    host: str
    port: int
    sender: str
    authority: Path | None = None
    user: str = ""
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent.

    Args:
        headers: More than sender and recipients, such as `Message-ID`; of the product's own words.
    """

    to: Sequence[str]
    subject: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


def send_letter(letter: Letter, relay: Relay, *, timeout_seconds: float) -> str:
    """Return why a relay did not take a mail, or an empty text where it took it for one address at least."""
    taken = False
    try:
        message = EmailMessage(PLAIN)
        message["From"], message["To"] = relay.sender, ", ".join(letter.to)
        message["Subject"] = letter.subject
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation reply comes back
        for name, value in letter.headers.items():
            message[name] = value
        message.set_content(f"{letter.text}\n")
        context = ssl.create_default_context(cafile=relay.authority)
        with CutOff(timeout_seconds) as cut_off:
            smtp = _Watched(relay, timeout_seconds, cut_off)
            try:
                _speak(smtp, message, relay, context)
                taken = True
            finally:
                # What it says to a goodbye changes nothing: the mail was taken or it was not.
                with suppress(OSError, smtplib.SMTPException):
                    smtp.quit()
    except ConfigError as error:
        return str(error)
    except UpstreamError:
        return "" if taken else "the mail relay did not take it: it did not end in time"
    except (OSError, smtplib.SMTPException) as error:
        code = getattr(error, "smtp_code", "")
        return f"the mail relay did not take it: {type(error).__name__} {code}".strip()
    except ValueError:  # a line break in a header, which the settings refuse already
        return "the mail was not sent: an address or a subject is no line"
    return ""


class _Watched(smtplib.SMTP):
    """A conversation whose socket is cut off when the time is over, before its first greeting already."""

    def __init__(self, relay: Relay, timeout_seconds: float, cut_off: CutOff) -> None:
        self._cut_off = cut_off
        super().__init__(relay.host, relay.port, timeout=timeout_seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = socket.create_connection((host, port), timeout)
        self._cut_off.watch(found.fileno())
        return found


def _speak(smtp: smtplib.SMTP, message: EmailMessage, relay: Relay, context: ssl.SSLContext) -> None:
    smtp.starttls(context=context)
    if relay.user and relay.password_file is not None:
        smtp.login(relay.user, read_password(relay.password_file))
    smtp.send_message(message)


def read_password(file: Path) -> str:
    """Return the relay's password.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the password of the mail relay in `{file.name}` cannot be read") from error

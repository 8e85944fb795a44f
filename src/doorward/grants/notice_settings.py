"""Whom each office is, and by what way it is told: as doorward.toml has it and as the desk is handed it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from doorward.grants.mail_relay import Relay
from doorward.grants.notices import OnCall, Webhook

TIMEOUT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """`[notices]`: whom each office is, and the relay for mail.

    Args:
        offices: By the order's word for an office.
        people: By login: named counsel of sealed matters, told in their own name and no other way.
    """

    offices: Mapping[str, OnCall] = field(default_factory=dict)
    relay: Relay | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    people: Mapping[str, OnCall] = field(default_factory=dict)

    @property
    def names_nobody(self) -> bool:
        """Whether there is nobody to tell."""
        return not self.offices and not self.people


def encode_settings(settings: NoticeSettings) -> dict[str, Any]:
    """Return the settings as JSON takes them; they name files of secrets and hold none."""
    relay = settings.relay
    return {
        "offices": {name: _encode(one) for name, one in settings.offices.items()},
        "people": {name: _encode(one) for name, one in settings.people.items()},
        "relay": None
        if relay is None
        else {
            "host": relay.host, "port": relay.port, "sender": relay.sender, "user": relay.user,
            "authority": _text(relay.authority), "password_file": _text(relay.password_file),
        },
        "timeout_seconds": settings.timeout_seconds,
    }  # fmt: skip


def decode_settings(read: Mapping[str, Any]) -> NoticeSettings:
    """Return the settings that `encode_settings` gave.

    Raises:
        KeyError: A part is missing.
        TypeError: A part is something else.
        ValueError: As above.
    """
    relay = read["relay"]
    return NoticeSettings(
        {str(name): _decode(one) for name, one in read["offices"].items()},
        None
        if relay is None
        else Relay(
            str(relay["host"]), int(relay["port"]), str(relay["sender"]), _path(relay["authority"]),
            str(relay["user"]), _path(relay["password_file"]),
        ),
        float(read["timeout_seconds"]),
        {str(name): _decode(one) for name, one in read["people"].items()},
    )  # fmt: skip


def _encode(one: OnCall) -> dict[str, Any]:
    hook = one.webhook
    return {
        "command": list(one.command), "mail": list(one.mail), "then": one.then, "spool": one.spool,
        "webhook": None
        if hook is None
        else {"url": hook.url, "secret_file": str(hook.secret_file), "authority": _text(hook.authority),
              "private": hook.private},
    }  # fmt: skip


def _decode(read: Mapping[str, Any]) -> OnCall:
    hook = read["webhook"]
    webhook = (
        None
        if hook is None
        else Webhook(
            str(hook["url"]), Path(hook["secret_file"]), _path(hook["authority"]), hook["private"] is True
        )
    )
    return OnCall(
        tuple(read["command"]), tuple(read["mail"]), str(read["then"]), read["spool"] is True, webhook
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)

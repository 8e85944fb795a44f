"""Telling an office: a program that is run with the notice, or a mail through a relay.

Neither is trusted with more than the notice. The program is run without a shell, with an environment of its own, in a
process group that is ended when its time is over; of what it writes, only the first of its standard error is kept. The
relay is spoken to with TLS and verified by name.
"""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from doorward.grants.mail_relay import Letter, Relay, send_letter
from doorward.grants.notice_settings import NoticeSettings
from doorward.grants.notices import Notice, OnCall, encode_notice
from doorward.grants.webhook import post

__all__ = ["NoticeSettings", "Relay", "run_program", "send_mail", "tell"]

SAID_BYTES: Final = 150
ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
SUBJECT: Final = "doorward"


def tell(notice: Notice, on_call: OnCall, relay: Relay | None, *, timeout_seconds: float) -> str:
    """Return why nobody was reached, or an empty text where somebody was."""
    if on_call.spool:
        return ""
    failures = []
    if on_call.command:
        failures.append(run_program(on_call.command, notice, timeout_seconds=timeout_seconds))
    if on_call.mail and relay is not None:
        failures.append(send_mail(notice, on_call.mail, relay, timeout_seconds=timeout_seconds))
    if on_call.webhook is not None:
        now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
        body = json.dumps({"format": 1, "id": notice.id, "text": notice.text}).encode()
        failures.append(post(on_call.webhook, body, {}, now=now, timeout_seconds=timeout_seconds))
    if not failures:
        return f"the office `{notice.to}` has neither a program nor a mail address nor a webhook"
    return "" if "" in failures else "; ".join(failures)


def run_program(command: Sequence[str], notice: Notice, *, timeout_seconds: float) -> str:
    """Return why a program did not take the notice, or an empty text where it ended with 0."""
    given = json.dumps(encode_notice(notice)).encode() + b"\n"
    try:
        process = subprocess.Popen(  # noqa: S603  # the command of the installation's own settings, no shell
            list(command), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=ENVIRONMENT, cwd="/", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"the program could not be started: {error.strerror}"
    assert process.stdin is not None
    assert process.stderr is not None
    with process.stdin, process.stderr:
        try:
            # Smaller than a pipe holds, so this waits for nobody; what it answers beyond a pipe makes it wait itself.
            with suppress(BrokenPipeError):
                process.stdin.write(given)
                process.stdin.close()
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with suppress(ProcessLookupError):  # it and whatever it started
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code == 0:
            return ""
        os.set_blocking(process.stderr.fileno(), False)
        said = (process.stderr.read(SAID_BYTES) or b"").decode("utf-8", "replace")
    ended = f"ended with {code}" if code is not None else f"did not end within {timeout_seconds:g} s"
    first = next((line for line in said.splitlines() if line.strip()), "")
    clean = "".join(character for character in first if character.isprintable())
    return f"the program {ended}: {clean}" if clean else f"the program {ended}"


def send_mail(notice: Notice, to: Sequence[str], relay: Relay, *, timeout_seconds: float) -> str:
    """Return why a relay did not take the mail, or an empty text where it took it for one address at least."""
    subject = f"{SUBJECT}: {notice.about} {notice.stage.value} {notice.id}"
    return send_letter(Letter(to, subject, notice.text), relay, timeout_seconds=timeout_seconds)

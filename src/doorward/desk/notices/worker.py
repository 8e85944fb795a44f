"""Sends notices: threads of the desk's one process, one a channel, so that a relay that hangs holds up no webhook.

What a thread cannot do it says once on standard error and tries again; nothing that it does or fails to do keeps a
matter or a visit from being filed.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection

from doorward.desk.clocks import note_missed
from doorward.desk.models import OutgoingNotice
from doorward.desk.notices.outbox import claim, close, is_moot, tell_clocks
from doorward.desk.notices.telling import MAIL, WEBHOOK, body_of, find_on_call, subject_of, text_of
from doorward.desk.notices.wake import forget, wait_for_wake
from doorward.errors import DoorwardError
from doorward.grants.mail_relay import Letter, send_letter
from doorward.grants.notices import Stage
from doorward.grants.webhook import post

PASS_SECONDS: Final = 2.0
CLOCK_SECONDS: Final = 20.0
ENDS_SECONDS: Final = 5.0


def send_due(channel: str, now: Callable[[], datetime]) -> int:
    """Return how many notices of a channel left; each that is due is tried once."""
    sent = 0
    begun = now()
    while (notice := claim(channel, begun)) is not None:
        if is_moot(notice, now()):
            close(notice, "", now(), moot=True)
            continue
        failed = send(notice, now())
        close(notice, failed, now())
        sent += not failed
    return sent


def send(notice: OutgoingNotice, now: datetime) -> str:
    """Return why a notice did not leave, or an empty text."""
    known = settings.DESK.notices
    on_call, stage, origin = (
        find_on_call(notice.addressee, known),
        Stage(notice.stage),
        settings.DESK.origins[0],
    )
    try:
        if notice.channel == MAIL and on_call is not None and on_call.mail and known.relay is not None:
            host = known.relay.sender.rpartition("@")[2]
            headers = {"Message-ID": f"<{notice.pk}@{host}>"}
            letter = Letter(
                on_call.mail, subject_of(notice.number, stage), text_of(notice.number, stage, origin), headers
            )
            return send_letter(letter, known.relay, timeout_seconds=known.timeout_seconds)
        if notice.channel == WEBHOOK and on_call is not None and on_call.webhook is not None:
            body = body_of(str(notice.pk), notice.number, stage, origin)
            headers = {"Idempotency-Key": str(notice.pk)}
            return post(on_call.webhook, body, headers, now=now, timeout_seconds=known.timeout_seconds)
    except DoorwardError as error:
        return str(error)
    return "the settings have no such way any more"


@dataclass
class Sender:
    """The threads that send, from `start` to `stop`.

    Args:
        now: The desk's clock.
    """

    now: Callable[[], datetime]
    _ends: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _wakes: list[threading.Event] = field(default_factory=list)

    def start(self) -> None:
        """Start the threads; without anybody to tell there is the one that notes clocks which are over."""
        works = [(CLOCK_SECONDS, lambda: note_missed(self.now()))]
        if not settings.DESK.notices.names_nobody:
            works += [
                (PASS_SECONDS, lambda: send_due(MAIL, self.now)),
                (PASS_SECONDS, lambda: send_due(WEBHOOK, self.now)),
                (CLOCK_SECONDS, lambda: tell_clocks(self.now())),
            ]
        for seconds, work in works:
            wakes = threading.Event()
            wait_for_wake(wakes)
            self._wakes.append(wakes)
            thread = threading.Thread(target=self._run, args=(work, seconds, wakes), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the threads; one that waits for a relay is left behind, and its notice is claimed again later."""
        self._ends.set()
        for wakes in self._wakes:
            wakes.set()
            forget(wakes)
        for thread in self._threads:
            thread.join(ENDS_SECONDS)

    def _run(self, work: Callable[[], int], seconds: float, wakes: threading.Event) -> None:
        said = ""
        while not self._ends.is_set():
            wakes.clear()
            try:
                work()
                said = ""
            except (DatabaseError, DoorwardError) as error:
                if type(error).__name__ != said:
                    said = type(error).__name__
                    sys.stderr.write(f"doorward desk: notices wait: {said}\n")
                    sys.stderr.flush()
            finally:
                connection.close()
            wakes.wait(seconds)


def clock() -> datetime:
    """Return the time of the host."""
    return datetime.now(UTC)  # noqa: TID251  # the shell may read the clock

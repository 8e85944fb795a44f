"""The desk as a process: one writer of the record, several threads, an end in order.

One process, since the record of a host's desk has one writer (`recorder`); threads wait on the database, which is
where a desk's time goes.
"""

import os
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import django
from django.core.management import call_command
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from doorward.desk.configuration import DeskConfiguration

THREADS: Final = 8
READY: Final = "ready"
_LIMITS: Final[Mapping[str, Any]] = {
    "limit_request_line": 2048,
    "limit_request_fields": 60,
    "limit_request_field_size": 8190,
    "timeout": 60,
    "graceful_timeout": 10,
    "keepalive": 5,
}


def open_database() -> None:
    """Set Django up in this process, and bring the desk's database to this version.

    Raises:
        django.db.DatabaseError: The database cannot be reached, or refuses.
    """
    _set_up()
    call_command("migrate", verbosity=0, interactive=False)


def prepare() -> None:
    """Bring the desk's database to this version, and collect what browsers fetch.

    Raises:
        django.db.DatabaseError: The database cannot be reached, or refuses.
    """
    open_database()
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    from django.conf import settings

    now = datetime.now(UTC)  # noqa: TID251  # the shell may read the clock
    forget_what_is_over(now)
    if settings.DESK.sample:
        from doorward.desk.sample import make_players

        make_players(now)


def forget_what_is_over(now: datetime) -> None:
    """Remove sessions that have ended, and counts that count no more."""
    from django.contrib.sessions.models import Session

    from doorward.desk.models import SignInCount

    Session.objects.filter(expire_date__lt=now).delete()
    SignInCount.objects.filter(expires__lt=now).delete()


def serve(
    desk: DeskConfiguration, *, addresses: Sequence[str], certificate: tuple[str, str] | None = None
) -> None:
    """Serve the desk until told to stop.

    Args:
        addresses: Such as `127.0.0.1:8000`; all speak HTTPS, or none.
        certificate: Files of a certificate and its key, for HTTPS without a server before it.
    """
    options: dict[str, Any] = {
        **_LIMITS, "bind": list(addresses), "workers": 1, "threads": THREADS, "worker_class": "gthread",
        "post_worker_init": _begin, "worker_exit": _end, "when_ready": _say_ready, "accesslog": None,
        "loglevel": "warning", "proc_name": "doorward desk", "control_socket_disable": True,
        # Whose word on HTTPS is taken: a server on this machine, and those that are configured.
        "forwarded_allow_ips": ",".join(desk.proxies or ("127.0.0.1", "::1")),
    }  # fmt: skip
    if certificate is not None:
        options |= {"certfile": certificate[0], "keyfile": certificate[1], "ssl_context": _make_context}
    _Server(desk, options).run()


def _make_context(_config: object, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return how TLS is spoken: version 1.2 or later, and nothing is renegotiated."""
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


class _Server(BaseApplication):  # type: ignore[misc]  # it has no types
    def __init__(self, desk: DeskConfiguration, options: Mapping[str, Any]) -> None:
        self.desk, self.options = desk, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401  # gunicorn's word for an application
        from doorward.desk.wsgi import make_application

        return make_application()


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doorward.desk.settings")
    django.setup()


def _begin(worker: Any) -> None:  # noqa: ANN401  # gunicorn has no types
    from django.db import connection

    from doorward.desk.filed_papers import look_after
    from doorward.desk.message_waiting import sweep
    from doorward.desk.notices.worker import Sender, clock
    from doorward.desk.order import order
    from doorward.desk.recorder import WORKER, Recorder, hold
    from doorward.record.entry import Kind
    from doorward.record.spool import Spool
    from doorward.record.workers import worker_folder

    order()  # a pack that does not load ends the start, not the first request
    folder = worker_folder(worker.app.desk.spool, WORKER)
    now = datetime.now(UTC)  # noqa: TID251  # as above
    sweep(now, older=timedelta(0))  # messages that waited when the desk ended
    durable = frozenset(Kind[word.upper()] for word in worker.app.desk.durable) or None
    hold(Recorder(Spool.open(folder, now=now, worker=WORKER, durable=durable)))
    for line in look_after(now):  # nobody is adding a paper yet: the spool is ours, and it is not served
        sys.stderr.write(f"doorward desk: {line}\n")
    connection.close()
    worker.notices = Sender(clock)
    worker.notices.start()


def _end(_arbiter: Arbiter, worker: Any) -> None:  # noqa: ANN401  # as above
    from doorward.desk.recorder import hold, recorder
    from doorward.errors import StoreError

    if hasattr(worker, "notices"):
        worker.notices.stop()
    try:
        recorder().close(now=datetime.now(UTC))  # noqa: TID251  # as above
    except StoreError:
        return
    finally:
        hold(None)


def _say_ready(_arbiter: Arbiter) -> None:
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()

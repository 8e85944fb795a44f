"""How long after a phone filed a visit its notice is out, and what an open queue costs: a real desk, relay and webhook.

    python bench/bench_notices.py [visits]

The desk is served as it is served, by a process of its own over its own PostgreSQL; relay and webhook listen in this
one. A visit is posted over HTTP as a phone posts it; the time is from before the request is sent until the relay has
the whole mail, and until the webhook has the whole body. Both are on the same machine: a city's relay adds its own.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from doorward.desk.configuration import VARIABLE, DeskConfiguration
from doorward.desk.database import DATABASE, ROLE, make_database
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from doorward.grants.mail_relay import Relay
from doorward.grants.notice_settings import NoticeSettings
from doorward.grants.notices import OnCall, Webhook
from tests_support.certificates import Authority
from tests_support.front_sample import make_body, make_compiled, to_bytes
from tests_support.front_store import LIBRARY
from tests_support.https_server import HttpsServer, answer, https_server
from tests_support.mailbox import Mailbox, mailbox
from tests_support.ports import free_port

CODE = (
    "import sys\nfrom doorward.desk.configuration import current\nfrom doorward.desk.serve import prepare, serve\n"
    "prepare()\nserve(current(), addresses=[sys.argv[1]])\n"
)
TOKEN = "b" * 43
POLLS = 300


@dataclass
class Bench:
    address: str
    box: Mailbox
    hook: HttpsServer
    posted: list[float]


@contextmanager
def served() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Cluster(record_spec(folder))
        cluster.start()
        try:
            authority = Authority(folder / "authority", "city")
            secret = folder / "hook.secret"
            secret.touch(mode=0o600)
            secret.write_text("s" * 40)
            posted: list[float] = []

            def take(client: Any) -> None:
                posted.append(time.perf_counter())
                client.sendall(answer(b""))

            pair = authority.issue("hook", hosts=("localhost",))
            with mailbox(authority) as box, https_server(pair, take) as hook:
                webhook = Webhook(f"https://localhost:{hook.port}/in", secret, authority.root, private=True)
                relay = Relay("localhost", box.port, "desk@city.example", authority.root)
                law = OnCall(mail=("oncall@law.example",), webhook=webhook)
                address = f"127.0.0.1:{free_port()}"
                configure(folder, cluster, address, NoticeSettings({"law": law}, relay, 5.0))
                with process(address):
                    yield Bench(f"http://{address}", box, hook, posted)
        finally:
            cluster.stop()


def configure(folder: Path, cluster: Cluster, address: str, notices: NoticeSettings) -> None:
    import django
    from django.core.management import call_command

    make_database(cluster.dsn(user="postgres", dbname="postgres"))
    spec = cluster.spec
    conninfo = make_conninfo(host=str(spec.socket_dir), port=spec.port, user=ROLE, dbname=DATABASE)
    made = DeskConfiguration(
        conninfo,
        "chicago",
        folder,
        secrets.token_urlsafe(48),
        (f"http://{address}",),
        sample=True,
        notices=notices,
    )
    file = folder / "desk.json"
    file.write_text(made.format(), encoding="utf-8")
    os.environ[VARIABLE], os.environ["DJANGO_SETTINGS_MODULE"] = str(file), "doorward.desk.settings"
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    from doorward.desk.models import CompiledProtocols, Phone, Place

    place = Place.objects.create(slug=LIBRARY.id, kind=LIBRARY.kind, name=LIBRARY.name, unit="front-1")
    Phone.objects.create(digest=sha256(TOKEN.encode()).digest(), place=place, enrolled=now())
    compiled = make_compiled()
    CompiledProtocols.objects.create(version=compiled["version"], body=compiled)


@contextmanager
def process(address: str) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", CODE, address], stdout=subprocess.PIPE, env=dict(os.environ)
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield
        child.terminate()
        child.wait(30)


def now() -> datetime:
    return datetime.now(UTC)


def make_request(address: str) -> urllib.request.Request:
    moment = now() - timedelta(seconds=5)
    key = str(uuid.uuid4())
    body = make_body(make_compiled(), id=key)
    body |= {name: moment.isoformat(timespec="seconds") for name in ("opened", "filed")}
    for name, value in body["values"].items():
        if isinstance(value, str) and value[:4].isdigit() and "T" in value:
            body["values"][name] = moment.isoformat(timespec="seconds")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
    return urllib.request.Request(f"{address}/front/visits", to_bytes(body), headers)  # noqa: S310  # our own address


def post_visit(asked: urllib.request.Request) -> None:
    with urllib.request.urlopen(asked) as got:  # noqa: S310  # our own address
        assert got.status == 201, got.status


def measure(visits: int) -> dict[str, Any]:
    with served() as bench:
        with urllib.request.urlopen(f"{bench.address}/front/") as got:  # noqa: S310  # our own address; it is up now
            assert got.status == 200
        mails, posts, answers = [], [], []
        for number in range(visits):
            asked = make_request(bench.address)
            begun = time.perf_counter()
            post_visit(asked)
            answers.append(time.perf_counter() - begun)
            wait_for(bench, number + 1)
            mails.append(bench.box.at[number] - begun)
            posts.append(bench.posted[number] - begun)
            time.sleep(1.05)  # a phone's limit is 60 a minute
        assert len(bench.box.got) == len(bench.posted) == visits
        return {
            "visits": visits, "answer_ms": spread(answers), "mail_out_ms": spread(mails),
            "webhook_out_ms": spread(posts), **polls(),
        }  # fmt: skip


def polls() -> dict[str, Any]:
    """Return the server time of an open queue's question, asked in this process without a network."""
    from django.test import Client

    from doorward.desk.models import Account
    from doorward.desk.views.live import look

    account = Account.objects.get(login="finn.example")
    client = Client(headers={"host": os.environ.get("HOST", "127.0.0.1")})
    client.force_login(account)
    session = client.session
    session["played"] = True
    session.save()
    from doorward.desk.access import find_actor

    mark = look(find_actor(account, is_strong=True, now=now())).mark
    times = []
    for _ in range(POLLS):
        begun = time.perf_counter()
        got = client.get(f"/queue/live/?seen={mark}")
        times.append(time.perf_counter() - begun)
        assert (got.status_code, got.content) == (204, b""), got.status_code
    return {"poll_ms": spread(times)}


def wait_for(bench: Bench, count: int) -> None:
    ends = time.perf_counter() + 30
    while len(bench.box.at) < count or len(bench.posted) < count:
        assert time.perf_counter() < ends, "no notice within 30 s"
        time.sleep(0.0005)


def spread(times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50": round(1000 * ordered[len(ordered) // 2], 1),
        "p95": round(1000 * ordered[int(len(ordered) * 0.95)], 1),
        "max": round(1000 * ordered[-1], 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 40), indent=1))

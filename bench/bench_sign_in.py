"""How long a failure to sign in takes, by why it fails: over HTTPS, at a desk as it is served.

Five kinds of login in turn, so that what else the machine does falls on all alike; each try comes from an address of
its own, as the desk sees it, so that no limit answers in place of the desk. Prints a table in Markdown, and the p-value
of a Mann-Whitney test of each kind against a wrong password: small would say that time tells them apart.
"""

import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import erfc, sqrt
from pathlib import Path
from typing import Any

import requests
from psycopg.conninfo import make_conninfo

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from doorward.desk.configuration import VARIABLE, DeskConfiguration
from doorward.desk.database import DATABASE, ROLE, make_database
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
KINDS = ("wrong password", "unknown login", "of the provider", "ended", "ended, right password")
PASSWORD = "a sentence that is easy to keep"  # noqa: S105  # of a benchmark
PROXY = "127.0.0.1"


@contextmanager
def desk(folder: Path) -> Iterator[Any]:
    """Serve a desk with one account of each kind."""
    import os

    cluster = Cluster(record_spec(folder))
    cluster.start()
    try:
        make_database(cluster.dsn(user="postgres", dbname="postgres"))
        spec = cluster.spec
        conninfo = make_conninfo(host=str(spec.socket_dir), port=spec.port, user=ROLE, dbname=DATABASE)
        made = DeskConfiguration(
            conninfo,
            "chicago",
            folder,
            secrets.token_urlsafe(48),
            ("https://localhost",),
            proxies=(PROXY, "::1"),
        )
        file = folder / "desk.json"
        file.write_text(made.format(), encoding="utf-8")
        os.environ[VARIABLE] = str(file)
        from doorward.desk.serve import open_database

        open_database()
        make_accounts()
        from tests_support.desk_server import serving

        served_folder = folder / "served"
        served_folder.mkdir()
        with serving(served_folder, proxies=made.proxies) as found:
            yield found
    finally:
        from django.db import connections

        connections.close_all()
        cluster.stop()


def make_accounts() -> None:
    """Make an account of each kind that there is one of."""
    from doorward.desk.models import Account

    for number, kind in enumerate(KINDS):
        if kind != "unknown login":
            account = Account.objects.create_user(f"kind-{number}", None if "provider" in kind else PASSWORD)
            Account.objects.filter(pk=account.pk).update(is_active="ended" not in kind)


def measure(served: Any) -> dict[str, list[float]]:
    """Return the milliseconds of each try, by kind."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with requests.Session() as session:
        session.verify, session.trust_env = str(served.root), False
        address = f"{served.url}/account/login/"
        session.get(address, timeout=60)
        for round_number in range(ROUNDS + 3):
            for number, kind in enumerate(KINDS):
                sent = {
                    "csrfmiddlewaretoken": session.cookies["__Host-desk-form"], "login": f"kind-{number}",
                    "password": PASSWORD if "right" in kind else "wrong and wrong again",
                }  # fmt: skip
                seen = f"198.51.{round_number % 256}.{number}"
                begun = time.perf_counter()
                headers = {"Referer": address, "X-Forwarded-For": seen}
                answer = session.post(address, data=sent, headers=headers, timeout=60, allow_redirects=False)
                spent = (time.perf_counter() - begun) * 1000
                if round_number >= 3:  # the first ones warm up
                    found[kind].append(spent)
                assert answer.status_code in {200, 302}, answer.text
    return found


def p_value(one: list[float], other: list[float]) -> float:
    """Return how likely a difference at least this large is by chance (Mann-Whitney, normal approximation)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(place + 1 for place, (_, which) in enumerate(ranked) if which == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    return erfc(abs(u - n * m / 2) / sqrt(n * m * (n + m + 1) / 12) / sqrt(2))


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with desk(folder) as served:
            found = measure(served)
    print(
        f"| why it fails ({ROUNDS} tries each) | p50 ms | p95 ms | p against a wrong password |\n|---|---|---|---|"
    )
    for kind, spans in found.items():
        cuts = statistics.quantiles(spans, n=20)
        against = "" if kind == KINDS[0] else f"{p_value(spans, found[KINDS[0]]):.2f}"
        print(f"| {kind} | {statistics.median(spans):.1f} | {cuts[18]:.1f} | {against} |")


if __name__ == "__main__":
    main()

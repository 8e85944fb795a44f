"""What waiting for the disk costs a gateway's statements: sessions of a durable purpose beside others, by their number.

Two gateways stand before one server, one of which keeps the sample's purpose durable; pgbench with 1, 4 and 16 sessions
goes to them in turn, so that a busy machine touches both. A statement is two entries, each of which is waited for. Then
one session of another purpose is served beside 4 durable ones. Nothing here is asserted.

    .venv/bin/python bench/bench_gateway_durable.py [--seconds 5] [--rounds 3] [--sessions 1 4 16] [--json]
"""

import argparse
import json
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from bench_gateway import cpu_seconds, doorward_up, gateway_of, pgbench

from doorward.cli.sample import PEOPLE

DETECTIVE, CLERK = PEOPLE[0], PEOPLE[1]
DURABLE = f'durable_purposes = ["{DETECTIVE.purpose}"]'
BESIDE = 4
SETTLING_SECONDS = 1.0  # the gateways have one pool of login roles: one gives back before the other takes

Gateways = dict[str, tuple[int, list[int]]]


def measure(gateways: Gateways, sessions: int, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """Return what each gateway served to so many sessions of the detective."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in gateways}
    for _ in range(rounds):
        for name, (port, pids) in gateways.items():
            before = sum(map(cpu_seconds, pids))
            tps = pgbench(DETECTIVE, sessions, seconds, port=port)
            found[name].append((tps, (sum(map(cpu_seconds, pids)) - before) / (tps * seconds) * 1e6))
            time.sleep(SETTLING_SECONDS)
    return [
        {
            "sessions": sessions,
            "gateway": name,
            "statements/s": statistics.median(tps for tps, _ in rows),
            "ms a statement": 1e3 * sessions / statistics.median(tps for tps, _ in rows),
            "CPU us a statement": statistics.median(cpu for _, cpu in rows),
        }
        for name, rows in found.items()
    ]


def beside(gateways: Gateways, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """Return what each gateway served to one session of another purpose, beside the detective's."""
    found: dict[str, list[float]] = {name: [] for name in gateways}
    for _ in range(rounds):
        for name, (port, _pids) in gateways.items():
            others = threading.Thread(
                target=pgbench, args=(DETECTIVE, BESIDE, seconds), kwargs={"port": port}
            )
            others.start()
            found[name].append(pgbench(CLERK, 1, seconds, port=port))
            others.join()
            time.sleep(SETTLING_SECONDS)
    return [
        {
            "beside": BESIDE,
            "gateway": name,
            "statements/s": statistics.median(tps),
            "ms a statement": 1e3 / statistics.median(tps),
        }
        for name, tps in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seconds, rounds = arguments.seconds, arguments.rounds
    with (
        doorward_up() as (folders, _port, _city_port, _cold, _warm),
        gateway_of(1, folders) as written,
        gateway_of(1, folders, DURABLE) as synced,
    ):
        load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
        gateways = {"written": written, "synced": synced}
        rows = [row for n in arguments.sessions for row in measure(gateways, n, seconds, rounds)]
        rows += beside(gateways, seconds, rounds)
    if arguments.json:
        print(json.dumps({"load": load, "rows": rows}))
        return
    print(f"load average {load}")
    for row in rows:
        print(
            "  ".join(
                f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
                for key, value in row.items()
            )
        )


if __name__ == "__main__":
    main()

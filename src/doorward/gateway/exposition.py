"""The figures of all workers in Prometheus' text form, and the checks behind `/readyz`; pure.

The only label beside a histogram's bounds and a decision's outcome is the worker's number.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from doorward.gateway.figures import BUCKETS

CHECKS: Final = ("order", "spool", "publisher", "database")
OK: Final = "ok"
_COUNTERS: Final = {
    "refusals": "connections that were refused by the order or a rule of the door",
    "statements": "statements that were recorded and sent to PostgreSQL",
    "rows": "rows that were released",
    "sent_bytes": "bytes of rows that were released",
    "cuts": "cuts of an officer that were carried out",
    "failed_logins": "connections whose login did not prove itself",
    "failed_handshakes": "connections that ended before a login was named",
}
_GAUGES: Final = {
    "sessions": "sessions that are open",
    "spool_bytes": "bytes of the spool, published or not",
    "waiting_leaves": "closed blocks that are not in the public log yet",
    "waiting_seconds": "for how long a closed block has been waiting for the publisher",
}
_TIMES: Final = {
    "deciding": ("decision_seconds", "time that the order and the register took to answer"),
    "connecting": ("connect_seconds", "time from a connection to its first ReadyForQuery"),
}

State = Mapping[str, Any]


def check_all(states: Sequence[State | None]) -> dict[str, str]:
    """Return one word a check: ``ok``, or the first worker's word that is another.

    Args:
        states: What each worker says of itself; None for one that does not answer.
    """
    there = [state for state in states if state is not None]
    found = {}
    for name in CHECKS:
        words = [str(state["checks"].get(name, "unknown")) for state in there] or ["unknown"]
        found[name] = next((word for word in words if word != OK), OK)
    missing = len(states) - len(there)
    found["workers"] = OK if not missing else "some" if there else "none"
    return found


def is_ready(checks: Mapping[str, str]) -> bool:
    """Return True where every check holds; with some workers the door is open."""
    return all(checks[name] == OK for name in CHECKS) and checks["workers"] != "none"


def format_figures(states: Sequence[State | None]) -> bytes:
    """Return the figures of all workers that answer as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(states))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, states: Sequence[State | None]) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        there = [(str(state["worker"]), state) for state in self._states if state is not None]
        workers = GaugeMetricFamily("doorward_workers", "workers by whether they answer", labels=["answers"])
        workers.add_metric(["yes"], len(there))
        workers.add_metric(["no"], len(self._states) - len(there))
        yield workers
        checks = check_all(self._states)
        ready = GaugeMetricFamily("doorward_ready", "1 where the check holds", labels=["check"])
        for name, word in checks.items():
            ready.add_metric([name], int(word == OK))
        yield ready
        for name, says in _GAUGES.items():
            gauge = GaugeMetricFamily(f"doorward_{name}", says, labels=["worker"])
            for worker, state in there:
                gauge.add_metric([worker], state[name])
            yield gauge
        for name, says in _COUNTERS.items():
            counter = CounterMetricFamily(f"doorward_{name}", says, labels=["worker"])
            for worker, state in there:
                counter.add_metric([worker], state["figures"][name])
            yield counter
        decisions = CounterMetricFamily(
            "doorward_decisions", "answers of the order", labels=["worker", "outcome"]
        )
        for worker, state in there:
            for outcome, count in state["figures"]["decisions"].items():
                decisions.add_metric([worker, outcome], count)
        yield decisions
        for name, (title, says) in _TIMES.items():
            times = HistogramMetricFamily(f"doorward_{title}", says, labels=["worker"])
            for worker, state in there:
                figure = state["figures"][name]
                times.add_metric([worker], _cumulative(figure["counts"]), figure["total"])
            yield times


def _cumulative(counts: Sequence[int]) -> list[tuple[str, float]]:
    found, total = [], 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        total += count
        found.append((bound, float(total)))
    return found

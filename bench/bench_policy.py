"""CPU time of the orders: loading a pack, compiling its scopes, deciding, finding a scope, proving each theorem.

Run: .venv/bin/python bench/bench_policy.py [repetitions]. CPU seconds of this process; minimum and median.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from doorward.orders.load import Pack, load_pack, shipped_orders
from doorward.orders.prove import prove_pack
from doorward.policy.request import Fact, Resource
from doorward.policy.scopes import ScopeBook

FACTS: dict[str, Fact] = {
    "principal.role": "detective",
    "principal.agency": "CPD",
    "context.requester.agency": "CPD",
    "context.for_agency": "CPD",
    "context.purpose": "criminal-investigation",
    "context.register.standing": "verified",
    "context.register.kind": "criminal",
    "context.task_force.member": False,
    "context.channel": "database",
    "context.grant.case_no": "JH123456",
}
ROW: dict[str, Fact] = {
    "resource.collection": "clear.persons",
    "resource.kind": "person",
    "resource.holder": "CPD",
    "resource.public_source": False,
    "resource.sealed": True,
    "resource.juvenile": False,
    "resource.case_no": "JH123456",
}


def cpu(work: Callable[[], object], *, repetitions: int, batch: int) -> tuple[float, float]:
    """Return minimum and median CPU seconds of one call over batches."""
    seconds = []
    for _ in range(repetitions):
        started = time.process_time()
        for _ in range(batch):
            work()
        seconds.append((time.process_time() - started) / batch)
    return min(seconds), statistics.median(seconds)


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    pack = load_pack("chicago")
    book = pack.scope_book()
    text = book.to_json()
    now = datetime(2026, 3, 1, tzinfo=UTC)
    request = pack.request(FACTS, resource=Resource("Collection", "clear"), now=now)
    row = pack.request(FACTS | ROW, resource=Resource("Record"), now=now)
    print(f"{len(pack.policies)} policies, {len(book.scopes)} scopes, {len(book.branches)} branches")
    for name, work, batch in (
        ("load_pack", lambda: load_pack("chicago"), 1),
        ("scope_book", pack.scope_book, 1),
        ("book from its JSON", lambda: ScopeBook.from_json(text), 20),
        ("decide, database", lambda: pack.decide(request), 300),
        ("decide, row", lambda: pack.decide(row), 300),
        ("find scope", lambda: book.find(request), 2000),
    ):
        least, middle = cpu(work, repetitions=repetitions, batch=batch)
        print(f"{name:<20} min {least * 1e6:>12.1f} us   median {middle * 1e6:>12.1f} us CPU")
    for order in shipped_orders():
        prove(load_pack(order))


def prove(pack: Pack) -> None:
    """Print the time of each theorem, and of the whole: terms and formulas are made once for all of them."""
    started = time.process_time()
    result = prove_pack(pack, cpu=time.process_time)
    whole = time.process_time() - started
    print(f"prove {pack.name}: {whole:.2f} s CPU for {len(result.proofs)} theorems")
    for proof in result.proofs:
        said = "proved" if proof.holds else "NOT PROVED"
        print(f"  {proof.theorem.name:<50} {proof.seconds * 1e3:>8.1f} ms CPU, {said}")


if __name__ == "__main__":
    main()

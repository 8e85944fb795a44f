"""A store of the front desk in memory, and the contract that every store of it keeps."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from doorward.desk.front.store import Conflict, PhonePlace, Store, Stored
from doorward.desk.front.visits import Receipt, Visit

LIBRARY = PhonePlace("lib-1", "library", "Sample Library, main desk", {"person-in-charge": "+13125550199"})
CLINIC = PhonePlace("clinic-1", "clinic", "Sample Clinic")
NOW = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)
CODE_LIFE = timedelta(minutes=15)


def digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


@dataclass
class MemoryStore:
    """Everything in dictionaries, one lock."""

    codes: dict[bytes, tuple[PhonePlace, datetime]] = field(default_factory=dict)
    used: dict[bytes, bytes] = field(default_factory=dict)
    tokens: dict[bytes, PhonePlace] = field(default_factory=dict)
    visits: dict[str, tuple[Visit, bytes, str, Receipt]] = field(default_factory=dict)
    counts: dict[str, list[datetime]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add_code(self, code: str, place: PhonePlace, now: datetime) -> None:
        self.codes[digest(code)] = (place, now + CODE_LIFE)

    def take_back(self, token_digest: bytes) -> None:
        del self.tokens[token_digest]

    def place_of(self, token_digest: bytes) -> PhonePlace | None:
        return self.tokens.get(token_digest)

    def redeem(self, code_digest: bytes, token_digest: bytes, now: datetime) -> PhonePlace | None:
        with self.lock:
            place, until = self.codes.get(code_digest, (None, now))
            user = self.used.get(code_digest)
            if place is None or now >= until or (user is not None and user != token_digest):
                return None
            if user is None and token_digest in self.tokens:
                return None
            self.used[code_digest] = token_digest
            self.tokens[token_digest] = place
            return place

    def put_once(self, visit: Visit, body: bytes, place: PhonePlace, now: datetime) -> Stored | Conflict:
        with self.lock:
            there = self.visits.get(visit.id)
            if there is not None:
                same = there[1] == body and there[2] == place.id
                return Stored(there[3], new=False) if same else Conflict()
            receipt = Receipt(visit.id, f"V-{next(self.numbers):06d}", now, visit.digest)
            self.visits[visit.id] = (visit, body, place.id, receipt)
            return Stored(receipt, new=True)

    def count(self, key: str, *, limit: int, window_seconds: int, now: datetime) -> int:
        with self.lock:
            window = timedelta(seconds=window_seconds)
            times = [time for time in self.counts.get(key, []) if time > now - window]
            if len(times) >= limit:
                self.counts[key] = times
                return max(1, int((times[0] + window - now).total_seconds()))
            self.counts[key] = [*times, now]
            return 0


class StoreContract:
    """What each store promises. A test class of a store takes this over and gives the fixtures.

    ``store`` is an empty one in which the code ``FR0NT001`` is for LIBRARY and ``FR0NT002`` for CLINIC, both made at
    NOW; ``visit`` and ``body`` are a record and its bytes; ``other_body`` are other bytes that read well.
    """

    def test_a_code_gives_its_place_and_the_token_stands_for_it(self, store: Store) -> None:
        assert store.place_of(digest("t1")) is None
        assert store.redeem(digest("FR0NT001"), digest("t1"), NOW) == LIBRARY
        assert store.place_of(digest("t1")) == LIBRARY

    def test_an_answer_that_was_lost_is_given_again(self, store: Store) -> None:
        first = store.redeem(digest("FR0NT001"), digest("t1"), NOW)
        assert store.redeem(digest("FR0NT001"), digest("t1"), NOW) == first == LIBRARY

    def test_a_code_works_for_one_phone(self, store: Store) -> None:
        store.redeem(digest("FR0NT001"), digest("t1"), NOW)
        assert store.redeem(digest("FR0NT001"), digest("t2"), NOW) is None
        assert store.place_of(digest("t2")) is None

    def test_a_code_ends(self, store: Store) -> None:
        assert store.redeem(digest("FR0NT001"), digest("t1"), NOW + CODE_LIFE) is None

    def test_a_token_is_of_one_place(self, store: Store) -> None:
        store.redeem(digest("FR0NT001"), digest("t1"), NOW)
        assert store.redeem(digest("FR0NT002"), digest("t1"), NOW) is None
        assert store.place_of(digest("t1")) == LIBRARY

    def test_a_code_that_nobody_made_gives_nothing(self, store: Store) -> None:
        assert store.redeem(digest("OTHER"), digest("t1"), NOW) is None

    def test_a_record_is_put_once_and_its_receipt_stays(
        self, store: Store, visit: Visit, body: bytes
    ) -> None:
        first = store.put_once(visit, body, LIBRARY, NOW)
        again = store.put_once(visit, body, LIBRARY, NOW + timedelta(hours=1))
        assert isinstance(first, Stored)
        assert isinstance(again, Stored)
        assert (first.new, again.new) == (True, False)
        assert again.receipt == first.receipt
        assert (first.receipt.id, first.receipt.digest) == (visit.id, visit.digest)
        assert first.receipt.entry

    def test_other_bytes_under_an_id_change_nothing(
        self, store: Store, visit: Visit, body: bytes, other_body: bytes
    ) -> None:
        first = store.put_once(visit, body, LIBRARY, NOW)
        assert isinstance(store.put_once(visit, other_body, LIBRARY, NOW), Conflict)
        again = store.put_once(visit, body, LIBRARY, NOW)
        assert isinstance(first, Stored)
        assert isinstance(again, Stored)
        assert again.receipt == first.receipt

    def test_a_receipt_is_for_the_place_that_filed(self, store: Store, visit: Visit, body: bytes) -> None:
        store.put_once(visit, body, LIBRARY, NOW)
        assert isinstance(store.put_once(visit, body, CLINIC, NOW), Conflict)

    def test_many_at_once_put_one(self, store: Store, visit: Visit, body: bytes) -> None:
        results: list[Stored | Conflict] = []
        threads = [
            threading.Thread(target=lambda: results.append(store.put_once(visit, body, LIBRARY, NOW)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stored = [result for result in results if isinstance(result, Stored)]
        assert len(stored) == 8
        assert sum(result.new for result in stored) == 1
        assert len({result.receipt for result in stored}) == 1

    def test_a_count_is_within_its_limit_and_its_window(self, store: Store) -> None:
        def count(key: str, seconds: int) -> int:
            return store.count(key, limit=2, window_seconds=60, now=NOW + timedelta(seconds=seconds))

        assert [count("a", 0), count("a", 10), count("b", 10)] == [0, 0, 0]
        assert 0 < count("a", 20) <= 60
        assert count("a", 61) == 0


@pytest.fixture
def memory_store() -> MemoryStore:
    store = MemoryStore()
    store.add_code("FR0NT001", LIBRARY, NOW)
    store.add_code("FR0NT002", CLINIC, NOW)
    return store

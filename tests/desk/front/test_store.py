"""The store of the tests keeps the contract that the desk's own keeps too."""

import pytest

from doorward.desk.front.visits import Visit, read_visit
from tests_support.front_sample import make_body, make_compiled, to_bytes
from tests_support.front_store import NOW, MemoryStore, StoreContract, memory_store

__all__ = ["memory_store"]


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, memory_store: MemoryStore) -> MemoryStore:
        return memory_store

    @pytest.fixture
    def body(self) -> bytes:
        return to_bytes(make_body(make_compiled()))

    @pytest.fixture
    def other_body(self) -> bytes:
        return to_bytes(make_body(make_compiled(), drill=True))

    @pytest.fixture
    def visit(self, body: bytes) -> Visit:
        visit = read_visit(body, make_compiled(), now=NOW)
        assert isinstance(visit, Visit)
        return visit

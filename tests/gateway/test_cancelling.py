"""Cancel keys carry the worker; a request that reaches another worker is passed on, and only the owner compares."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.gateway import cancelling as module
from doorward.gateway.cancelling import WORKER_SHIFT, Cancelling
from doorward.gateway.control import ask_control, fetch_control, serve_control, socket_path
from doorward.gateway.dial import Place
from doorward.gateway.logins import Share
from doorward.install.names import LOGIN_PREFIX

PLACE = Place("/nowhere", 5432, "clear", None)


def session() -> Any:
    async def sent() -> None:  # nothing is held back
        return

    return SimpleNamespace(cancel_key=(0, b""), upstream=SimpleNamespace(key=(7, b"abcd")), sent=sent)


def give(owner: Cancelling) -> Any:
    side = session()
    side.cancel_key = owner.give(side)
    return side


@pytest.mark.parametrize("worker", [0, 1, 15])
def test_a_key_says_whose_it_is_and_is_positive(worker: int) -> None:
    process_id, secret = give(Cancelling(worker, PLACE, None)).cancel_key
    assert process_id >> WORKER_SHIFT == worker
    assert 0 < process_id < 2**31
    assert len(secret) == 4


@pytest.fixture(name="sent")
def sent_fixture(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bytes]]:
    sent: list[tuple[int, bytes]] = []

    async def send(_place: Place, key: tuple[int, bytes]) -> None:
        sent.append(key)

    monkeypatch.setattr(module, "send_cancel", send)
    return sent


def test_a_request_is_passed_on_to_the_worker_that_has_the_session(
    tmp_path: Path, sent: list[tuple[int, bytes]]
) -> None:
    async def cross() -> None:
        owner, other = Cancelling(1, PLACE, tmp_path), Cancelling(0, PLACE, tmp_path)
        side = give(owner)
        process_id, secret = side.cancel_key

        async def handle(asked: Mapping[str, Any]) -> dict[str, Any]:
            await owner.cancel_asked(asked)
            return {}

        async with await serve_control(socket_path(tmp_path, 1), handle):
            await other.cancel(process_id, b"nope")
            assert sent == []
            await other.cancel(process_id, secret)
            assert sent == [(7, b"abcd")]
            await other.cancel(process_id - (1 << WORKER_SHIFT), secret)  # the same number at this worker
            await other.cancel(process_id + (5 << WORKER_SHIFT), secret)  # a worker that there is not
            owner.take_back(side.cancel_key)
            await other.cancel(process_id, secret)
        await other.cancel(process_id, secret)  # nobody answers there any more
        assert sent == [(7, b"abcd")]

    asyncio.run(cross())


@given(
    st.dictionaries(
        st.sampled_from(["process_id", "secret", "x"]),
        st.one_of(st.integers(), st.text(), st.none(), st.lists(st.integers())),
    )
)
def test_what_is_no_request_is_dropped(asked: dict[str, Any]) -> None:
    owner = Cancelling(0, PLACE, None)
    give(owner)
    asyncio.run(owner.cancel_asked(asked))


def test_a_worker_that_gives_no_answer_is_told_as_such(tmp_path: Path) -> None:
    async def nothing(_asked: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    async def run() -> None:
        path = socket_path(tmp_path, 0)
        with pytest.raises(OSError, match="No such file"):
            await fetch_control(path, {}, seconds=1)
        async with await serve_control(path, nothing):
            with pytest.raises(OSError, match="gave no answer"):
                await fetch_control(path, {}, seconds=0.05)

    asyncio.run(run())
    assert ask_control(tmp_path / "absent.sock", {}) is None


@given(workers=st.integers(1, 16), digits=st.text("0123456789abcdef", min_size=16, max_size=16))
def test_a_login_role_is_one_workers_and_only_that_ones(workers: int, digits: str) -> None:
    for worker in range(workers):
        name = Share(worker, workers).name(digits)
        assert len(name) == len(LOGIN_PREFIX) + 16
        assert [Share(other, workers).has(name) for other in range(workers)] == [
            other == worker for other in range(workers)
        ]
    anybodys = LOGIN_PREFIX + digits
    assert sum(Share(worker, workers).has(anybodys) for worker in range(workers)) == 1

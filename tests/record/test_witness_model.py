"""Whatever is asked, in whatever order, through kills and restarts: what a witness cosigned is of one history."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from doorward.notes.note import format_verifier
from doorward.record import witness_state
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.log_files import sync_folder
from doorward.record.witness import format_request, parse_logs
from doorward.record.witness_server import Witness
from doorward.record.witness_state import WitnessState, make_witness
from record.logs import SIGNER, SmallLog

LOGS = parse_logs(format_verifier(SIGNER.verifier))
FORKS = [SmallLog(), SmallLog(forked_at=0), SmallLog(forked_at=5), SmallLog(forked_at=32)]
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # thousands of syncs, of which none is tested
SIZES = st.integers(0, 40)
LOG = st.sampled_from(FORKS)


class Killed(BaseException):
    """Stands for a kill: everything in memory is gone, what is on the disk stays."""


class Asked(RuleBasedStateMachine):
    """One witness, asked by a log that lies."""

    @initialize()
    def begin(self) -> None:
        self.room = tempfile.TemporaryDirectory(prefix="dw-witness-", dir=MEMORY)
        self.folder = Path(self.room.name) / "w"
        make_witness(self.folder, "w.example", ml_dsa=False, random=bytes(64))
        self.now = 1_000
        self.signed: list[tuple[SmallLog, int]] = []
        self.start()

    def start(self, step: Callable[[str], None] = lambda _name: None) -> None:
        self.witness = Witness(WitnessState.open(self.folder), LOGS, self.clock, step)

    def clock(self) -> int:
        self.now += 1
        return self.now

    def held(self) -> int:
        last = self.witness.state.remembered.get(SIGNER.name)
        return last.tree_size if last is not None else 0

    @rule(log=LOG, old=SIZES, size=SIZES)
    def ask(self, log: SmallLog, old: int, size: int) -> None:
        self.put(log, old, size, format_request(old, log.proof(old, size), log.checkpoint(size)))

    @rule(log=LOG, size=st.integers(1, 40))
    def begin_again(self, log: SmallLog, size: int) -> None:
        self.put(log, 0, size, log.request(0, size))

    @rule(log=LOG)
    def show_another_side(self, log: SmallLog) -> None:
        self.put(log, self.held(), self.held(), log.request(self.held(), self.held()))

    @rule(log=LOG, more=st.integers(0, 9))
    def grow(self, log: SmallLog, more: int) -> None:
        old = self.held()
        self.put(log, old, old + more, log.request(old, old + more))

    @rule(log=LOG, proof_of=LOG, more=st.integers(0, 9))
    def lie(self, log: SmallLog, proof_of: SmallLog, more: int) -> None:
        old = self.held()
        self.put(
            log,
            old,
            old + more,
            format_request(old, proof_of.proof(old, old + more), log.checkpoint(old + more)),
        )

    def put(self, log: SmallLog, old: int, size: int, body: bytes) -> None:
        before = self.held()
        answer = self.witness.add_checkpoint(body)
        if answer.status == 200:
            assert old == before <= size
            self.signed.append((log, size))
        else:
            assert "\N{EM DASH}" not in answer.body.decode()
            assert self.held() == before

    @rule(log=LOG, more=st.integers(0, 9))
    def killed_before_the_answer(self, log: SmallLog, more: int) -> None:
        def kill(_name: str) -> None:
            raise Killed

        old = self.held()
        self.witness.step = kill
        with suppress(Killed):
            assert self.witness.add_checkpoint(log.request(old, old + more)).status != 200
        self.restart()

    @rule(log=LOG, more=st.integers(0, 9), at=st.integers(1, 4))
    def killed_in_a_write(self, log: SmallLog, more: int, at: int) -> None:
        calls = [0]

        def sync(folder: Path) -> None:
            calls[0] += 1
            if calls[0] == at:
                raise Killed
            sync_folder(folder)

        old = self.held()
        with pytest.MonkeyPatch.context() as patch, suppress(Killed):
            patch.setattr(witness_state, "sync_folder", sync)
            answer = self.witness.add_checkpoint(log.request(old, old + more))
            if answer.status == 200:
                self.signed.append((log, old + more))
        self.restart()

    @rule()
    def restart(self) -> None:
        self.witness.state.close()
        self.start()

    @invariant()
    def everything_that_left_is_of_one_history(self) -> None:
        if not self.signed:
            return
        sizes = [size for _, size in self.signed]
        assert sizes == sorted(sizes), "never a smaller tree behind a larger one"
        newest, largest = self.signed[-1]
        for log, size in self.signed:
            assert log.root(size) == newest.root(size), f"size {size} is no beginning of size {largest}"
        assert self.held() >= largest, "and what it remembers is no less"
        note = self.witness.state.remembered[SIGNER.name].note
        assert parse_checkpoint(note).tree_size == self.held()

    def teardown(self) -> None:
        if hasattr(self, "room"):
            self.witness.state.close()
            self.room.cleanup()


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Asked,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_what_a_witness_cosigned_is_of_one_history() -> None:
    run(20, 30)


@pytest.mark.long
def test_what_a_witness_cosigned_is_of_one_history_many_times() -> None:
    run(400, 60)

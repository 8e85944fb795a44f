"""Witnesses as processes, and a log's publisher that asks them."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from doorward.cli.log import app
from doorward.cli.settings_witnesses import load_policy
from doorward.cli.witnesses import Witnesses, WitnessSettings, split_url
from doorward.doctor.line import State
from doorward.doctor.witnesses import WitnessFacts, check_witnesses
from doorward.errors import ConfigError, VerificationError
from doorward.notes.note import Signer, format_verifier
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import parse_key
from doorward.record.hashes import hash_leaf
from doorward.record.log_files import LogFiles
from doorward.record.nodes import node_reader
from doorward.record.openings import MemoryDisclosures
from doorward.record.proof import format_proof, make_inclusion, parse_proof_file, verify_inclusion
from doorward.record.release import release
from doorward.record.schedule import Schedule
from doorward.record.tiles import TileId, parse_bundle
from doorward.record.trust_policy import TrustPolicy, parse_policy, verify_by_policy
from doorward.record.witness import log_id, parse_logs
from doorward.record.witness_server import Witness
from doorward.record.witness_state import WitnessState
from record import logs
from record.samples import NOW, SECOND, World, conversation, fill, open_spool, session_id
from verifier.logs import SIGNER as OF_FILES
from verifier.logs import leaf, make_log

NAMES = ("w1", "w2")


def doorward(*arguments: str | Path) -> Result:
    """A command of `doorward log`, in this process."""
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@dataclass
class WitnessProcess:
    """`doorward log witness run` on a folder."""

    folder: Path
    vkey: str
    port: int = 0
    lines: list[dict[str, object]] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "doorward", "log", "witness", "run", str(self.folder), "--port", str(self.port),
             "--json"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = int(str(self.read()["port"]))

    def read(self) -> dict[str, object]:
        assert self.process is not None
        assert self.process.stdout is not None
        line: dict[str, object] = json.loads(self.process.stdout.readline())
        return line

    def kill(self, name: int = signal.SIGTERM) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(name)
        code = self.process.wait(10)
        self.process.stdout.close()
        self.process = None
        return code


@dataclass
class City:
    """A log with two witnesses, of which both must cosign."""

    world: World
    witnesses: dict[str, WitnessProcess]
    policy_file: Path

    @property
    def policy(self) -> TrustPolicy:
        return load_policy(self.policy_file)

    def asks(self, folder: Path | None = None, seconds: int = 5) -> Witnesses:
        files = LogFiles(folder or self.world.log_dir)
        return Witnesses(
            WitnessSettings(self.policy, every_seconds=1, timeout_seconds=seconds), files, self.world.signer
        )

    def record(self, *sessions: int) -> int:
        """Record some sessions, publish them and return the log's size; nobody is asked."""
        add(self.world, *sessions)
        return self.world.publish()


@pytest.fixture(scope="module", name="processes")
def processes_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WitnessProcess]]:
    top = tmp_path_factory.mktemp("witnesses")
    found = {}
    for name in NAMES:
        done = doorward("witness", "new", str(top / name), "--name", f"{name}.example/w")
        assert done.exit_code == 0
        found[name] = WitnessProcess(top / name, done.output.strip())
    keys = [format_verifier(signer_of(number).verifier) for number in range(16)]
    for one in found.values():
        (one.folder / "logs").write_text("# the logs of this file's tests\n" + "\n".join(keys) + "\n")
        one.start()
    yield found
    assert [one.kill() for one in found.values() if one.process is not None] == [0, 0]


def signer_of(number: int) -> Signer:
    return Signer.make(f"city{number}.example/log", bytes([number] * 32))


def add(world: World, *sessions: int) -> None:
    spool = open_spool(world.spool_dir)
    for number in sessions:
        spool.append(conversation(session_id(number)), now=NOW + number * SECOND)
    spool.close(now=NOW + 1_000 * SECOND)


@pytest.fixture(name="city")
def city_fixture(
    tmp_path: Path, processes: dict[str, WitnessProcess], request: pytest.FixtureRequest
) -> City:
    number = TESTS.index(request.function.__name__)  # a log of its own for each test
    world = World(tmp_path, signer_of(number), MemoryDisclosures())
    fill(world.spool_dir)
    world.publish()
    lines = [f"log {format_verifier(world.signer.verifier)}\n"]
    lines += [f"witness {name} {one.vkey} http://127.0.0.1:{one.port}\n" for name, one in processes.items()]
    file = tmp_path / "policy"
    file.write_text("".join(lines) + "group both all w1 w2\nquorum both\n")
    return City(world, processes, file)


TESTS = (
    "test_what_is_published_carries_the_cosignatures_that_arrived",
    "test_a_witness_that_is_killed_goes_on_where_it_was",
    "test_an_older_copy_of_everything_signs_nothing",
    "test_a_log_that_was_lost_with_its_folder_signs_nothing",
    "test_a_witness_that_drips_holds_nobody_up",
    "test_a_split_view_is_caught_and_both_sides_are_named",
    "test_a_log_that_forked_and_grew_is_stopped_while_it_runs",
    "test_of_a_log_with_a_released_copy_witnesses_see_that_and_nothing_newer",
)


def test_what_is_published_carries_the_cosignatures_that_arrived(city: City) -> None:
    witnesses, files = city.asks(), LogFiles(city.world.log_dir)
    assert witnesses.check() == ""
    assert witnesses.show(0.0) == ""
    assert witnesses.show(100.0) is None, "it was shown"
    raw = files.read("checkpoint")
    assert raw is not None
    assert raw == files.read("witnessed")
    found = verify_by_policy(parse_checkpoint(raw), city.policy)
    assert set(found.witnesses) == set(NAMES)
    assert city.world.found() == [], "our own check reads a checkpoint with cosignatures"
    done = doorward("quorum", city.world.log_dir, "--policy", city.policy_file)
    assert (done.exit_code, "the quorum `both` is met" in done.output) == (0, True)

    size = city.record(20, 21)
    assert witnesses.show(0.5) is None, "not so often"
    assert witnesses.show(2.0) == ""
    raw = files.read("witnessed")
    assert raw is not None
    assert verify_by_policy(parse_checkpoint(raw), city.policy).tree_size == size

    # What the doctor says of it.
    now = datetime.fromtimestamp(min(city.policy.find_witnesses(parse_checkpoint(raw)).values()), UTC)
    line = check_witnesses(WitnessFacts(city.policy, raw, size), now=now)
    assert (line.state, f"2 of 2 cosigned size {size}" in line.found) == (State.OK, True)
    behind = WitnessFacts(city.policy, raw, size + 1)
    assert check_witnesses(behind, now=now).state is State.OK
    assert check_witnesses(behind, now=now + timedelta(minutes=11)).state is State.LOOK
    for none in (None, b"nonsense", city.world.log_dir.joinpath("vkey").read_bytes()):
        assert check_witnesses(WitnessFacts(city.policy, none, size), now=now).state is State.LOOK
    assert check_witnesses(None, now=now).state is State.OK

    # A proof file with cosignatures stands alone.
    proof = make_inclusion(node_reader(files, size), 3, size)
    file = parse_proof_file(format_proof(leaf_index=3, proof=proof, signed_checkpoint=raw))
    held = verify_by_policy(parse_checkpoint(file.signed_checkpoint), city.policy)
    bundle = files.read_tile(TileId(None, 0, size))
    assert bundle is not None
    leaf = hash_leaf(parse_bundle(bundle, size)[3])
    verify_inclusion(leaf_hash=leaf, leaf_index=3, tree_size=size, root=held.root, proof=file.proof)


def test_a_witness_that_is_killed_goes_on_where_it_was(city: City) -> None:
    witnesses = city.asks()
    assert witnesses.show(0.0) == ""
    w1 = city.witnesses["w1"]
    assert w1.kill(signal.SIGKILL) == -signal.SIGKILL
    city.record(20)
    assert witnesses.show(2.0) == "the quorum `both` has not said that it knows nothing newer: `w1` silent"
    raw = (city.world.log_dir / "checkpoint").read_bytes()
    assert list(city.policy.find_witnesses(parse_checkpoint(raw))) == ["w2"], "what arrived is published"
    done = doorward("quorum", city.world.log_dir / "checkpoint", "--policy", city.policy_file, "--json")
    assert (done.exit_code, json.loads(done.output)["met"]) == (1, False)
    assert "silent" in city.asks().check(), "after a start nothing is signed before the quorum answers"
    w1.start()
    assert witnesses.show(4.0) == ""
    assert city.asks().check() == ""


def test_an_older_copy_of_everything_signs_nothing(city: City, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    world = city.world
    shutil.copytree(world.folder / "log", copy)
    size = parse_checkpoint((copy / "checkpoint").read_bytes()).tree_size
    newer = city.record(20)
    assert city.asks().show(0.0) == ""
    with pytest.raises(
        VerificationError, match=f"cosigned size {newer} of this log, and here it ends at {size}"
    ):
        city.asks(copy).check()


def test_a_log_that_was_lost_with_its_folder_signs_nothing(city: City, tmp_path: Path) -> None:
    assert city.asks().show(0.0) == ""
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(VerificationError, match="and here it ends at 0"):
        city.asks(empty).check()
    assert list(empty.iterdir()) == []


def test_a_log_that_forked_and_grew_is_stopped_while_it_runs(city: City, tmp_path: Path) -> None:
    assert city.asks().show(0.0) == ""
    forked = World(tmp_path / "fork", city.world.signer, MemoryDisclosures())
    fill(forked.spool_dir, range(90, 100))
    forked.publish()
    with pytest.raises(VerificationError, match="is no beginning of this log"):
        city.asks(forked.log_dir).show(0.0)
    assert not (forked.log_dir / "witnessed").exists()


def test_of_a_log_with_a_released_copy_witnesses_see_that_and_nothing_newer(
    city: City, tmp_path: Path
) -> None:
    files, signer = LogFiles(city.world.log_dir), city.world.signer
    public, schedule = LogFiles(tmp_path / "public"), Schedule(3600, 3, 1_900_000_800)

    def asks(log: Path | None = None, released: Path | None = None) -> Witnesses:
        found = WitnessSettings(city.policy, public=released or public.folder)
        return Witnesses(found, LogFiles(log or city.world.log_dir), signer)

    assert asks().check() == "", "nothing is released yet"
    release(files, public, signer, schedule, now=schedule.start + 3600)
    old = tmp_path / "old"
    shutil.copytree(city.world.folder / "log", old / "log")
    shutil.copytree(public.folder, old / "public")
    size = city.record(20)
    assert asks().show(0.0) == ""
    raw = public.read("checkpoint")
    assert raw is not None
    assert raw == public.read("witnessed")
    assert verify_by_policy(parse_checkpoint(raw), city.policy).tree_size == 3
    assert b"\n3\n" in fetch(city.witnesses["w1"], signer.name), f"and not {size}"
    times = {
        path.stat().st_mtime for path in (public.folder, *public.folder.iterdir()) if path.name != "tile"
    }
    assert times == {schedule.slot_end(schedule.start + 3600)}, "its times stay those of the schedule"
    release(files, public, signer, schedule, now=schedule.start + 2 * 3600)
    assert asks().show(0.0) == ""
    assert asks().check() == ""
    assert (city.world.log_dir / "checkpoint").read_bytes().count(b"\xe2\x80\x94") == 1, (
        "nobody cosigned that"
    )

    # An older copy of all, of the log alone, and another history beside the newest released copy.
    with pytest.raises(VerificationError, match="cosigned size 6 of this log, and here it ends at 3"):
        asks(old / "log", old / "public").check()
    with pytest.raises(VerificationError, match="cosigned size 6 of this log, and here it ends at 0"):
        asks(released=tmp_path / "nothing").check()
    forked = World(tmp_path / "fork", signer, MemoryDisclosures())
    fill(forked.spool_dir, range(90, 99))
    forked.publish()
    with pytest.raises(VerificationError, match="does not begin with the 6 that were released"):
        asks(forked.log_dir).check()
    with pytest.raises(VerificationError, match="the log of 0 leaves does not begin"):
        asks(tmp_path / "nothing").check()


def test_old_tiles_below_new_ones_do_not_make_a_released_fork_a_beginning(tmp_path: Path) -> None:
    honest, fork = ([leaf(at, salt if at > 255 else b"") for at in range(600)] for salt in (b"", b"x"))
    public, own = make_log(fork[:300]).write(tmp_path / "public"), make_log(honest).write(tmp_path / "log")
    asks = Witnesses(WitnessSettings(parse_policy(b"quorum none\n"), public=public), LogFiles(own), OF_FILES)
    with pytest.raises(VerificationError, match="does not begin with the 300 that were released"):
        asks.check()
    (own / "tile/0/001").write_bytes(make_log(fork).files["tile/0/001"])
    with pytest.raises(VerificationError, match="`tile/0/001` of the log does not hash"):
        asks.check()


def test_a_witness_that_drips_holds_nobody_up(city: City) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        over = threading.Event()

        def drip() -> None:
            peer, _ = listener.accept()
            with closing(peer):
                while not over.wait(0.2):
                    try:
                        peer.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        text = city.policy_file.read_text()
        text = text.replace(f":{city.witnesses['w2'].port}\n", f":{port}\n")
        city.policy_file.write_text(text)
        assert city.asks(seconds=1).check().endswith("`w2` silent")
        over.set()
        thread.join(10)
    assert not thread.is_alive()


def test_a_split_view_is_caught_and_both_sides_are_named(city: City, tmp_path: Path) -> None:
    # One key, two histories; each is shown to one witness alone, and each of them cosigns in good faith.
    honest = city.world
    forked = World(tmp_path / "fork", honest.signer, MemoryDisclosures())
    fill(forked.spool_dir, (1, 2, 99))
    forked.publish()
    views = []
    for name, world in zip(NAMES, (honest, forked), strict=True):
        text = "".join(
            line if not line.startswith(("group", "quorum")) else ""
            for line in city.policy_file.read_text().splitlines(keepends=True)
            if not line.startswith("witness") or line.startswith(f"witness {name} ")
        )
        file = tmp_path / f"policy-{name}"
        file.write_text(f"{text}quorum {name}\n")
        asks = Witnesses(WitnessSettings(load_policy(file)), LogFiles(world.log_dir), world.signer)
        assert asks.show(0.0) == ""
        view = tmp_path / f"view-{name}"
        view.write_bytes(fetch(city.witnesses[name], honest.signer.name))
        views.append(str(view))
        assert verify_by_policy(parse_checkpoint(view.read_bytes()), load_policy(file)).witnesses

    vkey = format_verifier(honest.signer.verifier)
    done = doorward("compare", *views, "--key", vkey)
    roots = [Path(view).read_text().splitlines()[2] for view in views]
    assert done.exit_code == 1, done.output
    assert "FORK" in done.output
    assert all(text in done.output for text in (*views, *roots, "both are signed by the log's key"))
    assert "w1.example/w" in done.output
    assert "w2.example/w" in done.output
    assert doorward("compare", views[0], views[0], "--key", vkey).exit_code == 0

    # Another size proves nothing by itself; with the files of one side it does.
    longer = World(tmp_path / "fork", honest.signer, forked.disclosures)
    add(longer, 100)
    longer.publish()
    newer = str(longer.log_dir / "checkpoint")
    assert doorward("compare", views[0], newer, "--key", vkey).exit_code == 3
    done = doorward("compare", views[0], newer, "--key", vkey, "--log", str(longer.log_dir))
    assert (done.exit_code, "FORK" in done.output) == (1, True), done.output
    done = doorward("compare", views[1], newer, "--key", vkey, "--log", str(longer.log_dir), "--json")
    assert (done.exit_code, json.loads(done.output)["result"]) == (0, "extends"), done.output
    # And whoever is shown the other side keeps it as evidence.
    with pytest.raises(VerificationError, match="no beginning of this log"):
        city.asks(forked.log_dir).check()
    evidence = list((city.witnesses["w1"].folder / "evidence").iterdir())
    assert any("-fork-" in file.name or "-unexplained-" in file.name for file in evidence)


def fetch(witness: WitnessProcess, origin: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", witness.port, timeout=10)
    connection.request("GET", f"/{log_id(origin)}/checkpoint")
    raw = connection.getresponse().read()
    connection.close()
    return raw


@pytest.mark.parametrize(
    "url", ["", "ftp://w", "https://u:p@w", "https://w/?q", "https://w/#f", "https:///x", "w", "http://w /"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        split_url(url)


def test_an_address_is_read_with_its_prefix() -> None:
    assert split_url("https://w.example/prefix/") == (True, "w.example", 443, "/prefix")
    assert split_url("http://[::1]:6490") == (False, "::1", 6490, "")


def test_a_witness_is_made_looked_at_and_not_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    done = doorward("witness", "new", folder, "--name", "w.example", "--ml-dsa")
    keys = [parse_key(line) for line in done.output.split()]
    assert [key.algorithm for key in keys] == [4, 6]
    with pytest.raises(ConfigError, match="holds a witness already"):
        doorward("witness", "new", folder, "--name", "w.example")
    with pytest.raises(ConfigError, match="no name of a witness"):
        doorward("witness", "new", tmp_path / "other", "--name", "a name")
    with pytest.raises(ConfigError, match="list of logs"):
        doorward("witness", "run", folder)
    with pytest.raises(ConfigError, match="given together"):
        doorward("witness", "run", folder, "--certificate", "c.pem")

    state = WitnessState.open(folder)
    witness = Witness(state, parse_logs(format_verifier(logs.SIGNER.verifier)), lambda: 1_000)
    witness.add_checkpoint(logs.SmallLog().request(0, 7))
    state.close()
    done = doorward("witness", "status", folder, "--json")
    assert done.exit_code == 0
    assert json.loads(done.output)["logs"][logs.SIGNER.name]["size"] == 7
    state = WitnessState.open(folder)
    Witness(state, witness.logs, lambda: 1_000).add_checkpoint(logs.SmallLog(forked_at=5).request(7, 7))
    state.close()
    done = doorward("witness", "status", folder)
    assert (done.exit_code, "evidence: " in done.output, "1970-01-01T00:16:40Z" in done.output) == (
        1,
        True,
        True,
    )

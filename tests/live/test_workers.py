"""Two gateway workers on one port before a city's own server: one door, one record, whoever of them dies."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from doorward.gateway.cancelling import WORKER_SHIFT
from doorward.gateway.logins import Share
from doorward.record.check_spool import hold_segments
from doorward.record.disclosures import prepare_server
from doorward.record.entry import Entry
from doorward.record.frame import Synced
from doorward.record.segments import is_preallocated_size, list_segments, read_spool
from doorward.record.workers import worker_folder
from tests_support.city import NO_PUBLISHER, REGISTER, City, free_port, from_address, start_city

pytestmark = pytest.mark.pg
ORDERS = Path(__file__).resolve().parents[2] / "src" / "doorward" / "orders"
SLOW = "SELECT count(*) FROM generate_series(1, 2000000000)"
WAIT_SECONDS = 60
Session = psycopg.Connection[Any]


@dataclass
class Two:
    """A city with a gateway of two workers and a publisher."""

    city: City
    record: Cluster
    health_port: int
    said: list[dict[str, Any]] = field(default_factory=list)
    gateway: subprocess.Popen[str] | None = None
    publisher: subprocess.Popen[bytes] | None = None
    listening: threading.Thread | None = None

    @property
    def data(self) -> Path:
        return self.city.folder / "doorward"

    def start_gateway(self) -> None:
        self.said.clear()
        self.gateway = subprocess.Popen(
            [sys.executable, "-m", "doorward", "gateway", "--config", str(self.city.config)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.listening = threading.Thread(target=self._listen, args=(self.gateway.stderr,), daemon=True)
        self.listening.start()
        assert self.gateway.stdout is not None
        assert self.gateway.stdout.readline() == "ready\n", self.said

    def _listen(self, lines: Any) -> None:
        for line in lines:
            self.said.append(json.loads(line) if line.startswith("{") else {"line": line})

    def stop_gateway(self) -> int:
        assert self.gateway is not None
        self.gateway.send_signal(signal.SIGTERM)
        code = self.gateway.wait(40)
        self.forget_gateway()
        return code

    def forget_gateway(self) -> None:
        """Close what is left of a gateway that has ended."""
        assert self.gateway is not None
        assert self.listening is not None
        self.listening.join(10)
        for pipe in (self.gateway.stdout, self.gateway.stderr):
            assert pipe is not None
            pipe.close()
        self.gateway = None

    def start_publisher(self) -> None:
        self.publisher = subprocess.Popen(
            [sys.executable, "-m", "doorward", "publisher", "--config", str(self.city.config)],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def stop_publisher(self) -> int:
        assert self.publisher is not None
        self.publisher.send_signal(signal.SIGTERM)
        code = self.publisher.wait(40)
        self.publisher = None
        return code

    def kill_everything(self) -> None:
        """Send SIGKILL to the parent, the workers and the publisher."""
        assert self.gateway is not None
        assert self.publisher is not None
        for pid in (self.gateway.pid, *self.pids().values(), self.publisher.pid):
            os.kill(pid, signal.SIGKILL)
        self.publisher.wait(40)
        self.gateway.wait(40)
        self.publisher = None
        self.forget_gateway()

    def get(self, path: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.health_port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def figure(self, name: str) -> float:
        found = re.findall(rf"(?m)^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", self.get("/metrics")[1])
        return sum(map(float, found))

    def pids(self) -> dict[int, int]:
        """The workers' processes by their numbers."""
        assert self.gateway is not None
        children = Path(f"/proc/{self.gateway.pid}/task/{self.gateway.pid}/children").read_text().split()
        found = {}
        for pid in children:
            with suppress(OSError, ValueError):  # one that is gone, or has not become a worker yet
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found[int(words[words.index(b"--worker") + 1])] = int(pid)
        return found

    def sessions(self, count: int, stack: ExitStack, *workers: int) -> dict[int, list[Session]]:
        """Open so many sessions at each of these workers."""
        found: dict[int, list[Session]] = {worker: [] for worker in workers}
        deadline = time.monotonic() + WAIT_SECONDS
        while any(len(sessions) < count for sessions in found.values()):
            assert time.monotonic() < deadline
            session = self.city.connect()
            sessions = found.get(worker_of(session), [])
            if len(sessions) < count and worker_of(session) in found:
                sessions.append(session)
                stack.callback(session.close)
            else:
                session.close()
        return found

    def verify(self) -> tuple[int, dict[str, Any]]:
        done = self.city.doorward("log", "verify", "--data", str(self.data), "--json")
        return done.returncode, json.loads(done.stdout)


def worker_of(session: Session) -> int:
    return session.info.backend_pid >> WORKER_SHIFT


def wait_for(condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


def cancel_until(over: threading.Event, cancel: Callable[[], None]) -> None:
    # On a busy machine the first request may come before the statement.
    while not over.wait(0.2):
        cancel()


def is_ended(session: Session) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


@pytest.fixture(name="two")
def two_fixture(two_city: Two) -> Two:
    """Both workers and the publisher, running, whatever the test before did."""
    if two_city.publisher is None:
        two_city.start_publisher()
    if two_city.gateway is None:
        two_city.start_gateway()
    wait_for(lambda: two_city.get("/readyz")[0] == 200)
    return two_city


@pytest.fixture(scope="module", name="two_city")
def two_city_fixture() -> Iterator[Two]:
    with start_city() as city, ExitStack() as stack:
        record = Cluster(record_spec(city.folder / "record-data"))
        record.start()
        stack.callback(record.stop)
        prepare_server(record.dsn(user="postgres", dbname="postgres"))
        two = Two(city, record, free_port())
        text = city.config.read_text(encoding="utf-8")
        text = text.replace(NO_PUBLISHER, "").replace(
            "host=localhost dbname=disclosures", f"host={record.spec.socket_dir} port={record.spec.port}"
        )
        text = text.replace(f"port = {city.port}\n", f"port = {city.port}\nworkers = 2\n")
        text += '\n[people]\ntwo_addresses = "cut"\n'
        text += "\n[limits]\nrows = 0\nbytes = 0\nstatements_a_minute = 0\n"  # a quick machine would reach them here
        text = text.replace("[record]\n", '[record]\ndurable_purposes = ["criminal-investigation"]\n')
        operation = f'health = "127.0.0.1:{two.health_port}"\nlog = "json"\n'
        operation += "stalled_seconds = 4\nstalled_closes_seconds = 9\n"
        city.config.write_text(f"{text}\n[operation]\n{operation}", encoding="utf-8")
        yield two
        assert two.gateway is None or two.stop_gateway() == 0
        assert two.publisher is None or two.stop_publisher() == 0


def install(city: City, order: str) -> None:
    done = city.doorward(
        "order", "install", order, "--neither", "records_app", "--register", REGISTER,
        "--dsn", city.server.dsn(user="postgres", dbname="clear"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_both_workers_serve_on_one_port(two: Two) -> None:
    with ExitStack() as stack:
        found = two.sessions(2, stack, 0, 1)
        for session in (*found[0], *found[1]):
            assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)
        listed = json.loads(two.city.doorward("sessions", "--json", "--config", str(two.city.config)).stdout)
        assert len(listed) == 4
        for worker in (0, 1):  # the sample's purpose is durable here, so each request was synced
            folder = worker_folder(two.data / "spool", worker)
            with hold_segments(two.data / "spool"):
                assert sum(isinstance(record, Synced) for record in read_spool(folder)) >= 4
                assert is_preallocated_size(list_segments(folder)[-1].path.stat().st_size)
    started = [line for line in two.said if line.get("event") == "started"]
    assert {line["worker"] for line in started} == {0, 1}
    assert {line["process"] for line in started} == {"gateway"}


def test_sessions_of_a_durable_purpose_that_wait_at_the_same_time_share_syncs(two: Two) -> None:
    def count(worker: int) -> tuple[int, int]:
        folder = worker_folder(two.data / "spool", worker)
        with hold_segments(two.data / "spool"):
            records = list(read_spool(folder))
        entries = sum(isinstance(record, Entry) for record in records)
        return entries, sum(isinstance(record, Synced) for record in records)

    def work(session: Session) -> list[Any]:
        return [session.execute("SELECT %s", (number,)).fetchone() for number in range(20)]

    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        found = two.sessions(4, stack, 0)
        before = count(0)
        answers = list(threads.map(work, found[0]))
        after = count(0)
    assert answers == [[(number,) for number in range(20)]] * 4
    entries, syncs = after[0] - before[0], after[1] - before[1]
    assert entries >= 2 * 4 * 20, "each request and its end"
    assert 0 < syncs < entries


def test_each_worker_has_login_roles_of_its_own(two: Two) -> None:
    with ExitStack() as stack:
        two.sessions(2, stack, 0, 1)
        with psycopg.connect(two.city.server.dsn(user="postgres", dbname="clear")) as dba:
            logins = [row[0] for row in dba.execute("SELECT login FROM doorward.session_grant")]
    shares = [sum(Share(worker, 2).has(login) for login in logins) for worker in (0, 1)]
    assert (len(logins), shares) == (4, [2, 2])


@pytest.mark.parametrize("way", ["cancel_safe", "cancel"])
def test_a_cancel_request_reaches_its_session_at_whichever_worker_it_arrives(two: Two, way: str) -> None:
    with ExitStack() as stack:
        found = two.sessions(1, stack, 0, 1)
        for session in (*found[0], *found[1]):
            # Each request is a connection of its own, and the kernel chooses its worker: some cross.
            for _ in range(5):
                over = threading.Event()
                asking = threading.Thread(target=cancel_until, args=(over, getattr(session, way)))
                asking.start()
                with pytest.raises(psycopg.errors.QueryCanceled):
                    session.execute(SLOW)
                over.set()
                asking.join()
                with suppress(psycopg.errors.QueryCanceled):
                    session.execute("SELECT 1")  # one request may have come late


def test_health_is_alive_and_ready_and_says_each_check_in_a_word(two: Two) -> None:
    assert two.get("/healthz") == (200, "alive\n")
    words = "order ok\nspool ok\npublisher ok\ndatabase ok\nworkers ok\n"
    assert wait_for(lambda: two.get("/readyz") == (200, words))
    assert two.get("/elsewhere")[0] == 404


def test_figures_count_what_was_done_and_name_nobody(two: Two) -> None:
    before = {name: two.figure(f"doorward_{name}_total") for name in ("statements", "rows", "refusals")}
    with ExitStack() as stack:
        found = two.sessions(1, stack, 0, 1)
        for session in (*found[0], *found[1]):
            session.execute("SELECT * FROM generate_series(1, 10)").fetchall()
        assert two.figure("doorward_sessions") == 2
    with pytest.raises(psycopg.OperationalError):
        two.city.connect(options="-c doorward.purpose=civil-immigration -c doorward.for=ICE-ERO")
    assert two.figure("doorward_statements_total") >= before["statements"] + 2
    assert two.figure("doorward_rows_total") >= before["rows"] + 20
    assert two.figure("doorward_refusals_total") == before["refusals"] + 1
    text = two.get("/metrics")[1]
    labels = {name for names in re.findall(r"\{([^}]*)\}", text) for name in re.findall(r"(\w+)=", names)}
    assert labels <= {"worker", "outcome", "le", "check", "answers"}
    for word in (PEOPLE[0].login, "ICE", "criminal", "CPD", "JH"):
        assert word not in text
    assert "doorward_decision_seconds_bucket" in text
    assert "doorward_connect_seconds_count" in text


def test_a_cut_ends_the_sessions_of_every_worker_and_both_record_it(two: Two) -> None:
    config = str(two.city.config)
    with ExitStack() as stack:
        found = two.sessions(3, stack, 0, 1)
        done = two.city.doorward("cut", "--person", PEOPLE[0].login, "--reason", "left", "--config", config)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("3 sessions ended in") == 2
        for session in (*found[0], *found[1]):
            with pytest.raises(psycopg.OperationalError, match="ended by the security officer"):
                session.execute("SELECT 1")
    # A worker that starts afterwards has read it.
    os.kill(two.pids()[1], signal.SIGKILL)
    wait_for(lambda: "workers ok" in two.get("/readyz")[1])
    for _ in range(8):
        with pytest.raises(psycopg.OperationalError, match="ended by the security officer"):
            two.city.connect()
    identifier = done.stdout.split()[1]
    lifted = two.city.doorward("cuts", "--lift", identifier, "--config", config)
    assert (lifted.returncode, lifted.stderr) == (0, "")
    two.city.connect().close()
    with psycopg.connect(two.record.dsn(user="postgres", dbname="disclosures")) as owner:
        cuts = "SELECT count(DISTINCT sequence >> 56) FROM record.entries WHERE kind = 6 AND position(%s IN body) > 0"
        wait_for(lambda: owner.execute(cuts, [identifier.encode()]).fetchone() == (2,))


def test_one_login_at_two_addresses_is_seen_across_workers(two: Two) -> None:
    with ExitStack() as stack:
        found = two.sessions(1, stack, 0, 1)
        with from_address("127.0.0.2", two.city.port) as port, suppress(psycopg.OperationalError):
            two.city.connect(port=port).close()
        for session in (*found[0], *found[1]):
            wait_for(partial(is_ended, session))
    files = [file for file in (two.data / "spool").rglob("seg-*") if file.is_file()]
    assert any(b"one login at two addresses at once" in file.read_bytes() for file in files)


@dataclass
class Load:
    """One client that asks until it is told to stop or is cut off."""

    session: Session
    name: str
    answered: list[str] = field(default_factory=list)
    lost: bool = False

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            text = f"SELECT count(*) FROM persons /* {self.name} {len(self.answered)} */"
            try:
                self.session.execute(text).fetchall()
            except psycopg.OperationalError:
                self.lost = True
                return
            self.answered.append(text)


def test_a_killed_worker_takes_its_own_sessions_and_no_answered_statement_is_lost(two: Two) -> None:
    stop = threading.Event()
    with ExitStack() as stack:
        found = two.sessions(3, stack, 0, 1)
        loads = {
            worker: [Load(session, f"load-{worker}-{at}") for at, session in enumerate(sessions)]
            for worker, sessions in found.items()
        }
        threads = [
            threading.Thread(target=load.run, args=(stop,)) for these in loads.values() for load in these
        ]
        for thread in threads:
            thread.start()
        wait_for(lambda: all(len(load.answered) > 20 for these in loads.values() for load in these))
        killed = two.pids()[1]
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: all(load.lost for load in loads[1]))
        wait_for(lambda: two.pids().get(1, killed) != killed and "workers ok" in two.get("/readyz")[1])
        before = [len(load.answered) for load in loads[0]]
        wait_for(
            lambda: all(len(load.answered) > was + 20 for load, was in zip(loads[0], before, strict=True))
        )
        two.sessions(1, stack, 1)[1][0].execute("SELECT 1")
        stop.set()
        for thread in threads:
            thread.join(WAIT_SECONDS)
        assert not any(load.lost for load in loads[0])
    died = [line for line in two.said if line.get("event") == "worker died"]
    assert (died[-1]["worker"], died[-1]["code"]) == (1, -signal.SIGKILL)
    assert {line.keys() >= {"time", "level", "process", "event"} for line in two.said} == {True}
    check_record(two, [text for these in loads.values() for load in these for text in load.answered])


def test_every_process_killed_at_once_under_load_loses_no_answered_statement(two: Two) -> None:
    stop = threading.Event()
    with ExitStack() as stack:
        found = two.sessions(3, stack, 0, 1)
        loads = [Load(session, f"all-{at}") for at, session in enumerate([*found[0], *found[1]])]
        threads = [threading.Thread(target=load.run, args=(stop,)) for load in loads]
        for thread in threads:
            thread.start()
        wait_for(lambda: all(len(load.answered) > 20 for load in loads))
        two.kill_everything()
        for thread in threads:
            thread.join(WAIT_SECONDS)
        assert all(load.lost for load in loads)
    two.start_gateway()
    two.start_publisher()
    two.city.connect().close()
    said = [line for line in two.said if line.get("event") == "the spool was not closed, and is whole again"]
    assert {line["worker"]: line["sessions"] > 0 for line in said[-2:]} == {0: True, 1: True}
    check_record(two, [text for load in loads for text in load.answered])


def test_workers_stop_by_themselves_when_their_parent_is_killed(two: Two) -> None:
    pids = two.pids()
    assert two.gateway is not None
    two.gateway.kill()
    two.gateway.wait(40)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids.values()))
    two.forget_gateway()


def check_record(two: Two, answered: list[str]) -> None:
    with psycopg.connect(two.record.dsn(user="postgres", dbname="disclosures"), autocommit=True) as owner:
        wait_for(lambda: two.figure("doorward_waiting_leaves") == 0)
        bodies = b"".join(
            row[0] for row in owner.execute("SELECT body FROM record.entries WHERE kind = 4").fetchall()
        )
    assert [text for text in answered if text.encode() not in bodies] == []
    code, report = two.verify()
    assert (code, report["findings"]) == (0, []), report


def test_a_publisher_that_stands_still_is_an_alarm(two: Two) -> None:
    assert two.stop_publisher() == 0
    two.city.connect().close()
    status, words = wait_for(lambda: found if (found := two.get("/readyz"))[0] == 503 else None)
    assert (status, "publisher stalled\n" in words) == (503, True)
    assert any(line.get("event") == "publisher stalled" for line in two.said)
    two.start_publisher()
    wait_for(lambda: two.get("/readyz")[0] == 200)
    assert two.verify()[0] == 0


@pytest.mark.long
def test_a_publisher_that_stands_still_for_longer_closes_the_door_and_its_return_opens_it(two: Two) -> None:
    with ExitStack() as stack:
        found = two.sessions(1, stack, 0, 1)
        pids = two.pids()
        assert two.stop_publisher() == 0
        sessions = [*found[0], *found[1]]
        for session in sessions:
            session.execute("SELECT 1")  # something waits at both workers
        wait_for(
            lambda: two.get("/readyz")[1].count("publisher closed\n") and two.figure("doorward_sessions") == 0
        )
        for session in sessions:
            with pytest.raises(
                psycopg.OperationalError, match="the record has not been published for too long"
            ):
                session.execute("SELECT 1")
        told = "refused: the record has not been published for too long, so only emergencies are let in"
        for _ in range(4):  # whichever worker it is
            with pytest.raises(psycopg.OperationalError, match=told):
                two.city.connect()
        danger = "-c doorward.purpose=safety -c doorward.for=CPD -c doorward.emergency=an\\ invented\\ danger"
        with two.city.connect(options=danger) as emergency:
            assert emergency.execute("SELECT 1").fetchone() == (1,)
            two.start_publisher()
            wait_for(lambda: two.get("/readyz")[0] == 200)
            assert emergency.execute("SELECT 1").fetchone() == (1,)
        two.city.connect().close()
        assert two.pids() == pids, "without a restart"
    assert two.verify()[0] == 0


def test_another_order_ends_every_session_and_lets_nobody_in_until_the_old_one_is_back(two: Two) -> None:
    other = two.city.folder / "other-order"
    shutil.copytree(ORDERS / "chicago", other)
    text = (other / "order.toml").read_text(encoding="utf-8")
    (other / "order.toml").write_text(text.replace("every door", "each door"), encoding="utf-8")
    with ExitStack() as stack:
        found = two.sessions(1, stack, 0, 1)
        install(two.city, str(other))
        wait_for(lambda: "order other\n" in two.get("/readyz")[1])
        wait_for(lambda: two.figure("doorward_sessions") == 0)
        for session in (*found[0], *found[1]):
            with pytest.raises(psycopg.OperationalError, match="another order is in force now"):
                session.execute("SELECT 1")
        for _ in range(6):
            with pytest.raises(psycopg.OperationalError, match="another order is in force at the database"):
                two.city.connect()
        assert two.get("/readyz")[0] == 503
    assert {line["worker"] for line in two.said if line.get("event") == "another order is in force"} == {0, 1}
    install(two.city, "chicago")
    wait_for(lambda: two.get("/readyz")[0] == 200)
    two.city.connect().close()


def test_sigterm_ends_all_workers_and_the_record_is_closed(two: Two) -> None:
    pids = two.pids()
    session = two.city.connect()
    assert two.stop_gateway() == 0
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    session.close()
    for pid in pids.values():
        assert not Path(f"/proc/{pid}").exists()
    assert sum(line.get("event") == "stopped" for line in two.said[-4:]) == 2
    assert two.stop_publisher() == 0
    code, report = two.verify()
    assert (code, report["findings"], report["notes"]) == (0, [], []), report


def test_a_worker_that_fails_at_once_ends_the_parent_with_its_words(two: Two) -> None:
    assert two.stop_gateway() == 0
    file = two.data / "people.json"
    kept = file.read_bytes()
    file.write_text("nonsense", encoding="utf-8")
    try:
        done = two.city.doorward("gateway", "--config", str(two.city.config))
    finally:
        file.write_bytes(kept)
    assert done.returncode == 2
    assert "gateway worker 0 ended: cannot read `people.json`" in done.stderr


def test_one_worker_goes_on_where_two_stopped_and_serves_health_itself(two: Two) -> None:
    assert two.stop_gateway() == 0
    text = two.city.config.read_text(encoding="utf-8")
    two.city.config.write_text(text.replace("workers = 2", "workers = 1"), encoding="utf-8")
    two.start_gateway()
    try:
        for _ in range(3):
            with two.city.connect() as session:
                assert worker_of(session) == 0
                session.execute("SELECT 1")
        wait_for(lambda: two.get("/readyz")[0] == 200)
        wait_for(lambda: two.figure("doorward_waiting_leaves") == 0)
        assert two.verify()[0] == 0
    finally:
        two.city.config.write_text(text, encoding="utf-8")
        code = two.stop_gateway()
    assert code == 0

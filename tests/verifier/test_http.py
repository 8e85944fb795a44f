"""A log at an address: bounded in size, time, redirects and attempts; no answer is not taken for no."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from doorward.cli.log import app
from doorward.cli.log_outside import show_progress
from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.verifier.check import Task, check
from doorward.verifier.http_source import ATTEMPTS, HttpSource
from verifier.logs import KEY, KEY_TEXT, log_of

LOG = log_of(700)
Answer = Callable[[BaseHTTPRequestHandler, str], bool]


class Handler(BaseHTTPRequestHandler):
    """Serves the log's files, unless a test answers otherwise."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []
    answer: ClassVar[Answer | None] = None

    def do_GET(self) -> None:
        path = self.path.removeprefix("/log/")
        self.asked.append(path)
        if Handler.answer is not None and Handler.answer(self, path):
            return
        data = LOG.files.get(path)
        self.say(200 if data is not None else 404, data or b"")

    def say(self, status: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/log"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    Handler.asked.clear()
    Handler.answer = None
    yield
    Handler.answer = None


def source(address: str, **options: float) -> HttpSource:
    return HttpSource(address, pause=lambda _seconds: None, **options)  # type: ignore[arg-type]  # only numbers


def answering(status: int, data: bytes = b"", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, _path: str) -> bool:
        assert isinstance(handler, Handler)
        handler.say(status, data, **headers)
        return True

    return answer


def test_a_log_at_an_address_holds(address: str) -> None:
    verdict = check(Task(address, KEY, LOG.files["checkpoint"]))
    assert verdict.holds
    assert verdict.counts["leaves"] == 700
    assert verdict.could_not_tell == []
    assert "a web server does not list" in verdict.not_checked[0]
    assert len(Handler.asked) == len(set(Handler.asked)) + 0


def test_the_command_names_a_file_that_is_not_there(address: str) -> None:
    Handler.answer = lambda handler, path: path == "tile/entries/001" and answering(404)(handler, path)
    done = CliRunner().invoke(app, ["verify", address, "--key", KEY_TEXT])
    assert done.exit_code == 1
    assert "FALSE: tile/entries/001: the file is missing [file-missing]" in done.output


def test_a_server_that_fails_once_is_asked_again(address: str) -> None:
    failed: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, path: str) -> bool:
        if path in failed:
            return False
        failed.append(path)
        return answering(503)(handler, path)

    Handler.answer = answer
    assert source(address).read("checkpoint", 1000) == LOG.files["checkpoint"]


@pytest.mark.parametrize(("status", "asked"), [(500, ATTEMPTS), (429, ATTEMPTS), (403, 1), (204, 1)])
def test_a_server_that_refuses_is_could_not_tell(address: str, status: int, asked: int) -> None:
    Handler.answer = answering(status)
    with pytest.raises(StoreError, match=str(status)):
        source(address).read("checkpoint", 1000)
    assert len(Handler.asked) == asked


def test_a_server_that_is_not_there_is_could_not_tell() -> None:
    with pytest.raises(StoreError, match="could not be fetched in 4 attempts"):
        source("http://127.0.0.1:9").read("checkpoint", 1000)


def test_no_more_is_read_than_a_file_may_have(address: str) -> None:
    Handler.answer = answering(200, bytes(5_000_000))
    with pytest.raises(MalformedError, match="more than 1000 bytes"):
        source(address).read("checkpoint", 1000)


def test_a_server_that_drips_is_left_after_its_time(address: str) -> None:
    Handler.answer = answering(200, bytes(900))
    with pytest.raises(StoreError, match="did not end within"):
        source(address, file_seconds=-1.0).read("checkpoint", 1000)


def test_a_compressed_answer_is_not_unpacked(address: str) -> None:
    Handler.answer = answering(200, b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(StoreError, match="compressed"):
        source(address).read("checkpoint", 1000)


def test_a_redirect_on_the_same_host_is_followed_and_a_circle_ends(address: str) -> None:
    Handler.answer = lambda handler, path: (
        "moved" not in path and answering(302, Location="/log/moved/checkpoint")(handler, path)
    )
    assert source(address).read("checkpoint", 1000) is None
    Handler.answer = answering(301, Location="/log/checkpoint")
    with pytest.raises(StoreError, match="more than 3 times"):
        source(address).read("checkpoint", 1000)


@pytest.mark.parametrize("target", ["http://localhost/x", "file:///etc/passwd", "http://127.0.0.1:1/x", ""])
def test_a_redirect_to_another_place_is_refused(address: str, target: str) -> None:
    Handler.answer = answering(302, Location=target)
    with pytest.raises(StoreError, match="redirects to another place"):
        source(address).read("checkpoint", 1000)


@pytest.mark.parametrize(
    "address", ["ftp://x/", "https:///x", "https://a@b/", "https://a/?x=1", "https://a/#x"]
)
def test_an_address_that_is_none_of_a_log_is_usage(address: str) -> None:
    with pytest.raises(ConfigError):
        HttpSource(address)


def test_progress_is_told_at_a_terminal_or_where_it_was_asked_for() -> None:
    said: list[str] = []
    times = iter([0.0, 1.0, 2.0, 10.0, 20.0])
    show_progress(is_terminal=False, is_wanted=False, write=said.append)(5, 5)
    assert said == []
    tell = show_progress(is_terminal=False, is_wanted=True, clock=lambda: next(times), write=said.append)
    for done in (100, 200, 1_000, 2_000):
        tell(done, 2_000)
    assert said == ["1,000 of 2,000 leaves, 100 a second\n", "2,000 of 2,000 leaves, 100 a second\n"]

"""A log at an address: bounded in size, time, redirects and attempts; no answer is not taken for no."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from doorward.cli.log import app
from doorward.cli.log_outside import show_progress
from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.verifier.check import Task, check
from doorward.verifier.http_source import ATTEMPTS, HttpSource
from verifier.logs import KEY, KEY_TEXT, log_of
from verifier.test_single_file import module, single_file

__all__ = ["module", "single_file"]

LOG = log_of(700)
OPENED: list[HttpSource] = []
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
    while OPENED:
        OPENED.pop().close()


def source(address: str, **options: float) -> HttpSource:
    OPENED.append(HttpSource(address, pause=lambda _seconds: None, **options))
    return OPENED[-1]


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
    assert len(Handler.asked) == len(set(Handler.asked))


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


@pytest.mark.parametrize("where", ["in its status", "in its headers", "in the file"])
def test_a_server_that_drips_is_left_after_its_time(address: str, module: ModuleType, where: str) -> None:
    def answer(handler: BaseHTTPRequestHandler, _path: str) -> bool:
        assert isinstance(handler, Handler)
        begun = {"in its status": b"HTTP/1", "in its headers": b"HTTP/1.1 200 OK\r\nX: ", "in the file": b""}[
            where
        ]
        if not begun:
            begun = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
        handler.wfile.write(begun)
        with suppress(OSError):
            for _ in range(200):
                handler.wfile.write(b"1")
                if released.wait(0.02):
                    break
        handler.close_connection = True
        return True

    released = threading.Event()
    Handler.answer = answer
    with pytest.raises(StoreError, match="did not end within"):
        source(address, file_seconds=0.2).read("checkpoint", 1000)
    alone = module.Address(address)
    alone.seconds = 0.2
    with pytest.raises(module.UnknownError, match="did not end within"):
        alone.read("checkpoint", 1000)
    alone.link.close()
    released.set()


def test_an_answer_that_is_cut_short_is_asked_for_again(address: str) -> None:
    cut: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, path: str) -> bool:
        if len(cut) == 2:
            return False
        cut.append(path)
        data = LOG.files[path]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2])
        handler.close_connection = True
        return True

    Handler.answer = answer
    assert source(address).read("checkpoint", 1000) == LOG.files["checkpoint"]
    assert len(cut) == 2


def test_the_single_file_is_as_careful(
    address: str, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)
    alone = module.Address(address)
    report = module.Report()
    module.check_log(alone, module.read_key(KEY_TEXT), (), LOG.files["checkpoint"], report)
    assert report.code == 0
    for answer, why in (
        (answering(503), "status 503"),
        (answering(403), "status 403"),
        (answering(200, b"\x1f\x8b", Content_Encoding="gzip"), "compressed"),
        (answering(301, Location="/log/checkpoint"), "in a circle"),
        (answering(301, Location="http://localhost/x"), "another place"),
        (answering(301, Location="file:///etc/passwd"), "another place"),
        (answering(301, Location="http://["), "another place"),
        (answering(301, Location="/\xe9"), "another place"),
    ):
        Handler.answer = answer
        with pytest.raises(module.UnknownError, match=why):
            alone.read("checkpoint", 1000)
    Handler.answer = answering(200, bytes(5_000_000))
    with pytest.raises(module.FalseError, match="more than 1000 bytes"):
        alone.read("checkpoint", 1000)
    Handler.answer = answering(404)
    assert alone.read("checkpoint", 1000) is None
    alone.link.close()
    for wrong in (
        "ftp://x/",
        "https:///x",
        "https://a@b/",
        "https://a/?x=1",
        "http://a:x/",
        "http://[a/",
        "http://a/\xe9",
    ):
        with pytest.raises(module.UsageError):
            module.Address(wrong)


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


@pytest.mark.parametrize("target", ["/log/\xe9", "/log/a b", "/log/\x7f", "/log/\x80"])
def test_a_redirect_that_no_request_can_name_is_could_not_tell(address: str, target: str) -> None:
    Handler.answer = answering(301, Location=target)
    with pytest.raises(StoreError, match="redirects to what is no address"):
        source(address).read("checkpoint", 1000)
    assert len(Handler.asked) == 1
    done = CliRunner().invoke(app, ["verify", address, "--key", KEY_TEXT])
    assert (done.exit_code, "could not tell" in done.output) == (3, True), done.output


@pytest.mark.parametrize(
    "address",
    ["ftp://x/", "https:///x", "https://a@b/", "https://a/?x=1", "https://a/#x", "http://a:x/", "http://[a/"],
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

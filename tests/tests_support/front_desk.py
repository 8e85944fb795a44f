"""The front desk behind a real socket, for a browser; it can cut a connection, refuse, or take another version."""

import io
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

from doorward.desk.front.build import build_app
from doorward.desk.front.wsgi_app import FrontApp
from tests_support.front_store import MemoryStore

MOUNT = "/front"


def read_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the browser beside it has a clock too


class Desk:
    """A running front desk.

    Args:
        cut: ``before`` closes a POST's connection once it is read, ``after`` once it is stored as well; None answers.
        refuse: A status that each POST is answered with, or None.
        faults: That each POST is given back with, or None.
        wrong_receipt: Answer with a receipt for other bytes.
    """

    def __init__(self, compiled: dict[str, Any]) -> None:
        self.store = MemoryStore()
        self.versions: dict[str, dict[str, Any]] = {}
        self.cut: str | None = None
        self.refuse: int | None = None
        self.faults: list[dict[str, str]] | None = None
        self.wrong_receipt = False
        self.requests: list[tuple[str, str]] = []
        self.port = 0
        self.publish(compiled)

    def publish(self, compiled: dict[str, Any]) -> None:
        """Serve another version; the records of the older ones are still read."""
        self.compiled = compiled
        self.versions[compiled["version"]] = compiled
        self.built = build_app(compiled, "0.1.0")
        self.serve()

    def replace(self, path: str, content: bytes) -> None:
        """Serve other bytes for one file, as a fault on the way would."""
        self.built[path] = content
        self.serve()

    def serve(self) -> None:
        self.app = FrontApp(self.built, self.versions.get, self.store, now=read_clock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{MOUNT}/"

    def sentence(self, place: str = "library") -> str:
        """Return the first sentence of a place, in English."""
        found = next(each for each in self.compiled["places"] if each["id"] == place)
        text: str = self.compiled["texts"]["en"][found["first"]["sentence"]]
        return text

    def posts(self) -> list[str]:
        return [path for method, path in self.requests if method == "POST"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    desk: ClassVar[Desk]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        path = unquote(self.path.partition("?")[0])
        self.desk.requests.append((self.command, path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_post = self.command == "POST"
        if is_post and self.desk.cut == "before":
            self.close_connection = True
            return
        if is_post and self.desk.refuse:
            self.say(self.desk.refuse, b"")
        elif is_post and self.desk.faults:
            self.say(422, json.dumps({"faults": self.desk.faults, "now": read_clock().isoformat()}).encode())
        elif not path.startswith(MOUNT):
            self.say(404, b"")
        else:
            self.through(path, body, is_post=is_post)

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def through(self, path: str, body: bytes, *, is_post: bool) -> None:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": MOUNT,
            "PATH_INFO": path.removeprefix(MOUNT),
            "QUERY_STRING": "",
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
        }
        for name, value in self.headers.items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
            said.append((status, headers))

        content = b"".join(self.desk.app(environ, start))
        if is_post and self.desk.cut == "after":
            self.close_connection = True
            return
        if is_post and self.desk.wrong_receipt:
            content = re.sub(rb'"digest":"[0-9a-f]{8}', b'"digest":"00000000', content)
        ((status, headers),) = said
        self.send_response(int(status[:3]), status[4:])
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = answer  # noqa: N815  # names that http.server looks for


@contextmanager
def running(desk: Desk) -> Iterator[Desk]:
    """Serve a desk on a port of its own."""
    handler = type("Handler", (_Handler,), {"desk": desk})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    desk.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield desk
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

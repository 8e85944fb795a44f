"""Where a log is read from, and its check against a root: the second part of `verify_log.py`.

Whatever is read is hostile: sizes, times, redirects and counts are bounded; nothing is unpacked, linked to or run.

Source: C2SP tlog-tiles.
"""

from __future__ import annotations

import http.client
import itertools
import os
import re
import socket
import ssl
import stat
import tarfile
import threading
import time
from typing import Callable, Dict, Iterator, List, Sequence, Tuple, Union
from urllib.parse import urljoin, urlsplit

from doorward.verifier.alone.notes import FalseError, Hash, Row, UnknownError, UsageError, fold, sha

WIDTH = 256
BUNDLE = -1  # the level of entries
MAX_MEMBERS = 2_000_000


class Folder:
    """A folder; links, pipes and devices are not opened."""

    def __init__(self, place: str) -> None:
        self.place = place

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file's bytes, or None where there is none."""
        name = os.path.join(self.place, path)
        try:
            if not stat.S_ISREG(os.lstat(name).st_mode):
                raise FalseError("file-malformed", "it is no regular file")
            with open(name, "rb") as file:
                raw = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnknownError(f"`{path}` cannot be read: {error.strerror}") from error
        if len(raw) > most:
            raise FalseError("file-malformed", f"it has more than {most} bytes")
        return raw

    def paths(self) -> Iterator[str]:
        """Yield every file below `tile/`."""
        for at, folders, files in os.walk(os.path.join(self.place, "tile")):
            links = [name for name in folders if os.path.islink(os.path.join(at, name))]
            for name in sorted(files + links):
                path = os.path.relpath(os.path.join(at, name), self.place)
                yield os.fsencode(path).decode("utf-8", "replace").replace(os.sep, "/")


class Tar:
    """An uncompressed tar; nothing is unpacked."""

    def __init__(self, place: str) -> None:
        self.places: Dict[str, Tuple[int, int]] = {}
        try:
            with tarfile.open(place, "r:") as tar:
                for member in iter(tar.next, None):
                    tar.members = []  # type: ignore[attr-defined]  # else it keeps each header
                    name = member.name[2:] if member.name.startswith("./") else member.name
                    if member.isdir():
                        continue
                    bad = name.startswith("/") or ".." in name.split("/") or name in self.places
                    if bad or not member.isreg() or member.issparse() or len(self.places) >= MAX_MEMBERS:
                        raise FalseError("file-malformed", f"the tar has a member that no log has: {name!a}")
                    self.places[name] = (member.offset_data, member.size)
            self.file = open(place, "rb")  # noqa: SIM115  # read from until the end
        except (tarfile.TarError, EOFError, ValueError, RecursionError) as error:
            raise UsageError("the file is no whole, uncompressed tar, proof or exhibit") from error
        except OSError as error:
            raise UnknownError(f"the tar cannot be read: {error.strerror}") from error

    def read(self, path: str, most: int) -> bytes | None:
        """Return a member's bytes, or None where there is none."""
        offset, size = self.places.get(path, (0, -1))
        if size > most:
            raise FalseError("file-malformed", f"it has more than {most} bytes")
        self.file.seek(offset)
        return None if size < 0 else self.file.read(size)

    def paths(self) -> Iterator[str]:
        """Yield every file below `tile/`."""
        return (name for name in sorted(self.places) if name.startswith("tile/"))


class Address:
    """A web server; a redirect stays on its host, nothing compressed is taken, three attempts, a minute a file."""

    def __init__(self, place: str) -> None:
        try:
            parts = urlsplit(place)
            bad = parts.port == 0 or parts.scheme not in ("http", "https") or not parts.hostname
            parts.path.encode("ascii")
        except ValueError as error:
            raise UsageError("expected an address") from error
        if bad or "@" in parts.netloc or parts.query or parts.fragment:
            raise UsageError("expected an https or http address without credentials and query")
        self.place, self.link = place.rstrip("/") + "/", self.connect(parts.scheme, parts.netloc)
        self.seconds, self.is_over = 60.0, False

    @staticmethod
    def connect(scheme: str, host: str) -> http.client.HTTPConnection:
        """Return a connection, not open yet."""
        if scheme == "http":
            return http.client.HTTPConnection(host, timeout=10)
        return http.client.HTTPSConnection(host, timeout=10, context=ssl.create_default_context())

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file's bytes, or None where the server says that there is none."""
        why = ""
        for attempt in range(3):
            time.sleep(attempt)
            try:
                status, raw = self.fetch_in_time(self.place + path, most)
            except (OSError, http.client.HTTPException) as error:
                self.link.close()
                status, raw, why = 0, b"", type(error).__name__
            if status in (404, 410):
                return None
            if status == 200:
                if len(raw) > most:
                    raise FalseError("file-malformed", f"it has more than {most} bytes")
                return raw
            why = why or f"status {status}"
            if status and status != 429 and status < 500:
                break
        raise UnknownError(f"`{path}` could not be fetched: {why}")

    def fetch_in_time(self, url: str, most: int) -> tuple[int, bytes]:
        """Return what `fetch` does; the connection is shut when the time is over, whatever the server drips."""

        def shut() -> None:
            self.is_over = True
            if self.link.sock is not None:
                self.link.sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self.seconds, shut)
        timer.daemon, self.is_over = True, False
        timer.start()
        found = (0, b"")
        try:
            found = self.fetch(url, most)
        except (OSError, ValueError, http.client.HTTPException):
            if not self.is_over:
                raise
        finally:
            timer.cancel()
        if self.is_over:  # headers that end with the connection look whole
            self.link.close()
            raise UnknownError(f"a file did not end within {self.seconds:g} seconds")
        return found

    def fetch(self, url: str, most: int) -> tuple[int, bytes]:
        """Return a status and at most one byte more than is allowed."""
        for _ in range(4):
            parts = urlsplit(url)
            self.link.request("GET", parts.path, headers={"Accept-Encoding": "identity"})
            answer = self.link.getresponse()
            raw = answer.read(most + 1)
            if len(raw) > most:
                self.link.close()
            elif answer.length:
                raise OSError("the answer was cut short")
            if answer.getheader("Content-Encoding", "identity") != "identity":
                raise UnknownError("the server compressed a file, and was asked not to")
            if answer.status not in (301, 302, 303, 307, 308):
                return answer.status, raw
            try:
                url = urljoin(url, answer.getheader("Location") or "")
                url.encode("ascii")
                is_here = urlsplit(url)[:2] == parts[:2]
            except ValueError:
                is_here = False
            if not is_here:
                raise UnknownError("the server redirects to another place")
        raise UnknownError("the server redirects in a circle")

    def paths(self) -> Iterator[str]:
        """Yield nothing: a web server does not list what it has."""
        return iter(())


Source = Union[Folder, Tar, Address]


# the log


def name_tile(level: int, index: int, width: int) -> str:
    """Return a tile's path."""
    text = str(index).zfill((len(str(index)) + 2) // 3 * 3)
    above = "".join(f"x{text[at : at + 3]}/" for at in range(0, len(text) - 3, 3))
    kind = "entries" if level == BUNDLE else str(level)
    return f"tile/{kind}/{above}{text[-3:]}" + (f".p/{width}" if width < WIDTH else "")


class Tree:
    """One log against one root: each row of hashes is pulled from its signed parent, from left to right."""

    def __init__(
        self,
        source: Source,
        size: int,
        root: Hash,
        find: Callable[[str, str, str], None],
        *,
        is_full: Callable[[], bool],
    ) -> None:
        self.source, self.size, self.root, self.find, self.is_full = source, size, root, find, is_full
        self.kept: Dict[int, Tuple[int, Row]] = {}  # one row a level
        self.edge: List[List[Hash]] = []

    def get(self, level: int, index: int, width: int, *, quietly: bool = False) -> list[Hash] | None:
        """Return the hashes in a tile, or of the entries in a bundle; None where they are not there."""
        path = name_tile(level, index, width)
        try:
            raw, held = self.read(level, index, width), width
            if raw is None and width < WIDTH:
                raw, held = self.read(level, index, WIDTH), WIDTH
            if raw is not None:
                return (split_bundle(raw, held) if level == BUNDLE else split_tile(raw, held))[:width]
            kind, what = "file-missing", "the file is missing"
        except FalseError as error:
            kind, what = error.kind, str(error)
        if not quietly:
            self.find(kind, path, what)
        return None

    def read(self, level: int, index: int, width: int) -> bytes | None:
        """Return a tile's bytes."""
        most = WIDTH * 65537 if level == BUNDLE else width * 32
        return self.source.read(name_tile(level, index, width), most)

    def below(self, level: int, index: int, width: int) -> list[Hash] | None:
        """Return a tile's hashes as what lies below gives them."""
        if level == 0:
            return self.get(BUNDLE, index, width, quietly=True)
        rows = []
        for at in range(index * WIDTH, index * WIDTH + width):
            row = self.get(level - 1, at, WIDTH, quietly=True)
            row = row or (self.get(BUNDLE, at, WIDTH, quietly=True) if level == 1 else None)
            if row is None:
                return None
            rows.append(fold(row))
        return rows

    def differs(self, level: int, index: int, width: int, got: Sequence[Hash], row: Row) -> None:
        """Report the first hash that is another."""
        at = next(at for at in range(width) if got[at] != row[at])
        kind = "entry-differs" if level == BUNDLE else "tile-differs"
        self.find(kind, f"{name_tile(level, index, width)}, entry {at}", "it is not what was signed")

    def find_edge(self) -> None:
        """Take the last tile of each level, as it is stored or as what lies below gives it."""
        places: List[Tuple[int, int, int]] = []
        while self.size >> (8 * len(places)):
            there = self.size >> (8 * len(places))
            places.append((len(places), there // WIDTH, there % WIDTH))
        stored = [self.get(*place) if place[2] else [] for place in places]
        held = [row or [] for row in stored]
        self.edge = held
        if None not in stored and fold_edge(held) == self.root:
            return
        other = [self.below(*place) if place[2] else None for place in places]
        for chosen in itertools.product(
            *([x for x in pair if x is not None] or [[]] for pair in zip(stored, other))
        ):
            if fold_edge(chosen) == self.root:
                self.edge = list(chosen)
                for place, row, right in zip(places, stored, chosen):
                    if row is not None and row != right:
                        self.differs(*place, got=row, row=right)
                return
        self.find("checkpoint-root", "checkpoint", f"the files do not come to its root at size {self.size}")

    def row(self, level: int, index: int) -> Row:
        """Return a tile's hashes that are known to be signed; None in place of each where nobody can know."""
        if index == self.size >> (8 * level + 8):
            return self.edge[level]
        if self.kept.get(level, (-1,))[0] != index:
            node = self.row(level + 1, index // WIDTH)
            self.kept[level] = (index, self.choose(level, index, node[index % WIDTH] if node else None))
        return self.kept[level][1]

    def choose(self, level: int, index: int, node: Hash | None) -> Row:
        """Return a full tile's hashes: the stored ones or those from below, whichever come to the signed node."""
        stored = self.get(level, index, WIDTH)
        if stored is not None and node in (None, fold(stored)):
            return stored
        below = self.below(level, index, WIDTH)
        if below is not None and node in (None, fold(below)):
            if stored is not None:
                self.differs(level, index, WIDTH, stored, below)
            return below
        if stored is not None or below is not None:
            bundle = name_tile(BUNDLE, index, WIDTH) + " and " if level == 0 else ""
            what = "it and what lies below it are not what was signed"
            self.find("both-differ", bundle + name_tile(level, index, WIDTH), what)
        return [None] * WIDTH

    def check(self) -> None:
        """Compare every file that the log must have, until nothing more is listed: anybody can claim 2**62 leaves."""
        self.find_edge()
        for index in range((self.size + WIDTH - 1) // WIDTH):
            if self.is_full():
                return
            width = min(WIDTH, self.size - index * WIDTH)
            row = self.row(0, index)
            leaves = self.get(BUNDLE, index, width)
            if leaves is not None and row and None not in row and leaves != list(row):
                self.differs(BUNDLE, index, width, leaves, row)

    def check_others(self, named: set[str]) -> int:
        """Compare partial tiles of earlier sizes, and return how many files lie beyond the checkpoint.

        Args:
            named: Files that are known to be false; nothing is compared with these.
        """
        beyond = 0
        for path in self.source.paths():
            match = re.fullmatch(
                r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?", path
            )
            level = -2 if not match else BUNDLE if match.group(1) == "entries" else int(match.group(1))
            index = int(re.sub("[x/]", "", match.group(2))) if match else 0
            width = int(match.group(3) or WIDTH) if match else 0
            if level > 63 or not 0 < width <= WIDTH or name_tile(level, index, width) != path:
                self.find("name-unknown", ascii(path)[1:-1], "no file of a log has this name")
                continue
            now = min(WIDTH, (self.size >> (8 * max(level, 0))) - index * WIDTH)
            beyond += width > now
            if width != now:
                own = self.get(level, index, width)
                is_good = now > 0 and name_tile(level, index, now) not in named
                other = self.get(level, index, now, quietly=True) if is_good else None
                if own and other and any(one != two for one, two in zip(own, other)):
                    self.find("partial-differs", path, "it does not agree with the present one")
        return beyond

    def root_at(self, size: int) -> Hash:
        """Return the root at an earlier size, from rows that are known to be signed."""
        edge, level = [], 0
        while size >> (8 * level):
            there = size >> (8 * level)
            edge.append(
                [one for one in self.row(level, there // WIDTH)[: there % WIDTH] if one]
                if there % WIDTH
                else []
            )
            level += 1
        return fold_edge(edge)


def split_tile(raw: bytes, width: int) -> list[Hash]:
    """Return a tile's hashes."""
    if len(raw) != width * 32:
        raise FalseError("file-malformed", f"expected {width} hashes, got {len(raw)} bytes")
    return [raw[at : at + 32] for at in range(0, len(raw), 32)]


def split_bundle(raw: bytes, width: int) -> list[Hash]:
    """Return the hashes of a bundle's entries."""
    hashes: List[Hash] = []
    at = 0
    while at < len(raw) and len(hashes) <= width:
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if at + 2 > len(raw) or end > len(raw):
            raise FalseError("file-malformed", "an entry is cut short")
        hashes.append(sha(b"\x00" + raw[at + 2 : end]))
        at = end
    if len(hashes) != width:
        raise FalseError("file-malformed", f"expected {width} entries, got others")
    return hashes


def fold_edge(edge: Sequence[Sequence[Hash]]) -> Hash:
    """Return the root to which the last tiles of all levels come."""
    row: List[Hash] = []
    for level in edge:
        row = [*level, fold(row)] if row else list(level)
    return fold(row)

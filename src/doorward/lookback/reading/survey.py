"""One walk over the bytes of a text file: its digest, its encoding, what is irregular in it, and UTF-8 to read from.

Nothing of a name or an ending is believed: how a file is compressed and encoded is read off its bytes. A file that is
plain UTF-8 is read where it lies; another one is written into the scratch folder as UTF-8, bounded in size and ratio.
"""

import codecs
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

CHUNK: Final = 1 << 20
GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
MAX_LINE: Final = 4 << 20  # bytes of a line; the longest record of a real log has some thousand
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a compressed file may become.

    Args:
        inflated_bytes: At most so many bytes; 64 GiB are about 300 million rows.
        ratio: At most so many times its size, beyond the first 64 MiB. Logs reach 5 to 40; gzip can be 1,030.
    """

    inflated_bytes: int = 64 << 30
    ratio: int = 200
    free_bytes: int = 64 << 20


@dataclass
class Survey:
    """What one walk saw.

    Args:
        text: The UTF-8 file to read.
        records: Lines outside quotes, which are the records of a regular CSV; the header among them.
        trailing_blank: Empty lines at the end, counted in `records`.
        regular: No NUL, no lone CR, no very long line, no open quote: a fast reader may be tried.
        encoding: As Python names it.
    """

    sha256: str
    bytes: int
    compression: str
    encoding: str
    text: Path
    records: int = 0
    trailing_blank: int = 0
    regular: bool = True
    notes: list[str] = field(default_factory=list)


_NO_MARK: Final = bytes(set(range(256)) - set(b'"\n'))
_LONE: Final = re.compile(rb"\r[^\n]")  # twice as fast as counting CR LF


class _Scan:
    """Counts over chunks of UTF-8, without looking at single characters.

    Empty lines are not looked for: they are counted as records here and by the fast reader not, so that the two differ.
    """

    def __init__(self) -> None:
        self.inside = False
        self.newlines = 0
        self.regular = True
        self.held = b""  # a CR at the end of a chunk, whose LF may stand in the next one
        self.since_newline = 0

    def feed(self, chunk: bytes) -> None:
        chunk = self.held + chunk
        self.held = b"\r" if chunk.endswith(b"\r") else b""
        self.regular = self.regular and b"\0" not in chunk and not _LONE.search(chunk)
        self._lines(chunk)
        # What is looked at is a twentieth of the file: its quotes and line ends, in their order.
        marks = chunk.translate(None, _NO_MARK)
        # Two quotes without a line end between them: without them the parity of what follows is the same.
        parts = marks.replace(b'""', b"").split(b'"')
        self.newlines += sum(map(len, parts[self.inside :: 2]))
        if len(parts) % 2 == 0:
            self.inside = not self.inside

    def _lines(self, chunk: bytes) -> None:
        first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
        if self.since_newline + (len(chunk) if first < 0 else first) > MAX_LINE:
            self.regular = False
        self.since_newline = self.since_newline + len(chunk) if last < 0 else len(chunk) - 1 - last


def survey(
    source: Path,
    scratch: Path,
    limits: Limits,
    connection: "duckdb.DuckDBPyConnection",
    tick: Tick | None = None,
) -> Survey:
    """Return what one walk over a file saw.

    Args:
        source: A file, of any name; trusted with nothing.
        scratch: A folder of its own.
        limits: For what is compressed.
        connection: Inflates zstd; nothing of it is changed.
        tick: Called with the bytes of the file that were read since the last call.

    Raises:
        ConfigError: The file is empty, damaged, or grows beyond the limits.
    """
    tick = tick or (lambda _count: None)
    with source.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise ConfigError("the file is empty: 0 bytes", hint="an export without searches still has a header")
    compression = "gzip" if head.startswith(GZIP) else "zstd" if head.startswith(ZSTD) else ""
    digest = hashlib.sha256()
    size = source.stat().st_size
    text = scratch / "text"
    if compression == "zstd":
        _inflate_zstd(source, text, scratch, limits, connection)
        for chunk in _chunks(source):
            digest.update(chunk)
            tick(len(chunk))
        pieces: Iterator[bytes] = _chunks(text)
    elif compression == "gzip":
        pieces = _spooled(_inflate_gzip(source, limits, digest.update, tick), text)
    else:
        pieces = _hashed(source, digest.update, tick)
        text = source
    made = _walk(pieces, text, scratch)
    made.sha256, made.bytes, made.compression = digest.hexdigest(), size, compression
    return made


def _walk(pieces: Iterator[bytes], text: Path, scratch: Path) -> Survey:
    scan, decoder = _Scan(), codecs.getincrementaldecoder("utf-8")("strict")
    encoding, head = "", b""
    for chunk in pieces:
        if not head:
            head = chunk
            encoding = _guess_utf16(head)
        if encoding.startswith("utf-16"):
            continue  # the walk goes on for the digest
        scan.feed(chunk)
        if not encoding and (not chunk.isascii() or decoder.getstate()[0]):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                encoding = "cp1252"
    if not encoding and decoder.getstate()[0]:
        encoding = "cp1252"  # the last character is cut off
    notes = []
    if encoding:
        text, count = _recode(text, scratch / "utf8", encoding)
        shown = "Windows-1252 or Latin-1" if encoding == "cp1252" else encoding.upper()
        notes.append(f"the text is {shown}, not UTF-8" + (f"; {count} lines of it" if count else ""))
        scan = _Scan()
        for chunk in _chunks(text):
            scan.feed(chunk)
    if head.startswith(codecs.BOM_UTF8):
        notes.append("a byte order mark stands at the begin")
    trailing, ends = _blank_tail(text)
    records = scan.newlines + (0 if ends else 1)
    regular = scan.regular and not scan.inside and not scan.held
    return Survey("", 0, "", encoding or "utf-8", text, records, trailing, regular, notes)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _hashed(path: Path, update: Callable[[bytes], None], tick: Tick) -> Iterator[bytes]:
    for chunk in _chunks(path):
        update(chunk)
        tick(len(chunk))
        yield chunk


def _spooled(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    with path.open("wb") as file:
        for chunk in pieces:
            file.write(chunk)
            yield chunk


def _bound(read: int, made: int, limits: Limits) -> None:
    if made > limits.inflated_bytes or (made > limits.free_bytes and made > limits.ratio * max(read, 1)):
        raise ConfigError(
            f"{read} compressed bytes have become more than {made} bytes; no more of it is read",
            hint=f"the bounds are {limits.ratio} times its size and {limits.inflated_bytes >> 30} GiB;"
            " if the file is honest, unpack it yourself",
        )


def _inflate_gzip(
    source: Path, limits: Limits, update: Callable[[bytes], None], tick: Tick
) -> Iterator[bytes]:
    """Yield the content of every member; zeros behind the last one are padding, as gzip has it."""
    read = made = 0
    inflater = zlib.decompressobj(31)
    for chunk in _chunks(source):
        update(chunk)
        tick(len(chunk))
        read += len(chunk)
        while chunk:
            if inflater.eof:
                chunk = chunk.lstrip(b"\0")  # noqa: PLW2901  # what is left of it
                if not chunk:
                    break
                inflater = zlib.decompressobj(31)
            try:
                piece = inflater.decompress(chunk, CHUNK)
            except zlib.error as error:
                raise ConfigError("the gzip stream is damaged", hint="ask for the file again") from error
            made += len(piece)
            _bound(read, made, limits)
            if piece:
                yield piece
            chunk = inflater.unused_data if inflater.eof else inflater.unconsumed_tail  # noqa: PLW2901  # as above
    if not inflater.eof:
        raise ConfigError("the gzip stream ends early", hint="ask for the file again")


def _inflate_zstd(
    source: Path, text: Path, scratch: Path, limits: Limits, connection: "duckdb.DuckDBPyConnection"
) -> None:
    """Write a zstd file as lines; bytes go through Latin-1, in which each byte is a character."""
    import duckdb

    link = scratch / "source.zst"
    link.symlink_to(source.resolve())
    size, made = source.stat().st_size, 0
    cursor = connection.cursor()
    try:
        cursor.execute(
            "SELECT line FROM read_csv($1, header = false, auto_detect = false, delim = '\x1f', quote = '',"
            " escape = '', compression = 'zstd', encoding = 'latin-1', columns = {'line': 'VARCHAR'},"
            " strict_mode = false, parallel = false, max_line_size = $2)",
            [str(link), MAX_LINE * 4],
        )
        with text.open("wb") as file:
            while lines := cursor.fetchmany(20_000):
                piece = "\n".join(line or "" for (line,) in lines).encode("latin-1") + b"\n"
                made += len(piece)
                _bound(size, made, limits)
                file.write(piece)
    except (duckdb.InvalidInputException, duckdb.IOException, UnicodeEncodeError) as error:
        raise ConfigError(
            "the zstd stream is damaged, or a line of it is too long",
            hint="unpack it yourself with `zstd -d`",
        ) from error
    finally:
        cursor.close()
        link.unlink()


def _guess_utf16(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:4096]
    if len(sample) >= 16:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if odd > 0.4 * len(sample) / 2 and even == 0:
            return "utf-16-le"
        if even > 0.4 * len(sample) / 2 and odd == 0:
            return "utf-16-be"
    return ""


def _recode(text: Path, path: Path, encoding: str) -> tuple[Path, int]:
    """Write a text as UTF-8, and return its path and how many lines were not UTF-8 before."""
    count = 0
    with path.open("wb") as out:
        if encoding.startswith("utf-16"):
            decoder = codecs.getincrementaldecoder(encoding)("replace")
            for chunk in _chunks(text):
                out.write(decoder.decode(chunk).encode("utf-8", "replace"))
            out.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))
            return path, 0
        with text.open("rb") as file:
            while line := file.readline(MAX_LINE):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    count += 1
                    line = line.decode("cp1252", "replace_latin1").encode("utf-8")  # the same line
                out.write(line)
    return path, count


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("replace_latin1", _as_latin1)


def _blank_tail(text: Path) -> tuple[int, bool]:
    """Return how many empty lines stand at the end, and whether the last line ends."""
    with text.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - (64 << 10)))
        tail = file.read()
    bare = tail.rstrip(b"\r\n")
    return max(0, tail[len(bare) :].count(b"\n") - 1), not tail or tail.endswith(b"\n")

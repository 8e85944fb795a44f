"""A message as a file, `.eml`: its text, and its attachments by what they are. Pure, and bounded in every way.

What is refused here is refused for being opened at a desk, and is named, so that a person asks for it in another
form. A header says who sent it only as a claim.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import Policy, compat32
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

from doorward.desk.messages.contents import find_danger, sniff_type
from doorward.desk.messages.markup import MAX_MARKUP, MarkupError, read_markup
from doorward.desk.messages.names import has_mixed_scripts, make_safe_name
from doorward.errors import MalformedError

MAX_BYTES: Final = 25 * 1024 * 1024  # what mail servers take
MAX_LINES: Final = 600_000  # as many as base64 of the largest message has, and half again
MAX_PARTS: Final = 60
MAX_DEPTH: Final = 6  # parts inside of parts; a forwarded reply with pictures has four
MAX_HEADERS: Final = 300  # of one part; a message over a dozen servers has under a hundred
MAX_HEADER: Final = 4_000  # characters of one header that are read
MAX_DATE: Final = 100  # characters; forty are a long one
MAX_ATTACHMENTS: Final = 30
MAX_TEXT: Final = 100_000  # characters
CHARSETS: Final = frozenset({
    "us-ascii", "ascii", "utf-8", "utf8", "iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1252",
    "cp1252", "latin-1", "gb2312", "gbk", "gb18030", "big5", "windows-1256", "iso-8859-6",
})  # fmt: skip
TNEF: Final = ("application/ms-tnef", "application/vnd.ms-tnef")
NAMED: Final = "attachment"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a person at a desk can open.

    Args:
        name: Safe, and with the ending of what it is.
        declared: What the sender says it is; for the record only.
        kind: What it is.
    """

    name: str
    declared: str
    kind: str
    content: bytes
    is_mixed: bool = False  # of letters of several scripts, as no word is

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal: what a person compares with what the sender says was sent."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Refused:
    """A part that was not opened: its safe name, why, and what it is.

    Args:
        declared: What the sender says it is.
        size: In bytes; 0 where it is a part of parts.
        digest: SHA-256, hexadecimal; empty where it is a part of parts.
    """

    name: str
    why: str
    declared: str = ""
    size: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers of a message say, each decoded into one line: claims of whoever wrote them.

    Args:
        written: `Date`, as it stands there.
        message_id: Of the sender's server; the same message has it again.
        came: When the last server on the way took it, or else when it says that it was written; None where neither
            says it.
    """

    recipient: str = ""
    reply_to: str = ""
    written: str = ""
    message_id: str = ""
    came: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says.

    Args:
        subject: Decoded, in one line.
        sender: As the header has it: a claim, which identifies nobody.
        text: The plain text; else the words of its HTML.
        from_markup: The text was read out of HTML.
        is_cut: The message has more text than was read.
    """

    subject: str
    sender: str
    text: str
    attachments: tuple[Attachment, ...]
    refused: tuple[Refused, ...]
    from_markup: bool = False
    is_cut: bool = False
    envelope: Envelope = field(default_factory=Envelope)


def read_message(raw: bytes) -> Message:
    """Return what a message says.

    Args:
        raw: Untrusted.

    Raises:
        MalformedError: It is no message, or larger, wider or deeper than one; it never says what stands in it.

    Source: RFC 5322, RFC 2045 to 2047.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"a message has at most {MAX_BYTES} bytes", hint="ask for the papers one by one")
    if raw.count(b"\n") + raw.count(b"\r") > 2 * MAX_LINES:  # a line may end in both
        raise MalformedError(f"a message has at most {MAX_LINES} lines")
    whole = BytesParser(_class=_Counted(), policy=compat32).parsebytes(raw)
    if not whole.keys() or (whole["from"] is None and whole["subject"] is None and whole["date"] is None):
        raise MalformedError("this is no message: it has neither sender, subject nor date")
    reader = _Reader()
    reader.read(whole, depth=0)
    text, from_markup = reader.text()
    is_cut = reader.is_cut or len(text) > MAX_TEXT
    return Message(
        subject=_one_line(whole["subject"]),
        sender=_one_line(whole["from"]),
        text=text[:MAX_TEXT],
        attachments=tuple(reader.attachments),
        refused=tuple(reader.refused),
        from_markup=from_markup,
        is_cut=is_cut,
        envelope=_read_envelope(whole),
    )


def _read_envelope(whole: Part) -> Envelope:
    # RFC 5321, 4.4: each server writes its line above those that it finds, and the date behind the last semicolon.
    taken = str(whole["received"] or "").rpartition(";")[2]
    return Envelope(
        recipient=_one_line(whole["to"]),
        reply_to=_one_line(whole["reply-to"]),
        written=_one_line(whole["date"]),
        message_id=_one_line(whole["message-id"]),
        came=_moment(taken) or _moment(_one_line(whole["date"])),
    )


def _moment(text: str) -> datetime | None:
    """Return the time of a header with its offset, or None: there is none, or it is in no calendar."""
    try:
        found = parsedate_to_datetime(text[:MAX_DATE].strip())
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


class _Counted:
    """Makes the parts of one message, and no more than `MAX_PARTS`: the parser stops where a bomb goes on."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, policy: Policy = compat32) -> Part:
        self.made += 1
        if self.made > MAX_PARTS + 1:  # the parser makes one to try
            raise MalformedError(f"a message has at most {MAX_PARTS} parts")
        return Part(policy=policy)


class _Reader:
    def __init__(self) -> None:
        self.attachments: list[Attachment] = []
        self.refused: list[Refused] = []
        self.plain: list[str] = []
        self.markup: list[str] = []
        self.parts = 0
        self.is_cut = False

    def read(self, part: Part, *, depth: int) -> None:
        """Read a part and what is in it."""
        self.parts += 1
        if depth > MAX_DEPTH or self.parts > MAX_PARTS:
            raise MalformedError(f"a message has at most {MAX_PARTS} parts, {MAX_DEPTH} deep")
        if len(part.keys()) > MAX_HEADERS:
            raise MalformedError(f"a part of a message has at most {MAX_HEADERS} headers")
        kind = part.get_content_type()
        if part.get_content_maintype() == "message":
            self._refuse(part, "it is a message inside of the message: ask for it as a file of its own")
        elif part.is_multipart():
            for inner in _inner(part):
                self.read(inner, depth=depth + 1)
        elif part.get_content_maintype() == "multipart":
            self._refuse(part, "it says that it has parts and has none")
        elif kind in TNEF or _name(part).lower() == "winmail.dat":
            self._refuse(part, "it is a winmail.dat, which holds files that only Outlook opens: ask for PDF")
        elif kind in {"text/plain", "text/html"} and not _is_attached(part):
            self._read_text(part, kind)
        else:
            self._read_file(part, kind)

    def text(self) -> tuple[str, bool]:
        """Return the text, and whether it was read out of HTML."""
        if any(text.strip() for text in self.plain):
            return "\n".join(self.plain).strip(), False
        return "\n".join(self.markup).strip(), bool(self.markup)

    def _read_text(self, part: Part, kind: str) -> None:
        charset = (part.get_content_charset() or "us-ascii").lower()
        content = _content(part)
        if charset not in CHARSETS:
            self._refuse(part, "its letters are written in a way that is not known here")
            return
        if charset in {"us-ascii", "ascii"}:
            charset = "utf-8"  # whatever is ASCII is UTF-8, and much that says ASCII is UTF-8
        try:
            text = content.decode(charset)
        except UnicodeDecodeError:
            self._refuse(part, "its letters are not what it says that they are")
            return
        self.is_cut |= len(text) > (MAX_MARKUP if kind == "text/html" else MAX_TEXT)
        try:
            read = read_markup(text, longest=MAX_TEXT) if kind == "text/html" else text[:MAX_TEXT]
        except MarkupError:
            self._refuse(part, "its HTML is not written as HTML is, or nests too deep")
            return
        (self.markup if kind == "text/html" else self.plain).append(_clean(read))

    def _read_file(self, part: Part, declared: str) -> None:
        content = _content(part)
        kind = sniff_type(content)
        why = find_danger(content, kind)
        if why is not None:
            self._refuse(part, why)
        elif len(self.attachments) >= MAX_ATTACHMENTS:
            self._refuse(part, f"a message has at most {MAX_ATTACHMENTS} attachments")
        else:
            name = make_safe_name(_name(part), number=self.parts, kind=kind)
            self.attachments.append(
                Attachment(name, _one_line(declared), kind, content, is_mixed=has_mixed_scripts(name))
            )

    def _refuse(self, part: Part, why: str) -> None:
        name = make_safe_name(_name(part), number=self.parts, kind="")
        content = b"" if part.is_multipart() else _content(part)
        digest = "" if part.is_multipart() else sha256(content).hexdigest()
        self.refused.append(Refused(name, why, _one_line(part.get_content_type()), len(content), digest))


def _inner(part: Part) -> Iterator[Part]:
    payload = part.get_payload()
    for inner in payload if isinstance(payload, list) else ():
        if isinstance(inner, Part):
            yield inner


def _content(part: Part) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _is_attached(part: Part) -> bool:
    return part.get_content_disposition() == NAMED or bool(_name(part))


def _name(part: Part) -> str:
    try:
        return _one_line(part.get_filename())
    except (ValueError, LookupError, TypeError):  # RFC 2231 with a charset that is none
        return ""


def _one_line(header: object) -> str:
    """Return a header's text in one line, what is coded in it decoded; "" where there is none."""
    if header is None:
        return ""
    raw = str(header)[:MAX_HEADER]
    words = []
    try:
        for word, charset in decode_header(raw):
            if isinstance(word, str):
                words.append(word)
            else:
                known = charset is None or charset.lower() in CHARSETS
                words.append(word.decode(charset or "utf-8" if known else "utf-8", errors="replace"))
    except (ValueError, LookupError):  # base64 that is none, a charset that is none
        words = [raw]
    return " ".join(_clean("".join(words)).split())


def _clean(text: str) -> str:
    return "".join(
        char for char in text if char in "\t\n" or (char.isprintable() and not 0xD800 <= ord(char) < 0xE000)
    )

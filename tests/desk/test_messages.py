"""Messages by mail: what is read, what is refused by name, and that nothing a sender writes breaks the reader."""

import base64
from collections.abc import Callable
from email.message import EmailMessage
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.messages import Message, read_message, suggest_kind
from doorward.desk.messages.contents import OPENED, UNKNOWN, find_danger, sniff_type
from doorward.desk.messages.markup import MarkupError, read_markup
from doorward.desk.messages.names import LONGEST, make_safe_name
from doorward.errors import MalformedError
from doorward.orders.intake import Intake, load_intake
from doorward.orders.load import load_pack

PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x00\x00\x00\x00"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\xff\xd9"
ZIP = b"PK\x03\x04" + b"\x00" * 40 + b"PK\x01\x02" + b"\x00" * 42 + b"PK\x05\x06" + b"\x00" * 18
Write = Callable[..., bytes]


def write(*files: tuple[str, str, bytes], text: str = "A detainer is attached.", html: str = "") -> bytes:
    """A message with these attachments: name, declared type, content."""
    message = EmailMessage()
    message["From"] = "An officer <officer@field-office.example>"
    message["To"] = "desk@city.invalid"
    message["Subject"] = "Form I-247A"
    message["Date"] = "Sun, 01 Mar 2026 09:30:00 -0600"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, declared, content in files:
        main, _, sub = declared.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def parts(count: int, body: str = "x") -> bytes:
    inner = "".join(f"--b\nContent-Type: text/plain\n\n{body}\n" for _ in range(count))
    return f"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n{inner}--b--\n".encode()


def nested(depth: int) -> bytes:
    """Parts inside of parts, each with a boundary of its own."""
    text = "Subject: s\n"
    for level in range(depth):
        text += f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'
    text += "Content-Type: text/plain\n\nwords\n"
    return (text + "".join(f"--b{level}--\n" for level in reversed(range(depth)))).encode()


# ---------------------------------------------------------------- read


def test_a_message_is_read() -> None:
    read = read_message(write(("I-247A.pdf", "application/pdf", PDF)))
    assert (read.subject, read.text, read.from_markup) == ("Form I-247A", "A detainer is attached.", False)
    (attachment,) = read.attachments
    assert (attachment.name, attachment.kind, attachment.content) == ("I-247A.pdf", "application/pdf", PDF)
    assert read.refused == ()


def test_plain_text_is_taken_before_html() -> None:
    read = read_message(write(html="<p>other words</p>"))
    assert (read.text, read.from_markup) == ("A detainer is attached.", False)


def test_html_alone_gives_its_words_and_says_so() -> None:
    head = "From: a@b.example\nSubject: s\nContent-Type: text/html; charset=utf-8\n\n"
    body = "<html><head><title>no</title><style>no</style></head><p>One &amp; two<br>three</p><script>no</script>"
    body += '<a href="https://no.example" title="no">four</a><img src="https://no.example/pixel">'
    read = read_message((head + body).encode())
    assert (read.text, read.from_markup) == ("One & two\nthree\nfour", True)


def test_a_declared_type_is_kept_and_what_it_is_counts() -> None:
    (attachment,) = read_message(write(("paper.exe", "application/octet-stream", PDF))).attachments
    assert (attachment.name, attachment.declared) == ("paper.exe.pdf", "application/octet-stream")
    assert attachment.kind == "application/pdf"


def test_coded_headers_are_decoded_into_one_line() -> None:
    raw = b"From: =?utf-8?q?B=C3=BCro?= <a@b.example>\nSubject: =?utf-8?b?RGV0YWluZXI=?=\n =?utf-8?q?_two?=\n\nx"
    read = read_message(raw)
    assert (read.sender, read.subject) == ("Büro <a@b.example>", "Detainer two")


@pytest.mark.parametrize(
    "subject", ["=?zebra?q?a?=", "=?utf-8?b?!!!?=", "=?utf-8?q?=FF=FE?=", "=?" * 500, "a\u202eb", "a\x00b"]
)
def test_a_header_that_is_none_breaks_nothing(subject: str) -> None:
    read = read_message(f"From: a@b.example\nSubject: {subject}\n\nx".encode())
    assert "\x00" not in read.subject
    assert "\u202e" not in read.subject


# ---------------------------------------------------------------- refused by name


@pytest.mark.parametrize(
    ("name", "declared", "content", "why"),
    [
        ("winmail.dat", "application/octet-stream", PDF, "winmail.dat"),
        ("x.bin", "application/ms-tnef", b"\x78\x9f\x3e\x22", "winmail.dat"),
        ("papers.zip", "application/zip", ZIP, "none of: PDF"),
        ("papers.pdf", "application/pdf", ZIP, "none of: PDF"),
        ("paper.docx", "application/octet-stream", ZIP, "none of: PDF"),
        ("page.html", "text/html", b"<html><p>x</p>", "none of: PDF"),
        ("page.pdf", "application/pdf", b"<!DOCTYPE html><p>x</p>", "none of: PDF"),
        ("drawing.svg", "image/svg+xml", b"<svg xmlns='x'/>", "none of: PDF"),
        ("run.pdf", "application/pdf", b"MZ\x90\x00" + b"\x00" * 60, "none of: PDF"),
        ("paper.gz", "application/gzip", b"\x1f\x8b\x08\x00", "none of: PDF"),
        ("paper.pdf", "application/pdf", b"", "it is empty"),
        ("paper.pdf", "application/pdf", PDF + ZIP, "two files at once"),
        ("photo.jpg", "image/jpeg", JPEG + ZIP, "two files at once"),
        ("photo.jpg", "image/jpeg", JPEG + b"\n%PDF-1.7\n", "two files at once"),
        ("photo.png", "image/png", PNG + b"<script>x</script>", "two files at once"),
        ("paper.pdf", "application/pdf", b"%PDF-1.7\n<html><script>x</script>", "two files at once"),
        ("photo.png", "image/png", PNG[:16] + b"\x00\x01\x00\x00\x00\x01\x00\x00" + PNG[24:], "dots"),
    ],
)
def test_a_file_is_refused_by_its_name(name: str, declared: str, content: bytes, why: str) -> None:
    read = read_message(write((name, declared, content), ("good.pdf", "application/pdf", PDF)))
    assert [attachment.name for attachment in read.attachments] == ["good.pdf"]
    (refused,) = read.refused
    assert refused.name == name
    assert why in refused.why


def test_a_message_inside_of_a_message_is_refused_by_name() -> None:
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("hidden words")
    outer = EmailMessage()
    outer["Subject"] = "outer"
    outer.set_content("words")
    outer.add_attachment(inner, filename="forwarded.eml")
    read = read_message(outer.as_bytes())
    assert (read.text, read.attachments) == ("words", ())
    assert [refused.name for refused in read.refused] == ["forwarded.eml"]


@pytest.mark.parametrize(
    ("charset", "body"),
    [("zebra", b"words"), ("utf-16", b"w\x00"), ("utf-8", b"\xff\xfe"), ("utf-7", b"+ADw-")],
)
def test_letters_that_are_none_are_refused(charset: str, body: bytes) -> None:
    raw = f"Subject: s\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    read = read_message(raw + body)
    assert read.text == ""
    assert "letters" in read.refused[0].why


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no message"),
        (b"hello", "no message"),
        (PDF, "no message"),
        (b"X-Header: 1\n\nx", "no message"),
        (b"Subject: s\n\n" + b"x" * 26_214_400, "at most 26214400 bytes"),
        (b"Subject: s\n\n" + b"\n" * 1_300_000, "lines"),
        (b"Subject: s\n" + b"A: b\n" * 400 + b"\nx", "headers"),
        (parts(61), "parts"),
        (parts(200_000, body=""), "parts"),
        (nested(7), "deep"),
        (nested(2_000), "parts"),
    ],
)
def test_what_is_no_message_or_a_bomb_is_refused_and_says_nothing_of_it(raw: bytes, said: str) -> None:
    with pytest.raises(MalformedError, match=said) as caught:
        read_message(raw)
    assert "\n" not in str(caught.value)


def test_sixty_parts_and_six_levels_are_read() -> None:
    assert read_message(parts(59)).text.count("x") == 59
    assert read_message(nested(6)).text == "words"


def test_a_text_is_cut_at_its_bound() -> None:
    long, short = (read_message(b"Subject: s\n\n" + b"x" * number) for number in (100_001, 100_000))
    assert (len(long.text), long.is_cut) == (100_000, True)
    assert (len(short.text), short.is_cut) == (100_000, False)


HEADS = st.sampled_from([
    b"Subject: s", b"From: a@b.example", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/html",
    b"Content-Type: multipart/mixed; boundary*0=b", b"Content-Type: message/rfc822", b"Content-Type: ;;;=\xff",
    b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: x-uuencode", b"Content-Type: a; charset*=%",
    b"Content-Disposition: attachment; filename*=zebra''%ff%00", b"Content-Disposition: attachment; filename=../../a",
    b"Content-Type: multipart/digest; boundary=b", b"", b"--b", b"--b--", b"begin 666 a", b"<![x", b"<!", b"<p>", b"=?",
])  # fmt: skip


@given(st.lists(HEADS | st.binary(max_size=12), max_size=30))
def test_any_bytes_are_a_message_or_refused(lines: list[bytes]) -> None:
    try:
        assert isinstance(read_message(b"Subject: s\n" + b"\n".join(lines)), Message)
    except MalformedError:
        return


@given(st.data())
def test_a_message_with_bytes_changed_is_a_message_or_refused(data: st.DataObject) -> None:
    raw = bytearray(write(("a.pdf", "application/pdf", PDF), html="<p>x</p>"))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=20)):
        raw[at] = data.draw(st.integers(0, 255))
    try:
        read = read_message(bytes(raw))
    except MalformedError:
        return
    assert all(attachment.kind in OPENED for attachment in read.attachments)


# ---------------------------------------------------------------- contents, markup, names


@given(st.binary(max_size=200))
def test_any_file_has_a_type_and_an_answer(content: bytes) -> None:
    kind = sniff_type(content)
    assert kind
    assert kind in OPENED or find_danger(content, kind) is not None
    assert find_danger(content, UNKNOWN) is not None


@given(st.text(alphabet='<>!/&;#[]-"= pdivscriptx', max_size=300))
def test_any_markup_gives_words_or_is_refused(markup: str) -> None:
    try:
        assert len(read_markup(markup, longest=50)) <= 50 + markup.count("<")
    except MarkupError:
        return


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 10_000, "<a " * 100_000, "<a b=" * 100_000, "<!--" * 100_000, "<script>" * 40_000,
        "<script>" + "</script " * 40_000, "<a href='" * 40_000, "<![CDATA[" * 40_000, "<?" * 100_000,
    ],
)  # fmt: skip
def test_markup_that_is_not_closed_or_nests_without_end_is_refused(markup: str) -> None:
    with pytest.raises(MarkupError):
        read_markup(markup, longest=100)


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<p>one<p>two" * 300, "\n".join(["one", "two"] * 300)),
        ("1 < 2 &lt; 3 &amp;amp;", "1 < 2 < 3 &amp;"),
        ("<a title='>' href=\">\">x</a>", "x"),
        ("a<!-- <b> -->b<style>p > a { }</style>c<STYLE></style >d", "abcd"),
        ("<svg><text>no</text></svg>yes", "yes"),
        ("<" * 1000, "<" * 1000),
        ("x" * 399_999 + "<b>", "x" * 2_000),
    ],
)
def test_the_words_of_markup_are_those_that_a_person_sees(markup: str, words: str) -> None:
    assert read_markup(markup, longest=2_000) == words


@given(st.text(max_size=300), st.sampled_from([*OPENED, ""]))
def test_any_name_becomes_safe_and_stays_so(raw: str, kind: str) -> None:
    name = make_safe_name(raw, number=1, kind=kind)
    assert 0 < len(name) <= LONGEST
    assert not set(name) & set('/\\:<>"|?*\x00\n$`;&')
    assert not name.startswith((".", "-"))
    assert make_safe_name(name, number=1, kind=kind) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\temp\\paper.pdf", "paper.pdf"),
        ("CON.pdf", "attachment-3.pdf"),
        ("", "attachment-3.pdf"),
        ("...", "attachment-3.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe.pdf"),
        ("paper.PDF", "paper.pdf"),
        ("-rf .pdf", "rf.pdf"),
    ],
)
def test_a_name_is_made_safe(raw: str, name: str) -> None:
    assert make_safe_name(raw, number=3, kind="application/pdf") == name


# ---------------------------------------------------------------- a suggestion


@cache
def chicago() -> Intake:
    return load_intake(load_pack("chicago"))


@pytest.fixture
def intake() -> Intake:
    return chicago()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Please find a detainer, form I-247A.", "detainer"),
        ("A subpoena of the grand jury, return date 1 March.", "subpoena"),
        ("Notice of\n  Inspection: all I-9 forms", "inspection-notice"),
        ("We ask for traffic control for a joint operation", "assistance-call"),
        ("Form I-918B for my client", "victim-certification"),
        ("Good morning", None),
        ("The contract for hotlist", None),
        ("undetained in I-2471", None),
    ],
)
def test_a_kind_is_suggested_with_the_words_that_led_to_it(
    intake: Intake, text: str, kind: str | None
) -> None:
    message = Message("s", "", text, (), ())
    found = suggest_kind(intake, message)
    assert found.kind == kind
    assert kind is None or all(
        word.casefold() in " ".join(text.casefold().split()) for word in found.words[kind]
    )


@given(st.text(max_size=60))
def test_who_sent_it_says_nothing(sender: str) -> None:
    intake = chicago()
    text = "a subpoena and a detainer, I-247A"
    here = suggest_kind(intake, Message("s", sender, text, (), ()))
    assert here == suggest_kind(intake, Message("s", "", text, (), ()))


def test_a_file_that_the_message_codes_in_base64_is_the_file() -> None:
    raw = b"Subject: s\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n"
    (attachment,) = read_message(raw + base64.encodebytes(PDF)).attachments
    assert attachment.content == PDF

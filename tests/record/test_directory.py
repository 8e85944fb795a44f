"""The directory of a city's logs: what it lists, that it is only added to, and that two parsers agree on it."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import LogError, MalformedError, VerificationError
from doorward.notes.note import Signer, format_verifier, sign_note
from doorward.record.directory import (
    EMPTY,
    MAX_TEXT_BYTES,
    NOBODY,
    Begun,
    Directory,
    Ended,
    How,
    format_statement,
    next_folder,
    next_origin,
    parse_directory,
    verify_added,
    verify_directory,
    verify_may_sign,
)
from doorward.record.hashes import EMPTY_ROOT
from doorward.verifier.directory import LogDirectory, read_directory
from doorward.verifier.findings import Kind
from doorward.verifier.note import FalseNoteError, parse_key

AT = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
OFFICE = Signer.make("law/first", bytes(32))
OTHER = Signer.make("law/second", bytes(31) + b"\x01")
ROOT = sha256(b"a tree").digest()


def log(name: str, seed: int) -> Signer:
    return Signer.make(f"city.example/{name}", bytes(31) + bytes([seed]))


ONE, TWO, THREE = log("log", 10), log("log/2", 11), log("log/3", 12)


def begun(
    signer: Signer, at: int = 0, *, follows: str = NOBODY, host: str = "main", folder: str = "."
) -> Begun:
    return Begun(AT + timedelta(days=at), "law", signer.verifier, host, folder, follows=follows)


def ended(  # what a test changes, by its name
    origin: str, at: int, *, how: How = How.LOST, size: int = 7, provable: int = 5, successor: str = TWO.name
) -> Ended:
    root = ROOT if size else EMPTY_ROOT
    return Ended(
        AT + timedelta(days=at), "law", origin, how, size, root, provable, successor, "the volume is gone"
    )


def chain() -> Directory:
    first = EMPTY.add(begun(ONE)).add(ended(ONE.name, 1))
    return first.add(begun(TWO, 2, follows=ONE.name, folder="2"))


def signed(directory: Directory | bytes, signer: Signer = OFFICE) -> bytes:
    return sign_note(directory if isinstance(directory, bytes) else directory.text, signer)


def outside(raw: bytes, kept: bytes | None = None) -> LogDirectory:
    return read_directory(raw, (parse_key(format_verifier(OFFICE.verifier)),), kept)


class TestText:
    def test_it_reads_as_it_was_written_by_hand(self) -> None:
        header = sha256(b"doorward-directory@v1\n").hexdigest()
        begin = (
            f"begin: {ONE.name}\nbefore: {header}\n"
            f"at: 2031-05-06T07:08:09Z\noffice: law\nvkey: {format_verifier(ONE.verifier)}\nhost: main\nfolder: .\n"
            f"size: 0\nroot: {b64encode(sha256().digest()).decode()}\nfollows: -\n"
        )
        text = f"doorward-directory@v1\n{begin}".encode()
        end = (
            f"end: {ONE.name}\nbefore: {sha256(text).hexdigest()}\nat: 2031-05-07T07:08:09Z\noffice: law\nhow: lost\n"
            f"size: 7\nroot: {b64encode(ROOT).decode()}\nprovable: 5\nsuccessor: {TWO.name}\n"
            "reason: the volume is gone\n"
        )
        text += end.encode()
        found = parse_directory(text)
        assert found.text == EMPTY.add(begun(ONE), ended(ONE.name, 1)).text == text
        assert found.digest == sha256(text).hexdigest()
        assert found.pending == {TWO.name: ONE.name}
        assert found.running("main") is None

    def test_an_older_one_is_the_beginning_of_a_newer(self) -> None:
        newer = chain()
        for older in (EMPTY, EMPTY.add(begun(ONE)), EMPTY.add(begun(ONE), ended(ONE.name, 1)), newer):
            assert verify_added(older.text, newer) is newer
            assert outside(signed(newer), older.text).digest == newer.digest

    def test_what_an_outsider_reads_is_what_was_written(self) -> None:
        found = outside(signed(chain()))
        first, second = found.logs
        assert (first.key.name, first.ends, first.provable, first.how) == (ONE.name, (7, ROOT), 5, "lost")
        assert (first.successor, second.follows, second.ends) == (TWO.name, ONE.name, None)
        assert (first.folder, second.folder, second.host) == (".", "2", "main")
        assert found.signers == (OFFICE.name,)

    def test_names_and_folders_of_what_follows(self) -> None:
        found = chain()
        assert next_origin(found, ONE.name) == THREE.name
        assert next_origin(found, TWO.name) == THREE.name
        assert next_origin(EMPTY, "doorward.example/12345678") == "doorward.example/12345678/2"
        assert (next_folder(EMPTY), next_folder(found)) == (".", "3")


class TestRefused:
    @pytest.mark.parametrize(
        ("statements", "why"),
        [
            ((begun(ONE, 3),), "used before"),
            ((begun(Signer("other", TWO.seed), 3, host="b", folder="b"),), "used before"),
            ((begun(THREE, 3, folder="b"),), "another log runs"),
            ((begun(THREE, 3, host="b", folder="2"),), "its folder was used"),
            ((begun(THREE, 3, host="b", folder="b", follows=ONE.name),), "it follows no log"),
            ((ended(ONE.name, 3),), "has ended"),
            ((ended("nobody", 3),), "never began"),
            ((ended(TWO.name, 3, provable=8, successor="x"),), "more is provable"),
            ((ended(TWO.name, 3, how=How.RETIRED, successor="x"),), "all of it is provable"),
            ((ended(TWO.name, 3, successor=ONE.name),), "another log's"),
            ((ended(TWO.name, 3, successor=TWO.name),), "another log's"),
            ((ended(TWO.name, 1, successor="x"),), "older than what stands above"),
            ((ended(TWO.name, 3, successor="x"), begun(THREE, 4, folder="b")), "named another one"),
            ((ended(TWO.name, 3, successor=THREE.name), begun(THREE, 4, folder="b")), "it follows no log"),
        ],
    )
    def test_what_does_not_agree_with_what_stands_there(
        self, statements: tuple[Begun | Ended, ...], why: str
    ) -> None:
        with pytest.raises(VerificationError, match=why):
            chain().add(*statements)

    def test_a_log_that_had_leaves_when_it_was_listed(self) -> None:
        listed = EMPTY.add(Begun(AT, "law", ONE.verifier, "main", ".", 7, sha256(b"another").digest()))
        with pytest.raises(VerificationError, match="another root"):
            listed.add(ended(ONE.name, 1))
        with pytest.raises(VerificationError, match="more leaves when it was listed"):
            listed.add(ended(ONE.name, 1, size=6))

    @pytest.mark.parametrize("folder", ["..", "tile", "archive", "a/b", "", "A", "x" * 41, "-x"])
    def test_folders_that_lie_elsewhere_or_in_a_logs_own(self, folder: str) -> None:
        with pytest.raises(MalformedError):
            EMPTY.add(begun(ONE, folder=folder))

    def test_a_directory_has_a_bound(self) -> None:
        text, more = EMPTY.text, b""
        for number in range(1000):
            signer = Signer(f"city.example/{number}", sha256(b"%d" % number).digest())
            more = format_statement(begun(signer, number, host=f"h{number}", folder=f"f{number}"), text)
            if len(text + more) > MAX_TEXT_BYTES:
                break
            text += more
        full = parse_directory(text)
        assert len(full.logs) == len(outside(signed(full)).logs) > 200
        with pytest.raises(MalformedError, match="at most"):
            parse_directory(text + more)
        with pytest.raises(FalseNoteError, match="at most"):
            outside(signed(text + more))

    def test_another_one_and_an_older_one_under_the_same_key(self) -> None:
        newer, fork = chain(), EMPTY.add(begun(ONE), ended(ONE.name, 1, size=6))
        with pytest.raises(VerificationError, match="two histories"):
            verify_added(fork.text, newer)
        with pytest.raises(VerificationError, match="an older directory"):
            verify_added(newer.text, EMPTY.add(begun(ONE)))
        for kept, kind in ((fork, Kind.FORK), (newer.add(ended(TWO.name, 4, successor="x")), Kind.ROLLBACK)):
            with pytest.raises(FalseNoteError) as error:
                outside(signed(newer), kept.text)
            assert error.value.kind is kind

    def test_nobody_who_may_signed_it(self) -> None:
        raw = signed(chain(), OTHER)
        with pytest.raises(VerificationError, match="signed by none"):
            verify_directory(raw, [OFFICE.verifier])
        with pytest.raises(FalseNoteError, match="none of the given keys"):
            outside(raw)
        forged = Signer(OFFICE.name, OTHER.seed)
        with pytest.raises(VerificationError):
            verify_directory(signed(chain(), forged), [OFFICE.verifier])
        assert verify_directory(signed(chain()), [OTHER.verifier, OFFICE.verifier]) == chain()

    def test_a_signature_put_below_another_text(self) -> None:
        raw = signed(chain())
        text = chain().add(ended(TWO.name, 3, successor="x")).text
        moved = text + raw[len(chain().text) :]
        with pytest.raises(VerificationError, match="does not hold"):
            verify_directory(moved, [OFFICE.verifier])
        with pytest.raises(FalseNoteError) as error:
            outside(moved)
        assert error.value.kind is Kind.SIGNATURE_FALSE


class TestMaySign:
    def test_a_log_that_runs(self) -> None:
        assert verify_may_sign(chain(), TWO.verifier).origin == TWO.name

    @pytest.mark.parametrize(
        ("key", "why"),
        [
            (ONE.verifier, "has ended"),
            (THREE.verifier, "is not in the directory"),
            (Signer("renamed", ONE.seed).verifier, "has ended"),
            (Signer("renamed", TWO.seed).verifier, "another key or name"),
            (Signer(TWO.name, THREE.seed).verifier, "another key or name"),
        ],
    )
    def test_and_no_other(self, key: object, why: str) -> None:
        with pytest.raises(VerificationError, match=why):
            verify_may_sign(chain(), key)  # type: ignore[arg-type]


# two parsers

LINES = chain().text.decode().splitlines()
WORDS = [
    "", "-", ".", "0", "7", "8", "2031-02-30T00:00:00Z", "2031-05-06T07:08:09Z", "lost", "retired", "..", "x y", "é",
    "a+b", "\u0661", "tile", ONE.name, TWO.name, format_verifier(ONE.verifier), "\u200b", "a" * 201,
]  # fmt: skip


def chained(lines: list[str]) -> bytes:
    """The text of lines, each `before` of which is made right: what somebody with the key can write."""
    text = b""
    for at, line in enumerate(lines):
        if line.startswith("before: ") and at:
            above = text[: text.rfind(b"\n", 0, -1) + 1]
            line = f"before: {sha256(above).hexdigest()}"  # noqa: PLW2901  # the right one
        text += line.encode() + b"\n"
    return text


def agree(text: bytes) -> None:
    try:
        raw = signed(text)
    except MalformedError:
        return
    try:
        inside: object = [*verify_directory(raw, [OFFICE.verifier]).logs]
    except LogError:
        inside = None
    try:
        found: object = [one.key.name for one in outside(raw).logs]
    except FalseNoteError:
        found = None
    assert inside == found


def test_they_agree_on_it() -> None:
    assert chained(LINES) == chain().text
    assert [one.key.name for one in outside(signed(chained(LINES))).logs] == [ONE.name, TWO.name]
    agree(chain().text)


@given(at=st.integers(1, len(LINES) - 1), word=st.sampled_from(WORDS) | st.text(max_size=5))
@settings(max_examples=150)
def test_they_agree_where_a_value_is_another(at: int, word: str) -> None:
    lines = list(LINES)
    lines[at] = f"{lines[at].partition(': ')[0]}: {word}"
    agree(chained(lines))


@given(st.data())
@settings(max_examples=60)
def test_they_agree_where_lines_are_moved_or_gone(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        one = lines.pop(data.draw(st.integers(0, len(lines) - 1)))
        if data.draw(st.booleans()):
            lines.insert(data.draw(st.integers(0, len(lines))), one)
    agree(chained(lines))


@given(at=st.integers(0, len(chain().text) - 1), bit=st.integers(0, 6))
@settings(max_examples=80)
def test_a_changed_byte_is_noticed(at: int, bit: int) -> None:
    raw = bytearray(signed(chain()))
    raw[at] ^= 1 << bit
    with pytest.raises(LogError):
        verify_directory(bytes(raw), [OFFICE.verifier])
    with pytest.raises(FalseNoteError):
        outside(bytes(raw))

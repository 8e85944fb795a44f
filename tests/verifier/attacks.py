"""Attacks on a public log, each with what the verifiers say: the source of docs/concepts/record-attacks.md."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from doorward.notes.base64 import format_base64
from doorward.notes.note import Signer, sign_note
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.edge import RightEdge
from verifier.logs import OTHER, SIGNER, Log, leaf, log_of, make_log

SIZE = 700
LOG = log_of(SIZE, stops=(5, 300))
HOLDS = ("holds",)


@dataclass
class Case:
    """A copy of the log that an attacker may change, and what the reader has in hand."""

    folder: Path
    since: bytes | None = None
    witnesses: list[str] = field(default_factory=list)

    def data(self, name: str) -> bytearray:
        return bytearray((self.folder / name).read_bytes())

    def put(self, name: str, data: bytes) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(data)

    def replace_log(self, other: Log) -> None:
        """Put every file of another log there; the old ones that it has not are gone."""
        for name in LOG.files:
            (self.folder / name).unlink(missing_ok=True)
        for name, data in other.files.items():
            self.put(name, data)


@dataclass(frozen=True)
class Attack:
    """One row of the table.

    Args:
        group: Who can do it.
        what: The row's first column.
        says: The kinds of what both verifiers find, in their order; `holds` where nothing is false.
        do: Does it.
        fsck: What the operator's own check says: false, holds, could not tell, or nothing where it does not apply.
        remark: For the table.
    """

    group: str
    what: str
    says: tuple[str, ...]
    do: Callable[[Case], None]
    fsck: str = "false"
    remark: str = ""


def edited(text: Callable[[bytearray], None], name: str) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        data = case.data(name)
        text(data)
        case.put(name, bytes(data))

    return do


def flip(at: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[at] ^= 1

    return change


def cut(count: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        del data[-count:]

    return change


def grow(more: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data += more

    return change


def checkpoint_text(change: Callable[[str], str]) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        case.put("checkpoint", change(case.data("checkpoint").decode()).encode())

    return do


def signed(checkpoint: Callable[[], bytes]) -> Callable[[Case], None]:
    return lambda case: case.put("checkpoint", checkpoint())


def root_of(size: int) -> bytes:
    edge = RightEdge()
    for number in range(size):
        edge.append(leaf(number))
    return edge.root()


def as_signed(name: str, *, size: int = SIZE, seed: bytes = SIGNER.seed, extra: str = "") -> bytes:
    text = f"{name}\n{size}\n{format_base64(root_of(size))}\n{extra}"
    return sign_note(text.encode(), Signer(name, seed))


def with_entry(number: int, entry: bytes | None, *, keep: bool = True) -> Log:
    """The log with an entry put in, put in its place, or taken out, signed again by the key."""
    entries = [leaf(one) for one in range(SIZE)]
    entries[number : number + (not keep)] = [] if entry is None else [entry]
    return make_log(entries)


def own_tiles(case: Case) -> None:
    """Rewrite an entry and everything over it; only the checkpoint cannot be made."""
    checkpoint = bytes(case.data("checkpoint"))
    case.replace_log(with_entry(100, b"another", keep=False))
    case.put("checkpoint", checkpoint)


def entry_and_leaf(case: Case) -> None:
    other = log_of(SIZE, salt=b"x")
    for name in ("tile/entries/000", "tile/0/000"):
        case.put(name, other.files[name])


def swap(one: str, two: str) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        first, second = case.data(one), case.data(two)
        case.put(one, bytes(second))
        case.put(two, bytes(first))

    return do


def remove(name: str) -> Callable[[Case], None]:
    return lambda case: (case.folder / name).unlink()


def replay(size: int, *, is_kept: bool) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        case.since = bytes(case.data("checkpoint")) if is_kept else None
        case.put("checkpoint", log_of(size).files["checkpoint"])

    return do


def rewritten(make: Callable[[], Log], *, is_kept: bool = True) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        case.since = bytes(case.data("checkpoint")) if is_kept else None
        case.replace_log(make())

    return do


def truncate_files(case: Case) -> None:
    checkpoint = bytes(case.data("checkpoint"))
    case.replace_log(log_of(512))
    case.put("checkpoint", checkpoint)


def link(case: Case) -> None:
    (case.folder / "tile/entries/001").rename(case.folder / "elsewhere")
    (case.folder / "tile/entries/001").symlink_to("../../elsewhere")


def pipe(case: Case) -> None:
    (case.folder / "tile/entries/001").unlink()
    os.mkfifo(case.folder / "tile/entries/001")


def endless(case: Case) -> None:
    os.truncate(case.folder / "tile/entries/001", 2**40)


def witnessed(cosign: Callable[[bytes], bytes]) -> Callable[[Case], None]:
    """The reader asks for a witness, whose line the attacker makes of the checkpoint's text."""

    def do(case: Case) -> None:
        raw = bytes(case.data("checkpoint"))
        case.witnesses = [cosigner_key(WITNESS)]
        case.put("checkpoint", raw + cosign(raw.rpartition(b"\n\n")[0] + b"\n"))

    return do


WITNESS = Signer.make("witness.example/w", b"w" * 32)


def cosigner_id(signer: Signer) -> bytes:
    return sha256(signer.name.encode() + b"\n\x04" + signer.verifier.public_key).digest()[:4]


def cosigner_key(signer: Signer) -> str:
    return (
        f"{signer.name}+{cosigner_id(signer).hex()}+{format_base64(bytes([4]) + signer.verifier.public_key)}"
    )


def cosignature(
    text: bytes, signer: Signer = WITNESS, *, seconds: int = 1_900_000_000, said: int = 0
) -> bytes:
    """A line of C2SP cosignature/v1; `said` is the time that it states where that is not the one that was signed."""
    signature = signer.sign(b"cosignature/v1\ntime %d\n" % seconds + text)
    raw = cosigner_id(signer) + (said or seconds).to_bytes(8, "big") + signature
    return f"\N{EM DASH} {signer.name} {format_base64(raw)}\n".encode()


def twice(case: Case) -> None:
    raw = bytes(case.data("checkpoint"))
    case.put("checkpoint", raw + raw.rpartition(b"\n\n")[2])


def twice_one_false(case: Case) -> None:
    false = log_of(3).files["checkpoint"].rpartition(b"\n\n")[2]
    case.put("checkpoint", bytes(case.data("checkpoint")) + false)


def many_lines(case: Case) -> None:
    raw = bytes(case.data("checkpoint"))
    case.put("checkpoint", raw + raw.rpartition(b"\n\n")[2] * 64)


FILES = "Whoever can change the files, without the key"
KEYLESS = "Whoever can change the checkpoint, without the key"
OPERATOR = "The operator, who has the key; the reader kept a checkpoint"
ALONE = "The operator, who has the key; the reader kept nothing"
WITNESSED = "Whoever would be believed in the name of a witness that the reader asks for"

ATTACKS = [
    Attack(FILES, "an entry is rewritten", ("entry-differs",), edited(flip(50), "tile/entries/001")),
    Attack(FILES, "the hash of a leaf is rewritten", ("tile-differs",), edited(flip(50), "tile/0/001")),
    Attack(FILES, "entries and their leaves' hashes are rewritten", ("both-differ",), entry_and_leaf),
    Attack(FILES, "an entry and all tiles over it are rewritten", ("checkpoint-root",), own_tiles),
    Attack(
        FILES, "a hash above the leaves is rewritten", ("tile-differs",), edited(flip(3), "tile/1/000.p/2")
    ),
    Attack(
        FILES, "an entry is put in late", ("file-malformed",), edited(grow(b"\x00\x01x"), "tile/entries/001")
    ),
    Attack(FILES, "an entry is taken out", ("file-malformed",), edited(cut(35), "tile/entries/001")),
    Attack(FILES, "a bundle is taken away", ("file-missing",), remove("tile/entries/001")),
    Attack(FILES, "a tile is taken away", ("file-missing",), remove("tile/0/001")),
    Attack(
        FILES,
        "the end of the log is taken away",
        ("file-missing", "checkpoint-root", "file-missing"),
        truncate_files,
        remark="the last bundle and tile",
    ),
    Attack(
        FILES,
        "two bundles are swapped",
        ("entry-differs", "entry-differs"),
        swap("tile/entries/000", "tile/entries/001"),
    ),
    Attack(
        FILES,
        "bundle and tile of two places are swapped",
        ("tile-differs", "tile-differs"),
        swap("tile/0/000", "tile/0/001"),
    ),
    Attack(
        FILES,
        "a partial tile of an earlier size is another's",
        ("partial-differs",),
        edited(flip(40), "tile/0/000.p/5"),
        remark="a reader who kept that size would be shown other leaves",
    ),
    Attack(
        FILES,
        "a file is torn in the middle of an entry",
        ("file-malformed",),
        edited(cut(10), "tile/entries/001"),
    ),
    Attack(
        FILES,
        "a length says more than there is",
        ("file-malformed",),
        edited(flip(255 * 35), "tile/entries/001"),
    ),
    Attack(FILES, "a file is empty", ("file-malformed",), lambda case: case.put("tile/entries/001", b"")),
    Attack(
        FILES,
        "a file has no end",
        ("file-malformed",),
        endless,
        fsck="could not tell",
        remark="no more is read than such a file may have",
    ),
    Attack(
        FILES,
        "a link stands in place of a file",
        ("file-malformed",),
        link,
        fsck="could not tell",
        remark="not followed",
    ),
    Attack(
        FILES,
        "a pipe stands in place of a file",
        ("file-malformed",),
        pipe,
        fsck="could not tell",
        remark="not opened",
    ),
    Attack(
        FILES,
        "a file of another name lies there",
        ("name-unknown",),
        lambda case: case.put("tile/0/late", b""),
    ),
    Attack(
        FILES,
        "a tile lies there under another spelling",
        ("name-unknown",),
        lambda case: case.put("tile/0/x000/001", bytes(case.data("tile/0/001"))),
    ),
    Attack(
        KEYLESS,
        "another key signs under the log's name",
        ("signature-missing",),
        signed(lambda: as_signed(OTHER.name, seed=OTHER.seed)),
    ),
    Attack(
        KEYLESS,
        "the same key signs for another origin",
        ("checkpoint-origin",),
        signed(lambda: as_signed("doorward.example/else")),
        remark="a key that is used for two logs proves neither for the other",
    ),
    Attack(
        KEYLESS,
        "the origin is written with a lookalike letter",
        ("checkpoint-origin",),
        signed(lambda: as_signed("d\N{CYRILLIC SMALL LETTER O}orward.example/test")),
        remark="printed with its code",
    ),
    Attack(
        KEYLESS,
        "a byte of the signature is changed",
        ("signature-false",),
        checkpoint_text(lambda text: text[:-20] + ("A" if text[-20] != "A" else "B") + text[-19:]),
    ),
    Attack(
        KEYLESS,
        "the size is changed",
        ("signature-false",),
        checkpoint_text(lambda text: text.replace("\n700\n", "\n699\n")),
    ),
    Attack(
        KEYLESS,
        "the size is spelled in another way",
        ("checkpoint-malformed",),
        checkpoint_text(lambda text: text.replace("\n700\n", "\n0700\n")),
    ),
    Attack(
        KEYLESS,
        "an extension line is put in, signed by the key",
        ("checkpoint-malformed",),
        signed(lambda: as_signed(SIGNER.name, extra="more\n")),
        remark="some cosignatures would not cover it",
    ),
    Attack(
        KEYLESS,
        "the lines end as on another system",
        ("checkpoint-malformed",),
        checkpoint_text(lambda text: text.replace("\n", "\r\n")),
    ),
    Attack(
        KEYLESS,
        "the signature stands there twice",
        HOLDS,
        twice,
        fsck="holds",
        remark="nothing false is said by it",
    ),
    Attack(KEYLESS, "the signature stands there twice, once false", ("signature-false",), twice_one_false),
    Attack(KEYLESS, "there are more than 64 signatures", ("checkpoint-malformed",), many_lines),
    Attack(KEYLESS, "the checkpoint is taken away", ("checkpoint-missing",), remove("checkpoint")),
    Attack(
        KEYLESS,
        "an older checkpoint is shown again",
        HOLDS,
        replay(300, is_kept=False),
        fsck="holds",
        remark="true at that size; a note says that files lie beyond it. Keep a checkpoint, or ask for witnesses",
    ),
    Attack(
        KEYLESS,
        "the same, and the reader kept a newer one",
        ("rollback",),
        replay(300, is_kept=True),
        fsck="",
    ),
    Attack(
        OPERATOR,
        "an entry is put in late, and all is signed again",
        ("fork",),
        rewritten(lambda: with_entry(100, b"late")),
        fsck="",
    ),
    Attack(
        OPERATOR,
        "an entry is taken out, and all is signed again",
        ("rollback",),
        rewritten(lambda: with_entry(100, None, keep=False)),
        fsck="",
    ),
    Attack(
        OPERATOR,
        "an entry is taken out, and others follow",
        ("fork",),
        rewritten(lambda: make_log([leaf(one) for one in range(SIZE + 9) if one != 100])),
        fsck="",
    ),
    Attack(
        OPERATOR,
        "an entry is rewritten, and all is signed again",
        ("fork",),
        rewritten(lambda: with_entry(100, b"another", keep=False)),
        fsck="",
    ),
    Attack(
        OPERATOR, "the log is cut and signed again", ("rollback",), rewritten(lambda: log_of(400)), fsck=""
    ),
    Attack(
        OPERATOR,
        "two readers are shown two logs of one size",
        ("fork",),
        rewritten(lambda: log_of(SIZE, salt=b"x")),
        fsck="",
    ),
    Attack(
        OPERATOR,
        "a new log is begun in the old one's place",
        ("rollback",),
        rewritten(lambda: log_of(0)),
        fsck="",
    ),
    Attack(
        ALONE,
        "an entry is rewritten, and all is signed again",
        HOLDS,
        rewritten(lambda: with_entry(100, b"another", keep=False), is_kept=False),
        fsck="holds",
        remark="**not found**: keep checkpoints, compare with others, ask for witnesses",
    ),
    Attack(
        ALONE,
        "an empty tree is signed with another root",
        ("checkpoint-root",),
        signed(lambda: format_checkpoint(Checkpoint(SIGNER.name, 0, bytes(32)), SIGNER)),
    ),
    Attack(WITNESSED, "the witness did not sign", ("signature-missing",), witnessed(lambda _: b""), fsck=""),
    Attack(
        WITNESSED,
        "its cosignature is of another checkpoint",
        ("signature-false",),
        witnessed(lambda _: cosignature(log_of(3).files["checkpoint"].rpartition(b"\n\n")[0] + b"\n")),
        fsck="",
    ),
    Attack(
        WITNESSED,
        "its cosignature states another time",
        ("signature-false",),
        witnessed(lambda text: cosignature(text, said=2_000_000_000)),
        fsck="",
    ),
    Attack(
        WITNESSED,
        "another key signs under its name",
        ("signature-missing",),
        witnessed(lambda text: cosignature(text, Signer.make(WITNESS.name, bytes(32)))),
        fsck="",
    ),
    Attack(
        WITNESSED,
        "it did sign",
        HOLDS,
        witnessed(cosignature),
        fsck="",
        remark="the time at which it signed is printed",
    ),
]

"""What a log asks its witnesses, and what their answers mean: pure, without the network.

1. A witness is first asked with the size that it is thought to hold. Its answer says which one it holds.
2. Where that is smaller, it is asked again with the proof from there.
3. Where it is larger than anything this log has, or its tree is no beginning of this one, somebody else signed with
   this log's key, or this is an older copy of it: nothing may be signed here.
4. Where it is smaller than what this witness itself cosigned, its memory was put back. It is shown its own cosignature.

A size in an answer is nobody's signature: whoever stands between can lie about it. A lie stops the log and forges
nothing.

Source: C2SP tlog-witness.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from doorward.errors import LogError, MalformedError, VerificationError
from doorward.notes.note import NoteSignature, append_signature
from doorward.record.checkpoint import MAX_TREE_SIZE, UnverifiedCheckpoint, parse_checkpoint
from doorward.record.cosignature import CheckpointKey, find_cosignatures, key_of_line
from doorward.record.proof import ReadNode, make_consistency
from doorward.record.trust_policy import TrustPolicy
from doorward.record.witness import format_request

MAX_TRIES: Final = 4
MAX_REPLY_BYTES: Final = 32 * 1024  # two lines, of some 3,500 at most


class Standing(Enum):
    """Where a witness stands to a checkpoint."""

    COSIGNED = "cosigned"
    AHEAD = "ahead"  # it cosigned a larger tree of this log
    FORKED = "forked"  # it cosigned a tree that is no beginning of this one
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP; status 0 stands for none in time."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What one witness said of a checkpoint.

    Args:
        size: The one it claims to hold, where it stands otherwise.
        line: Its cosignature, which holds; or None.
        was_put_back: Whether it holds less than it cosigned before.
        status: The last one it answered.
    """

    standing: Standing
    size: int = 0
    line: NoteSignature | None = None
    was_put_back: bool = False
    status: int = 0

    def __str__(self) -> str:
        if self.was_put_back:
            return "holds less than it cosigned"
        if self.standing in {Standing.AHEAD, Standing.FORKED}:
            return f"holds size {self.size}"
        return f"answered {self.status}" if self.standing is Standing.REFUSED else self.standing.value


Post = Callable[[bytes], Reply]


@dataclass(frozen=True, slots=True)
class Shown:
    """A checkpoint of our own log, and what proofs to it are made of.

    Args:
        raw: The signed note.
        read: Reads the nodes of its tree.
    """

    raw: bytes
    read: ReadNode

    @property
    def checkpoint(self) -> UnverifiedCheckpoint:
        """What the note says."""
        return parse_checkpoint(self.raw)


def ask_witness(shown: Shown, key: CheckpointKey, post: Post, witnessed: bytes | None = None) -> Heard:
    """Return what a witness says of a checkpoint; asks at most `MAX_TRIES` times.

    Args:
        post: Sends a request to it.
        witnessed: An earlier checkpoint of this log, with this witness's own cosignature on it, or None.

    Raises:
        VerificationError: A proof cannot be made from the log's files.
        StoreError: They cannot be read.
    """
    size = shown.checkpoint.tree_size
    known = _cosigned_size(witnessed, key)
    old = size if known is None else min(known, size)  # 1
    was_put_back = False
    for _ in range(MAX_TRIES):
        proof = make_consistency(shown.read, old, size) if 0 < old < size else []
        reply = post(format_request(old, proof, shown.raw))
        if reply.status == 0:
            return Heard(Standing.SILENT, was_put_back=was_put_back)
        if reply.status == 200:
            line = _read_line(shown, key, reply.body)
            standing = Standing.REFUSED if line is None else Standing.COSIGNED
            return Heard(standing, size, line, was_put_back, reply.status)
        if reply.status == 422:  # 3: the proof is right for what is here
            return Heard(Standing.FORKED, old, was_put_back=was_put_back, status=422)
        held = _read_size(reply) if reply.status == 409 else None
        if held is None:
            return Heard(Standing.REFUSED, was_put_back=was_put_back, status=reply.status)
        if held > size:  # 3
            return Heard(Standing.AHEAD, held, was_put_back=was_put_back, status=409)
        if held == old == size:
            return Heard(Standing.FORKED, held, was_put_back=was_put_back, status=409)
        if known is not None and witnessed is not None and held < known and not was_put_back:  # 4
            was_put_back = True
            post(_from(shown.read, held, known, witnessed))
        old = held  # 2
    return Heard(Standing.REFUSED, was_put_back=was_put_back, status=409)


def _from(read: ReadNode, old: int, size: int, raw: bytes) -> bytes:
    return format_request(old, make_consistency(read, old, size) if 0 < old < size else [], raw)


def _cosigned_size(witnessed: bytes | None, key: CheckpointKey) -> int | None:
    if witnessed is None:
        return None
    try:
        checkpoint = parse_checkpoint(witnessed)
        return checkpoint.tree_size if find_cosignatures(checkpoint, [key]) else None
    except LogError:
        return None  # a file of ours that is none; the witness says what it holds


def _read_line(shown: Shown, key: CheckpointKey, body: bytes) -> NoteSignature | None:
    try:
        checkpoint = parse_checkpoint(shown.raw + body)
        if key not in find_cosignatures(checkpoint, [key]):
            return None
    except LogError:
        return None
    return key_of_line(checkpoint.note, key)


def _read_size(reply: Reply) -> int | None:
    digits = reply.body.removesuffix(b"\n")
    if not digits.isdigit() or len(digits) > 19 or str(int(digits)).encode() != digits:
        return None
    return int(digits) if int(digits) <= MAX_TREE_SIZE else None


def add_lines(raw: bytes, lines: Iterable[NoteSignature]) -> bytes:
    """Return a signed checkpoint with the cosignatures that it has not yet; what finds no room is left out."""
    checkpoint = parse_checkpoint(raw)
    present = {(line.name, line.id) for line in checkpoint.note.signatures}
    for line in lines:
        if (line.name, line.id) not in present:
            try:
                raw = append_signature(checkpoint.note.text, raw, line)
            except MalformedError:
                continue
            present.add((line.name, line.id))
    return raw


def check_heard(heard: Mapping[str, Heard], policy: TrustPolicy, tree_size: int) -> str:
    """Return why nothing may be signed yet, or an empty text where the quorum knows nothing newer.

    Args:
        heard: What each witness said of the last checkpoint, by its name in the policy.

    Raises:
        VerificationError: A witness holds a larger or another tree of this log.
    """
    for name, one in heard.items():
        if one.standing is Standing.AHEAD:
            raise VerificationError(
                f"the witness `{name}` cosigned size {one.size} of this log, and here it ends at {tree_size}",
                hint=_NEVER,
            )
        if one.standing is Standing.FORKED:
            raise VerificationError(
                f"the witness `{name}` cosigned a tree of size {one.size} that is no beginning of this log",
                hint=_NEVER,
            )
    if policy.is_met(cosigners(heard)):
        return ""
    others = [f"`{name}` {one}" for name, one in heard.items() if name not in cosigners(heard)]
    return f"the quorum `{policy.quorum}` has not said that it knows nothing newer: {', '.join(others)}"


_NEVER: Final = (
    "an older copy of the record was put here, or another host signs with its key: put the newest copy back, or begin "
    "a new log; nothing was signed"
)


def cosigners(heard: Mapping[str, Heard]) -> Sequence[str]:
    """Return the names of those that cosigned; one whose memory was put back knows too little to count."""
    return [name for name, one in heard.items() if one.standing is Standing.COSIGNED and not one.was_put_back]

"""What a witness answers to a checkpoint that a log shows it: the rules, without disk, clock or network.

A witness keeps, of each log that it knows, the last checkpoint it cosigned, and cosigns another only where a proof
shows that it extends that one. In this order:

1. The request is `old` and a size, at most 63 hashes, an empty line and a checkpoint: else 400.
2. The checkpoint's origin is one that the witness knows: else 404.
3. A key of that log signed it, and no known key's signature in it is false: else 403.
4. `old` is at most the checkpoint's size: else 400.
5. No cosignature of the witness itself in it says more than the witness remembers: else its memory was put back to an
   older state, and it signs for this log no more (503).
6. `old` is the size that it cosigned last, or 0: else 409 with that size.
7. Of the same size is the same root: else 409 with that size, and both checkpoints are the proof that the log forked.
8. The proof leads from the last root to the new one; from nothing it is empty, and an empty tree has its one root:
   else 422.

Source: C2SP tlog-witness.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.note import MAX_NOTE_BYTES, NoteSignature, append_signature
from doorward.record.checkpoint import MAX_TREE_SIZE, UnverifiedCheckpoint, parse_checkpoint
from doorward.record.cosignature import CheckpointKey, find_cosignatures, parse_key
from doorward.record.hashes import EMPTY_ROOT, Hash, format_hash, parse_hash
from doorward.record.proof import MAX_PROOF_HASHES, verify_consistency

MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 4096  # 63 hashes have some 2,900
MAX_LOGS: Final = 1024
PLAIN: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"

_OLD: Final = "old "


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that a witness cosigns for.

    Args:
        origin: The first line of its checkpoints.
        keys: Those that sign them.
    """

    origin: str
    keys: tuple[CheckpointKey, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last checkpoint of a log that a witness cosigned, when, and with what: a note with the log's signature."""

    tree_size: int
    root: Hash
    time: int
    note: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What a log shows; nothing of it is verified."""

    old_size: int
    proof: tuple[Hash, ...]
    checkpoint: UnverifiedCheckpoint


class Suspicion(Enum):
    """What a refused request may prove."""

    FORK = "fork"  # two checkpoints of one size, both signed by the log
    UNEXPLAINED = "unexplained"  # a signed checkpoint that was not shown to extend the last one
    ROLLED_BACK = "rolled-back"  # the witness's own cosignature of what it does not remember


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no cosignature.

    Args:
        origin: The log's, where the witness knows it.
        suspicion: Where the checkpoint is to be kept as evidence.
        note: That checkpoint, with the signatures of known keys.
    """

    status: int
    body: str
    content_type: str = PLAIN
    origin: str = ""
    suspicion: Suspicion | None = None
    note: bytes = b""


@dataclass(frozen=True, slots=True)
class Consent:
    """A checkpoint that extends the last one, and may be cosigned once it is remembered."""

    checkpoint: UnverifiedCheckpoint
    note: bytes


def log_id(origin: str) -> str:
    """Return the name of a log in files and addresses: the hash of its origin in hexadecimal digits."""
    return sha256(origin.encode()).hexdigest()


def parse_logs(text: str) -> dict[str, KnownLog]:
    """Return the logs that a file lists, by origin: a line has a verifier key, and an origin where it is another name.

    Raises:
        MalformedError: A line is something else, or a key stands there twice; names the line.
    """
    logs: dict[str, KnownLog] = {}
    seen: set[bytes] = set()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        vkey, _, origin = words.partition(" ")
        try:
            key = parse_key(vkey)
        except MalformedError as error:
            raise MalformedError(f"line {number} of the logs: {error}") from error
        origin = origin.strip() or key.name
        if key.public_key in seen:
            raise MalformedError(f"line {number} of the logs: its key stands there already")
        if not key.can_check:
            raise MalformedError(f"line {number} of the logs: the cryptography library here has no ML-DSA-44")
        seen.add(key.public_key)
        known = logs.get(origin)
        logs[origin] = KnownLog(origin, (*(known.keys if known else ()), key))
    if len(logs) > MAX_LOGS:
        raise MalformedError(f"a witness knows at most {MAX_LOGS} logs, got {len(logs)}")
    return logs


def parse_request(body: bytes) -> Request:
    """Return what a request shows; nothing of it is verified.

    Raises:
        MalformedError: It is no such request, or larger than one may be.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise MalformedError(f"a request has at most {MAX_REQUEST_BYTES} bytes")
    head, separator, raw = body.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError("a request has only ASCII before its checkpoint") from error
    digits = first.removeprefix(_OLD)
    if not separator or digits == first:
        raise MalformedError("expected `old` and a size, hashes, an empty line and a checkpoint")
    if (
        len(digits) > 19
        or not digits.isdecimal()
        or str(int(digits)) != digits
        or int(digits) > MAX_TREE_SIZE
    ):
        raise MalformedError("the old size is a decimal number without leading zeros")
    if len(hashes) > MAX_PROOF_HASHES:
        raise MalformedError(f"a proof has at most {MAX_PROOF_HASHES} hashes")
    return Request(int(digits), tuple(map(parse_hash, hashes)), parse_checkpoint(raw, with_extensions=True))


def format_request(old_size: int, proof: Sequence[Hash], signed_checkpoint: bytes) -> bytes:
    """Return a request as a log sends it."""
    head = "".join(f"{line}\n" for line in [f"{_OLD}{old_size}", *map(format_hash, proof)])
    return head.encode() + b"\n" + signed_checkpoint


def find_log(body: bytes, logs: Mapping[str, KnownLog]) -> tuple[Request, KnownLog] | Refusal:
    """Return what a request shows, and the known log that signed it; steps 1 to 4.

    Args:
        body: Of anybody.
    """
    try:
        request = parse_request(body)  # 1
    except MalformedError as error:
        return Refusal(400, f"{error}\n")
    checkpoint = request.checkpoint
    log = logs.get(checkpoint.origin)
    if log is None:  # 2
        return Refusal(404, "this witness does not know the log\n")
    try:
        signed = find_cosignatures(checkpoint, log.keys)
    except VerificationError as error:
        return Refusal(403, f"{error}\n", origin=log.origin)
    if not signed:  # 3
        return Refusal(403, "no key that this witness knows for the log signed it\n", origin=log.origin)
    if request.old_size > checkpoint.tree_size:  # 4
        return Refusal(400, "the old size is larger than the checkpoint's\n", origin=log.origin)
    return request, log


def judge(
    request: Request, log: KnownLog, last: Remembered | None, own: Iterable[CheckpointKey]
) -> Consent | Refusal:
    """Return whether a checkpoint may be cosigned; steps 5 to 8.

    Args:
        request: From `find_log`, with its log.
        last: What the witness remembers of the log; None where it never cosigned for it.
        own: The witness's own keys.
    """
    checkpoint = request.checkpoint
    own = tuple(own)
    size, root = (last.tree_size, last.root) if last is not None else (0, EMPTY_ROOT)
    if _has_own(checkpoint, own) and (
        last is None
        or checkpoint.tree_size > size
        or (checkpoint.tree_size == size and checkpoint.root != root)
    ):  # 5
        return _refuse(request, log, 503, _ROLLED_BACK, Suspicion.ROLLED_BACK, own)
    if request.old_size != size:  # 6
        return Refusal(409, f"{size}\n", SIZE, log.origin)
    if checkpoint.tree_size == size and last is not None and checkpoint.root != root:  # 7
        return _refuse(request, log, 409, f"{size}\n", Suspicion.FORK, own, SIZE)
    try:
        _check_proof(request, root)  # 8
    except VerificationError as error:
        return _refuse(request, log, 422, f"{error}\n", Suspicion.UNEXPLAINED, own)
    return Consent(checkpoint, _known_lines(checkpoint, log.keys))


_ROLLED_BACK: Final = (
    "this witness's own cosignature says more than it remembers: it signs for this log no more\n"
)


def _check_proof(request: Request, old_root: Hash) -> None:
    checkpoint, proof = request.checkpoint, request.proof
    if checkpoint.tree_size == 0 and checkpoint.root != EMPTY_ROOT:
        raise VerificationError("expected the empty root at size 0, got another")
    if request.old_size == 0:
        if proof:
            raise VerificationError("from size 0 a proof is empty")
        return
    verify_consistency(
        old_size=request.old_size,
        new_size=checkpoint.tree_size,
        old_root=old_root,
        new_root=checkpoint.root,
        proof=proof,
    )


def _has_own(checkpoint: UnverifiedCheckpoint, own: Iterable[CheckpointKey]) -> bool:
    try:
        return bool(find_cosignatures(checkpoint, own))
    except VerificationError:
        return False  # a line in our name that is none of ours


def _refuse(  # noqa: PLR0917  # the parts of one answer
    request: Request,
    log: KnownLog,
    status: int,
    body: str,
    suspicion: Suspicion,
    own: Iterable[CheckpointKey],
    content_type: str = PLAIN,
) -> Refusal:
    keys = (*log.keys, *own) if suspicion is Suspicion.ROLLED_BACK else log.keys
    note = _known_lines(request.checkpoint, keys)
    return Refusal(status, body, content_type, log.origin, suspicion, note)


def _known_lines(checkpoint: UnverifiedCheckpoint, keys: Iterable[CheckpointKey]) -> bytes:
    """Return the note with the lines of these keys alone, which hold; what strangers put there is not kept."""
    known = {(key.name, key.id) for key in keys}
    lines: dict[tuple[str, bytes], NoteSignature] = {}
    for line in checkpoint.note.signatures:
        if (line.name, line.id) in known:
            lines[line.name, line.id] = line
    raw = b""
    for line in lines.values():
        raw = append_signature(checkpoint.note.text, raw, line)
    return raw

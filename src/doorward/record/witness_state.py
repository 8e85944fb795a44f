"""What a witness remembers, in a folder: a file for each log, written and synced before any cosignature leaves.

A witness that forgets signs both sides of a fork, so whatever is doubtful refuses:

1. One process at a time holds the folder's lock.
2. A folder is made once, with its keys, by `make_witness`; one without `origins` is none.
3. A file whose checksum does not hold, or that is missing though `origins` lists it, refuses the opening.
4. Where a log showed the witness's own cosignature of what it does not remember, a file says so, and nothing is
   signed for that log until a person takes it away.

What cannot be noticed here: a folder that was put back whole, with its keys, by a copy of an earlier day, until a log
shows a cosignature that is newer (4), or asks with an old size that the witness does not have.
"""

import fcntl
import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from doorward.errors import ConfigError, LogError, MalformedError, StoreError, VerificationError
from doorward.notes.key_files import load_secret, write_secret
from doorward.notes.note import MAX_NOTE_BYTES
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Algorithm, Cosigner, format_cosigner, parse_cosigner
from doorward.record.log_files import sync_folder
from doorward.record.witness import Remembered, Suspicion, log_id

LOCK: Final = "lock"
ORIGINS: Final = "origins"
EVIDENCE: Final = "evidence"
KEYS: Final = {
    Algorithm.COSIGNATURE_ED25519: "witness.key",
    Algorithm.COSIGNATURE_ML_DSA_44: "witness-ml-dsa-44.key",
}
MAX_EVIDENCE: Final = 256  # files of a log; whoever holds its key could fill the disk

_HEADER: Final = "doorward witness state v1"
_LAST: Final = ".last"
_ROLLED_BACK: Final = ".rolled-back"
_MAX_FILE_BYTES: Final = MAX_NOTE_BYTES + 4096


def make_witness(folder: Path, name: str, *, ml_dsa: bool, random: bytes) -> tuple[Cosigner, ...]:
    """Make a witness's folder with new keys, and return them.

    Args:
        name: The witness's, such as an address without its scheme.
        ml_dsa: Whether it has a key of ML-DSA-44 beside the one of Ed25519.
        random: 64 random bytes.

    Raises:
        ConfigError: The folder holds a witness already, or the library at hand has no ML-DSA.
        MalformedError: The name is none.
        StoreError: The folder cannot be written.
    """
    kinds = list(KEYS)[: 2 if ml_dsa else 1]
    cosigners = tuple(
        Cosigner.make(name, random[32 * at : 32 * (at + 1)], kind) for at, kind in enumerate(kinds)
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / EVIDENCE).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the witness's folder `{folder}` cannot be made: {error.strerror}") from error
    if (folder / ORIGINS).exists():
        raise ConfigError(
            f"`{folder}` holds a witness already", hint="a witness keeps its keys and what it remembers"
        )
    for cosigner in cosigners:
        write_secret(folder / KEYS[cosigner.algorithm], format_cosigner(cosigner))
    _write(folder / ORIGINS, b"")
    return cosigners


@dataclass(slots=True)
class WitnessState:
    """The folder of one witness, held by this process; made by `open`."""

    folder: Path
    cosigners: tuple[Cosigner, ...]
    remembered: dict[str, Remembered] = field(default_factory=dict)  # by origin
    rolled_back: set[str] = field(default_factory=set)  # ids of logs
    _lock: int = -1

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return what a witness remembers.

        Raises:
            ConfigError: There is no witness in the folder, or a key is not as it must be.
            StoreError: Another process holds it, or a file cannot be read.
            VerificationError: What it remembered is torn, changed or lost; it must not sign.
        """
        if not (folder / ORIGINS).exists():
            raise ConfigError(
                f"there is no witness in `{folder}`",
                hint="make one with `doorward log witness new`; one whose memory is lost gets a new name and new keys",
            )
        lock = _take_lock(folder)
        try:
            state = cls(folder, _load_cosigners(folder), _lock=lock)
            state._load()
        except BaseException:
            os.close(lock)
            raise
        return state

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        if self._lock != -1:
            os.close(self._lock)
            self._lock = -1

    def _load(self) -> None:
        ids = set()
        for file in sorted(self.folder.iterdir()):
            if file.suffix == _LAST:
                origin, last = _load_last(file)
                self.remembered[origin] = last
                ids.add(file.stem)
            elif file.suffix == _ROLLED_BACK:
                self.rolled_back.add(file.stem)
        listed = set(_read(self.folder / ORIGINS).decode("ascii", "replace").split())
        lost = sorted(listed - ids)
        if lost:
            raise VerificationError(
                f"the witness cosigned for {len(listed)} logs and has lost `{lost[0]}{_LAST}`",
                hint="put the newest copy back; without it, end this witness and make one with another name",
            )
        if ids - listed:  # it was killed between the two
            self._list(ids)

    def _list(self, ids: set[str]) -> None:
        _write(self.folder / ORIGINS, "".join(f"{one}\n" for one in sorted(ids)).encode())

    def remember(self, origin: str, last: Remembered) -> None:
        """Return when a checkpoint is on the disk as the last one of its log.

        Raises:
            StoreError: The disk refused; nothing may be signed.
        """
        _write(self.folder / f"{log_id(origin)}{_LAST}", _format(last))
        if origin not in self.remembered:
            self._list({log_id(one) for one in (*self.remembered, origin)})
        self.remembered[origin] = last

    def keep_evidence(self, origin: str, suspicion: Suspicion, note: bytes) -> Path | None:
        """Keep what a log showed, once for each tree; None where there is no more room for that log.

        Raises:
            StoreError: The disk refused.
        """
        name = log_id(origin)
        if suspicion is Suspicion.ROLLED_BACK:
            self.rolled_back.add(name)
            _write(self.folder / f"{name}{_ROLLED_BACK}", note)
            return self.folder / f"{name}{_ROLLED_BACK}"
        checkpoint = parse_checkpoint(note, with_extensions=True)
        root = checkpoint.root.hex()[:16]
        file = self.folder / EVIDENCE / f"{name[:16]}-{suspicion.value}-{checkpoint.tree_size}-{root}"
        try:
            if file.exists():
                return file
            # A proven fork finds room among what is only unexplained.
            room = MAX_EVIDENCE if suspicion is Suspicion.FORK else MAX_EVIDENCE // 2
            own = [one for one in os.listdir(file.parent) if one.startswith(name[:16])]  # noqa: PTH208  # names alone
            if len(own) >= room:
                return None
        except OSError as error:
            raise StoreError(f"the evidence of `{self.folder}` cannot be read: {error.strerror}") from error
        last = self.remembered.get(origin)
        _write(file, note + (b"\n" + last.note if last is not None else b""))
        return file


def _format(last: Remembered) -> bytes:
    text = f"time {last.time}\n".encode() + last.note
    return f"{_HEADER}\nsha256 {sha256(text).hexdigest()}\n".encode() + text


def _load_last(file: Path) -> tuple[str, Remembered]:
    raw = _read(file)
    header, _, rest = raw.partition(b"\n")
    checksum, _, text = rest.partition(b"\n")
    first, _, note = text.partition(b"\n")
    try:
        if header.decode() != _HEADER or checksum.decode() != f"sha256 {sha256(text).hexdigest()}":
            raise MalformedError("its checksum does not hold")
        time = int(first.removeprefix(b"time "))
        checkpoint = parse_checkpoint(note, with_extensions=True)
        if log_id(checkpoint.origin) != file.stem:
            raise MalformedError("it is of another log")
    except (LogError, ValueError) as error:
        raise VerificationError(
            f"`{file.name}` of the witness is not what it wrote: {error}",
            hint="put the newest copy back; a witness that does not know what it signed must not sign",
        ) from error
    return checkpoint.origin, Remembered(checkpoint.tree_size, checkpoint.root, time, note)


def _load_cosigners(folder: Path) -> tuple[Cosigner, ...]:
    found = []
    for name in KEYS.values():
        if (folder / name).exists():
            try:
                found.append(parse_cosigner(load_secret(folder / name)))
            except MalformedError as error:
                raise ConfigError(f"the key `{folder / name}` is none that this version reads") from error
    if not found:
        raise ConfigError(f"the witness in `{folder}` has no key", hint="put its keys back")
    return tuple(found)


def _take_lock(folder: Path) -> int:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"the witness's folder `{folder}` cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StoreError(f"another witness runs on `{folder}`", hint="stop that one first") from error
    return lock


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise StoreError(f"`{file}` of the witness cannot be read: {error.strerror}") from error


def _write(file: Path, data: bytes) -> None:
    """Write a file in one step, and return when it would survive a loss of power."""
    draft = file.with_name(f"{file.name}.new")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as sink:
            sink.write(data)
            sink.flush()
            os.fsync(sink.fileno())
        draft.rename(file)
    except OSError as error:
        raise StoreError(
            f"`{file.name}` of the witness could not be written: {error.strerror}",
            hint="make room on the disk, or repair it",
        ) from error
    sync_folder(file.parent)

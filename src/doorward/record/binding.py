"""Where a log's key may sign: on the host and the volume on which it was made, until somebody says otherwise.

A copy of the data folder with its key, put to work on another host or beside the first, signs a second history of the
log the moment it publishes. So beside the key lies `log.bound`: a note, signed by the key itself, that names

1. the host: a hash over its machine id, which systems make at their installation;
2. the volume: the file system's own id;
3. the file: `log.bound`'s own inode on it, with the inode's generation where the file system tells one. A copy is
   another file, also in the same place on the same volume.

Before anything is signed all three are compared with what is there now. A move that is meant is a named act: it is in
the record before the key is bound anew (`cli.log_acts`).

It finds what is done by mistake. It does not find a volume or a machine that was put back as a whole from a snapshot,
where all three are as they were: what others keep of the log finds that. And it does not hold whoever has the key and
means harm.
"""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from doorward.errors import LogError, MalformedError, StoreError, VerificationError
from doorward.notes.note import MAX_NOTE_BYTES, Signer, Verifier, parse_note, sign_note, verify_note
from doorward.record.log_files import sync_file, sync_folder

BOUND: Final = "log.bound"
MACHINE_ID: Final = Path("/etc/machine-id")
DISKS: Final = Path("/dev/disk/by-uuid")
_HEAD: Final = "doorward binding 1"
_GET_GENERATION: Final = 0x80087601  # FS_IOC_GETVERSION
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a key signs; each a word without spaces, `unknown` where the system does not tell."""

    machine: str
    volume: str
    file: str


def format_binding(binding: Binding, signer: Signer) -> bytes:
    """Return the signed note of a binding."""
    lines = (_HEAD, signer.name, binding.machine, binding.volume, binding.file)
    return sign_note("".join(f"{line}\n" for line in lines).encode(), signer)


def parse_binding(raw: bytes, verifier: Verifier) -> Binding:
    """Return the binding of a key.

    Args:
        raw: Of the file; anybody may have written it.

    Raises:
        MalformedError: It is no such note.
        VerificationError: The key did not sign it.
    """
    lines = verify_note(parse_note(raw), [verifier]).decode().split("\n")
    if len(lines) != 6 or lines[:2] != [_HEAD, verifier.name] or lines[5] or not all(lines[2:5]):
        raise MalformedError(f"expected a binding of `{verifier.name}`, got something else it signed")
    return Binding(*lines[2:5])


def differences(bound: Binding, here: Binding) -> list[str]:
    """Return what is not as it was, in words; empty where the key may sign."""
    what = (
        (bound.machine, here.machine, "another host"),
        (bound.volume, here.volume, "another volume"),
        (bound.file, here.file, "a copy of the folder"),
    )
    return [word for was, now, word in what if was != now]


# the shell: what this host is, and the file


def look_at(file: Path, *, machine_id: Path = MACHINE_ID, disks: Path = DISKS) -> Binding:
    """Return what the binding in a file would have to say now.

    Raises:
        StoreError: The file cannot be looked at.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return Binding(_machine(machine_id), _volume(handle, disks), _file(handle))
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreError(f"`{file}` cannot be looked at: {error.strerror}") from error


def bind(file: Path, signer: Signer, *, machine_id: Path = MACHINE_ID, disks: Path = DISKS) -> Binding:
    """Bind a key to where its file `log.bound` stands now, and return to what.

    Raises:
        StoreError: The disk refused; the key is bound as before, or to nothing here.
    """
    draft = file.with_suffix(".new")
    try:
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # The name comes last, and the inode stays: it is what the note names.
            binding = Binding(_machine(machine_id), _volume(handle, disks), _file(handle))
            raw = format_binding(binding, signer)
            if os.write(handle, raw) != len(raw):
                raise OSError(0, "not all of it was written")
            sync_file(handle, BOUND)
        finally:
            os.close(handle)
        draft.rename(file)
    except OSError as error:
        raise StoreError(f"`{file}` cannot be written: {error.strerror}") from error
    sync_folder(file.parent)
    return binding


def read_binding(file: Path, verifier: Verifier) -> Binding | None:
    """Return what a key is bound to, or None where it is not bound.

    Raises:
        VerificationError: The file is no binding of this key.
        StoreError: It cannot be read.
    """
    try:
        with file.open("rb") as source:
            raw = source.read(MAX_NOTE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"`{file}` cannot be read: {error.strerror}") from error
    try:
        return parse_binding(raw, verifier)
    except LogError as error:
        raise VerificationError(
            f"`{file.name}` is no binding of `{verifier.name}`: {error}",
            hint="`doorward log move` writes a new one",
        ) from error


def verify_bound(
    file: Path, verifier: Verifier, *, machine_id: Path = MACHINE_ID, disks: Path = DISKS
) -> Binding | None:
    """Return to what a key is bound, which is here; None where it was never bound.

    Raises:
        VerificationError: It is bound to somewhere else, or the file is no binding of it. Nothing may be signed.
        StoreError: The file cannot be read.
    """
    bound = read_binding(file, verifier)
    if bound is None:
        return None
    moved = differences(bound, look_at(file, machine_id=machine_id, disks=disks))
    if moved:
        raise VerificationError(
            f"the key of `{verifier.name}` is bound to where it was, and this is {' and '.join(moved)}; "
            "nothing was signed",
            hint="where this is the one place that goes on: doorward log move (docs/howto/backup.md)",
        )
    return bound


def _machine(file: Path) -> str:
    with suppress(OSError):
        words = file.read_bytes().strip()
        if words:  # a hash, because the id itself is not for other files
            return sha256(b"doorward host\n" + words).hexdigest()[:32]
    return _UNKNOWN


def _volume(handle: int, disks: Path) -> str:
    device = os.fstat(handle).st_dev
    with suppress(OSError):
        for name in sorted(disks.iterdir()):
            with suppress(OSError):
                if name.stat().st_rdev == device:
                    return name.name.replace(" ", "_")
    number = os.fstatvfs(handle).f_fsid
    return f"fsid-{number:x}" if number else _UNKNOWN


def _file(handle: int) -> str:
    generation = bytearray(8)
    with suppress(OSError):  # not every file system has one
        fcntl.ioctl(handle, _GET_GENERATION, generation)
    return f"{os.fstat(handle).st_ino}.{int.from_bytes(generation, 'little')}"

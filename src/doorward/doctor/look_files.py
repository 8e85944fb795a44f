"""Looking at files: modes, certificates, answers that are kept; nothing is changed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from stat import S_IMODE
from typing import Any, Final

from cryptography import x509

from doorward.doctor.files import CertificateFacts, FileFacts
from doorward.errors import LogError
from doorward.grants.referrals import verify_answer
from doorward.grants.whole_file import read_whole
from doorward.notes.note import Verifier, parse_note

MAX_ANSWERS_BYTES: Final = 32 * 1024 * 1024
MAX_CERTIFICATE_BYTES: Final = 1024 * 1024


def look_at_files(files: Iterable[Path], *, base: Path) -> list[FileFacts]:
    """Return the facts of files and folders; those inside of `base` are named as they lie in it."""
    return [_look(file, base) for file in files]


def _look(file: Path, base: Path) -> FileFacts:
    name = str(file.relative_to(base)) if file.is_relative_to(base) else str(file)
    try:
        return FileFacts(name, S_IMODE(file.stat().st_mode))
    except FileNotFoundError:
        return FileFacts(name, None, is_there=False)
    except OSError:
        return FileFacts(name, None)


def look_at_certificates(files: Iterable[tuple[str, Path]]) -> Iterator[CertificateFacts]:
    """Yield the facts of certificate files, each with its use; of several in a file the one that ends first counts."""
    for use, file in files:
        begins: datetime | None = None
        ends: datetime | None = None
        try:
            with file.open("rb") as source:
                found = x509.load_pem_x509_certificates(source.read(MAX_CERTIFICATE_BYTES))
            begins = max(one.not_valid_before_utc for one in found)
            ends = min(one.not_valid_after_utc for one in found)
        except (OSError, ValueError):
            pass  # told as a file that holds none
        yield CertificateFacts(use, str(file), begins, ends)


def find_answer_faults(file: Path, officials: Sequence[Verifier]) -> tuple[list[str], int]:
    """Return why kept answers do not hold, by whoever signed them, and how many are kept.

    Raises:
        ConfigError: The file cannot be read as JSON.
    """
    notes: Any = read_whole(file, max_bytes=MAX_ANSWERS_BYTES, absent=[])
    if not isinstance(notes, list):
        return [f"`{file.name}` holds no list"], 0
    faults = []
    for number, note in enumerate(notes, start=1):
        raw = str(note).encode()
        try:
            verify_answer(raw, officials)
        except LogError as error:
            faults.append(f"answer {number}, signed by {_signers(raw)}: {error}")
    return faults, len(notes)


def _signers(raw: bytes) -> str:
    try:
        names = [line.name for line in parse_note(raw).signatures]
    except LogError:
        return "nobody"
    return ", ".join(f"`{name[:60]}`" for name in names) or "nobody"

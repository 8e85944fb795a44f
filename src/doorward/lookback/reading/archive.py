"""Whether a workbook, which is a ZIP archive, may be unpacked at all; asked before anything is.

Source: APPNOTE.TXT 6.3.9 (sizes stand in the central directory); what the directory says may be a lie, so the reader
behind this runs within bounds of its own (`confined`).
"""

import zipfile
from pathlib import Path
from typing import Final

from doorward.errors import MalformedError

MAX_ENTRIES: Final = 10_000  # a workbook of 255 sheets with pictures has fewer than 2,000
MAX_ENTRY_BYTES: Final = 4 << 30  # a full sheet of 14 columns measured 0.9 GiB
MAX_TOTAL_BYTES: Final = 8 << 30
MAX_RATIO: Final = 250  # real sheets measured 8 to 40; deflate cannot do more than 1,032
SMALL_BYTES: Final = 64 << 20  # below this a high ratio does no harm
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_LOOK_BYTES: Final = 1 << 20


def check_archive(file: Path) -> list[str]:
    """Return the names in an archive that may be unpacked.

    Raises:
        MalformedError: It is no archive, encrypted, or would unpack to more than a workbook is.
        OSError: It cannot be read.
    """
    with file.open("rb") as stream:
        head = stream.read(_LOOK_BYTES)
    if head.startswith(_OLE):
        if _ENCRYPTED in head:
            raise MalformedError("it is encrypted", hint="ask for it without a password")
        raise MalformedError(
            "it is a workbook of the form of before 2007", hint="save it as .xlsx, or as CSV"
        )
    if not head.startswith(b"PK"):
        raise MalformedError("it is no workbook: expected a ZIP archive")
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise MalformedError("it is damaged: its directory of parts cannot be read") from error
    if len(entries) > MAX_ENTRIES:
        raise MalformedError(f"it has {len(entries):,} parts, and a workbook at most {MAX_ENTRIES:,}")
    if any(entry.flag_bits & 1 for entry in entries):
        raise MalformedError("it is encrypted", hint="ask for it without a password")
    packed, total = file.stat().st_size, 0
    for entry in entries:
        total += entry.file_size
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > MAX_ENTRY_BYTES or (entry.file_size > SMALL_BYTES and ratio > MAX_RATIO):
            raise MalformedError(
                f"a part of it unpacks to {entry.file_size:,} bytes, {ratio:,.0f} times its size: a zip bomb"
            )
    if total > MAX_TOTAL_BYTES or sum(entry.compress_size for entry in entries) > packed:
        raise MalformedError(f"it unpacks to {total:,} bytes out of {packed:,}: a zip bomb")
    return [entry.filename for entry in entries]

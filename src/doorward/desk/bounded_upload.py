"""One file of a form, taken in piece by piece up to a bound, and never written to a disk by Django."""

from hashlib import sha256
from typing import Final

from django.core.files.uploadhandler import FileUploadHandler, SkipFile

FORM_BYTES: Final = 64 * 1024  # what a form has beside its file
DRAINED: Final = 4  # times the bound: so far a browser is heard out, so that it shows the page that says why


class BoundedUpload(FileUploadHandler):
    """Takes the first file of a form under one name; whatever is longer or beside it is read over and let go.

    Args:
        name: Of the field.
        most: Bytes.
    """

    def __init__(self, name: str, most: int) -> None:
        super().__init__()
        self.name, self.most = name, most
        self.is_too_large = self.has_file = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._digest = sha256()

    def new_file(self, field_name: str, *args: object, **named: object) -> None:
        """Begin a file, or read over it."""
        super().new_file(field_name, *args, **named)  # type: ignore[arg-type]  # Django's own names and values
        if field_name != self.name or self.has_file:
            raise SkipFile
        self.has_file = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece in."""
        del start
        self._size += len(raw_data)
        if self._size > self.most:
            self.is_too_large = True
            self._pieces.clear()
            raise SkipFile
        self._digest.update(raw_data)
        self._pieces.append(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Give Django no file: whoever made this asks it."""
        del file_size

    def content(self) -> bytes:
        """Return the file; empty where there is none, or it is too large."""
        return b"" if self.is_too_large else b"".join(self._pieces)

    @property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return self._digest.hexdigest()


def is_drained(content_length: str, most: int) -> bool:
    """Return whether a body of this length is heard out; one that says no length has none.

    Args:
        content_length: The header; untrusted.
        most: Bytes of a file that is taken.
    """
    if not content_length:
        return True
    said = content_length if content_length.isascii() and content_length.isdigit() else "9" * 20
    return len(said) <= 15 and int(said) <= DRAINED * most + FORM_BYTES

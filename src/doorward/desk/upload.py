"""A file that comes in with a form: sealed as it is read, bounded in bytes, in time and in how many at once.

Django hands it over in pieces of 64 KiB; none of it stands in memory or on the disk in the clear.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from doorward.desk.filed_papers import MAX_PAPER_BYTES, MEGA
from doorward.desk.paper_store import Draft
from doorward.errors import ConfigError

FIELD: Final = "file"
END: Final = "whole"
"""The form's last field. It stands behind the file: where it is missing, the line was cut within the file."""
MAX_FORM_BYTES: Final = 256 * 1024  # what stands around the file
MAX_REQUEST_BYTES: Final = MAX_PAPER_BYTES + MAX_FORM_BYTES
STALL_SECONDS: Final = 20.0
WHOLE_SECONDS: Final = 300.0
AT_ONCE: Final = 3  # of the desk's eight threads
_room: Final = threading.BoundedSemaphore(AT_ONCE)


class RefusedError(ConfigError):
    """A file is not taken in.

    Args:
        status: Of the answer.
    """

    def __init__(self, message: str, *, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


def check_length(request: HttpRequest) -> None:
    """Refuse a request by the length that it says, before a byte of it is read.

    Raises:
        RefusedError: It says none, or is too long.
    """
    said = request.META.get("CONTENT_LENGTH", "")
    if not (said.isascii() and said.isdigit()):
        raise RefusedError("an upload says how long it is", status=411)
    if len(said) > len(str(MAX_REQUEST_BYTES)) or int(said) > MAX_REQUEST_BYTES:
        raise _too_long()


@contextmanager
def room(request: HttpRequest) -> Iterator[None]:
    """Hold a place among those who upload; a line that stalls is cut.

    Raises:
        RefusedError: As many as may are uploading.
    """
    if not _room.acquire(blocking=False):
        raise RefusedError("others are uploading", status=503, hint="send it again in a minute")
    try:
        limit_stalls(request)
        yield
    finally:
        _room.release()


def limit_stalls(request: HttpRequest) -> None:
    """Let a line that neither gives nor takes anything for a while be cut, where the server lends its socket."""
    line: Any = request.META.get("gunicorn.socket")
    if isinstance(line, socket.socket):
        line.settimeout(STALL_SECONDS)


class PaperUpload(FileUploadHandler):
    """Feeds one file into a draft.

    Args:
        draft: Begun.
    """

    def __init__(self, request: HttpRequest, draft: Draft) -> None:
        super().__init__(request)
        self.draft = draft
        self.name: str | None = None
        self._ends = time.monotonic() + WHOLE_SECONDS

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as Django calls it
        """Begin the file.

        Raises:
            RefusedError: It is a second one, or one that was not asked for.
        """
        if self.name is not None or field_name != FIELD:
            raise RefusedError("one file at a time", status=400)
        super().new_file(field_name, file_name, *args, **kwargs)
        self.name = file_name

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece; nothing is handed on.

        Raises:
            RefusedError: It is too long, or takes too long.
            StoreError: The disk refused.
        """
        if start + len(raw_data) > MAX_PAPER_BYTES:
            raise _too_long()
        if time.monotonic() > self._ends:
            raise RefusedError("the upload took too long; nothing was kept", status=408)
        self.draft.feed(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        """Return a file of no content: the paper is in the draft."""
        return UploadedFile(file=BytesIO(), name=self.name, size=file_size)


def _too_long() -> RefusedError:
    return RefusedError(
        f"a paper has at most {MAX_PAPER_BYTES // MEGA} MB; nothing was kept",
        status=413,
        hint="scan it in parts",
    )

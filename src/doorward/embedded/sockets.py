"""Where a server's unix socket stands, and that it fits and belongs to the right user.

A socket's whole path must be shorter than the system's limit (108 bytes on Linux with the end mark, 104 on
macOS), and the folder of a data folder may be anywhere. So the socket stands in `run/` beside the data
folder, or, where that is too long, in a folder of the system's temp folder that is named after the data
folder.
"""

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from doorward.embedded.owner import ServerOwner
from doorward.errors import ClusterError

SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107
LONGEST_NAME = ".s.PGSQL.65535"


def socket_dir_for(data_dir: Path) -> Path:
    """Return the folder for the socket of the server on a data folder; the same one each time."""
    data_dir = data_dir.absolute()
    beside = data_dir.parent / "run" / data_dir.name
    if _fits(beside):
        return beside
    key = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"doorward-{key}"


def check_socket_length(socket_dir: Path, port: int) -> None:
    """Return if a socket in this folder has a path that the system accepts.

    Raises:
        ClusterError: The path is too long.
    """
    length = len(os.fsencode(socket_dir / f".s.PGSQL.{port}"))
    if length > SOCKET_PATH_BYTES:
        raise ClusterError(
            f"the socket's path in `{socket_dir}` has {length} bytes; the system takes {SOCKET_PATH_BYTES}",
            hint="choose a shorter folder with --data, or a shorter TMPDIR",
        )


def prepare_socket_dir(socket_dir: Path, owner: ServerOwner) -> None:
    """Make sure that the socket's folder is there, is the server's own, and is closed to everybody else.

    Raises:
        ClusterError: Something else stands there. In a temp folder that all may write to, it may be a trap.
    """
    try:
        parent = socket_dir.parent
        if not parent.is_dir():
            parent.mkdir(parents=True)
            parent.chmod(0o755)
        with contextlib.suppress(FileExistsError):
            socket_dir.mkdir(mode=0o700)
        found = socket_dir.lstat()
        if _is_closed_folder_of(found, os.geteuid()) and not any(socket_dir.iterdir()):
            os.chown(socket_dir, owner.uid, owner.gid, follow_symlinks=False)
            found = socket_dir.lstat()
    except OSError as error:
        raise ClusterError(f"could not make the socket's folder `{socket_dir}`: {error.strerror}") from error
    if not _is_closed_folder_of(found, owner.uid):
        raise ClusterError(
            f"the socket's folder `{socket_dir}` is not a folder of user `{owner.name}` alone",
            hint="remove what stands there, then start again",
        )


def _is_closed_folder_of(found: os.stat_result, uid: int) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / LONGEST_NAME)) <= SOCKET_PATH_BYTES

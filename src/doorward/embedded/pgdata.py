"""Making a server's data folder whole or not at all, and telling ours from any other.

A new folder is made under another name beside the final one, marked, and renamed:

    city.making-<random>/            ours; holds the file `made-by-doorward` from the first moment
    city.making-<random>/pgdata/     what initdb fills, as the server's user
    city/                            the same folder, renamed when initdb was done and its marker written

So `city` is never half made. What a killed run left is told by its name and its mark and removed; a folder
without our mark is refused and left as it is.

INVARIANT (whole-or-absent): `data_dir` appears by one rename, after initdb synced it and the marker is in it.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from doorward.embedded.owner import ServerOwner
from doorward.errors import ClusterError

MARKER = "doorward-cluster"
MAKING_MARKER = "made-by-doorward"
MAJOR_VERSION = "17"
REQUIRED = ("PG_VERSION", "global/pg_control")


def prepare_data(data_dir: Path, owner: ServerOwner, initialise: Callable[[Path], None]) -> bool:
    """Make sure that a data folder is whole and ours; return True where it was made just now.

    Args:
        data_dir: Its parent exists and belongs to us.
        owner: Whose it must be.
        initialise: Runs initdb on the empty folder that it is given, or raises ClusterError.

    Raises:
        ClusterError: The folder is not ours, not whole, of another version or of another user.
    """
    remove_leftovers(data_dir)
    if data_dir.is_symlink() or (data_dir.exists() and not data_dir.is_dir()):
        raise ClusterError(
            f"`{data_dir}` is not a folder", hint="move it away, or choose another folder with --data"
        )
    if data_dir.is_dir() and any(data_dir.iterdir()):
        _check_data(data_dir, owner)
        return False
    try:
        _make_data(data_dir, owner, initialise)
    except OSError as error:
        raise ClusterError(f"could not make the data folder `{data_dir}`: {error.strerror}") from error
    return True


def remove_leftovers(data_dir: Path) -> None:
    """Remove the folders that killed runs left half made beside a data folder."""
    for left in data_dir.parent.glob(f"{data_dir.name}.making-*"):
        if left.is_symlink() or not left.is_dir():
            continue
        if (left / MAKING_MARKER).is_file():
            _remove_making(left)
        else:
            with contextlib.suppress(OSError):
                left.rmdir()  # killed before the mark: empty. Anything else is not ours.


def _check_data(data_dir: Path, owner: ServerOwner) -> None:
    found = data_dir.stat()
    marker = _read_small(data_dir / MARKER)
    if marker is None:
        raise ClusterError(
            f"the folder `{data_dir}` was not made by doorward and is left as it is",
            hint="choose another folder with --data",
        )
    if found.st_uid != owner.uid:
        raise ClusterError(
            f"the folder `{data_dir}` is of user {found.st_uid}, and the server would run as `{owner.name}`",
            hint="start as the user who made it, or choose another folder with --data",
        )
    missing = [name for name in REQUIRED if not (data_dir / name).is_file()]
    if missing:
        raise ClusterError(
            f"the folder `{data_dir}` was whole once and now lacks `{missing[0]}`",
            hint="bring it back from a copy; nothing in it is removed without your word",
        )
    version = (_read_small(data_dir / "PG_VERSION") or "").strip()
    if version != MAJOR_VERSION:
        raise ClusterError(
            f"the folder `{data_dir}` is of PostgreSQL {version or 'unknown'}, not {MAJOR_VERSION}",
            hint="use the doorward that made it, or choose another folder with --data",
        )


def _make_data(data_dir: Path, owner: ServerOwner, initialise: Callable[[Path], None]) -> None:
    making = Path(tempfile.mkdtemp(prefix=f"{data_dir.name}.making-", dir=data_dir.parent))
    (making / MAKING_MARKER).touch()
    making.chmod(0o755)  # the server's user passes through
    pgdata = making / "pgdata"
    pgdata.mkdir(mode=0o700)
    os.chown(pgdata, owner.uid, owner.gid)
    try:
        initialise(pgdata)
        _write_marker(pgdata, owner)
        pgdata.rename(data_dir)  # takes the place of an empty folder too
        _sync(data_dir.parent)
    finally:
        _remove_making(making)


def _remove_making(making: Path) -> None:
    # The mark goes last: an initdb that is just dying may still write, and what then stays is told by its mark
    # and removed the next time.
    shutil.rmtree(making / "pgdata", ignore_errors=True)
    if not (making / "pgdata").exists():
        (making / MAKING_MARKER).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            making.rmdir()


def _write_marker(pgdata: Path, owner: ServerOwner) -> None:
    handle = os.open(pgdata / MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(handle, f"postgresql {MAJOR_VERSION}\n".encode())
        os.fchown(handle, owner.uid, owner.gid)
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync(pgdata)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_small(path: Path) -> str | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return os.read(handle, 256).decode("utf-8", "replace")
    finally:
        os.close(handle)

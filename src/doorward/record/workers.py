"""Several writers of one host, one record: whose spool is where, and whose entries are which.

Gateway workers are writers 0 to 15; the desk is 15, so beside a desk there are fifteen workers (`[listen] workers`).
What `doorward fund` records has a place of its own, 16; looks into the record 17; releases of public tables 18; what
happens to the log itself 19. Worker
0 has the spool folder itself, as the only worker always had; worker k has `worker-k` in it. Each is the one writer of
its own. An entry's sequence says whose it is: worker k counts from k * 2^56, so that no two workers give one number,
and a worker's own numbers have no gap.
"""

import re
from pathlib import Path
from typing import Final

from doorward.errors import StoreError

MAX_WORKERS: Final = 16  # of a gateway
DESK: Final = MAX_WORKERS - 1
FUND: Final = MAX_WORKERS
LOOKS: Final = FUND + 1
RELEASES: Final = LOOKS + 1
LOG_WRITER: Final = RELEASES + 1
WRITERS: Final = LOG_WRITER + 1
SEQUENCE_BITS: Final = (
    56  # of one worker: a million a second for two thousand years; a bigint holds all workers'
)
_FOLDER: Final = re.compile(r"worker-([1-9][0-9]?)")


def first_sequence(worker: int) -> int:
    """Return the sequence of a worker's first entry."""
    return worker << SEQUENCE_BITS


def worker_of(sequence: int) -> int:
    """Return whose entry has this sequence."""
    return sequence >> SEQUENCE_BITS


def worker_folder(spool_dir: Path, worker: int) -> Path:
    """Return the folder of a worker's spool."""
    return spool_dir / f"worker-{worker}" if worker else spool_dir


def list_workers(spool_dir: Path) -> dict[int, Path]:
    """Return the spool of each worker that ever ran here, by its number; worker 0's always.

    Raises:
        StoreError: The folder cannot be read.
    """
    try:
        names = [path.name for path in spool_dir.iterdir()] if spool_dir.exists() else []
    except OSError as error:
        raise StoreError(f"the spool `{spool_dir}` cannot be read: {error.strerror}") from error
    numbers = sorted(int(match[1]) for name in names if (match := _FOLDER.fullmatch(name)))
    return {worker: worker_folder(spool_dir, worker) for worker in (0, *numbers) if worker < WRITERS}

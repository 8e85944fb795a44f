"""What is known of a log that was lost: copies of its public files and checkpoints that anybody kept, held together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, MalformedError, StoreError, VerificationError
from doorward.notes.note import MAX_NOTE_BYTES, Verifier, format_verifier
from doorward.record.hashes import EMPTY_ROOT, Hash
from doorward.verifier.check import CHECKPOINT, Task, check, open_source
from doorward.verifier.note import FalseNoteError, Signed, parse_key, read_checkpoint

_SIGNED: Final = "\n\n\N{EM DASH} ".encode()


@dataclass(frozen=True, slots=True)
class Known:
    """What a log had, as far as is known.

    Args:
        size: Of the largest checkpoint that its key signed, under `root`.
        provable: Of the largest copy of its files that holds.
    """

    size: int = 0
    root: Hash = EMPTY_ROOT
    provable: int = 0


def find_known(places: Sequence[str], key: Verifier) -> Known:
    """Return what is known of a log.

    Args:
        places: Copies of its public files (folders, tars, addresses), and checkpoints that somebody kept (files).

    Raises:
        ConfigError: A place is none.
        VerificationError: Something there is not signed by the key, is false, or shows another history.
        StoreError: Something cannot be read; nobody can tell.
    """
    outside = parse_key(format_verifier(key))
    found: list[tuple[str, Signed, bool]] = []
    for place in places:
        raw, is_copy = _read(place)
        try:
            found.append((place, read_checkpoint(raw, outside), is_copy))
        except FalseNoteError as error:
            raise VerificationError(f"`{place}` is nothing of the log `{key.name}`: {error}") from error
    roots: dict[int, bytes] = {}
    for place, one, _ in found:
        if roots.setdefault(one.size, one.root) != one.root:
            raise VerificationError(
                f"`{place}` shows another tree of {one.size} leaves than another place: two histories",
                hint="keep all of them; together they prove that the key signed two",
            )
    for place in (place for place, _, is_copy in found if is_copy):
        verdict = check(Task(place, outside, said=tuple(roots.items())))
        if not verdict.holds:
            raise VerificationError(
                f"`{place}` is false: {verdict.findings[0]}", hint="name a copy that holds"
            )
        if verdict.could_not_tell:
            raise StoreError(f"`{place}` cannot be checked: {verdict.could_not_tell[0]}")
    size = max(roots, default=0)
    copies = [one.size for _, one, is_copy in found if is_copy]
    return Known(size, roots.get(size, EMPTY_ROOT), max(copies, default=0))


def _read(place: str) -> tuple[bytes, bool]:
    """Return a checkpoint and whether it lies with a copy of the log's files."""
    path = Path(place)
    if "://" not in place and path.is_file():
        with path.open("rb") as file:
            raw = file.read(MAX_NOTE_BYTES + 1)
        if _SIGNED in raw and b"\0" not in raw:  # a tar has both
            return raw, False
    try:
        source = open_source(place)
        try:
            found = source.read(CHECKPOINT, MAX_NOTE_BYTES)
        finally:
            source.close()
    except MalformedError as error:
        raise VerificationError(f"`{place}`: {error}") from error
    if found is None:
        raise ConfigError(f"`{place}` has no `{CHECKPOINT}`", hint="name a copy of the log, or a checkpoint")
    return found, True

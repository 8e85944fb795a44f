"""What somebody who keeps the desk's host does with papers: look whether each is whole, wrap their keys again.

Nothing of a paper leaves here: to read one is an act at the desk, and is recorded there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from os import urandom
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from doorward.desk.filed_papers import open_file
from doorward.desk.holding import holds_over, take_turn
from doorward.desk.models import Paper, PaperKey
from doorward.desk.paper_keys import DeskKey, load_keys, save_keys
from doorward.desk.papers.seal import NONCE_BYTES, Binding, unwrap_key, wrap_key
from doorward.errors import DoorwardError, VerificationError

WHOLE: Final = "whole"


@dataclass(frozen=True, slots=True)
class Looked:
    """One paper that was looked through.

    Args:
        found: `WHOLE`, or what is wrong.
    """

    paper: str
    found: str


def list_papers(now: datetime) -> list[dict[str, Any]]:
    """Return what is on file, without papers of sealed matters."""
    shown = Paper.objects.exclude(file_sha256="").filter(
        Q(matter__sealed_until=None) | Q(matter__sealed_until__lte=now)
    )
    held: dict[UUID, int] = {}
    rows = []
    for one in shown.select_related("matter").order_by("entry").iterator():
        if one.matter_id not in held:
            held[one.matter_id] = len(holds_over(one.matter))
        rows.append({
            "matter": one.matter.number, "id": str(one.pk), "class": one.paper_class, "type": one.file_type,
            "bytes": one.file_bytes, "sha256": one.file_sha256, "standing": one.standing, "flags": one.file_flags,
            "added": one.presented.isoformat(), "erased": one.erased.isoformat() if one.erased else None,
            "holds": held[one.matter_id],
        })  # fmt: skip
    return rows


def check_papers() -> Iterator[Looked]:
    """Yield each paper that should be there, after its whole file was read and compared with its row."""
    keys = load_keys(settings.DESK.paper_keys) if PaperKey.objects.exists() else ()
    for paper in Paper.objects.filter(key__isnull=False).order_by("entry").iterator():
        try:
            open_file(paper, keys).close()
            found = WHOLE
        except DoorwardError as error:
            found = str(error)
        yield Looked(str(paper.pk), found)


def rekey() -> int:
    """Return how many keys of papers were wrapped again, with a new key of the desk; the old ones are gone then.

    A copy of the database from before opens nothing any more, whatever key of a paper it has. Killed at any step, the
    key file holds what the rows need; a second run ends it.

    Raises:
        ConfigError: The key file cannot be read.
        StoreError: It cannot be written.
        VerificationError: A paper's key is not what was kept; nothing was changed.
    """
    file, count = settings.DESK.paper_keys, 0
    with transaction.atomic():
        take_turn()
        old, new = load_keys(file), DeskKey.make()
        save_keys(file, (new, *old))
        by = {one.name: one.key for one in old}
        for row in PaperKey.objects.select_for_update(of=("self",)).select_related("paper"):
            if row.wrapped_by not in by:
                raise VerificationError("a paper's key is wrapped by a key that is not in the file")
            binding = Binding(row.paper_id, row.paper.matter_id)
            key = unwrap_key(bytes(row.wrapped), binding, by=by[row.wrapped_by], name=row.wrapped_by)
            row.wrapped = wrap_key(key, binding, by=new.key, name=new.name, nonce=urandom(NONCE_BYTES))
            row.wrapped_by = new.name
            row.save(update_fields=["wrapped", "wrapped_by"])
            count += 1
    save_keys(file, (new,))  # committed: no row needs the old ones
    return count

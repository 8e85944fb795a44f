"""Custody events from a CSV of the custody system, by a form: looked at first, then added to the table.

Nothing of the file is kept but its digest, what became of how many rows, and the events of the rows that were taken.
A paper of a sealed matter does not exist here: its row is refused like one of a paper that never was, and is taken when
the file is sent again after the seal's date.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from django.db import transaction

from doorward.desk.access import Actor, sees_custody
from doorward.desk.entries import office_entry
from doorward.desk.history import NotAllowedError
from doorward.desk.ids import draw_id
from doorward.desk.models import CustodyRow, CustodyUpload
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.reporting.gather import custody_events, gather, rules
from doorward.desk.reporting.turns import take_turn
from doorward.desk.roles import MAY, Act
from doorward.desk.statutory.custody import CustodyImport, RowResult, RowState, import_custody
from doorward.desk.statutory.held import CustodyEvent
from doorward.desk.statutory.make import transfer_agencies
from doorward.errors import ConfigError, MalformedError
from doorward.record.entry import Kind

MAX_BYTES: Final = 900_000  # of a form; a larger file is sent in parts
RECENT: Final = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that was looked at.

    Args:
        account: How many rows became what.
        refused: Rows that are not taken, by line.
        before: When the same file was imported, or None.
    """

    digest: str
    account: dict[str, int]
    refused: tuple[RowResult, ...]
    before: CustodyUpload | None
    new: tuple[CustodyEvent, ...]

    @property
    def brings(self) -> bool:
        """Whether it brings anything that is not held already."""
        return bool(self.new)


def uploads(actor: Actor) -> Sequence[CustodyUpload]:
    """Return the last imports, the latest first."""
    return list(CustodyUpload.objects.order_by("-entry")[:RECENT]) if sees_custody(actor) else ()


def look(actor: Actor, text: str) -> Looked:
    """Return what an import would make of a file; nothing is kept.

    Args:
        text: Of anybody.

    Raises:
        NotAllowedError: They may not.
        ConfigError: It is no such file: names the column or the line, quotes nothing.
    """
    if not actor.may(Act.CUSTODY):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    raw = text.encode()
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"a file has at most {MAX_BYTES} bytes here", hint="send its rows in several files")
    gathered, by = gather(actor.now), rules()
    papers = {one.id for one in gathered.held.papers}
    held = [one for one in custody_events() if one.paper in papers]
    agencies = transfer_agencies(by.words, order().pack.agencies)
    try:
        found = import_custody(text, held=held, papers=gathered.held.papers, agencies=agencies)
    except MalformedError as error:
        raise ConfigError(str(error), hint=error.hint) from error
    digest = sha256(raw).hexdigest()
    before = CustodyUpload.objects.filter(digest=digest).order_by("entry").first()
    return _without_taken(found, held, digest, before)


def import_file(actor: Actor, text: str) -> tuple[CustodyUpload | None, Looked]:
    """Return the import, or None where the file brings nothing that is not held already; and what became of its rows.

    Raises:
        NotAllowedError: They may not.
        ConfigError: As `look`.
        StoreError: It cannot be recorded; nothing was imported.
    """
    with transaction.atomic():
        take_turn("custody")
        looked = look(actor, text)
        if not looked.brings:
            return None, looked
        by = actor.assignment(MAY[Act.CUSTODY])
        assert by is not None
        key = draw_id()
        fields = office_entry(
            key, Act.CUSTODY.value, what="custody-events", login=actor.account.login, office=by.role,
            digest=looked.digest,
        )  # fmt: skip
        entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
        made = CustodyUpload.objects.create(
            id=key, digest=looked.digest, rows=sum(looked.account.values()), new=looked.account["new"],
            corrections=looked.account["correction"], held=looked.account["held"], refused=looked.account["refused"],
            at=actor.now, by=actor.account, office=by.role, entry=entry,
        )  # fmt: skip
        CustodyRow.objects.bulk_create(
            CustodyRow(
                event=one.id, paper=one.paper, word=one.word.value, at=one.at, agency=one.agency, corrects=one.corrects,
                upload=made,
            )
            for one in looked.new
        )  # fmt: skip
        return made, looked


def _without_taken(
    found: CustodyImport, held: list[CustodyEvent], digest: str, before: CustodyUpload | None
) -> Looked:
    """Return what was found, less events whose id stands in the table for a paper that does not exist here today."""
    new = found.events[len(held) :]
    taken = set(CustodyRow.objects.filter(event__in=[one.id for one in new]).values_list("event", flat=True))
    if taken:
        raise ConfigError(
            f"{len(taken)} events have an id that is taken", hint="a correction has an id of its own"
        )
    account = Counter(row.state.value for row in found.rows)
    return Looked(
        digest,
        {state.value: account[state.value] for state in RowState},
        tuple(row for row in found.rows if row.state == RowState.REFUSED),
        before,
        new,
    )

"""Filing out of a message: the form's questions, answered by a person, with the digest of the message beside them.

Between the page that shows a message and the form that is filed, a slip goes along in the form: digests, and which
answers were read from the message. It is signed and holds for one account, so that nobody files under a digest that the
desk has not seen. A message that still waits when it is filed is kept as a paper of the matter; of others the digests.
"""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from django.core import signing
from django.db.models import Q, QuerySet

from doorward.desk.access import Actor, matters
from doorward.desk.filed_papers import MESSAGE_CLASS, Said, add_pieces
from doorward.desk.filing import MESSAGE, Filing, file_matter
from doorward.desk.ids import draw_id
from doorward.desk.message_waiting import held_path, let_go
from doorward.desk.models import Matter, MessageFiling, Standing
from doorward.errors import MalformedError
from doorward.orders.intake import Asked

SALT: Final = "doorward.desk.message.1"  # another number where a slip has other fields
FILE_NAME: Final = "message.eml"
PIECE_BYTES: Final = 64 * 1024
HOLDS: Final = timedelta(hours=12)  # as long as somebody stays signed in


@dataclass(frozen=True, slots=True)
class Slip:
    """What a form carries of a message.

    Args:
        sha256: Of its bytes, hexadecimal.
        id_sha256: Of its Message-ID; empty where it has none.
        bytes: How long it is.
        held: The key under which it waits, or empty.
        read: Answers by question that were read from it.
    """

    sha256: str
    id_sha256: str
    bytes: int
    held: str
    read: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of_message(
        cls, digest: str, message_id: str, size: int, *, held: str, read: Mapping[str, tuple[str, ...]]
    ) -> Self:
        """Return the slip of a message that was read."""
        return cls(digest, sha256(message_id.encode()).hexdigest() if message_id else "", size, held, read)

    def format(self, actor: Actor) -> str:
        """Return it as a form carries it, for one account."""
        return signing.dumps({"for": actor.account.pk, **asdict(self)}, salt=SALT, compress=True)


def read_slip(text: str, actor: Actor) -> Slip | None:
    """Return the slip of a form, or None: it is none, another's, or over.

    Args:
        text: Untrusted.
    """
    try:
        said: dict[str, Any] = signing.loads(text, salt=SALT, max_age=HOLDS)
    except signing.BadSignature:
        return None
    if said.pop("for") != actor.account.pk:
        return None
    return Slip(**{**said, "read": {name: tuple(words) for name, words in said["read"].items()}})


def file_message(actor: Actor, asked: Asked, *, token: uuid.UUID, slip: Slip) -> Matter:
    """Return the matter that was filed out of a message, or that this form had filed before.

    Raises:
        ConfigError: Nobody may file as what this person is, or it is said to have come in the future.
        StoreError: It cannot be recorded; nothing was filed.
    """
    filing = Filing.of_form(asked, key=draw_id(), token=token, now=actor.now, channel=MESSAGE)

    def keep(matter: Matter) -> None:
        MessageFiling.objects.create(
            matter=matter, sha256=slip.sha256, id_sha256=slip.id_sha256, bytes=slip.bytes
        )
        path = held_path(slip.held)
        if path is not None:
            keep_message(actor, matter, path)

    matter = file_matter(actor, filing, keep)
    let_go(slip.held)
    return matter


def keep_message(actor: Actor, matter: Matter, path: Path) -> None:
    """Take a message in as evidence of a matter, sealed as every paper is; bytes that are no message are left out.

    It is called once for each matter that is filed out of a message that still waits, inside of the transaction that
    files it: what is raised here files nothing. The file is removed as soon as all is committed.

    Args:
        path: Of the message as it came; a stranger's bytes, which this account alone can read.

    Raises:
        NotAllowedError, ConfigError, StoreError: As `filed_papers.add_pieces`.
    """
    said = Said(MESSAGE_CLASS, Standing.EVIDENCE.value, FILE_NAME)
    with path.open("rb") as source, suppress(MalformedError):  # then its digest alone stands with the matter
        add_pieces(actor, matter, iter(partial(source.read, PIECE_BYTES), b""), said)


def filed_before(actor: Actor, slip: Slip) -> tuple[QuerySet[Matter], QuerySet[Matter]]:
    """Return what somebody may see of what was filed out of this message: the same bytes, and others of its Message-ID.

    A sender writes the Message-ID, and may write that of another message: so the two are told apart.
    """
    seen = matters(actor).order_by("filed")
    same = Q(message_filing__sha256=slip.sha256)
    if not slip.id_sha256:
        return seen.filter(same), seen.none()
    return seen.filter(same), seen.filter(message_filing__id_sha256=slip.id_sha256).exclude(same)


def message_of(actor: Actor, matter: Matter) -> dict[str, Any] | None:
    """Return what the page of a matter says of the message that it was filed out of, or None: it was not."""
    found = MessageFiling.objects.filter(matter=matter).first()
    if found is None:
        return None
    slip = Slip(found.sha256, found.id_sha256, found.bytes, "")
    same, alike = filed_before(actor, slip)
    return {"filing": found, "same": same.exclude(pk=matter.pk), "alike": alike.exclude(pk=matter.pk)}

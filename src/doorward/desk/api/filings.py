"""Filing once: a key that is sent again with the same body gets the same answer, with another one nothing is done."""

import uuid
from dataclasses import dataclass
from typing import Any

from doorward.desk.access import Actor
from doorward.desk.api.shown import show_matter
from doorward.desk.filing import API, Filing, file_matter
from doorward.desk.ids import draw_id
from doorward.desk.models import ApiFiling, Matter
from doorward.orders.intake import Asked


@dataclass(frozen=True, slots=True)
class Reused:
    """The key was used for another request."""


def file_once(actor: Actor, asked: Asked, *, token: uuid.UUID, body_sha256: str) -> dict[str, Any] | Reused:
    """Return the answer to what is filed, as it was given the first time.

    The answer of the first time is kept, since a matter moves on: whoever lost the answer on the way gets that one.

    Args:
        token: Of the client's key.
        body_sha256: Of what the body says.

    Raises:
        ConfigError: Nobody may file as what this client is, or it came from the future.
        StoreError: It cannot be recorded; nothing was filed.
    """
    filing = Filing.of_form(asked, key=draw_id(), token=token, now=actor.now, channel=API)

    def keep(matter: Matter) -> None:
        ApiFiling.objects.create(matter=matter, body_sha256=body_sha256, answer=show_matter(matter))

    kept = ApiFiling.objects.get(matter=file_matter(actor, filing, keep))
    answer: dict[str, Any] = kept.answer
    return answer if kept.body_sha256 == body_sha256 else Reused()

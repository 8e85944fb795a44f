"""The key of a form: sent twice, it does once what it does."""

import uuid

from django.http import HttpRequest

from doorward.desk.ids import draw_id


def key_of(request: HttpRequest) -> uuid.UUID:
    """Return the key that a form bears, or a fresh one where it bears none."""
    try:
        return uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return draw_id()

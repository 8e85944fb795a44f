"""Filing at the desk by its form, as a browser does."""

import uuid
from typing import Any


def file(desk: Any, account: Any, kind: str, answers: dict[str, Any], token: str = "") -> Any:
    """File by the form: the answers, then the act."""
    sent = {**answers, "token": token or str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # as a browser's form has it
    return desk.client(account).post(f"/new/{kind}/", sent)


def matter_at(answer: Any) -> Any:
    """Return the matter that a filing led to."""
    from doorward.desk.models import Matter

    assert answer.status_code == 302, answer.content.decode()[:2000]
    return Matter.objects.get(pk=answer.headers["location"].split("/")[2])

"""Every worked case by form, by message and by program: the three differ in the channel alone."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from doorward.record.entry import Entry, Field, Kind
from tests_support.desk_cases import OWN_ROWS, ROWS, Row

Recording = Callable[[], list[Entry]]
ALL = {**ROWS, **OWN_ROWS}
CAME = "2026-01-05T09:30-06:00"
OWN = ("id", "number", "token", "channel", "filed", "filed_by_id", "entry", "_state")


@pytest.fixture(scope="module")
def clients(desk: Any) -> Callable[[Row], tuple[Any, Any, str]]:
    """Somebody at a browser and a program that file as the same role of the same agency."""
    from django.test import Client

    from doorward.desk.api.clients import FilesAs, add_client
    from doorward.desk.order import order
    from doorward.desk.roles import Role

    made: dict[tuple[str, str], tuple[Any, str]] = {}

    def find(row: Row) -> tuple[Any, Any, str]:
        if (row.role, row.agency) not in made:
            name = f"{row.role}.{row.agency.lower()}"
            as_what = {"order_role": row.role, "agency": row.agency}
            account = desk.account(f"{name}.example", Role.CUSTODIAN, unit="channels", **as_what)
            token = add_client(
                name, FilesAs(row.role, row.agency, "city", "channels"), list(order().intake.kinds), days=30,
                by="chief.example", now=datetime.now(UTC),  # noqa: TID251  # tokens end by the real clock
            )  # fmt: skip
            made[row.role, row.agency] = (account, token)
        account, token = made[row.role, row.agency]
        return desk.client(account), Client(headers={"host": "127.0.0.1"}), token

    return find


def by_form(client: Any, kind: str, answers: dict[str, Any], **more: str) -> str:
    token = str(uuid.uuid4())  # noqa: TID251  # a form's
    sent = client.post(f"/new/{kind}/", {**answers, "token": token, "file": "1", **more})
    assert sent.status_code == 302, sent.content.decode()[:3000]
    location: str = sent.headers["location"]
    return location.split("/")[2]


def by_message(client: Any, kind: str, answers: dict[str, Any]) -> str:
    raw = f"From: a@b.example\nSubject: s\nMessage-ID: <{uuid.uuid4()}@b.example>\n\nwords".encode()  # noqa: TID251  # a fresh one
    shown = client.post("/message/", {"message": SimpleUploadedFile("a.eml", raw)})
    (slip,) = re.findall(r'name="slip" value="([^"]+)"', shown.content.decode())
    return by_form(client, kind, answers, slip=slip)


def by_program(http: Any, token: str, kind: str, answers: dict[str, Any]) -> str:
    key = str(uuid.uuid4())  # noqa: TID251  # a client's
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    body = {"kind": kind, "answers": answers}
    sent = http.post("/api/v1/matters", body, content_type="application/json", headers=headers)
    assert sent.status_code == 201, sent.content.decode()
    found: str = sent.json()["id"]
    return found


@pytest.mark.parametrize("name", ALL)
def test_the_three_ways_in_differ_in_the_channel_alone(
    clients: Callable[[Row], tuple[Any, Any, str]], recording: Recording, name: str
) -> None:
    from doorward.desk.models import Matter
    from doorward.desk.order import order

    row = ALL[name]
    kind = order().intake.kinds[row.kind]
    answers = {
        key: list(said) if isinstance(said, (list, tuple)) else said for key, said in row.answers.items()
    }
    if kind.question("received") is not None:
        answers["received"] = CAME
    person, http, token = clients(row)
    count = len(recording())
    keys = (
        by_form(person, row.kind, answers),
        by_message(person, row.kind, answers),
        by_program(http, token, row.kind, answers),
    )
    found = [Matter.objects.get(pk=key) for key in keys]
    assert [one.channel for one in found] == ["form", "message", "api"]
    Matter.objects.filter(pk__in=keys).update(state="closed")  # no queue of another test is full of them
    own = OWN if "received" in answers else (*OWN, "received", "due")  # else it came when it was filed
    rows = [{key: value for key, value in vars(one).items() if key not in own} for one in found]
    assert rows[0] == rows[1] == rows[2]
    entries = [one for one in recording()[count:] if one.kind is Kind.MATTER]
    taken = [one.get(Field.ACT) for one in recording()[count:] if one.kind is not Kind.MATTER]
    assert taken == [b"add-paper"]  # the message is kept as a paper of its matter
    # A test before this one may have acted at a later hour: then the first entry says that the clock stepped back.
    own_fields = {Field.MATTER, Field.LOGIN, Field.CLOCK_STEPPED_BACK}
    kept = [{one: value for one, value in entry.fields if one not in own_fields} for entry in entries]
    assert len(entries) == 3
    assert kept[0] == kept[1] == kept[2]


def test_every_kind_has_a_case(desk: Any) -> None:
    from doorward.desk.order import order

    assert desk
    assert {row.kind for row in ALL.values()} == set(order().intake.kinds)

"""Pages as everybody: who is signed in as what, and who is not."""

from datetime import UTC, datetime
from typing import Any

import pytest

PAGES = ["/", "/new/", "/matters/", "/queue/"]


@pytest.mark.parametrize("page", PAGES)
def test_nobody_is_sent_to_sign_in_and_comes_back(desk: Any, page: str) -> None:
    answer = desk.client().get(page)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/account/login/?next={page}"


def test_a_role_with_power_reaches_nothing_before_its_second_factor(desk: Any) -> None:
    from doorward.desk.roles import Role

    account = desk.account("weak.law.example", Role.LAW)
    answer = desk.client(account, strong=False).get("/queue/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/account/factor/")
    assert desk.client(account).get("/queue/").status_code == 200


def test_staff_needs_no_second_factor_and_has_no_queue(desk: Any) -> None:
    from doorward.desk.roles import Role

    account = desk.account("staff.example", Role.STAFF, unit="branch-1")
    answer = desk.client(account, strong=False).get("/queue/")
    assert answer.status_code == 200
    assert "Nothing waits for an office of yours" in answer.content.decode()


def test_every_page_has_its_policy_and_no_script_of_others(desk: Any) -> None:
    answer = desk.client().get("/account/login/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    text = answer.content.decode()
    assert "style=" not in text
    assert "<script>" not in text
    assert " onclick=" not in text


def test_nobody_signs_up(desk: Any) -> None:
    from doorward.desk.models import Account

    sent = {"login": "x.example", "password1": "a long password 1"}
    assert desk.client().get("/account/signup/").status_code == 404
    assert desk.client().post("/account/signup/", sent).status_code == 404
    assert not Account.objects.filter(login="x.example").exists()


def test_invented_people_are_played_in_a_sample(desk: Any) -> None:
    from doorward.desk.sample import PLAYERS, make_players

    now = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock
    make_players(now)
    make_players(now)
    for one in PLAYERS:
        client = desk.client()
        assert one.login in client.get("/play/").content.decode()
        assert client.post("/play/", {"login": one.login}).status_code == 302
        assert one.login in client.get("/", follow=True).content.decode()
    assert desk.client().post("/play/", {"login": "staff.example"}).status_code == 200

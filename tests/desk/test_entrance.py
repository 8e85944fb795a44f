"""Every address for coming in, asked as nobody, as somebody, and about somebody else."""

from collections.abc import Iterator
from typing import Any

import pytest

# Name, what is asked, and the answer to nobody, to staff and to a role with power that has no factor yet.
TABLE: dict[str, tuple[int, int, int]] = {
    "account_login": (200, 302, 302),
    "account_logout": (302, 200, 200),
    "account_inactive": (200, 200, 200),
    "account_reauthenticate": (302, 200, 200),
    "account_change_password": (302, 200, 200),
    "account_everywhere": (405, 405, 405),
    "account_first": (404, 404, 404),
    "openid_connect_login": (405, 405, 405),
    "openid_connect_callback": (404, 404, 404),
    "socialaccount_login_cancelled": (302, 302, 302),
    "mfa_index": (302, 200, 200),
    "mfa_authenticate": (302, 302, 302),
    "mfa_reauthenticate": (302, 302, 302),
    "mfa_activate_totp": (302, 200, 200),
    "mfa_deactivate_totp": (302, 404, 404),
    "mfa_view_recovery_codes": (302, 404, 404),
    "mfa_generate_recovery_codes": (302, 200, 200),
    "mfa_download_recovery_codes": (302, 404, 404),
    "mfa_list_webauthn": (302, 200, 200),
    "mfa_add_webauthn": (302, 200, 200),
    "mfa_reauthenticate_webauthn": (302, 302, 302),
    "mfa_remove_webauthn": (302, 404, 404),
    "mfa_edit_webauthn": (302, 404, 404),
    "mfa_login_webauthn": (302, 302, 302),
}
PARTS: dict[str, dict[str, Any]] = {
    "account_first": {"who": "1", "token": "none"},
    "openid_connect_login": {"provider_id": "city"},
    "openid_connect_callback": {"provider_id": "city"},
    "mfa_remove_webauthn": {"pk": 1},
    "mfa_edit_webauthn": {"pk": 1},
}
PASSWORD = "a sentence that is easy to keep"


def names(patterns: Any) -> Iterator[str]:
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from names(one.url_patterns)
        else:
            yield one.name


def test_every_address_for_coming_in_is_in_the_table(desk: Any) -> None:
    from doorward.desk.entrance.addresses import urlpatterns

    assert desk
    assert sorted(names(urlpatterns)) == sorted(TABLE)


@pytest.fixture
def clients(desk: Any) -> dict[str, Any]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    made = {"nobody": desk.client()}
    for name, role in (("staff", Role.STAFF), ("law", Role.LAW)):
        login = f"{name}.entrance.example"
        account = Account.objects.filter(login=login).first() or desk.account(login, role)
        account.set_password(PASSWORD)
        account.save()
        made[name] = desk.client()
        made[name].post(
            "/account/login/", {"login": login, "password": PASSWORD}, REMOTE_ADDR=f"203.0.113.{len(made)}"
        )
    return made


@pytest.mark.parametrize("name", TABLE)
def test_who_gets_what(desk: Any, clients: dict[str, Any], name: str) -> None:
    from django.urls import reverse

    assert desk
    address = reverse(name, kwargs=PARTS.get(name, {}))
    got = tuple(clients[who].get(address).status_code for who in ("nobody", "staff", "law"))
    assert got == TABLE[name]


@pytest.mark.parametrize("act", ["mfa_remove_webauthn", "mfa_edit_webauthn"])
def test_a_passkey_of_somebody_else_is_not_there(clients: dict[str, Any], act: str) -> None:
    from allauth.mfa.models import Authenticator
    from django.urls import reverse

    from doorward.desk.models import Account

    owner = Account.objects.get(login="law.entrance.example")
    one = Authenticator.objects.create(user=owner, type="webauthn", data={"name": "theirs", "credential": {}})
    address = reverse(act, kwargs={"pk": one.pk})
    client = clients["staff"]
    assert client.get(address).status_code == 404
    assert client.post(address, {"name": "mine"}).status_code == 404
    assert Authenticator.objects.filter(pk=one.pk, data__name="theirs").exists()
    one.delete()

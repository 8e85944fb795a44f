"""Sessions end when they should, no page is kept, and nobody learns or closes anything by failing to sign in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from doorward.desk.entrance.sessions import IDLE, LONGEST, Over, begin, find_end, is_fresh, touch

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
PASSWORD = "a sentence that is easy to keep"


@pytest.mark.parametrize(
    ("begun", "seen", "over"),
    [
        (timedelta(0), timedelta(0), None),
        (LONGEST - timedelta(seconds=1), timedelta(minutes=29, seconds=59), None),
        (timedelta(hours=1), IDLE, Over.IDLE),
        (LONGEST, timedelta(0), Over.LONGEST),
        (timedelta(hours=-1), timedelta(0), Over.LONGEST),
        (timedelta(hours=1), timedelta(hours=-1), Over.IDLE),
    ],
)
def test_a_session_ends_by_rest_and_by_age(begun: timedelta, seen: timedelta, over: Over | None) -> None:
    held = {"begun": (NOW - begun).timestamp(), "seen": (NOW - seen).timestamp()}
    assert find_end(held, NOW) is over


@pytest.mark.parametrize(
    "held", [{}, {"begun": "x", "seen": 1.0}, {"begun": NOW.timestamp()}, {"seen": NOW.timestamp()}]
)
def test_a_session_that_does_not_say_when_it_began_is_over(held: dict[str, Any]) -> None:
    assert find_end(held, NOW) is Over.IDLE


def test_a_session_is_written_at_most_once_a_minute() -> None:
    held: dict[str, Any] = {}
    begin(held, NOW)
    touch(held, NOW + timedelta(seconds=59))
    assert held["seen"] == NOW.timestamp()
    touch(held, NOW + timedelta(seconds=60))
    assert held["seen"] == NOW.timestamp() + 60
    assert held["begun"] == NOW.timestamp()


def test_proof_is_fresh_for_five_minutes() -> None:
    assert is_fresh([{"at": NOW.timestamp()}], NOW + timedelta(minutes=4))
    assert not is_fresh([{"at": NOW.timestamp()}], NOW + timedelta(minutes=5))
    assert not is_fresh([{}, {"at": NOW.timestamp() + 60}], NOW)


def to_sign_in(answer: Any, following: str) -> bool:
    return (answer.status_code, answer.headers["location"]) == (302, f"/account/login/?next={following}")


def age(client: Any, **earlier: timedelta) -> None:
    session = client.session
    for name, span in earlier.items():
        session[name] -= span.total_seconds()
    session.save()


@pytest.fixture
def official(desk: Any) -> Callable[..., tuple[Any, Any]]:
    """An account of the law department with a password, and a browser that is signed in as it with a second factor."""
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    def make(name: str, role: str = "law") -> tuple[Any, Any]:
        login = f"{name}.sessions.example"
        account = Account.objects.filter(login=login).first() or desk.account(
            login, Role(role), unit="branch-3"
        )
        account.is_active = True
        account.set_password(PASSWORD)
        account.save()
        return account, desk.client(account)

    return make


@pytest.mark.parametrize(("name", "span"), [("seen", IDLE), ("begun", LONGEST)])
def test_a_session_that_is_over_leads_to_sign_in_and_back(official: Any, name: str, span: timedelta) -> None:
    _, client = official("over")
    assert client.get("/queue/").status_code == 200
    age(client, **{name: span})
    assert to_sign_in(client.get("/queue/"), "/queue/")
    assert (
        Over[("IDLE" if name == "seen" else "LONGEST")].value
        in client.get("/account/login/").content.decode()
    )
    assert "sessionid" not in client.cookies
    assert to_sign_in(client.get("/queue/"), "/queue/")


def test_a_part_of_a_page_asks_the_whole_page_to_sign_in(official: Any) -> None:
    _, client = official("part")
    age(client, seen=IDLE)
    headers = {"HX-Request": "true", "Referer": "http://127.0.0.1/new/detainer/"}
    answer = client.post("/new/detainer/", {"change": "1"}, headers=headers)
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/account/login/?next=/new/detainer/&over=IDLE"
    for _ in range(2):  # as often as parts of the page send somebody there
        page = client.get(answer.headers["hx-redirect"]).content.decode()
        assert page.count(Over.IDLE.value) == 1
    assert to_sign_in(client.get("/queue/"), "/queue/")
    assert "<script>" not in client.get("/account/login/?over=<script>").content.decode()


@pytest.mark.parametrize(
    ("referer", "following"),
    [("http://127.0.0.1/matters/1/", "/matters/1/"), ("https://elsewhere.invalid/x/", "/"), ("", "/")],
)
def test_a_form_of_a_session_that_is_over_leads_back_to_its_page(
    official: Any, referer: str, following: str
) -> None:
    _, client = official("form")
    age(client, seen=IDLE)
    answer = client.post(
        "/matters/00000000-0000-0000-0000-000000000000/answer/", headers={"Referer": referer}
    )
    assert to_sign_in(answer, following)


def test_signing_out_everywhere_leaves_this_session_alone(official: Any, desk: Any) -> None:
    account, here = official("everywhere")
    there = desk.client(account)
    before = here.session.session_key
    assert there.get("/queue/").status_code == 200
    assert here.post("/account/everywhere/").status_code == 302
    assert to_sign_in(there.get("/queue/"), "/queue/")
    assert here.get("/queue/").status_code == 200
    assert here.session.session_key != before


def test_another_password_ends_every_other_session(official: Any, desk: Any) -> None:
    account, here = official("password")
    there = desk.client(account)
    new = "another sentence to keep"
    sent = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/account/password/", sent).status_code == 302
    assert to_sign_in(there.get("/queue/"), "/queue/")
    assert here.get("/queue/").status_code == 200


def test_an_account_that_is_ended_is_out_with_its_next_page(official: Any) -> None:
    account, client = official("ended")
    assert client.get("/queue/").status_code == 200
    type(account).objects.filter(pk=account.pk).update(is_active=False)
    assert to_sign_in(client.get("/queue/"), "/queue/")


def test_a_role_ends_with_its_assignment_within_the_session(official: Any) -> None:
    account, client = official("assigned")
    assert client.get("/overview/").status_code == 200
    account.assignments.update(until=datetime.now(UTC))  # noqa: TID251  # assignments end by the real clock
    assert client.get("/overview/").status_code == 403


def test_a_session_from_before_a_factor_ends_with_it(official: Any, desk: Any) -> None:
    from allauth.mfa.models import Authenticator

    account, _ = official("factor", "facility-staff")
    client = desk.client(account, strong=False)
    assert client.get("/").status_code == 200
    Authenticator.objects.create(user=account, type="totp", data={"secret": "x"})
    assert to_sign_in(client.get("/"), "/")
    Authenticator.objects.filter(user=account).delete()


def test_a_factor_that_was_taken_away_proves_nothing_any_more(official: Any, desk: Any) -> None:
    from allauth.mfa.models import Authenticator

    account, _ = official("taken")
    one = Authenticator.objects.create(user=account, type="totp", data={"secret": "x"})
    client = desk.client(account, strong=False)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "id": one.pk, "at": 0}]
    session["account_authentication_methods_user"] = str(account.pk)
    session.save()
    assert client.get("/queue/").status_code == 200
    one.delete()
    assert client.get("/queue/").headers["location"] == "/account/factor/"


@pytest.mark.parametrize(
    "page", ["/", "/queue/", "/matters/", "/new/", "/account/login/", "/account/factor/", "/nothing/"]
)
def test_no_page_is_kept_by_a_browser_or_a_proxy(official: Any, page: str) -> None:
    _, client = official("kept")
    assert "no-store" in client.get(page).headers["cache-control"]


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.invalid/", "//evil.invalid/", "/\\evil.invalid", "http:///evil.invalid", "javascript:alert(1)",
        "https://127.0.0.1@evil.invalid/", "http://127.0.0.1:8000/queue/", "\t//evil.invalid", "///evil.invalid/",
    ],
)  # fmt: skip
def test_signing_in_and_out_leads_nowhere_else(official: Any, desk: Any, following: str) -> None:
    account, _ = official("next", "facility-staff")
    client = desk.client()
    sent = {"login": account.login, "password": PASSWORD, "next": following}
    done = client.post("/account/login/", sent)
    assert (done.status_code, done.headers["location"]) == (302, "/")
    out = client.post("/account/logout/", {"next": following})
    assert out.headers["location"] == "/account/login/"


@pytest.mark.parametrize(
    "host", ["evil.invalid", "127.0.0.1.evil.invalid", "127.0.0.1@evil.invalid", "", "127.0.0.1 evil"]
)
def test_another_name_is_not_answered(desk: Any, host: str) -> None:
    for path in ("/account/login/", "/queue/"):
        answer = desk.client().get(path, headers={"host": host})
        assert answer.status_code == 400
        assert "evil" not in answer.content.decode()


def test_a_forwarded_name_is_not_believed(desk: Any) -> None:
    answer = desk.client().get(
        "/queue/", headers={"x-forwarded-host": "evil.invalid", "forwarded": "host=evil.invalid"}
    )
    assert answer.headers["location"].startswith("/account/login/")


@pytest.mark.parametrize(
    "path", ["/new/detainer/", "/account/everywhere/", "/account/logout/", "/account/login/"]
)
def test_a_form_of_another_site_does_nothing(official: Any, path: str) -> None:
    from django.test import Client

    _, owner = official("csrf")
    client = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
    client.cookies = owner.cookies
    assert client.post(path, headers={"origin": "https://evil.invalid"}).status_code == 403
    assert client.post(path).status_code == 403


# --- who fails to sign in learns nothing, and closes nothing for others


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a password was hashed: the one thing in signing in that takes time worth measuring."""
    from django.contrib.auth.hashers import ScryptPasswordHasher  # type: ignore[attr-defined]  # the stubs lack it

    found: list[int] = []
    encode = ScryptPasswordHasher.encode

    def counted(self: Any, *args: Any, **more: Any) -> str:
        found.append(1)
        return str(encode(self, *args, **more))

    monkeypatch.setattr(ScryptPasswordHasher, "encode", counted)
    return found


@pytest.fixture
def known(official: Any, desk: Any) -> dict[str, str]:
    """Logins of every kind that cannot sign in with this password."""
    assert desk
    local, _ = official("known")
    federated, _ = official("federated")
    federated.set_unusable_password()
    federated.save()
    ended, _ = official("gone")
    ended.is_active = False
    ended.set_unusable_password()
    ended.save()
    return {
        "local": local.login, "federated": federated.login, "ended": ended.login, "unknown": "nobody.sessions.example",
        "strange": "\u202e' OR 1=1 --", "long": "x" * 100,
    }  # fmt: skip


def fail(
    desk: Any, login: str, *, address: str = "203.0.113.7", password: str = "wrong and wrong again"
) -> Any:
    return desk.client().post("/account/login/", {"login": login, "password": password}, REMOTE_ADDR=address)


def test_every_failure_reads_alike_and_takes_one_hash(
    desk: Any, known: dict[str, str], runs: list[int]
) -> None:
    seen = {}
    for number, (kind, login) in enumerate(known.items()):
        runs.clear()
        answer = fail(desk, login, address=f"203.0.113.{100 + number}")
        text = answer.content.decode()
        for mask in (
            login,
            login.replace("'", "&#x27;"),
            answer.context["csrf_token"] if answer.context else "",
        ):
            text = text.replace(str(mask), "…") if mask else text
        text = "\n".join(line for line in text.splitlines() if "csrfmiddlewaretoken" not in line)
        seen[kind] = (answer.status_code, len(runs), text)
    assert {one[:2] for one in seen.values()} == {(200, 1)}
    assert len({one[2] for one in seen.values()}) == 1


def test_failing_locks_a_login_for_who_fails_and_for_nobody_else(official: Any, desk: Any) -> None:
    account, _ = official("locked", "facility-staff")
    for _ in range(5):
        assert "no such username" in fail(desk, account.login).content.decode()
    refused = fail(desk, account.login, password=PASSWORD)
    assert "too many tries from here" in refused.content.decode()
    assert (
        fail(desk, account.login.upper(), password=PASSWORD).status_code == 200
    )  # no way around by another spelling
    assert fail(desk, account.login, password=PASSWORD, address="203.0.113.8").status_code == 302


def test_tries_are_counted_for_all_processes_and_after_a_restart(official: Any, desk: Any) -> None:
    from django.core.cache import caches
    from django.core.cache.backends.db import DatabaseCache
    from django.db import connection

    account, _ = official("counted")
    for _ in range(5):
        fail(desk, account.login, address="203.0.113.9")
    assert isinstance(caches["default"], DatabaseCache)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM sign_in_count")
        keys = [row[0] for row in cursor.fetchall()]
    assert keys
    assert all(len(key) == 64 and int(key, 16) >= 0 for key in keys)  # digests: no address and no login


def test_a_header_is_nobodys_address(official: Any, desk: Any) -> None:
    account, _ = official("header")
    sent = {"login": account.login, "password": "wrong and wrong again"}
    answers = [
        desk.client().post(
            "/account/login/",
            sent,
            headers={"x-forwarded-for": f"198.51.100.{n}"},
            REMOTE_ADDR="203.0.113.10",
        )
        for n in range(6)
    ]
    assert "too many tries from here" in answers[-1].content.decode()


@pytest.mark.parametrize(
    ("remote", "said", "found"),
    [
        ("10.0.0.5", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.5", "203.0.113.1, 10.0.0.6", "203.0.113.1"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),
    ],
)
def test_behind_proxies_the_last_that_is_none_of_them_is_who_comes(
    desk: Any, remote: str, said: str, found: str
) -> None:
    from doorward.desk.wsgi import behind

    assert desk
    seen = []

    def site(environ: WSGIEnvironment, _start: StartResponse) -> list[bytes]:
        seen.append(environ["REMOTE_ADDR"])
        return [b""]

    environ = {"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": said}
    behind(("10.0.0.5", "10.0.0.6"), site)(environ, lambda *_: print)
    assert seen == [found]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("none", "none"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(desk: Any, address: str, counted: str) -> None:
    from doorward.desk.entrance.adapters import counted_address

    assert desk
    assert counted_address(address) == counted


def test_there_is_no_way_to_reset_a_password_by_mail(desk: Any) -> None:
    for path in (
        "/account/password/reset/",
        "/account/email/",
        "/account/login/code/",
        "/account/signup/",
        "/account/provider/",
    ):
        assert desk.client().get(path).status_code == 404
        assert desk.client().post(path, {"email": "x@city.example"}).status_code == 404


# --- the first way in


def test_an_invitation_sets_a_first_password_once_and_takes_what_was_before(official: Any, desk: Any) -> None:
    from allauth.mfa.models import Authenticator

    from doorward.desk.entrance.first import invite

    account, before = official("invited")
    Authenticator.objects.create(user=account, type="totp", data={"secret": "x"})
    path = invite(account)
    assert to_sign_in(before.get("/queue/"), "/queue/")
    assert not Authenticator.objects.filter(user=account).exists()
    client = desk.client()
    for sent, says in (
        ({"password": "short", "again": "short"}, "at least 12 characters"),
        ({"password": account.login, "again": account.login}, "too similar"),
        ({"password": "one sentence to keep", "again": "another sentence"}, "not the same"),
    ):
        assert says in client.post(path, sent).content.decode()
    new = "a sentence of my own to keep"
    assert client.post(path, {"password": new, "again": new}).headers["location"] == "/account/login/"
    assert client.get(path).status_code == 404
    assert client.post(path, {"password": new, "again": new}).status_code == 404
    done = client.post("/account/login/", {"login": account.login, "password": new})
    assert done.status_code == 302
    assert client.get("/queue/").headers["location"] == "/account/factor/"  # and now a second factor


@pytest.mark.parametrize(
    "path",
    [
        "/account/first/0/x/",
        "/account/first/x/y/",
        "/account/first/1/abc-def/",
        f"/account/first/{9**30}/a-b/",
    ],
)
def test_an_address_that_nobody_gave_is_none(desk: Any, path: str) -> None:
    assert desk.client().get(path).status_code == 404


def test_a_second_invitation_is_the_end_of_the_first(official: Any, desk: Any) -> None:
    from doorward.desk.entrance.first import invite

    account, _ = official("twice")
    first, second = invite(account), invite(account)
    assert desk.client().get(first).status_code == 404
    assert desk.client().get(second).status_code == 200


def test_second_factors_are_no_use_to_whoever_has_the_database(official: Any, desk: Any) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    assert desk
    account, _ = official("dumped")
    letters = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    held = TOTP.activate(account, letters).instance
    assert letters not in str(held.data)
    codes = RecoveryCodes.activate(account)
    assert codes.generate_codes() == codes.generate_codes()
    held.data["secret"] = (
        held.data["secret"][:-4] + "AAAA"
    )  # as under another key: no code is right, nothing fails
    assert not TOTP(held).validate_code("000000")
    held.delete()
    codes.instance.delete()


def test_codes_are_tried_five_times_even_by_who_has_the_password(official: Any, desk: Any) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

    account, _ = official("guessed")
    letters = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    held = TOTP.activate(account, letters).instance
    for number in range(6):  # from six places, each with a session of its own: they are counted together
        client = desk.client()
        sent = {"login": account.login, "password": PASSWORD}
        at = {"REMOTE_ADDR": f"203.0.113.{60 + number}"}
        assert (
            client.post("/account/login/", sent, **at).headers["location"] == "/account/factor/authenticate/"
        )
        counter = int(datetime.now(UTC).timestamp()) // 30  # noqa: TID251  # as the app does
        right = format_hotp_value(hotp_value(letters, counter))
        wrong = f"{(int(right) + 5) % 1_000_000:06}"
        answer = client.post("/account/factor/authenticate/", {"code": right if number == 5 else wrong}, **at)
        assert answer.status_code == 200
        assert ("too many tries" in answer.content.decode()) is (number == 5)
    held.delete()


def test_what_is_over_is_removed_when_the_desk_starts(official: Any) -> None:
    from django.contrib.sessions.models import Session

    from doorward.desk.models import SignInCount
    from doorward.desk.serve import forget_what_is_over

    _, client = official("removed")
    now = datetime.now(UTC)  # noqa: TID251  # as the desk has it
    key = client.session.session_key
    Session.objects.filter(pk=key).update(expire_date=now - timedelta(seconds=1))
    SignInCount.objects.create(cache_key="0" * 64, value="", expires=now - timedelta(seconds=1))
    forget_what_is_over(now)
    assert not Session.objects.filter(pk=key).exists()
    assert not SignInCount.objects.filter(expires__lt=now).exists()

"""Signing in by a real OpenID provider: who is taken, on whose word, and what is refused."""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests_support.certificates import digest_of
from tests_support.desk_server import Served, change_session, serving
from tests_support.oidc_provider import CLIENT, SECRET, TWO, Running, Walker, running_provider
from tests_support.ports import free_port
from tests_support.totp import code_of

CHROME = which("google-chrome") or which("chromium")
FAILED = "The city's sign-in did not work"
NONE = "There is no account for you here"
PEOPLE: dict[str, Any] = {
    "s-law": {"preferred_username": "law.oidc.example", "amr": ["pwd", "mfa"]},
    "s-acr": {"preferred_username": "acr.oidc.example", "acr": TWO},
    "s-weak": {"preferred_username": "weak.oidc.example", "amr": ["pwd"]},
    "s-own": {"preferred_username": "own.oidc.example", "amr": ["pwd"]},
    "s-staff": {"preferred_username": "staff.oidc.example", "amr": ["pwd"]},
    "s-unknown": {"preferred_username": "nobody.oidc.example", "amr": ["mfa"]},
    "s-local": {"preferred_username": "local.oidc.example", "amr": ["mfa"]},
    "s-ended": {"preferred_username": "ended.oidc.example", "amr": ["mfa"]},
    "s-mail": {
        "preferred_username": "other.oidc.example",
        "email": "law.oidc.example",
        "email_verified": False,
    },
    "s-again": {"preferred_username": "law.oidc.example", "amr": ["mfa"]},
}


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_provider(tmp_path_factory.mktemp("provider"), f"https://localhost:{port}") as found:
        found.set(people=PEOPLE)
        yield found


@pytest.fixture(scope="module")
def served(
    desk: Any, port: int, provider: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    from doorward.desk.configuration import Provider
    from doorward.desk.roles import Role

    held = {
        "law": Role.LAW,
        "acr": Role.LAW,
        "weak": Role.LAW,
        "own": Role.LAW,
        "staff": Role.STAFF,
        "ended": Role.LAW,
        "local": Role.LAW,
    }
    for name, role in held.items():
        account = desk.account(f"{name}.oidc.example", role, unit="branch-8")
        account.set_unusable_password()
        if name == "local":
            account.set_password("a sentence that is easy to keep")
        account.save()
    folder = tmp_path_factory.mktemp("served")
    made = Provider(provider.issuer, CLIENT, SECRET, "preferred_username", ("mfa", TWO), (TWO,))
    with serving(folder, port=port, provider=made, trusting=provider.root) as found:
        yield found


@pytest.fixture
def walker(served: Served, provider: Running, tmp_path: Path) -> Walker:
    provider.set(people=PEOPLE, offset=0, broken=None, userinfo=None)
    return Walker(served.url, served.root, provider, tmp_path)


def test_the_way_to_the_provider_has_pkce_state_and_nonce_and_nothing_that_an_address_said(
    walker: Walker,
) -> None:
    said = "?" + urlencode(
        {"auth_params": "prompt=none&acr_values=none", "scope": "offline_access", "process": "connect"}
    )
    asked = parse_qs(urlsplit(walker.begin(query=said)).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert len(asked["state"][0]) >= 16
    assert len(asked["nonce"][0]) >= 32
    assert sorted(asked["scope"][0].split()) == ["openid", "profile"]
    assert asked["acr_values"] == [TWO]
    assert "prompt" not in asked


@pytest.mark.parametrize("who", ["s-law", "s-acr"])
def test_a_session_is_strong_by_the_word_that_is_configured(walker: Walker, who: str) -> None:
    done = walker.sign_in(who, following="/queue/")
    assert (done.status_code, walker.heading(done)) == (200, "Waiting for you")
    assert urlsplit(done.url).path == "/queue/"


def test_a_session_without_that_word_opens_nothing_for_a_role_with_power(walker: Walker) -> None:
    done = walker.sign_in("s-weak", following="/queue/")
    assert walker.heading(done) == "Your sign-in"
    assert "What you are needs a second factor" in done.text
    assert walker.heading(walker.get("/queue/")) == "Your sign-in"


def test_a_factor_of_the_desks_own_stands_where_the_provider_asks_for_none(walker: Walker) -> None:
    walker.sign_in("s-own")
    key = str(walker.session.cookies["__Host-desk"])

    def age(held: dict[str, Any]) -> None:
        for one in held["account_authentication_methods"]:
            one["at"] -= 3600

    change_session(key, age)
    late = walker.get("/account/factor/totp/activate/")
    assert (late.status_code, walker.heading(late)) == (403, "Sign in again first")
    walker.session.cookies.clear()
    walker.sign_in("s-own")
    page = walker.get("/account/factor/totp/activate/")
    letters = re.findall(r'<code id="letters">([A-Z2-7]+)</code>', page.text)[0]
    walker.post("/account/factor/totp/activate/", code=code_of(letters))
    assert walker.heading(walker.get("/queue/")) == "Waiting for you"
    walker.session.cookies.clear()
    assert walker.heading(walker.sign_in("s-own")) == "Your second factor"
    assert urlsplit(walker.get("/queue/").url).path != "/queue/"
    walker.post("/account/factor/authenticate/", code=code_of(letters, later=1))
    assert walker.heading(walker.get("/queue/")) == "Waiting for you"


def test_staff_needs_no_such_word(walker: Walker) -> None:
    assert walker.heading(walker.sign_in("s-staff")) == "Today"


@pytest.mark.parametrize("who", ["s-unknown", "s-local", "s-mail"])
def test_whom_the_desk_does_not_know_by_the_claim_is_told_so_and_gets_no_session(
    walker: Walker, who: str
) -> None:
    done = walker.sign_in(who)
    assert (done.status_code, walker.heading(done)) == (403, NONE)
    assert urlsplit(walker.get("/queue/").url).path == "/account/login/"


def test_a_login_that_the_provider_gives_to_somebody_new_is_not_the_old_account(walker: Walker) -> None:
    walker.sign_in("s-law")
    walker.session.cookies.clear()
    assert walker.heading(walker.sign_in("s-again")) == NONE


@pytest.mark.parametrize(
    "said", [{"sub": "s-law", "preferred_username": "law.oidc.example"}, {}, ["s-staff"]]
)
def test_user_information_of_another_subject_is_refused(walker: Walker, provider: Running, said: Any) -> None:
    provider.set(userinfo=said)
    done = walker.sign_in("s-staff")
    assert (done.status_code, walker.heading(done)) == (401, FAILED)


def test_an_account_that_is_ended_here_is_out_whatever_the_provider_says(walker: Walker) -> None:
    from doorward.desk.models import Account

    assert walker.heading(walker.sign_in("s-ended")) == "Today"
    Account.objects.filter(login="ended.oidc.example").update(is_active=False)
    assert urlsplit(walker.get("/queue/").url).path == "/account/login/"  # the session that was open, too
    walker.session.cookies.clear()
    assert walker.heading(walker.sign_in("s-ended")) == NONE


def test_an_answer_is_taken_once_and_in_the_browser_that_asked(
    walker: Walker, served: Served, provider: Running, tmp_path: Path
) -> None:
    back = walker.answer(walker.begin(), "s-staff")
    other = Walker(served.url, served.root, provider, tmp_path)
    other.get("/account/login/")
    for who, address in ((other, back), (walker, back.replace("state=", "state=x"))):
        done = who.get(address)
        assert (done.status_code, who.heading(done)) == (401, FAILED)
    assert walker.heading(walker.get(back)) == "Today"
    walker.post("/account/logout/")
    assert walker.heading(walker.get(back)) == FAILED


def test_a_token_for_another_sign_in_is_refused(walker: Walker) -> None:
    way = walker.begin()
    nonce = parse_qs(urlsplit(way).query)["nonce"][0]
    assert (
        walker.heading(walker.get(walker.answer(way.replace(nonce, "of-another-sign-in"), "s-staff")))
        == FAILED
    )


def test_somebody_who_refuses_at_the_provider_is_back_at_the_beginning(walker: Walker) -> None:
    done = walker.get(walker.answer(walker.begin(), "", go="no"))
    assert walker.heading(done) == "Sign in"


def test_a_provider_that_is_down_is_said_in_a_page_and_local_accounts_go_on(
    walker: Walker, provider: Running
) -> None:
    back = walker.answer(walker.begin(), "s-staff")
    provider.set(broken=True)
    done = walker.get(back)
    assert (done.status_code, walker.heading(done)) == (401, FAILED)
    walker.get("/account/login/")
    local = walker.post(
        "/account/login/", login="local.oidc.example", password="a sentence that is easy to keep"
    )  # of a test
    assert walker.heading(local) == "Your sign-in"


def test_a_key_that_was_changed_counts_at_once(walker: Walker, provider: Running) -> None:
    assert walker.heading(walker.sign_in("s-staff")) == "Today"
    walker.session.cookies.clear()
    provider.set(rotate=True)
    assert walker.heading(walker.sign_in("s-staff")) == "Today"


@pytest.mark.parametrize(
    ("offset", "heading"), [(-290, "Today"), (40, "Today"), (-600, FAILED), (600, FAILED)]
)
def test_clocks_may_differ_by_a_minute(walker: Walker, provider: Running, offset: int, heading: str) -> None:
    """A token holds for five minutes at this provider: one of 290 seconds ago is good, one of the future is not."""
    provider.set(offset=offset)
    assert walker.heading(walker.sign_in("s-staff")) == heading


@pytest.mark.parametrize(
    "path", ["/account/password/", "/account/password/set/", "/account/provider/", "/account/email/"]
)
def test_an_account_of_the_provider_gets_no_password_here(walker: Walker, path: str) -> None:
    from doorward.desk.models import Account

    walker.sign_in("s-staff")
    secret = {"password1": "a sentence that is long", "password2": "a sentence that is long"}
    walker.post(path, oldpassword="", **secret)
    assert not Account.objects.get(login="staff.oidc.example").has_usable_password()
    walker.post("/account/logout/")
    walker.get("/account/login/")
    for password in ("a sentence that is long", "!", ""):
        done = walker.post("/account/login/", login="staff.oidc.example", password=password)
        assert walker.heading(done) == "Sign in"


def test_of_a_person_nothing_is_kept_but_the_subject_and_how_they_proved_it(walker: Walker) -> None:
    from allauth.socialaccount.models import SocialAccount, SocialToken

    walker.sign_in("s-law")
    held = SocialAccount.objects.get(uid="s-law")
    assert set(held.extra_data) == {"sub", "preferred_username", "amr"}
    assert not SocialToken.objects.exists()


def test_whoever_signs_out_is_asked_to_sign_out_at_the_provider_too(walker: Walker) -> None:
    walker.sign_in("s-staff")
    out = walker.post("/account/logout/")
    assert walker.heading(out) == "You are signed out of the desk"
    page = walker.get(re.findall(r'href="(https://[^"]+)"', out.text)[0].replace("&amp;", "&"))
    form = dict(re.findall(r'name="(xsrf)" value="([^"]+)"', page.text))
    action = re.findall(r'action="([^"]+)"', page.text)[0]
    done = walker.session.post(action, data={**form, "logout": "yes"}, timeout=30)
    assert done.url.startswith(walker.desk + "/account/login/")
    assert walker.get(walker.begin()).text.count("City sign-in") == 1  # it asks again who it is


def test_a_browser_goes_all_the_way_under_the_desks_own_policy(
    served: Served, provider: Running, walker: Walker
) -> None:
    """A form that is answered with a way to another origin would be stopped by `form-action`."""
    assert walker.desk == served.url
    if CHROME is None:
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    leaf = provider.root.with_name("provider.crt")
    known = ",".join(digest_of(one) for one in (served.certificate, leaf))
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", f"--ignore-certificate-errors-spki-list={known}"]
        browser = playwright.chromium.launch(executable_path=CHROME, args=flags)
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda told: said.append(f"{told.location['url']} {told.text}"))
        page.goto(f"{served.url}/account/login/?next=/queue/")
        page.get_by_role("button", name="Use the city's sign-in").click()
        page.get_by_label("Who").fill("s-law")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("heading", name="Waiting for you").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("link", name="Sign out there too").click()
        page.get_by_role("button", name="Yes, sign me out").click()
        page.get_by_role("heading", name="Sign in").wait_for()
        browser.close()
    assert [one for one in said if one.startswith(served.url)] == []

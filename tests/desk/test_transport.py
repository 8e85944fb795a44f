"""A city's desk over HTTPS as it is served: cookies, headers, versions of TLS, and counts that all processes share."""

import socket
import ssl
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
import requests

from tests_support.desk_server import Served, serving

PASSWORD = "a sentence that is easy to keep"


@pytest.fixture(scope="module")
def served(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    from doorward.desk.roles import Role

    for name in ("staff", "counted"):
        account = desk.account(f"{name}.transport.example", Role.STAFF)
        account.set_password(PASSWORD)
        account.save()
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def session(served: Served) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.verify, made.trust_env = str(served.root), False
        yield made


def sign_in(session: requests.Session, served: Served, name: str = "staff") -> requests.Response:
    session.get(f"{served.url}/account/login/", timeout=30)
    token = session.cookies["__Host-desk-form"]
    sent = {"csrfmiddlewaretoken": token, "login": f"{name}.transport.example", "password": PASSWORD}
    headers = {"Referer": f"{served.url}/account/login/"}
    return session.post(
        f"{served.url}/account/login/", data=sent, headers=headers, timeout=30, allow_redirects=False
    )


def test_cookies_are_this_hosts_alone_and_no_scripts(session: requests.Session, served: Served) -> None:
    done = sign_in(session, served)
    assert done.status_code == 302
    found: SimpleCookie = SimpleCookie()
    for line in done.raw.headers.getlist("set-cookie"):
        found.load(line)
    assert set(found) == {"__Host-desk", "__Host-desk-form"}
    for one in found.values():
        assert (one["secure"], one["httponly"], one["samesite"], one["path"], one["domain"]) == (
            True,
            True,
            "Lax",
            "/",
            "",
        )
    assert found["__Host-desk"]["max-age"] == ""  # gone with the browser


def test_a_session_id_of_before_signing_in_is_worth_nothing_after(
    session: requests.Session, served: Served
) -> None:
    chosen = "chosenbysomebodyelse0000000000aa"
    session.cookies.set("__Host-desk", chosen, secure=True, domain="localhost.local", path="/")
    sign_in(session, served)
    assert chosen not in {one.value for one in session.cookies if one.name == "__Host-desk"}


def test_every_answer_says_what_a_browser_may_do_with_it(session: requests.Session, served: Served) -> None:
    sign_in(session, served)
    for path in ("/", "/account/login/", "/nothing/", "/account/factor/"):
        headers = session.get(served.url + path, timeout=30).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "form-action 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert "no-store" in headers["cache-control"]


def test_a_certificate_of_our_own_making_binds_no_browser_for_a_year(desk: Any, tmp_path: Any) -> None:
    assert desk
    with serving(tmp_path, self_made=True) as found:
        answer = requests.get(f"{found.url}/account/login/", verify=str(found.root), timeout=30)
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_spoken_from_1_2_on(served: Served, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(served.root))
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("localhost", served.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() == version.name.replace("TLSv1_", "TLSv1.")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_1_is_refused(served: Served) -> None:
    context = ssl.create_default_context(cafile=str(served.root))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("localhost", served.port)) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_plain_http_at_the_same_port_gets_no_page(served: Served) -> None:
    with socket.create_connection(("localhost", served.port), timeout=30) as plain:
        plain.sendall(b"GET /account/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            assert b"<html" not in plain.recv(4096)
        except ConnectionError:
            return


def test_failures_are_counted_together_by_all_processes(
    session: requests.Session, served: Served, desk: Any
) -> None:
    for _ in range(5):
        form = {"login": "counted.transport.example", "password": "wrong and wrong again"}
        desk.client().post("/account/login/", form, REMOTE_ADDR="127.0.0.1")  # in this process
    assert "too many tries from here" in sign_in(session, served, "counted").text  # and there

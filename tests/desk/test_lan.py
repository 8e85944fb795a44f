"""The front desk in a building: a certificate of its own, what the network reaches, and a phone that trusts it."""

import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import requests
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from doorward.cli.desk_lan import Lan, check_private, configure_lan, prepare_lan, read_lan
from doorward.cli.folders import Folders
from doorward.desk.configuration import DeskConfiguration
from doorward.desk.entrance.certificate import (
    check_pair,
    ends,
    fingerprint,
    is_good,
    make_authority,
    make_leaf,
    may_speak,
    missing_names,
)
from doorward.errors import ConfigError
from tests_support.desk_server import Served, serving_files
from tests_support.nss import find_library, make_home
from tests_support.ports import free_port

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
NAMES = ("192.168.1.20", "front.library.example", "127.0.0.1", "localhost")
CHROME = which("google-chrome") or which("chromium")


def lan(**other: Any) -> Lan:
    return replace(Lan("192.168.1.20", 8443, ("front.library.example",), None, None, whole=False), **other)


def asked(**other: Any) -> Lan:
    said: dict[str, Any] = {
        "lan": "192.168.1.20", "port": 8443, "names": [], "certificate": None, "key": None, "make": True,
        "whole": False,
    }  # fmt: skip
    return read_lan(**{**said, **other})


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"lan": "0.0.0.0"}, "no address in a network"),  # noqa: S104  # refused
        ({"lan": "::"}, "no address in a network"),
        ({"lan": "127.0.0.1"}, "no address in a network"),
        ({"lan": "224.0.0.1"}, "no address in a network"),
        ({"lan": "8.8.8.8"}, "an address of the internet"),
        ({"lan": "library.example"}, "one address of this machine"),
        ({"lan": "192.168.1.20:8443"}, "one address of this machine"),
        ({"make": False}, "phones need HTTPS"),
        ({"certificate": Path("a")}, "go together"),
        ({"certificate": Path("a"), "key": Path("b")}, "phones need HTTPS"),
    ],
)
def test_what_would_not_serve_phones_is_refused_in_a_line(other: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        asked(**other)


def test_it_listens_at_the_address_and_on_this_machine_and_nowhere_else() -> None:
    assert asked().binds == ("192.168.1.20:8443", "127.0.0.1:8443")
    assert asked(lan="fd00::2").binds == ("[fd00::2]:8443", "127.0.0.1:8443")


def test_an_authority_can_speak_for_its_names_and_for_nothing_else(tmp_path: Path) -> None:
    """By OpenSSL, as a phone would: a leaf of the same authority for another name or address is refused."""
    now = datetime.now(UTC)  # noqa: TID251  # OpenSSL asks the real clock
    authority = make_authority(NAMES, now=now)
    root = tmp_path / "root.pem"
    root.write_bytes(authority.certificate)
    good = make_leaf(authority, NAMES, now=now)
    assert handshake(tmp_path, root, good, "front.library.example") is None
    assert handshake(tmp_path, root, good, "192.168.1.20") is None
    for name in ("bank.example", "192.168.1.21", "2001:db8::1", "front.library.example.evil.invalid"):
        stolen = make_leaf(authority, (name,), now=now)
        assert "permitted subtree violation" in str(handshake(tmp_path, root, stolen, name))


def handshake(folder: Path, root: Path, made: Any, name: str) -> ssl.SSLError | None:
    pair = folder / "pair.pem"
    pair.write_bytes(made.key + made.certificate)
    here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.load_cert_chain(pair)
    there = ssl.create_default_context(cafile=str(root))
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = here.wrap_bio(ours, theirs, server_side=True)
    client = there.wrap_bio(theirs, ours, server_hostname=name)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return error
    return None


def test_a_certificate_is_what_phones_take() -> None:
    authority = make_authority(NAMES, now=NOW)
    leaf = x509.load_pem_x509_certificate(make_leaf(authority, NAMES, now=NOW).certificate)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc < timedelta(days=397)
    root = x509.load_pem_x509_certificate(authority.certificate)
    limits = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (limits.critical, limits.value.ca, limits.value.path_length) == (True, True, 0)
    assert root.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert len(fingerprint(authority.certificate)) == 95


@pytest.mark.parametrize(
    ("days", "names", "good"),
    [(0, NAMES, True), (334, NAMES, True), (336, NAMES, False), (0, (*NAMES, "192.168.1.21"), False)],
)
def test_a_leaf_is_renewed_a_month_before_its_end_or_for_another_name(
    *, days: int, names: tuple[str, ...], good: bool
) -> None:
    authority = make_authority(NAMES, now=NOW)
    leaf = make_leaf(authority, NAMES, now=NOW).certificate
    assert is_good(leaf, authority.certificate, names, now=NOW + timedelta(days=days)) is good
    other = make_authority(NAMES, now=NOW)
    assert not is_good(leaf, other.certificate, NAMES, now=NOW)


def test_a_leaf_of_an_old_authority_ends_with_it() -> None:
    authority = make_authority(NAMES, now=NOW)
    late = NOW + timedelta(days=5 * 365 - 40)
    leaf = make_leaf(authority, NAMES, now=late)
    assert ends(leaf.certificate) == ends(authority.certificate)
    assert may_speak(authority.certificate, NAMES, now=late)
    assert not may_speak(authority.certificate, NAMES, now=late + timedelta(days=11))
    assert not may_speak(authority.certificate, (*NAMES, "192.168.1.21"), now=NOW)


def test_a_second_start_changes_nothing_and_another_address_makes_a_new_authority(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = Folders(tmp_path)
    folders.keys.mkdir()
    files = prepare_lan(lan(), folders)
    said = capsys.readouterr().out
    root = tmp_path / "certificates" / "lan-authority.crt"
    assert "every phone has to be given it once" in said
    assert fingerprint(root.read_bytes()) in said
    assert "https://192.168.1.20:8443/front/" in said
    held = {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}
    assert {oct(one.stat().st_mode & 0o777) for one in held if one.suffix == ".key"} == {"0o600"}
    assert prepare_lan(lan(), folders) == files
    assert "given it once" not in capsys.readouterr().out
    assert {one: one.read_bytes() for one in held} == held
    prepare_lan(lan(address="192.168.1.99"), folders)
    assert "given it once" in capsys.readouterr().out
    assert root.read_bytes() != held[root]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "desk.key"
    key.write_bytes(b"x")
    for mode in (0o640, 0o604, 0o660):
        key.chmod(mode)
        with pytest.raises(ConfigError, match="read by others"):
            check_private(key)
    key.chmod(0o600)
    check_private(key)
    with pytest.raises(ConfigError, match="cannot be read"):
        check_private(tmp_path / "none")


def test_a_certificate_that_is_given_is_served_as_it_is(tmp_path: Path) -> None:
    made = make_leaf(make_authority(NAMES, now=(now := datetime.now(UTC))), NAMES, now=now)  # noqa: TID251  # as the command
    certificate, key = tmp_path / "city.crt", tmp_path / "city.key"
    certificate.write_bytes(made.certificate)
    key.write_bytes(made.key)
    key.chmod(0o600)
    given = lan(certificate=certificate, key=key)
    before = set(tmp_path.iterdir())
    assert prepare_lan(given, Folders(tmp_path)) == (str(certificate), str(key))
    assert set(tmp_path.iterdir()) == before
    key.chmod(0o644)
    with pytest.raises(ConfigError, match="read by others"):
        prepare_lan(given, Folders(tmp_path))
    key.chmod(0o600)
    with pytest.raises(ConfigError, match=r"is not for 192\.168\.1\.99"):
        prepare_lan(lan(address="192.168.1.99", certificate=certificate, key=key), Folders(tmp_path))


@pytest.mark.parametrize(("given", "self_made"), [(Path("x"), False), (None, True)])
def test_browsers_are_told_to_insist_only_with_a_certificate_of_others(
    given: Path | None, *, self_made: bool
) -> None:
    made = configure_lan(
        lan(certificate=given, key=given), DeskConfiguration("", "", Path(), "", (), sample=True)
    )
    assert (made.self_made, made.front_only, made.is_encrypted) == (self_made, True, True)
    assert made.origins[0] == "https://192.168.1.20:8443"


def test_a_pair_that_phones_would_refuse_is_refused_before_it_is_served() -> None:
    authority = make_authority(NAMES, now=NOW)
    leaf, other = make_leaf(authority, NAMES, now=NOW), make_leaf(authority, NAMES, now=NOW)
    check_pair(leaf.certificate, leaf.key, NAMES, now=NOW)
    for certificate, key, names, now, says in (
        (leaf.certificate, other.key, NAMES, NOW, "not the certificate's"),
        (leaf.certificate, b"x", NAMES, NOW, "cannot be read"),
        (b"x", leaf.key, NAMES, NOW, "expected PEM"),
        (leaf.certificate, leaf.key, NAMES, NOW + timedelta(days=366), "holds from"),
        (leaf.certificate, leaf.key, NAMES, NOW - timedelta(days=1), "holds from"),
        (leaf.certificate, leaf.key, (*NAMES, "else.example"), NOW, "is not for else.example"),
    ):
        with pytest.raises(ConfigError, match=says):
            check_pair(certificate, key, names, now=now)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_certificate_or_refused(raw: bytes) -> None:
    with pytest.raises(ConfigError):
        missing_names(raw, NAMES)


# --- served


def own_address() -> str:
    """Return an address of this machine that is not the loopback, or skip; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked_for:
        try:
            asked_for.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        return str(asked_for.getsockname()[0])


@pytest.fixture(scope="module")
def building(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    from doorward.desk.configuration import VARIABLE

    assert desk
    folder = tmp_path_factory.mktemp("building")
    folders = Folders(folder / "data")
    folders.keys.mkdir(parents=True)
    wanted = lan(address=own_address(), port=free_port(), names=())
    files = prepare_lan(wanted, folders)
    made = configure_lan(wanted, DeskConfiguration.load(Path(os.environ[VARIABLE])))
    with serving_files(replace(made, data=folders.data), folder, wanted.binds, files):
        url = f"https://{wanted.address}:{wanted.port}"
        root = folders.data / "certificates" / "lan-authority.crt"
        yield Served(url, wanted.port, folder, root, Path(files[0]))


def ask(building: Served, address: str, path: str, **more: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(building.root)
        url = f"https://{address}:{building.port}{path}"
        return session.get(url, timeout=30, allow_redirects=False, **more)


@pytest.mark.parametrize(
    "path", ["/queue/", "/play/", "/account/login/", "/static/desk/desk.js", "/frontier/", "//queue/"]
)
@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1"])
def test_the_network_reaches_the_front_desk_and_nothing_else(building: Served, path: str, host: str) -> None:
    address = building.url.split("/")[2].split(":")[0]
    headers = {"Host": f"{host}:{building.port}"} if host else {}
    assert ask(building, address, path, headers=headers).status_code == 404
    assert ask(building, address, "/front/").status_code == 200
    assert ask(building, address, "/").headers["location"] == "/front/"


def test_this_machine_reaches_the_desk(building: Served) -> None:
    assert ask(building, "127.0.0.1", "/play/").status_code == 200
    assert "strict-transport-security" not in ask(building, "127.0.0.1", "/play/").headers


def test_plain_http_gets_no_page(building: Served) -> None:
    with socket.create_connection(
        (building.url.split("/")[2].split(":")[0], building.port), timeout=30
    ) as plain:
        plain.sendall(b"GET /front/ HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            assert b"<html" not in plain.recv(4096)
        except ConnectionError:
            return


def test_a_phone_that_trusts_the_authority_installs_the_app_and_works_without_a_network(
    building: Served, tmp_path: Path
) -> None:
    if CHROME is None or find_library() is None:
        pytest.skip("there is no Chromium, or no NSS, here")
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        for trusts in (False, True):
            home = make_home(tmp_path, building.root) if trusts else tmp_path
            browser = playwright.chromium.launch(
                executable_path=CHROME, args=["--no-sandbox"], env={**os.environ, "HOME": str(home)}
            )
            context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
            page = context.new_page()
            if not trusts:
                with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
                    page.goto(f"{building.url}/front/")
                browser.close()
                continue
            page.goto(f"{building.url}/front/")
            assert page.evaluate("isSecureContext")
            page.evaluate("navigator.serviceWorker.ready.then(() => true)")
            manifest = context.new_cdp_session(page).send("Page.getAppManifest")
            assert manifest["errors"] == []
            page.wait_for_function("caches.keys().then((found) => found.length > 0)")
            page.reload()
            page.wait_for_function("navigator.serviceWorker.controller !== null")
            heading = page.get_by_role("heading", level=1).first.inner_text()
            context.set_offline(True)
            page.reload()
            assert page.get_by_role("heading", level=1).first.inner_text() == heading
            browser.close()

"""An application's token: what is one, what is none, and that each is used once."""

import json
import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, StoreError
from doorward.grants import used_tokens
from doorward.grants.application_files import change_applications, load_applications
from doorward.grants.applications import (
    MAX_SECONDS,
    TYPE,
    Application,
    Bearer,
    NoBearer,
    check_application,
    check_token,
)
from doorward.grants.used_tokens import UsedTokens

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY = ed25519.Ed25519PrivateKey.generate()
CURVE = ec.generate_private_key(ec.SECP256R1())


NOTHING: dict[str, Any] = {"case": None, "for": None}


def public(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


PORTAL = Application("crime-portal", "crime-portal.city.example", public(KEY), ("CPD",))
CLAIMS: dict[str, Any] = {
    "iss": "crime-portal", "aud": "doorward:clear", "sub": "dana.example", "jti": "0123456789abcdef", "iat": AT,
    "exp": AT + 30, "purpose": "criminal-investigation", "case": "JH123456", "for": "CPD",
}  # fmt: skip


def signed(key: Any = KEY, *, algorithm: str = "EdDSA", typ: str | None = TYPE, **changed: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"typ": typ})


def read(token: str, application: Application = PORTAL) -> Bearer | NoBearer:
    return check_token(token, application, database="clear", now=NOW)


def test_a_token_says_for_whom_why_and_under_which_case() -> None:
    options = {
        "doorward.purpose": "criminal-investigation", "doorward.case": "JH123456", "doorward.for": "CPD",
    }  # fmt: skip
    until = datetime.fromtimestamp(AT + 30, UTC)
    assert read(signed()) == Bearer("dana.example", "0123456789abcdef", options, until)
    least = read(signed(**NOTHING))
    assert isinstance(least, Bearer)
    assert least.options == {"doorward.purpose": "criminal-investigation"}


def test_a_token_may_be_signed_on_the_other_curve() -> None:
    other = Application("crime-portal", "x", public(CURVE), ("CPD",))
    assert isinstance(read(signed(CURVE, algorithm="ES256"), other), Bearer)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aud": "doorward:other"}, "another door"),
        ({"aud": ["doorward:clear"]}, "another type"),
        ({"aud": None}, "is no token"),
        ({"iss": "another-portal"}, "another application"),
        ({"exp": AT}, "has ended"),
        ({"iat": AT + 6, "exp": AT + 30}, "clock is ahead"),
        ({"exp": AT + MAX_SECONDS + 1}, "more than 60 seconds"),
        ({"iat": AT - 100, "exp": AT + 1}, "more than 60 seconds"),
        ({"exp": str(AT + 30)}, "no t"),
        ({"exp": float(AT + 30)}, "no times"),
        ({"exp": 1 << 60}, "no times"),
        ({"jti": "short"}, "16 to 64"),
        ({"jti": "0123456789abcdef/../.."}, "16 to 64"),
        ({"jti": None}, "is no token"),
        ({"sub": None}, "is no token"),
        ({"sub": 7}, "is no token"),
        ({"purpose": ["audit"]}, "are no texts"),
        ({"role": "custodian"}, "does not know"),
        ({"typ": "JWT"}, "another type"),
        ({"typ": None}, "another type"),
    ],
)
def test_everything_else_is_none(changed: dict[str, Any], reason: str) -> None:
    found = read(signed(**changed))
    assert isinstance(found, NoBearer)
    assert reason in found.reason


def test_the_key_decides_the_algorithm_and_not_the_header() -> None:
    for token in (
        signed(ed25519.Ed25519PrivateKey.generate()),
        signed(CURVE, algorithm="ES256"),
        jwt.encode(CLAIMS, "", "none", headers={"typ": TYPE}),
        jwt.encode(CLAIMS, public(KEY).replace("-", "").encode(), "HS256", headers={"typ": TYPE}),
    ):
        assert isinstance(read(token), NoBearer)


def test_a_changed_claim_breaks_the_signature() -> None:
    head, _body, tail = signed().split(".")
    body = urlsafe_b64encode(json.dumps(CLAIMS | {"sub": "erin.example"}).encode()).rstrip(b"=").decode()
    assert read(f"{head}.{body}.{tail}") == NoBearer("the token's signature does not hold")


@given(st.text(max_size=400) | st.just("a" * 5000) | st.just("." * 4000))
def test_any_text_is_a_reason_and_no_failure(text: str) -> None:
    assert isinstance(read(text), NoBearer)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=9), lambda x: st.lists(x, max_size=3)))
def test_any_claim_that_is_signed_is_a_token_or_a_reason(value: Any) -> None:
    for name in CLAIMS:
        try:
            token = signed(**{name: value})
        except (TypeError, ValueError):
            continue  # the library does not sign it
        assert isinstance(read(token), Bearer | NoBearer)


def test_a_key_that_is_not_taken_is_told_when_it_is_registered() -> None:
    weak = rsa.generate_private_key(65537, 2048)
    for key in (public(weak), "no key", ""):
        with pytest.raises(ConfigError, match="expected a"):
            check_application(Application("crime-portal", "x", key, ("CPD",)))
    with pytest.raises(ConfigError, match="no name of an application"):
        check_application(Application("Crime Portal", "x", public(KEY), ("CPD",)))
    with pytest.raises(ConfigError, match="at least one agency"):
        check_application(Application("crime-portal", "x", public(KEY), ()))


def test_applications_are_kept_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "applications.json"
    assert load_applications(file) == ()
    change_applications(file, lambda before: [*before, PORTAL])
    assert load_applications(file) == (PORTAL,)
    assert file.stat().st_mode & 0o077 == 0
    rows = json.loads(file.read_text())
    bad: list[Any] = [[rows[0] | {"birthplace": "x"}], rows * 2, [rows[0] | {"agencies": [1]}], {}, [1]]
    for spoilt in bad:
        file.write_text(json.dumps(spoilt))
        with pytest.raises(ConfigError):
            load_applications(file)


def test_a_token_is_taken_once(tmp_path: Path) -> None:
    used = UsedTokens(tmp_path / "used")
    assert used.take("a", "x")
    assert not used.take("a", "x")
    assert used.take("b", "x")
    assert not UsedTokens(tmp_path / "used").take("a", "x")


TAKE = """
import sys
from pathlib import Path
from doorward.grants.used_tokens import UsedTokens
used = UsedTokens(Path(sys.argv[1]))
sys.stdin.readline()
print(sum(used.take("a", str(number)) for number in range(200)))
"""


def test_processes_take_each_token_once_together(tmp_path: Path) -> None:
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(tmp_path / "used")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.write("go\n")
        taker.stdin.flush()
    assert sum(int(taker.communicate(timeout=60)[0]) for taker in takers) == 200


def test_what_has_long_ended_is_swept_and_what_may_live_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "used"
    used = UsedTokens(folder)
    used.take("a", "old")
    used.take("a", "young")
    kept = [file for file in folder.iterdir() if not file.name.startswith(".")]
    for file in kept[:1]:
        os.utime(file, (1, 1))
    monkeypatch.setattr(used_tokens, "SWEEP_EVERY", 1)
    used.take("a", "third")
    assert kept[0].exists() is False
    assert kept[1].exists() is True
    monkeypatch.setattr(used_tokens, "MAX_KEPT", 1)
    with pytest.raises(StoreError):
        used.take("a", "fourth")


def test_where_it_cannot_be_noted_no_token_is_good(tmp_path: Path) -> None:
    file = tmp_path / "used"
    file.write_text("no folder")
    with pytest.raises(StoreError, match="cannot be noted"):
        UsedTokens(file).take("a", "x")

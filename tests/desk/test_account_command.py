"""Accounts and a city's desk as commands: real processes, a real database, HTTPS with a certificate."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doorward.cli.account import add
from doorward.cli.desk import check_free
from doorward.errors import ConfigError
from tests_support.desk_city import account, make_city


@pytest.fixture(scope="module")
def city() -> Iterator[Path]:
    """A doorward.toml with a desk whose database is there and empty."""
    with make_city() as file:
        yield file


def assign(city: Path, login: str, **other: str) -> Any:
    held = {
        "role": "law",
        "order-role": "law-department",
        "agency": "CHICAGO-LAW",
        "by": "chief.example",
        **other,
    }
    return account(
        city, "assign", login, *(part for name, value in held.items() for part in (f"--{name}", value))
    )


def listed(city: Path, login: str) -> Any:
    (row,) = [one for one in json.loads(account(city, "list", "--json").stdout) if one["login"] == login]
    return row


def test_an_account_is_made_assigned_listed_and_ended(city: Path) -> None:
    made = account(city, "add", "counsel.example", "--password", given="a password of some length\n")
    assert (made.returncode, made.stderr) == (0, "")
    assert account(city, "add", "counsel.example").returncode == 2
    assert assign(city, "counsel.example").returncode == 0
    assert assign(city, "counsel.example", days="30").returncode == 0
    row = listed(city, "counsel.example")
    assert [one["role"] for one in row["assignments"]] == ["law"]
    assert (row["signs_in"], row["has_factor"]) == ("password", False)
    assert "1 assignments ended" in account(city, "end", "counsel.example").stdout
    row = listed(city, "counsel.example")
    assert (row["active"], row["assignments"]) == (False, [])
    assert (row["signs_in"], row["has_factor"]) == ("not yet", False)  # its password is gone


def test_a_login_is_of_ascii_since_another_may_be_the_same_in_small_letters(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ASCII"):
        add("\u212aim.example", tmp_path / "never-read.toml")


def test_a_client_secret_that_others_can_read_is_refused(city: Path) -> None:
    secret, other = city.with_name("desk-oidc"), city.with_name("provider.toml")
    secret.write_text("of a test", encoding="utf-8")
    given = 'issuer = "https://login.example"\nclient = "doorward"\nclient_secret = "desk-oidc"\n'
    other.write_text(city.read_text(encoding="utf-8") + given, encoding="utf-8")
    for mode, code, says in (
        (0o644, 2, "the client secret `desk-oidc` can be read by others"),
        (0o600, 0, ""),
    ):
        secret.chmod(mode)
        done = account(other, "list")
        assert done.returncode == code
        assert says in done.stderr


def test_an_invitation_is_an_address_of_the_desk_and_none_for_who_has_ended(city: Path) -> None:
    account(city, "add", "invited.example")
    first, second = (account(city, "invite", "invited.example") for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert re.fullmatch(r"https://desk\.example/account/first/\d+/[a-z0-9]+-[0-9a-f]+/\n", first.stdout)
    assert first.stdout != second.stdout
    account(city, "end", "invited.example")
    for login, says in (("invited.example", "has ended"), ("nobody.example", "there is no account")):
        done = account(city, "invite", login)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr


@pytest.mark.parametrize(
    ("other", "says"),
    [({"order-role": "king"}, "no role"), ({"agency": "MOON"}, "no agency"), ({"days": "91"}, "days")],
)
def test_what_the_order_does_not_know_is_refused(city: Path, other: dict[str, str], says: str) -> None:
    account(city, "add", "other.example")
    done = assign(city, "other.example", **other)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_short_password_is_refused_and_stands_in_no_argument(city: Path) -> None:
    done = account(city, "add", "short.example", "--password", given="short\n")
    assert done.returncode == 2
    assert "12 characters" in done.stderr


def test_a_port_that_is_taken_is_named_before_anything_is_prepared() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match="--desk-port"):
            check_free(address)
    check_free(address)

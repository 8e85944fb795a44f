"""Programs that file, as commands: a token is shown once, rotated, ended; a real process and a real database."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests_support.desk_city import account, make_city

TOKEN = re.compile("dwc_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n")
FLAGS = {
    "kind": "detainer", "order-role": "lockup-keeper", "agency": "CPD", "unit": "lock-up-1", "by": "chief.example",
}  # fmt: skip


@pytest.fixture(scope="module")
def city() -> Iterator[Path]:
    with make_city() as file:
        yield file


def client(city: Path, *arguments: str, **flags: str) -> Any:
    options = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", value)]
    return account(city, "client", *arguments, *options)


def add(city: Path, name: str, **flags: str) -> Any:
    return client(city, "add", name, **{**FLAGS, **flags})


def listed(city: Path, name: str) -> Any:
    rows = json.loads(client(city, "list", "--json").stdout)
    return next(row for row in rows if row["name"] == name)


def test_a_client_is_made_rotated_listed_and_ended(city: Path) -> None:
    made = add(city, "records-system")
    assert made.returncode == 0, made.stderr
    assert TOKEN.fullmatch(made.stdout)
    row = listed(city, "records-system")
    assert (row["kinds"], row["agency"], row["unit"]) == (["detainer"], "CPD", "lock-up-1")
    assert [one["id"] for one in row["tokens"]] == [made.stdout.split("_")[1]]
    assert made.stdout.split("_", 2)[2].strip() not in client(city, "list", "--json").stdout
    assert add(city, "records-system").returncode == 2
    rotated = client(city, "rotate", "records-system", by="chief.example", overlap_hours="0")
    assert TOKEN.fullmatch(rotated.stdout)
    assert [one["id"] for one in listed(city, "records-system")["tokens"]] == [rotated.stdout.split("_")[1]]
    assert "1 tokens ended" in client(city, "end", "records-system").stdout
    assert listed(city, "records-system")["tokens"] == []
    again = client(city, "rotate", "records-system", by="chief.example")
    assert (again.returncode, "was ended" in again.stderr) == (2, True)
    assert "client:records-system" not in account(city, "list").stdout
    assert account(city, "end", "client:records-system").returncode == 2
    assert account(city, "add", "client:records-system").returncode == 2


@pytest.mark.parametrize(
    ("name", "flags", "says"),
    [
        ("Upper", {}, "small letters"),
        ("x" * 61, {}, "small letters"),
        ("a", {"kind": "moon"}, "no kind"),
        ("a", {"order-role": "king"}, "no role"),
        ("a", {"agency": "MOON"}, "no agency"),
        ("a", {"days": "91"}, "days"),
    ],
)
def test_what_the_order_does_not_know_is_refused(
    city: Path, name: str, flags: dict[str, str], says: str
) -> None:
    done = add(city, name, **flags)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

"""An order for production is in force by a statement of two people: before it, after it, and in place of another."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.enactment import enact as put_into_force
from doorward.cli.folders import Folders
from doorward.notes.key_files import load_key
from doorward.notes.note import cosign_note, parse_note, sign_note
from doorward.orders.load import SHIPPED, load_pack
from doorward.orders.statement import format_statement, parse_statement
from tests_support.city import REGISTER, City, start_city

pytestmark = [pytest.mark.pg, pytest.mark.long]
OFFICE = "law department of a sample city"


@pytest.fixture(scope="module", name="city")
def city_fixture() -> Iterator[City]:
    """A city whose order some office adopted, with settings for production and two keys of a law department."""
    with start_city() as city:
        order = city.folder / "order"
        shutil.copytree(SHIPPED / "chicago", order, ignore=shutil.ignore_patterns("__pycache__"))
        text = (order / "order.toml").read_text(encoding="utf-8")
        (order / "order.toml").write_text(text.replace('"sample"', f'"{OFFICE}"'), encoding="utf-8")
        settings = city.config.read_text(encoding="utf-8")
        settings = settings.replace('order = "chicago"', 'order = "order"')
        city.config.write_text(settings.replace("production = false", "production = true"), encoding="utf-8")
        done = city.doorward(
            "order", "install", str(order), "--neither", "records_app", "--register", REGISTER,
            "--dsn", city.server.dsn(user="postgres", dbname="clear"),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = []
        for name in ("first", "second", "third"):
            made = city.doorward("order", "key", f"law/{name}", "--out", str(city.folder / f"{name}.key"))
            lines.append(made.stdout)
        (city.folder / "doorward" / "law.keys").write_text("".join(lines[:2]), encoding="utf-8")
        yield city


def sign(city: City, name: str, *signers: str, **stated: str) -> Path:
    note = city.folder / f"{name}.note"
    asked = [part for key, value in stated.items() for part in (f"--{key}", value)]
    for place, signer in enumerate(signers):
        done = city.doorward(
            "order", "sign", str(city.folder / "order"), "--key", str(city.folder / f"{signer}.key"),
            "--statement", str(note), *(asked if place == 0 else ()),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return note


def enact(city: City, note: Path) -> subprocess.CompletedProcess[str]:
    return city.doorward("order", "enact", str(note), "--config", str(city.config))


def end_in(city: City, before: Path, *, seconds: int) -> None:
    """Enact a statement that ends soon; not by commands, which may take longer than that."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # a moment that comes while the gateway runs
    last = parse_statement(parse_note(before.read_bytes()).text)
    stated = replace(last, number=2, until=now + timedelta(seconds=seconds), replaces=last.digest)
    raw = sign_note(format_statement(stated), load_key(city.folder / "first.key"))
    raw = cosign_note(raw, load_key(city.folder / "second.key"))
    put_into_force(Folders(city.folder / "doorward"), load_pack(city.folder / "order"), raw, now=now)


def ask_until(session: psycopg.Connection[Any], deadline: float) -> None:
    while time.monotonic() < deadline:
        session.execute("SELECT 1")
        time.sleep(0.1)


def test_an_order_is_in_force_by_the_statement_of_two_and_ends_with_it(city: City) -> None:
    check = ("config", "check", str(city.config))
    unstated = city.doorward(*check)
    assert (
        unstated.returncode,
        "no statement has put the order `chicago` into force" in unstated.stderr,
    ) == (2, True)
    refused = city.doorward("gateway", "--config", str(city.config))
    assert (refused.returncode, "no statement has put the order" in refused.stderr) == (2, True)

    one = enact(city, sign(city, "one", "first", effective="2026-01-01"))
    assert (one.returncode, "expected 2 signatures" in one.stderr) == (2, True)
    stranger = enact(city, sign(city, "stranger", "first", "third", effective="2026-01-01"))
    assert (stranger.returncode, "expected 2 signatures" in stranger.stderr) == (2, True)

    first = sign(city, "1", "first", "second", effective="2026-01-01")
    done = enact(city, first)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "number 1, in force from 2026-01-01 00:00 UTC without an end, signed by law/first, law/second"
        in done.stdout
    )
    stated = city.doorward(*check)
    assert stated.returncode == 0, stated.stderr
    assert "statement: number 1" in stated.stdout
    city.start_gateway()
    with city.connect() as session:
        assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)
    later = sign(
        city, "later", "first", "second", number="2", effective="2099-01-01", replaces=str(first)
    )  # fmt: skip
    early = enact(city, later)
    assert (early.returncode, "not in force before 2099-01-01" in early.stderr) == (2, True)
    deadline = time.monotonic() + 60
    with city.connect() as session:
        end_in(city, first, seconds=10)
        with pytest.raises(psycopg.OperationalError, match="another order is in force"):
            ask_until(session, deadline)
    with pytest.raises(psycopg.OperationalError):
        city.connect()
    back = enact(city, first)
    assert (back.returncode, "was in force already" in back.stderr) == (2, True)
    code, _, faults = city.stop_gateway()
    assert code == 0, faults


def test_a_statement_about_another_pack_is_refused(city: City) -> None:
    about = load_pack("chicago").digest
    assert about != load_pack(city.folder / "order").digest
    collections = city.folder / "own.toml"
    shutil.copy(SHIPPED / "chicago/collections.toml", collections)
    collections.write_text(collections.read_text(encoding="utf-8") + "\n# a city's own\n", encoding="utf-8")
    note = city.folder / "own.note"
    for signer, asked in (("first", ["--effective", "2026-02-01", "--number", "9"]), ("second", [])):
        done = city.doorward(
            "order", "sign", str(city.folder / "order"), "--key", str(city.folder / f"{signer}.key"),
            "--statement", str(note), "--collections", str(collections), *asked,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    refused = enact(city, note)
    assert (refused.returncode, "is about the pack" in refused.stderr) == (2, True)

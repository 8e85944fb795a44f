"""Who booked it: a key on file proves it, a typed login says that it is typed; two commands at once; rules that change."""

import json
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from doorward.cli.folders import Folders
from doorward.cli.fund_record import fund_recorder
from doorward.cli.main import app, exit_code
from doorward.embedded.launcher import Cluster
from doorward.errors import DoorwardError, StoreError
from doorward.record.entry import Entry, Field, Kind
from doorward.record.replay import Block
from doorward.record.segments import SpoolReader
from doorward.record.workers import FUND, worker_folder, worker_of
from tests_support.payments import FORM_TEXT, file_of, row

pytestmark = pytest.mark.pg
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class City:
    """A data folder whose fund is on the server of the tests."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.cluster, self.folders = cluster, Folders(folder / "data")
        self.folders.make()
        where = {"socket_dir": str(cluster.spec.socket_dir), "port": cluster.spec.port}
        (self.folders.run / "record.json").write_text(json.dumps(where), encoding="utf-8")
        with closing(self.connect("postgres")) as connection:
            connection.execute("DROP DATABASE IF EXISTS doorward_fund WITH (FORCE)")

    def connect(self, dbname: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self.cluster.dsn(user="postgres", dbname=dbname), autocommit=True)

    def run(self, *words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["fund", *words, "--data", str(self.folders.data)])
        if isinstance(result.exception, DoorwardError):
            return exit_code(result.exception), str(result.exception)
        return result.exit_code, result.stdout

    def key(self, name: str, *, on_file: bool = True) -> Path:
        file = self.folders.data.parent / f"{name.replace('/', '-')}.key"
        made = CliRunner().invoke(app, ["order", "key", name, "--out", str(file)])
        assert made.exit_code == 0, made.output
        if on_file:
            with self.folders.officials.open("a") as sink:
                sink.write(made.stdout.strip().splitlines()[-1] + "\n")
        return file

    def entries(self) -> list[Entry]:
        found = SpoolReader(worker_folder(self.folders.spool, FUND)).read()
        return [
            entry
            for one in found
            if isinstance(one, Block)
            for entry in one.entries
            if entry.kind is Kind.FUND
        ]


@pytest.fixture(name="city")
def city_fixture(tmp_path: Path, fund_cluster: Cluster) -> City:
    city = City(tmp_path, fund_cluster)
    assert city.run("install")[0] == 0
    return city


def test_a_key_on_file_proves_who_and_a_typed_login_says_that_it_is_typed(city: City) -> None:
    manager, director = city.key("fund-manager/fay.example"), city.key("fund-director/dora.example")
    stranger = city.key("fund-manager/eve.example", on_file=False)
    on = ("--on", "2026-03-01")
    code, said = city.run("open-year", "2026", "--sign-with", str(stranger), *on)
    assert (code, "is not on file" in said) == (2, True)
    code, said = city.run("open-year", "2026", "--sign-with", str(director), *on)
    assert (code, "may not do this; a key of fund-manager may" in said) == (2, True)
    code, said = city.run("open-year", "2026", "--sign-with", str(manager), "--by", "gus.example", *on)
    assert (code, "names another" in said) == (2, True)
    assert city.run("open-year", "2026", *on)[0] == 2
    assert city.run("open-year", "2026", "--sign-with", str(manager), *on)[0] == 0
    assert city.run("open-year", "2027", "--by", "fay.example", *on)[0] == 0
    posts = [one for one in city.entries() if one.get(Field.ACT) == b"post"]
    assert [(one.get(Field.LOGIN), one.get(Field.AUTHENTICATION), one.get(Field.EVIDENCE) is None) for one in posts] == [
        (b"fay.example", b"key fund-manager", False), (b"fay.example", b"typed", True),
    ]  # fmt: skip
    assert {worker_of(one.sequence) for one in posts} == {FUND}
    assert city.run("verify")[0] == 0


def test_a_signature_that_is_not_that_of_the_transaction_is_found(city: City) -> None:
    from doorward.fund.compare import Told, compare
    from doorward.fund.ledger.operations import format_submission, parse_transaction
    from doorward.notes.key_files import load_key

    signer = load_key(city.key("fund-manager/fay.example"))
    assert (
        city.run(
            "open-year", "2026", "--sign-with", str(city.folders.data.parent / "fund-manager-fay.example.key")
        )[0]
        == 0
    )
    (entry,) = [one for one in city.entries() if one.get(Field.ACT) == b"post"]
    text = (entry.get(Field.TEXT) or b"").decode()
    told = [Told(1, entry.sequence, text, ())]
    assert compare(told, city.entries(), {}, keys=[signer.verifier]).wrong == ()
    assert text.split('"key"')[0] in format_submission(parse_transaction(text)[0])
    other = bytes(64)
    forged = tuple(
        (name, _b64(signer.verifier.id + other) if name is Field.EVIDENCE else value)
        for name, value in entry.fields
    )
    false = Entry(entry.kind, entry.sequence, entry.time_us, entry.session, 0, entry.salt, forged)
    (line,) = compare(told, [false], {}, keys=[signer.verifier]).wrong
    assert line == f"transaction 1: the signature in entry {entry.sequence} does not hold"


def _b64(raw: bytes) -> bytes:
    from base64 import b64encode

    return b64encode(raw)


def test_a_second_command_waits_for_the_first_and_says_so_where_it_does_not_end(city: City) -> None:
    with fund_recorder(city.folders, now=NOW):
        with (
            pytest.raises(StoreError, match="another command of the fund has been recording"),
            fund_recorder(city.folders, now=NOW, wait_seconds=0.1),
        ):
            pass
        codes: list[int] = []
        second = threading.Thread(
            target=lambda: codes.append(city.run("open-year", "2026", "--by", "fay.example")[0])
        )
        second.start()
    second.join(60)
    assert codes == [0]


def test_rules_that_change_are_in_the_record_and_changed_around_it_are_found(
    city: City, tmp_path: Path
) -> None:
    import shutil

    import doorward.orders

    folder = tmp_path / "ours"
    shutil.copytree(Path(doorward.orders.__file__).parent / "chicago", folder)
    words = (folder / "fund.toml").read_text()
    off = words.replace(
        '"Payment of bond"\nservices = ["bond-payment"]\nenabled = false',
        '"Payment of bond"\nservices = ["bond-payment"]\nenabled = true',
    )
    assert off != words
    (folder / "fund.toml").write_text(off)
    assert "the order's rules were in already" in city.run("install")[1]
    assert "the order's rules are in, and recorded" in city.run("install", "--order", str(folder))[1]
    changes = [one for one in city.entries() if one.get(Field.ACT) == b"rules"]
    assert len(changes) == 2
    assert b'"bond":{"carries":false,"enabled":true' in (changes[1].get(Field.TEXT) or b"")
    assert changes[1].get(Field.AUTHENTICATION) == b"operating system"
    assert city.run("verify")[0] == 0
    with closing(city.connect("doorward_fund")) as connection:
        connection.execute("UPDATE fund.rule SET approvals = 9")
    code, said = city.run("verify")
    assert code == 1
    assert f"the rules are not what entry {changes[1].sequence} put in" in said


def test_payments_are_confirmed_with_a_key_on_file_and_the_record_has_its_signature(
    city: City, tmp_path: Path
) -> None:
    (tmp_path / "form.toml").write_text(
        FORM_TEXT.replace("grantee-of-north", "north-legal"), encoding="utf-8"
    )
    (tmp_path / "paid.csv").write_bytes(file_of(row("PV-1", "c-1", "10.00")))
    on = ("--on", "2026-03-01")
    days = ("--begins", "2026-01-01", "--ends", "2026-12-31", *on)
    for words in (
        ("open-year", "2026", "--by", "fay.example", *on),
        ("appropriate", "--year", "2026", "--line", "legal", "--amount", "100", "--source", "ordinance",
         "--reference", "SO-1", "--by", "fay.example", *on),
        ("agree", "a-1", "--grantee", "north-legal", "--year", "2026", "--part", "legal=50", "--by", "fay.example", *days),
        ("post", "a-1", "--by", "dan.example", *on),
        ("invoice", "c-1", "--agreement", "a-1", "--number", "N-1", "--year", "2026", "--part", "legal:screening=10",
         "--by", "kim.example", *days),
        ("approve", "c-1", "--by", "fay.example", *on),
        ("approve", "c-1", "--by", "dan.example", *on),
        ("payments", "import", str(tmp_path / "paid.csv"), "--form", str(tmp_path / "form.toml"), "--by", "kim.example"),
    ):  # fmt: skip
        code, out = city.run(*words)
        assert code == 0, out
    assert city.run("payments", "confirm", "--exact")[0] == 2  # nobody says so
    stranger = city.key("fund-manager/eve.example", on_file=False)
    assert city.run("payments", "confirm", "--exact", "--sign-with", str(stranger))[0] == 2
    code, out = city.run(
        "payments", "confirm", "--exact", "--sign-with", str(city.key("fund-manager/fay.example"))
    )
    assert code == 0, out
    confirmed, posted, _ = city.entries()[-3:]
    assert confirmed.get(Field.ACT) == b"payments-confirmed"
    assert confirmed.get(Field.AUTHENTICATION) == posted.get(Field.AUTHENTICATION) == b"key fund-manager"
    assert (posted.get(Field.WHAT), bool(posted.get(Field.EVIDENCE))) == (b"pay", True)
    assert city.run("verify")[0] == 0

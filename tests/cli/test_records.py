"""`doorward records`: what is signed is on file, and a sealed paper is shown to nobody but its signer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.folders import Folders
from doorward.cli.main import app, exit_code
from doorward.errors import DoorwardError
from doorward.grants.cut_files import load_officers
from doorward.grants.records import Record, RecordKind, format_record, verify_record

UNTIL = ("--until", "2027-06-01", "--evidence", "letter 7", "--reason", "the original was seen")


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def invoke(*arguments: str) -> Done:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, DoorwardError):
        return Done(exit_code(result.exception), result.stdout, str(result.exception))
    return Done(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(name="doorward")
def doorward_fixture(tmp_path: Path) -> Run:
    Folders(tmp_path / "data").make()
    return lambda *arguments: invoke(*arguments, "--data", str(tmp_path / "data"))


def official(folder: Path, name: str) -> str:
    file = folder / f"{name.replace('/', '-')}.key"
    with (folder / "data/officials.keys").open("a") as keys:
        keys.write(invoke("order", "key", name, "--out", str(file)).stdout)
    return str(file)


def test_a_sealed_paper_is_listed_and_shown_to_its_signer_only(doorward: Run, tmp_path: Path) -> None:
    finn, erin = official(tmp_path, "law/finn.example"), official(tmp_path, "supervisor/erin.example")
    about = ("--class", "court_criminal", "--matter", "M-1", "--verified-with", "the clerk of the court")
    for sealed, key in (((), erin), (("--sealed",), finn)):
        done = doorward("records", "paper", *about, *sealed, "--key", key, *UNTIL)
        assert (done.returncode, done.stderr) == (0, "")

    def listed(*key: str) -> list[str]:
        return [
            row["sealed"] for row in json.loads(doorward("records", "list", "--json", "--all", *key).stdout)
        ]

    assert (listed(), listed("--key", erin), listed("--key", finn)) == (["no"], ["no"], ["no", "yes"])
    rows = json.loads(doorward("records", "list", "--json", "--key", finn).stdout)
    hidden = next(row["record"] for row in rows if row["sealed"] == "yes")
    assert doorward("records", "show", hidden).returncode == 2
    assert "M-1" in doorward("records", "show", hidden, "--key", finn).stdout


def test_a_record_that_was_taken_back_says_by_whom_and_why(doorward: Run, tmp_path: Path) -> None:
    finn = official(tmp_path, "law/finn.example")
    says = ("--matter", "R-9", "--says", "the record is public")
    assert doorward("records", "determine", "--clause", "C20a6", *says, "--key", finn, *UNTIL).returncode == 0
    (row,) = json.loads(doorward("records", "list", "--json").stdout)
    why = ("--evidence", "memo 3", "--reason", "a court said otherwise")
    assert doorward("records", "revoke", row["record"], "--key", finn, *why).returncode == 0
    assert json.loads(doorward("records", "list", "--json").stdout) == []
    shown = json.loads(doorward("records", "show", row["record"], "--json").stdout)
    assert shown["state"] == "taken back"
    assert "a court said otherwise" in shown["taken_back"]


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("declare", "--agency", "NOWHERE"), "is no agency of the order", 2),
        (("determine", "--clause", "Z9", "--matter", "m", "--says", "s"), "is no clause of the order", 2),
        (("paper", "--class", "letter", "--matter", "m", "--verified-with", "v"), "is no class of paper", 2),
        (("declare", "--agency", "IN-PD"), "is signed by the office `law`", 1),
    ],
    ids=range(4),
)
def test_what_is_no_record_is_told(
    doorward: Run, tmp_path: Path, arguments: tuple[str, ...], said: str, code: int
) -> None:
    erin = official(tmp_path, "supervisor/erin.example")
    done = doorward("records", *arguments, "--key", erin, *UNTIL)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert json.loads(doorward("records", "list", "--json", "--all").stdout) == []


def test_an_adoption_is_of_a_tenant_and_a_kind_of_place_of_the_order(doorward: Run, tmp_path: Path) -> None:
    finn, erin = official(tmp_path, "law/finn.example"), official(tmp_path, "supervisor/erin.example")
    school = ("records", "adopt", "--tenant", "cps", "--place", "school")
    done = doorward(*school, "--key", finn, *UNTIL)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = json.loads(doorward("records", "list", "--json").stdout)
    assert (row["kind"], row["about"]) == ("adoption", "cps.school")
    assert doorward(*school, "--key", erin, *UNTIL).returncode == 1
    for tenant, place in (("moon", "school"), ("cps", "castle"), ("unknown", "school")):
        done = doorward("records", "adopt", "--tenant", tenant, "--place", place, "--key", finn, *UNTIL)
        assert (done.returncode, "no word of the order" in done.stderr) == (2, True)


def test_a_register_of_places_is_checked_and_listed(doorward: Run, tmp_path: Path) -> None:
    assert doorward("places", "check").returncode == 2
    file = tmp_path / "data" / "places.toml"
    sample = Path(__file__).parents[2] / "src/doorward/desk/sample_places.toml"
    file.write_bytes(sample.read_bytes())
    assert doorward("places", "check").stdout == "4 places with 5 parts, no fault\n"
    listed = doorward("places", "list").stdout.splitlines()
    assert "branch-1/staff-office\tlibrary\tcity\tnever public" in listed
    file.write_text(file.read_text().replace('tenant = "cha"', 'tenant = "moon"'))
    done = doorward("places", "check")
    assert done.returncode == 1
    assert done.stdout == "places.toml:44:1: `moon` is no word of the order\n"


def test_a_record_that_the_desk_worded_is_signed_and_put_nowhere(tmp_path: Path) -> None:
    Folders(tmp_path / "data").make()
    finn, words, note = (
        official(tmp_path, "law/finn.example"),
        tmp_path / "words.txt",
        tmp_path / "signed.note",
    )
    begins = datetime(2026, 12, 1, tzinfo=UTC)
    more = (("matter", "2026-000007"), ("says", "the writing is on file"))
    record = Record(
        RecordKind.DETERMINATION,
        "C30a1",
        begins,
        begins + timedelta(days=9),
        "memo 9",
        "read by counsel",
        more,
    )
    words.write_bytes(format_record(record))
    done = invoke("records", "sign", str(words), "--key", finn, "--out", str(note))
    assert (done.returncode, "signed: determination about C30a1" in done.stdout) == (0, True)
    found = verify_record(note.read_bytes(), load_officers(tmp_path / "data/officials.keys"))
    assert (found.by, found.id) == ("law/finn.example", record.id)
    assert not (tmp_path / "data/records.json").exists()
    for raw in (b"", words.read_bytes() + b"x", note.read_bytes(), b"x" * 9000):
        words.write_bytes(raw)
        note.unlink(missing_ok=True)
        assert invoke("records", "sign", str(words), "--key", finn, "--out", str(note)).returncode in {1, 3}
        assert not note.exists()
    assert (
        invoke("records", "sign", str(tmp_path / "none"), "--key", finn, "--out", str(note)).returncode == 2
    )
